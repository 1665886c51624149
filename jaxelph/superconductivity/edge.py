r"""The gap's edge Δ0 from the imaginary axis, by Padé's continuation.

Δ0 is where Re Δ(ω) = ω. As a function of ω² the gap is analytic but for a cut that, at low T,
begins at (Δ0 + ω_1)², ω_1 the lowest phonon that counts: ω² = Δ0² is close to the points
-ω_n² where it is known, and a rational function through a dozen of them has it to six digits.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..numerics.checks import checked
from ..numerics.kept import kept
from ..spectra.spectrum import EliashbergFunction, Scalar
from .condensate import Metal
from .coulomb import Quoted, check_mu_star
from .gap import Problem, at_share, condensed, prepared, solution
from .matsubara import MatsubaraBasis
from .transition import areas_of_modes, coulomb_options

# Points of Thiele's fraction. Eight give five digits at T_c/10, more than a few more nothing.
_POINTS = 12

# Where T_c is concerned with what is quoted as 2Δ0/T_c: Δ0 is that of T = 0 but for e^{-Δ0/T}.
_COLD = 1 / 10


@checked
def gap_edge(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    *,
    mu_star: Scalar = 0.1,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
    basis: MatsubaraBasis | None = None,
) -> Float[Array, ""]:
    r"""Edge Δ0 of the gap in the density of states, $\mathrm{Re}\,\Delta(\Delta_0) = \Delta_0$.

    By Thiele's continued fraction through Δ(iω) at twelve frequencies. It serves δ modes,
    too, whose Δ(ω) is singular from Δ0 + ω_k on. At low T Δ(ω) is real up to there, but for
    e^{-Δ0/T}. Against the exact continuation, `real_axis_state` at μ* = 0.1, a peak of α²F of
    width 0.05 ω is off by

        T_c/T         10     6      4      3      2
        λ = 1        5e-8   2e-8   2e-9   2e-9   3e-7
        λ = 3        1e-5   2e-6   2e-4   1e-3   6e-3

    and at T_c/10 niobium by 1e-6, mercury by 3e-5, a peak of λ = 5 by 9e-5.

    Nearer to T_c Δ(ω) is complex everywhere and N(ω) has no edge but a maximum with a foot; what
    is found is where Re Δ(ω) = ω would be for a smooth curve. Of phonons well above Δ0 that
    is still exact to 1e-5 at 0.9 T_c (a peak of α²F of width 0.1 ω, λ = 1, μ* = 0.1); with
    μ* = 0, at the higher T_c, to 2e-4 at T_c/2. Where there are phonons
    as soft as Δ0 it is off by: niobium 7e-4 at T_c/2 and 1 % at 0.9 T_c, mercury 1 % and 5 %,
    two peaks of λ = 2 in all 2 % and 21 %. For λ = 5 and 0.9 T_c there is no edge at all.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0; T_c/10 for what is quoted as 2Δ0/T_c.
        mu_star, cutoff, omega_ph, mu_star_at, basis: see `superconducting_state`.

    Returns:
        Δ0 (scalar, energy), 0 in the normal state.

    Raises:
        ValueError: see `superconducting_state`.

    Example:
        >>> from jaxelph import EinsteinModes, transition_temperature
        >>> s = EinsteinModes([1.0], [1.0])
        >>> tc = transition_temperature(s, 0.0)
        >>> print(f"{2 * gap_edge(s, tc / 10, mu_star=0.0) / tc:.5f}")
        4.22921
    """
    problem = prepared(spectrum, temperature, mu_star, cutoff, omega_ph, mu_star_at, basis)
    return _edge(problem, solution(problem))


@checked
def gap_ratio(
    spectrum: EliashbergFunction,
    *,
    mu_star: Scalar = 0.1,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
    basis: MatsubaraBasis | None = None,
) -> Float[Array, ""]:
    r"""The ratio $2\Delta_0/T_c$, with the gap's edge Δ0 at T_c/10, 3.5278 in weak coupling.

    Source: Carbotte, Rev. Mod. Phys. 62, 1027 (1990), Sec. IV.

    Args:
        spectrum: an Eliashberg function.
        mu_star, cutoff, omega_ph, mu_star_at, basis: see `transition_temperature`.

    Returns:
        2Δ0/T_c (scalar), 0 without a T_c.

    Raises:
        ValueError: T_c/10 is below what the basis resolves; or see `transition_temperature`.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{gap_ratio(EinsteinModes([1.0], [2.0]), mu_star=0.0):.5f}")
        5.28336
    """
    check_mu_star(mu_star)
    options = coulomb_options(spectrum, mu_star, cutoff, omega_ph, mu_star_at, basis)
    critical, problem = at_share(_COLD, *areas_of_modes(spectrum), *options)
    return _ratio(critical, _edge(problem, solution(problem)))


@kept
@jax.jit
def _ratio(critical, edge):
    exists = critical > 0
    return jnp.where(exists, 2 * edge / jnp.where(exists, critical, 1.0), edge)


def edge_at(problem: Problem, solved) -> Float[Array, ""]:
    """The edge in the state that is the problem's `solution`."""
    at, unknown = condensed(problem, solved)
    return edge_of(problem.basis, at, unknown, problem.temperature) + problem.lost()


