"""The kinetic equation in time: a reference trajectory, a runaway, energy, bad input."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph import RESULTS, EnergyGrid, evolve, example

METAL = example("table1")
G = 50.36533199202271


@pytest.mark.parametrize(("step", "size", "error"), [(6.0, 75, 1.1e-8), (4.0, 113, 2e-10)])
def test_reference_trajectory(shared, step, size, error):
    reference = np.load(shared / "reference" / "ref_a.npz")
    temperature = 0.25 * G
    times = reference["t"] / G
    run = evolve(METAL, 1.1 * temperature, temperature, EnergyGrid(step, size), times, rtol=1e-10)
    every = int(step)
    count = min(512 // every, size)
    expected = reference["f"][:, every - 1 : every * count : every]
    assert np.max(np.abs(run.f[:, :count] - expected)) < error
    assert run.result == RESULTS.completed
    assert np.max(np.abs(run.energy_error)) < 1e-9


@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
def test_runaway_is_an_answer(rtol):
    spectrum, g = METAL.scaled(1.3), G * np.sqrt(1.3)
    times = np.linspace(0, 20 / g, 21)
    run = evolve(spectrum, 0.198 * g, 0.18 * g, EnergyGrid(1.0, 400), times, rtol=rtol)
    assert run.result == RESULTS.unstable
    assert float(run.reached * g) == pytest.approx(6.310, abs=1e-3)
    before = times < float(run.reached)
    assert np.all(np.isfinite(run.f[before])) and np.all(np.isnan(run.f[~before]))


def test_bad_input():
    grid, times = EnergyGrid(6.0, 75), jnp.array([0.0, 1.0])
    for initial, temperature, on, at, message in (
        (13.0, -1.0, grid, times, "temperature must be positive"),
        (jnp.full(75, 1.5), 12.6, grid, times, "must be a distribution"),
        (jnp.full(74, 0.5), 12.6, grid, times, "must be a temperature or f on the grid"),
        (13.0, 12.6, grid, times[::-1], "times must ascend"),
        (13.0, 12.6, EnergyGrid(26.0, 75), times, "too coarse"),
        (13.0, 12.6, EnergyGrid(6.0, 12), times, "should reach 25 times"),
    ):
        with pytest.raises(ValueError, match=message):
            evolve(METAL, initial, temperature, on, at)
