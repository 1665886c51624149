"""The root of a falling function, against SciPy and closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from jaxelph.numerics.roots import falling_root

# Falling, with a root between -8 and 9: convex, concave, steep like a step, flat, waved.
FUNCTIONS = {
    "convex": lambda x: jnp.exp(-x) - 0.3,
    "concave": lambda x: 2.0 - jnp.exp(x),
    "a step": lambda x: -jnp.tanh(40 * (x - 1.7)),
    "flat at its ends": lambda x: -jnp.arctan(x - 0.4),
    "waved": lambda x: 3.0 - x + 0.9 * jnp.sin(x),
    "flat at the root's side": lambda x: -((x - 0.5) ** 3) - 1e-3 * (x - 0.5),
}


@pytest.mark.parametrize("start", [-8.0, -1.0, 0.9, 9.0])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_equals_scipy(name, start):
    function = FUNCTIONS[name]
    exact = brentq(lambda x: float(function(x)), -8, 9, xtol=1e-14, rtol=1e-14)
    assert float(falling_root(function, -8.0, 9.0, start)) == pytest.approx(exact, abs=2e-13)


def test_a_batch_and_what_is_not_a_number():
    """A lane that has no root, or a NaN, spoils no other."""
    levels = jnp.array([0.5, jnp.nan, 2.0, 7.0])
    roots = jax.vmap(lambda a: falling_root(lambda x: a - jnp.exp(x), -5.0, 5.0, 0.0))(levels)
    np.testing.assert_allclose(roots, np.log(levels), rtol=0, atol=1e-14)
    slopes = jax.vmap(jax.grad(lambda a: falling_root(lambda x: a - jnp.exp(x), -5.0, 5.0, 0.0)))
    np.testing.assert_allclose(slopes(levels), 1 / levels, rtol=1e-13)


def test_derivatives_of_three_orders_in_both_modes():
    def root(a):
        return falling_root(lambda x: a - x**3, 0.1, 4.0, 3.0)

    derivatives = 8.0 ** (1 / 3), 8.0 ** (-2 / 3) / 3, -2 / 9 * 8.0 ** (-5 / 3)
    derivatives = (*derivatives, 10 / 27 * 8.0 ** (-8 / 3))
    for differentiate in (jax.jacfwd, jax.jacrev):
        function = root
        for exact in derivatives:
            assert float(function(8.0)) == pytest.approx(exact, rel=1e-12)
            function = differentiate(function)
