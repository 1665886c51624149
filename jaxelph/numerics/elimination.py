"""Elimination without pivoting: an inverse that is mostly products, and the sign of a matrix."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .lapack import lowered_by_platform

# Rows that are eliminated at once: few enough that their own elimination, one row at a time,
# costs little, enough that the rest is matrix products; measured for 37 to 400 rows.
_BLOCK, _MOST_BLOCKS = 10, 16


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
    from . import gauss_jordan

    if not gauss_jordan.available():
        return _by_loops(matrix)
    return invert_by_halves(matrix, gauss_jordan.invert_in_one_launch, gauss_jordan.LARGEST)


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
    half = -(-size // 2)
    top, low = matrix[:half], matrix[half:]
    first, least = invert_by_halves(top[:, :half], invert, most)
    right, w = top[:, half:], low[:, :half] @ first
    rest, least_of_rest = invert_by_halves(low[:, half:] - w @ right, invert, most)
    x = (first @ right) @ rest
    inverse = jnp.block([[first + x @ w, -x], [-rest @ w, rest]])
    return inverse, jnp.where(least_of_rest > least, least, least_of_rest)


def _shapes(matrix):
    return (
        jax.ShapeDtypeStruct(matrix.shape, matrix.dtype),
        jax.ShapeDtypeStruct(matrix.shape[:-2], matrix.dtype),
    )


_invert = lowered_by_platform("invert_by_blocks", _shapes, _by_loops, cuda=_in_few_launches)


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
