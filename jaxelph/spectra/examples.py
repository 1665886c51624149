"""Model spectra that ship with the package, energies in meV."""

from collections.abc import Callable

import numpy as np

from .peaks import GaussianPeaks
from .spectrum import EinsteinModes, EliashbergFunction


def _table1() -> EliashbergFunction:
    # The metal of the Supplement's Table I: 21 modes, equally spaced and equally coupled.
    return EinsteinModes(np.arange(40.0, 61.0), np.full(21, 1 / 21))


def _lead() -> EliashbergFunction:
    # Transverse and longitudinal peaks as tunnelling finds them in Pb: λ = 1.55, ω_log = 56 K,
    # Tc = 7.4 K at μ* = 0.1.
    return GaussianPeaks([4.2, 8.3], [0.7, 0.5], [1.14, 0.41])


def _niobium() -> EliashbergFunction:
    # The two broad peaks of Nb: λ = 0.94, ω_log = 155 K, Tc = 9.1 K at μ* = 0.12.
    return GaussianPeaks([13.2, 21.5], [3.0, 1.6], [0.76, 0.18])


EXAMPLES: dict[str, Callable[[], EliashbergFunction]] = {
    "table1": _table1,
    "lead": _lead,
    "niobium": _niobium,
}


def example(name: str) -> EliashbergFunction:
    """A model spectrum by name, in meV: "table1", "lead" or "niobium".

    "table1" is the 21-mode metal of the Supplement's Table I at λ = 1; "lead" and
    "niobium" are Gaussian-peak models with the λ, ω_log and Tc of these metals.

    Args:
        name: one of `EXAMPLES`.

    Returns:
        the spectrum, its energies in meV.

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
