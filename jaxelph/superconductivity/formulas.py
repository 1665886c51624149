"""Tc by the formulas of McMillan and of Allen and Dynes."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..numerics.checks import checked
from ..numerics.kept import kept
from ..spectra.spectrum import EliashbergFunction, Scalar
from .coulomb import check_mu_star, nan_of


@checked
def mcmillan(spectrum: EliashbergFunction, mu_star: Scalar = 0.1) -> Float[Array, ""]:
    r"""McMillan's T_c with the prefactor of Allen and Dynes:

    $$T_c = \frac{\omega_{\log}}{1.2}\exp\left[-\frac{1.04(1+\lambda)}
        {\lambda-\mu^*(1+0.62\lambda)}\right].$$

    Source: McMillan, Phys. Rev. 167, 331 (1968), whose own prefactor is Θ_D/1.45; Allen &
    Dynes, PRB 12, 905 (1975), Eq. (2).

    Args:
        spectrum: an Eliashberg function.
        mu_star (scalar): Coulomb pseudopotential μ*.

    Returns:
        T_c (scalar, in the spectrum's energy unit); 0 where the denominator is not positive.

    Raises:
        ValueError: `mu_star` is not from 0 up to 1.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{mcmillan(EinsteinModes([1.0], [1.0]), 0.1):.6f}")
        0.069640
    """
    check_mu_star(mu_star)
    return temperatures(*spectrum.moment_modes(), _array(mu_star))[0]


@checked
def allen_dynes(spectrum: EliashbergFunction, mu_star: Scalar = 0.1) -> Float[Array, ""]:
    r"""Allen and Dynes' formula for T_c:

    $$T_c = f_1 f_2\, T_c^{\mathrm{McMillan}}, \quad
      f_1 = \left[1+(\lambda/\Lambda_1)^{3/2}\right]^{1/3}, \quad
      f_2 = 1+\frac{(\bar\omega_2/\omega_{\log}-1)\lambda^2}{\lambda^2+\Lambda_2^2},$$

    $\Lambda_1 = 2.46(1+3.8\mu^*)$, $\Lambda_2 = 1.82(1+6.3\mu^*)\,\bar\omega_2/\omega_{\log}$.

    Source: Allen & Dynes, PRB 12, 905 (1975), Eqs. (34)-(38).

    Args:
        spectrum: an Eliashberg function.
        mu_star (scalar): Coulomb pseudopotential μ*.

    Returns:
        T_c (scalar, in the spectrum's energy unit), 0 where there is none.

    Raises:
        ValueError: `mu_star` is not from 0 up to 1.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{allen_dynes(EinsteinModes([1.0], [1.0]), 0.1):.6f}")
        0.073169
    """
    check_mu_star(mu_star)
    return temperatures(*spectrum.moment_modes(), _array(mu_star))[1]


def _array(mu_star):
    """A Python number as an array: traced it is left alone."""
    return np.float64(mu_star) if isinstance(mu_star, float) else mu_star


@kept
@jax.jit
def temperatures(
    omega: Float[Array, " mode"], coupling: Float[Array, " mode"], mu_star: Scalar
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """McMillan's and Allen and Dynes' T_c of modes.

    Example:
        >>> print(temperatures(jnp.array([1.0]), jnp.array([1.0]), 0.1)[0].round(6))
        0.06964
    """
    total = jnp.sum(coupling)
    net = total - mu_star * (1 + 0.62 * total)
    # Below this the exponential underflows, and its derivative would be 0 times infinity.
    exists = (total > 0) & (net > 1.04 * (1 + total) / 700)
    # Substitutes where there is no T_c keep both branches of `where` free of NaN.
    total = jnp.where(exists, total, 1.0)
    net = jnp.where(exists, net, 1.0)
    log_frequency = jnp.exp(jnp.sum(coupling * jnp.log(omega)) / total)
    square = jnp.sum(coupling * omega**2) / total
    ratio = jnp.sqrt(jnp.where(exists, square, 1.0)) / log_frequency
    plain = log_frequency / 1.2 * jnp.exp(-1.04 * (1 + total) / net)
    f1 = (1 + (total / (2.46 * (1 + 3.8 * mu_star))) ** 1.5) ** (1 / 3)
    width = 1.82 * (1 + 6.3 * mu_star) * ratio
    f2 = 1 + (ratio - 1) * total**2 / (total**2 + width**2)
    lost = nan_of(omega, coupling, mu_star)
    return jnp.where(exists, plain, 0.0) + lost, jnp.where(exists, f1 * f2 * plain, 0.0) + lost
