"""Gauss-Jordan elimination as one kernel of a GPU, a matrix to a block of its threads.

The matrix is read once, stays in registers until it is its inverse, and is written once.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .tiles import (
    Matrix,
    index,
    language,
    load_matrix,
    padded,
    store_matrix,
    tiles,
    warps,
)


def invert_in_one_launch(
    matrix: Float[Array, "n n"], *, interpret: bool = False
) -> tuple[Float[Array, "n n"], Float[Array, ""]]:
    """The inverse and the least pivot of a matrix, at most `LARGEST` wide; a batch by `vmap`.

    Args:
        matrix (array of shape (n, n)): one that needs no pivoting.
        interpret: run the kernel's instructions one after the other on whatever device is there.

    Example:
        >>> inverse, least = invert_in_one_launch(jnp.diag(jnp.array([2.0, 4.0])), interpret=True)
        >>> print(inverse.tolist(), least)
        [[0.5, 0.0], [0.0, 0.25]] 2.0
    """
    pallas, triton = language()
    size = matrix.shape[0]
    width = padded(size)
    whole = pallas.BlockSpec((width, width), lambda: (0, 0))
    return pallas.pallas_call(
        partial(_invert, size),
        in_specs=[whole],
        out_specs=[whole, pallas.BlockSpec((), lambda: ())],
        out_shape=(
            jax.ShapeDtypeStruct((size, size), matrix.dtype),
            jax.ShapeDtypeStruct((), matrix.dtype),
        ),
        interpret=interpret,
        compiler_params=triton.CompilerParams(num_warps=warps(size), num_stages=1),
        name="gauss_jordan",
    )(matrix)


def _invert(size, matrix, inverse, least):
    a, least[...] = eliminate(load_matrix(matrix, size), size)
    store_matrix(inverse, a, size)


def eliminate(a: Matrix, size: int) -> tuple[Matrix, Array]:
    """The tiles of the inverse, and the least pivot."""
    cut = list(enumerate(tiles(size)))
    least = jnp.asarray(jnp.inf, a[0, 0].dtype)
    for block, (first, width) in cut:

        def step(k, carry, block=block, width=width):
            a, least = carry
            here = index((width,), 0) == k
            rows, columns = {}, {}
            for i, (_, other) in cut:
                of_row, of_column = index((width, other), 0) == k, index((other, width), 1) == k
                rows[i] = jnp.sum(jnp.where(of_row, a[block, i], 0.0), axis=0)
                columns[i] = jnp.sum(jnp.where(of_column, a[i, block], 0.0), axis=1)
            pivot = jnp.sum(jnp.where(here, rows[block], 0.0))
            rows[block] = jnp.where(here, 1.0, rows[block])
            columns[block] = jnp.where(here, 0.0, columns[block])
            new = {}
            for (i, j), tile in a.items():
                row = (rows[j] / pivot)[None, :]
                if j == block:
                    tile = jnp.where(index(tile.shape, 1) == k, 0.0, tile)
                tile = tile - columns[i][:, None] * row
                if i == block:
                    tile = jnp.where(index(tile.shape, 0) == k, row, tile)
                new[i, j] = tile
            # What is not a number stays so.
            return new, jnp.where(pivot > least, least, pivot)

        a, least = jax.lax.fori_loop(0, min(width, size - first), step, (a, least))
    return a, least
