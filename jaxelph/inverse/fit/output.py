"""A fit in the units of people, for spectra in meV."""

import numpy as np

from ...units import KELVIN

#: Label, what it is multiplied by, unit.
MOMENTS = {
    "lambda": ("λ", 1.0, ""),
    "omega-log": ("ω_log", 1.0, "meV"),
    "lambda-omega2": ("λ⟨ω²⟩", 1.0, "meV²"),
    "tc": ("Tc", 1 / KELVIN, "K"),
    "lambda-tr": ("λ_tr", 1.0, ""),
}


#: Units of numbers that are fitted along; peaks and backgrounds of Σ by how their names begin.
_UNITS = {
    "omega": "meV",
    "width": "meV",
    "impurity": "meV",
    "electron-electron": "1/meV",
    "residual": "µΩcm",
    "saturation": "µΩcm",
    "plasma": "eV",
    "gamma": "mJ/molK2",
    "debye": "meV",
    "einstein_share": "",
    "einstein": "meV",
    "broadening": "meV",
}


def parameter_unit(name: str) -> tuple[float, str]:
    """What a parameter is multiplied by, and its unit then."""
    return 1.0, next((unit for start, unit in _UNITS.items() if name.startswith(start)), "")


def value_with_error(value: float, error: float) -> str:
    """A number to the digits that its error leaves.

    Example:
        >>> print(value_with_error(1.61746, 0.0123), value_with_error(230.4, 17.0))
        1.617 ± 0.012 230 ± 17
    """
    if not np.isfinite(error) or error <= 0:
        return f"{value:.6g}"
    decimals = max(0, 1 - int(np.floor(np.log10(error))))
    return f"{value:.{min(decimals, 12)}f} ± {error:.{min(decimals, 12)}f}"
