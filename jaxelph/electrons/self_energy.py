"""What phonons do to one electron: self-energy, scattering rate, spectral function."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, Real

from ..numerics.checks import checked
from ..numerics.special import polygamma
from ..numerics.typed import jit
from ..spectra.resolution import resolving
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..spectra.sums import sum_over_modes
from .occupations import Energies, bose


def digamma_argument(energy, temperature):
    return 0.5 + 1j * energy / (2 * jnp.pi * temperature)


@checked
@resolving
@jit
def self_energy(
    spectrum: EliashbergFunction, temperature: Scalar, energy: Energies
) -> Complex[Array, "*energy"]:
    r"""Retarded electron self-energy, Supplement Eq. (15) with its sign put right:

    $$\mathrm{Re}\,\Sigma(E) = \sum_k \tfrac12\lambda_k\omega_k\,
      \mathrm{Re}\,[\psi_-(E) - \psi_+(E)], \quad
      \psi_\pm = \psi\Bigl(\tfrac12 + i\,\frac{E\pm\omega_k}{2\pi T}\Bigr),$$
    $$-\mathrm{Im}\,\Sigma(E) = \sum_k \tfrac\pi2\lambda_k\omega_k\,
      [2N_k + 1 + f_0(E+\omega_k) - f_0(E-\omega_k)].$$

    As printed, (15) has the opposite overall sign, against λ = -Σ'(0).

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        energy (array of any shape, energy): E from the Fermi level.

    Returns:
        Σ(E + i0) (complex array of that shape, energy).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{self_energy(EinsteinModes([1.0], [1.0]), 0.1, 0.5):.6f}")
        -0.587907-0.010656j
    """
    energy = jnp.asarray(energy, dtype=float)

    def term(omega, coupling):
        minus = polygamma(0, digamma_argument(energy - omega, temperature))
        plus = polygamma(0, digamma_argument(energy + omega, temperature))
        real = 0.5 * coupling * omega * (minus - plus).real
        return real - 0.5j * jnp.pi * _scattering(omega, coupling, temperature, energy)

    return sum_over_modes(term, spectrum)


def _scattering(omega, coupling, temperature, energy):
    # 2N + 1 + f0(E+ω) - f0(E-ω) = coth(ω/2T) (1 + cosh E/T)/(cosh E/T + cosh ω/T), which cancels
    # nothing when T → 0; all is divided by the largest exponential.
    x, y = energy / temperature, omega / temperature
    top = jax.lax.stop_gradient(jnp.maximum(jnp.abs(x), y))
    above = (jnp.exp((x - top) / 2) + jnp.exp(-(x + top) / 2)) ** 2
    below = jnp.exp(x - top) + jnp.exp(-x - top) + jnp.exp(y - top) + jnp.exp(-y - top)
    return coupling * omega * (1 + 2 * bose(omega, temperature)) * above / below


@checked
@resolving
@jit
def scattering_rate(
    spectrum: EliashbergFunction, temperature: Scalar, energy: Energies
) -> Float[Array, "*energy"]:
    r"""Out-scattering rate of the linearised collision integral, the diagonal of M:

    $$\Gamma(E) = \sum_k \lambda_k\omega_k\,[2N_k + 1 + f_0(E+\omega_k) - f_0(E-\omega_k)]
      = -\tfrac2\pi\,\mathrm{Im}\,\Sigma(E),$$

    in the rescaled time t → πt of the kinetic equation (energy).

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        energy (array of any shape, energy): E from the Fermi level.

    Returns:
        Γ(E) (array of that shape, energy).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{scattering_rate(EinsteinModes([1.0], [1.0]), 0.1, 0.5):.6f}")
        0.006784
        >>> print(f"{scattering_rate(EinsteinModes([1.0], [1.0]), 1 / 40, 0.0):.6e}")  # 2ω/sinh ω/T
        1.699342e-17
    """
    energy = jnp.asarray(energy, dtype=float)
    return sum_over_modes(lambda w, c: _scattering(w, c, temperature, energy), spectrum)


@checked
@resolving
@jit
def spectral_function(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    band_energy: Real[ArrayLike, ""],
    energy: Energies,
) -> Float[Array, "*energy"]:
    r"""Spectral function $A(\xi, E) = -\pi^{-1}\,\mathrm{Im}\,[E - \xi - \Sigma(E)]^{-1}$.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        band_energy (scalar, energy): ξ, the bare band energy from the Fermi level.
        energy (array of any shape, energy): E from the Fermi level.

    Returns:
        A(ξ, E) (array of that shape, 1/energy); its integral over E is 1.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{spectral_function(EinsteinModes([1.0], [1.0]), 0.1, 0.0, 0.5):.5f}")
        0.00287
    """
    sigma = self_energy(spectrum, temperature, energy)
    return -(1 / (jnp.asarray(energy) - band_energy - sigma)).imag / jnp.pi
