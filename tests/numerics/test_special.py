"""Polygamma functions against mpmath, with their derivatives."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxelph.numerics.special import heat_function, polygamma, sinc

STRIP = 0.5 + 1j * np.concatenate([[0.0], np.logspace(-6, 5, 45), -np.logspace(-3, 5, 25)])
_rng = np.random.default_rng(3)
BOX = _rng.uniform(0.01, 3.0, 60) + 1j * _rng.uniform(-20, 20, 60)
POINTS = np.concatenate([STRIP, BOX, [1 + 1e-8j, 0.01 + 0j, 3 + 0j]])


def reference(order, points):
    return np.array([complex(mpmath.psi(order, complex(z))) for z in points])


def relative(value, exact):
    return np.max(np.abs(np.asarray(value) - exact) / np.abs(exact))


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_values(order):
    assert relative(polygamma(order, jnp.asarray(POINTS)), reference(order, POINTS)) < 1e-13


@settings(max_examples=60, deadline=None)
@given(
    order=st.integers(0, 3),
    real=st.floats(0.01, 3.0),
    imaginary=st.floats(-1e5, 1e5),
)
def test_values_anywhere(order, real, imaginary):
    z = complex(real, imaginary)
    # ψ₀ has a zero at 1.4616 on the real axis: the error is absolute there.
    error = abs(complex(polygamma(order, jnp.asarray(z))) - complex(mpmath.psi(order, z)))
    assert error < 1e-13 * max(abs(complex(mpmath.psi(order, z))), 0.01 if order == 0 else 0)


def test_real_arguments_stay_real():
    x = jnp.array([0.3, 1.0, 7.5])
    value = polygamma(1, x)
    assert value.dtype == x.dtype
    assert relative(value, reference(1, x).real) < 1e-14


@pytest.mark.parametrize("order", [0, 1, 2])
def test_holomorphic_derivatives(order):
    points = jnp.asarray(POINTS)
    exact = reference(order + 1, POINTS)
    _, tangent = jax.jvp(lambda z: polygamma(order, z), (points,), (jnp.ones_like(points),))
    assert relative(tangent, exact) < 1e-13
    gradient = jax.vmap(jax.grad(lambda z: polygamma(order, z), holomorphic=True))(points)
    assert relative(gradient, exact) < 1e-13


@pytest.mark.parametrize("order", [0, 1, 2])
def test_reverse_mode_through_real_functions(order):
    # d Re ψₙ(½ + ix)/dx = -Im ψₙ₊₁, d Im ψₙ/dx = Re ψₙ₊₁.
    x = jnp.asarray(STRIP.imag)
    exact = reference(order + 1, STRIP)
    scale = np.abs(exact)
    real = jax.vmap(jax.grad(lambda x: polygamma(order, 0.5 + 1j * x).real))(x)
    imaginary = jax.vmap(jax.grad(lambda x: polygamma(order, 0.5 + 1j * x).imag))(x)
    assert np.max(np.abs(real + exact.imag) / scale) < 1e-13
    assert np.max(np.abs(imaginary - exact.real) / scale) < 1e-13
    second = jax.jacfwd(jax.jacrev(lambda x: polygamma(order, 0.5 + 1j * x).real))(0.7)
    assert float(second) == pytest.approx(
        -complex(mpmath.psi(order + 2, 0.5 + 0.7j)).real, rel=1e-12
    )


def exact_heat_function(x):
    """g and g', at a precision in which its terms' cancellation at large x is harmless."""
    with mpmath.workdps(50):
        x = mpmath.mpf(float(x))
        one, two, three = (mpmath.psi(n, 1j * x) for n in (1, 2, 3))
        g = 6 * x**2 + 12 * x**3 * one.imag + 6 * x**4 * two.real
        slope = 12 * x + 36 * x**2 * one.imag + 36 * x**3 * two.real - 6 * x**4 * three.imag
        return float(g), float(slope)


def test_heat_function():
    # Close to the branch point 9 from both sides, too.
    x = np.concatenate([np.logspace(-3, 4, 80), [8.9999999, 9.0, 9.0000001]])
    exact = np.array([exact_heat_function(v) for v in x])
    assert np.max(np.abs(heat_function(jnp.asarray(x)) - exact[:, 0])) < 1e-12
    slope = jax.vmap(jax.grad(heat_function))(jnp.asarray(x))
    assert np.max(np.abs(slope - exact[:, 1])) < 1e-12
    assert np.all(np.isfinite(jax.vmap(jax.hessian(heat_function))(jnp.asarray(x))))


def test_heat_function_limits():
    # 6x² below, -1 - 3/(5x²)·... above: g → -1 from the first Bernoulli term.
    small = jnp.array([1e-5, 1e-4])
    assert np.allclose(heat_function(small) / (6 * small**2), 1, atol=2e-3)
    assert float(heat_function(jnp.asarray(1e6))) == pytest.approx(-1, abs=1e-11)
    assert float(heat_function(jnp.asarray(0.0))) == 0


def test_heat_function_maximum():
    x = jnp.asarray(0.32732148086006975)  # mpmath, 40 digits
    assert float(heat_function(x)) == pytest.approx(0.2708931513, abs=5e-11)
    assert abs(float(jax.grad(heat_function)(x))) < 1e-9
    assert float(jax.hessian(heat_function)(x)) < 0


def exact_sinc(x, order):
    """Σ_k (-π²)^k x^(2k - n) (2k)!/(2k - n)!/(2k + 1)!, to 60 digits."""

    def term(k):
        k, power = int(k), 2 * int(k) - order
        if power < 0:
            return mpmath.mpf(0)
        strength = (-(mpmath.pi**2)) ** k * mpmath.ff(2 * k, order) / mpmath.factorial(2 * k + 1)
        return strength * mpmath.mpf(x) ** power

    with mpmath.workdps(60):
        return float(mpmath.fsum(term(k) for k in range(80)))


@pytest.mark.parametrize("order", [0, 1, 2])
def test_sinc_and_its_derivatives(order):
    """Beside x = 0 too: the difference of sin and cos that a quotient gives is lost there."""
    function = sinc
    for _ in range(order):
        function = jax.grad(function)
    for x in (0.0, 1e-300, 4e-16, -1e-12, 1e-8, 1e-4, 0.0299999, 0.03, -0.0300001, 0.5, 1.0, 7.3):
        beside = 0.0 if abs(x) < 0.03 else 3e-13
        assert float(function(x)) == pytest.approx(exact_sinc(x, order), rel=4e-15, abs=beside)
