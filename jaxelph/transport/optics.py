r"""What light sees of electrons and phonons: conductivity, effective mass, reflectivity.

The bubble without vertex corrections is an integral over energies that the self-energy Σ makes
hard: steps as narrow as T at every mode, and light that carries from one to another. Both are met
by panels. Σ is worked out once, at Gauss's nodes of panels 4 T wide, where it is a polynomial to
1e-13 (its singularities lie πT off the axis), and in 1/E beyond. The integral for each Ω then
has the edges of the panels of E and of E + Ω, so that no step lies inside one.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, Real

from ..electrons.self_energy import self_energy
from ..numerics.checks import checked, concrete, refuse
from ..numerics.typed import jit
from ..spectra.moments import maximum_frequency
from ..spectra.panels import bucket
from ..spectra.resolution import at_temperature
from ..spectra.spectrum import EliashbergFunction, Scalar

Frequencies = Real[ArrayLike, "*light"]

# Panels are as wide as this many T, up to so many T above the top of α²F.
_WIDTH, _BEYOND = 4.0, 40.0
# Panels where nothing says how many there must be: T may be as low as the top over 200.
_TRACED = 64
# Nodes of a panel: where Σ is known, and of the integral between edges.
_ORDER, _INNER = 24, 16
_NODE, _WEIGHT = np.polynomial.legendre.leggauss(_ORDER)
_INNER_NODE, _INNER_WEIGHT = np.polynomial.legendre.leggauss(_INNER)
# Values at the nodes → coefficients of Legendre's polynomials.
_COEFFICIENTS = (
    np.polynomial.legendre.legvander(_NODE, _ORDER - 1)
    * _WEIGHT[:, None]
    * (np.arange(_ORDER) + 0.5)[None, :]
).T
# Edges of the integral beyond the last panel, in its units.
_FAR = 3.0 ** np.arange(1, 9)
# The mass at Ω = 0 is taken at so many T.
_STILL = 1e-5


@checked
def optical_conductivity(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    frequency: Frequencies,
    *,
    plasma: Scalar,
    impurity: Scalar = 0.0,
) -> Complex[Array, "*light"]:
    r"""Optical conductivity without vertex corrections,

    $$\sigma(\Omega) = \frac{i\omega_p^2}{4\pi\Omega}\int dE\,
      \frac{f_0(E) - f_0(E+\Omega)}{\Omega - \Sigma(E+\Omega) + \Sigma^*(E) + i\gamma},$$

    in Gaussian units, with Σ of α²_tr F. Its real part has the area ω_p²/8.

    Args:
        spectrum: α²_tr F, or α²F in its place.
        temperature (scalar, energy): T > 0. Traced, together with the number of panels that it
            asks for, it may be as low as the top of α²F over 200.
        frequency (array of any shape, energy): Ω of light.
        plasma (scalar, energy): ω_p.
        impurity (scalar, energy): γ, the rate 1/τ of scattering by impurities.

    Returns:
        σ(Ω) (complex array of that shape, energy).

    Raises:
        ValueError: T or ω_p is not positive, γ is negative, or a number is not finite.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [0.5])
        >>> print(f"{optical_conductivity(s, 0.1, 2.0, plasma=10.0):.5f}")
        0.77855+2.67067j
    """
    refuse("plasma", plasma, positive=True)
    response = memory(spectrum, temperature, frequency, impurity=impurity)
    return 1j * jnp.asarray(plasma, dtype=float) ** 2 / (4 * jnp.pi) / response


@checked
def extended_drude(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    frequency: Frequencies,
    *,
    impurity: Scalar = 0.0,
) -> tuple[Float[Array, "*light"], Float[Array, "*light"]]:
    r"""Scattering rate and mass of the extended Drude model, from `optical_conductivity`:

    $$\sigma(\Omega) = \frac{\omega_p^2}{4\pi}\,
      \frac{1}{1/\tau(\Omega) - i\Omega\,m^*(\Omega)/m}.$$

    For T, Ω → 0 the mass is 1 + λ; for weak coupling, 1/τ ≪ Ω, the rate is `optical_rate`.

    Args:
        spectrum, temperature, frequency, impurity: see `optical_conductivity`.

    Returns:
        (1/τ, m*/m): arrays of the shape of Ω, the first an energy. m* at Ω = 0 is that of 10⁻⁵ T.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> rate, mass = extended_drude(EinsteinModes([1.0], [0.5]), 0.02, 0.0)
        >>> print(f"{mass:.3f}")
        1.501
    """
    light = jnp.asarray(frequency, dtype=float)
    near = _STILL * jnp.asarray(temperature, dtype=float)
    every = jnp.append(light.ravel(), near)
    response = memory(spectrum, temperature, every, impurity=impurity)
    still = jnp.abs(every) < near
    mass = jnp.where(still, response[-1].real / near, response.real / jnp.where(still, 1.0, every))
    return response.imag[:-1].reshape(light.shape), mass[:-1].reshape(light.shape)


@jit
def permittivity(
    conductivity: Complex[Array, "*light"],
    frequency: Frequencies,
    background: Scalar = 1.0,
) -> Complex[Array, "*light"]:
    r"""$\varepsilon(\Omega) = \varepsilon_\infty + 4\pi i\,\sigma(\Omega)/\Omega$.

    Args:
        conductivity (complex array, energy): σ(Ω).
        frequency (array of that shape, energy): Ω.
        background (scalar): ε_∞.

    Returns:
        ε(Ω) (complex array of that shape).

    Example:
        >>> print(f"{permittivity(jnp.asarray(1.0 + 3.0j), 2.0):.3f}")
        -17.850+6.283j
    """
    light = jnp.asarray(frequency, dtype=float)
    return jnp.asarray(background) + 4j * jnp.pi * jnp.asarray(conductivity) / light


@checked
def reflectivity(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    frequency: Frequencies,
    *,
    plasma: Scalar,
    impurity: Scalar = 0.0,
    background: Scalar = 1.0,
) -> Float[Array, "*light"]:
    r"""Reflectivity at normal incidence, $R = |(\sqrt\varepsilon - 1)/(\sqrt\varepsilon + 1)|^2$.

    Args:
        spectrum, temperature, frequency, plasma, impurity: see `optical_conductivity`.
        background (scalar): ε_∞ of all that is bound.

    Returns:
        R(Ω) (array of the shape of Ω), 1 at Ω = 0.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{reflectivity(EinsteinModes([1.0], [0.5]), 0.1, 2.0, plasma=100.0):.5f}")
        0.98656
    """
    refuse("plasma", plasma, positive=True)
    refuse("background", background, positive=True)
    light = jnp.asarray(frequency, dtype=float)
    still = light == 0
    light = jnp.where(still, jnp.asarray(temperature, dtype=float), light)
    conductivity = optical_conductivity(
        spectrum, temperature, light, plasma=plasma, impurity=impurity
    )
    root = jnp.sqrt(permittivity(conductivity, light, background))
    # 1 - R, which is what is small: 4 Re √ε/|√ε + 1|².
    absorbed = 4 * root.real / jnp.abs(root + 1) ** 2
    return jnp.where(still, 1.0, 1 - absorbed)


def memory(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    frequency: Frequencies,
    *,
    impurity: Scalar = 0.0,
) -> Complex[Array, "*light"]:
    """Ω m*/m + i/τ, the inverse of ∫dE [f0(E) - f0(E+Ω)]/Ω[…]: see `optical_conductivity`."""
    refuse("frequency", frequency)
    refuse("impurity", impurity, not_negative=True)
    spectrum = at_temperature(spectrum, temperature)
    panels = _TRACED
    known = concrete(temperature), concrete(maximum_frequency(spectrum))
    if known[0] is not None and known[1] is not None:
        panels = bucket(int(np.ceil((known[1] / known[0] + _BEYOND) / _WIDTH)))
    light = jnp.asarray(frequency, dtype=float)
    t, gamma = (jnp.asarray(x, dtype=float) for x in (temperature, impurity))
    # The function of Ω is odd in its real part.
    found = _memory(spectrum, t, jnp.abs(light).ravel(), gamma, panels).reshape(light.shape)
    return jnp.where(light < 0, -jnp.conj(found), found)


class _SelfEnergy(eqx.Module):
    """Σ on E ≥ 0 by Legendre's polynomials on panels, and on the rest by symmetry."""

    width: Float[Array, ""]
    coefficients: Complex[Array, "panel order"]  # the last panel is one in 1/E

    @staticmethod
    def of(spectrum, temperature, width, panels):
        energies = width * (np.arange(panels)[:, None] + (_NODE[None, :] + 1) / 2)
        far = width * panels * 2 / (_NODE[None, :] + 1)
        values = self_energy(spectrum, temperature, jnp.concatenate([energies, far]))
        return _SelfEnergy(width, values @ _COEFFICIENTS.T)

    def __call__(self, energy):
        panels = self.coefficients.shape[0] - 1
        x = jnp.abs(energy) / self.width
        panel = jnp.minimum(jnp.floor(jax.lax.stop_gradient(x)), panels).astype(int)
        beyond = panel == panels
        local = jnp.where(beyond, 2 * panels / jnp.where(beyond, x, 1.0), 2 * (x - panel)) - 1
        rows = self.coefficients[panel]
        total, before, value = rows[..., 0], jnp.zeros_like(local), jnp.ones_like(local)
        for k in range(1, _ORDER):
            before, value = value, ((2 * k - 1) * local * value - (k - 1) * before) / k
            total = total + rows[..., k] * value
        # Re Σ is odd, Im Σ even.
        return jnp.where(energy < 0, -total.conj(), total)


