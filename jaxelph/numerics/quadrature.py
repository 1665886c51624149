"""Weights of quadrature rules."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def trapezoid_weights(x: Float[Array | np.ndarray, " row"]) -> Any:
    """Weights of the trapezoidal rule at ascending x: NumPy's for an array of NumPy, else JAX's.

    Example:
        >>> print(trapezoid_weights(np.array([0.0, 1.0, 3.0])))
        [0.5 1.5 1. ]
    """
    xp = np if isinstance(x, np.ndarray) else jnp
    half = xp.diff(x) / 2
    return xp.append(half, 0.0) + xp.append(0.0, half)
