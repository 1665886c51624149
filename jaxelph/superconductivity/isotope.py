r"""The isotope effect: T_c against the ions' mass, as a whole and phonon by phonon.

Frequencies go as M^{-1/2} at fixed couplings λ_k, for λ_kω_k² depends on forces alone. The bare
repulsion does not know the ions: it is μ* at a *fixed* energy ω_ph that stays.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..numerics.checks import checked
from ..spectra.spectrum import EliashbergFunction, Scalar
from .coulomb import Quoted, check_mu_star
from .matsubara import MatsubaraBasis
from .transition import _derivative, areas_of_modes, coulomb_options, critical_temperature


@checked
def isotope_coefficient(
    spectrum: EliashbergFunction,
    *,
    mu_star: Scalar = 0.1,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
    basis: MatsubaraBasis | None = None,
) -> Float[Array, ""]:
    r"""Isotope coefficient $\beta = -d\ln T_c/d\ln M$ of all ions' mass:

    $$\beta = \frac12\sum_k\omega_k\frac{\partial\ln T_c}{\partial\omega_k}\Big|_{\lambda_k}
      = \int\alpha^2F(\omega)\,R(\omega)\,d\omega ,$$

    ½ without repulsion, less with it. Source: Rainer & Culetto, PRB 19, 2540 (1979).

    Args:
        spectrum: an Eliashberg function.
        mu_star, cutoff, omega_ph, mu_star_at, basis: see `transition_temperature`; μ* stays as
            it is at ω_ph (or ω_c), whatever the mass.

    Returns:
        β (scalar); 0 without a T_c.

    Raises:
        ValueError: see `transition_temperature`.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [1.0])
        >>> print(f"{isotope_coefficient(s, mu_star=0.0):.4f} {isotope_coefficient(s):.4f}")
        0.5000 0.4724
    """
    check_mu_star(mu_star)
    repulsion, basis = coulomb_options(spectrum, mu_star, cutoff, omega_ph, mu_star_at, basis)
    return _coefficient(*areas_of_modes(spectrum), repulsion, basis)


@eqx.filter_jit
def _coefficient(omega, area, repulsion, basis):
    def temperature(log_factor):  # at fixed λ_k the areas λ_kω_k/2 go with the frequencies
        factor = jnp.exp(log_factor)
        return critical_temperature(omega * factor, area * factor, repulsion, basis)

    value, slope = jax.jvp(temperature, (jnp.zeros_like(omega[0]),), (jnp.ones_like(omega[0]),))
    return jnp.where(value > 0, slope / (2 * jnp.where(value > 0, value, 1.0)), value * 0.0)


@checked
def isotope_weight(
    spectrum: EliashbergFunction,
    omega: Float[Array, " frequency"],
    *,
    mu_star: Scalar = 0.1,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
    basis: MatsubaraBasis | None = None,
) -> Float[Array, " frequency"]:
    r"""Which phonons carry the isotope effect: R(ω) with $\beta = \int\alpha^2F\,R\,d\omega$,

    $$R(\omega) = \frac{1}{2T_c}\frac{d}{d\omega}\Bigl[\omega
        \frac{\delta T_c}{\delta\alpha^2F(\omega)}\Bigr].$$

    Args:
        spectrum: an Eliashberg function.
        omega (array of shape (frequency,), energy): where to evaluate it.
        mu_star, cutoff, omega_ph, mu_star_at, basis: see `isotope_coefficient`.

    Returns:
        R(ω) (array of shape (frequency,), 1/energy); 0 without a T_c.

    Raises:
        ValueError: see `transition_temperature`.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [1.0])  # of area λω/2 = 1/2
        >>> print(f"{isotope_weight(s, jnp.array([1.0]), mu_star=0.0)[0] / 2:.4f}")
        0.5000
    """
    check_mu_star(mu_star)
    repulsion, basis = coulomb_options(spectrum, mu_star, cutoff, omega_ph, mu_star_at, basis)
    modes = areas_of_modes(spectrum)
    return _weight(*modes, jnp.asarray(omega, dtype=modes[0].dtype), repulsion, basis)


@eqx.filter_jit
def _weight(omega_k, area, omega, repulsion, basis):
    modes = omega_k, area

    def weighted(omega):
        return omega * _derivative(*modes, omega, repulsion, basis)

    slope = jax.jvp(weighted, (omega,), (jnp.ones_like(omega),))[1]
    temperature = critical_temperature(*modes, repulsion, basis)
    exists = temperature > 0
    return jnp.where(exists, slope / (2 * jnp.where(exists, temperature, 1.0)), 0.0)
