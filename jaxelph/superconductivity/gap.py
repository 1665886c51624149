r"""The superconducting state: Δ(iω_n) and Z(iω_n) from the isotropic Eliashberg equations.

The functional of `condensate` is made stationary by Newton's method on the compact basis, some
64 unknowns at any temperature, from the shape of the linearised equation's solution with the
best size: three or four steps. Derivatives are implicit ones, of any order.
"""

from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..numerics.checks import checked
from ..numerics.lapack import solve
from ..spectra.spectrum import EliashbergFunction, Scalar
from .condensate import (
    Metal,
    angles,
    condensate_basis,
    functional,
    iterated,
    metal,
    normal_sums,
    quartic,
    residual,
    scales,
    screened,
)
from .coulomb import Quoted, check_mu_star, concrete_value, nan_of
from .matsubara import MatsubaraBasis, Repulsion, top_eigenpair
from .transition import (
    areas_of_modes,
    check_resolved,
    coulomb_options,
    critical_temperature,
    lowest_resolved,
)

# Newton's method needs four or five steps from its start, and the start a few of the textbook's
# iteration: no more, for what rounding adds to the gap off the imaginary axis grows with them.
_STEPS = 30
_BASIN = 0.1
_ITERATIONS = 40
_RTOL = 1e-13
# As far as this from 1 ρ says nothing: at T_c itself the metal is normal.
_ROUNDING = 3e-11


class SuperconductingState(eqx.Module):
    """The gap and the renormalisation on the imaginary axis, as `superconducting_state` has them.

    Args:
        temperature (scalar, energy): T.
        frequencies (array of shape (frequency,), energy): ω_n = (2n+1)πT.
        gap (array of shape (frequency,), energy): Δ_n.
        renormalisation (array of shape (frequency,)): Z_n.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> state = superconducting_state(EinsteinModes([1.0], [2.0]), 0.1, mu_star=0.0)
        >>> print(state.gap.shape, bool(state.gap[0] > state.gap[1] > 0))
        (64,) True
    """

    temperature: Float[Array, ""]
    frequencies: Float[Array, " frequency"]
    gap: Float[Array, " frequency"]
    renormalisation: Float[Array, " frequency"]


@checked
def superconducting_state(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    *,
    mu_star: Scalar = 0.1,
    index: Int[np.ndarray, " frequency"] | None = None,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
    basis: MatsubaraBasis | None = None,
) -> SuperconductingState:
    r"""Gap $\Delta(i\omega_n)$ and renormalisation $Z(i\omega_n)$ at a temperature.

    The solution of the isotropic Eliashberg equations,

    $$Z_n\omega_n = \omega_n + \pi T\sum_m\lambda(n-m)\frac{\omega_m}{\sqrt{\omega_m^2+\Delta_m^2}},
      \qquad Z_n\Delta_n = \pi T\sum_m[\lambda(n-m) - \mu^*(\omega_c)]
      \frac{\Delta_m}{\sqrt{\omega_m^2+\Delta_m^2}},$$

    with $\omega_n = (2n+1)\pi T$, λ(l) and the repulsion those of `transition_temperature`, so
    that the gap closes where that is. Source: Allen & Mitrović, Solid State Phys. 37, 1 (1982).

    Differentiable to any order, in forward and reverse mode, in T, μ* and every parameter of the
    spectrum. Map over T by `jax.vmap`: one call for a curve.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        mu_star (scalar): Coulomb pseudopotential μ*, 0 ≤ μ* < 1.
        index (array of shape (frequency,)): the n ≥ 0 wanted, by default 0 to 63.
        cutoff, omega_ph, mu_star_at, basis: see `transition_temperature`.

    Returns:
        `SuperconductingState`. In the normal state, T ≥ T_c, Δ_n = 0 and so are its derivatives.

    Raises:
        ValueError: T or μ* cannot be meant, T is below what the basis resolves, the index is no
            vector of n ≥ 0, or another option cannot be meant, see `transition_temperature`.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> state = superconducting_state(EinsteinModes([1.0], [1.0]), 0.011461951, mu_star=0.0)
        >>> print(f"{state.gap[0]:.7f} {state.renormalisation[0]:.7f}")
        0.2374652 1.9378535
    """
    n = np.arange(64) if index is None else np.asarray(index)
    if n.ndim != 1 or not np.issubdtype(n.dtype, np.integer) or np.any(n < 0):
        raise ValueError(f"index must be a vector of integers n ≥ 0, got {n!r}.")
    problem = prepared(spectrum, temperature, mu_star, cutoff, omega_ph, mu_star_at, basis)
    return _state(problem, solution(problem), tuple(int(x) for x in n))


