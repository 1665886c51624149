r"""The Landau potential of electrons and phonons, and the heat capacity that follows from it.

On the Matsubara axis the electrons' part is, Supplement Eq. (8),

    f_el = -π²ν0T²/3 - π²ν0T² Σ_k λ_kω_k² Σ_nm [sgn(ω_nω_m) - 1]/[(ω_n - ω_m)² + ω_k²],

whose double sum is a single one over l = |n - m| with weight l. It diverges as a logarithm.
Cut at an energy, not at a number of frequencies, the divergence is a constant, and what is
left is a digamma function. C_el = -T ∂²f_el/∂T² is then the specific heat of Prange and
Kadanoff to the last digit.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Real
from scipy.special import bernoulli, zeta

from ..numerics.checks import checked
from ..numerics.special import polygamma
from ..numerics.typed import jit
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..spectra.sums import sum_over_modes
from .specific_heat import phonon_heat_debye, specific_heat_ratio

_BERNOULLI = np.asarray(bernoulli(40))[2::2]  # B₂, B₄, …


def potential_function(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""What a mode adds to the potential: $p(x) = \mathrm{Re}\,\psi(1 + ix) - \ln x$, x = ω/2πT.

    It falls as 1/12x² for large x, that is, at low temperature.

    Args:
        x (array, real): x > 0.

    Example:
        >>> print(f"{potential_function(jnp.asarray(100.0)) * 12 * 100.0**2:.6f}")
        1.000010
    """
    # The two terms cancel for large x; the asymptotic series of the difference does not. Each
    # branch is fed a harmless argument where the other one is taken.
    large = x > 9.0
    near, far = jnp.where(large, 1.0, x), jnp.where(large, x, 10.0)
    direct = polygamma(0, 1 + 1j * near).real - jnp.log(near)
    square = 1 / far**2
    series = jnp.zeros_like(far)
    for k in range(20, 0, -1):
        series = (series - (-1) ** k * _BERNOULLI[k - 1] / (2 * k)) * square
    return jnp.where(large, series, direct)


@checked
@jit
def electron_potential(spectrum: EliashbergFunction, temperature: Scalar) -> Float[Array, ""]:
    r"""Landau potential of the electrons above the ground state, Supplement Eq. (8), regularised:

    $$\frac{f_{el}(T) - f_{el}(0)}{\nu_0} = -\frac{\pi^2T^2}{3}
      - \sum_k\lambda_k\omega_k^2\,\Bigl[\mathrm{Re}\,\psi\Bigl(1+\frac{i\omega_k}{2\pi T}\Bigr)
      - \ln\frac{\omega_k}{2\pi T}\Bigr],$$

    with ν0 the density of states of one spin. Derivatives with respect to T are exact: minus
    the first is the entropy, -T times the second the specific heat.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.

    Returns:
        (f_el(T) - f_el(0))/ν0 (scalar, energy²).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{electron_potential(EinsteinModes([1.0], [1.0]), 0.25):.8f}")
        -0.44471576
    """

    def term(omega, coupling):
        return coupling * omega**2 * potential_function(omega / (2 * jnp.pi * temperature))

    return -(jnp.pi**2) * jnp.asarray(temperature) ** 2 / 3 - sum_over_modes(
        term, spectrum, coarse=True
    )


@checked
@jit
def electron_entropy(spectrum: EliashbergFunction, temperature: Scalar) -> Float[Array, ""]:
    r"""Entropy of the electrons $S_{el}/\nu_0 = -\nu_0^{-1}\,\partial f_{el}/\partial T$ (energy).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{electron_entropy(EinsteinModes([1.0], [0.0]), 0.25):.6f}")  # 2π²T/3
        1.644934
    """
    temperature = jnp.asarray(temperature, dtype=float)
    return -jax.grad(electron_potential, argnums=1)(spectrum, temperature)


@checked
@jit
def specific_heat_from_potential(
    spectrum: EliashbergFunction, temperature: Scalar
) -> Float[Array, ""]:
    r"""The specific-heat ratio by differentiating the potential, a third route to Eq. (13):

    $$\frac{C_{el}}{2\pi^2\nu_0T/3} = -\frac{3}{2\pi^2\nu_0}\,
      \frac{\partial^2f_{el}}{\partial T^2}.$$

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.

    Example:
        >>> from jaxelph import EinsteinModes, specific_heat_ratio
        >>> s = EinsteinModes([1.0], [2.0])
        >>> difference = specific_heat_from_potential(s, 0.2) - specific_heat_ratio(s, 0.2)
        >>> bool(abs(difference) < 1e-13)
        True
    """
    temperature = jnp.asarray(temperature, dtype=float)
    second = jax.grad(jax.grad(electron_potential, argnums=1), argnums=1)
    return -3 / (2 * jnp.pi**2) * second(spectrum, temperature)


