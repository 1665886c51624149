"""`jaxelph fit`: bad tables, and a whole run."""

import json

import numpy as np
import pytest
import xarray as xr

from jaxelph import GaussianPeaks, phonon_edge, transition_temperature
from jaxelph.app.cli import run
from jaxelph.inverse.data.heat import HeatData
from jaxelph.inverse.data.table import read_columns, read_data
from jaxelph.units import KELVIN

TRUTH = GaussianPeaks([13.0, 22.0], [3.0, 1.5], [0.7, 0.3])
PEAK = ("omega", "width", "coupling")


@pytest.fixture
def heat(tmp_path):
    kelvin = np.linspace(3.0, 90.0, 30)
    exact = np.asarray(HeatData(kelvin * KELVIN, kelvin, kelvin).predict(TRUTH))
    path = tmp_path / "heat.csv"
    rows = [f"{t:.6f},{c:.8f},0.002" for t, c in zip(kelvin, exact, strict=True)]
    path.write_text("# C_el of a made metal\nT_K,C_ratio,sigma\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("T_K,C_ratio\n1,1\n", "no column sigma (found: T_K, C_ratio)"),
        ("T_K,C_ratio,sigma\n1,nan,1\n", "line 2: holds a number that is not finite"),
        ("T_K,C_ratio,sigma\n1,1,1\n2,1\n", "line 3: 2 numbers below 3 column names"),
        ("T_K,C_ratio,sigma\n1,x,1\n", "line 2: '1,x,1' is not numbers"),
        ("T_K,C_ratio,sigma\n1,1,-1\n", "sigma of row 1 is -1"),
        ("T_K,C_ratio,sigma\n-1,1,1\n", "temperature must be positive"),
        ("T_K,C_ratio,sigma,sigma\n1,1,1,1\n", "column sigma stands 2 times"),
        ("T_K,C_ratio,sigma\n", "no data below a header; for heat that is T_K,C_ratio,sigma"),
    ],
)
def test_bad_tables(tmp_path, capsys, text, phrase):
    path = tmp_path / "data.csv"
    path.write_text(text)
    assert run(["fit", str(path), "--kind", "heat", "--top", "30"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and phrase in err


@pytest.mark.parametrize(
    ("options", "phrase"),
    [
        (["--kind", "heat"], "give either --top"),
        (["--kind", "heat", "--top", "-3"], "--top must be a positive energy"),
        (["--kind", "colour", "--top", "30"], "--kind 'colour' is not known"),
        (["--kind", "heat", "--peaks", "3:4"], "is not a list"),
        (["--kind", "heat", "--peaks", "13:3:0.7", "--rows", "50"], "--rows is of a table"),
        (["--kind", "heat", "--top", "30", "-T", "20"], "--temperature says nothing of heat data"),
        (["--kind", "heat", "--top", "30", "--initial", "20"], "--initial says nothing of heat"),
        (["--kind", "heat", "--top", "30", "--resolution", "1"], "--resolution says nothing"),
        (["--kind", "heat", "--top", "30", "--background"], "--background says nothing"),
        (["--kind", "weight", "--top", "30"], "--kind weight needs --temperature"),
    ],
)
def test_bad_options(heat, capsys, options, phrase):
    if "weight" in options:
        heat.write_text("E_meV,Z,sigma\n1,0.5,0.1\n")
    assert run(["fit", str(heat), *options]) == 2
    out, err = capsys.readouterr()
    assert out == "" and phrase in err


@pytest.mark.parametrize("delimiter", [" ", ","])
def test_headers_of_savetxt(tmp_path, delimiter):
    path = tmp_path / "cooling.txt"
    rows = np.array([[0.1, 98.0, 0.3], [0.2, 90.0, 0.3]])
    np.savetxt(path, rows, delimiter=delimiter, header=delimiter.join(("t_ps", "Te_K", "sigma")))
    columns = read_columns(path, "relaxation")
    np.testing.assert_array_equal(np.column_stack(list(columns.values())), rows)
    assert list(columns) == ["t_ps", "Te_K", "sigma"]


def test_errors_below_rounding_are_refused(heat, capsys):
    heat.write_text(heat.read_text().replace(",0.002\n", ",1e-12\n"))
    assert run(["fit", str(heat), "--kind", "heat", "--peaks", "13:3:0.7,22:1.5:0.3"]) == 2
    assert "row 1, 1e-12, is below what can be computed" in capsys.readouterr().err


def test_a_table_is_fitted(heat, tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--kind", "heat", "--top", "30", "--rows", "40", "--bootstrap", "40"]
    assert run(["fit", str(heat), *options, "--output", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    refits = told["bootstrap"]["lambda"]
    # Of 40 draws the share has a standard deviation of 0.074.
    assert 0.5 < refits["covered"] < 0.87 and abs(refits["bias"]) < refits["spread"]
    assert told["undecided"] == [] and len(told["sharp_lines"]["width_meV"]) == 4
    found = told["moments"]["lambda"]
    assert abs(found["value"] - 1.0) < 2 * found["error"] < 0.05
    assert (out / "fit.png").stat().st_size > 10_000
    with xr.open_dataset(out / "fit.nc", engine="h5netcdf") as data:
        np.testing.assert_allclose(data["a2f"], told["a2f"])
        assert data["lambda_error"] == pytest.approx(found["error"])
        assert data.sizes["datum_1"] == 30


@pytest.mark.slow
def test_a_fit_that_does_not_decide_is_refused(heat, tmp_path, capsys):
    """Two equal peaks cannot be told apart: one sentence, exit code 2, nothing written."""
    twins, kelvin = GaussianPeaks([13.0, 13.0], [3.0, 3.0], [0.5, 0.5]), np.linspace(3, 90, 30)
    exact = np.asarray(HeatData(kelvin * KELVIN, kelvin, kelvin).predict(twins))
    rows = [f"{t:.15g},{c:.15g},0.002" for t, c in zip(kelvin, exact, strict=True)]
    heat.write_text("T_K,C_ratio,sigma\n" + "\n".join(rows) + "\n")
    out = tmp_path / "out"
    options = ["--kind", "heat", "--peaks", "13:3:0.5,13:3:0.5", "--output", str(out)]
    assert run(["fit", str(heat), *options]) == 2
    told, err = capsys.readouterr()
    assert told == "" and not list(out.glob("*"))
    assert len(err.splitlines()) == 1 and "do not decide all parameters" in err


@pytest.mark.parametrize(
    ("options", "phrase"),
    [
        (["--top", "30", "--spread", "1"], "--spread is a prior on --peaks"),
        (["--peaks", "13:3:0.5", "--prior", "entropy"], "--prior is of a table"),
        (["--top", "30", "--prior", "best"], "prior 'best' is not known"),
        (["--peaks", "13:3:0.5", "--bootstrap", "50"], "--bootstrap is of a table"),
        (["--top", "30", "--bootstrap", "3"], "--bootstrap must be from 20"),
    ],
)
def test_priors_that_do_not_fit(heat, capsys, options, phrase):
    assert run(["fit", str(heat), "--kind", "heat", *options]) == 2
    assert phrase in capsys.readouterr().err


def test_relaxation_at_several_temperatures_is_several_traces(tmp_path):
    path = tmp_path / "cooling.csv"
    head = "t_ps,Te_K,sigma,T_K,Tstart_K\n"
    rows = [(0.1, 98, 80, 104), (0.2, 90, 80, 104), (0.1, 137, 110, 143), (0.3, 120, 110, 143)]
    path.write_text(head + "".join(f"{t},{e},0.3,{c},{h}\n" for t, e, c, h in rows))
    traces = read_data(path, "relaxation", top=20.0)
    assert [len(trace.values) for trace in traces] == [2, 2]
    assert traces[0].grid.size == traces[1].grid.size
    for trace, cold, hot in zip(traces, (80, 110), (104, 143), strict=True):
        assert trace.temperature == pytest.approx(cold * KELVIN)
        assert trace.initial == pytest.approx(hot * KELVIN)
    with pytest.raises(ValueError, match="needs --temperature"):
        path.write_text("t_ps,Te_K,sigma\n0.1,98,0.3\n0.2,90,0.3\n")
        read_data(path, "relaxation", top=20.0)


@pytest.mark.parametrize("above", ["", "# measured on film 3\n", "# sigma is a guess\n"])
def test_a_header_behind_a_mark(tmp_path, above):
    """`numpy.savetxt` writes the names of columns as a comment."""
    path = tmp_path / "trace.csv"
    rows = np.array([[0.0, 300.0, 1.0], [0.5, 200.0, 2.0]])
    np.savetxt(path, rows, header="t_ps,Te_K,sigma", delimiter=",")
    path.write_text(above + path.read_text() + "# Te_K,t_ps,sigma\n")
    found = read_columns(path, "relaxation")
    assert list(found) == ["t_ps", "Te_K", "sigma"]
    np.testing.assert_array_equal(np.stack(list(found.values()), axis=1), rows)


def test_tc_is_that_of_the_fitted_coulomb_pseudopotential(tmp_path, capsys):
    """And the table says so: μ* starts from 0.1, and ends where the measured Tc has it."""
    omega_ph = float(phonon_edge(TRUTH))
    exact = float(transition_temperature(TRUTH, 0.14, omega_ph=omega_ph))
    measured = tmp_path / "tc.csv"
    measured.write_text(f"Tc_K,sigma\n{exact / KELVIN:.8f},0.002\n")
    # α²F is known; what is left is μ*.
    files = [str(measured), "--kind", "tc", "--peaks", "13:3:0.7,22:1.5:0.3", "--spread", "0.01"]
    options = ["--mu-star-error", "0.05", "--omega-ph", f"{omega_ph:.12g}"]
    assert run(["fit", *files, *options, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    fitted, tc = told["parameters"]["mu_star"], told["moments"]["tc"]
    assert told["mu_star"]["fitted"] and told["mu_star"]["value"] == fitted["value"]
    assert abs(fitted["value"] - 0.14) < 2 * fitted["error"] < 0.02
    spectrum = GaussianPeaks(
        *([told["parameters"][f"{name} {i}"]["value"] for i in (1, 2)] for name in PEAK)
    )
    again = float(transition_temperature(spectrum, fitted["value"], omega_ph=omega_ph)) / KELVIN
    assert tc["value"] == pytest.approx(again, rel=1e-8)
    assert abs(tc["value"] - exact / KELVIN) < 0.01
    assert run(["fit", *files, *options]) == 0
    assert f"Tc: fitted μ* = {fitted['value']:.4g} at ω_ph = " in capsys.readouterr().out
    options += ["--mu-star-at", "cutoff", "--cutoff", "300"]
    assert run(["fit", *files, *options]) == 2
    assert "μ* that these data fit along refers to ω_ph" in capsys.readouterr().err