class Problem(NamedTuple):
    """A metal at a temperature, as the equations of the gap take it."""

    omega: Float[Array, " mode"]
    area: Float[Array, " mode"]
    temperature: Float[Array, ""]
    repulsion: Repulsion
    basis: MatsubaraBasis

    def metal(self) -> Metal:
        """The functional's matrices."""
        return metal(self.basis, self.omega, self.area, self.temperature, self.repulsion)

    def lost(self) -> Float[Array, ""]:
        """NaN if a number of it is, else 0."""
        return nan_of(self.omega, self.area, self.temperature, *self.repulsion)


def prepared(spectrum, temperature, mu_star, cutoff, omega_ph, mu_star_at, basis) -> Problem:
    """The problem, with the options checked.

    Raises:
        ValueError: see `superconducting_state`.
    """
    check_mu_star(mu_star)
    repulsion, basis = coulomb_options(spectrum, mu_star, cutoff, omega_ph, mu_star_at, basis)
    omega, area = areas_of_modes(spectrum)
    check_resolved(temperature, omega, area, repulsion, basis)
    return Problem(omega, area, jnp.asarray(temperature, dtype=omega.dtype), repulsion, basis)


def at_share(share: float, omega, area, repulsion, basis) -> tuple[Float[Array, ""], Problem]:
    """T_c, and the metal at `share` of it, to stand for T = 0; at any T if it does not condense.

    Raises:
        ValueError: that is known to be below what the basis resolves. If it is traced, T is NaN.
    """
    critical = critical_temperature(omega, area, repulsion, basis)
    low = jax.lax.stop_gradient(lowest_resolved(omega, area, repulsion, basis))
    known, least = concrete_value(critical), concrete_value(low)
    if known and least is not None and known * share < least:
        raise ValueError(
            f"T_c = {known:g} is so low that T_c/{1 / share:g} is below what the basis resolves, "
            f"{least:g}; pass basis=matsubara_basis(reach=…) with a larger reach."
        )
    temperature = share * critical
    temperature = jnp.where(temperature >= low, temperature, jnp.nan)
    return critical, Problem(
        omega, area, jnp.where(critical > 0, temperature, 1.0), repulsion, basis
    )


@eqx.filter_jit
def _state(problem: Problem, solved, index):
    at, unknown = condensed(problem, solved)
    nu = np.array(index) + 0.5
    basis, temperature = problem.basis, problem.temperature
    c = condensate_basis(basis)
    t = basis.functions(np.array(index)) @ unknown[:-1]
    t = t + at.pairing.strength * unknown[-1] / nu
    # The normal part in closed form, Z_n ν_n = ν_n + ½ S_n cos θ_n + ½ (M d)_n.
    sums = jnp.sum(2 * problem.area / problem.omega)
    sums = sums + at.pairing.coupling @ normal_sums(basis, index)
    odd = angles(basis, unknown, at.pairing.strength).odd
    bent = c.odd_functions(nu) @ (at.odd @ odd)
    renormalisation = 1 + sums / (2 * nu * jnp.sqrt(1 + t**2)) + bent / 2
    step, lost = 2 * jnp.pi * temperature, problem.lost()
    return SuperconductingState(
        temperature, step * nu, step * nu * t + lost, renormalisation + lost
    )


def leading_gap(problem: Problem, solved) -> Float[Array, ""]:
    """Δ(iπT), of the problem's `solution`."""
    at, unknown = condensed(problem, solved)
    first = problem.basis.functions(np.array([0]))[0]
    tangent = first @ unknown[:-1] + at.pairing.strength * unknown[-1] / 0.5
    return jnp.pi * problem.temperature * tangent + problem.lost()


def solution(problem: Problem) -> Float[Array, " unknown"]:
    """The tan θ that makes the functional stationary, in its expansion; 0 in the normal state.

    A number without derivatives, which `follow` has. What is asked of a state takes it as an
    argument, so that the search for it is compiled once for all.
    """
    omega, area, temperature, repulsion = jax.lax.stop_gradient(problem[:4])
    return _solution(Problem(omega, area, temperature, repulsion, problem.basis))


