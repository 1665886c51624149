"""The quasiparticle weight of the normal metal, and where it is least."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..numerics.checks import checked
from ..numerics.minima import global_minimum, refine_minimum
from ..numerics.special import polygamma
from ..numerics.typed import jit
from ..spectra.moments import maximum_frequency
from ..spectra.resolution import resolving
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..spectra.sums import sum_over_modes
from .occupations import Energies
from .self_energy import digamma_argument


@checked
@resolving
@jit
def inverse_quasiparticle_weight(
    spectrum: EliashbergFunction, temperature: Scalar, energy: Energies
) -> Float[Array, "*energy"]:
    r"""Inverse quasiparticle weight $Z_0^{-1}(E) = 1 - \Sigma'(E)$, Supplement Eq. (17):

    $$Z_0^{-1}(E) = 1 + \sum_k \lambda_k\frac{\omega_k}{2}\,\mathrm{Re}\,
      \frac{i}{2\pi T}\,[\psi_1(\tfrac12 + i\tfrac{E+\omega_k}{2\pi T})
      - \psi_1(\tfrac12 + i\tfrac{E-\omega_k}{2\pi T})].$$

    It tends to 1 + λ at E = 0 as T → 0, and to 1 as E → ∞. Where it is negative the normal
    metal is unstable.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        energy (array of any shape, energy): E from the Fermi level.

    Returns:
        Z0⁻¹(E) (array of that shape).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [1.0])
        >>> print(f"{inverse_quasiparticle_weight(s, 1e-3, 0.0):.5f}")
        2.00000
    """
    energy = jnp.asarray(energy, dtype=float)

    def term(omega, coupling):
        plus = polygamma(1, digamma_argument(energy + omega, temperature))
        minus = polygamma(1, digamma_argument(energy - omega, temperature))
        return coupling * omega * (minus - plus).imag / (4 * jnp.pi * temperature)

    return 1 + sum_over_modes(term, spectrum)


@checked
@resolving
@jit
def minimum_weight(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    energies: Float[Array, " energy"] | None = None,
    values: Float[Array, " energy"] | None = None,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""The least inverse quasiparticle weight $\min_E Z_0^{-1}(E)$ and the energy of it.

    The energy axis is scanned, then Newton's method goes on with the closed form, so that
    neither number depends on the scan. Without `energies` it goes on from several minima.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        energies (array of shape (energy,), energy): where to scan; without them, 512 energies
            up to 12 T above the top of the spectrum, and a few above each mode.
        values (array of shape (energy,)): Z0⁻¹ there, where it is known already.

    Returns:
        (min Z0⁻¹, E_min): scalars.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> value, energy = minimum_weight(EinsteinModes([1.0], [1.0]), 0.25)
        >>> print(f"{value:.6f} {energy:.6f}")
        0.308591 1.494959
    """

    def weight(energy):
        return inverse_quasiparticle_weight(spectrum, temperature, energy)

    if energies is not None:
        if values is None:
            values = weight(energies)
        values = jax.lax.stop_gradient(jnp.asarray(values))
        energy = refine_minimum(weight, jnp.asarray(energies), values)
        return weight(energy), energy
    energies = _where_dips_are(*jax.lax.stop_gradient((spectrum, temperature)))
    energy, value = global_minimum(weight, energies, jax.lax.stop_gradient(weight(energies)))
    return value, energy


def _where_dips_are(spectrum, temperature):
    """Energies to scan: everywhere to 12 T above the top, and above each mode in steps below T."""
    omega = spectrum.modes()[0]
    top = maximum_frequency(spectrum) + 12 * temperature
    # As wide as T, a dip lies up to 4 T above its mode. Nodes of a smooth spectrum are dense:
    # together they need no more points than a few modes do.
    modes = omega[:: -(-omega.shape[0] // 256)]
    count = max(1, min(12, 256 // modes.shape[0]))
    near = modes[:, None] + temperature * (jnp.arange(count) + 0.5)[None, :] * (4 / count)
    return jnp.sort(jnp.append(top * jnp.arange(1, 513) / 512, near))
