"""Dense output between two steps."""

from typing import Any

import jax.numpy as jnp
import jax.tree_util as jtu
from diffrax import AbstractLocalInterpolation
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

__all__ = ["BDFInterpolation", "RodasInterpolation"]


def _fraction(t0: Any, t: Any, t1: Any) -> Any:
    """$(t - t_0)/(t_1 - t_0)$, zero (with zero gradient) on a step of length zero."""
    length = t1 - t0
    return jnp.where(length > 0, (t - t0) / jnp.where(length > 0, length, 1.0), 0.0)


class RodasInterpolation(AbstractLocalInterpolation):
    """$y(t_0 + \\theta h) = (1-\\theta) y_0 + \\theta\\,[y_1 + (1-\\theta)(k_1 + \\theta(k_2 +
    \\theta k_3))]$, Hairer & Wanner II, (VI.4.37), of order 4 for Rodas5P."""

    t0: Any
    t1: Any
    y0: PyTree
    y1: PyTree
    k: Float[Array, "3 n"]

    def evaluate(self, t0: Any, t1: Any | None = None, left: bool = True) -> PyTree:
        if t1 is not None:
            return jtu.tree_map(jnp.subtract, self.evaluate(t1), self.evaluate(t0))
        del left
        y0, unravel = ravel_pytree(self.y0)
        y1, _ = ravel_pytree(self.y1)
        s = _fraction(self.t0, t0, self.t1).astype(y0.dtype)
        k1, k2, k3 = self.k
        return unravel((1 - s) * y0 + s * (y1 + (1 - s) * (k1 + s * (k2 + s * k3))))


class BDFInterpolation(AbstractLocalInterpolation):
    """The polynomial through the last $k+1$ values, of order $k$ like the step:
    $y(t) = \\phi_0 + \\sum_j \\phi_j \\prod_{i<j} (t - t_{n-i})/\\psi_i$, rows past $k$ zero."""

    t0: Any
    t1: Any
    y1: PyTree
    phi: Float[Array, "rows n"]
    psi: Float[Array, " rows"]

    def evaluate(self, t0: Any, t1: Any | None = None, left: bool = True) -> PyTree:
        if t1 is not None:
            return jtu.tree_map(jnp.subtract, self.evaluate(t1), self.evaluate(t0))
        del left
        _, unravel = ravel_pytree(self.y1)
        back = (t0 - self.t1).astype(self.phi.dtype)
        psi = jnp.where(self.psi > 0, self.psi, 1.0)
        y, weight, earlier = self.phi[0], 1.0, 0.0
        for j in range(1, self.phi.shape[0]):
            # t - t_{n-j+1} = (t - t_n) + psi_{j-2}
            weight = weight * (back + earlier) / psi[j - 1]
            earlier = psi[j - 1]
            y = y + weight * self.phi[j]
        return unravel(y)