class ZetaSums(NamedTuple):
    """The three sums that (9)-(12) of the Supplement regularise, with what they turn into."""

    frequencies: float  # Σ_{n≥0} (n + ½) → ζ(-1, ½)
    count: float  # Σ_l 1 over all integers → 1 + 2ζ(0)
    free: float  # f/ν0T² of free electrons that follows: -8π² ζ(-1, ½)


def zeta_sums() -> ZetaSums:
    r"""Zeta regularisation of the divergent sums in the potential, Supplement Eqs. (9)-(12).

    $$-2\pi\nu_0T\sum_n|\omega_n| = -8\pi^2\nu_0T^2\sum_{n\ge0}(n+\tfrac12)
      \to -8\pi^2\nu_0T^2\,\zeta(-1,\tfrac12) = -\tfrac{\pi^2}{3}\nu_0T^2, \qquad
      \zeta(-1,\tfrac12) = \tfrac1{24},$$

    the potential of free electrons. At fixed l = n - m there are $\sum_n1 - |l|$ pairs of equal
    sign and |l| of unequal sign; $\sum_n1 \to 1 + 2\zeta(0) = 0$, $\zeta(0) = -\tfrac12$, is what
    turns sgn(ω_nω_m) into sgn(ω_nω_m) - 1.

    Example:
        >>> sums = zeta_sums()
        >>> print(f"{sums.frequencies * 24:.12f} {sums.count:.1f} {sums.free / np.pi**2:.12f}")
        1.000000000000 0.0 -0.333333333333
    """
    # ζ(-1, ½) = (2⁻¹ - 1) ζ(-1) and ζ(-1) = -2 (2π)⁻² ζ(2), ζ(0) = -½: the functional equation.
    zeta_minus_one = -2 / (2 * np.pi) ** 2 * float(zeta(2.0))
    frequencies = (0.5 - 1) * zeta_minus_one
    return ZetaSums(frequencies, 1 + 2 * (-0.5), -8 * np.pi**2 * frequencies)


@checked
def potential_cut_at_energy(
    spectrum: EliashbergFunction, temperature: Scalar, cutoff: Scalar, *, terms: int
) -> Float[Array, ""]:
    r"""f_el/ν0 summed as it stands, cut smoothly at an energy by $e^{-(\omega/\Lambda)^2}$:

    $$-8\pi^2T^2\sum_{n\ge0}(n+\tfrac12)\,e^{-(\omega_n/\Lambda)^2}
      + \sum_k\lambda_k\omega_k^2
        \sum_{l\ge1}\frac{l\,e^{-(2\pi Tl/\Lambda)^2}}{l^2+(\omega_k/2\pi T)^2}.$$

    Up to a constant and to O(ω/Λ)² that is `electron_potential`: no zeta function is needed. A
    cutoff that is not even in ω does worse: $e^{-\omega/\Lambda}$ leaves
    $\lambda_k\omega_k^2(\pi\omega_k/2\Lambda)\coth(\omega_k/2T)$.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        cutoff (scalar, energy): Λ ≫ T and ω.
        terms: how many are summed; Λ/T reach rounding.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [1.0])
        >>> def heat(t):
        ...     second = jax.grad(jax.grad(potential_cut_at_energy, argnums=1), argnums=1)
        ...     return -3 / (2 * jnp.pi**2) * second(s, t, 100.0, terms=400)
        >>> print(f"{heat(0.25):.4f} {specific_heat_ratio(s, 0.25):.4f}")
        1.3597 1.3595
    """
    temperature = jnp.asarray(temperature, dtype=float)
    unit = 2 * jnp.pi * temperature
    n = jnp.arange(float(terms))
    free = jnp.sum((n + 0.5) * jnp.exp(-((unit * (n + 0.5) / cutoff) ** 2)))
    weight = (n + 1) * jnp.exp(-((unit * (n + 1) / cutoff) ** 2))

    def term(omega, coupling):
        return coupling * omega**2 * jnp.sum(weight / ((n + 1) ** 2 + (omega / unit) ** 2))

    return -2 * unit**2 * free + sum_over_modes(term, spectrum, coarse=True)


