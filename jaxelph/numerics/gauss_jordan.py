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
        language()
    except ImportError:
        return False
    try:
        devices = jax.local_devices(backend="gpu")
    except RuntimeError:
        return True  # lowered for another machine's
    # Triton begins with Ampere.
    return all(float(getattr(device, "compute_capability", 0)) >= 8 for device in devices)


def language():
    """Pallas, and what of it is for Triton."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from jax.experimental import pallas
        from jax.experimental.pallas import triton
    return pallas, triton


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
    triton = language()[1]
    a, least[...] = eliminate(load_tiles(matrix, size), size)
    for at, ref, inside in windows(inverse, size):
        triton.store(ref, a[at], mask=inside)


def warps(size: int) -> int:
    """Few enough warps of threads that what each thread holds does not leave its registers.

    Example:
        >>> warps(76), warps(128)
        (4, 8)
    """
    return 4 if padded(size) <= 80 else 8


def padded(size: int) -> int:
    """The rows of all tiles.

    Example:
        >>> padded(76)
        80
    """
    return sum(width for _, width in tiles(size))


def tiles(size: int) -> list[tuple[int, int]]:
    """First row and width of each tile.

    Example:
        >>> tiles(76)
        [(0, 64), (64, 16)]
    """
    left, found, first = -(-size // _LEAST) * _LEAST, [], 0
    while left:
        width = 1 << (left.bit_length() - 1)
        found.append((first, width))
        first, left = first + width, left - width
    return found


def index(shape, axis):
    """The index along an axis, of an array within a kernel."""
    return jax.lax.broadcasted_iota(jnp.int32, shape, axis)


def windows(ref, size):
    """(row and column of tiles, reference, what of it is in the matrix) of each tile."""
    pallas, _ = language()
    for i, (top, height) in enumerate(tiles(size)):
        for j, (left, width) in enumerate(tiles(size)):
            shape = height, width
            inside = (top + index(shape, 0) < size) & (left + index(shape, 1) < size)
            yield (i, j), ref.at[pallas.ds(top, height), pallas.ds(left, width)], inside


def load_tiles(matrix, size):
    """The tiles of a matrix, by row and column; zero beyond it."""
    triton = language()[1]
    return {
        at: triton.load(ref, mask=inside, other=0.0) for at, ref, inside in windows(matrix, size)
    }


def eliminate(a, size):
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
