"""Optimal designs: known ones, the equivalence theorem, and what a fit of such data then has."""

import json

import numpy as np
import pytest
from scipy.optimize import minimize

from jaxelph import EinsteinModes, GaussianPeaks, plan
from jaxelph.app.cli import run
from jaxelph.inverse import fit_spectrum, made_data
from jaxelph.inverse.plan.optimum import TARGETS, _variance_of, optimal_shares
from jaxelph.units import KELVIN

METAL = GaussianPeaks([13.0, 22.0], [3.0, 1.5], [0.7, 0.3])


def test_a_line_is_measured_at_its_ends():
    """Slope of y = a + bx on [-1, 1]: half of the time at each end, as every textbook has it."""
    x = np.linspace(-1, 1, 21)
    seen = np.stack([np.ones(21), x], axis=1)
    variance = _variance_of(seen, 1e6 * np.eye(2), np.arange(21))
    share = optimal_shares(lambda w: variance(np.array([[0.0, 1.0]]), w), 21)
    # The variance is 1/(n Σ w x²), within what the search promises.
    assert 1 <= 21 * variance(np.array([[0.0, 1.0]]), share)[0] < 1.003
    assert share[[0, -1]] == pytest.approx([0.5, 0.5], abs=0.01)
    # Against an explicit inverse, any shares.
    w = np.random.default_rng(0).dirichlet(np.ones(21))
    wanted = np.array([[0.3, 1.0]])
    exact = np.linalg.inv(1e-6 * np.eye(2) + 21 * seen.T @ np.diag(w) @ seen)
    value, slope = variance(wanted, w)
    assert value == pytest.approx((wanted @ exact @ wanted.T)[0, 0], rel=1e-7)
    np.testing.assert_allclose(slope, 21 * (seen @ exact @ wanted[0]) ** 2, rtol=1e-6)


def test_the_optimum_is_scipy_s():
    rng = np.random.default_rng(1)
    seen, wanted = rng.normal(size=(8, 4)), rng.normal(size=(2, 4))
    variance = _variance_of(seen, np.eye(4), np.arange(8))
    share = optimal_shares(lambda w: variance(wanted, w), 8)

    def of_logs(x):
        w = np.exp(x - x.max())
        return variance(wanted, w / w.sum())[0]

    best = min(minimize(of_logs, rng.normal(size=8), tol=1e-12).fun for _ in range(5))
    assert variance(wanted, share)[0] == pytest.approx(best, rel=3e-3)


@pytest.mark.parametrize("target", TARGETS)
def test_a_plan_is_best_for_what_it_is_made_for(target):
    made = made_data("heat", METAL, np.geomspace(3, 100, 25) * KELVIN, 0.01)
    found = plan(METAL, made, target)
    assert found.share.sum() == pytest.approx(1) and np.all(found.share >= 0)
    assert found.target_optimal[-2] < found.target_equal[-2] * 1.0001
    if target != "a2f":
        assert found.optimal[target] < found.equal[target] < found.before[target]
    assert sum(part for *_, part in found.clusters) > 0.9


def test_low_temperatures_know_the_coupling():
    """C_el/C_bare → 1 + λ: at 1 % and T → 0 the error of λ is 1 % of (1 + λ)/√(all the points)."""
    made = made_data("heat", METAL, np.geomspace(0.3, 100, 40) * KELVIN, 0.01)
    found = plan(METAL, made, "lambda", name="a metal")
    assert found.plot().get_suptitle() == "a metal" == found.to_xarray().attrs["name"]
    assert found.points[found.share > 0.01].max() < 10
    # What is known before adds a little.
    assert 0.95 < found.optimal["lambda"] / (0.01 * 2.0 / np.sqrt(40)) < 1.6


def test_what_was_planned_is_what_a_fit_has():
    """The errors of equal shares are those of a fit of such data, as far as priors agree."""
    made = made_data("heat", METAL, np.geomspace(1, 100, 40) * KELVIN, 0.01, seed=3)
    found, fit = plan(METAL, made), fit_spectrum(made, np.linspace(0.3, 30, 100), mu_star=None)
    for name in ("lambda", "lambda-omega2"):
        assert fit.moments[name][1] / found.equal[name] == pytest.approx(1, abs=0.5)


def test_a_plan_from_the_command_line(tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--kind", "resistivity", "--between", "4:300", "--plasma", "9.1:0.4"]
    options += ["--points", "20", "--example", "table1", "--offset", "1"]
    assert run(["plan", *options, "--json", "-o", str(out)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert sum(told["share"]) == pytest.approx(1)
    numbers = told["numbers"]["lambda"]
    # ω_p is known to 4.4 %, λ therefore to 8.8 %, but for what is known before of any λ.
    known = 1 / np.hypot(1 / (0.088 * numbers["expected"]), 1 / numbers["before"])
    assert 0.9 * known < numbers["optimal"] < 0.0885 * numbers["expected"]
    assert (out / "plan.png").stat().st_size > 10_000 and (out / "plan.nc").exists()
    assert run(["plan", *options]) == 0
    assert "of the measuring time" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "phrases"),
    [
        (["--kind", "colour", "--between", "4:300"], ["--kind 'colour' cannot be planned"]),
        (["--kind", "resistivity", "--between", "4:300"], ["needs --plasma"]),
        (["--kind", "optical", "--between", "4:300"], ["needs --temperature"]),
        (["--kind", "heat", "--between", "300:4"], ["0 < lowest < highest"]),
        (["--kind", "heat", "--between", "4"], ["is not lowest:highest"]),
        (["--kind", "heat", "--between", "4:300", "--noise", "x"], ["is not a share"]),
        (["--kind", "heat", "--between", "4:300", "--target", "x"], ["target 'x' is not known"]),
        (["--kind", "heat", "--between", "4:300", "--plasma", "9"], ["--plasma says nothing"]),
    ],
)
def test_bad_plans(capsys, options, phrases):
    assert run(["plan", "--example", "table1", *options]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and all(p in err for p in phrases)


def test_a_resistivity_that_is_frozen_says_nothing_of_the_coupling():
    """1 % of e^{-ω/T} would; and no plan is worse than equal shares."""
    modes = EinsteinModes([40.0, 60.0], [0.5, 0.5])
    temperatures = np.geomspace(0.4, 26.0, 20)
    data = made_data("resistivity", modes, temperatures, 0.01, plasma=9.1)
    for target in ("lambda", "omega-log"):
        found = plan(modes, data, target)
        assert found.optimal[target] <= found.equal[target]
        if target == "lambda":  # of ω_log they say that nothing is soft
            assert found.share[:5].sum() < 1e-3
