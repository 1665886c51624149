r"""The lowest eigenvector of a symmetric matrix as one kernel of a GPU.

Inverse iteration with shifts σ that stay below the least eigenvalue w: A - σ is then positive
definite, its elimination is stable, and its least pivot says whether σ < w (Sylvester). A vector
of quotient θ and residual r has an eigenvalue within r of θ; where that is w, θ - r is the next
shift, and one product with (A - σ)⁻¹ makes r smaller by r over the gap. Where a pivot is not
positive a lower eigenvalue has been overlooked, and the next shift is further below. The search
ends with a shift that is below w and as close to θ as rounding lets it: what comes out is certified
to be the lowest, as accurate as a full diagonalisation.

A product with A costs a hundredth of an elimination. The search therefore begins with a vector
from which Chebyshev polynomials of A have taken most of what lies above its quotient; where w
stands apart two eliminations are left.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from . import tiles as kernel
from .gauss_jordan import eliminate
from .tiles import dot, product

# Products with each inverse, and eliminations at most.
_PRODUCTS, _STEPS = 8, 300
# Polynomials at the beginning, their degree, and the least half width of what they damp.
_FILTERS, _DEGREE, _NARROW = 8, 8, 0.05
# Over the norm: residuals from which a stop counts as the end, and those that are all rounding;
# how far below an eigenvalue a shift is safe from rounding, and how close the last one is to be.
_SMALL, _ROUNDING, _SAFE, _CLOSE = 1e-12, 1e-15, 1e-13, 1e-12


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
    cut = list(enumerate(kernel.tiles(size)))
    at = kernel.indices(kernel.tiles(size))

    def diagonal(shape):
        return kernel.index(shape, 0) == kernel.index(shape, 1)

    first = kernel.load_vector(start, size)

    # Gershgorin's discs: below all, and the norm, by which everything is divided.
    a = kernel.load_matrix(matrix, size)
    total, norm, low, high = 0.0, 0.0, jnp.inf, jnp.inf
    for i, _ in cut:
        radius = sum(jnp.sum(jnp.abs(a[i, j]), axis=1) for j, _ in cut)
        centre = jnp.sum(jnp.where(diagonal(a[i, i].shape), a[i, i], 0.0), axis=1)
        inside = at[i] < size
        total, norm = total + jnp.sum(radius), jnp.maximum(norm, jnp.max(radius))
        low = jnp.minimum(low, jnp.min(jnp.where(inside, centre + jnp.abs(centre) - radius, low)))
        high = jnp.minimum(high, jnp.min(jnp.where(inside, centre, high)))
    finite = (total - total) == 0  # a maximum may overlook what is not a number
    scale = 1 / jnp.where(total == 0, 1.0, norm)
    low, high = low * scale - 0.01, high * scale

    def scaled():
        # Read again, for there is no room for a matrix beside its inverse.
        return {ij: tile * scale for ij, tile in kernel.load_matrix(matrix, size).items()}

    def quotient_of(v):
        image = product(scaled(), v)
        quotient = dot(v, image)
        rest = {i: image[i] - quotient * v[i] for i, _ in cut}
        return quotient, jnp.sqrt(dot(rest, rest))

    def normalised(v):
        length = jnp.sqrt(dot(v, v))
        return {i: part / length for i, part in v.items()}

    def next_shift(low, high, reach):
        return jnp.where(high - reach > low, high - reach, (low + high) / 2)

    def filtered(_, v):
        # T_n((A - c)/e) is at most one on [θ, 1], which everything divided by the norm ends at.
        quotient, _ = quotient_of(v)
        e = jnp.maximum(0.5 * (1 - quotient), _NARROW)
        c = 1 - e

        def mapped(v):
            image = product(scaled(), v)
            return {i: (image[i] - c * v[i]) / e for i, _ in cut}

        def recur(_, pair):
            before, v = pair
            image = mapped(v)
            return v, {i: 2 * image[i] - before[i] for i, _ in cut}

        return normalised(jax.lax.fori_loop(1, _DEGREE, recur, (v, mapped(v)))[1])

    def improve(state):
        step, shift, low, high, reach, v, last, _ = state
        shifted = {
            (i, j): jnp.where(diagonal(tile.shape), tile - shift, tile) if i == j else tile
            for (i, j), tile in scaled().items()
        }
        inverse, least = eliminate(shifted, size)
        below = least > 0

        new = jax.lax.fori_loop(0, _PRODUCTS, lambda _, v: normalised(product(inverse, v)), v)
        quotient, residual = quotient_of(new)
        certified = (residual < _SMALL) & (quotient - shift < _CLOSE)
        done = below & certified & ((residual >= 0.5 * last) | (residual < _ROUNDING))

        low = jnp.where(below, shift, low)
        high = jnp.where(below, jnp.minimum(high, quotient), shift)
        reach = jnp.where(below, 1.01 * residual + _SAFE, 8 * reach)
        shift = next_shift(low, high, reach)
        # Where an eigenvector was overlooked the start's part of it makes it seen.
        v = {i: jnp.where(below, new[i], v[i] + 1e-3 * first[i]) for i, _ in cut}
        last = jnp.where(below, residual, jnp.inf)
        return step + 1, shift, low, high, reach, v, last, done

    v = jax.lax.fori_loop(0, _FILTERS, filtered, first)
    quotient, residual = quotient_of(v)
    high, reach = jnp.minimum(high, quotient), 1.01 * residual + _SAFE
    shift = next_shift(low, high, reach)
    start_at = jnp.asarray(0, jnp.int32), shift, low, high, reach, v, jnp.inf, ~finite
    steps, _, _, _, _, v, _, done = jax.lax.while_loop(
        lambda state: (state[0] < _STEPS) & ~state[-1], improve, start_at
    )
    kernel.store_vector(found, kernel.each(lambda x: jnp.where(finite & done, x, jnp.nan), v), size)
    count[...] = steps
