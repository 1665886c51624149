r"""The lowest eigenvector of a symmetric matrix as one kernel of a GPU.

Inverse iteration with shifts σ that stay below the least eigenvalue w: A - σ is then positive
definite, its elimination is stable, and its least pivot says whether σ < w (Sylvester). A vector
of quotient θ and residual r has an eigenvalue within r of θ; where that is w, θ - r is the next
shift, and one product with (A - σ)⁻¹ makes r smaller by r over the gap. Where a pivot is not
positive a lower eigenvalue has been overlooked, and the next shift is further below. The search
ends with a shift that is below w and as close to θ as rounding lets it: what comes out is certified
to be the lowest, as accurate as a full diagonalisation, after about five eliminations.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from . import gauss_jordan as kernel

# Products with each inverse, and eliminations at most.
_PRODUCTS, _STEPS = 3, 300
# Over the norm: residuals from which a stop counts as the end, how far below an eigenvalue a shift
# is safe from rounding, and how close below it the last one is to be.
_SMALL, _SAFE, _CLOSE = 1e-12, 1e-13, 1e-12


def lowest_in_one_launch(
    matrix: Float[Array, "n n"], *, interpret: bool = False
) -> Float[Array, " n"]:
    """The normalised lowest eigenvector of a matrix, at most `LARGEST` wide; a batch by `vmap`.

    Args:
        matrix (array of shape (n, n)): symmetric.
        interpret: run the kernel's instructions one after the other on whatever device is there.

    Example:
        >>> matrix = jnp.array([[2.0, 1.0], [1.0, 2.0]])
        >>> print((lowest_in_one_launch(matrix, interpret=True)**2).round(12))
        [0.5 0.5]
    """
    return search(matrix, interpret=interpret)[0]


def search(
    matrix: Float[Array, "n n"], *, interpret: bool = False
) -> tuple[Float[Array, " n"], Int[Array, ""]]:
    """`lowest_in_one_launch`, and how many eliminations it took.

    Example:
        >>> print(search(jnp.diag(jnp.array([1.0, 2.0])), interpret=True)[1] < 10)
        True
    """
    pallas, triton = kernel.language()
    size = matrix.shape[0]
    width = kernel.padded(size)
    start = np.random.default_rng(0).normal(size=size)
    vector = pallas.BlockSpec((width,), lambda: (0,))
    return pallas.pallas_call(
        partial(_iterate, size),
        in_specs=[pallas.BlockSpec((width, width), lambda: (0, 0)), vector],
        out_specs=[vector, pallas.BlockSpec((), lambda: ())],
        out_shape=(
            jax.ShapeDtypeStruct((size,), matrix.dtype),
            jax.ShapeDtypeStruct((), jnp.int32),
        ),
        interpret=interpret,
        # Twice as many as an elimination alone takes: there is more to hold.
        compiler_params=triton.CompilerParams(num_warps=2 * kernel.warps(size), num_stages=1),
        name="lowest_eigenvector",
    )(matrix, jnp.asarray(start / np.linalg.norm(start), matrix.dtype))


def _iterate(size, matrix, start, found, count):
    pallas, triton = kernel.language()
    cut = list(enumerate(kernel.tiles(size)))

    def window(ref, i):
        first, width = cut[i][1]
        inside = first + kernel.index((width,), 0) < size
        return ref.at[pallas.ds(first, width)], inside

    def dot(u, v):
        return sum(jnp.sum(u[i] * v[i]) for i, _ in cut)

    def product(a, v):
        return {i: sum(jnp.sum(a[i, j] * v[j][None, :], axis=1) for j, _ in cut) for i, _ in cut}

    def diagonal(shape):
        return kernel.index(shape, 0) == kernel.index(shape, 1)

    first = {}
    for i, _ in cut:
        ref, inside = window(start, i)
        first[i] = triton.load(ref, mask=inside, other=0.0)

    # Gershgorin's discs: below all, and the norm, by which everything is divided.
    a = kernel.load_tiles(matrix, size)
    total, norm, low, high = 0.0, 0.0, jnp.inf, jnp.inf
    for i, _ in cut:
        radius = sum(jnp.sum(jnp.abs(a[i, j]), axis=1) for j, _ in cut)
        centre = jnp.sum(jnp.where(diagonal(a[i, i].shape), a[i, i], 0.0), axis=1)
        inside = window(start, i)[1]
        total, norm = total + jnp.sum(radius), jnp.maximum(norm, jnp.max(radius))
        low = jnp.minimum(low, jnp.min(jnp.where(inside, centre + jnp.abs(centre) - radius, low)))
        high = jnp.minimum(high, jnp.min(jnp.where(inside, centre, high)))
    finite = (total - total) == 0  # a maximum may overlook what is not a number
    unit = jnp.where(total == 0, 1.0, norm)
    low, high = low / unit - 0.01, high / unit

    def scaled():
        # Read again, for there is no room for a matrix beside its inverse.
        return {at: tile / unit for at, tile in kernel.load_tiles(matrix, size).items()}

    def improve(state):
        step, shift, low, high, reach, v, last, _ = state
        shifted = {
            (i, j): jnp.where(diagonal(tile.shape), tile - shift, tile) if i == j else tile
            for (i, j), tile in scaled().items()
        }
        inverse, least = kernel.eliminate(shifted, size)
        below = least > 0

        def multiply(_, v):
            v = product(inverse, v)
            length = jnp.sqrt(dot(v, v))
            return {i: part / length for i, part in v.items()}

        new = jax.lax.fori_loop(0, _PRODUCTS, multiply, v)
        image = product(scaled(), new)
        quotient = dot(new, image)
        rest = {i: image[i] - quotient * new[i] for i, _ in cut}
        residual = jnp.sqrt(dot(rest, rest))
        certified = (residual < _SMALL) & (quotient - shift < _CLOSE)
        done = below & certified & (residual >= 0.5 * last)

        low = jnp.where(below, shift, low)
        high = jnp.where(below, jnp.minimum(high, quotient), shift)
        reach = jnp.where(below, 1.01 * residual + _SAFE, 8 * reach)
        shift = jnp.where(high - reach > low, high - reach, (low + high) / 2)
        # Where an eigenvector was overlooked the start's part of it makes it seen.
        v = {i: jnp.where(below, new[i], v[i] + 1e-3 * first[i]) for i, _ in cut}
        last = jnp.where(below, residual, jnp.inf)
        return step + 1, shift, low, high, reach, v, last, done

    start_at = jnp.asarray(0, jnp.int32), low, low, high, high - low, first, jnp.inf, ~finite
    steps, _, _, _, _, v, _, done = jax.lax.while_loop(
        lambda state: (state[0] < _STEPS) & ~state[-1], improve, start_at
    )
    for i, _ in cut:
        ref, inside = window(found, i)
        triton.store(ref, jnp.where(finite & done, v[i], jnp.nan), mask=inside)
    count[...] = steps
