"""NUTS against the closed form where there is one; positivity; what is refused."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph.inverse.fit.entropy import fit_entropy
from jaxelph.inverse.fit.linear import fit_linear, heat_design
from jaxelph.inverse.fit.sampling import log_density, problem_of, sample_posterior, spectrum_at

OMEGA = np.linspace(0.75, 30.0, 40)
# Nothing between 10 and 20: without positivity the fit swings below zero.
A2F = 0.7 * np.exp(-((OMEGA - 7.0) ** 2) / 3) + 0.9 * np.exp(-((OMEGA - 24.0) ** 2) / 4)
NOISE = np.full(40, 0.01)


@functools.cache
def measured():
    """The design, and the data."""
    design = np.asarray(heat_design(jnp.asarray(OMEGA), jnp.geomspace(0.1, 15.0, 40)))
    return design, design @ A2F + NOISE * np.random.default_rng(0).normal(size=40)


def fitted():
    return fit_linear(OMEGA, *measured(), NOISE, top=31.5)


def test_density_is_that_of_the_posterior():
    """Without positivity it is a unit normal in z, and z stands for C: u = a + L H^{-1/2} z."""
    fit = fitted()
    problem = problem_of(fit, positive=False)
    zero = jnp.zeros(problem.root.shape[1])
    np.testing.assert_allclose(spectrum_at(zero, problem), fit.a2f, atol=1e-7)
    root = np.asarray(problem.root @ problem.turn)
    np.testing.assert_allclose(root @ root.T, fit.covariance, atol=1e-7 * np.max(fit.covariance))
    z = jnp.asarray(np.random.default_rng(1).normal(size=len(zero)))
    fall = log_density(zero, problem) - log_density(z, problem)
    assert float(fall) == pytest.approx(0.5 * float(z @ z), rel=1e-6)


@pytest.mark.slow
def test_samples_agree_with_the_closed_form():
    pytest.importorskip("numpyro")
    fit = fitted()
    found = sample_posterior(fit, positive=False, draws=2000, seed=3)
    assert found.divergent == 0 and found.agreement < 1.02
    # Monte Carlo errors: of a mean σ/√n, of a standard deviation σ/√(2n); five of them.
    n = found.effective
    sigma = fit.error
    shown = sigma > 1e-3 * np.max(sigma)
    assert n > 500
    assert np.max(np.abs(found.a2f.mean(0) - fit.a2f)[shown] / sigma[shown]) < 5 / np.sqrt(n)
    assert np.max(np.abs(found.a2f.std(0) / sigma - 1)[shown]) < 5 / np.sqrt(2 * n)
    correlation = np.corrcoef(found.a2f.T[10], found.a2f.T[25])[0, 1]
    exact = fit.covariance[10, 25] / (sigma[10] * sigma[25])
    assert correlation == pytest.approx(exact, abs=5 / np.sqrt(n))


@pytest.mark.slow
def test_positive_samples():
    pytest.importorskip("numpyro")
    fit = fitted()
    found = sample_posterior(fit, draws=500, seed=4)
    assert found.a2f.shape == (1000, 40) and np.all(found.a2f >= 0)
    design, data = measured()
    miss = (data - found.a2f @ design.T) / NOISE
    assert np.mean(np.sum(miss**2, axis=1)) < 1.5 * 40
    # What cannot be negative is known better.
    assert np.mean(found.a2f.std(0)) < np.mean(fit.error)
    weight = found.moments["lambda"]
    assert abs(weight.mean() - 2 * np.trapezoid(A2F / OMEGA, OMEGA)) < 4 * weight.std()


def test_what_cannot_be_sampled():
    with pytest.raises(ValueError, match="under the smooth prior"):
        sample_posterior(fit_entropy(OMEGA, *measured(), NOISE))
    with pytest.raises(ValueError, match="two or more"):
        sample_posterior(fitted(), chains=1)