@checked
def potential_cut_at_number(
    spectrum: EliashbergFunction, temperature: Scalar, *, terms: int
) -> Float[Array, ""]:
    r"""f_el/ν0 with both sums cut sharply at a number of Matsubara frequencies: it is wrong.

    $$-8\pi^2T^2\sum_{n=0}^{N-1}(n+\tfrac12)
      + \sum_k\lambda_k\omega_k^2\sum_{l=1}^{N}\frac{l}{l^2+(\omega_k/2\pi T)^2}.$$

    The first sum is -4π²T²N², a specific heat that grows as N² and has nothing of the
    π²T²/3; the second lacks the ln T of an energy cutoff, which adds
    $\sum_k\lambda_k\omega_k^2/T$ to the specific heat, infinite at T = 0. Keeping N = Λ/2πT
    instead makes the first sum a constant: free electrons then have no specific heat at all.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        terms: N.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> free = EinsteinModes([1.0], [0.0])
        >>> print(f"{potential_cut_at_number(free, 1.0, terms=10) / jnp.pi**2:.1f}")
        -400.0
    """
    temperature = jnp.asarray(temperature, dtype=float)
    unit = 2 * jnp.pi * temperature
    n = jnp.arange(float(terms))

    def term(omega, coupling):
        return coupling * omega**2 * jnp.sum((n + 1) / ((n + 1) ** 2 + (omega / unit) ** 2))

    return -2 * unit**2 * jnp.sum(n + 0.5) + sum_over_modes(term, spectrum, coarse=True)


@checked
def phonon_potential_einstein(
    omega: Real[Array, "*mode"], temperature: Scalar
) -> Float[Array, "*mode"]:
    r"""Free energy of one oscillator, $f = \omega/2 + T\ln(1 - e^{-\omega/T})$ (energy).

    Example:
        >>> from jaxelph import phonon_heat_einstein
        >>> heat = -0.5 * jax.grad(jax.grad(phonon_potential_einstein, 1), 1)(1.0, 0.5)
        >>> print(f"{heat:.6f} {phonon_heat_einstein(np.array(1.0), 0.5):.6f}")
        0.724062 0.724062
    """
    omega = jnp.asarray(omega, dtype=float)
    return omega / 2 + temperature * jnp.log(-jnp.expm1(-omega / temperature))


@checked
def phonon_potential_debye(
    debye: Scalar, temperature: Scalar, *, order: int = 96
) -> Float[Array, ""]:
    r"""Debye's free energy per ion (energy):

    $$f = \tfrac98\Theta + 9T\,(T/\Theta)^3\int_0^{\Theta/T}x^2\ln(1-e^{-x})\,dx .$$

    Args:
        debye (scalar, energy): Θ.
        temperature (scalar, energy): T > 0.
        order: Gauss-Legendre points.

    Example:
        >>> from jaxelph import phonon_heat_debye
        >>> heat = -0.18 * jax.grad(jax.grad(phonon_potential_debye, 1), 1)(1.0, 0.18)
        >>> print(f"{heat:.6f} {phonon_heat_debye(1.0, 0.18):.6f}")
        0.922761 0.922761
    """
    node, weight = np.polynomial.legendre.leggauss(order)
    # With x = top·y⁴ the logarithm at x = 0 is smooth.
    debye, temperature = jnp.asarray(debye), jnp.asarray(temperature)
    top = debye / temperature
    y = (node + 1) / 2
    x = top * y**4
    integral = jnp.sum(weight / 2 * 4 * top * y**3 * x**2 * jnp.log(-jnp.expm1(-x)))
    return 9 / 8 * debye + 9 * temperature / top**3 * integral


class HeatCapacity(NamedTuple):
    """Heat capacity per ion, in k_B."""

    electrons: Float[Array, ""]
    phonons: Float[Array, ""]

    @property
    def total(self) -> Float[Array, ""]:
        return self.electrons + self.phonons

    @property
    def share(self) -> Float[Array, ""]:
        """|C_el|/C_ph, of order ω/E_F."""
        return jnp.abs(self.electrons) / self.phonons


@checked
def heat_capacity(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    fermi_energy: Scalar,
    *,
    debye: Scalar | None = None,
    electrons_per_ion: Scalar = 1.0,
) -> HeatCapacity:
    r"""Heat capacity per ion of electrons and phonons together, $C = C_{el} + C_{ph}$ (k_B).

    $$C_{el} = \frac{\pi^2 Z T}{2E_F}\,\frac{C_{el}}{2\pi^2\nu_0T/3}, \qquad
      \nu_0 = \frac{3Z}{4E_F}$$

    for a parabolic band with Z electrons per ion; C_ph is Debye's. Where C_el < 0 the whole
    C stays positive, since |C_el|/C_ph ~ ω/E_F.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        fermi_energy (scalar, energy): E_F.
        debye (scalar, energy): Θ; the top of the spectrum if left out.
        electrons_per_ion: Z.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> heat = heat_capacity(EinsteinModes([50.0], [5.0]), 25.0, 5000.0)
        >>> print(f"{heat.electrons:.5f} {heat.phonons:.5f}")
        -0.00868 2.47622
    """
    if debye is None:
        debye = jnp.max(spectrum.modes()[0])
    bare = jnp.pi**2 * jnp.asarray(electrons_per_ion) * temperature / (2 * fermi_energy)
    return HeatCapacity(
        bare * specific_heat_ratio(spectrum, temperature), phonon_heat_debye(debye, temperature)
    )
