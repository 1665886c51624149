r"""The superconducting state: Δ(iω_n) and Z(iω_n) from the isotropic Eliashberg equations.

The functional of `condensate` is made stationary on the compact basis, some 64 unknowns at any
temperature, by the method of `search`. Derivatives are implicit ones, of any order.
"""

from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..numerics.checks import checked
from ..numerics.kept import kept
from ..numerics.lapack import solve_as
from ..spectra.spectrum import EliashbergFunction, Scalar
from .condensate import (
    CondensateBasis,
    Metal,
    angles,
    condensate_basis,
    metal,
    normal_sums,
    residual,
    slope,
)
from .coulomb import Quoted, check_mu_star, concrete_value, nan_of
from .matsubara import MatsubaraBasis, Repulsion
from .search import stationary
from .transition import (
    areas_of_modes,
    check_resolved,
    coulomb_options,
    critical_temperature,
    lowest_resolved,
)


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
    return critical, Problem(omega, area, _part(np.float64(share), critical, low), repulsion, basis)


@kept
@jax.jit
def _part(share, critical, low):
    temperature = share * critical
    temperature = jnp.where(temperature >= low, temperature, jnp.nan)
    return jnp.where(critical > 0, temperature, 1.0)


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
    odd = angles(c, unknown, at.pairing.strength).odd
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


@kept
@eqx.filter_jit
def _solution(problem):
    return stationary(problem.basis, problem.metal())


def condensed(problem: Problem, solved=None) -> tuple[Metal, Float[Array, " unknown"]]:
    """The functional's matrices and what makes it stationary, with all their derivatives.

    Args:
        problem: the metal.
        solved: its `solution`, if that is known.
    """
    at = problem.metal()
    unknown = solution(problem) if solved is None else solved
    return at, follow(condensate_basis(problem.basis), at, unknown)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def follow(c: CondensateBasis, at: Metal, unknown: Float[Array, " unknown"]):
    """A root of `condensate.residual`, which changes with the metal so that it remains one.

    By the implicit function theorem it has derivatives of every order.
    """
    return unknown


@follow.defjvp
def _follow_jvp(c, primals, tangents):
    at, unknown = primals
    unknown = follow(c, at, unknown)
    _, change = jax.jvp(lambda at: residual(c, at, unknown), (at,), tangents[:1])
    # At the transition itself the normal state's has no inverse, and nothing to be divided.
    exists = jnp.any(jax.lax.stop_gradient(unknown) != 0)
    matrix = slope(c, *jax.lax.stop_gradient((at, unknown)))
    matrix = jnp.where(exists, matrix, jnp.eye(unknown.size, dtype=matrix.dtype))

    def product(change):
        moved = jax.jvp(lambda u: residual(c, at, u), (unknown,), (change,))[1]
        return jnp.where(exists, moved, change)

    return unknown, solve_as(product, matrix, -change)
