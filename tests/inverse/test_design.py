"""Design: the known strong-coupling law without the bound, and the bound where it acts."""

import json
from typing import NamedTuple

import numpy as np
import pytest
import xarray as xr

from jaxelph import (
    EnergyGrid,
    GaussianPeaks,
    coupling_constant,
    margin,
    stability_parameter,
    transition_temperature,
)
from jaxelph.app.cli import run
from jaxelph.inverse.design.bound import StabilityBound, soft_values
from jaxelph.inverse.design.optimum import maximise, trade_off
from jaxelph.inverse.design.result import DesignError
from jaxelph.inverse.design.starts import strength
from jaxelph.inverse.sensitivities.derivatives import coupling_moment

START = GaussianPeaks([10.0], [0.2], [1.0])


@pytest.mark.slow
def test_without_the_bound_tc_grows_as_the_root_of_the_moment():
    """Allen and Dynes: Tc → 0.1827 √(λ⟨ω²⟩), from below, with corrections of order 1/λ."""
    ratios = []
    for largest in (20.0, 80.0):
        best = maximise(START, coupling=(0.1, largest), omega=(5.0, 20.0), mu_star=0.0)
        assert best.active == ("largest coupling", "largest omega 1")
        assert float(coupling_constant(best.spectrum)) == pytest.approx(largest, rel=1e-6)
        ratios.append(best.value / float(np.sqrt(coupling_moment(best.spectrum))))
    short = 1 - np.array(ratios) / 0.18273
    assert 0 < short[1] < 0.01
    assert short[0] / short[1] == pytest.approx(4, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("criterion", ["heat", "weight"])
def test_the_bound_cuts_it(criterion):
    """λ is where the margin says: for one peak of fixed shape 1 - margin is linear in λ."""
    bound = StabilityBound(criterion, 12.0, 0.2)
    best = maximise(START, stability=bound, omega=(5.0, 20.0))
    assert f"stability ({criterion})" in best.active
    assert best.margin == pytest.approx(0.2, abs=1e-7)
    assert float(margin(best.spectrum, 12.0, criterion=criterion)) == pytest.approx(0.2, abs=1e-6)
    # A scan of frequencies, each with the λ at which the margin is reached, finds none better.
    for frequency in np.linspace(5.0, 20.0, 7):
        unit = GaussianPeaks([frequency], [0.02 * frequency], [1.0])
        gain = 1 - float(margin(unit, 12.0, criterion=criterion))
        if gain > 0:
            tc = float(transition_temperature(unit.scaled(0.8 / gain), 0.1))
            assert tc <= best.value * (1 + 1e-6)


def test_trade_off_in_closed_form():
    """The largest λ under 1 - λξ(ω) ≥ m with ξ rising in ω: ω at its least, λ = (1 - m)/ξ."""
    bound, margins = StabilityBound("heat", 12.0), np.array([0.7, 0.3, 0.0])
    curve = trade_off(START, bound, margins, omega=(8.0, 20.0), objective=coupling_constant)
    gain = float(stability_parameter(GaussianPeaks([8.0], [0.16], [1.0]), 12.0))
    np.testing.assert_allclose([one.value for one in curve], (1 - margins) / gain, rtol=1e-8)
    for one, least in zip(curve, margins, strict=True):
        assert one.active == ("stability (heat)", "least omega 1")
        # What the margin costs: -d ln λ/dm.
        assert one.price["stability (heat)"] == pytest.approx(1 / (1 - least), rel=1e-6)
        assert one.margin == pytest.approx(least, abs=1e-9)
        assert one.stationarity < 1e-6


@pytest.mark.slow
def test_where_the_three_criteria_cut():
    """The kinetic bound is the strictest, and prices are slopes of the trade-off."""
    peaks, limits = GaussianPeaks([10.0, 18.0], [0.5, 0.5], [1.0, 0.5]), {"omega": (5.0, 25.0)}
    grid = EnergyGrid(3.5, 65)
    best = {
        criterion: trade_off(
            peaks,
            StabilityBound(criterion, 6.0, grid=grid if criterion == "kinetic" else None),
            [0.65, 0.64],
            coupling=(0.05, 6.0),
            **limits,
        )
        for criterion in ("weight", "heat", "kinetic")
    }
    for row, least in ((0, 0.65), (1, 0.64)):
        weight, heat, kinetic = (best[name][row] for name in ("weight", "heat", "kinetic"))
        assert kinetic.value < weight.value < heat.value
        # At 6 meV the specific heat of such peaks grows with λ and bounds nothing.
        assert "stability (heat)" not in heat.active
        assert float(margin(kinetic.spectrum, 6.0, grid=grid)) == pytest.approx(least, abs=1e-8)
    # The price is the slope of the trade-off: by the trapezoidal rule over the step.
    for name in ("weight", "kinetic"):
        one, two = best[name]
        cost = [d.price[f"stability ({name})"] for d in (one, two)]
        assert np.log(two.value / one.value) == pytest.approx(0.01 * np.mean(cost), rel=1e-3)


@pytest.mark.slow
def test_a_double_eigenvalue_at_the_bound():
    """A local optimum between two soft modes that meet: a kink of the margin."""
    start = GaussianPeaks([8.1044, 19.2711], [0.40522, 0.535308], [0.8682, 0.1548])
    grid = EnergyGrid.suggest(GaussianPeaks([25.0], [0.5], [1.0]), 6.0, 1e-8)
    bound = StabilityBound("kinetic", 6.0, 0.65, grid)
    best = maximise(start, stability=bound, omega=(5.0, 25.0), coupling=(0.05, 6.0))
    soft = soft_values(best.spectrum, "kinetic", 6.0, grid)
    np.testing.assert_allclose(soft[:2], 0.65, atol=1e-8)
    assert best.active == ("stability (kinetic)", "largest omega 2")
    # No direction within the bounds is better: a random search around it.
    rng = np.random.default_rng(0)
    theta = np.log(np.concatenate([best.spectrum.omega, best.spectrum.coupling]))
    for _ in range(30):
        x = theta + 1e-3 * rng.normal(size=4)
        x[1] = min(x[1], np.log(25.0))
        omega, coupling = np.exp(x).reshape(2, 2)
        near = GaussianPeaks(omega, omega * np.array([0.05, 0.5 / 18]), coupling)
        # Scaled onto the bound, since 1 - margin is linear in λ.
        near = near.scaled(0.35 / (1 - float(margin(near, 6.0, grid=grid))))
        assert float(transition_temperature(near, 0.1)) <= best.value * (1 + 1e-9)


@pytest.mark.slow
def test_program(tmp_path, capsys):
    out = tmp_path / "out"
    given = ["design", "--peaks", "10:0.5:1", "--temperature", "140", "--omega", "5:20"]
    options = ["--criterion", "heat", "--margins", "0.6,0.3", "--output", str(out), "--json"]
    assert run([*given, *options]) == 0
    rows = json.loads(capsys.readouterr().out)["criteria"]["heat"]
    assert rows[0]["tc_K"] < rows[1]["tc_K"]
    assert [row["margin"] for row in rows] == pytest.approx([0.6, 0.3], abs=1e-6)
    with xr.open_dataset(out / "design.nc", engine="h5netcdf") as data:
        np.testing.assert_allclose(data["tc"][0], [row["tc_K"] for row in rows])
    assert (out / "design.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("options", "phrase"),
    [
        (["--omega", "20:5"], "0 ≤ least < largest"),
        (["--omega", "5"], "is not least:largest"),
        (["--omega", "5:20", "--criterion", "colour"], "'colour' is not known"),
        (["--omega", "5:20", "--margins", "-1"], "margins are positive numbers"),
    ],
)
def test_bad_options(capsys, options, phrase):
    assert run(["design", "--peaks", "10:0.5:1", "-T", "100", *options]) == 2
    out, err = capsys.readouterr()
    assert out == "" and phrase in err


def test_shapes_are_as_strong_as_the_limits_allow():
    """1 - s g ≥ m, s λ ≤ λ_max: by the margins themselves."""

    class Limit(NamedTuple):
        index: int
        sign: int
        bound: float

    margins = np.array([0.2, 0.9, 1.5])  # of unit strength: g = .8, .1, -.5
    values = np.column_stack([np.ones(3), np.ones(3), margins])
    low, high = strength(values, [Limit(1, -1, 4.0), Limit(3, 1, 0.5)])
    np.testing.assert_allclose(high, [0.625, 4.0, 4.0])
    np.testing.assert_allclose(1 - high * (1 - margins) >= 0.5 - 1e-12, True)
    assert np.all(low == 0)
    low, high = strength(values, [Limit(1, -1, 4.0), Limit(3, 1, 2.0)])
    assert list(low <= high) == [False, False, True] and low[2] == pytest.approx(2.0)


@pytest.mark.slow
@pytest.mark.parametrize("frequency", [10.0, 30.0])
def test_a_margin_above_one_is_found_from_afar(frequency):
    """C_el may exceed that of bare electrons: λ at its most, and ω, though the start has less."""
    bound = StabilityBound("heat", 5.17, 2.0)
    start = GaussianPeaks([frequency], [0.05 * frequency], [1.0])
    best = maximise(start, stability=bound, coupling=(0.1, 4.0), omega=(5.0, 25.0))
    assert float(best.spectrum.omega[0]) == pytest.approx(25.0)
    assert float(best.spectrum.coupling[0]) == pytest.approx(4.0)
    assert float(margin(best.spectrum, 5.17, criterion="heat")) >= 2.0
    with pytest.raises(DesignError, match="no peaks within the bounds were found"):
        maximise(
            start,
            stability=StabilityBound("heat", 5.17, 9.0),
            coupling=(0.1, 4.0),
            omega=(5.0, 25.0),
        )


def test_what_cannot_be_designed():
    with pytest.raises(ValueError, match="coupling must be a pair"):
        maximise(START, coupling=(2.0, 1.0))
    with pytest.raises(ValueError, match="needs grid="):
        StabilityBound("kinetic", 4.0)
    with pytest.raises(DesignError, match="does every direction have a bound"):
        maximise(START, objective=coupling_constant)