_edge = kept(eqx.filter_jit(edge_at))


def edge_of(
    basis: MatsubaraBasis, at: Metal, unknown: Float[Array, " unknown"], temperature: Scalar
) -> Float[Array, ""]:
    """Δ0 (scalar, energy) of what `gap.condensed` finds."""
    exists = jnp.any(jax.lax.stop_gradient(unknown) != 0)

    # Δ/2πT at any ν > 0.
    def gap(nu):
        square, energy = nu[:, None] ** 2, jnp.asarray(basis.energy)[None, :]
        functions = (energy / (square + energy**2)) @ jnp.asarray(basis.expansion)
        return nu * (functions @ unknown[:-1]) + at.pairing.strength * unknown[-1]

    first = jax.lax.stop_gradient(gap(jnp.array([0.5]))[0])
    # The Matsubara frequencies, or as many as reach three times as far as the gap.
    spread = jnp.maximum(1.0, 3 * first / _POINTS)
    nu = 0.5 + spread * jnp.arange(_POINTS)
    # In units of the first gap, and a tame line where there is none.
    scale = jnp.where(exists, first, 1.0)
    values = jnp.where(exists, gap(nu) / scale, 1 / (1 + nu))
    curve = thiele(-((nu / scale) ** 2), values)

    def excess(x):
        return curve(x**2) - x

    def newton(x):
        value, slope = jax.jvp(excess, (x,), (jnp.ones_like(x),))
        return x - value / slope

    x = jax.lax.fori_loop(0, 8, lambda _, x: jax.lax.stop_gradient(newton(x)), jnp.ones_like(scale))
    # Steps that carry the derivatives, to the seventh order.
    for _ in range(3):
        x = newton(x)
    return jnp.where(exists, 2 * jnp.pi * temperature * scale * x, 0.0)


def thiele(points: Float[Array, " point"], values: Float[Array, " point"]):
    """The rational function through given values, by Thiele's continued fraction.

    Args:
        points (array of shape (point,)): where it is known, real or complex.
        values (array of shape (point,)): what it is there.

    Example:
        >>> x = jnp.array([0.0, 1.0, 2.0, 3.0])
        >>> print(f"{thiele(x, 1 / (1 + x**2))(5.0):.6f}")
        0.038462
    """
    count = points.shape[0]
    rest, coefficients = values, []
    for i in range(count):
        coefficients.append(rest[0])
        if i < count - 1:
            rest = (rest[0] - rest[1:]) / ((points[i + 1 :] - points[i]) * rest[1:])

    def curve(x):
        tail = jnp.ones_like(x * coefficients[0])
        for i in range(count - 1, 0, -1):
            tail = 1 + coefficients[i] * (x - points[i - 1]) / tail
        return coefficients[0] / tail

    return curve
