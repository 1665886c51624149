r"""What condensation does to the metal's free energy, entropy, heat capacity and to a field.

F_S - F_N is stationary in the gap, so that its first derivatives need no other than those of the
functional's matrices, and its second ones one linear system. Everything is in units of ν0, the
electronic states per energy and spin; the jump of the specific heat is a limit, not a difference.
"""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import constants

from ..numerics.checks import checked
from ..spectra.moments import coupling_constant
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..thermodynamics.specific_heat import specific_heat_ratio
from ..units import MEV_PER_UNIT, frequency_unit
from .condensate import functional, metal, quartic
from .coulomb import Quoted, check_mu_star, nan_of
from .gap import prepared, stationary
from .matsubara import MatsubaraBasis, pairing_kernel, top_eigenpair
from .transition import _solve, areas_of_modes, coulomb_options

# Where T_c is concerned with T = 0: what is left of Δ's dependence on T there is e^{-70}.
_COLD = 1 / 40


@checked
def free_energy_difference(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    *,
    mu_star: Scalar = 0.1,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
    basis: MatsubaraBasis | None = None,
) -> Float[Array, ""]:
    r"""Free energy of the superconductor less that of the normal metal, over ν0:

    $$\frac{F_S-F_N}{\nu_0} = -2\pi T\sum_{n\ge0}\bigl(\sqrt{\omega_n^2+\Delta_n^2}-\omega_n\bigr)
      \Bigl(Z^S_n - Z^N_n\frac{\omega_n}{\sqrt{\omega_n^2+\Delta_n^2}}\Bigr),$$

    ν0 states per energy and spin, computed as the least of a functional of the gap. Source:
    Bardeen & Stephen, Phys. Rev. 136, A1485 (1964).

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        mu_star, cutoff, omega_ph, mu_star_at, basis: see `superconducting_state`.

    Returns:
        (F_S - F_N)/ν0 (scalar, energy²), 0 in the normal state.

    Raises:
        ValueError: see `superconducting_state`.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [1.0])
        >>> print(f"{free_energy_difference(s, 0.011461951, mu_star=0.0):.8f}")
        -0.04893293
    """
    return _free_energy(
        *prepared(spectrum, temperature, mu_star, cutoff, omega_ph, mu_star_at, basis)
    )


@checked
def entropy_difference(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    *,
    mu_star: Scalar = 0.1,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
    basis: MatsubaraBasis | None = None,
) -> Float[Array, ""]:
    r"""Entropy of the superconductor less that of the normal metal,
    $(S_S - S_N)/\nu_0 = -\partial(F_S-F_N)/\partial T$.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        mu_star, cutoff, omega_ph, mu_star_at, basis: see `superconducting_state`.

    Returns:
        (S_S - S_N)/ν0 (scalar, energy), 0 in the normal state.

    Raises:
        ValueError: see `superconducting_state`.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{entropy_difference(EinsteinModes([1.0], [1.0]), 0.06, mu_star=0.0):.6f}")
        -0.662988
    """
    return _entropy(*prepared(spectrum, temperature, mu_star, cutoff, omega_ph, mu_star_at, basis))


@checked
def specific_heat_difference(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    *,
    mu_star: Scalar = 0.1,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
    basis: MatsubaraBasis | None = None,
) -> Float[Array, ""]:
    r"""Specific heat of the superconductor less that of the normal metal,
    $(C_S - C_N)/\nu_0 = -T\,\partial^2(F_S-F_N)/\partial T^2$.

    $C_N = \tfrac23\pi^2\nu_0T$ times `specific_heat_ratio`. Below T ~ ω/10 that is γ0T, with
    γ0 = (2π²/3)ν0(1+λ), which this has to be divided by for a textbook's figure.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        mu_star, cutoff, omega_ph, mu_star_at, basis: see `superconducting_state`.

    Returns:
        (C_S - C_N)/ν0 (scalar, energy), 0 in the normal state.

    Raises:
        ValueError: see `superconducting_state`.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s, tc = EinsteinModes([1.0], [1.0]), 0.11461951
        >>> heat = specific_heat_difference(s, 0.9 * tc, mu_star=0.0)
        >>> print(f"{heat / (4 / 3 * jnp.pi**2 * tc):.4f}")  # over γ0 T_c
        1.5661
    """
    return _heat(*prepared(spectrum, temperature, mu_star, cutoff, omega_ph, mu_star_at, basis))


