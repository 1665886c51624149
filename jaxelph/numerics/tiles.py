r"""Small matrices and vectors in the registers of a GPU's multiprocessor, for kernels.

Arrays of a kernel have powers of two for sizes, so that a matrix is cut into tiles of such sizes
and a vector into parts of the same. A matrix is a dictionary of its tiles by row and column, a
vector one of its parts. What kernels are written in takes a second to import: it is loaded where a
program is lowered for CUDA.
"""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

#: The largest matrix that stays in the registers of one multiprocessor, which hold 256 kB.
LARGEST = 128

# The least width of a tile.
_LEAST = 16

Vector = dict[int, Array]
Matrix = dict[tuple[int, int], Array]


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


def windows(ref: Any, size: int, cut: list[tuple[int, int]], above: int = 0) -> Iterator:
    """(row and column of tiles, reference, what of it is in the matrix) of each tile.

    Args:
        ref: to a matrix of a kernel.
        size: how wide the matrix is.
        cut: its `tiles`, or those of a larger one.
        above: rows above it.
    """
    pallas, _ = language()
    for i, (top, height) in enumerate(cut):
        for j, (left, width) in enumerate(cut):
            shape = height, width
            inside = (top + index(shape, 0) < size) & (left + index(shape, 1) < size)
            yield (i, j), ref.at[pallas.ds(above + top, height), pallas.ds(left, width)], inside


def load_matrix(
    ref: Any, size: int, cut: list[tuple[int, int]] | None = None, above: int = 0
) -> Matrix:
    """The tiles of a matrix; zero beyond it."""
    triton = language()[1]
    found = windows(ref, size, tiles(size) if cut is None else cut, above)
    return {at: triton.load(part, mask=inside, other=0.0) for at, part, inside in found}


def store_matrix(ref: Any, matrix: Matrix, size: int) -> None:
    """Writes what of the tiles is in the matrix."""
    triton = language()[1]
    for at, part, inside in windows(ref, size, tiles(size)):
        triton.store(part, matrix[at], mask=inside)


def indices(cut: list[tuple[int, int]]) -> Vector:
    """The index of each element, of a vector cut like `tiles`."""
    return {i: first + index((width,), 0) for i, (first, width) in enumerate(cut)}


def load_vector(ref: Any, size: int, cut: list[tuple[int, int]] | None = None) -> Vector:
    """The parts of a vector; zero beyond it."""
    pallas, triton = language()
    cut = tiles(size) if cut is None else cut
    return {
        i: triton.load(ref.at[pallas.ds(*cut[i])], mask=at < size, other=0.0)
        for i, at in indices(cut).items()
    }


def store_vector(ref: Any, vector: Vector, size: int) -> None:
    """Writes what of the parts is in the vector."""
    pallas, triton = language()
    for i, at in indices(tiles(size)).items():
        triton.store(ref.at[pallas.ds(*tiles(size)[i])], vector[i], mask=at < size)


def store_rows(ref: Any, rows: Vector, size: int) -> None:
    """Writes what of the parts is in a matrix of few rows, whose parts are of columns."""
    pallas, triton = language()
    count = rows[0].shape[0]
    for i, at in indices(tiles(size)).items():
        part = ref.at[pallas.ds(0, count), pallas.ds(*tiles(size)[i])]
        inside = jnp.broadcast_to(at[None, :] < size, rows[i].shape)
        triton.store(part, rows[i], mask=inside)


def each(function: Callable, *vectors: Vector) -> Vector:
    """A function of the elements.

    Example:
        >>> print(each(lambda x, y: x + y, {0: jnp.ones(2)}, {0: jnp.ones(2)})[0])
        [2. 2.]
    """
    return {i: function(*(vector[i] for vector in vectors)) for i in vectors[0]}


def dot(u: Vector, v: Vector) -> Array:
    """u·v.

    Example:
        >>> print(dot({0: jnp.ones(2), 1: jnp.ones(1)}, {0: jnp.ones(2), 1: jnp.ones(1)}))
        3.0
    """
    return sum((jnp.sum(u[i] * v[i]) for i in u), jnp.zeros((), u[0].dtype))


def product(matrix: Matrix, v: Vector) -> Vector:
    """A matrix times a vector.

    Example:
        >>> print(product({(0, 0): jnp.ones((2, 2))}, {0: jnp.ones(2)})[0])
        [2. 2.]
    """
    rows = {i: jnp.zeros((), v[0].dtype) for i in v}
    for (i, j), tile in matrix.items():
        rows[i] = rows[i] + jnp.sum(tile * v[j][None, :], axis=1)
    return rows
