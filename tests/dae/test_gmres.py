"""GMRES that ends within a cycle, against NumPy's solutions."""

import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import pytest

from jaxelph.dae.gmres import GMRES


def system(size, seed=0):
    rng = np.random.default_rng(seed)
    matrix = 3 * np.eye(size) + rng.normal(size=(size, size)) / np.sqrt(size)
    return matrix, rng.normal(size=size), rng.uniform(0.5, 2.0, size)


def solve(matrix, b, diagonal, **options):
    solver = GMRES(**{"rtol": 1e-10, "atol": 0.0, "max_steps": 200} | options)
    inverse = lx.DiagonalLinearOperator(1 / jnp.asarray(diagonal))
    return lx.linear_solve(
        lx.MatrixLinearOperator(jnp.asarray(matrix)),
        jnp.asarray(b),
        solver,
        options={"preconditioner": inverse},
        throw=False,
    )


@pytest.mark.parametrize("rtol", [1e-3, 1e-8, 1e-13])
@pytest.mark.parametrize("size, restart", [(1, 20), (7, 20), (150, 20), (150, 6)])
def test_ends_at_its_tolerance(size, restart, rtol):
    matrix, b, diagonal = system(size)
    solution = solve(matrix, b, diagonal, rtol=rtol, restart=restart)
    left = np.linalg.norm((b - matrix @ solution.value) / diagonal)
    assert left <= 1.01 * rtol * np.linalg.norm(b / diagonal)
    assert solution.result == lx.RESULTS.successful
    if restart == 20 and size > 20:
        # One product less, and it is not there yet: nothing is done for a whole cycle's sake.
        steps = int(solution.stats["num_steps"])
        before = solve(matrix, b, diagonal, rtol=rtol, max_steps=steps - 1)
        assert before.result == lx.RESULTS.max_steps_reached
        short = np.linalg.norm((b - matrix @ before.value) / diagonal)
        assert short > rtol * np.linalg.norm(b / diagonal)


def test_absolute_tolerance_is_of_the_root_mean_square():
    matrix, b, diagonal = system(60)
    solution = solve(matrix, b, diagonal, rtol=0.0, atol=1e-5)
    left = (b - matrix @ solution.value) / diagonal
    assert 1e-7 < np.sqrt(np.mean(left**2)) <= 1e-5


def test_nothing_to_solve_and_what_is_not_finite():
    matrix, b, diagonal = system(9)
    nothing = solve(matrix, 0 * b, diagonal)
    assert not np.any(nothing.value) and nothing.stats["num_steps"] == 0
    bad = solve(matrix, np.where(np.arange(9) == 3, np.nan, b), diagonal)
    assert np.isnan(bad.value).any() and bad.result != lx.RESULTS.successful
    broken = solve(matrix * np.nan, b, diagonal)
    assert np.isnan(broken.value).any() and broken.result != lx.RESULTS.successful


def test_an_invariant_space_ends_it():
    # b is an eigenvector: one product is enough, and there is no second direction.
    solution = solve(np.diag([2.0, 5.0, 7.0]), [0.0, 3.0, 0.0], np.ones(3))
    np.testing.assert_allclose(solution.value, [0.0, 0.6, 0.0], rtol=1e-15)
    assert solution.stats["num_steps"] == 1


def test_lanes_of_a_batch_end_each_at_its_own():
    matrix, b, diagonal = system(80)
    weights = jnp.array([0.0, 0.3, 1.0])
    rest = matrix - 3 * np.eye(80)
    batched = jax.vmap(lambda w: solve(3 * jnp.eye(80) + w * rest, b, diagonal))(weights)
    for i, w in enumerate(weights):
        alone = solve(3 * np.eye(80) + float(w) * rest, b, diagonal)
        np.testing.assert_allclose(batched.value[i], alone.value, rtol=1e-12, atol=1e-14)
        assert batched.stats["num_steps"][i] == alone.stats["num_steps"]
    assert np.all(np.diff(batched.stats["num_steps"]) > 0)


def test_derivatives_are_those_of_the_solution():
    matrix, b, diagonal = system(30)

    def value(w):
        x = solve(jnp.asarray(matrix) + jnp.diag(w), b, diagonal, rtol=1e-13).value
        return jnp.sum(jnp.sin(x))

    x = np.linalg.solve(matrix, b)
    expected = -np.linalg.solve(matrix.T, np.cos(x)) * x
    np.testing.assert_allclose(jax.grad(value)(jnp.zeros(30)), expected, rtol=1e-11)
    _, along = jax.jvp(value, (jnp.zeros(30),), (jnp.ones(30),))
    assert float(along) == pytest.approx(expected.sum(), rel=1e-11)
