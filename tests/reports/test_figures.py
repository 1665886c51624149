"""Figures from datasets alone: what was saved and loaded is drawn as the result itself is."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from drawings import assert_same, drawn
from drawn_data import curves, is_drawn
from figure_faults import faults
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import jaxelph as jx
from jaxelph.app.cli import run
from jaxelph.inverse import HeatData, RelaxationData, SelfEnergyData, TcData, WeightData
from jaxelph.inverse.design.output import design_dataset
from jaxelph.inverse.design.result import Design
from jaxelph.inverse.fit.result import Fit
from jaxelph.inverse.sensitivities.result import Sensitivities, Sensitivity
from jaxelph.presentation.files import read_netcdf, write_netcdf
from jaxelph.reports.columns import Columns
from jaxelph.units import HBAR, KELVIN

PEAKS = jx.GaussianPeaks([13.0, 22.0], [3.0, 1.5], [0.7, 0.3])
OMEGA = np.linspace(0.5, 30.0, 12)
TABLE = jx.TabulatedSpectrum(OMEGA, np.exp(-((OMEGA - 15) ** 2) / 18)).resolved(2.0)


def columns(smearing):
    rows = np.array([1.0, 1.1, np.nan])
    values = {"lambda": rows, "omega_log": 99 * rows, "Tc": 9 * rows, "margin": rows - 1.05}
    labels, errors = ("a", "b", ""), ("", "", "cannot be read")
    smearing = np.array([0.1, smearing, 0.3])
    told = labels, smearing, "electron, Ry", values, rows, errors
    return Columns("nb.dat", "a source", 20.0, 0.1, 2, *told, ())


def sensitivities(spectrum):
    items = []
    for k, (name, label, power) in enumerate((("tc", "Tc", 1), ("lambda-omega2", "λ⟨ω²⟩", 2))):
        items.append(Sensitivity(name, label, power, 1.0 + k, spectrum, 0.1, -2.0, OMEGA**k))
    grid = jx.EnergyGrid(1.0, 50)
    return Sensitivities(spectrum, 5.0, 0.12, grid, OMEGA, tuple(items))


def data():
    kelvin, energy = np.linspace(1.0, 90.0, 7), np.array([3.0, 1.0, 20.0, 7.0])
    few = np.full(4, 0.1)
    return (
        HeatData(kelvin * KELVIN, np.linspace(0.9, 1.2, 7), np.full(7, 0.01)),
        SelfEnergyData(60 * KELVIN, energy, -energy, -(energy**2), few),
        SelfEnergyData(60 * KELVIN, energy, None, -(energy**2), few),
        WeightData(60 * KELVIN, energy, 5 * few, few),
        RelaxationData(8.0, 12.0, [0.1, 0.2], [11.0, 9.0], [0.3, 0.3], jx.EnergyGrid(6.0, 75)),
        TcData(9 * KELVIN, 0.1 * KELVIN),
    )


def fit():
    measured = data()
    moments = {"lambda": (1.0, 0.02), "omega-log": (14.0, 0.3), "tc": (9 * KELVIN, KELVIN)}
    return Fit(
        spectrum=PEAKS,
        data=measured,
        omega=OMEGA,
        a2f=np.asarray(PEAKS.a2f(OMEGA)),
        covariance=0.01 * np.eye(12),
        parameters={"omega 1": (13.0, 0.1), "impurity": (0.1, 0.2)},
        moments=moments,
        fitted=tuple(1.01 * item.values for item in measured),
        fitted_error=tuple(0.5 * item.error for item in measured),
        chi_square=30.0,
        degrees=20.0,
        prior_share={"lambda": 0.01, "tc": 0.5},
    )


def design():
    margins, curves = np.array([0.7, 0.1, 0.4]), {}
    for k, name in enumerate(("weight", "heat")):
        spectra = [jx.GaussianPeaks([8.0 + k, 20 + m], [0.4, 1.0], [0.8, 0.3]) for m in margins]
        curves[name] = [
            Design(s, (9 + k - m) * KELVIN, m, {"stability": 0.5}, 0.0, 3)
            for s, m in zip(spectra, margins, strict=True)
        ]
    return design_dataset(curves, margins, 60.0, 0.1)


def phase_map(scale=1.0):
    """Of a metal whose lines are on the map; with λ_c and Tc times another scale, off it."""
    coupling, temperature = np.linspace(0.5, 6.0, 4), np.linspace(100.0, 300.0, 3)
    plane = 1 - np.outer(coupling, 1 / temperature) * 60 / scale
    found: dict = {"tc": ("coupling", 20 * coupling / scale)}
    for name in ("weight", "heat", "kinetic"):
        found[f"lambda_c_{name}"] = ("temperature", scale * np.array([1.5, np.inf, 4.0]))
        found[f"margin_{name}"] = (("coupling", "temperature"), plane)
    axes = {"coupling": coupling, "temperature": temperature}
    return xr.Dataset(found, axes, {"kind": "map", "mu_star": 0.1, "name": "lead_1"})


RESULTS = {
    "columns": lambda: columns(0.2),
    "columns of unknown smearing": lambda: columns(np.nan),
    "sensitivities of δ modes": lambda: sensitivities(jx.EinsteinModes([3.0, 5.0], [0.5, 0.4])),
    "sensitivities of a table": lambda: sensitivities(TABLE),
    "fit": fit,
    "design": design,
    "map": phase_map,
    "map of nothing": lambda: phase_map(100.0),
}


def saved(result, folder):
    """The dataset of a result as another program finds it."""
    dataset = result if isinstance(result, xr.Dataset) else result.to_xarray()
    write_netcdf(dataset, folder / "result.nc")
    back = read_netcdf(folder / "result.nc")
    xr.testing.assert_identical(back, dataset)
    return back


@pytest.mark.parametrize("name", RESULTS)
def test_saved_and_drawn_again(name, tmp_path):
    result = RESULTS[name]()
    figure = jx.plot(result)
    assert isinstance(figure, Figure) and figure.get_axes()
    again = drawn(jx.plot(saved(result, tmp_path)))
    assert_same(again, drawn(figure))
    if not isinstance(result, xr.Dataset):
        assert_same(drawn(result.plot()), drawn(figure))


@pytest.mark.parametrize("name", RESULTS)
def test_shows_the_numbers_without_a_referee_s_faults(name):
    figure = jx.plot(RESULTS[name]())
    result = RESULTS[name]()
    data = result if isinstance(result, xr.Dataset) else result.to_xarray()
    for number, (x, y) in enumerate(curves(data)):
        assert is_drawn(figure, x, y), f"curve {number} of {name}"
    assert faults(figure) == []


def test_what_has_no_derivative_is_in_words():
    """A rate of another mode each way, say: its value is told, and no empty panel is drawn."""
    found = sensitivities(TABLE)
    lost = dataclasses.replace(found.items[1], functional=np.full(12, np.nan))
    figure = jx.plot(dataclasses.replace(found, items=(found.items[0], lost)))
    assert len(figure.get_axes()) == 2 and faults(figure) == []
    assert "= 2 meV² has no derivatives here" in figure.get_supxlabel()


@pytest.mark.slow
def test_a_criterion_that_nothing_violates_is_in_words():
    """Its curve is nowhere, so neither is its entry of the legend."""
    report = jx.report(jx.example("table1"), [150.0, 160.0])
    assert np.isinf(report.to_xarray()["lambda_c"].sel(criterion="heat")).all()
    figure = jx.plot(report)
    critical = figure.axes[3]
    assert critical.get_title("right") == r"heat, $C_{el}$: $\lambda_c=\infty$"
    assert not any("heat" in text.get_text() for text in critical.get_legend().get_texts())
    assert faults(figure) == []


def test_faults_are_found():
    """The check itself: a legend on a curve, text on one, no letter, a hyphen, alike, cut; one
    number on a logarithmic axis, a curve of one point."""
    figure = Figure()
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color="#0072B2", label="a")
    left.plot([0, 1], [0.1, 1.1], color="#0072B6", label="b")
    left.legend(loc="upper right")
    left.text(0.5, 0.5, "words")
    right.plot([0.6, 1.4], [-1, 1])
    right.set(ylim=(-0.5, 2), xlabel="x", ylabel="y")
    right.set_yticks([0, 1], ["-1", "1"])
    right.set(xscale="log", xlim=(0.55, 1.5))
    right.xaxis.set_minor_formatter("")
    right.plot([0.7], [0.5], label="lone")
    right.set_title("words that are wider than a panel is " * 2, loc="right")
    told = "; ".join(faults(figure))
    for phrase in (
        "panels are called",
        "the legend is on",
        "'words' is on a curve",
        "no label beside",
        "'a' and 'b' look alike",
        "a hyphen for a minus in '-1'",
        "goes on outside, unmarked",
        "the logarithmic axis below has the numbers",
        "'lone' is one point without a marker",
        "is wider than its panel",
    ):
        assert phrase in told


@pytest.mark.parametrize("name", RESULTS)
def test_on_axes_of_the_caller(name):
    """A figure to fill, a place in one, or the panels themselves: the same curves."""
    result = RESULTS[name]()
    alone = jx.plot(result)
    curves = [line.get_xydata() for axes in alone.get_axes() for line in axes.lines]

    def same(found):
        lines = [line.get_xydata() for axes in found.get_axes() for line in axes.lines]
        return all(np.array_equal(a, b, True) for a, b in zip(lines, curves, strict=True))

    mine = Figure(figsize=(9, 9))
    assert jx.plot(result, ax=mine) is mine and same(mine)
    mine = Figure(figsize=(9, 9))
    other, place = mine.subplots(1, 2)
    inner = jx.plot(result, ax=place)
    assert same(inner) and inner.figure is mine and other in mine.axes and place not in mine.axes
    count = sum(bool(axes.get_subplotspec()) for axes in jx.plot(result, ax=Figure()).get_axes())
    count -= 2 if name.startswith("map") else 0  # whose colour bars are made by the figure
    mine = Figure(figsize=(9, 9))
    panels = mine.subplots(count, 1)
    assert jx.plot(result, ax=panels) is mine and same(mine)
    assert mine.get_suptitle() == ""
    with pytest.raises(ValueError, match=f"and the figure has {count} panels"):
        jx.plot(result, ax=panels[1:])
    with pytest.raises(ValueError, match="one axes outside any grid"):
        jx.plot(result, ax=mine.add_axes((0, 0, 1, 1)))
    assert isinstance(panels[0], Axes) and len(panels[0].lines) > 0


def test_an_evolution_is_drawn_again(tmp_path):
    metal, grid = jx.example("table1"), jx.EnergyGrid(6.0, 75)
    result = jx.evolve(metal, 13.85, 12.59, grid, np.array([0.0, 1.0, 16.0]))
    figure = result.plot()
    back = saved(result, tmp_path)
    assert_same(drawn(jx.plot(back)), drawn(figure))
    left, middle, right = figure.get_axes()[:3]
    # No unit is named that the caller has not.
    assert (left.get_xlabel(), right.get_xlabel()) == ("energy $E - E_F$", "time $t$")
    np.testing.assert_array_equal(right.lines[0].get_ydata(), np.asarray(result.temperature))
    panels = Figure(figsize=(9, 3)).subplots(1, 3)
    jx.plot(back, ax=panels)
    for mine, axes in zip(panels, (left, middle, right), strict=True):
        assert_same([x.get_xydata() for x in mine.lines], [x.get_xydata() for x in axes.lines])


def test_data_are_drawn_in_kelvin_and_picoseconds():
    found = fit().to_xarray()
    assert found["measured_5"].attrs["units"] == "K" and found["abscissa_5"].attrs["units"] == "ps"
    np.testing.assert_allclose(found["measured_5"], np.array([11.0, 9.0]) / KELVIN)
    np.testing.assert_allclose(found["abscissa_5"], np.array([0.1, 0.2]) * HBAR / np.pi)
    assert found["measured_2"].attrs["parts"] == "real, imaginary"
    assert found["measured_4"].attrs["temperature_K"] == pytest.approx(60.0)
    assert found["measured_6"].item() == pytest.approx(9.0)


def test_derivatives_by_the_numbers_of_a_table():
    """Where nodes of the quadrature lie is no number of α²F: rows have one dimension."""
    assert TABLE.panels is not None and len(TABLE.panels) != len(OMEGA)
    found = sensitivities(TABLE).to_xarray()
    assert found["dtc_da2f"].sizes == {"frequency": 12}
    np.testing.assert_array_equal(found["dlambda_omega2_da2f"], 1.0 * OMEGA)
    assert found["dtc_domega"].sizes == found["dtc_da2f_rows"].sizes == {"parameter": 12}
    assert "dtc_dpanels" not in found


def test_program(tmp_path, capsys):
    path = tmp_path / "design.nc"
    write_netcdf(design(), path)
    assert run(["plot", str(path)]) == 0
    assert (tmp_path / "design.png").stat().st_size > 10_000
    for _ in range(2):  # the same file each time
        before = tmp_path / "new" / "a.pdf"
        content = before.read_bytes() if before.exists() else None
        assert run(["plot", str(path), "-o", str(before)]) == 0
    assert before.read_bytes() == content and content[:4] == b"%PDF"
    out, err = capsys.readouterr()
    assert out == "" and err.count("wrote ") == 3


@pytest.mark.parametrize(
    ("made", "options", "phrase"),
    [
        (None, [], "no such file"),
        ("junk", [], "not a NetCDF file"),
        (xr.Dataset(), [], "says nothing of what it holds, for which there is no figure"),
        (xr.Dataset(attrs={"kind": "poem"}), [], "calls itself 'poem'"),
        (xr.Dataset(attrs={"kind": "map"}), [], "calls itself 'map' and lacks 'coupling'"),
        (xr.Dataset(), ["-o", "figure.docx"], "the name must end in one of"),
        (xr.Dataset(), ["-o", "."], "this is a folder"),
    ],
)
def test_program_refuses_in_one_sentence(tmp_path, monkeypatch, capsys, made, options, phrase):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "file.nc"
    if isinstance(made, str):
        path.write_text(made)
    elif made is not None:
        write_netcdf(made, path)
    assert run(["plot", str(path), *options]) == 2
    out, err = capsys.readouterr()
    assert out == "" and phrase in " ".join(err.split()) and len(err.splitlines()) == 1
    assert [one.name for one in tmp_path.iterdir()] == (["file.nc"] if made is not None else [])


def test_what_is_no_result():
    with pytest.raises(ValueError, match="draws results and their datasets, not list"):
        jx.plot([1.0])
