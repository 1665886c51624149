"""The kinetic equation in time: a reference trajectory, a runaway, energy, bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph import (
    RESULTS,
    EinsteinModes,
    EnergyGrid,
    evolve,
    example,
    two_temperature_rate,
)
from jaxelph.dae import BDF

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


@pytest.mark.slow
@pytest.mark.parametrize(("rtol", "error"), [(1e-10, 1e-11), (1e-6, 1e-6)])
def test_reference_trajectory_on_its_own_grid(shared, rtol, error):
    reference = np.load(shared / "reference" / "ref_a.npz")
    temperature = 0.25 * G
    grid, times = EnergyGrid(1.0, 512), reference["t"] / G
    run = evolve(METAL, 1.1 * temperature, temperature, grid, times, rtol=rtol)
    assert np.max(np.abs(run.f - reference["f"])) < error


def test_one_einstein_mode_comes_to_rest_on_a_plateau():
    """Fig. 1: collisions conserve the number on each ladder E + nω; f does not return to f0."""
    times = np.array([0.0, 0.579, 2.895, 5.211, 20.0])
    grid = EnergyGrid(1 / 20, 144)
    run = evolve(EinsteinModes([1.0], [1.0]), 0.202, 0.2, grid, times, rtol=1e-8)
    size = 1e3 * np.max(np.abs(run.deviation), axis=1)
    np.testing.assert_allclose(size, [2.2255, 2.1251, 1.8491, 1.6691, 1.375], rtol=0, atol=1e-4)


def test_a_hotter_fermi_distribution_cools_at_the_two_temperature_rate():
    for temperature in (12.59, 60.0):
        hot = 1.0001 * temperature
        grid = EnergyGrid.suggest(METAL, temperature, hottest=hot)
        rate = float(two_temperature_rate(METAL, temperature))
        times = np.array([0.0, 1e-4 / rate])
        run = evolve(METAL, hot, temperature, grid, times, rtol=1e-10, atol=1e-16)
        slope = -np.log(run.energy[1] / run.energy[0]) / times[1]
        assert slope == pytest.approx(rate, rel=1e-3)


@pytest.mark.parametrize("rtol", [10.0**-n for n in range(3, 11)])
def test_unstable_at_every_tolerance(rtol):
    spectrum, g = METAL.scaled(1.3), G * np.sqrt(1.3)
    times = np.linspace(0, 20 / g, 21)
    run = evolve(spectrum, 0.198 * g, 0.18 * g, EnergyGrid(2.0, 200), times, rtol=rtol)
    assert run.result == RESULTS.unstable
    # The crossing of δ modes moves with the grid: 6.310 at ε = 1, 6.436 at ε = 2.
    assert float(run.reached * g) == pytest.approx(6.4365, abs=1e-3)


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


def test_inside_jit_what_is_concrete_is_still_checked():
    grid, times = EnergyGrid(6.0, 75), np.array([0.0, 0.1])

    def final(hot, temperature=12.6):
        return evolve(METAL, hot, temperature, grid, times, rtol=1e-4).temperature[-1]

    assert jax.jit(final)(13.0) == pytest.approx(float(final(13.0)), rel=1e-12)
    with pytest.raises(ValueError, match="temperature must be positive"):
        jax.jit(lambda hot: final(hot, -1.0))(13.0)


def test_multistep_solver_agrees_with_the_default():
    temperature, grid, times = 0.25 * G, EnergyGrid(6.0, 75), np.array([0.0, 1.0, 8.0])
    default = evolve(METAL, 1.1 * temperature, temperature, grid, times, rtol=1e-9)
    multistep = evolve(METAL, 1.1 * temperature, temperature, grid, times, rtol=1e-7, solver=BDF())
    assert multistep.result == RESULTS.completed
    assert np.max(np.abs(multistep.f - default.f)) < 1e-7
