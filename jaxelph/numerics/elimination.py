"""Elimination without pivoting, mostly by products: an inverse, solutions, the sign of a matrix."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .lapack import lowered_by_platform, on_cuda

# Rows that are eliminated at once: few enough that their own elimination, one row at a time,
# costs little, enough that the rest is matrix products; measured for 37 to 400 rows.
_BLOCK, _MOST_BLOCKS = 10, 16
# From so many rows on, eight solutions by halves are found sooner than with the inverse, of one
# matrix as of a batch; measured for 37 to 300 rows.
_HALVED = 60


def invert_by_blocks(
    matrix: Float[Array, "n n"],
) -> tuple[Float[Array, "n n"], Float[Array, ""]]:
    r"""The inverse by Gauss-Jordan elimination without pivoting, and the least pivot.

    For matrices that need no pivoting: those whose symmetric part is positive definite after
    some scaling $DAD^{-1}$, which elimination does not notice. A symmetric matrix is positive
    definite if and only if its least pivot is positive (Sylvester).

    Most of the work is matrix products, in a batch of matrices as well, where LAPACK's
    factorisations and triangular solves go through one matrix at a time. A batch of LAPACK
    calls also waits for the thread pool that it may itself be running on: in jaxlib 0.10 as
    many of them at once as there are cores never return. On an NVIDIA GPU a batch of matrices is
    one launch, see `gauss_jordan`, and of larger ones few. Not differentiable.

    Args:
        matrix (array of shape (n, n)).

    Returns:
        The inverse, not finite where a pivot is zero; and the least pivot.

    Example:
        >>> inverse, least = invert_by_blocks(jnp.array([[2.0, 1.0], [1.0, 1.0]]))
        >>> print(inverse.tolist(), least)
        [[1.0, -1.0], [-1.0, 2.0]] 0.5
    """
    return _invert(matrix)


def _by_loops(matrix):
    """`invert_by_blocks` by blocks one after the other, and their rows one after the other."""
    size = matrix.shape[0]
    blocks = min(max(1, round(size / _BLOCK)), _MOST_BLOCKS)
    width = -(-size // blocks)
    index = jnp.arange(blocks * width)
    # Rows of the identity make the last block as large as the others.
    padded = jnp.eye(blocks * width, dtype=matrix.dtype).at[:size, :size].set(matrix)

    def eliminate(block, carry):
        a, least = carry
        first = block * width
        rows = jax.lax.dynamic_slice_in_dim(a, first, width, 0)
        columns = jax.lax.dynamic_slice_in_dim(a, first, width, 1)
        inverse, pivot = _invert_by_rows(
            jax.lax.dynamic_slice_in_dim(rows, first, width, 1), size - first
        )
        inside = (index >= first) & (index < first + width)
        rows = inverse @ jnp.where(inside[None, :], 0.0, rows)
        rows = jax.lax.dynamic_update_slice_in_dim(rows, inverse, first, 1)
        columns = jnp.where(inside[:, None], 0.0, columns)
        a = jnp.where(inside[None, :], 0.0, a) - columns @ rows
        a = jax.lax.dynamic_update_slice_in_dim(a, rows, first, 0)
        return a, jnp.minimum(least, pivot)

    start = padded, jnp.asarray(jnp.inf, matrix.dtype)
    inverse, least = jax.lax.fori_loop(0, blocks, eliminate, start)
    return inverse[:size, :size], least


def _in_few_launches(matrix):
    """`invert_by_blocks` on a GPU."""
    from . import gauss_jordan, tiles

    if not tiles.available():
        return _by_loops(matrix)
    return invert_by_halves(matrix, gauss_jordan.invert_in_one_launch, tiles.LARGEST)


def invert_by_halves(
    matrix: Float[Array, "n n"], invert: Callable, most: int
) -> tuple[Float[Array, "n n"], Float[Array, ""]]:
    r"""`invert_by_blocks` by products with the inverses of the first half and of what is then left.

    $$\begin{pmatrix}P&Q\\R&S\end{pmatrix}^{-1}
      = \begin{pmatrix}P^{-1}+XW&-X\\-\Sigma W&\Sigma\end{pmatrix},\qquad
      W = RP^{-1},\quad \Sigma = (S-WQ)^{-1},\quad X = P^{-1}Q\Sigma.$$

    Args:
        matrix (array of shape (n, n)).
        invert: the same for a matrix that is at most `most` wide.

    Example:
        >>> def reciprocal(a):
        ...     return 1 / a, a[0, 0]
        >>> inverse, least = invert_by_halves(jnp.array([[2.0, 1.0], [1.0, 2.0]]), reciprocal, 1)
        >>> print((3 * inverse).round(6).tolist(), least)
        [[2.0, -1.0], [-1.0, 2.0]] 1.5
    """
    size = matrix.shape[0]
    if size <= most:
        return invert(matrix)

    def smaller(part):
        return invert_by_halves(part, invert, most)

    (first, right, w), left, least = _first_half(matrix, -(-size // 2), smaller)
    rest, least_of_rest = smaller(left)
    x = (first @ right) @ rest
    inverse = jnp.block([[first + x @ w, -x], [-rest @ w, rest]])
    return inverse, _lower(least, least_of_rest)


def _first_half(matrix, half, invert):
    """P⁻¹, Q and W of `invert_by_halves`, S - WQ, and the least pivot so far."""
    top, low = matrix[:half], matrix[half:]
    first, least = invert(top[:, :half])
    right, w = top[:, half:], low[:, :half] @ first
    return (first, right, w), low[:, half:] - w @ right, least


def _lower(least, other):
    """The lower of two pivots; NaN if the second is."""
    return jnp.where(other > least, least, other)


def _shapes(matrix):
    return (
        jax.ShapeDtypeStruct(matrix.shape, matrix.dtype),
        jax.ShapeDtypeStruct((), matrix.dtype),
    )


_invert = lowered_by_platform("invert_by_blocks", _shapes, _by_loops, cuda=_in_few_launches)


class Factors(NamedTuple):
    """What [`solve_factored`][jaxelph.numerics.elimination.solve_factored] solves with.

    Only one of the two is more than zeros: which, the platform decides when a program is lowered.
    """

    inverse: Float[Array, "n n"]
    halves: tuple[Array, ...]


def factor(matrix: Float[Array, "n n"]) -> Factors:
    r"""The inverse of a matrix, or less than that where it does as well.

    On CPUs, of a large matrix, the inverses of the first half and of what is then left, and the
    products that join them, $P^{-1}$, $Q$, $W$ and $\Sigma$ of
    [`invert_by_halves`][jaxelph.numerics.elimination.invert_by_halves]: half the work of the
    inverse, and a solution costs no more. Under the conditions of
    [`invert_by_blocks`][jaxelph.numerics.elimination.invert_by_blocks]; not differentiable.

    Args:
        matrix (array of shape (n, n)).

    Example:
        >>> factors = factor(jnp.array([[2.0, 1.0], [1.0, 1.0]]))
        >>> print(solve_factored(factors, jnp.array([3.0, 2.0])))
        [1. 1.]
    """
    inverse, *halves = _factor(matrix)
    return Factors(inverse, tuple(halves))


def solve_factored(
    factors: Factors, right: Float[Array, " n"], transposed: bool = False
) -> Float[Array, " n"]:
    """The solution for one right-hand side, or with the transpose of the matrix.

    Args:
        factors: of `factor`.
        right (array of shape (n,)).
        transposed: solve with the transpose.

    Example:
        >>> factors = factor(jnp.array([[2.0, 1.0], [0.0, 1.0]]))
        >>> print(solve_factored(factors, jnp.array([2.0, 2.0]), transposed=True))
        [1. 1.]
    """

    def by_inverse(factors, right):
        return (factors.inverse.T if transposed else factors.inverse) @ right

    def by_halves(factors, right):
        p, q, w, rest = factors.halves
        top, low = right[: p.shape[0]], right[p.shape[0] :]
        if transposed:
            top = p.T @ top
            low = rest.T @ (low - q.T @ top)
            return jnp.concatenate([top - w.T @ low, low])
        low = rest @ (low - w @ top)
        return jnp.concatenate([p @ (top - q @ low), low])

    if not factors.halves:
        return by_inverse(factors, right)
    return on_cuda(by_inverse, by_halves, factors, right)


def least_pivot(matrix: Float[Array, "n n"]) -> Float[Array, ""]:
    """The least pivot of `invert_by_blocks` without the inverse: NaN where it is not finite.

    Of a symmetric matrix it has the sign of the least eigenvalue. Not differentiable.

    Args:
        matrix (array of shape (n, n)).

    Example:
        >>> print(least_pivot(jnp.array([[2.0, 1.0], [1.0, 0.0]])))
        -0.5
    """
    return _least_pivot(matrix)[0]


def _least(matrix):
    if len(matrix) < _HALVED:
        return (_by_loops(matrix)[1],)
    _, rest, least = _first_half(matrix, _half(len(matrix)), _by_loops)
    (least_of_rest,) = _least(rest)
    return (_lower(least, least_of_rest),)


_least_pivot = lowered_by_platform(
    "least_pivot",
    lambda matrix: _shapes(matrix)[1:],
    _least,
    cuda=lambda matrix: _in_few_launches(matrix)[1:],
)


def _factors_shapes(matrix):
    whole = _shapes(matrix)[:1]
    size = matrix.shape[-1]
    if size < _HALVED:
        return whole
    first, last = _half(size), size - _half(size)
    parts = (first, first), (first, last), (last, first), (last, last)
    return whole + tuple(jax.ShapeDtypeStruct(p, matrix.dtype) for p in parts)


def _halves(matrix):
    if len(matrix) < _HALVED:
        return _by_loops(matrix)[:1]
    (first, right, w), rest, _ = _first_half(matrix, _half(len(matrix)), _by_loops)
    return jnp.zeros_like(matrix), first, right, w, _by_loops(rest)[0]


def _half(size: int) -> int:
    """Of whole blocks, so that they need no other rows."""
    return _BLOCK * -(-size // (2 * _BLOCK))


def _whole(matrix):
    parts = (jnp.zeros(s.shape, s.dtype) for s in _factors_shapes(matrix)[1:])
    return _in_few_launches(matrix)[0], *parts


_factor = lowered_by_platform("factor", _factors_shapes, _halves, cuda=_whole)


def _invert_by_rows(matrix, count):
    """`invert_by_blocks` of a small matrix, a row at a time; pivots of the first `count` rows."""
    index = jnp.arange(matrix.shape[0])

    def eliminate(k, carry):
        a, least = carry
        here = index == k
        row = jax.lax.dynamic_slice_in_dim(a, k, 1, 0)
        column = jax.lax.dynamic_slice_in_dim(a, k, 1, 1)
        pivot = jax.lax.dynamic_slice_in_dim(row, k, 1, 1)
        row = jnp.where(here[None, :], 1.0, row) / pivot
        a = jnp.where(here[None, :], 0.0, a) - jnp.where(here[:, None], 0.0, column) * row
        return jnp.where(here[:, None], row, a), jnp.where(
            k < count, jnp.minimum(least, pivot[0, 0]), least
        )

    start = matrix, jnp.asarray(jnp.inf, matrix.dtype)
    return jax.lax.fori_loop(0, matrix.shape[0], eliminate, start)
