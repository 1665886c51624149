"""Is the normal metal kinetically stable, how close to the edge, and at what rates does it relax?

`pencil` puts the linearised kinetic equation Ã dδf/dt = -M̃ δf on a grid; `margin` is the
smallest eigenvalue of Ã; `modes` solves the pencil, `dissipation` and `activated` keep M̃ exact
where rates are tiny; `critical` has the three criteria with their critical couplings; `rates` are
closed forms to compare with.
"""

from .critical import CRITERIA as CRITERIA
from .critical import critical_coupling as critical_coupling
from .critical import critical_coupling_scaled as critical_coupling_scaled
from .critical import grid_error as grid_error
from .critical import margin as margin
from .margin import search_softest_mode as search_softest_mode
from .margin import softest_mode as softest_mode
from .margin import stability_margin as stability_margin
from .modes import NormalModes as NormalModes
from .modes import extreme_rates as extreme_rates
from .modes import normal_modes as normal_modes
from .modes import pencil_modes as pencil_modes
from .modes import slowest_rate as slowest_rate
from .pencil import StabilityPencil as StabilityPencil
from .pencil import stability_pencil as stability_pencil
from .rates import allen_rate as allen_rate
from .rates import continuum_rate as continuum_rate
from .rates import two_temperature_rate as two_temperature_rate