@jit(static_argnames="panels")
def _memory(spectrum, temperature, light, impurity, panels):
    top = jax.lax.stop_gradient(maximum_frequency(spectrum))
    t = jax.lax.stop_gradient(temperature)
    width = (top + _BEYOND * t) / panels
    sigma = _SelfEnergy.of(spectrum, temperature, width, panels)
    edges = width * jnp.append(jnp.arange(panels + 1.0), panels * _FAR)

    @jax.checkpoint
    def at(light):
        # In x = E + Ω/2, of which the integrand is even.
        half = jax.lax.stop_gradient(light) / 2
        end = half + _BEYOND * t
        ends = jnp.concatenate(
            [edges - half, half - edges, half + edges, jnp.stack([0 * end, end])]
        )
        ends = jnp.sort(jnp.clip(ends, 0.0, end))
        middle, reach = (ends[1:] + ends[:-1]) / 2, (ends[1:] - ends[:-1]) / 2
        x = middle[:, None] + reach[:, None] * _INNER_NODE[None, :]
        weight = reach[:, None] * _INNER_WEIGHT[None, :]
        upper, lower = sigma(x + light / 2), sigma(x - light / 2)
        share = _window(x, light, temperature) * weight
        return 2 * jnp.sum(share / (light - upper + lower.conj() + 1j * impurity))

    return 1 / jax.lax.map(at, light)


def _window(x, light, temperature):
    """[f0(x - Ω/2) - f0(x + Ω/2)]/Ω, to rounding at Ω = 0 and far from it."""
    a, b = jnp.abs(x) / temperature, light / (2 * temperature)
    # sinh b/(cosh b + cosh a)/2bT, all divided by the larger exponential.
    top = jax.lax.stop_gradient(jnp.maximum(a, b))
    small = b < 1e-3
    near, far = jnp.where(small, b, 0.0), jnp.where(small, 1.0, b)
    series = 2 * (1 + near**2 / 6 + near**4 / 120) * jnp.exp(-top)
    direct = jnp.exp(far - top) * -jnp.expm1(-2 * far) / far
    both = jnp.exp(b - top) + jnp.exp(-b - top) + jnp.exp(a - top) + jnp.exp(-a - top)
    return jnp.where(small, series, direct) / (2 * temperature * both)
