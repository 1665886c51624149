"""jaxelph: differentiable physics of electrons and phonons in metals.

Importing the package turns on JAX's 64-bit mode, without which none of the digits
promised here exist; set the environment variable `JAXELPH_X64=0` to be left alone.
"""

import os as _os

import jax as _jax

if _os.environ.get("JAXELPH_X64", "1") != "0":
    _jax.config.update("jax_enable_x64", True)

from .examples import EXAMPLES as EXAMPLES
from .examples import example as example
from .spectrum import DebyeSpectrum as DebyeSpectrum
from .spectrum import EinsteinModes as EinsteinModes
from .spectrum import EliashbergFunction as EliashbergFunction
from .spectrum import GaussianPeaks as GaussianPeaks
from .spectrum import Provenance as Provenance
from .spectrum import TabulatedSpectrum as TabulatedSpectrum
from .spectrum import coupling_constant as coupling_constant
from .spectrum import cumulative_coupling as cumulative_coupling
from .spectrum import log_frequency as log_frequency
from .spectrum import maximum_frequency as maximum_frequency
from .spectrum import moment as moment
from .spectrum import rms_frequency as rms_frequency
from .spectrum import spectral_area as spectral_area

__version__ = "0.1.0"
