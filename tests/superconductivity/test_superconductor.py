"""`superconductor` and `jaxelph gap` say what the functions say, in K, meV and tesla."""

import json

import numpy as np
import pytest
import xarray as xr
from drawings import assert_same, drawn
from figure_faults import faults

import jaxelph as j
from jaxelph.app.cli import run
from jaxelph.superconductivity.real_axis import least_broadening
from jaxelph.superconductivity.superconductor import REDUCED
from jaxelph.units import KELVIN

METAL = j.EinsteinModes([15.0, 25.0], [0.7, 0.5])
OPTIONS = {"mu_star": 0.1, "omega_ph": 25.0}


@pytest.fixture(scope="module")
def found():
    return j.superconductor(METAL, **OPTIONS, dos=2e-5, real_axis=False, name="two modes")


def test_numbers_are_those_of_the_functions(found):
    tc = float(j.transition_temperature(METAL, **OPTIONS))
    assert found.tc == pytest.approx(tc / KELVIN, rel=1e-12)
    for value, function in (
        (found.gap_ratio, j.gap_ratio),
        (found.jump, j.specific_heat_jump),
        (found.energy, j.condensation_energy),
        (found.isotope, j.isotope_coefficient),
    ):
        assert value == pytest.approx(float(function(METAL, **OPTIONS)), rel=1e-12)
    assert found.gap == pytest.approx(float(j.gap_edge(METAL, tc / 10, **OPTIONS)), rel=1e-12)
    cold = j.critical_field(METAL, tc / 40, **OPTIONS, density_of_states=2e-5)
    # H_c(T_c/40) lacks (γ0/ν0)T²/2 of the condensation energy.
    lost = np.pi**2 / 3 * 2.2 * (tc / 40) ** 2 / found.energy
    assert found.field == pytest.approx(float(cold) / np.sqrt(1 - lost), rel=1e-10)
    gamma = 2 / 3 * np.pi**2 * 2.2
    assert found.field_ratio == pytest.approx(gamma * tc**2 / (8 * np.pi * found.energy))
    # h_c(0) from the slope of H_c just below T_c, by a difference.
    near = np.array([1 - 2e-4, 1 - 1e-4]) * tc
    fields = [float(j.critical_field(METAL, t, **OPTIONS)) for t in near]
    slope = 1.5 * fields[1] / 1e-4 / tc - 0.5 * (fields[0] - fields[1]) / 1e-4 / tc
    assert found.field_slope == pytest.approx(
        np.sqrt(8 * np.pi * found.energy) / (tc * slope), rel=1e-4
    )
    normal = float(j.specific_heat_ratio(METAL, tc)) / 2.2
    assert found.jump_over_normal == pytest.approx(found.jump / normal, rel=1e-12)


def test_curves_are_those_of_the_functions(found):
    np.testing.assert_allclose(found.temperatures, REDUCED * found.tc)
    scale = 2 / 3 * np.pi**2 * 2.2 * found.tc * KELVIN
    for k in (3, 30, 50, 58):
        t = found.temperatures[k] * KELVIN
        state = j.superconducting_state(METAL, t, **OPTIONS, index=np.arange(1))
        assert found.leading_gap[k] == pytest.approx(float(state.gap[0]), rel=1e-11)
        ratio = float(j.superconducting_heat_ratio(METAL, t, **OPTIONS))
        assert found.heat[k] * scale == pytest.approx(2 / 3 * np.pi**2 * t * ratio, abs=1e-7)
        d = float(j.deviation_function(METAL, t, **OPTIONS))
        assert found.deviation[k] == pytest.approx(d, abs=1e-12)
    low = found.temperatures < 0.5 * found.tc
    assert np.all(np.isfinite(found.edge) == low)
    edge = float(j.gap_edge(METAL, found.temperatures[3] * KELVIN, **OPTIONS))
    assert found.edge[3] == pytest.approx(edge, rel=1e-11)
    above = found.temperatures > found.tc
    for curve in (found.leading_gap, found.reduced_field, found.deviation):
        assert not np.any(curve[above])
    np.testing.assert_allclose(found.heat[above], found.normal_heat[above], rtol=1e-14)
    # β is the sum over the modes of what each carries.
    assert found.a2f @ found.isotope_weight == pytest.approx(found.isotope, rel=1e-10)


