"""Consistent initial values: $(y_0, \\dot y_0)$ with $F(t_0, y_0, \\dot y_0) = 0$."""

from typing import Any

import equinox as eqx
import jax
import jax.lax as lax
import jax.numpy as jnp
import jax.tree_util as jtu
from diffrax import AbstractTerm
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, PyTree

from ..numerics.lapack import solve
from .linear import AbstractIterationSolver
from .terms import FlatProblem, flat_problem

__all__ = ["consistent_initial"]

Vector = Float[Array, " n"]


def differential_mask(differential: PyTree | None, y: PyTree) -> Bool[Array, " n"]:
    """The raveled mask of differential components; all of them when left out."""
    if differential is None:
        return jnp.ones(ravel_pytree(y)[0].shape, bool)
    full = jtu.tree_map(
        lambda m, v: jnp.broadcast_to(jnp.asarray(m), jnp.shape(v)), differential, y
    )
    return ravel_pytree(full)[0].astype(bool)


def solve_initial(
    problem: FlatProblem,
    t: Any,
    y: Vector,
    args: Any,
    mask: Bool[Array, " n"] | None,
    ydot: Vector,
    max_steps: int = 20,
    rate_solver: AbstractIterationSolver | None = None,
) -> tuple[Vector, Vector, Bool[Array, ""]]:
    """Newton's method for the rates of the differential components and the values of the others.

    The unknown is $x$ with $\\dot y = x$ where differential and $y = x$ elsewhere, IDA's choice
    (`IDA_YA_YDP_INIT`): its Jacobian is $F_{\\dot y} D + F_y (1 - D)$. Returns the values, the
    rates, and whether the iteration converged; the last Newton step carries the derivatives.
    """

    def split(x):
        if mask is None:
            return y, x
        return jnp.where(mask, y, x), jnp.where(mask, x, ydot)

    def function(x):
        return problem.residual(t, *split(x), args)

    x0 = ydot if mask is None else jnp.where(mask, ydot, y)
    if rate_solver is not None and mask is None:
        # F_ẏ is αF_ẏ + F_y for α → ∞: the caller's own way of solving serves for it too.
        alpha = 1e30
        kept = rate_solver.prepare(problem, t, y, ydot, alpha, args)
        x = x0 - alpha * rate_solver.solve(kept, function(x0))
        return y, x, jnp.all(jnp.isfinite(x))

    if mask is None and problem.term.linear_in_rate:
        x = x0 - solve(problem.rate_matrix(t, y, x0, args), function(x0))
        return y, x, jnp.all(jnp.isfinite(x))

    def jacobian(x):
        return jax.jacfwd(function)(x)

    def step(x):
        return solve(jacobian(x), function(x))

    def body(carry):
        x, _, k = carry
        dx = step(x)
        return x - dx, jnp.max(jnp.abs(dx)), k + 1

    def unfinished(carry):
        x, size, k = carry
        scale = 1e-12 * jnp.max(jnp.abs(x)) + 1e-300
        return (size > scale) & jnp.isfinite(size) & (k < max_steps)

    # The loop closes over values that may be differentiated, so it runs on their constants.
    closed = eqx.filter_closure_convert(
        lambda x: lax.while_loop(unfinished, body, (x, jnp.asarray(jnp.finfo(x.dtype).max), 0)), x0
    )
    closed = jtu.tree_map(lambda v: lax.stop_gradient(v) if eqx.is_inexact_array(v) else v, closed)
    x, size, _ = closed(lax.stop_gradient(x0))
    x = lax.stop_gradient(x)
    ok = jnp.all(jnp.isfinite(x)) & (size <= 1e-6 * (jnp.max(jnp.abs(x)) + 1e-300))
    # One more step at the root: its derivative is the implicit function theorem's.
    matrix = lax.stop_gradient(jacobian(x))
    x = x - solve(matrix, function(x))
    values, rates = split(x)
    return values, rates, ok


def consistent_initial(
    term: AbstractTerm,
    t0: Any,
    y0: PyTree,
    args: Any = None,
    *,
    ydot0: PyTree | None = None,
    differential: PyTree | None = None,
    throw: bool = True,
) -> tuple[PyTree, PyTree]:
    """Values and rates that satisfy $F(t_0, y_0, \\dot y_0) = 0$.

    Given the values of the differential components, finds their rates and the values of the
    algebraic ones (which `y0` need only guess). Differentiable.

    Args:
        term: an `ImplicitTerm` or a `MassMatrixTerm`.
        t0 (scalar): the initial time.
        y0: the state; algebraic components are a first guess.
        args: passed to the term.
        ydot0: a first guess of the rates, zero if left out. Rates of algebraic components are
            returned as given.
        differential: booleans in the shape of `y0` (or broadcasting to it), true where
            $\\dot y$ enters; all true if left out, for which $\\partial F/\\partial\\dot y$ must
            be invertible.
        throw: raise if the iteration does not converge; if false, return not-a-number then.

    Returns:
        `(y0, ydot0)`, pytrees like `y0`.

    ??? example

        >>> import jax.numpy as jnp
        >>> from jaxelph.dae import ImplicitTerm, consistent_initial
        >>> term = ImplicitTerm(lambda t, y, yp, a: jnp.array([yp[0] + y[0], y[1] - y[0] ** 2]))
        >>> y, yp = consistent_initial(term, 0.0, jnp.array([2.0, 0.0]),
        ...                            differential=jnp.array([True, False]))
        >>> print(y, yp)
        [2. 4.] [-2.  0.]
    """
    y0 = jtu.tree_map(lambda v: jnp.asarray(v, jnp.result_type(v, jnp.float32)), y0)
    problem, y = flat_problem(term, y0)
    rates = jnp.zeros_like(y) if ydot0 is None else ravel_pytree(ydot0)[0].astype(y.dtype)
    mask = None if differential is None else differential_mask(differential, y0)
    y, rates, ok = solve_initial(problem, t0, y, args, mask, rates)
    if throw:
        y, rates = eqx.error_if(
            (y, rates),
            ~ok,
            "No consistent initial values were found: the Newton iteration on F(t0, y0, ydot0) = 0 "
            "did not converge. Mark algebraic components with `differential=False` and give a "
            "better guess of their values.",
        )
    else:
        y = jnp.where(ok, y, jnp.nan)
        rates = jnp.where(ok, rates, jnp.nan)
    return problem.unravel(y), problem.unravel(rates)
