"""What can be measured of α²F: one file a kind of data, with its errors and its prediction.

`spectral` is what all kinds share; `heat`, `self_energy`, `weight`, `transition` and `relaxation`
are the kinds; `table` reads them from a file, `axis` says what they are drawn over.
"""

from .heat import HeatData as HeatData
from .relaxation import RelaxationData as RelaxationData
from .self_energy import SelfEnergyData as SelfEnergyData
from .spectral import SpectralData as SpectralData
from .transition import TcData as TcData
from .weight import WeightData as WeightData
