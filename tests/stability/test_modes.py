"""The extreme rates without a matrix: against all rates, and their derivatives."""

import numpy as np
import pytest

from jaxelph import (
    EnergyGrid,
    GaussianPeaks,
    example,
    extreme_rates,
    normal_modes,
    stability_pencil,
)

METAL = example("table1")
G = 50.36533199202271
CASES = {
    "modes": (METAL, 0.25 * G, 1.0),
    "smooth": (GaussianPeaks([50.0], [5.0], [3.0]), 25.0, 1.5),
    "unstable": (METAL.scaled(1.5), 0.2 * G * 1.5**0.5, 1.0),
}


@pytest.mark.parametrize("name", CASES)
def test_against_all_rates(name):
    spectrum, temperature, step = CASES[name]
    grid = EnergyGrid(step, 512)
    slowest, fastest = extreme_rates(spectrum, temperature, grid)
    rates = np.asarray(normal_modes(spectrum, temperature, grid).rates)
    assert slowest == pytest.approx(rates[rates > 0].min(), rel=1e-10)
    # 1/γ is ordered, γ is not: the least is that of the slowest growth, if any mode grows.
    assert fastest == pytest.approx(1 / np.min(1 / rates), rel=1e-10)


def test_products_and_diagonals_are_those_of_the_matrices():
    spectrum, temperature, step = CASES["smooth"]
    pencil = stability_pencil(spectrum, temperature, EnergyGrid(step, 140))
    np.testing.assert_allclose(pencil.diagonal_A, np.diag(pencil.A), rtol=0, atol=1e-14)
    np.testing.assert_allclose(pencil.diagonal_M, np.diag(pencil.M), rtol=0, atol=1e-12)
