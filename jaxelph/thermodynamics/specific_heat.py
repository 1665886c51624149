"""Heat capacity of electrons and phonons, and the stability parameter ξ."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Real

from ..grids.sinc import principal_value_weights
from ..numerics.checks import checked
from ..numerics.kept import kept
from ..numerics.minima import global_minimum
from ..numerics.special import heat_function
from ..numerics.typed import jit
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..spectra.sums import sum_over_modes


@checked
@kept
@jit
def stability_parameter(spectrum: EliashbergFunction, temperature: Scalar) -> Float[Array, ""]:
    r"""$\xi(T) = \sum_k \lambda_k\,g(\omega_k/2\pi T)$, one minus the specific-heat ratio.

    The specific heat of the normal metal is negative where ξ(T) > 1. See
    `special.heat_function` for g.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.

    Returns:
        ξ(T) (scalar).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{stability_parameter(EinsteinModes([1.0], [1.0]), 0.486237):.8f}")
        0.27089315
    """

    def term(omega, coupling):
        return coupling * heat_function(omega / (2 * jnp.pi * temperature))

    return sum_over_modes(term, spectrum, coarse=True)


@checked
def specific_heat_ratio(spectrum: EliashbergFunction, temperature: Scalar) -> Float[Array, ""]:
    r"""Electronic specific heat over that of bare electrons, Supplement Eqs. (13)-(16):

    $$\frac{C_{el}}{2\pi^2\nu_0T/3} = 1 - \sum_k\lambda_k\,g(\omega_k/2\pi T),$$

    which tends to 1 + λ as T → 0 and to 1 as T → ∞.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.

    Returns:
        the ratio (scalar).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{specific_heat_ratio(EinsteinModes([1.0], [1.0]), 0.01):.6f}")
        2.002380
    """
    return 1 - stability_parameter(spectrum, temperature)


@checked
@jit(static_argnames="order")
def specific_heat_double_integral(
    spectrum: EliashbergFunction, temperature: Scalar, *, order: int = 160
) -> Float[Array, ""]:
    r"""The same ratio from Prange and Kadanoff's double integral, Supplement Eq. (5):

    $$\frac{C_{el}}{2\pi^2\nu_0T/3} = 1 + \frac{3}{2\pi^2T^2}\,\mathrm{PV}\!\iint dE\,d\tilde E\;
      \kappa(E-\tilde E)\,f_0'(E)\,f_0'(\tilde E)\,(E-\tilde E)^2 .$$

    A second route to `specific_heat_ratio`, kept because nothing in it is shared with the
    first: no polygamma, a principal value instead.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        order: points of either quadrature on one side of the Fermi level.

    Returns:
        the ratio (scalar).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{specific_heat_double_integral(EinsteinModes([1.0], [1.0]), 0.01):.6f}")
        2.002380
    """
    # As a function of ω it is that of `stability_parameter`, and has its nodes.
    # In units of T, with s = E - Ẽ and the mean energy u: f0'f0' is analytic in |Im u| < π
    # at fixed s, and the inner integral in |Im s| < 2π.
    n = jnp.arange(-order, order + 1.0)
    step = 80.0 / order

    def minus_derivative(x):
        return 0.25 / jnp.cosh(jnp.clip(x, -700, 700) / 2) ** 2

    s, u = step * n, 0.5 * step * n
    overlap = (
        0.5
        * step
        * jnp.sum(
            minus_derivative(u[None, :] + s[:, None] / 2)
            * minus_derivative(u[None, :] - s[:, None] / 2),
            axis=1,
        )
    )
    density = s**2 * overlap

    def term(omega, coupling):
        # κ(s) = λ (ω/2) [1/(s + ω) - 1/(s - ω)].
        pole = omega / (temperature * step)
        weights = principal_value_weights(n, -pole) - principal_value_weights(n, pole)
        return 0.5 * coupling * omega / temperature * (weights @ density)

    return 1 + 3 / (2 * jnp.pi**2) * sum_over_modes(term, spectrum, coarse=True)


@checked
@kept
@jit
def maximum_stability_parameter(
    spectrum: EliashbergFunction,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""$\xi = \max_T \xi(T)$ and the temperature at which it is reached.

    A metal whose ξ exceeds 1 has a range of temperatures with negative specific heat.

    Args:
        spectrum: an Eliashberg function.

    Returns:
        (ξ, T_ξ): scalars; T_ξ in the energy unit of the spectrum.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> xi, temperature = maximum_stability_parameter(EinsteinModes([1.0], [3.6914923657]))
        >>> print(f"{xi:.9f} {temperature:.6f}")
        1.000000000 0.486234
    """
    omega, coupling = jax.lax.stop_gradient(spectrum.coarse_modes())
    # g is largest at T = 0.486 ω, and there is no maximum without a mode near: the scan is fine
    # beside the width of g, a factor of several, and all its maxima are looked at.
    carries = jnp.abs(coupling) >= 1e-9 * jnp.max(jnp.abs(coupling))
    low = jnp.log(0.3 * jnp.min(jnp.where(carries, omega, jnp.inf)))
    high = jnp.log(0.7 * jnp.max(jnp.where(carries, omega, 0.0)))
    log_t = jnp.linspace(low, high, 64)

    def minus_xi(x):
        return -stability_parameter(spectrum, jnp.exp(x))

    values = jax.lax.stop_gradient(jax.lax.map(minus_xi, log_t))
    best, lowest = global_minimum(minus_xi, log_t, values)
    return -lowest, jnp.exp(best)


@checked
def phonon_heat_einstein(omega: Real[Array, "*mode"], temperature: Scalar) -> Float[Array, "*mode"]:
    r"""Heat capacity of one oscillator, $C = (x/\sinh x)^2$ with $x = \omega/2T$ (in k_B).

    The Supplement's note prints the square so that it may be read as on sinh alone; it is
    on both factors, as the limit C → 1 for T → ∞ demands.

    Args:
        omega (array of any shape, energy): ω > 0.
        temperature (scalar, energy): T > 0.

    Returns:
        C (array of that shape, k_B).

    Example:
        >>> print(f"{phonon_heat_einstein(np.array(1.0), 0.5):.6f}")
        0.724062
    """
    x = jnp.asarray(omega) / (2 * temperature)
    small = jnp.exp(-2 * x)
    return 4 * x**2 * small / jnp.expm1(-2 * x) ** 2


@checked
@jit(static_argnames="order")
def phonon_heat_debye(debye: Scalar, temperature: Scalar, *, order: int = 96) -> Float[Array, ""]:
    r"""Debye's heat capacity per ion, in k_B:

    $$C = 9\,(T/\Theta)^3\int_0^{\Theta/T}\frac{x^4e^x}{(e^x-1)^2}\,dx ,$$

    which tends to 3 for T ≫ Θ and to (12π⁴/5)(T/Θ)³ for T ≪ Θ.

    Args:
        debye (scalar, energy): Θ.
        temperature (scalar, energy): T > 0.
        order: Gauss-Legendre points.

    Returns:
        C (scalar, k_B per ion).

    Example:
        >>> print(f"{phonon_heat_debye(1.0, 0.18):.4f}")
        0.9228
    """
    node, weight = np.polynomial.legendre.leggauss(order)
    # Beyond x = 60 the integrand is below rounding of the whole.
    ratio = jnp.asarray(debye) / temperature
    top = jnp.minimum(ratio, 60.0)
    x = top * (node + 1) / 2
    integral = jnp.sum(weight / 2 * top * x**2 * phonon_heat_einstein(x, 1.0))
    return 9 / ratio**3 * integral
