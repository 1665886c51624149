"""What phonons do to currents in the normal metal, from α²_tr F.

`rates` are the scattering rates of a steady current and of light, linear in α²_tr F;
`resistivity` is in µΩ cm; `optics` is the conductivity without vertex corrections, by the
self-energy, and what follows from it; `thermal` is heat. `properties` puts them
together in K, meV and µΩ cm.
"""

from .optics import extended_drude as extended_drude
from .optics import optical_conductivity as optical_conductivity
from .optics import permittivity as permittivity
from .optics import reflectivity as reflectivity
from .properties import TransportProperties as TransportProperties
from .properties import bloch_grueneisen_rate as bloch_grueneisen_rate
from .properties import transport_properties as transport_properties
from .rates import optical_rate as optical_rate
from .rates import resistivity_rate as resistivity_rate
from .resistivity import resistivity as resistivity
from .thermal import boltzmann_rates as boltzmann_rates
from .thermal import heat_rate as heat_rate
from .thermal import lorenz_ratio as lorenz_ratio
from .thermal import thermal_conductivity as thermal_conductivity
