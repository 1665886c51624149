"""α²F as it is drawn."""

import numpy as np

from .spectrum import EliashbergFunction
from .table import TabulatedSpectrum

#: Nodes up to the top of the spectrum where a smooth one is drawn.
DRAWN = 4000


def curve(spectrum: EliashbergFunction, top: float) -> tuple[bool, np.ndarray, np.ndarray]:
    """Whether the spectrum is made of δ modes, and α²F to draw: frequencies and values.

    Args:
        spectrum: an Eliashberg function.
        top (scalar, energy): its `maximum_frequency`.

    Returns:
        whether, ω (energy), and α²F(ω); of δ modes their areas λ_kω_k/2 (energy), ω ascending.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> curve(EinsteinModes([3.0, 2.0], [1.0, 0.5]), 3.0)
        (True, array([2., 3.]), array([0.5, 1.5]))
    """
    if isinstance(spectrum, TabulatedSpectrum):
        return False, np.asarray(spectrum.omega), np.asarray(spectrum.a2f)
    omega, coupling = (np.asarray(x) for x in spectrum.modes())
    fine = spectrum.resolved(top / DRAWN).modes()
    if fine[0].shape == omega.shape:
        order = np.argsort(omega)
        return True, omega[order], (coupling * omega / 2)[order]
    # Nodes of a smooth α²F carry areas; a Gaussian of 1/400 of the axis makes a curve of them.
    node, area = np.asarray(fine[0]), np.asarray(fine[0] * fine[1] / 2)
    width = top / 400
    frequencies = np.linspace(0, 1.1 * top, 881)[1:]
    density = np.exp(-0.5 * ((frequencies[:, None] - node) / width) ** 2) @ area
    return False, frequencies, density / (width * np.sqrt(2 * np.pi))
