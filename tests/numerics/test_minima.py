"""Minima of functions of one variable, and how they change with what the function closes over."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph.numerics.minima import global_minimum, refine_minimum

POINTS = jnp.linspace(-2.0, 2.0, 11)


def closed(a, c):
    """Where cosh(x - a) + c x is least."""
    return a - np.arcsinh(c)


def minimiser(a, c):
    def function(x):
        return jnp.cosh(x - a) + c * x

    return refine_minimum(function, POINTS, jax.lax.stop_gradient(jax.vmap(function)(POINTS)))


def minimum(a, c):
    def function(x):
        return jnp.cosh(x - a) + c * x

    return global_minimum(function, POINTS, jax.lax.stop_gradient(jax.vmap(function)(POINTS)))[1]


@pytest.mark.parametrize(("a", "c"), [(0.3, 0.4), (-0.7, -0.9), (0.0, 0.0)])
def test_a_minimum_and_its_derivatives(a, c):
    root = np.sqrt(1 + c**2)
    assert minimiser(a, c) == pytest.approx(closed(a, c), abs=1e-14)
    assert minimum(a, c) == pytest.approx(root + c * closed(a, c), abs=1e-14)
    for way in (jax.grad, jax.jacfwd):
        assert jax.jit(way(minimiser, 1))(a, c) == pytest.approx(-1 / root, abs=1e-13)
        assert jax.jit(way(minimum, 1))(a, c) == pytest.approx(closed(a, c), abs=1e-13)
        # The second derivative of the minimum is the first of the minimiser; and that one's own.
        assert way(jax.grad(minimum, 1), 1)(a, c) == pytest.approx(-1 / root, abs=1e-12)
        assert way(jax.grad(minimiser, 1), 1)(a, c) == pytest.approx(c / root**3, abs=1e-12)
    lanes = jax.vmap(jax.grad(minimiser), (None, 0))(a, jnp.array([c, c + 0.1]))
    assert lanes == pytest.approx(1.0, abs=1e-13)


def test_at_the_end_of_the_points_it_is_held():
    """Falling throughout, and of a minimum that lies beyond the neighbouring point."""
    assert minimiser(9.0, 0.0) == 2.0 and jax.grad(minimiser)(9.0, 0.0) == 0


def test_of_a_constant_any_place_is_a_minimum():
    def value(a):
        return global_minimum(lambda x: a + 0 * x, POINTS, jnp.zeros(11))[1]

    assert jax.value_and_grad(value)(3.0) == (3.0, 1.0)
