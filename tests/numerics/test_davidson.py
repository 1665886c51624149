"""The softest mode without a matrix: against dense diagonalisation, derivatives, large grids."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from jaxelph import (
    EinsteinModes,
    EnergyGrid,
    GaussianPeaks,
    example,
    search_softest_mode,
    stability_margin,
    stability_pencil,
)
from jaxelph.numerics.davidson import lowest_eigenpair

METAL = example("table1")
G = 50.36533199202271
CASES = {
    "smooth": (GaussianPeaks([50.0], [5.0], [3.0]), 25.0, 1.5),
    "spike": (METAL.scaled(1.9), 0.2 * G * 1.9**0.5, 1.0),
    "rough": (METAL.scaled(4.5), 0.278 * G * 4.5**0.5, 1.7),
    # In as many parts as the metal has, so that it is not compiled anew.
    "single mode": (EinsteinModes(np.full(21, 50.0), np.full(21, 1 / 21)), 12.5, 1.0),
    "cold": (GaussianPeaks([50.0], [5.0], [3.0]), 4.0, 0.3),
}


# The other searches are easier ones.
QUICK = ("spike", "single mode", "cold")
MARKED = [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in CASES]


@pytest.mark.parametrize("name", MARKED)
def test_against_the_matrix(name):
    spectrum, temperature, step = CASES[name]
    grid = EnergyGrid(step, 512)
    value, vector = search_softest_mode(spectrum, temperature, grid)
    A = np.asarray(stability_pencil(spectrum, temperature, grid).A)
    assert value == pytest.approx(np.linalg.eigvalsh(A)[0], abs=1e-12)
    assert np.allclose(A @ vector, value * vector, atol=1e-8, rtol=0)


GRID = EnergyGrid(3.0, 160)
ARGS = (12.6, jnp.full(21, 1 / 21))


def margin_by(method):
    def function(temperature, coupling):
        spectrum = EinsteinModes(jnp.arange(40.0, 61.0), coupling)
        return stability_margin(spectrum, temperature, GRID, method=method)

    return function


def test_gradient():
    expected = jax.jit(jax.grad(margin_by("dense"), argnums=(0, 1)))(*ARGS)
    found = jax.jit(jax.grad(margin_by("iterative"), argnums=(0, 1)))(*ARGS)
    assert found[0] == pytest.approx(float(expected[0]), rel=1e-9)
    assert np.allclose(found[1], expected[1], rtol=1e-9)
    with pytest.raises(ValueError, match="method 'lanczos' is not known"):
        margin_by("lanczos")(*ARGS)


@pytest.mark.slow
def test_second_derivative():
    functions = margin_by("dense"), margin_by("iterative")
    dense, iterative = (jax.jacfwd(jax.grad(function))(*ARGS) for function in functions)
    assert iterative == pytest.approx(float(dense), rel=1e-6)


def test_above_the_size_of_the_matrix():
    spectrum, temperature = METAL.scaled(4.5), 0.278 * G * 4.5**0.5
    grid = EnergyGrid(0.6, 1500)
    A = np.asarray(stability_pencil(spectrum, temperature, grid).A)
    expected = scipy.linalg.eigh(A, eigvals_only=True, subset_by_index=[0, 0])[0]
    found = stability_margin(spectrum, temperature, grid, method="iterative")
    assert found == pytest.approx(expected, abs=1e-11)


def test_pencil_of_two_matrices():
    rng = np.random.default_rng(3)
    a = rng.normal(size=(300, 300))
    a = np.diag(np.linspace(1, 40, 300)) + (a + a.T) / 20
    b = rng.normal(size=(300, 300))
    b = np.diag(np.linspace(2, 5, 300)) + (b + b.T) / 40
    search = jax.jit(
        lambda start: lowest_eigenpair(
            lambda v: a @ v,
            jnp.diag(a),
            start,
            metric=lambda v: b @ v,
            metric_diagonal=jnp.diag(b),
        )
    )
    theta, u, error, _ = search(rng.normal(size=(300, 8)))
    assert theta == pytest.approx(scipy.linalg.eigh(a, b, eigvals_only=True)[0], abs=1e-11)
    assert error < 1e-10 and np.linalg.norm(u) == pytest.approx(1.0)
