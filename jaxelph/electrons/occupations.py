"""Fermi and Bose functions, and the thermal window √(-f0')."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Real

from ..numerics.checks import checked
from ..numerics.typed import jit
from ..spectra.spectrum import Scalar

Energies = Real[ArrayLike, "*energy"]


@checked
@jit
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
@jit
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
@jit
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
