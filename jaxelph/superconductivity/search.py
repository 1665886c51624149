r"""Where the functional of `condensate` is stationary: a search that ends in Newton's method.

On the leading functions of the basis and a coarser sum, which have the gap to one in a thousand at
a tenth of the cost, the best of two families of gaps is iterated as in textbooks. Where that ends,
or just below T_c the solution of the linearised equation at the size that the quartic form gives,
is where Newton's method starts on the whole basis, with one slope for as long as it does.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..numerics.lapack import eigh, solve
from .condensate import (
    CondensateBasis,
    Metal,
    condensate_basis,
    functional,
    iterated,
    leading,
    quartic,
    residual,
    scales,
    screened,
    slope,
)
from .matsubara import MatsubaraBasis

# As far as this from 1 ρ says nothing: at T_c itself the metal is normal.
_ROUNDING = 3e-11
# Below this tan θ_0 the quartic form has the gap to 0.1 %.
_SMALL = 0.03
_STARTS = 8  # of a family
_ITERATIONS, _SETTLED, _LONGEST = 40, 1e-3, 10.0
_SLOPES, _STEPS, _RTOL = 20, 12, 1e-13


def stationary(basis: MatsubaraBasis, at: Metal) -> Float[Array, " unknown"]:
    """The unknowns of `condensate.residual` at its root, 0 in the normal state.

    NaN if Newton's method does not end.
    """
    c, some = condensate_basis(basis), leading(basis)
    form = at.pairing
    tail = -form.border * (form.strength / form.screening)
    kernel = form.kernel + form.border[:, None] * tail[None, :]
    values, vectors = eigh(kernel)
    rho, vector = values[-1], vectors[:, -1]
    exists = rho > 1 + _ROUNDING

    # The linearised equation's solution where F = (1-ρ)a² + B a⁴ is least.
    size = jnp.where(exists, rho - 1, 1.0) / (2 * quartic(c, at, vector, tail @ vector))
    small = jnp.sqrt(size) * jnp.append(vector, -form.border @ vector / form.screening)
    small = _positive(c, at, small)

    # The leading functions have a T_c of their own, unless they are given this one.
    dim, odd = some.even.shape[1], some.odd.shape[1]
    some_vector = vector[:dim] / jnp.linalg.norm(vector[:dim])
    value = some_vector @ (kernel[:dim, :dim] @ some_vector)
    raised = (rho - value) * some_vector[:, None] * some_vector[None, :]
    form = form._replace(kernel=form.kernel[:dim, :dim] + raised, border=form.border[:dim])
    few = jnp.append(small[:dim], small[-1])
    rough = _settled(some, Metal(form, at.odd[:odd, :odd]), few, exists)
    rough = jnp.concatenate([rough[:-1], jnp.zeros(small.size - few.size), rough[-1:]])
    start = _positive(c, at, jnp.where(_first(c, at, small) < _SMALL, small, rough))
    # Just below T_c rounding ends the convergence earlier.
    rounding = 1e-15 / jnp.where(exists, rho - 1, 1.0)
    found = newton(c, at, jnp.where(exists, start, 0.0), 1e-6 + rounding)
    # No gap is as large as √(λ⟨ω²⟩): rather none than one of another branch.
    large = _first(c, at, found) * c.node[0] > 2 * scales(c, at)[1]
    return jnp.where(large, jnp.nan, found)


def _positive(c, at, unknown):
    """Of the two gaps that differ by their sign the one that is positive at n = 0."""
    return unknown * jnp.sign(_first(c, at, unknown))


def _first(c, at, unknown):
    """tan θ_0."""
    return c.even[0] @ unknown[:-1] + at.pairing.strength * unknown[-1] / c.node[0]


def _settled(c, at, small, exists):
    """The best of two families of gaps, iterated; the one is of multiples of a small gap."""
    frequency, largest = scales(c, at)
    sizes = jnp.geomspace(1.0, 1e4, _STARTS)
    first = _first(c, at, small) * c.node[0]

    # Where the gap is as large as the phonons' frequencies it extends as far as itself: a
    # narrower one has branch points off the axis, which no iteration forgives.
    wide = jnp.maximum(largest, frequency) * jnp.geomspace(1e-4, 1.0, _STARTS)

    def broad(size):
        square = jnp.maximum(frequency, 4 * size) ** 2
        return jnp.append((size * square * c.weight / (c.node**2 + square)) @ c.even, 0.0)

    def energy(start):
        start = screened(c, at, start)
        return start, functional(c, at, start)

    starts = jnp.concatenate([jnp.outer(sizes, small), jax.vmap(broad)(wide)])
    starts, energies = jax.vmap(energy)(starts)
    allowed = jnp.append(sizes * first < jnp.maximum(0.2 * frequency, 2 * first), wide > 0)
    best = jnp.argmin(jnp.where(allowed, energies, jnp.inf))

    def iterate(state):
        unknown, least, before, rest, _, count = state
        found = iterated(c, at, unknown)
        new = found - unknown
        # What converges slowest is the size of the gap: a secant of it.
        bend = new - rest
        share = (new @ bend) / jnp.maximum(bend @ bend, 1e-300)
        share = jnp.where(count > 1, jnp.clip(share, -_LONGEST, 0.5), 0.0)
        left = jnp.linalg.norm(new) / jnp.linalg.norm(found)
        moved = found - share * (found - before)
        value = functional(c, at, moved)
        # Of couplings of hundreds rounding grows with the iteration, until nothing is left.
        worse = value > least + 1e-3 * jnp.abs(least)
        moved, left = jnp.where(worse, unknown, moved), jnp.where(worse, 0.0, left)
        return moved, value, found, new, left, count + 1

    def unfinished(state):
        return (state[4] > _SETTLED) & (state[5] < _ITERATIONS)

    start, left = starts[best], jnp.where(exists, jnp.inf, 0.0)
    start = start, energies[best], start, start, left, 0
    return jax.lax.while_loop(unfinished, iterate, start)[0]


def newton(
    c: CondensateBasis, at: Metal, start: Float[Array, " unknown"], sound: Float[Array, ""]
) -> Float[Array, " unknown"]:
    """The root near `start`; 0 stays as it is.

    NaN if the last step, relative, is not below `sound`, or if that root is of another size.
    """

    def refreshed(state):
        unknown, _, count = state
        matrix = slope(c, at, unknown)

        def step(state):
            unknown, size, _, count = state
            change = -solve(matrix, residual(c, at, unknown))
            new = jnp.linalg.norm(change) / jnp.maximum(jnp.linalg.norm(unknown), 1e-300)
            return unknown + change, new, size, count + 1

        def goes_on(state):
            _, size, last, count = state
            fast = (size < 0.1 * last) & (size < 0.03)
            return (count == 0) | (size > _RTOL) & fast & (count < _STEPS)

        start = (unknown, jnp.inf, jnp.inf, 0)
        unknown, size, last, _ = jax.lax.while_loop(goes_on, step, start)
        done = (size <= _RTOL) | ((size < sound) & (size > 0.1 * last))
        return unknown, jnp.where(done, 0.0, size), count + 1

    def unfinished(state):
        return (state[1] > 0) & (state[2] < _SLOPES)

    size = jnp.where(jnp.any(start != 0), jnp.inf, 0.0)
    unknown, size, _ = jax.lax.while_loop(unfinished, refreshed, (start, size, 0))
    share = jnp.linalg.norm(unknown) / jnp.linalg.norm(jnp.where(start == 0, 1e-300, start))
    astray = jnp.any(start != 0) & ((share < 0.3) | (share > 3.0))
    return jnp.where((size < sound) & ~astray, unknown, jnp.nan)
