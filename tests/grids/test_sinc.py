"""Weights of the sinc grid: their derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph.grids.sinc import local_shift_weights, shift_weights


@pytest.mark.parametrize("rounding", [0.0, 4.4e-16, -4.4e-16, 1e-12])
def test_slopes_where_a_frequency_is_on_the_grid_but_for_rounding(rounding):
    """d sinc(n - a)/da = -(-1)^(n - a)/(n - a), and 0 at n = a."""
    n = jnp.arange(-5.0, 9.0)
    m = np.asarray(n) - 2
    exact = np.divide(-((-1.0) ** m), m, out=np.zeros_like(m), where=m != 0)
    slope = jax.jacobian(lambda a: shift_weights(n, a))(2.0 + rounding)
    np.testing.assert_allclose(slope, exact, atol=1e-11)
    # With its window, w(x) = exp(28 (√(1 - (x/60)²) - 1)), which is flat at n = a.
    window = np.exp(28 * (np.sqrt(1 - (m / 60) ** 2) - 1))
    slope = jax.jacobian(lambda a: local_shift_weights(n, a))(2.0 + rounding)
    np.testing.assert_allclose(slope, window * exact, atol=1e-11)
