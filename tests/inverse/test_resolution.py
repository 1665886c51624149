"""Sharp lines as a fit shows them: against fits of sharp lines, and widths in closed form."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph.inverse.fit.functionals import estimates
from jaxelph.inverse.fit.posterior import gain_of
from jaxelph.inverse.fit.resolution import full_width, line_response, line_widths

OMEGA = np.linspace(0.5, 20.0, 40)


def test_a_line_is_what_a_fit_makes_of_it():
    """One narrow triangle of unit area, seen by Gaussian blur, through the gain of the fit."""
    blur = np.exp(-0.5 * ((OMEGA[:, None] - OMEGA[None, :]) / 2.0) ** 2)
    prior = jnp.exp(-0.5 * ((OMEGA[:, None] - OMEGA[None, :]) / 0.7) ** 2)
    gain = np.asarray(gain_of(jnp.asarray(blur), prior))
    line = np.zeros(40)
    line[20] = 1 / 0.5  # trapezoid: the area is the height times the spacing
    where, seen = line_response(OMEGA, gain @ blur, OMEGA[20] + 0.1)
    assert where == OMEGA[20]
    np.testing.assert_allclose(seen, gain @ (blur @ line), rtol=1e-10)
    assert np.trapezoid(line, OMEGA) == pytest.approx(1)


def test_widths():
    gauss = np.exp(-0.5 * ((OMEGA - 9.3) / 1.7) ** 2)
    assert full_width(OMEGA, gauss) == pytest.approx(2 * np.sqrt(2 * np.log(2)) * 1.7, rel=1e-2)
    # One side off the table: at ω = 0 α²F vanishes, at the other end nothing is known.
    assert full_width(OMEGA, np.exp(-OMEGA)) == pytest.approx(0.25 + np.log(2), rel=0.05)
    assert full_width(OMEGA, np.exp(OMEGA)) == np.inf
    perfect = line_widths(OMEGA, np.eye(40))
    np.testing.assert_allclose(list(perfect.values()), 0.5)


def test_estimates_under_vmap_and_grad():
    """d(value)/dt is g, whose norm is the scatter; a batch is its members."""
    import jax

    rng = np.random.default_rng(0)
    design, slopes = jnp.asarray(rng.normal(size=(6, 40))), jnp.asarray(rng.normal(size=(2, 40)))
    prior = jnp.exp(-0.5 * ((OMEGA[:, None] - OMEGA[None, :]) / 1.5) ** 2)
    targets = jnp.asarray(rng.normal(size=(3, 6)))

    def values(t):
        return estimates(prior, design, t, slopes).value

    g = jax.jacrev(values)(targets[0])
    np.testing.assert_allclose(g, jax.jacfwd(values)(targets[0]), rtol=1e-12)
    scatter = estimates(prior, design, targets[0], slopes).scatter
    np.testing.assert_allclose(jnp.linalg.norm(g, axis=1), scatter, rtol=1e-10)
    many = jax.jit(jax.vmap(values))(targets)
    np.testing.assert_allclose(many[1], values(targets[1]), rtol=1e-10)
