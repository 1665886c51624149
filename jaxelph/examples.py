"""Model spectra that ship with the package, energies in meV."""

from collections.abc import Callable

import numpy as np

from .spectrum import EinsteinModes, EliashbergFunction, GaussianPeaks


def _table1() -> EliashbergFunction:
    # The metal of the Supplement's Table I: 21 modes, equally spaced and equally coupled.
    return EinsteinModes(np.arange(40.0, 61.0), np.full(21, 1 / 21))


def _lead() -> EliashbergFunction:
    # Transverse and longitudinal peaks of tunnelling α²F(ω) of Pb: λ = 1.55, Tc ≈ 7 K.
    return GaussianPeaks([4.4, 8.5], [0.7, 0.5], [1.14, 0.41])


def _niobium() -> EliashbergFunction:
    # The two broad peaks of α²F(ω) of Nb: λ ≈ 1, Tc ≈ 9 K.
    return GaussianPeaks([15.5, 23.0], [2.6, 1.6], [0.74, 0.24])


EXAMPLES: dict[str, Callable[[], EliashbergFunction]] = {
    "table1": _table1,
    "lead": _lead,
    "niobium": _niobium,
}


def example(name: str) -> EliashbergFunction:
    """A model spectrum by name, in meV: "table1", "lead" or "niobium".

    "table1" is the 21-mode metal of the Supplement's Table I at λ = 1; "lead" and
    "niobium" are Gaussian-peak models with the λ, ω_log and Tc of these metals.

    Raises:
        ValueError: no example has this name; the message lists those there are.

    Example:
        >>> from jaxelph import coupling_constant
        >>> print(f"{coupling_constant(example('lead')):.2f}")
        1.55
    """
    if name not in EXAMPLES:
        raise ValueError(f"example {name!r} is not known; use one of {', '.join(EXAMPLES)}.")
    return EXAMPLES[name]()
