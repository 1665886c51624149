"""The main job on one table: `jaxelph report` by the program, and its numbers by hand."""

import gc
import json
import os
import weakref

import numpy as np
import pytest
import xarray as xr
from drawings import assert_same, drawn
from examinations import examined_once
from matplotlib.figure import Figure

import jaxelph as j
from jaxelph.app.cli import run
from jaxelph.grids.energies import grid_extent, size_for
from jaxelph.presentation import files
from jaxelph.reports import examination, sample
from jaxelph.units import HBAR, KELVIN

ROWS = [f"{w:.3f} {1.2 * np.exp(-((w - 15) ** 2) / 18):.6f}" for w in np.arange(1.0, 31.0)]
TEMPERATURES = [20.0, 60.0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    (folder / "metal.dat").write_text("\n".join(ROWS) + "\n")
    return folder


@pytest.fixture(scope="module")
def spectrum(folder):
    return j.read_a2f(folder / "metal.dat", unit="meV")


@pytest.fixture(scope="module")
def resolved(spectrum):
    """The table as the report takes it: fine enough for the coldest of its search for edges."""
    return spectrum.resolved(float(j.maximum_frequency(spectrum)) / 64)


@pytest.fixture(scope="module")
def known():
    """What was examined, see `examined_once`."""
    return {}


@pytest.fixture(scope="module")
def report(spectrum, known):
    with examined_once(known):
        return j.report(spectrum, TEMPERATURES, name="metal.dat")


def test_program_prints_json_alone_and_saves_all(folder, report, known, capsys):
    out = folder / "deep" / "out"
    options = ["--unit", "meV", "-T", "20,60", "--json", "-o", str(out)]
    with examined_once(known):
        assert run(["report", str(folder / "metal.dat"), *options]) == 0
    assert len(known) == 1  # of the same numbers: the program's spectrum and temperatures
    printed = json.loads(capsys.readouterr().out)
    names = sorted(os.listdir(out))
    assert names == ["report.json", "report.nc", "report.pdf", "report.png"]
    assert json.loads((out / "report.json").read_text()) == printed == report.to_dict()


def test_keys(report):
    told = json.loads(report.to_json())
    assert told["spectrum"].keys() == {
        "lambda",
        "lambda_of_file",
        "omega_log_K",
        "omega_2_K",
        "lambda_omega2_meV2",
    }
    assert told["Tc_K"].keys() == {"mcmillan", "allen_dynes", "eliashberg"}
    assert told["xi"].keys() == {"value", "temperature_K"}
    assert told["unstable_below_K"].keys() == {"weight", "heat", "kinetic"}
    assert {"grid", "verdict"} <= told.keys()
    assert len(told["temperatures"]) == 2
    for row in told["temperatures"]:
        assert row["lambda_c"].keys() == {"weight", "heat", "kinetic"}
        assert row.keys() >= {
            "T_K",
            "specific_heat_ratio",
            "inverse_weight_min",
            "energy_of_min_meV",
            "margin",
            "slowest_rate_per_ps",
            "two_temperature_rate_per_ps",
        }


def test_numbers_of_the_spectrum_are_those_of_the_functions(report, spectrum):
    told = report.to_dict()
    coupling = float(j.coupling_constant(spectrum))
    rms = float(j.rms_frequency(spectrum))
    expected = {
        "lambda": coupling,
        "omega_log_K": float(j.log_frequency(spectrum)) / KELVIN,
        "omega_2_K": rms / KELVIN,
        "lambda_omega2_meV2": coupling * rms**2,
    }
    assert told["spectrum"].pop("lambda_of_file") is None  # a bare table states none
    assert told["spectrum"] == pytest.approx(expected, rel=1e-12)
    for method, value in told["Tc_K"].items():
        tc = j.transition_temperature(spectrum, 0.1, method=method)
        assert value == pytest.approx(float(tc) / KELVIN, rel=1e-10)
    xi, temperature = j.maximum_stability_parameter(spectrum)
    assert told["xi"]["value"] == pytest.approx(float(xi), rel=1e-10)
    assert told["xi"]["temperature_K"] == pytest.approx(float(temperature) / KELVIN, rel=1e-6)


def test_numbers_by_temperature_are_those_of_the_functions(report, resolved):
    for row in report.to_dict()["temperatures"]:
        t = row["T_K"] * KELVIN
        weight, energy = j.minimum_weight(resolved, t)
        heat = float(j.specific_heat_ratio(resolved, t))
        assert row["specific_heat_ratio"] == pytest.approx(heat, rel=1e-10)
        assert row["inverse_weight_min"] == pytest.approx(float(weight), rel=1e-10)
        assert row["energy_of_min_meV"] == pytest.approx(float(energy), rel=1e-6)
        margins = {"weight": float(weight), "heat": heat, "kinetic": row["margin"]}
        for name, margin in margins.items():
            # Each margin is 1 + λ·(number).
            critical = row["lambda_c"][name]
            assert (critical is None) == (margin >= 1)
            if critical is not None:
                assert critical == pytest.approx(report.coupling / (1 - margin), rel=1e-9)
        kinetic = float(j.critical_coupling(resolved, t))
        error = max(row["lambda_c_kinetic_grid_error"], 1e-7 * kinetic)
        assert row["lambda_c"]["kinetic"] == pytest.approx(kinetic, abs=error)
        bounds = [x for x in (row["lambda_c"]["weight"], row["lambda_c"]["heat"]) if x]
        assert row["lambda_c"]["kinetic"] <= min(bounds) * (1 + 1e-7)
        rate = np.pi * float(j.two_temperature_rate(resolved, t)) / HBAR
        assert row["two_temperature_rate_per_ps"] == pytest.approx(rate, rel=1e-10)
    # The slowest rate of the hotter row, on the grid that it names.
    grid = j.EnergyGrid(row["grid"]["step_meV"], row["grid"]["size"])
    slowest = np.pi * float(j.slowest_rate(resolved, t, grid)) / HBAR
    assert row["slowest_rate_per_ps"] == pytest.approx(slowest, rel=1e-7)


def test_an_edge_of_stability_is_a_zero_of_the_margin(report, resolved):
    edge = report.unstable_below["weight"]
    low, high = report.scanned
    assert low < edge < high
    for factor, sign in ((0.9999, -1), (1.0001, 1)):
        weight = j.minimum_weight(resolved, factor * edge * KELVIN)[0]
        assert np.sign(weight) == sign
    assert report.label.startswith("unstable below")
    assert "by the weight criterion (min Z₀⁻¹(E) > 0)" in report.verdict


def test_figure(report):
    figure = report.plot()
    assert isinstance(figure, Figure)
    # Four panels and the axis of λ(ω) beside α²F.
    labels = [(axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes]
    assert len(labels) == 5
    for axis, text in (
        (1, r"$\alpha^2F(\omega)$"),
        (1, r"$Z_0^{-1}(E)$"),
        (1, "$C_{el}"),
        (1, r"$\lambda_c$"),
        (1, r"$\lambda(\omega)$"),
        (0, "(meV)"),
        (0, "(K)"),
    ):
        assert any(text in label[axis] for label in labels), text
    critical = next(axes for axes in figure.axes if r"$\lambda_c$" in axes.get_ylabel())
    legend = " ".join(text.get_text() for text in critical.get_legend().get_texts())
    assert all(name in legend for name in ("weight", "heat", "kinetic"))
    assert any(r"$\lambda$ =" in text.get_text() for text in critical.texts)


def test_netcdf_round_trip(report, tmp_path):
    data = report.to_xarray()
    path = report.save(tmp_path)["report.nc"]
    with xr.open_dataset(path, engine="h5netcdf") as back:
        xr.testing.assert_identical(back.load(), data)
    assert all("units" in variable.attrs for variable in data.data_vars.values())
    np.testing.assert_array_equal(data.lambda_c.sel(criterion="heat"), report.critical["heat"])
    np.testing.assert_array_equal(data.temperature, TEMPERATURES)


def test_the_figure_is_drawn_again_from_its_file(report, tmp_path):
    data = files.read_netcdf(report.save(tmp_path)["report.nc"])
    assert_same(drawn(j.plot(data)), drawn(report.plot()))
    panels = Figure(figsize=(8, 6)).subplots(2, 2)
    report.plot(ax=panels)
    heat = panels[1, 0].lines[0]
    np.testing.assert_array_equal(heat.get_ydata(), report.specific_heat)


def test_save_is_all_or_nothing(report, tmp_path, monkeypatch):
    def fail(dataset, path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    folder = tmp_path / "new"
    monkeypatch.setattr(files, "write_netcdf", fail)
    with pytest.raises(OSError, match="cannot be written .No space left on device"):
        report.save(folder)
    assert not folder.exists()
    (tmp_path / "report.png").write_text("old")
    with pytest.raises(OSError, match="No space left"):
        report.save(tmp_path)
    assert os.listdir(tmp_path) == ["report.png"]
    assert (tmp_path / "report.png").read_text() == "old"


@pytest.mark.parametrize(
    ("temperatures", "options", "message"),
    [
        ([], {}, "the list is empty"),
        ([5.0, -1.0], {}, "must be positive and finite, in K; got -1"),
        (["warm"], {}, "must be numbers in K"),
        ([0.001], {}, "would need an energy grid of"),
        ([5.0], {"mu_star": 1.2}, "mu_star must be below 1, got 1.2"),
    ],
)
def test_misuse(spectrum, temperatures, options, message):
    with pytest.raises(ValueError, match=message):
        j.report(spectrum, temperatures, **options)


def test_a_spectrum_without_coupling_is_refused():
    with pytest.raises(ValueError, match="its coupling λ must be positive, got 0"):
        j.report(j.EinsteinModes([1.0], [0.0]), [5.0])


@pytest.mark.slow
def test_tables_of_any_length_share_what_is_compiled():
    def one(rows, *more):
        omega = np.linspace(30 / rows, 30.0, rows)
        a2f = 0.6 * np.exp(-(((omega - 15) / 4) ** 2))
        a2f[-1] = 0.0
        table = j.TabulatedSpectrum(np.append(omega, more), np.append(a2f, np.zeros(len(more))))
        return j.report(table, [30.0, 80.0])

    first = one(200)
    compiled = sample._compiled.cache_info().misses
    # Zero rows, however far away, change nothing.
    far = one(200, 200.0, 1e5)
    for name in ("kinetic", "weight", "heat"):
        assert np.allclose(far.critical[name], first.critical[name], rtol=1e-9)
    fine = one(20000)
    assert fine.coupling == pytest.approx(first.coupling, rel=1e-3)
    one(777)
    assert sample._compiled.cache_info().misses == compiled


def _narrow():
    """Two narrow lines, which ask for fine steps where T is near their width, not far above."""
    omega = np.linspace(0.1, 30.0, 600)
    lines = np.exp(-(((omega - 12) / 0.3) ** 2)) + np.exp(-(((omega - 21) / 0.3) ** 2))
    return j.TabulatedSpectrum(omega, 2.0 * lines)


def test_each_temperature_has_the_grid_that_it_needs():
    metal, top = _narrow(), float(j.maximum_frequency(_narrow()))
    grids = examination._make_grids(metal, np.geomspace(top / 64, top, 20), top, 1e-9)
    needed = []
    for grid in grids:
        step, cutoff = grid_extent(grid.spectra[0], grid.temperature, 1e-9)
        assert grid.ratio == pytest.approx(step / grid.temperature, rel=1e-12)
        needed.append(size_for(top, step, cutoff))
        alike = [x.size for x in grids if x.spectra is grid.spectra and x.size >= needed[-1]]
        assert needed[-1] <= grid.size == min(alike)
    # The case has what it is for: hot grids far smaller than the largest.
    assert max(needed) > 2 * needed[-1] and grids[-1].size < max(grid.size for grid in grids)


def test_grids_are_of_few_sizes():
    given = {needed: examination._few_sizes(needed) for needed in range(2, 3001)}
    assert sorted(set(given.values())) == [128, 256, 512, 1024, 1536, 2048, 3072]
    assert all(size >= needed for needed, size in given.items())
    # Nodes, the other number that is compiled for: tables of all lengths and finenesses.
    counts = set()
    for rows in (40, 77, 300, 1234, 5000):
        omega = np.linspace(30 / rows, 30.0, rows)
        table = j.TabulatedSpectrum(omega, np.exp(-(((omega - 15) / 4) ** 2)))
        for spectrum in examination._nodes(table, 40 * KELVIN, 1e-9):
            counts.add(spectrum.omega.shape[0])
            held = float(np.sum(spectrum.coupling))
            density = 2 * table.a2f / table.omega
            assert held == pytest.approx(np.trapezoid(density, table.omega), rel=1e-12)
    assert len(counts) == 1


def test_what_is_compiled_is_dropped_in_turn(monkeypatch):
    """Of programs for ever new sizes the last few stay; what they find does not depend on it."""
    made = []

    def watched(*arguments, size):
        made.append(size)
        return size

    monkeypatch.setattr(sample, "_everything", watched)
    sample._compiled.cache_clear()
    try:
        sizes = range(100, 100 + 2 * sample._KEPT)
        for size in [*sizes, *sizes[-2:]]:
            assert sample.sample((), (), 1.0, 0.1, size, np.zeros(3)) == size
        assert made == list(sizes)  # those of the last two were still there
        assert sample._compiled.cache_info().currsize == sample._KEPT
        dropped = weakref.ref(sample._compiled(1, None))
        for size in sizes:
            sample._compiled(size, None)
        gc.collect()
        assert dropped() is None
    finally:
        sample._compiled.cache_clear()


@pytest.mark.slow
def test_large_matrices_are_held_for_one_temperature_at_a_time(spectrum, monkeypatch):
    seen = []

    def watched(*given):
        assert all(matrix() is None for matrix in seen)
        found = sample.sample(*given)
        seen.extend(weakref.ref(matrix) for matrix, _ in found["matrices"].values())
        return found

    expected = j.report(spectrum, TEMPERATURES)
    monkeypatch.setattr(examination, "_COMMON", 1)
    monkeypatch.setattr(examination, "sample", watched)
    found = j.report(spectrum, TEMPERATURES)
    assert len(seen) >= 4 * 20
    np.testing.assert_allclose(found.margin, expected.margin, rtol=1e-8)


def test_a_window_of_negative_specific_heat():
    """C_el < 0 between two temperatures, found between those that are looked at."""
    metal = j.example("table1").scaled(3.9)
    found = j.report(metal, [800.0])
    ((low, high),) = found.unstable_windows["heat"]
    for edge, sign in ((low, 1), (high, -1)):
        for factor in (0.999, 1.001):
            heat = j.specific_heat_ratio(metal, factor * edge * KELVIN)
            assert np.sign(heat) == (sign if factor < 1 else -sign)
    assert low < found.xi_temperature < high and found.xi > 1
    assert f"unstable from {low:.0f} K to {high:.0f} K by the heat criterion" in found.verdict
    # The other two bound it from below: unstable wherever the specific heat is negative.
    assert found.unstable_windows["kinetic"][-1][1] > high
    assert found.to_dict()["unstable_windows_K"]["heat"] == [[low, high]]
    assert found.unstable_below["heat"] == high
