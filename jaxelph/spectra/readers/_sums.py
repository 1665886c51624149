"""λ and ω_log of a table by the rule of the code that wrote it."""

import numpy as np
from jaxtyping import Float

from ...numerics.quadrature import trapezoid_weights


class Sums:
    r"""Sums over a table, $\lambda = p \sum_i w_i\, \alpha^2F_i/\omega_i$.

    Args:
        omega (array of shape (row,), meV): ascending, negative ones included.
        a2f (array of shape (row,)): α²F at these frequencies.
        step: the code's dω, which makes every weight w the same; None for a trapezoid.
        ends: factors of the weights at either end, from the outside in.
        both_signs: rows with ω < 0 count by |ω|, rather than not at all.
        prefactor: p, the 2 that some codes leave out.
        resolution: rounding error of the printed α²F, whose effect is bounded here.
    """

    coupling: float
    log_frequency: float  # meV
    coupling_error: float  # largest that `resolution` allows
    log_error: float  # the same for ω_log, meV
    negative_weight: float  # share of negative α²F in Σ|α²F/ω|
    trapezoid: float  # λ of the rows with ω > 0 by the trapezoidal rule

    def __init__(
        self,
        omega: Float[np.ndarray, " row"],
        a2f: Float[np.ndarray, " row"],
        *,
        step: float | None,
        ends: tuple[float, ...],
        both_signs: bool,
        prefactor: float,
        resolution: float,
    ):
        with np.errstate(over="ignore", invalid="ignore"):
            self._sum(omega, a2f, step, ends, both_signs, prefactor, resolution)

    def _sum(self, omega, a2f, step, ends, both_signs, prefactor, resolution):
        used = np.abs(omega) > 0 if both_signs else omega > 0
        size = np.where(used, np.abs(omega), 1.0)
        weight = trapezoid_weights(omega)
        if step is not None:
            weight = np.full_like(omega, step)
            for i, end in enumerate(ends if len(omega) >= 2 * len(ends) else ()):
                weight[i] *= end
                weight[-1 - i] *= end
        share = np.where(used, prefactor * weight / size, 0.0)
        self.coupling = float(np.sum(share * a2f))
        self.coupling_error = float(resolution * np.sum(share))
        self.log_frequency = self.log_error = float("nan")
        if self.coupling > 0:
            logarithm = np.log(size)
            mean = np.sum(share * a2f * logarithm) / self.coupling
            self.log_frequency = float(np.exp(mean))
            spread = np.sum(share * np.abs(logarithm - mean))
            self.log_error = float(self.log_frequency * resolution * spread / self.coupling)
        total = np.sum(np.abs(share * a2f))
        negative = np.sum(np.abs(share * np.minimum(a2f, 0)))
        self.negative_weight = float(negative / total) if total else 0.0
        rows = omega > 0
        density = prefactor * a2f[rows] / omega[rows]
        self.trapezoid = float(np.sum(trapezoid_weights(omega[rows]) * density))
