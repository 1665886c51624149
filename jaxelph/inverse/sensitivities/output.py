"""Quantities in the units of people, for a spectrum in meV, as `read_a2f` gives it.

Tc is then in K, and a rate in 1/ps.
"""

import numpy as np

from ...units import KELVIN, mev_to_per_ps


def unit_of_quantity(name: str, energy_power: int) -> tuple[float, str]:
    """What the quantity is to be multiplied by, and the unit that it is then in.

    Tc and rates are energies inside, times their inverse; other energies stay in meV.
    """
    if name.startswith("tc"):
        return 1 / KELVIN, "K"
    if name.startswith("gamma"):
        return float(mev_to_per_ps(1.0)), "1/ps"
    if name.startswith("tau"):
        return 1 / float(mev_to_per_ps(1.0)), "ps"
    return 1.0, {0: "1", 1: "meV"}.get(energy_power, f"meV^{energy_power}")


def per_mev(unit: str) -> str:
    """The unit of δQ/δα²F, for a quantity Q in `unit`.

    Example:
        >>> per_mev("1"), per_mev("K"), per_mev("meV")
        ('1/meV', 'K/meV', '1')
    """
    if unit == "1":
        return "1/meV"
    return {"meV": "1", "meV^2": "meV"}.get(unit, f"{unit}/meV")


def most_sensitive(omega: np.ndarray, slope: np.ndarray) -> float:
    """Where |δQ/δα²F(ω)| is largest: 0 if it grows down to the first frequency, as 2/ω does.

    NaN if it is zero throughout, or not defined.

    Example:
        >>> omega = np.array([1.0, 2.0, 3.0])
        >>> most_sensitive(omega, np.array([1.0, -4.0, 2.0])), most_sensitive(omega, 2 / omega)
        (2.0, 0.0)
        >>> most_sensitive(omega, np.zeros(3))
        nan
    """
    size = np.abs(slope)
    if not (np.all(np.isfinite(size)) and np.any(size > 0)):
        return np.nan
    at = int(np.argmax(size))
    return float(omega[at]) if at else 0.0
