"""What phonons do to currents in the normal metal, from α²_tr F.

`rates` are the scattering rates of a steady current and of light, linear in α²_tr F;
`resistivity` is in µΩ cm.
"""

from .rates import optical_rate as optical_rate
from .rates import resistivity_rate as resistivity_rate
from .resistivity import resistivity as resistivity
