"""Electron-electron collisions during an evolution."""

import numpy as np
import pytest

from jaxelph import (
    RESULTS,
    ElectronCollisions,
    EnergyGrid,
    disordered_kernel,
    evolve,
    example,
    fermi,
)

GRID = EnergyGrid(6.0, 75)


def test_electrons_among_themselves_reach_a_temperature_of_their_own():
    """Phonons hardly couple: the energy of two Fermi functions' mean stays, their shape goes."""
    metal = example("table1").scaled(1e-9)
    electrons = ElectronCollisions(GRID, disordered_kernel(GRID, 0.02))
    double = 0.5 * (fermi(GRID.energies, 10.0) + fermi(GRID.energies, 20.0))
    times = np.array([0.0, 1.0, 60.0])
    run = evolve(metal, double, 15.0, GRID, times, rtol=1e-8, electrons=electrons)
    assert run.result == RESULTS.completed
    # ∫E f of a Fermi function goes with T².
    expected = np.sqrt((10.0**2 + 20.0**2) / 2)
    np.testing.assert_allclose(run.temperature, expected, rtol=1e-7)
    assert np.max(np.abs(run.energy_error)) < 1e-8
    away = [np.max(np.abs(f - fermi(GRID.energies, expected))) for f in run.f]
    assert away[0] > 1e-2 and away[1] < 0.9 * away[0] and away[2] < 1e-7


def test_grids_must_be_the_same():
    other = EnergyGrid(6.0, 70)
    electrons = ElectronCollisions(other, disordered_kernel(other, 0.02))
    with pytest.raises(ValueError, match="give both the same grid"):
        evolve(example("table1"), 13.0, 12.6, GRID, np.array([0.0, 1.0]), electrons=electrons)
