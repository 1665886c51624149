"""Relaxation data with phonons that move: derivatives, a round trip, and without them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph import EnergyGrid, GaussianPeaks, MovingPhonons, coupling_constant
from jaxelph.inverse import fit_spectrum
from jaxelph.inverse.data.relaxation import RelaxationData
from jaxelph.inverse.sensitivities.derivatives import coupling_moment

TRUTH = GaussianPeaks([10.0], [2.0], [0.8])
PHONONS = MovingPhonons.like_coupling(0.01, 3.0)  # of about four times the electrons' heat


def trace(temperature, measured=None, phonons=PHONONS):
    """T_e(t) from 1.3 T0 at 8 times; with `TRUTH` if it was not measured."""
    error = 2e-3 * temperature
    time = np.linspace(0.02, 0.25, 8) * temperature
    grid = EnergyGrid(0.6 * temperature, 56)
    given = (temperature, 1.3 * temperature, time)
    options = dict(sigma=np.full(8, error), grid=grid, rtol=1e-6, phonons=phonons)
    blank = RelaxationData(*given, electrons=np.full(8, temperature), **options)
    if measured is None:
        measured = np.asarray(blank.predict(TRUTH))
    return RelaxationData(*given, electrons=measured, **options)


@pytest.mark.slow
def test_derivatives_are_those_of_differences():
    """By frequency, width and coupling of the peak and by 2ν0/F, forwards as fits take them."""
    data = trace(10.0)

    def predicted(x):
        peak = GaussianPeaks(x[:1], x[1:2], x[2:3])
        phonons = MovingPhonons.like_coupling(x[3], 3.0)
        moved = RelaxationData(
            data.temperature,
            data.initial,
            data.time,
            data.electrons,
            data.sigma,
            data.grid,
            rtol=1e-9,
            phonons=phonons,
        )
        return moved.predict(peak)

    at = jnp.array([10.0, 2.0, 0.8, 0.01])
    slopes = jax.jit(jax.jacfwd(predicted))(at)
    value = jax.jit(predicted)
    for k in range(4):
        step = 1e-3 * float(at[k])
        one = jnp.zeros(4).at[k].set(step)
        near = value(at + one) - value(at - one)
        far = value(at + 2 * one) - value(at - 2 * one)
        differences = (8 * near - far) / (12 * step)
        size = float(jnp.max(jnp.abs(differences)))
        assert size * float(at[k]) > 1e-3
        np.testing.assert_allclose(slopes[:, k], differences, rtol=0, atol=1e-5 * size)


@pytest.mark.slow
def test_coupling_comes_back():
    """From data at three temperatures; taken for phonons in equilibrium the same data are those of
    a weaker coupling."""
    exact = [trace(t) for t in (8.0, 10.0, 12.0)]
    assert float(np.min(exact[1].electrons)) > 10.2  # where both end is well above T0
    start = GaussianPeaks([9.0], [1.6], [0.7])
    fit = fit_spectrum(exact, start, mu_star=None, spread=1.0)
    true = float(coupling_moment(TRUTH))
    value, error = fit.moments["lambda-omega2"]
    assert abs(value - true) < 0.2 * error and error < 0.03 * true
    value, error = fit.moments["lambda"]
    assert abs(value - float(coupling_constant(TRUTH))) < error
    ignored = [trace(d.temperature, d.electrons, None) for d in exact]
    with pytest.warns(match="χ²"):
        wrong = fit_spectrum(ignored, start, mu_star=None, spread=1.0)
    assert wrong.moments["lambda-omega2"][0] < 0.9 * true
