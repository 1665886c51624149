"""Simplified Newton iteration for one implicit step, and its derivative."""

from collections.abc import Callable
from typing import Any

import diffrax
import equinox as eqx
import jax.lax as lax
import jax.numpy as jnp
import jax.tree_util as jtu
from jaxtyping import Array, Bool, Float, PyTree

from .linear import AbstractIterationSolver

__all__ = ["SimplifiedNewton"]

Vector = Float[Array, " n"]
Scalar = Float[Array, ""]

# The marker by which diffrax fills in the step-size controller's tolerances.
_FROM_CONTROLLER: Any = diffrax.with_stepsize_controller_tols(diffrax.VeryChord)().rtol


class SimplifiedNewton(eqx.Module):
    """Newton's method with a matrix that may come from an earlier step, stopped as in IDA.

    With $\\rho$ the observed rate of convergence, an iteration stops when
    $\\tfrac{\\rho}{1-\\rho}\\,\\lVert\\delta\\rVert \\le \\kappa$ in the norm weighted by the
    step's tolerances, and fails when $\\rho > 0.9$ or the result is not finite.

    Args:
        rtol, atol, norm: those of the step-size controller unless given.
        kappa: the share of the local error allowed to the iteration. IDA's `epcon` is 0.33; at
            that an algebraic component may be left further off than the error test forgives,
            whatever the next step (seen on the transistor amplifier), and 0.03 costs nothing.
        max_steps: iterations before the step is given up (IDA: 4).

    Example:
        >>> newton = SimplifiedNewton(rtol=1e-12, atol=1e-12, norm=jnp.linalg.norm, max_steps=9)
        >>> y = jnp.array([1.4])  # y² = 2, by the slope at the start
        >>> speed, slope = jnp.array(1.0), 2.8
        >>> root, _, converged = newton(lambda y: y**2 - 2, lambda r: r / slope, y, y, 1.0, speed)
        >>> print(root.round(9), converged)
        [1.41421356] True
    """

    rtol: Any = _FROM_CONTROLLER
    atol: Any = _FROM_CONTROLLER
    norm: Any = _FROM_CONTROLLER
    kappa: float = 0.03
    max_steps: int = 5

    def weighted(self, v: Vector, y: Vector) -> Scalar:
        """The norm of `v` in units of the tolerances at the state `y` (arrays of shape (n,))."""
        return self.norm(v / (self.atol + self.rtol * jnp.abs(y)))

    def __call__(
        self,
        function: Callable[[Vector], Vector],
        inverse: Callable[[Vector], Vector],
        y0: Vector,
        scale_at: Vector,
        damping: Any,
        speed: Scalar,
    ) -> tuple[Vector, Scalar, Bool[Array, ""]]:
        """Solves `function(y) = 0` from `y0`; `inverse` applies the (old) inverse matrix.

        `damping` corrects a matrix factorised at another step size, `speed` is
        $\\rho/(1-\\rho)$ as last observed with this matrix. Returns the root, the speed, and
        whether the iteration converged.
        """

        # A correction at rounding level is convergence, whatever its rate.
        rounding = 16 * jnp.finfo(y0.dtype).eps * jnp.abs(scale_at)
        floor = jnp.maximum(1e-4 * self.kappa, self.weighted(rounding, scale_at))

        def body(carry):
            y, first, speed, k, _ = carry
            delta = -damping * inverse(function(y))
            size = self.weighted(delta, scale_at)
            first = jnp.where(k == 0, size, first)
            rate = jnp.where(k == 0, 0.0, (size / first) ** (1 / jnp.maximum(k, 1)))
            # A rate seen once, at another size of correction, is not trusted to be tiny.
            speed = jnp.where(k == 0, jnp.maximum(speed, 0.1), rate / jnp.maximum(1 - rate, 1e-3))
            bad = ~jnp.isfinite(size) | (rate > 0.9)
            tiny = size <= floor
            good = jnp.isfinite(size) & ((speed * size <= self.kappa) | tiny)
            # Rounding noise has rate one: `tiny` overrules `bad`.
            status = jnp.where(good & (~bad | tiny), 1, jnp.where(bad, 2, 0))
            return y + delta, first, speed, k + 1, status

        def unfinished(carry):
            return (carry[4] == 0) & (carry[3] < self.max_steps)

        zero = jnp.zeros((), y0.dtype)
        start = (y0, zero, jnp.asarray(speed, y0.dtype), 0, 0)
        y, _, speed, _, status = lax.while_loop(unfinished, body, start)
        return y, speed, jnp.asarray(status == 1)


def run_if(pred: Bool[Array, ""], function: Callable[[PyTree], PyTree], value: PyTree) -> PyTree:
    """`function(value)` where `pred`, else `value`.

    A loop of at most one turn, not `lax.cond`: under `vmap` a cond evaluates its branch always,
    a loop only while some lane asks for it.
    """

    def body(carry):
        return jnp.zeros_like(pred), function(carry[1])

    return lax.while_loop(lambda carry: carry[0], body, (pred, value))[1]


def without_derivatives(function: Callable[..., PyTree], *values: PyTree) -> PyTree:
    """`function(*values)` as a constant, also in what `function` closes over.

    Iterations are not differentiated: their result is, by the implicit function theorem.
    """
    values = stop(values)
    closed = stop(eqx.filter_closure_convert(function, *values))
    return stop(closed(*values))


def stop(tree: PyTree) -> PyTree:
    return jtu.tree_map(lambda v: lax.stop_gradient(v) if eqx.is_inexact_array(v) else v, tree)


@eqx.filter_custom_jvp
def implicit_tangent(residual: Vector, kept: PyTree, solver: AbstractIterationSolver) -> Vector:
    """Zero, with the derivative $-A^{-1}\\,\\mathrm{d}r$: added to a root $y$ of $F(y, p) = 0$,
    where `residual` is $F(y, p)$ with `y` held constant, it gives the root its derivative in
    $p$. `kept` is the exact matrix at the root; unless derivatives are taken it is unused and
    the compiler removes whatever computed it."""
    del kept, solver
    return jnp.zeros_like(residual)


@implicit_tangent.def_jvp
def _(primals, tangents):
    residual, kept, solver = primals
    tangent, _, _ = tangents
    out = jnp.zeros_like(residual)
    if tangent is None:
        return out, out
    return out, -solver.solve(kept, tangent)
