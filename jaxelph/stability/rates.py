"""Rates in closed form to compare the modes with: two temperatures, the continuum, Allen's."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..electrons.occupations import bose
from ..numerics.checks import checked
from ..numerics.typed import jit
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
@jit
def continuum_rate(spectrum: EliashbergFunction, temperature: Scalar) -> Float[Array, ""]:
    r"""Where the continuum of decay rates begins, that of electrons far from the Fermi level,

    $$\gamma_c = \sum_k\lambda_k\omega_k\tanh\frac{\omega_k}{4T},$$

    in the rescaled time. At |E| ≫ T, ω_k the pencil of Supplement Eq. (18) becomes one that
    does not depend on E: Ã is 1, and M̃ multiplies a wave $e^{i\tau E}$ by
    $\sum_k\lambda_k\omega_k[\coth(\omega_k/2T) - \cos(\omega_k\tau)/\sinh(\omega_k/2T)]$,
    least at τ = 0. Slower modes are discrete. Rates of a grid above γ_c are levels of the
    continuum, which the cutoff sets apart; the lowest lies too high by about 1/L². For T ≫ ω
    no mode is discrete, and the last to decay does so at πγ_c = πλ⟨ω²⟩/4T, π²/12 of Allen's rate.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.

    Returns:
        γ_c (scalar, energy).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [1.0])
        >>> print(f"{jnp.pi * continuum_rate(s, 50.0) / allen_rate(s, 50.0) * 12 / jnp.pi**2:.6f}")
        0.999992
    """
    omega, coupling = spectrum.coarse_modes()
    return jnp.sum(coupling * omega * jnp.tanh(omega / (4 * temperature)))


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
