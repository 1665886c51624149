"""`jaxelph fit`: bad tables, and a whole run."""

import json

import numpy as np
import pytest
import xarray as xr

from jaxelph import GaussianPeaks
from jaxelph.cli import run
from jaxelph.inverse.data import HeatData
from jaxelph.units import KELVIN

TRUTH = GaussianPeaks([13.0, 22.0], [3.0, 1.5], [0.7, 0.3])


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
        (["--kind", "weight", "--top", "30"], "--kind weight needs --temperature"),
    ],
)
def test_bad_options(heat, capsys, options, phrase):
    if "weight" in options:
        heat.write_text("E_meV,Z,sigma\n1,0.5,0.1\n")
    assert run(["fit", str(heat), *options]) == 2
    out, err = capsys.readouterr()
    assert out == "" and phrase in err


def test_a_table_is_fitted(heat, tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--kind", "heat", "--top", "30", "--rows", "40", "--output", str(out), "--json"]
    assert run(["fit", str(heat), *options]) == 0
    told = json.loads(capsys.readouterr().out)
    found = told["moments"]["lambda"]
    assert abs(found["value"] - 1.0) < 2 * found["error"] < 0.02
    assert (out / "fit.png").stat().st_size > 10_000
    with xr.open_dataset(out / "fit.nc", engine="h5netcdf") as data:
        np.testing.assert_allclose(data["a2f"], told["a2f"])
        assert data["lambda_error"] == pytest.approx(found["error"])
        assert data.sizes["datum_1"] == 30
