r"""What condensation does to the metal's free energy, entropy and heat capacity.

F_S - F_N is stationary in the gap, so that its first derivatives need no other than those of the
functional's matrices, and its second ones one linear system. Everything is in units of ν0, the
electronic states per energy and spin; the jump of the specific heat is a limit, not a difference.
"""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..numerics.checks import checked
from ..spectra.moments import coupling_constant
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..thermodynamics.specific_heat import specific_heat_ratio
from .condensate import condensate_basis, functional, metal, quartic
from .coulomb import Quoted, check_mu_star, nan_of
from .gap import Problem, follow, prepared, solution
from .matsubara import MatsubaraBasis, pairing_kernel, top_eigenpair
from .transition import areas_of_modes, coulomb_options, critical_point


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
    problem = prepared(spectrum, temperature, mu_star, cutoff, omega_ph, mu_star_at, basis)
    return _free_energy(problem, solution(problem))


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
    problem = prepared(spectrum, temperature, mu_star, cutoff, omega_ph, mu_star_at, basis)
    return _entropy(problem, solution(problem))


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
    problem = prepared(spectrum, temperature, mu_star, cutoff, omega_ph, mu_star_at, basis)
    return _heat(problem, solution(problem))


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
    return jump_of(*areas_of_modes(spectrum), *options, coupling_constant(spectrum))


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def least(c, at, unknown):
    """The functional at its stationary point, whose own change changes nothing to first order."""
    return functional(c, at, unknown)


@least.defjvp
def _least_jvp(c, primals, tangents):
    at, unknown = primals
    return jax.jvp(lambda at: functional(c, at, unknown), (at,), tangents[:1])


def free_energy(problem: Problem, solved) -> Float[Array, ""]:
    """(F_S - F_N)/ν0, of the problem's `solution`."""
    at, c = problem.metal(), condensate_basis(problem.basis)
    value = least(c, at, follow(c, at, solved))
    return 4 * jnp.pi**2 * problem.temperature**2 * value + problem.lost()


def entropy_and_heat(problem: Problem, solved):
    """S_S - S_N and C_S - C_N, over ν0."""
    t = problem.temperature

    def energy(t):
        return free_energy(problem._replace(temperature=t), solved)

    def entropy(t):
        return -jax.jvp(energy, (t,), (jnp.ones_like(t),))[1]

    value, slope = jax.jvp(entropy, (t,), (jnp.ones_like(t),))
    return value, t * slope


_free_energy = eqx.filter_jit(free_energy)


@eqx.filter_jit
def _entropy(problem, solved):
    return entropy_and_heat(problem, solved)[0]


@eqx.filter_jit
def _heat(problem, solved):
    return entropy_and_heat(problem, solved)[1]


@eqx.filter_jit
def jump_of(omega, area, repulsion, basis, coupling):
    root, exists = critical_point(omega, area, repulsion, basis)

    def eigenvalue(log_t):
        kernel, tail = pairing_kernel(basis, omega, area, jnp.exp(log_t), repulsion)
        # A tame substitute where there is no T_c.
        safe = jnp.diag(jnp.arange(kernel.shape[0], dtype=kernel.dtype))
        value, vector = top_eigenpair(jnp.where(exists, kernel, safe))
        return value, (vector, tail @ vector)

    _, slope, (vector, tail) = jax.jvp(eigenvalue, (root,), (jnp.ones_like(root),), has_aux=True)
    at = metal(basis, omega, area, jnp.exp(root), repulsion)
    bend = quartic(condensate_basis(basis), at, vector, tail)
    exists = exists & (bend > 0)
    jump = 3 * slope**2 / ((1 + coupling) * jnp.where(exists, bend, 1.0))
    return jnp.where(exists, jump, 0.0) + nan_of(omega, area, *repulsion)
