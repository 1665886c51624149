r"""The lowest eigenpair of a large symmetric pencil from products alone: Davidson's method.

The operators of the stability analysis are a diagonal (Z0⁻¹, Γ) plus a convolution. Their
softest modes are of three kinds: smooth ones, which a coarse grid has already; spikes where the
diagonal is least, which its inverse finds at once; and, for δ modes, rough ones on the scale
of the grid, which neither has and which a few random vectors bring in. The whole subspace is
kept and diagonalised in each step: with a gap or without, nothing is lost on the way.

E. R. Davidson, J. Comput. Phys. 17, 87 (1975); the correction that keeps a new direction off
the old one: J. Olsen, P. Jørgensen, J. Simons, Chem. Phys. Lett. 169, 463 (1990).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .lapack import eigh, one_by_one

_cholesky = one_by_one(jnp.linalg.cholesky)
_orthonormal = one_by_one(lambda columns: jnp.linalg.qr(columns)[0])

Multiply = Callable[[Float[Array, " n"]], Float[Array, " n"]]


def lowest_eigenpair(
    multiply: Multiply,
    diagonal: Float[Array, " n"],
    start: Float[Array, "n start"],
    *,
    metric: Multiply | None = None,
    metric_diagonal: Float[Array, " n"] | float = 1.0,
    block: int = 4,
    max_steps: int = 40,
    tolerance: float = 1e-10,
) -> tuple[Float[Array, ""], Float[Array, " n"], Float[Array, ""], Int[Array, ""]]:
    """The smallest θ with A u = θ B u, A symmetric, B positive definite (1 without `metric`).

    Each step adds the residuals of the `block` lowest Ritz pairs, divided by the diagonal of
    A - θB. The error of θ is at most |A u - θ B u| (in the norm of B⁻¹), and that squared over
    the gap to the next eigenvalue where there is one. No derivatives pass through.

    Args:
        multiply: v → A v.
        diagonal (array of shape (n,)): of A.
        start (array of shape (n, start)): first subspace, at least `block` columns.
        metric: v → B v.
        metric_diagonal (array of shape (n,)): of B.
        tolerance: on |A u - θ B u| with |u| = 1, relative to the largest |A v| seen.

    Returns:
        θ, u with |u| = 1, the relative residual, the steps taken.
    """
    multiply_all = jax.vmap(multiply, 1, 1)
    metric_all = (lambda v: v) if metric is None else jax.vmap(metric, 1, 1)
    size, first = start.shape
    width = first + block * max_steps
    metric_diagonal = jnp.broadcast_to(metric_diagonal, diagonal.shape)
    column = jnp.arange(width)

    def orthonormal(basis, new):
        # Twice is enough; directions that vanish come back as noise, which does no harm.
        for _ in range(2):
            new = new / jnp.maximum(jnp.linalg.norm(new, axis=0, keepdims=True), 1e-300)
            new = new - basis @ (basis.T @ new)
            new = _orthonormal(new)
        return new

    def extend(space, new, at):
        basis, image, weighted, a, b = space
        new = orthonormal(basis, new)
        put = jax.lax.dynamic_update_slice_in_dim
        products = multiply_all(new)
        metric_products = metric_all(new)
        basis, image = put(basis, new, at, 1), put(image, products, at, 1)
        if metric is not None:
            weighted = put(weighted, metric_products, at, 1)
        overlap_a, overlap_b = basis.T @ products, basis.T @ metric_products
        a = put(put(a, overlap_a, at, 1), overlap_a.T, at, 0)
        b = put(put(b, overlap_b, at, 1), overlap_b.T, at, 0)
        return basis, image, weighted, a, b

    def ritz(space, used):
        basis, image, weighted, a, b = space
        active = column < used
        both = active[:, None] & active[None, :]
        far = jnp.diag(jnp.where(active, 0.0, 1e3 * jnp.max(jnp.abs(a)) + 1.0))
        a = jnp.where(both, a, far)
        if metric is None:
            theta, s = eigh(a)
        else:
            lower = _cholesky(jnp.where(both, b, jnp.eye(width)))
            half = jax.scipy.linalg.solve_triangular(lower, a, lower=True)
            inner = jax.scipy.linalg.solve_triangular(lower, half.T, lower=True)
            theta, s = eigh((inner + inner.T) / 2)
            s = jax.scipy.linalg.solve_triangular(lower.T, s[:, :block], lower=False)
        theta, s = (
            theta[:block],
            s[:, :block] / jnp.linalg.norm(s[:, :block], axis=0, keepdims=True),
        )
        u = basis @ s
        bu = u if metric is None else weighted @ s
        return theta, u, bu, image @ s - theta[None, :] * bu

    def residual(space, pair):
        return jnp.linalg.norm(pair[3][:, 0]) / jnp.max(jnp.linalg.norm(space[1], axis=0))

    def step(state):
        count, space, (theta, u, bu, r), _ = state
        shifted = diagonal[:, None] - theta[None, :] * metric_diagonal[:, None]
        floor = 1e-9 * jnp.max(jnp.abs(shifted))
        shifted = jnp.where(jnp.abs(shifted) < floor, floor, shifted)
        correction, image = r / shifted, bu / shifted
        along = jnp.sum(u * image, axis=0, keepdims=True)
        share = jnp.sum(u * correction, axis=0, keepdims=True) / jnp.where(along == 0, 1.0, along)
        at = first + count * block
        space = extend(space, correction - share * image, at)
        pair = ritz(space, at + block)
        return count + 1, space, pair, residual(space, pair)

    zeros = jnp.zeros((size, width))
    square = jnp.zeros((width, width))
    weighted = zeros if metric is not None else jnp.zeros((0, 0))
    space = extend((zeros, zeros, weighted, square, square), start, 0)
    pair = ritz(space, first)
    state = jax.lax.while_loop(
        lambda state: (state[0] < max_steps) & (state[3] > tolerance),
        step,
        (jnp.asarray(0), space, pair, residual(space, pair)),
    )
    steps, _, (theta, u, _, _), error = state
    return theta[0], u[:, 0], error, steps
