"""The lowest eigenvector by reduction to tridiagonal form, where eigenvalues are close or equal."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

import jaxelph as jx
from jaxelph.numerics.inverse_iteration import lowest_in_one_launch
from jaxelph.numerics.tridiagonal import lowest_eigenvector
from jaxelph.stability.pencil import refined_form

N = 63


def matrices():
    """Symmetric ones of known difficulty, of one size: compiled once."""
    random = np.random.default_rng(0)
    basis = np.linalg.qr(random.normal(size=(N, N)))[0]
    rest = random.uniform(0, 1, N - 2)
    spectra = {
        "random": random.normal(size=N),
        "close": np.append(rest, [-1, -1 + 1e-10]),
        "closer": np.append(rest, [-1, -1 + 1e-15]),
        "double": np.append(rest, [-1, -1]),
        "all but one": np.append(np.zeros(N - 1), 1),
        "all": np.ones(N),
        "cluster": 1 + 1e-12 * random.normal(size=N),
        "graded": 10.0 ** np.linspace(0, -18, N),
        "negative and graded": -(10.0 ** np.linspace(0, -18, N)),
        "small": 1e-200 * random.normal(size=N),
        "large": 1e150 * random.normal(size=N),
    }
    found = {name: (basis * w) @ basis.T for name, w in spectra.items()}
    wilkinson = np.diag(np.abs(np.arange(-10, 11.0))) + np.diag(np.ones(20), 1)
    wilkinson = wilkinson + np.diag(np.ones(20), -1)
    found["Wilkinson, three times"] = np.kron(np.eye(3), wilkinson)
    found["identity"], found["diagonal"] = np.eye(N), np.diag(random.normal(size=N))
    found["zero"] = np.zeros((N, N))
    smooth = jx.GaussianPeaks([50.0], [5.0], [1.0])
    base = jx.EnergyGrid(4.0, N - 16)

    @jax.jit
    def spike(T):
        grid = jx.RefinedGrid.around(smooth, T, base, extra=16)
        return refined_form(smooth, T, grid).A

    found["spike on a refined grid"] = np.asarray(spike(4.0))
    return {name: (matrix + matrix.T) / 2 for name, matrix in found.items()}


def on_a_gpu(matrix):
    return lowest_in_one_launch(matrix, interpret=True)


@pytest.mark.parametrize("way", [lowest_eigenvector, on_a_gpu])
def test_residual_and_eigenvalue_to_rounding(way):
    cases = matrices()
    vectors = jax.jit(jax.vmap(way))(jnp.stack([*cases.values()]))
    for (name, matrix), v in zip(cases.items(), np.asarray(vectors), strict=True):
        scale = max(np.max(np.abs(matrix)), 1e-300)
        matrix = matrix / scale
        exact = scipy.linalg.eigvalsh(matrix)
        norm = max(np.max(np.abs(exact)), 1e-300)
        np.testing.assert_allclose(np.linalg.norm(v), 1, rtol=1e-14, err_msg=name)
        value = v @ matrix @ v
        assert np.linalg.norm(matrix @ v - value * v) <= 5e-15 * norm, name
        assert abs(value - exact[0]) <= 5e-15 * norm, name


TEMPERATURES = jnp.array([8.0, 12.0, 20.0])


def margin(T):
    metal, grid = jx.EinsteinModes([30.0, 50.0], [0.4, 0.8]), jx.EnergyGrid(4.0, 60)
    return jx.margin(metal, T, grid=grid)


both = jax.jit(jax.value_and_grad(margin))


def test_margins_of_a_batch_are_those_of_single_calls_with_their_gradients():
    batch = jax.jit(jax.vmap(both))(TEMPERATURES)
    single = [both(T) for T in TEMPERATURES]
    np.testing.assert_allclose(batch, np.array(single).T, rtol=1e-12)


@pytest.mark.slow
def test_second_derivatives_of_a_batch():
    second = jax.jit(jax.vmap(jax.grad(jax.grad(margin))))(TEMPERATURES)
    h = 1e-3
    slopes = [[both(T + s * h)[1] for s in (-1, 1)] for T in TEMPERATURES]
    np.testing.assert_allclose(second, np.diff(slopes, axis=1)[:, 0] / (2 * h), rtol=1e-5)
