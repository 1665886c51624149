"""Units: the one place that knows physical constants.

Inside the package every energy carries the caller's unit (k_B = ħ = 1). Where people meet
it (files, reports, figures) energies are in meV, temperatures in K and times in ps. The
values come from `scipy.constants`.
"""

import math
from typing import TYPE_CHECKING, Any, TypeVar

from scipy import constants as _c

if TYPE_CHECKING:  # constants need no jax
    import jax
    import numpy as np

    Numbers = TypeVar("Numbers", float, np.ndarray, jax.Array)
else:
    Numbers = Any  # whatever can be multiplied by a number

_JOULE_PER_MEV = _c.electron_volt * 1e-3

#: Boltzmann's constant in meV/K.
KELVIN = _c.k / _JOULE_PER_MEV

#: Reduced Planck constant in meV ps: a rate γ in meV is γ / HBAR per ps.
HBAR = _c.hbar / _JOULE_PER_MEV * 1e12

#: ρ = DRUDE · (ħ/τ in meV)/(ħω_p in eV)² in µΩ cm, from ρ = 1/(ε0 ω_p² τ).
DRUDE = 1e8 * _c.hbar / (_c.epsilon_0 * _c.electron_volt) * 1e-3

#: Sommerfeld's value of κρ/T, L0 = (π²/3)(k_B/e)² in W Ω/K².
LORENZ = math.pi**2 / 3 * (_c.k / _c.electron_volt) ** 2

#: One of each frequency unit, in meV. "rad/ps" is the angular frequency 2π·THz.
MEV_PER_UNIT: dict[str, float] = {
    "meV": 1.0,
    "eV": 1e3,
    "Ha": _c.value("Hartree energy in eV") * 1e3,
    "Ry": _c.value("Rydberg constant times hc in eV") * 1e3,
    "K": KELVIN,
    "THz": _c.h * 1e12 / _JOULE_PER_MEV,
    "rad/ps": _c.hbar * 1e12 / _JOULE_PER_MEV,
    "cm-1": _c.h * _c.c * 100 / _JOULE_PER_MEV,
}

_SPELLINGS = {name.lower(): name for name in MEV_PER_UNIT} | {
    "rydberg": "Ry",
    "hartree": "Ha",
    "kelvin": "K",
    "1/cm": "cm-1",
    "2pithz": "rad/ps",
    "radthz": "rad/ps",
    "radps-1": "rad/ps",
}

# What typesetting puts around a unit: cm$^{-1}$, cm**-1 and cm⁻¹ are one, as are 2π·THz and
# 2*pi*THz.
_TYPESET = str.maketrans({c: "" for c in "${}^*·\\ "} | {"π": "pi", "−": "-", "⁻": "-", "¹": "1"})


def frequency_unit(name: str) -> str:
    """The canonical spelling of a frequency unit.

    Args:
        name: any of `MEV_PER_UNIT`, in any case, or a common alias ("Hartree", "cm^-1", "1/cm").

    Raises:
        ValueError: the unit is not known; the message lists those that are.

    Example:
        >>> frequency_unit("hartree"), frequency_unit("cm$^{-1}$")
        ('Ha', 'cm-1')
    """
    try:
        return _SPELLINGS[name.translate(_TYPESET).lower()]
    except KeyError:
        known = ", ".join(MEV_PER_UNIT)
        raise ValueError(f"unit {name!r} is not known; use one of {known}.") from None


def to_mev(value: Numbers, unit: str) -> Numbers:
    """`value` in `unit` expressed in meV.

    Args:
        value (scalar or array): in `unit`.
        unit: see `frequency_unit`.

    Raises:
        ValueError: the unit is not known.

    Example:
        >>> round(to_mev(1.0, "THz"), 9)
        4.135667697
    """
    return value * MEV_PER_UNIT[frequency_unit(unit)]


def density_to_mev(density: Numbers, volume: Numbers) -> Numbers:
    """The energy in meV that a cell has of an energy per volume.

    Args:
        density (scalar or array, J/cm³): for a pulse, absorbed fluence over penetration depth.
        volume (scalar or array, Å³): of the cell.

    Example:
        >>> round(density_to_mev(100.0, 18.0), 4)
        11.2347
    """
    return density * volume * (1e-24 / _JOULE_PER_MEV)


def kelvin_to_mev(temperature: Numbers) -> Numbers:
    """k_B T in meV for a temperature in K.

    Args:
        temperature (scalar or array, K): T.

    Example:
        >>> round(kelvin_to_mev(300.0), 6)
        25.852
    """
    return temperature * KELVIN


def mev_to_kelvin(energy: Numbers) -> Numbers:
    """Temperature in K whose k_B T is `energy` in meV.

    Args:
        energy (scalar or array, meV): k_B T.

    Example:
        >>> round(mev_to_kelvin(1.0), 5)
        11.60452
    """
    return energy / KELVIN


def mev_to_per_ps(rate: Numbers) -> Numbers:
    """Rate in 1/ps of a rate γ in meV in the rescaled time t → πt of the kinetic equation.

    The kinetic equation (29) is written in a time stretched by π; undoing it multiplies
    every rate by π: γ[1/ps] = π γ[meV] / ħ.

    Args:
        rate (scalar or array, meV): γ.

    Example:
        >>> round(mev_to_per_ps(1.0), 5)
        4.77292
    """
    return math.pi * rate / HBAR


def check_kelvin(temperature: float, name: str) -> float:
    """The temperature itself, once it is known to be one.

    Raises:
        ValueError: it is not a positive number; `name` is the argument or option it came by.

    Example:
        >>> check_kelvin(4.2, "--temperature")
        4.2
    """
    if not 0 < temperature < math.inf:
        raise ValueError(f"{name} must be a positive number in K, got {temperature:g}.")
    return temperature


def temperature_list(temperatures) -> "np.ndarray":
    """The temperatures of a list, ascending, each once.

    Raises:
        ValueError: it holds something else than numbers, or nothing.

    Example:
        >>> temperature_list([20, 10.0, 20]).tolist()
        [10.0, 20.0]
    """
    import numpy as np

    try:
        values = np.unique(np.asarray(temperatures, dtype=float))
    except (TypeError, ValueError):
        raise ValueError("temperatures: must be numbers in K, in one list.") from None
    if values.size == 0:
        raise ValueError("temperatures: the list is empty; give at least one, in K.")
    return values


def kelvin(temperature: float) -> str:
    """A temperature as a person would give it.

    Example:
        >>> print(kelvin(9.2549), kelvin(103.271), kelvin(0.00041))
        9.25 K 103 K 0.00041 K
    """
    digits = 4 if 10 <= temperature < 100 else 3
    text = f"{temperature:.{digits}g}"
    return f"{temperature:.0f} K" if "e" in text and temperature > 1 else f"{text} K"
