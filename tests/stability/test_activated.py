"""Rates far below the phonons' frequencies: fifty digits, derivatives, conserved numbers."""

import warnings

import helpers
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from jaxelph import (
    EinsteinModes,
    EnergyGrid,
    GaussianPeaks,
    extreme_rates,
    normal_modes,
    report,
    slowest_rate,
    stability_pencil,
)
from jaxelph.stability.activated import activated_rate, slow_grid
from jaxelph.units import KELVIN, mev_to_per_ps

PAIR = EinsteinModes([1.0, 0.775], [0.003, 0.003])


# The other is the example of `activated_rate`.
@pytest.mark.parametrize(("cold", "size"), [(25, 66), pytest.param(40, 56, marks=pytest.mark.slow)])
def test_slowest_rate_against_fifty_digits(cold, size):
    exact = helpers.slowest_rate_by_mpmath(
        ["1", "0.775"], ["0.003", "0.003"], f"{1 / cold:g}", "0.025", size
    )
    assert exact == pytest.approx({25: 3.61057e-14, 40: 1.68049e-20}[cold], rel=1e-5)
    grid = EnergyGrid(0.025, size)
    assert slowest_rate(PAIR, 1 / cold, grid) == pytest.approx(exact, rel=1e-6)


# Frequencies with a common divisor: a lattice with an even number of steps in it, or twice as
# coarse as the ladders that a finer one tells apart.
COMMENSURABLE = [
    (20, "0.9", "0.05", 38, 1e-4),  # a divisor of 2 T
    pytest.param(25, "0.775", "0.0125", 138, 1e-6, marks=pytest.mark.slow),
    pytest.param(60, "0.775", "0.0125", 106, 1e-5, marks=pytest.mark.slow),
    pytest.param(30, "0.31", "0.01", 150, 1e-5, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("cold", "second", "step", "size", "error"), COMMENSURABLE)
def test_ladders_of_commensurable_modes_against_fifty_digits(cold, second, step, size, error):
    """On the suggested grid, where these frequencies are not on the lattice."""
    exact = helpers.slowest_rate_by_mpmath(
        ["1", second], ["0.003", "0.003"], repr(1 / cold), step, size
    )
    spectrum = EinsteinModes([1.0, float(second)], [0.003, 0.003])
    grid = EnergyGrid.suggest(spectrum, 1 / cold)
    assert slowest_rate(spectrum, 1 / cold, grid) == pytest.approx(exact, rel=error)


@pytest.mark.slow
@pytest.mark.parametrize("cold", ["40", "50", "60"])
def test_six_digits_down_to_a_sixtieth_off_the_lattice(cold):
    spectrum = EinsteinModes([1.0, 0.77], [0.003, 0.003])
    temperature = 1 / float(cold)
    size = int((1 + 18 * temperature) / 0.01) + 1
    exact = helpers.slowest_rate_by_mpmath(
        ["1", "0.77"], ["0.003", "0.003"], repr(temperature), "0.01", size
    )
    grid = EnergyGrid.suggest(spectrum, temperature)
    assert slowest_rate(spectrum, temperature, grid) == pytest.approx(exact, rel=2e-6)


def test_extreme_rates_at_low_temperature():
    grid = EnergyGrid(0.01, 600)
    slowest, fastest = extreme_rates(PAIR, 1 / 20, grid)
    # By the inverse of Ã, which is well conditioned: what all modes have is 1/γ to rounding of
    # its largest, here seven digits of the fastest rate.
    pencil = stability_pencil(PAIR, 1 / 20, grid)
    last = [grid.size - 1, grid.size - 1]
    (expected,) = scipy.linalg.eigvalsh(pencil.M, pencil.A, subset_by_index=last)
    assert fastest == pytest.approx(expected, rel=1e-12)
    rates = np.asarray(normal_modes(PAIR, 1 / 20, grid).rates)
    slow = np.min(np.abs(rates[rates != 0]))
    assert rates[-1] == pytest.approx(expected, rel=1e-16 * expected / slow)
    # On the aligned grid M is definite, and 4e-12 is far above its rounding.
    aligned = float(normal_modes(PAIR, 1 / 20, EnergyGrid(0.025, 90)).slowest)
    assert slowest == pytest.approx(aligned, rel=1e-4)


def test_both_ways_agree_where_both_are_right():
    """A gap of ten T in a smooth spectrum: slow, yet not lost in rounding."""
    spectrum, temperature = GaussianPeaks([1.0], [0.05], [0.5], 48), 0.1
    grid = EnergyGrid.suggest(spectrum, temperature, 1e-10)
    dense = float(normal_modes(spectrum, temperature, grid).slowest)
    assert dense < 1e-3
    assert activated_rate(spectrum, temperature, grid) == pytest.approx(dense, rel=1e-6)


class Quadrature(EinsteinModes):
    """Modes that stand for a smooth spectrum."""

    smooth = True


def test_low_energies_decide_against_fifty_digits():
    """Weak phonons of 20 T relax what those of 100 T do not reach: half of the energies matter."""
    omega, coupling = ["1", "0.2", "0.21", "0.23"], ["0.5", "0.001", "0.002", "0.001"]
    exact = helpers.slowest_rate_by_mpmath(omega, coupling, "0.01", "0.01", 116)
    modes = np.array(omega, float), np.array(coupling, float)
    grid = EnergyGrid(0.01, 116)
    assert slow_grid(Quadrature(*modes), 0.01, grid).size == 64
    assert slow_grid(EinsteinModes(*modes), 0.01, grid) == grid
    assert slowest_rate(Quadrature(*modes), 0.01, grid) == pytest.approx(exact, rel=1e-9)
    # Where the temperature is traced the whole grid is used, and its phonons.
    traced = jax.jit(slowest_rate)(Quadrature(*modes), 0.01, grid)
    assert traced == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("kelvin", [4.0, 15.0])
def test_a_report_has_the_rate_however_slow(kelvin):
    """Gaussian peaks at 20 meV: the rate falls to e^-40 of those of hot electrons."""
    spectrum = GaussianPeaks([20.0], [1.0], [0.5])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = report(spectrum, [kelvin])
    grid = EnergyGrid(float(found.grid_step[0]), 16 * -(-int(found.grid_size[0]) // 16))
    rate = float(slowest_rate(spectrum, kelvin * KELVIN, grid))
    assert rate < 1e-5
    assert found.slowest_rate[0] == pytest.approx(mev_to_per_ps(rate), rel=2e-6)


def test_what_ladders_conserve_does_not_decay():
    """One mode, T = ω/20: the slowest rate is that of E = ±ω/2 exchanging, of order e^{-ω/2T}."""
    one = EinsteinModes([1.0], [0.5])
    rate = float(slowest_rate(one, 1 / 20, EnergyGrid.suggest(one, 1 / 20)))
    assert 0.1 * np.exp(-10) < rate < 2 * np.exp(-10)


def test_derivatives():
    grid, h = EnergyGrid(0.025, 66), 1e-5
    log_rate = jax.jit(lambda t: jnp.log(activated_rate(PAIR, t, grid)))
    slope, bend = jax.jit(jax.grad(log_rate)), jax.jit(jax.grad(jax.grad(log_rate)))
    up, down = log_rate(0.04 + h), log_rate(0.04 - h)
    assert slope(0.04) == pytest.approx(float(up - down) / (2 * h), rel=1e-6)
    numeric = float(slope(0.04 + h) - slope(0.04 - h)) / (2 * h)
    assert bend(0.04) == pytest.approx(numeric, rel=1e-5)


def test_nothing_decays_without_coupling_and_nan_stays_nan():
    grid = EnergyGrid(4.0, 100)

    def rate(coupling):
        return slowest_rate(EinsteinModes([40.0, 60.0], coupling * jnp.ones(2)), 12.0, grid)

    both = jax.jit(jax.value_and_grad(rate))
    value, slope = both(0.0)
    assert value == 0 and np.isfinite(slope)
    assert np.isnan(jax.jit(rate)(jnp.nan))  # traced; a concrete one is refused
    modes = jax.jit(lambda c: normal_modes(EinsteinModes([40.0], c * jnp.ones(1)), 12.0, grid))(
        jnp.nan
    )
    assert np.isnan(modes.slowest) and modes.unstable == -1
