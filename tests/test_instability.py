"""Runaway in time against the linear theory."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph import (
    RESULTS,
    EnergyGrid,
    evolve,
    example,
    fermi,
    minimum_weight,
    normal_modes,
)
from jaxelph.evolution.instability import growth_rate

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
