"""Metals, a cutoff and differences that the tests of superconductivity share."""

import jax.numpy as jnp
import numpy as np

from jaxelph import EinsteinModes

METAL = EinsteinModes([0.2, 0.6, 1.0], [0.3, 0.5, 0.4])


def smooth_form(cutoff, temperature, n):
    """The cutoff as documented: three Lorentzians, at the scale that gives ln ω_c."""
    nu = np.arange(n) + 0.5
    x = nu / (cutoff * np.exp(-1.4962347429575527) / (2 * np.pi * temperature))
    return (1 / (1 + x**2) - 8 * 4 / (4 + x**2) + 16 * 16 / (16 + x**2)) / 9


def einstein(coupling):
    return jnp.array([0.5, 1.0, 2.0, 0.0, coupling, 0.0])


METAL_PARAMETERS = jnp.append(METAL.omega, METAL.coupling)


def richardson(f, x, h):
    return (8 * (f(x + h) - f(x - h)) - f(x + 2 * h) + f(x - 2 * h)) / (12 * h)
