"""What can be measured of α²F: one file a kind of data, with its errors and its prediction.

`spectral` is what all kinds share; `heat`, `total_heat`, `self_energy`, `weight`, `relaxation`,
`resistivity`, `optical`, `reflectivity`, `gap`, `transition` and `tunnelling` (with `junction`, its
model) are the kinds; `ratio` ties those of transport to the others. `measured` reads tables as
people have them, with `header` for names and units; `table` makes them data, `axis` says what they
are drawn over. `made` makes them of a known spectrum, `samples` an example file of each.
"""

from .gap import GapData as GapData
from .heat import HeatData as HeatData
from .optical import OpticalData as OpticalData
from .reflectivity import ReflectivityData as ReflectivityData
from .relaxation import RelaxationData as RelaxationData
from .resistivity import ResistivityData as ResistivityData
from .self_energy import SelfEnergyData as SelfEnergyData
from .spectral import SpectralData as SpectralData
from .total_heat import TotalHeatData as TotalHeatData
from .transition import TcData as TcData
from .tunnelling import TunnellingData as TunnellingData
from .weight import WeightData as WeightData
