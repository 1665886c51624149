"""Data of a kind that a known spectrum makes: for plans of a measurement, and for examples."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import numpy as np

from ...spectra.moments import maximum_frequency
from ...spectra.spectrum import EliashbergFunction
from .gap import GapData
from .heat import HeatData
from .optical import OpticalData
from .resistivity import ResistivityData
from .self_energy import SelfEnergyData
from .spectral import SpectralData
from .total_heat import TotalHeatData
from .tunnelling import TunnellingData
from .weight import WeightData

#: The kinds, and what an error is a share of: each value, the largest of them, or 1.
SHARE_OF = {
    "heat": "value",
    "total heat": "value",
    "weight": "value",
    "gap": "largest",
    "resistivity": "value",
    "self-energy": "largest",
    "optical": "largest",
    "tunnelling": "1",
}
# A share of a value is one of at least this share of the largest.
_LEAST = 1e-3


def made_data(
    kind: str,
    spectrum: EliashbergFunction,
    points,
    level: float,
    *,
    temperature: float | None = None,
    seed: int | None = None,
    offset: float = 0.0,
    **options: Any,
) -> SpectralData:
    """Data of a kind as a spectrum in meV predicts them, with noise if there is a seed.

    Args:
        kind: of `SHARE_OF`.
        spectrum: an Eliashberg function.
        points (array of shape (datum,), meV): temperatures or energies.
        level (scalar): the error, as a share of what `SHARE_OF` says; of a value, of at least a
            thousandth of the largest.
        temperature (scalar, meV): of self-energy, weight, optical and tunnelling.
        seed: of the noise; without one there is none.
        offset (scalar): added to all values: ρ0, or 1/τ of impurities, that data of a sample have.
        options: of the kind's data, `plasma` for example.

    Raises:
        ValueError: an unknown kind, or numbers that its data refuse.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> data = made_data("heat", EinsteinModes([1.0], [1.0]), [0.01, 0.1], 0.02)
        >>> print(data.values.round(4), data.error.round(4))
        [2.0024 2.3877] [0.04   0.0478]
    """
    if kind not in SHARE_OF:
        raise ValueError(f"kind {kind!r} cannot be made; use one of {', '.join(SHARE_OF)}.")
    points = np.atleast_1d(np.asarray(points, dtype=float))
    top = float(maximum_frequency(spectrum))
    build = _builder(kind, points, temperature, top, options)
    blank = build(np.ones(len(points)), np.ones(len(points)))
    value = np.asarray(_predicted(blank, spectrum)) + offset
    largest = np.max(np.abs(value))
    # No instrument tells a share of nothing: a frozen resistivity is not known to a per cent.
    own = np.maximum(np.abs(value), _LEAST * largest)
    size = {"value": own, "largest": largest, "1": 1.0}[SHARE_OF[kind]]
    error = level * size * np.ones(len(value))
    if kind == "weight":  # fitted is 1/Z
        value, error = 1 / value, error / value**2
    if seed is not None:
        value = value + error * np.random.default_rng(seed).normal(size=len(value))
    return build(value, error)


@eqx.filter_jit
def _predicted(data, spectrum):
    # One program: left to itself each operation would be compiled for its own.
    return data.predict(spectrum)


def _builder(kind, points, temperature, top, options) -> Callable[..., Any]:
    simple = {
        "heat": HeatData,
        "total heat": TotalHeatData,
        "gap": GapData,
        "resistivity": ResistivityData,
    }
    if kind in simple:
        return lambda value, error: simple[kind](points, value, error, **options)
    if temperature is None:
        raise ValueError(f"{kind} data are of one temperature; give it.")
    if kind == "weight":
        return lambda value, error: WeightData(temperature, points, value, error, **options)
    if kind == "optical":
        return lambda value, error: OpticalData(temperature, points, value, error, **options)
    if kind == "tunnelling":
        given = {"top": top} | options
        return lambda value, error: TunnellingData(temperature, points, value, error, **given)

    def self_energy(value, error):
        count = len(points)
        real, imaginary = np.split(np.resize(value, 2 * count), 2)
        return SelfEnergyData(temperature, points, real, imaginary, error[:count], **options)

    return self_energy
