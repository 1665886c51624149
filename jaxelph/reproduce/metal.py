"""The metal of the Supplement's numerics, its grid, and the pencil that its rates came from."""

import numpy as np
import scipy.linalg

from ..grids.energies import EnergyGrid
from ..spectra.examples import example
from ..spectra.moments import moment
from ..stability.pencil import StabilityPencil, stability_pencil

#: 21 modes r_k = 40…60 in units of the step, λ = 1.
METAL = example("table1")
#: g at λ = 1, in units of the step.
G1 = float(np.sqrt(moment(METAL, 2)))
#: ε = 0.05 of the paper's unit is the unit of energy here. The paper has L = 1000; up to 35 T the
#: rates are the same to the last digit.
GRID = EnergyGrid(1.0, 500)
#: The second term of (18) as published carries ω_k² where it ought to have r_k² = (ω_k/ε)².
SLIP = 0.05**2


def published_exchange(grid: EnergyGrid = GRID) -> np.ndarray:
    r"""κ of the published numerics at λ = 1, on odd functions:

    $$\sum_k\lambda_kr_k^2\,\frac{(i-j)^2-(i+j)^2}{[r_k^2-(i-j)^2][r_k^2-(i+j)^2]},$$

    the difference of two poles over a common denominator, left out where that vanishes. So on
    the pole of one term the other, which is finite, is lost with it.
    """
    i = np.arange(1.0, grid.size + 1)
    direct, mirror = (i[:, None] - i) ** 2, (i[:, None] + i) ** 2
    total = np.zeros((grid.size, grid.size))
    for omega, coupling in zip(*METAL.modes(), strict=True):
        square = float(omega / grid.step) ** 2
        product = (square - direct) * (square - mirror)
        hit = product == 0
        part = float(coupling) * square * (direct - mirror) / np.where(hit, 1.0, product)
        total += np.where(hit, 0.0, part)
    return float(grid.step) * total


def inverse_rates(A: np.ndarray, M: np.ndarray) -> np.ndarray:
    """1/γ of A φ = (1/γ) M φ, ascending, for positive M: finite where γ has poles."""
    root = np.linalg.cholesky(M)
    half = scipy.linalg.solve_triangular(root, A, lower=True)
    symmetric = scipy.linalg.solve_triangular(root, half.T, lower=True)
    return scipy.linalg.eigvalsh(symmetric, check_finite=False)


def pencils(coupling: float, scaled: float, exchange: np.ndarray):
    """(A as published, A of (18) whole, M) at T0 = `scaled`·g on the paper's grid."""
    temperature = scaled * G1 * np.sqrt(coupling)
    whole: StabilityPencil = stability_pencil(METAL.scaled(coupling), temperature, GRID)
    published = published_form(coupling, whole.weight, whole.window, exchange)
    return published, np.asarray(whole.A), np.asarray(whole.M)


def published_form(coupling: float, weight, window, exchange: np.ndarray) -> np.ndarray:
    """Ã as published: of (18) with its second term 400 times too small."""
    weight, window = np.asarray(weight), np.asarray(window)
    return np.diag(weight) - window[:, None] * (SLIP * coupling * exchange) * window[None, :]