@pytest.mark.slow
def test_density_of_states():
    metal = j.example("niobium")
    found = j.superconductor(metal, [2.0], **OPTIONS)
    np.testing.assert_allclose(found.shown, np.array([0.1, 0.9]) * found.tc)
    assert found.broadening == 0
    t = found.shown[1] * KELVIN
    alone = j.density_of_states(metal, t, found.energies, **OPTIONS)
    np.testing.assert_allclose(found.density[1], alone, rtol=1e-6, atol=1e-8)
    # Empty below the edge when it is cold.
    cold = found.density[0]
    assert cold[found.energies < 0.99 * found.gap].max() < 1e-3 < 1.5 < cold.max()


@pytest.mark.slow
def test_density_of_states_of_modes_is_broadened():
    found = j.superconductor(METAL, [2.0], **OPTIONS)
    assert found.broadening == pytest.approx(1.02 * least_broadening(25.0))
    t = found.shown[0] * KELVIN
    assert np.pi * t / 2 > found.broadening
    alone = j.density_of_states(METAL, t, found.energies, **OPTIONS, broadening=found.broadening)
    np.testing.assert_allclose(found.density[0], alone, rtol=1e-10)


def test_saved_and_drawn_again(found, tmp_path):
    paths = found.save(tmp_path)
    assert sorted(paths) == ["gap.json", "gap.nc", "gap.pdf", "gap.png"]
    with xr.open_dataset(paths["gap.nc"], engine="h5netcdf") as back:
        assert_same(drawn(j.plot(back)), drawn(found.plot()))
        assert back["field_zero"].attrs["units"] == "T"
    told = json.loads(paths["gap.json"].read_text())
    assert told["gap_ratio"] == found.gap_ratio and len(told["temperatures"]) == REDUCED.size
    assert "2Δ0/Tc" in found._repr_html_()


def test_a_curve_of_one_temperature_is_seen(found):
    """Points that are too few for a line are marked, and a law is a curve of its own."""
    few = j.superconductor(METAL, found.tc * np.array([0.4]), **OPTIONS, real_axis=False)
    figure = j.plot(few)
    assert faults(figure) == []
    gap, _, field = figure.get_axes()[:3]
    assert all(line.get_marker() == "o" for line in gap.lines[:1])
    law = field.lines[1].get_xydata()
    np.testing.assert_allclose(law[:, 1], 1 - (law[:, 0] / found.tc) ** 2, atol=1e-9)
    assert len(law) > 100


def test_a_normal_metal():
    found = j.superconductor(METAL.scaled(0.05), mu_star=0.3, omega_ph=25.0)
    assert found.tc == found.gap == found.energy == 0
    assert all(np.isnan(x) for x in (found.gap_ratio, found.jump, found.isotope))
    assert not np.any(found.leading_gap) and np.all(found.heat == found.normal_heat)
    assert json.loads(found.to_json())["gap_ratio"] is None
    assert found.plot() is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperatures": [3.0, 0.0]}, "temperatures must be a positive number in K, got 0"),
        ({"temperatures": []}, "temperatures: the list is empty"),
        ({"temperatures": ["warm"]}, "temperatures: must be numbers in K"),
        ({"dos": -1.0}, "dos must be positive"),
        ({"mu_star": 2.0}, "mu_star must be below 1"),
        ({"temperatures": [1e-9]}, "below what the basis resolves"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        j.superconductor(METAL, **(OPTIONS | change))


def test_command(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ["gap", "--example", "niobium", "-T", "2,9,30", "--no-real-axis"]
    assert run([*given, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert not list(tmp_path.iterdir())
    metal = j.example("niobium")
    assert told["gap_ratio"] == pytest.approx(float(j.gap_ratio(metal)), rel=1e-12)
    assert [row["T_K"] for row in told["temperatures"]] == [2.0, 9.0, 30.0]
    assert run([*given, "--density-of-states", "0.9", "--volume", "18"]) == 0
    shown = capsys.readouterr().out
    assert f"{told['gap_ratio']:.4f}" in shown and "thermodynamic critical field" in shown
    assert (tmp_path / "jaxelph-gap" / "niobium.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--volume", "18"], "--volume needs --density-of-states"),
        (["--density-of-states", "1", "--volume", "0"], "--volume must be a positive number"),
        (["-T", "0"], "--temperatures"),
        (["--mu-star", "2"], "must be below 1"),
    ],
)
def test_command_refuses(options, message, capsys):
    assert run(["gap", "--example", "niobium", *options]) == 2
    assert message in capsys.readouterr().err
