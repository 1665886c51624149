r"""The lowest eigenvector of a dense symmetric matrix without the others.

LAPACK's Householder reduction QᵀAQ = T to tridiagonal form is the only step of order n³. An x is
below all eigenvalues of T if and only if the pivots of T - x,

    q_i = d_i - x - e²_{i-1}/q_{i-1},

are all positive (Sylvester), which many x at a time tell to within rounding of the least. There
T - x is positive definite, elimination is stable, and two steps of inverse iteration give the
vector.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial
from jaxtyping import Array, Float

from .eigenpairs import symmetric_eigenpair
from .lapack import eigh, lowered_by_platform, on_cpu, one_by_one, solve_symmetric

_reduce = one_by_one(lambda matrix: tuple(jax.lax.linalg.tridiagonal(matrix)))
_solve = one_by_one(
    lambda below, diagonal, above, right: jax.lax.linalg.tridiagonal_solve(
        below, diagonal, above, right[:, None]
    )[:, 0]
)
# The bracket is divided by 64 in each pass, until nothing is left of it.
_POINTS, _PASSES = np.arange(1, 64) / 64, 9


def lowest_eigenvector(matrix: Float[Array, "n n"]) -> Float[Array, " n"]:
    """The normalised eigenvector of a symmetric matrix's least eigenvalue; not differentiable.

    Of one matrix by `eigh`, which compiles faster; under `vmap` on a CPU by the way above, which
    takes a third of the time; on an NVIDIA GPU by `inverse_iteration` up to 128 rows. All are as
    accurate.

    Example:
        >>> one = jnp.array([[2.0, 1.0], [1.0, 2.0]])
        >>> print(jax.vmap(lowest_eigenvector)(jnp.stack([one, -one]))**2)
        [[0.5 0.5]
         [0.5 0.5]]
    """
    return _lowest(matrix)[0]


def lowest_eigenvalue(matrix: Float[Array, "n n"]) -> Float[Array, ""]:
    """The least eigenvalue of a symmetric matrix with its derivatives, where it is simple.

    Example:
        >>> print(jax.grad(lowest_eigenvalue)(jnp.array([[2.0, 1.0], [1.0, 2.0]])))
        [[ 0.5 -0.5]
         [-0.5  0.5]]
    """
    vector = lowest_eigenvector(jax.lax.stop_gradient(matrix))
    return symmetric_eigenpair(Partial(jnp.matmul, matrix), Partial(solve_beside, matrix), vector)[
        0
    ]


def solve_beside(
    matrix: Float[Array, "n n"],
    v: Float[Array, " n"],
    w: Float[Array, ""],
    residual: Float[Array, " n"],
) -> Float[Array, " n"]:
    """x with (A - w + v vᵀ) x = r, for `symmetric_eigenpair`."""
    return solve_symmetric(matrix - w * jnp.eye(v.shape[0]) + v[:, None] * v[None, :], residual)


@jax.custom_batching.custom_vmap
def _lowest_by_lapack(matrix):
    return eigh(matrix)[1][:, 0]


@_lowest_by_lapack.def_vmap
def _(axis_size, in_batched, matrices):
    del axis_size, in_batched  # there is one argument
    full = jax.vmap(lambda matrix: eigh(matrix)[1][:, 0])
    if matrices.shape[-1] <= 2:
        return full(matrices), True
    return on_cpu(jax.vmap(_by_reduction), full, matrices), True


def _lowest_on_cuda(matrix):
    from . import inverse_iteration, tiles

    if matrix.shape[0] > tiles.LARGEST or not tiles.available():
        return (_lowest_by_lapack(matrix),)
    return (inverse_iteration.lowest_in_one_launch(matrix),)


_lowest = lowered_by_platform(
    "lowest_eigenvector",
    lambda matrix: (jax.ShapeDtypeStruct(matrix.shape[:-1], matrix.dtype),),
    lambda matrix: (_lowest_by_lapack(matrix),),
    cuda=_lowest_on_cuda,
)


def _by_reduction(matrix):
    largest = jnp.max(jnp.abs(matrix))
    scaled = matrix / jnp.where(largest > 0, largest, 1.0)
    reduced, diagonal, off, tau = _reduce(scaled)
    return _back(reduced, tau, _of_tridiagonal(diagonal, off))


def _of_tridiagonal(diagonal, off):
    size = diagonal.shape[0]
    above, below = jnp.append(off, 0.0), jnp.append(0.0, off)
    radius = jnp.abs(above) + jnp.abs(below)
    rounding = 2 * jnp.finfo(diagonal.dtype).eps * jnp.max(jnp.abs(diagonal) + radius)
    rounding = jnp.maximum(rounding, 1e-20)  # where all is zero, of a scaled matrix
    low = jnp.min(diagonal - radius) - rounding
    width = jnp.min(diagonal) + rounding - low
    entries = (diagonal, below**2)

    def narrow(_, bracket):
        low, width = bracket
        x = low + width * _POINTS

        def row(q, entry):
            d, square = entry
            q = d - x - square / q
            return jnp.where(q > 0, q, jnp.nan), None  # once it is not, it stays so

        q = jax.lax.scan(row, jnp.ones_like(x), entries)[0]
        return low + width * jnp.sum(q > 0) / (len(_POINTS) + 1), width / (len(_POINTS) + 1)

    low, _ = jax.lax.fori_loop(0, _PASSES, narrow, (low, width))
    shifted = diagonal - (low - rounding)

    def iterate(_, vector):
        vector = _solve(below, shifted, above, vector)
        return vector / jnp.linalg.norm(vector)

    start = np.random.default_rng(0).normal(size=size)
    return jax.lax.fori_loop(0, 2, iterate, jnp.asarray(start, diagonal.dtype))


def _back(reduced, tau, vector):
    """Q z; Q is the product of the reflectors below the subdiagonal."""
    size = vector.shape[0]
    reflectors = jnp.tril(reduced, -2).T[: size - 1] + jnp.eye(size - 1, size, 1)

    def reflect(vector, reflector):
        v, t = reflector
        return vector - t * (v @ vector) * v, None

    return jax.lax.scan(reflect, vector, (reflectors, tau), reverse=True)[0]
