r"""What condensation is worth, as an energy at T = 0 and as the magnetic field that undoes it."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import constants

from ..numerics.checks import checked
from ..spectra.moments import coupling_constant
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..units import MEV_PER_UNIT, frequency_unit
from .coulomb import Quoted, check_mu_star
from .free_energy import free_energy, free_energy_difference
from .gap import at_share, prepared, solution
from .matsubara import MatsubaraBasis
from .transition import areas_of_modes, coulomb_options

# Where T_c is concerned with T = 0: what is left of Δ's dependence on T there is e^{-70}.
_COLD = 1 / 40


@checked
def condensation_energy(
    spectrum: EliashbergFunction,
    *,
    mu_star: Scalar = 0.1,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
    basis: MatsubaraBasis | None = None,
) -> Float[Array, ""]:
    r"""$(E_N - E_S)/\nu_0$ at T = 0; in weak coupling Δ0²/2 times 1 + λ.

    It is F_N - F_S at T = T_c/40, where the superconductor has no entropy left, less the
    normal metal's $\tfrac13\pi^2(1+\lambda)T^2$: what is neglected is of the order of (T/ω)⁴.

    Args:
        spectrum: an Eliashberg function.
        mu_star, cutoff, omega_ph, mu_star_at, basis: see `transition_temperature`.

    Returns:
        the energy (scalar, energy²), 0 without a T_c.

    Raises:
        ValueError: T_c/40 is below what the basis resolves; or see `superconducting_state`.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{condensation_energy(EinsteinModes([1.0], [1.0]), mu_star=0.0):.7f}")
        0.0497976
    """
    check_mu_star(mu_star)
    options = coulomb_options(spectrum, mu_star, cutoff, omega_ph, mu_star_at, basis)
    return at_zero(*areas_of_modes(spectrum), *options, coupling_constant(spectrum))[0]


@checked
def critical_field(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    *,
    mu_star: Scalar = 0.1,
    density_of_states: Scalar | None = None,
    unit: str = "meV",
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
    basis: MatsubaraBasis | None = None,
) -> Float[Array, ""]:
    r"""Thermodynamic critical field, $H_c = \sqrt{8\pi(F_N-F_S)}$, in tesla or reduced.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        mu_star, cutoff, omega_ph, mu_star_at, basis: see `superconducting_state`.
        density_of_states (scalar): ν0 per volume, in states per `unit`, spin and Å³. Without it
            the field is reduced, $\sqrt{8\pi(F_N-F_S)/\nu_0}$ (energy).
        unit: the energy unit of the spectrum, for tesla.

    Returns:
        H_c (scalar), 0 in the normal state.

    Raises:
        ValueError: the unit is not known; or see `superconducting_state`.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([10.0], [1.0])
        >>> print(f"{critical_field(s, 0.1, mu_star=0.0):.4f}")
        11.1131
        >>> print(f"{critical_field(s, 0.1, mu_star=0.0, density_of_states=2e-5):.4f}")  # T
        0.1989
    """
    field = field_of(
        -free_energy_difference(
            spectrum,
            temperature,
            mu_star=mu_star,
            cutoff=cutoff,
            omega_ph=omega_ph,
            mu_star_at=mu_star_at,
            basis=basis,
        )
    )
    if density_of_states is None:
        return field
    return field * tesla(density_of_states, unit)


@checked
def deviation_function(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    *,
    mu_star: Scalar = 0.1,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
    basis: MatsubaraBasis | None = None,
) -> Float[Array, ""]:
    r"""Deviation of the critical field from a parabola, $D = H_c(T)/H_c(0) - 1 + (T/T_c)^2$.

    Negative for weak coupling, down to -0.037, positive for strong.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        mu_star, cutoff, omega_ph, mu_star_at, basis: see `superconducting_state`.

    Returns:
        D (scalar), 0 in the normal state and without a T_c.

    Raises:
        ValueError: see `superconducting_state`.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{deviation_function(EinsteinModes([1.0], [2.0]), 0.14, mu_star=0.0):.4f}")
        0.0451
    """
    problem = prepared(spectrum, temperature, mu_star, cutoff, omega_ph, mu_star_at, basis)
    options = problem.omega, problem.area, problem.repulsion, problem.basis
    zero, critical = at_zero(*options, coupling_constant(spectrum))
    return _deviation(problem, solution(problem), zero, critical)


@eqx.filter_jit
def _deviation(problem, solved, zero, critical):
    return deviation(-free_energy(problem, solved), zero, problem.temperature, critical)


def deviation(energy, zero, temperature, critical):
    """D from F_N - F_S, that of T = 0 and T_c."""
    exists = (critical > 0) & (energy > 0)
    reduced = temperature / jnp.where(critical > 0, critical, 1.0)
    return jnp.where(exists, reduced_field(energy, zero) - 1 + reduced**2, energy * 0.0)


def reduced_field(energy, zero):
    """H_c(T)/H_c(0), 0 in the normal state."""
    return field_of(energy) / field_of(jnp.where(zero > 0, zero, 1.0))


def at_zero(omega, area, repulsion, basis, coupling):
    """The condensation energy over ν0, and T_c."""
    critical, problem = at_share(_COLD, omega, area, repulsion, basis)
    return _condensation(critical, problem, solution(problem), coupling), critical


@eqx.filter_jit
def _condensation(critical, problem, solved, coupling):
    normal = jnp.pi**2 / 3 * (1 + coupling) * problem.temperature**2
    energy = normal - free_energy(problem, solved)
    return jnp.where(critical > 0, energy, 0.0) + problem.lost()


def field_of(energy):
    """√(8π·energy), with no infinite slope where there is no energy."""
    exists = energy > 0
    field = jnp.sqrt(8 * jnp.pi * jnp.where(exists, energy, 1.0))
    return jnp.where(exists, field, energy * 0.0)


def tesla(density_of_states, unit: str):
    """Of a field over √ν0 in `unit`: B²/2μ0 = F_N - F_S, which the formula has as H²/8π."""
    joule = MEV_PER_UNIT[frequency_unit(unit)] * 1e-3 * constants.electron_volt
    factor = joule * constants.mu_0 / (4 * np.pi) * 1e30
    return jnp.sqrt(jnp.asarray(density_of_states) * factor)
