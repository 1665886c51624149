"""What the curvature of data adds to an error, beside dense algebra."""

import numpy as np
import pytest

from jaxelph.inverse.fit.curvature import DRAWS, Curvature
from jaxelph.inverse.fit.functionals import estimates, table_weights
from jaxelph.inverse.fit.linear import fit_linear

OMEGA = np.linspace(1.0, 20.0, 20)
WEIGHT = np.asarray(table_weights(OMEGA))


def fitted(columns):
    """A fit of twelve data, two columns projected out as a fit of backgrounds does."""
    rng = np.random.default_rng(4)
    design = 30 * np.exp(-(np.subtract.outer(np.linspace(2, 19, 12), OMEGA) ** 2) / 30)
    left = np.linalg.qr(columns, mode="complete")[0][:, 2:]
    target = design @ np.full(20, 0.4) + rng.normal(size=12)
    fit = fit_linear(OMEGA, left.T @ design, left.T @ target, np.ones(10))
    return fit, design, left


def test_of_a_quadratic():
    """Data that bend by q(w·δa)²: e = g·q(w·δa)², g from unit vectors of the data."""
    rng = np.random.default_rng(5)
    columns, bend = rng.normal(size=(12, 2)), 0.1 * rng.normal(size=12)
    fit, design, left = fitted(columns)
    by_datum = [
        estimates(fit.wide, left.T @ design, unit, WEIGHT[None, :]).value[0] for unit in left
    ]

    def exact(move):
        return design @ move + bend * (WEIGHT @ move) ** 2

    found = Curvature(fit, fit.covariance, exact, design, columns)
    bent = (found.drawn @ WEIGHT) ** 2
    value = found.error(WEIGHT, np.zeros(12), 0.3 * bent)
    size = np.dot(by_datum, bend) - 0.3
    assert value == pytest.approx(np.sqrt(np.mean((size * bent) ** 2)), rel=1e-6)
    assert len(found.drawn) == DRAWS and not found.lost
    # Straight data and a straight functional: nothing.
    none = Curvature(fit, fit.covariance, lambda x: design @ x, design, columns)
    assert none.error(WEIGHT, np.zeros(12), np.zeros(DRAWS)) < 1e-10


def test_draws_whose_data_cannot_be_computed():
    columns = np.random.default_rng(5).normal(size=(12, 2))
    fit, design, _ = fitted(columns)
    found = Curvature(fit, fit.covariance, lambda x: np.nan * design @ x, design, columns)
    assert found.lost and found.error(WEIGHT, np.zeros(12), np.zeros(0)) == 0


def test_draws_end_where_the_data_allow():
    """A strong bend: exact data of the moved draws are where the straight line had them."""
    rng = np.random.default_rng(5)
    columns, bend = rng.normal(size=(12, 2)), rng.normal(size=12)
    fit, design, left = fitted(columns)

    def exact(move):
        return design @ move + 60 * bend * (WEIGHT @ move) ** 2

    found = Curvature(fit, fit.covariance, exact, design, columns)
    values, vectors = np.linalg.eigh((fit.covariance + fit.covariance.T) / 2)
    start = np.random.default_rng(0).normal(size=(DRAWS, 20))
    start = (start @ (vectors * np.sqrt(np.clip(values, 0, None))).T)[found.sound]
    assert not found.lost
    there = np.array([exact(one) for one in found.drawn]) @ left
    before = np.array([exact(one) for one in start]) @ left
    off = [np.linalg.norm(x - start @ design.T @ left, axis=1) for x in (there, before)]
    assert np.max(off[0]) < 3 and np.max(off[1]) > 3
