"""Elimination without pivoting, one matrix and a batch, against NumPy."""

import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph.numerics.elimination import (
    factor,
    invert_by_blocks,
    invert_by_halves,
    least_pivot,
    solve_factored,
)
from jaxelph.numerics.gauss_jordan import invert_in_one_launch
from jaxelph.numerics.tiles import LARGEST

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("size", [1, 2, 9, 15, 16, 36, 76, 200])
def test_inverse_of_one_and_of_a_batch(size):
    matrices = 0.3 * RNG.normal(size=(3, size, size)) + (2 + np.sqrt(size)) * np.eye(size)
    expected = np.linalg.inv(matrices)
    inverses, least = jax.jit(jax.vmap(invert_by_blocks))(matrices)
    np.testing.assert_allclose(inverses, expected, rtol=0, atol=1e-13)
    inverse, pivot = jax.jit(invert_by_blocks)(matrices[1])
    np.testing.assert_allclose(inverse, expected[1], rtol=0, atol=1e-13)
    assert pivot == pytest.approx(float(least[1]), rel=1e-10)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("size", [1, 7, 37, 59, 60, 61, 76, 139, 200])
def test_solutions_for_one_matrix_and_for_a_batch(size, transposed):
    matrices = 0.3 * RNG.normal(size=(3, size, size)) + (2 + np.sqrt(size)) * np.eye(size)
    right = RNG.normal(size=(3, size))
    sides = matrices.transpose(0, 2, 1) if transposed else matrices
    expected = np.linalg.solve(sides, right[:, :, None])[:, :, 0]

    def solve(matrix, right):
        return solve_factored(factor(matrix), right, transposed)

    found = jax.jit(jax.vmap(solve))(matrices, right)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-14)
    np.testing.assert_allclose(solve(matrices[0], right[0]), expected[0], rtol=0, atol=2e-14)


def test_a_solution_for_cuda_is_one_product():
    """There the inverse is one launch, and halves would be more."""
    size = 76

    def solve(matrix, right):
        return solve_factored(factor(matrix), right)

    traced = jax.jit(jax.vmap(solve)).trace(jnp.ones((5, size, size)), jnp.ones((5, size)))
    products = [
        len(re.findall("stablehlo.dot_general", traced.lower(lowering_platforms=(p,)).as_text()))
        for p in ("cuda", "cpu")
    ]
    assert products[0] == 1 < products[1]


# What a GPU does, its instructions one after the other on this machine; large matrices by halves.
AS_A_GPU = {
    "one launch": partial(invert_in_one_launch, interpret=True),
    "halves": partial(
        invert_by_halves, invert=partial(invert_in_one_launch, interpret=True), most=16
    ),
}


@pytest.mark.parametrize("way", AS_A_GPU.values(), ids=AS_A_GPU)
@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 37, 76, 128])
def test_a_gpu_s_inverse_is_lapack_s(way, size):
    matrices = 0.3 * RNG.normal(size=(2, size, size)) + (2 + np.sqrt(size)) * np.eye(size)
    inverses, least = jax.jit(jax.vmap(way))(matrices)
    np.testing.assert_allclose(inverses, np.linalg.inv(matrices), rtol=0, atol=1e-13)
    expected = jax.vmap(invert_by_blocks)(matrices)[1]
    np.testing.assert_allclose(least, expected, rtol=1e-13)


@pytest.mark.parametrize("way", AS_A_GPU.values(), ids=AS_A_GPU)
def test_a_gpu_s_least_pivot_has_the_sign_of_the_least_eigenvalue(way):
    size = 41
    basis, _ = np.linalg.qr(RNG.normal(size=(size, size)))

    def least(lowest):
        values = np.append(np.linspace(1, 3, size - 1), lowest)
        matrix = basis @ np.diag(values) @ basis.T
        return way(jnp.asarray((matrix + matrix.T) / 2))[1]

    assert [bool(least(x) > 0) for x in (-1e-3, -1e-9, 1e-9, 1e-3)] == [False, False, True, True]
    assert not bool(way(jnp.eye(20).at[13, 13].set(jnp.nan))[1] > 0)


@pytest.mark.parametrize(
    ("size", "kernels"), [(63, 1), (LARGEST, 1), (LARGEST + 1, 2), (4 * LARGEST, 4)]
)
def test_a_batch_of_inverses_for_cuda_has_no_loop(size, kernels):
    """One launch a matrix that fits into registers, however many there are."""
    traced = jax.jit(jax.vmap(invert_by_blocks)).trace(jnp.ones((5, size, size)))
    text = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert len(re.findall("stablehlo.custom_call @.*triton", text)) == kernels
    assert "stablehlo.while" not in text
    assert "triton" not in traced.lower(lowering_platforms=("cpu",)).as_text()


def test_a_batch_may_have_any_number_of_axes():
    matrices = 0.1 * RNG.normal(size=(2, 1, 3, 2, 2, 7, 7)) + 3 * np.eye(7)
    function = invert_by_blocks
    for _ in range(5):
        function = jax.vmap(function)
    inverses, least = jax.jit(function)(matrices)
    np.testing.assert_allclose(inverses, np.linalg.inv(matrices), rtol=0, atol=1e-13)
    assert least.shape == matrices.shape[:-2]
    traced = jax.jit(function).trace(matrices)
    assert "triton" in traced.lower(lowering_platforms=("cuda",)).as_text()


def test_scaling_of_the_unknowns_does_not_matter():
    size = 40
    scale = 10.0 ** np.linspace(-6, 6, size)
    matrix = 0.3 * RNG.normal(size=(size, size)) + 8 * np.eye(size)
    inverse, _ = invert_by_blocks(jnp.asarray(scale[:, None] * matrix / scale[None, :]))
    inverse = np.asarray(inverse) / scale[:, None] * scale[None, :]
    np.testing.assert_allclose(inverse, np.linalg.inv(matrix), rtol=0, atol=1e-13)


@pytest.mark.parametrize("size", [57, 76, 190])
@pytest.mark.parametrize("lowest", [-1e-3, -1e-9, 1e-9, 1e-3])
def test_least_pivot_has_the_sign_of_the_least_eigenvalue(lowest, size):
    basis, _ = np.linalg.qr(RNG.normal(size=(size, size)))
    values = np.append(np.linspace(1, 3, size - 1), lowest)
    matrix = basis @ np.diag(values) @ basis.T
    matrix = jnp.asarray((matrix + matrix.T) / 2)
    _, least = invert_by_blocks(matrix)
    assert (float(least) > 0) == (lowest > 0)
    assert float(least_pivot(matrix)) == pytest.approx(float(least), rel=1e-4, abs=1e-14)


@pytest.mark.parametrize("at", [13, 47])
def test_what_is_not_a_number_is_not_positive(at):
    matrix = jnp.eye(80).at[at, at].set(jnp.nan)
    assert not bool(invert_by_blocks(matrix)[1] > 0)
    assert not bool(least_pivot(matrix) > 0)
