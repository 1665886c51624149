"""What each kind of data is drawn over, in K, meV and ps."""

from typing import NamedTuple

import numpy as np

from ...units import HBAR, KELVIN
from .gap import GapData
from .heat import HeatData
from .optical import OpticalData
from .reflectivity import ReflectivityData
from .relaxation import RelaxationData
from .resistivity import ResistivityData
from .self_energy import SelfEnergyData
from .spectral import SpectralData
from .total_heat import TotalHeatData
from .transition import TcData
from .tunnelling import TunnellingData
from .weight import WeightData


def picoseconds(time):
    """A rescaled time, 1/meV, in ps: the kinetic equation's t is πt/ħ."""
    return np.asarray(time) * HBAR / np.pi


class Axis(NamedTuple):
    """What a data set is drawn over, a value a datum, and what its values are."""

    values: np.ndarray
    long_name: str
    units: str
    factor: float  # what the data are multiplied by to be in `data_units`
    data_units: str
    parts: tuple[str, ...] = ("",)  # curves of equal length, one after the other


def axis_of(item: SpectralData) -> Axis:
    """The axis of a data set and its units, in K, meV and ps.

    Example:
        >>> data = HeatData([KELVIN, 2 * KELVIN], [1.0, 1.1], [0.1, 0.1])
        >>> axis_of(data).values.round(12).tolist(), axis_of(data).units
        ([1.0, 2.0], 'K')
    """
    if isinstance(item, HeatData):
        return Axis(item.temperature / KELVIN, "temperature T", "K", 1.0, "1")
    if isinstance(item, SelfEnergyData):
        given = {"real": item.real, "imaginary": item.imaginary}
        parts = tuple(name for name, part in given.items() if part is not None)
        return Axis(np.tile(item.energy, len(parts)), "energy E", "meV", 1.0, "meV", parts)
    if isinstance(item, WeightData):
        return Axis(item.energy, "energy E", "meV", 1.0, "1")
    if isinstance(item, RelaxationData):
        return Axis(picoseconds(item.time), "time t", "ps", 1 / KELVIN, "K")
    if isinstance(item, ResistivityData):
        return Axis(item.temperature / KELVIN, "temperature T", "K", 1.0, "µΩcm")
    if isinstance(item, OpticalData):
        return Axis(item.frequency, "energy Ω", "meV", 1.0, "meV")
    if isinstance(item, ReflectivityData):
        return Axis(item.frequency, "energy Ω", "meV", 1.0, "1")
    if isinstance(item, GapData):
        return Axis(item.temperature / KELVIN, "temperature T", "K", 1.0, "meV")
    if isinstance(item, TotalHeatData):
        return Axis(item.temperature / KELVIN, "temperature T", "K", 1.0, "mJ/molK")
    if isinstance(item, TunnellingData):
        return Axis(item.bias, "bias V", "mV", 1.0, "1")
    if isinstance(item, TcData):
        return Axis(np.zeros(1), "", "1", 1 / KELVIN, "K")
    return Axis(np.arange(1.0, len(item.values) + 1), "datum", "1", 1.0, "")
