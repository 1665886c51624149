"""Rates in closed form to compare the modes with: two temperatures, the continuum, Allen's."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..electrons.occupations import bose
from ..electrons.self_energy import scattering_rate
from ..electrons.weight import inverse_quasiparticle_weight
from ..numerics.checks import checked
from ..numerics.typed import jit
from ..spectra.resolution import resolving
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..thermodynamics.specific_heat import specific_heat_ratio


@checked
@jit
def two_temperature_rate(spectrum: EliashbergFunction, temperature: Scalar) -> Float[Array, ""]:
    r"""The rate at which a slightly hotter Fermi distribution starts to cool,

    $$\gamma_T = \frac{\iint E M\tilde E}{\iint E A\tilde E}
      = \frac{\sum_k\lambda_k\omega_k^4N_k(N_k+1)/T}
             {(\pi^2T^2/3)\,C_{el}/(2\pi^2\nu_0T/3)},$$

    in the rescaled time. πγ_T is the rate of the two-temperature model with the true specific
    heat, and tends to Allen's 3λ⟨ω²⟩/(πT) for T ≫ ω.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.

    Returns:
        γ_T (scalar, energy).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{jnp.pi * two_temperature_rate(EinsteinModes([1.0], [1.0]), 50.0):.6f}")
        0.019099
    """
    omega, coupling = spectrum.coarse_modes()
    n = bose(omega, temperature)
    flow = jnp.sum(coupling * omega**4 * n * (n + 1)) / temperature
    heat = jnp.pi**2 * temperature**2 / 3 * specific_heat_ratio(spectrum, temperature)
    return flow / heat


@checked
@resolving
@jit
def continuum_rate(spectrum: EliashbergFunction, temperature: Scalar) -> Float[Array, ""]:
    r"""Where the continuum of decay rates begins: far from the Fermi level or at it, the lower of

    $$\gamma_\infty = \sum_k\lambda_k\omega_k\tanh\frac{\omega_k}{4T}, \qquad
      \gamma_0 = Z_0\,\Gamma(0) = 2Z_0(0)\sum_k\frac{\lambda_k\omega_k}{\sinh\omega_k/T}.$$

    At |E| ≫ T, ω_k the pencil of Supplement Eq. (18) becomes one that does not depend on E: Ã is
    1, and M̃ multiplies a wave $e^{i\tau E}$ by
    $\sum_k\lambda_k\omega_k[\coth(\omega_k/2T) - \cos(\omega_k\tau)/\sinh(\omega_k/2T)]$,
    least at τ = 0. For T ≫ ω no mode is discrete, and the last to decay does so at
    πγ_∞ = πλ⟨ω²⟩/4T, π²/12 of Allen's rate.

    Deviations that change with E faster than α²F is narrow are not coupled to each other by a
    smooth α²F: each decays at the rate Z_0(E)Γ(E) of its own energy, which for T ≪ ω is least at
    the Fermi level. There is no γ_0 of δ modes, which couple energies on a ladder however rough.

    Slower modes are discrete. Rates of a grid above the edge are levels of the continuum, which
    the cutoff and the step set apart; the lowest lies too high by about 1/L² or ε².

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.

    Returns:
        The lower edge (scalar, energy, rescaled time).

    Example:
        >>> from jaxelph import EinsteinModes, example
        >>> s = EinsteinModes([1.0], [1.0])
        >>> print(f"{jnp.pi * continuum_rate(s, 50.0) / allen_rate(s, 50.0) * 12 / jnp.pi**2:.6f}")
        0.999992
        >>> print(f"{continuum_rate(example('niobium'), 2.0):.4f}")
        0.0770
    """
    omega, coupling = spectrum.coarse_modes()
    far = jnp.sum(coupling * omega * jnp.tanh(omega / (4 * temperature)))
    if not spectrum.smooth:
        return far
    weight = inverse_quasiparticle_weight(spectrum, temperature, 0.0)
    stable = weight > 0
    near = scattering_rate(spectrum, temperature, 0.0) / jnp.where(stable, weight, 1.0)
    return jnp.where(stable, jnp.minimum(far, near), far)


@checked
def allen_rate(spectrum: EliashbergFunction, temperature: Scalar) -> Float[Array, ""]:
    r"""Allen's relaxation rate of the electronic temperature,

    $$3\lambda\langle\omega^2\rangle/\pi T ,$$

    in unscaled time (energy). P. B. Allen, Phys. Rev. Lett. 59, 1460 (1987).

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.

    Returns:
        the rate (scalar, energy).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{allen_rate(EinsteinModes([1.0], [1.0]), 50.0):.6f}")
        0.019099
    """
    omega, coupling = spectrum.coarse_modes()
    return 3 * jnp.sum(coupling * omega**2) / (jnp.pi * temperature)
