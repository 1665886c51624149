"""Electrons in equilibrium: occupations, self-energy, quasiparticle weight, spectral function.

Energies share one unit (k_B = ħ = 1), E is measured from the Fermi level.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, Real

from .checks import checked
from .numerics import global_minimum, refine_minimum
from .special import polygamma
from .spectrum import EliashbergFunction, Scalar, maximum_frequency, resolving
from .typed import jit

Energies = Real[ArrayLike, "*energy"]

# Spectra read from files have thousands of nodes: their sum is taken in blocks of this many,
# and of fewer where terms are long, so that memory stays at this many numbers, or at one term.
_BLOCK, _NUMBERS = 128, 1 << 22


@checked
def fermi(energy: Energies, temperature: Scalar) -> Float[Array, "*energy"]:
    r"""Fermi function $f_0(E) = 1/(e^{E/T} + 1)$.

    Args:
        energy (array of any shape, energy): E from the Fermi level.
        temperature (scalar, energy): T > 0.

    Returns:
        f0(E) (array of that shape).

    Example:
        >>> print(f"{fermi(1.0, 0.5):.6f}")
        0.119203
    """
    return jax.nn.sigmoid(-jnp.asarray(energy) / temperature)


@checked
def thermal_window(energy: Energies, temperature: Scalar) -> Float[Array, "*energy"]:
    r"""$h(E) = \sqrt{-f_0'(E)} = 1/[2\sqrt T \cosh(E/2T)]$, in energy^(-1/2).

    The square root is what makes the pencil symmetric; it never under- or overflows.

    Args:
        energy (array of any shape, energy): E from the Fermi level.
        temperature (scalar, energy): T > 0.

    Returns:
        h(E) (array of that shape, energy^(-1/2)).

    Example:
        >>> print(f"{thermal_window(0.0, 0.25):.3f}")
        1.000
    """
    x = jnp.abs(jnp.asarray(energy)) / (2 * temperature)
    return jnp.exp(-x) / ((1 + jnp.exp(-2 * x)) * jnp.sqrt(temperature))


@checked
def bose(omega: Real[ArrayLike, "*mode"], temperature: Scalar) -> Float[Array, "*mode"]:
    r"""Bose function $N(\omega) = 1/(e^{\omega/T} - 1)$ of phonons at `temperature`.

    Args:
        omega (array of any shape, energy): ω > 0.
        temperature (scalar, energy): T > 0.

    Returns:
        N(ω) (array of that shape).

    Example:
        >>> print(f"{bose(1.0, 1.0):.6f}")
        0.581977
    """
    x = jnp.asarray(omega) / temperature
    # e^-x in place of e^x: no overflow when T → 0.
    return -jnp.exp(-x) / jnp.expm1(-x)


def sum_over_modes(
    term: Callable[[Float[Array, ""], Float[Array, ""]], Array],
    spectrum: EliashbergFunction,
    *,
    coarse: bool = False,
) -> Array:
    """Σ_q term(ω_q, λ_q), in blocks: `term` maps one mode to an array.

    With `coarse` the nodes are those of `EliashbergFunction.few_modes`.
    """
    omega, coupling = spectrum.few_modes() if coarse else spectrum.modes()

    def block_sum(omega, coupling):
        return jnp.sum(jax.vmap(term)(omega, coupling), axis=0)

    total = jax.eval_shape(term, omega[0], coupling[0])
    size = min(_BLOCK, max(1, _NUMBERS // max(1, total.size)))
    if omega.shape[0] <= size:
        return block_sum(omega, coupling)
    # Pad with decoupled copies of the last mode.
    padding = -omega.shape[0] % size
    omega = jnp.append(omega, jnp.broadcast_to(omega[-1], (padding,))).reshape(-1, size)
    coupling = jnp.append(coupling, jnp.zeros(padding)).reshape(-1, size)
    blocks = (omega, coupling)

    @jax.checkpoint
    def step(carry, block):
        return carry + block_sum(*block), None

    return jax.lax.scan(step, jnp.zeros(total.shape, total.dtype), blocks)[0]


def _digamma_argument(energy, temperature):
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
        minus = polygamma(0, _digamma_argument(energy - omega, temperature))
        plus = polygamma(0, _digamma_argument(energy + omega, temperature))
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
        plus = polygamma(1, _digamma_argument(energy + omega, temperature))
        minus = polygamma(1, _digamma_argument(energy - omega, temperature))
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
    else:
        energies = _where_dips_are(*jax.lax.stop_gradient((spectrum, temperature)))
        energy = global_minimum(weight, energies, jax.lax.stop_gradient(weight(energies)))
    return weight(energy), energy


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
