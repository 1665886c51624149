"""One function at many points, on all the devices there are."""

from .space import points as points
from .space import product as product
from .space import samples as samples
from .space import stack_spectra as stack_spectra
from .store import SweepWarning as SweepWarning
from .sweep import sweep as sweep