@eqx.filter_jit
def _solution(problem):
    basis, at = problem.basis, problem.metal()
    start = _start(basis, at)

    def step(state):
        unknown, last, _, count = state
        change = -solve(_slope(basis, at, unknown), residual(basis, at, unknown))
        size = jnp.linalg.norm(change) / jnp.maximum(jnp.linalg.norm(unknown), 1e-300)
        return unknown + change, size, last, count + 1

    def unfinished(state):
        _, size, last, count = state
        # Just below T_c rounding ends the convergence earlier.
        stalled = (size < 1e-6) & (size > 0.1 * last)
        return (size > _RTOL) & ~stalled & (count < _STEPS)

    size = jnp.where(jnp.any(start != 0), jnp.inf, 0.0)
    unknown, size, *_ = jax.lax.while_loop(unfinished, step, (start, size, jnp.inf, 0))
    return jnp.where(size < 1e-6, unknown, jnp.nan)


def condensed(problem: Problem, solved=None) -> tuple[Metal, Float[Array, " unknown"]]:
    """The functional's matrices and what makes it stationary, with all their derivatives.

    Args:
        problem: the metal.
        solved: its `solution`, if that is known.
    """
    at = problem.metal()
    return at, follow(problem.basis, at, solution(problem) if solved is None else solved)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def follow(basis: MatsubaraBasis, at: Metal, unknown: Float[Array, " unknown"]):
    """A root of `condensate.residual`, which changes with the metal so that it remains one.

    By the implicit function theorem it has derivatives of every order.
    """
    return unknown


@follow.defjvp
def _follow_jvp(basis, primals, tangents):
    at, unknown = primals
    unknown = follow(basis, at, unknown)
    _, change = jax.jvp(lambda at: residual(basis, at, unknown), (at,), tangents[:1])
    return unknown, -solve(_slope(basis, at, unknown), change)


def _slope(basis, at, unknown):
    slope = jax.jacfwd(lambda u: residual(basis, at, u))(unknown)
    # At the transition itself the normal state's has no inverse, and nothing to be divided.
    exists = jnp.any(jax.lax.stop_gradient(unknown) != 0)
    return jnp.where(exists, slope, jnp.eye(unknown.size, dtype=slope.dtype))


def _start(basis, at):
    """Where Newton's method converges: the best of two families of gaps, iterated a few times."""
    c, form = condensate_basis(basis), at.pairing
    tail = -form.border * (form.strength / form.screening)
    rho, vector = top_eigenpair(form.kernel + form.border[:, None] * tail[None, :])
    exists = rho > 1 + _ROUNDING
    vector = vector / (c.even[0] @ vector + tail @ vector / c.node[0]) / c.node[0]
    frequency, largest = scales(basis, at)

    # The linearised equation's solution, from the size just below T_c, F = (1-ρ)a² + B a⁴, on.
    shape = jnp.append(vector, -form.border @ vector / form.screening)
    bend = quartic(basis, at, vector, tail @ vector)
    landau = jnp.sqrt(jnp.where(exists, rho - 1, 1.0) / (2 * bend))
    sizes = landau * jnp.geomspace(0.5, 1e4, 32)

    # Where the gap is as large as the phonons' frequencies it extends as far as itself: a
    # narrower one has branch points off the axis, which no iteration forgives.
    wide = jnp.maximum(largest, frequency) * jnp.geomspace(1e-4, 1.0, 32)

    def broad(size):
        square = jnp.maximum(frequency, 4 * size) ** 2
        t = size * square / (c.node * (c.node**2 + square))
        return jnp.append((c.weight * c.node * t) @ c.even, 0.0)

    starts = jnp.concatenate([jnp.outer(sizes, shape), jax.vmap(broad)(wide)])
    answer = jax.vmap(lambda unknown: screened(basis, at, unknown))
    starts = jax.lax.fori_loop(0, 2, lambda _, starts: answer(starts), starts)
    allowed = jnp.append(sizes < jnp.maximum(0.2 * frequency, 2 * landau), wide > 0)
    energies = jax.vmap(lambda start: functional(basis, at, start))(starts)
    best = jnp.argmin(jnp.where(allowed, energies, jnp.inf))
    start = jnp.where(exists, starts[best], 0.0)

    def iterate(state):
        unknown, last, _, count = state
        new = iterated(basis, at, unknown)
        change = jnp.linalg.norm(new - unknown) / jnp.linalg.norm(new)
        # What is left of a geometric series.
        left = change / (1 - jnp.clip(change / last, 0.0, 0.99))
        return new, change, left, count + 1

    def unfinished(state):
        return (state[2] > _BASIN) & (state[3] < _ITERATIONS)

    left = jnp.where(exists, jnp.inf, 0.0)
    return jax.lax.while_loop(unfinished, iterate, (start, left, left, 0))[0]