@checked
def superconducting_heat_ratio(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    *,
    mu_star: Scalar = 0.1,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
    basis: MatsubaraBasis | None = None,
) -> Float[Array, ""]:
    r"""Electronic specific heat $C_S/(\tfrac23\pi^2\nu_0T)$ in whatever state the metal is in.

    The normal metal's ratio, `specific_heat_ratio`, and what condensation adds to it. The normal
    ratio may be negative; this one is the specific heat of the state that is realised.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        mu_star, cutoff, omega_ph, mu_star_at, basis: see `superconducting_state`.

    Returns:
        the ratio (scalar); that of the normal metal at T ≥ T_c.

    Raises:
        ValueError: see `superconducting_state`.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [1.0])
        >>> print(f"{superconducting_heat_ratio(s, 0.1, mu_star=0.0):.5f}")
        5.46223
    """
    excess = specific_heat_difference(
        spectrum,
        temperature,
        mu_star=mu_star,
        cutoff=cutoff,
        omega_ph=omega_ph,
        mu_star_at=mu_star_at,
        basis=basis,
    )
    normal = specific_heat_ratio(spectrum, temperature)
    return normal + excess / (2 / 3 * jnp.pi**2 * jnp.asarray(temperature))


@checked
def specific_heat_jump(
    spectrum: EliashbergFunction,
    *,
    mu_star: Scalar = 0.1,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
    basis: MatsubaraBasis | None = None,
) -> Float[Array, ""]:
    r"""Jump of the specific heat over $\gamma_0T_c$, $\gamma_0 = \tfrac23\pi^2\nu_0(1+\lambda)$.

    Just below T_c the functional of a gap of size η is $4\pi^2T^2\nu_0[(1-\rho)\eta^2 + B\eta^4]$,
    with ρ the pairing's eigenvalue and B the fourth order at its eigenvector, so that

    $$\frac{\Delta C}{\gamma_0T_c} = \frac{3\,(T_c\,d\rho/dT)^2}{(1+\lambda)\,B}.$$

    Args:
        spectrum: an Eliashberg function.
        mu_star, cutoff, omega_ph, mu_star_at, basis: see `transition_temperature`.

    Returns:
        ΔC/γ0T_c (scalar), 1.4261 in weak coupling; 0, and so its gradient, without a T_c.

    Raises:
        ValueError: see `transition_temperature`.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{specific_heat_jump(EinsteinModes([1.0], [1.0]), mu_star=0.0):.4f}")
        2.5561
    """
    check_mu_star(mu_star)
    options = coulomb_options(spectrum, mu_star, cutoff, omega_ph, mu_star_at, basis)
    return _jump(*areas_of_modes(spectrum), *options, coupling_constant(spectrum))


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
        ValueError: see `superconducting_state`.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{condensation_energy(EinsteinModes([1.0], [1.0]), mu_star=0.0):.7f}")
        0.0497976
    """
    check_mu_star(mu_star)
    options = coulomb_options(spectrum, mu_star, cutoff, omega_ph, mu_star_at, basis)
    return _condensation(*areas_of_modes(spectrum), *options, coupling_constant(spectrum))


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
    field = _field(
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
    # B²/2μ0 = F_N - F_S; that is H²/8π in the units of the formula.
    joule = MEV_PER_UNIT[frequency_unit(unit)] * 1e-3 * constants.electron_volt
    per_volume = jnp.asarray(density_of_states) * (joule * constants.mu_0 / (4 * np.pi) * 1e30)
    return field * jnp.sqrt(per_volume)


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
    omega, area, temperature, repulsion, basis = prepared(
        spectrum, temperature, mu_star, cutoff, omega_ph, mu_star_at, basis
    )
    return _deviation(omega, area, temperature, repulsion, basis, coupling_constant(spectrum))


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def least(basis, at):
    """The functional at its stationary point, whose own change changes nothing."""
    return functional(basis, at, stationary(basis, at))


@least.defjvp
def _least_jvp(basis, primals, tangents):
    unknown = stationary(basis, *primals)
    return jax.jvp(lambda at: functional(basis, at, unknown), primals, tangents)


def _plain(omega, area, temperature, repulsion, basis):
    at = metal(basis, omega, area, temperature, repulsion)
    lost = nan_of(omega, area, temperature, *repulsion)
    return 4 * jnp.pi**2 * temperature**2 * least(basis, at) + lost


_free_energy = eqx.filter_jit(_plain)


def _slope(function, omega, area, temperature, repulsion, basis):
    one = jnp.ones_like(temperature)
    return jax.jvp(lambda t: function(omega, area, t, repulsion, basis), (temperature,), (one,))


@eqx.filter_jit
def _entropy(omega, area, temperature, repulsion, basis):
    return -_slope(_plain, omega, area, temperature, repulsion, basis)[1]


@eqx.filter_jit
def _heat(omega, area, temperature, repulsion, basis):
    def entropy(*args):
        return -_slope(_plain, *args)[1]

    return temperature * _slope(entropy, omega, area, temperature, repulsion, basis)[1]


@eqx.filter_jit
def _jump(omega, area, repulsion, basis, coupling):
    root, exists = _solve(omega, area, repulsion, basis)

    def eigenvalue(log_t):
        kernel, tail = pairing_kernel(basis, omega, area, jnp.exp(log_t), repulsion)
        # A tame substitute where there is no T_c.
        safe = jnp.diag(jnp.arange(kernel.shape[0], dtype=kernel.dtype))
        value, vector = top_eigenpair(jnp.where(exists, kernel, safe))
        return value, (vector, tail @ vector)

    _, slope, (vector, tail) = jax.jvp(eigenvalue, (root,), (jnp.ones_like(root),), has_aux=True)
    at = metal(basis, omega, area, jnp.exp(root), repulsion)
    bend = quartic(basis, at, vector, tail)
    exists = exists & (bend > 0)
    jump = 3 * slope**2 / ((1 + coupling) * jnp.where(exists, bend, 1.0))
    return jnp.where(exists, jump, 0.0) + nan_of(omega, area, *repulsion)


@eqx.filter_jit
def _condensation(omega, area, repulsion, basis, coupling):
    root, exists = _solve(omega, area, repulsion, basis)
    cold = jnp.where(exists, jnp.exp(root) * _COLD, 1.0)
    energy = -_plain(omega, area, cold, repulsion, basis) + jnp.pi**2 / 3 * (1 + coupling) * cold**2
    return jnp.where(exists, energy, 0.0)


@eqx.filter_jit
def _deviation(omega, area, temperature, repulsion, basis, coupling):
    root, exists = _solve(omega, area, repulsion, basis)
    zero = _condensation(omega, area, repulsion, basis, coupling)
    energy = -_plain(omega, area, temperature, repulsion, basis)
    exists = exists & (energy > 0)
    ratio = _field(jnp.where(exists, energy, 1.0)) / _field(jnp.where(exists, zero, 1.0))
    reduced = temperature / jnp.exp(root)
    return jnp.where(exists, ratio - 1 + reduced**2, energy * 0.0)


def _field(energy):
    """√(8π·energy), with no infinite slope where there is no energy."""
    exists = energy > 0
    field = jnp.sqrt(8 * jnp.pi * jnp.where(exists, energy, 1.0))
    return jnp.where(exists, field, energy * 0.0)
