r"""How often phonons scatter a current: the rates of resistivity and of optics, linear in α²_tr F.

Both are one function of two ratios, y = ω/T and w = Ω/T. With g(x) = x/(eˣ - 1), which has no
singularity on the real axis, Shulga's difference of three hyperbolic cotangents is

    1/τ(Ω, T) = 2π ∫dω α²F(ω) · [(1 + e⁻ʷ) g(y - w) ω + 2Ω g(y)] T g(-y - w) / [g(-w) ω (ω + Ω)],

a sum of positive terms: nothing cancels at any Ω and T, Ω = 0 is Ziman's resistivity and T → 0
Allen's golden rule.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float, Real

from ..numerics.checks import check_spectrum, concrete, refuse
from ..numerics.typed import jit
from ..spectra.moments import maximum_frequency
from ..spectra.resolution import at_temperature
from ..spectra.spectrum import EliashbergFunction
from ..spectra.sums import sum_over_modes
from ..spectra.table import TabulatedSpectrum

Temperatures = Real[ArrayLike, "*shape"]

# Below this part of the top of the spectrum a temperature asks for no more nodes, and below the
# next they serve only for what it adds to the rate at T = 0, which is known without them: between
# the two the nodes miss 1e-10 of the kink at ω = Ω.
_COLDEST, _COLD = 2.0**-15, 2.0**-17
# Colder than this, in whatever unit, is T = 0: powers of 1/T in derivatives would overflow.
ZERO = 1e-60
# x/(eˣ - 1) = Σ Bₙ xⁿ/n! near 0.
_SERIES = (1.0, -1 / 2, 1 / 12, 0.0, -1 / 720, 0.0, 1 / 30240, 0.0, -1 / 1209600, 0.0, 1 / 47900160)


def resistivity_rate(
    spectrum: EliashbergFunction, temperature: Temperatures
) -> Float[Array, "*shape"]:
    r"""Transport scattering rate of Ziman, the lowest order in Allen's solution,

    $$\frac1{\tau(T)} = 4\pi T\int\frac{d\omega}{\omega}\,\alpha^2_{tr}F(\omega)
      \left[\frac{x}{\sinh x}\right]^2, \qquad x = \frac{\omega}{2T},$$

    in unscaled time. It tends to $2\pi\lambda_{tr}T$ for T ≫ ω, and for $\alpha^2F \propto
    \omega^4$ to Bloch and Grüneisen's T⁵. It is what `optical_rate` is at Ω = 0.

    Args:
        spectrum: α²_tr F, or α²F in its place.
        temperature (array of any shape, energy): T ≥ 0. The nodes of a smooth spectrum are those
            of the lowest, unless it is traced.

    Returns:
        1/τ (array of that shape, energy).

    Raises:
        ValueError: a temperature is negative or not finite.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [0.5])
        >>> print(f"{resistivity_rate(s, 20.0) / (2 * np.pi * 0.5 * 20.0):.6f}")
        0.999792
    """
    return optical_rate(spectrum, temperature, 0.0)


def optical_rate(
    spectrum: EliashbergFunction, temperature: Temperatures, frequency: Real[ArrayLike, "..."]
) -> Float[Array, "..."]:
    r"""Optical scattering rate of Shulga, Dolgov and Maksimov, Physica C 178, 266 (1991):

    $$\frac1{\tau(\Omega,T)} = \frac\pi\Omega\int d\omega\,\alpha^2_{tr}F(\omega)
      \Bigl[2\Omega\coth\frac{\omega}{2T} - (\Omega+\omega)\coth\frac{\Omega+\omega}{2T}
      + (\Omega-\omega)\coth\frac{\Omega-\omega}{2T}\Bigr],$$

    in unscaled time. At T = 0 it is Allen's $(2\pi/\Omega)\int_0^\Omega(\Omega-\omega)
    \alpha^2_{tr}F\,d\omega$, which tends to $\pi\lambda_{tr}\langle\omega\rangle$ for Ω → ∞; at
    Ω = 0 it is `resistivity_rate`.

    Args:
        spectrum: α²_tr F, or α²F in its place.
        temperature (array of any shape, energy): T ≥ 0. The nodes of a smooth spectrum are those
            of the lowest, unless it is traced.
        frequency (array of any shape, energy): Ω of light, of either sign; it is broadcast
            against `temperature`.

    Returns:
        1/τ(Ω, T) (array of the common shape, energy).

    Raises:
        ValueError: a temperature is negative, or a number not finite.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [0.5])
        >>> for t in (0.0, 0.1):
        ...     print(f"{optical_rate(s, t, 2.0):.6f}")  # Allen: 2π (Ω - ω) α²/Ω
        0.785398
        0.785576
    """
    check_spectrum("spectrum", spectrum)
    refuse("temperature", temperature, not_negative=True)
    refuse("frequency", frequency)
    shape = np.broadcast_shapes(np.shape(temperature), np.shape(frequency))
    return _rate(
        nodes_for(spectrum, concrete(temperature)),
        jnp.broadcast_to(jnp.asarray(temperature, dtype=float), shape),
        jnp.broadcast_to(jnp.asarray(frequency, dtype=float), shape),
    )


def nodes_for(spectrum, temperatures):
    """The spectrum with nodes for the lowest temperature that is not zero, where it can be seen."""
    if temperatures is None or not np.any(temperatures > 0):
        return spectrum
    lowest = float(np.min(temperatures[temperatures > 0]))
    if any(isinstance(x, Tracer) for x in jax.tree.leaves(spectrum)):
        return at_temperature(spectrum, lowest)  # of a table's α²F alone
    with jax.ensure_compile_time_eval():
        top = float(maximum_frequency(spectrum))
    return at_temperature(spectrum, max(lowest, _COLDEST * top))


def sum_of(term, spectrum):
    """`sum_over_modes`, of a table for which no temperature could be seen on its coarse nodes."""
    rows = isinstance(spectrum, TabulatedSpectrum) and spectrum.panels is None
    return sum_over_modes(term, spectrum, coarse=rows)


@jit
def _rate(spectrum, temperature, frequency):
    zero = temperature < ZERO
    t = jnp.where(zero, 1.0, temperature)
    light = jnp.abs(frequency)
    w = light / t
    both_ways = (1 + jnp.exp(-w)) / bose_ratio(-w)
    spontaneous = 2 * light / bose_ratio(-w)
    dark = light == 0
    cold = jnp.asarray(spectrum.smooth) & (t < _COLD * maximum_frequency(spectrum))

    def term(omega, coupling):
        y, total = omega / t, omega + light
        emitted = both_ways * omega * bose_ratio(y - w) + spontaneous * bose_ratio(y)
        warm = emitted * bose_ratio(-total / t) * (t / total)
        golden = omega * jnp.maximum(1 - omega / jnp.where(dark, 1.0, light), 0.0)
        return jnp.pi * coupling * (warm - jnp.where(cold & ~dark, golden, 0.0))

    at_zero = _at_zero(spectrum, light)
    heated = sum_of(term, spectrum) + jnp.where(cold, at_zero, 0.0)
    return jnp.where(zero, at_zero, heated)


def _at_zero(spectrum, light):
    """(2π/Ω) ∫_0^Ω (Ω - ω) α²F dω."""
    still = light == 0
    light = jnp.where(still, 1.0, light)
    area = spectrum.ramp_integral(light.ravel()).reshape(light.shape)
    return jnp.where(still, 0.0, 2 * jnp.pi * area / light)


def bose_ratio(x):
    """g(x) = x/(eˣ - 1): Bose's function times energy over T."""
    small = jnp.abs(x) < 0.25
    near = jnp.where(small, x, 0.0)
    series = jnp.zeros_like(near)
    for coefficient in _SERIES[::-1]:
        series = series * near + coefficient
    far = jnp.where(small, 1.0, x)
    fall = jnp.exp(-jnp.abs(far))
    away = jnp.abs(far) * jnp.where(far > 0, fall, 1.0) / (1 - fall)
    return jnp.where(small, series, away)
