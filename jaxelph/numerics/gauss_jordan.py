"""Gauss-Jordan elimination as one kernel of a GPU, a matrix to a block of its threads.

The matrix is read once, stays in registers until it is its inverse, and is written once. Arrays
of a kernel have powers of two for sizes, so that a matrix is cut into tiles of such sizes. It is
loaded where a program is lowered for CUDA: what it is written in takes a second to import.
"""

import warnings
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

#: The largest matrix that stays in the registers of one multiprocessor, which hold 256 kB.
LARGEST = 128

# The least width of a tile.
_LEAST = 16


def available() -> bool:
    """Whether this JAX can compile such kernels, for the GPUs that it sees if it sees any.

    Example:
        >>> available() in (True, False)
        True
    """
    try:
        _language()
    except ImportError:
        return False
    try:
        devices = jax.local_devices(backend="gpu")
    except RuntimeError:
        return True  # lowered for another machine's
    # Triton begins with Ampere.
    return all(float(getattr(device, "compute_capability", 0)) >= 8 for device in devices)


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
    pallas, triton = _language()
    size = matrix.shape[0]
    width = sum(width for _, width in _tiles(size))
    whole = pallas.BlockSpec((width, width), lambda: (0, 0))
    return pallas.pallas_call(
        partial(_eliminate, pallas, triton, size),
        in_specs=[whole],
        out_specs=[whole, pallas.BlockSpec((), lambda: ())],
        out_shape=(
            jax.ShapeDtypeStruct((size, size), matrix.dtype),
            jax.ShapeDtypeStruct((), matrix.dtype),
        ),
        interpret=interpret,
        # Few enough threads that what they hold does not leave their registers.
        compiler_params=triton.CompilerParams(num_warps=4 if width <= 80 else 8, num_stages=1),
        name="gauss_jordan",
    )(matrix)


def _language():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from jax.experimental import pallas
        from jax.experimental.pallas import triton
    return pallas, triton


def _tiles(size: int) -> list[tuple[int, int]]:
    """First row and width of each tile."""
    left, tiles, first = -(-size // _LEAST) * _LEAST, [], 0
    while left:
        width = 1 << (left.bit_length() - 1)
        tiles.append((first, width))
        first, left = first + width, left - width
    return tiles


def _eliminate(pallas, triton, size, matrix, inverse, least_pivot):
    tiles = list(enumerate(_tiles(size)))

    def index(shape, axis):
        return jax.lax.broadcasted_iota(jnp.int32, shape, axis)

    def windows(ref):
        for i, (top, height) in tiles:
            for j, (left, width) in tiles:
                shape = height, width
                inside = (top + index(shape, 0) < size) & (left + index(shape, 1) < size)
                yield (i, j), ref.at[pallas.ds(top, height), pallas.ds(left, width)], inside

    a = {at: triton.load(ref, mask=inside, other=0.0) for at, ref, inside in windows(matrix)}
    least = jnp.asarray(jnp.inf, matrix.dtype)
    for block, (first, width) in tiles:

        def step(k, carry, block=block, width=width):
            a, least = carry
            here = index((width,), 0) == k
            rows, columns = {}, {}
            for i, (_, other) in tiles:
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
    for at, ref, inside in windows(inverse):
        triton.store(ref, a[at], mask=inside)
    least_pivot[...] = least
