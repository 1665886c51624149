"""Readers of α²F(ω) as electron-phonon codes write it; see `read_a2f`."""

from ..source import summarise as summarise
from ._errors import SpectrumFileError as SpectrumFileError
from ._errors import SpectrumWarning as SpectrumWarning
from .phonon_dos import PhononStates as PhononStates
from .phonon_dos import read_phonon_dos as read_phonon_dos
from .read import FORMATS as FORMATS
from .read import read_a2f as read_a2f
from .read import read_all_columns as read_all_columns
