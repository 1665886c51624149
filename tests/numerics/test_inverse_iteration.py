"""The lowest eigenvector as a GPU finds it, one instruction after the other, against LAPACK."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph.numerics.inverse_iteration import lowest_in_one_launch, search
from jaxelph.superconductivity.matsubara import Repulsion, matsubara_basis, pairing_kernel

RNG = np.random.default_rng(0)
SIZE = 30
BASIS, _ = np.linalg.qr(RNG.normal(size=(SIZE, SIZE)))
START = np.random.default_rng(0).normal(size=SIZE)  # that of the search
START /= np.linalg.norm(START)
HIDDEN = np.linalg.qr(np.column_stack([START, BASIS[:, 0]]))[0][:, 1]


def with_values(*values):
    lowest = np.array(values)
    rest = np.linspace(1.0, 50.0, SIZE - len(values))
    return BASIS @ np.diag([*lowest, *rest]) @ BASIS.T


MATRICES = {
    "random": (lambda a: a + a.T)(RNG.normal(size=(SIZE, SIZE))),
    **{f"gap {gap}": with_values(-1.0, -1.0 + gap) for gap in (0.0, 1e-12, 1e-9, 1e-6, 1e-3)},
    "three alike": with_values(-1.0, -1.0 + 1e-8, -1.0 + 2e-8),
    "diagonal": np.diag(np.roll(np.arange(SIZE) - 3.0, 7)),
    "zero": np.zeros((SIZE, SIZE)),
    "large": 1e200 * with_values(-2.0),
    "small": 1e-200 * with_values(-2.0),
    # The search begins at an eigenvector that is not the lowest.
    "hidden": np.eye(SIZE) - 2 * np.outer(HIDDEN, HIDDEN),
}


def test_lowest_eigenvectors_are_lapack_s():
    matrices = np.stack([*MATRICES.values()])
    vectors, steps = jax.jit(jax.vmap(partial(search, interpret=True)))(jnp.asarray(matrices))
    for name, matrix, v in zip(MATRICES, matrices, np.asarray(vectors), strict=True):
        scale = max(np.abs(matrix).max(), 1e-300)
        values = np.linalg.eigvalsh(matrix / scale)
        assert v @ v == pytest.approx(1, abs=1e-14), name
        image = (matrix / scale) @ v
        assert v @ image == pytest.approx(values[0], abs=3e-14 * np.abs(values).max()), name
        # All of it lies among the eigenvectors that rounding cannot tell apart.
        assert np.linalg.norm(image - values[0] * v) < 1e-12 * max(np.abs(values).max(), 1), name
    assert np.median(steps) <= 10


def test_a_pairing_kernel_takes_few_eliminations():
    omega, area = jnp.array([1.0, 1.7, 2.3]), jnp.array([0.2, 0.255, 0.575])
    kernel = jax.vmap(
        lambda t, g: pairing_kernel(
            matsubara_basis(), omega, g * area, t, Repulsion(0.1, None, 2.3)
        )[0]
    )(jnp.array([0.1, 1e-2, 1e-6, 0.3]), jnp.array([1.0, 1.0, 1.0, 10.0]))
    vectors, steps = jax.jit(jax.vmap(partial(search, interpret=True)))(-kernel)
    expected = np.linalg.eigh(np.asarray(kernel))[1][:, :, -1]
    overlap = np.sum(np.asarray(vectors) * expected, axis=1)
    np.testing.assert_allclose(np.abs(overlap), 1, atol=1e-13)
    assert np.max(steps) <= 8


def test_what_is_not_a_number_has_no_eigenvector():
    for bad in (np.nan, np.inf):
        matrix = jnp.eye(4).at[1, 1].set(bad)
        assert np.all(np.isnan(lowest_in_one_launch(matrix, interpret=True)))
