"""Runaway in time against the linear theory, and how an instability is described."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxelph as jx
from jaxelph import (
    RESULTS,
    EnergyGrid,
    KineticEquation,
    evolve,
    example,
    fermi,
    minimum_weight,
    normal_modes,
    relax,
)
from jaxelph.kinetics.instability import growth_rate
from jaxelph.kinetics.spike import least_weights

METAL = example("table1")
G = 50.36533199202271


@pytest.mark.slow
def test_modes_grow_at_the_linear_rate_where_every_weight_is_positive():
    """Supplement's metal at T0 = 0.278 g, λ = 4.5: min Z0⁻¹ > 0, and yet two modes grow."""
    spectrum, g = METAL.scaled(4.5), G * np.sqrt(4.5)
    temperature, grid = 0.278 * g, EnergyGrid(1.0, 1024)
    assert minimum_weight(spectrum, temperature)[0] == pytest.approx(0.0999, abs=1e-4)
    modes = normal_modes(spectrum, temperature, grid)
    assert int(modes.unstable) == 2
    np.testing.assert_allclose(-modes.rates[:2] / g, [14.0498, 3.7532], rtol=0, atol=1e-4)
    for k in (0, 1):
        rate = -float(modes.rates[k])
        shape = modes.distributions(temperature)[:, k]
        start = fermi(grid.energies, temperature) + 1e-7 * shape / jnp.max(jnp.abs(shape))
        run = evolve(
            spectrum,
            jnp.clip(start, 0, 1),
            temperature,
            grid,
            np.linspace(0, 4 / rate, 9),
            rtol=1e-6,
            atol=1e-12,
            stop_when_unstable=False,
        )
        assert run.result == RESULTS.completed
        size = np.max(np.abs(run.deviation), axis=1)
        assert np.log(size[-1] / size[0]) == pytest.approx(4, rel=1e-2)
        assert growth_rate(run, modes, k) == pytest.approx(rate, rel=1e-2)


@pytest.mark.slow
def test_the_linear_theory_of_a_huge_grid_is_that_of_the_phonons(monkeypatch):
    """Cold electrons ask for fine grids, on which the modes at T0 are the same ones."""
    spectrum, g = METAL.scaled(1.4), G * np.sqrt(1.4)
    spectrum = jx.GaussianPeaks(spectrum.omega, np.full(21, 1.0), spectrum.coupling)
    run = evolve(spectrum, 0.12 * g, 0.18 * g, EnergyGrid(2.0, 300), [0.0, 0.02])
    whole = run.instability()
    monkeypatch.setattr("jaxelph.kinetics.instability._DENSE", 100)
    found = run.instability()
    for name in ("time", "eigenvalue", "negative", "size", "peak", "least_weight"):
        assert getattr(found, name) == getattr(whole, name), name
    assert (found.growing > 0) == (whole.growing > 0) and np.isnan(found.fitted_rate)


GRID, TIMES = EnergyGrid(6.0, 75), np.array([0.0, 0.02, 0.06])


def test_instability_is_described():
    spectrum, g = METAL.scaled(1.4), G * np.sqrt(1.4)
    run = evolve(spectrum, 0.198 * g, 0.18 * g, GRID, TIMES)
    assert run.result == RESULTS.unstable and 0 < float(run.reached) < 0.06
    found = run.instability()
    assert found is not None
    assert found.time == float(run.reached) and found.size == 75

    def lowest(deviation):
        return np.min(np.linalg.eigvals(run.equation.matrices().mass(deviation)).real)

    # The softest eigenvalue is positive at the start and zero at the crossing.
    assert found.eigenvalue_at_start == pytest.approx(lowest(run.deviation[0]), abs=1e-8)
    assert found.eigenvalue_at_start > 1e-2
    assert abs(found.eigenvalue) < 1e-4 and abs(lowest(run.final)) < 1e-4
    assert found.negative == 1
    # Its vector is what B(f) sends to zero.
    left = run.equation.mass_product(run.final, found.vector)
    assert np.max(np.abs(left)) < 1e-3 * np.max(np.abs(found.vector))
    assert found.peak == GRID.energies[np.argmax(np.abs(found.vector))]
    weight = run.equation.weight - run.equation.slopes(run.final)[1]
    assert found.least_weight == pytest.approx(float(np.min(weight)))
    modes = normal_modes(spectrum, 0.18 * g, GRID)
    assert found.growing == int(modes.unstable) >= 1
    assert found.linear_rate == pytest.approx(-float(modes.rates[0]))
    assert f"unstable from t = {found.time:.6g} on" in str(found)


def test_a_stable_run_has_no_instability():
    run = evolve(METAL, 0.275 * G, 0.25 * G, GRID, TIMES)
    assert run.result == RESULTS.completed
    assert run.instability() is None


def test_an_integrator_that_fails_says_so():
    run = evolve(METAL, 0.275 * G, 0.25 * G, GRID, TIMES, rtol=1e-9, max_steps=4, throw=False)
    assert run.result == RESULTS.failed
    assert 0 < float(run.reached) < 0.06 and np.all(np.isfinite(run.final))
    assert np.all(np.isfinite(run.f[0])) and np.all(np.isnan(run.f[-1]))
    assert run.instability() is None


@pytest.mark.slow
def test_an_integrator_that_fails_raises():
    with pytest.raises(Exception, match="integrator gave up"):
        evolve(METAL, 0.275 * G, 0.25 * G, GRID, TIMES, rtol=1e-9, max_steps=4)


@pytest.mark.slow
def test_an_integrator_that_fails_in_one_run_of_a_batch_raises():
    def final(hot):
        return evolve(METAL, hot, 0.25 * G, GRID, TIMES, rtol=1e-9, max_steps=4).f[-1]

    with pytest.raises(Exception, match="integrator gave up"):
        jax.block_until_ready(jax.vmap(final)(G * jnp.array([0.25, 0.275])))


@pytest.mark.parametrize("temperature", [12.6, 30.0])
def test_least_weight_between_energies_is_that_of_the_closed_form(temperature):
    """In equilibrium, where trigammas give 1 - Σ'(E) at any E, between the grid's too."""
    grid = EnergyGrid(0.43 * temperature, 80)
    equation = KineticEquation.at(METAL, temperature, grid)
    least, energy = least_weights(equation, grid, np.zeros((2, grid.size)))
    expected, where = minimum_weight(METAL, temperature)
    np.testing.assert_allclose(least, float(expected), rtol=0, atol=2e-7)
    np.testing.assert_allclose(energy, float(where), rtol=0, atol=1e-3 * temperature)
    assert np.min(equation.weight) > float(expected) + 1e-5


@pytest.mark.slow
def test_onset_does_not_wait_for_an_energy_of_the_grid():
    """Niobium model, λ = 1.4: grids of steps from 0.75 to 0.25 T come to 0.59980 ps.

    (0.60919 ps was that of peaks whose α²F did not vanish at ω = 0.)
    """
    metal = example("niobium").scaled(1.4 / 0.94)
    for rtol in (1e-4, 1e-6):
        run = relax(metal, 30.0, 20.0, np.linspace(0, 0.7, 71), rtol=rtol)
        found = run.evolution.instability()
        assert found is not None and run.result == "unstable"
        picoseconds = run.reached / found.time
        assert found.onset * picoseconds == pytest.approx(0.59980, abs=1e-5)
        assert found.onset < found.time
        assert "unstable from 0.5998 ps on" in run.explain()
