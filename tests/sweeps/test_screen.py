"""Many files into one table: the numbers of single calls, every bad file named."""

import csv
import os
import resource
import sys

import numpy as np
import pytest
import xarray as xr

import jaxelph as jx
from jaxelph.app.cli import run
from jaxelph.inverse.sensitivities.derivatives import QUANTITIES
from jaxelph.sweeps.screen import quantity_names, screen
from jaxelph.units import KELVIN

LENGTHS = (50, 60, 100, 120)
HEADER = "# omega [meV]   alpha2F\n"


def rows(k):
    """A table of two peaks, different for every k."""
    omega = np.linspace(0.5, 40.0 + 20 * (k % 97) / 97, LENGTHS[k % 4])
    low, high = (np.exp(-(((omega - c) / 4) ** 2)) for c in (15 + k % 7, 30 + k % 5))
    return omega, (0.3 + 0.01 * (k % 41)) * low + 0.5 * high


def write_good(path, k):
    lines = "\n".join(f"{w:.8f} {a:.8e}" for w, a in zip(*rows(k), strict=True))
    path.write_text(HEADER + lines + "\n")


BROKEN = (
    lambda k: b"",
    lambda k: HEADER.encode(),
    lambda k: HEADER.encode() + b"1.0 0.3\n2.0 nonsense\n3.0 0.1\n",
    lambda k: HEADER.encode() + b"1.0 nan\n2.0 0.2\n",
    lambda k: bytes(range(256)) * 4,
    lambda k: HEADER.encode() + b"1.0 0.0\n2.0 0.0\n3.0 0.0\n",
    lambda k: b"\x1f\x8b" + b"x" * 50,
    lambda k: HEADER.encode() + b"3.0 0.2\n2.0 0.2\n1.0 0.1\n3.0 0.1\n",
)


def test_names():
    assert quantity_names(["margin", "lambda_c"])[-1] == "lambda-c-kinetic"
    with pytest.raises(ValueError, match="'nope' is not known; use one of lambda"):
        quantity_names(["nope"])


def test_help_names_every_quantity(capsys):
    assert run(["sweep", "--help"]) == 0
    told = capsys.readouterr().out
    for name in QUANTITIES:
        assert name in told or name.startswith("lambda-c-")


def test_rows_are_single_calls_and_bad_files_are_rows(tmp_path, capsys):
    for k in range(2):  # of one padded length: compiled once
        write_good(tmp_path / f"{k}.dat", k)
    for k, make in enumerate(BROKEN):
        (tmp_path / f"broken{k}.dat").write_bytes(make(k))
    out = tmp_path / "out" / "table.nc"
    code = run(
        ["sweep", str(tmp_path), "-T", "60", "-o", str(out)]
        + ["--quantity", "lambda,tc-allen-dynes,xi,heat,lambda-c-heat"]
    )
    told = capsys.readouterr().err
    assert code == 0 and "10 files, 8 of them failed" in told
    table = xr.open_dataset(out, engine="h5netcdf")
    assert all(
        (text != "") == ("broken" in file)
        for file, text in zip(table.file.values, table.error.values, strict=True)
    )
    assert table["tc_allen_dynes"].attrs["units"] == "K"
    T = 60 * KELVIN
    for k in range(2):
        metal = jx.read_a2f(tmp_path / f"{k}.dat")
        row = table.sel(file=str(tmp_path / f"{k}.dat"))
        np.testing.assert_allclose(row["lambda"], jx.coupling_constant(metal), rtol=1e-12)
        np.testing.assert_allclose(
            row["tc_allen_dynes"] * KELVIN, jx.allen_dynes(metal, 0.1), rtol=1e-12
        )
        np.testing.assert_allclose(row["xi"], jx.stability_parameter(metal, T), rtol=1e-10)
        one = jx.critical_coupling(metal, T, criterion="heat")
        np.testing.assert_allclose(row["lambda_c_heat"], one, rtol=1e-10)


@pytest.mark.slow
def test_kinetic_rows_are_single_calls_to_the_grid_error(tmp_path):
    write_good(tmp_path / "1.dat", 1)
    T, metal = 60 * KELVIN, jx.read_a2f(tmp_path / "1.dat")
    row = screen([tmp_path / "1.dat"], ["lambda_c"], T).isel(file=0)
    base = jx.EnergyGrid.suggest(metal, T)
    # The step follows from T. Of two grids that differ, each resolves the peaks of α²F, narrower
    # than T, as `grid_error` has it.
    error = float(jx.grid_error(metal, T, jx.RefinedGrid.around(metal, T, base)))
    assert 1e-9 < error < 1e-4
    for criterion in jx.CRITERIA:
        one = float(jx.critical_coupling(metal, T, criterion=criterion))
        tolerance = error if criterion == "kinetic" else 1e-7 * one
        np.testing.assert_allclose(row[f"lambda_c_{criterion}"], one, rtol=0, atol=tolerance)


def test_bad_options(tmp_path, capsys):
    write_good(tmp_path / "a.dat", 0)
    for options, message in (
        (["-T", "60", "-o", "a.txt"], "must end in .nc or .csv"),
        (["-T", "-1", "-o", "a.nc"], "--temperature must be a positive"),
        (["-T", "60", "-o", "a.nc", "--quantity", "x"], "'x' is not known"),
    ):
        assert run(["sweep", str(tmp_path / "a.dat"), *options]) == 2
        assert message in capsys.readouterr().err


def test_folders_within_names_of_bytes_and_how_files_were_read(tmp_path, capsys):
    """One table of everything below a folder, that says what its numbers are."""
    (tmp_path / "in" / "deep" / ".hidden").mkdir(parents=True)
    names = ["in/a.dat", "in/deep/b.dat", os.fsdecode(b"in/nb\xff.dat")]
    for name in names:
        write_good(tmp_path / name, 0)
    write_good(tmp_path / "in" / "deep" / ".hidden" / "c.dat", 0)
    (tmp_path / "in" / "link").symlink_to(tmp_path)
    options = ["-T", "60", "--quantity", "lambda,tc,tc-allen-dynes"]
    for ending in ("csv", "nc"):
        out = tmp_path / f"t.{ending}"
        assert run(["sweep", str(tmp_path / "in"), *options, "-o", str(out)]) == 0
        printed, told = capsys.readouterr()
        assert "1 folder left out, which are links" in told and "3 files, 0 of them" in told
        assert "nb\\xff.dat" in printed and "T = 60 K, μ* = 0.1" in printed
    lines = list(csv.DictReader((tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()))
    table = xr.open_dataset(tmp_path / "t.nc", engine="h5netcdf")
    metal = jx.read_a2f(tmp_path / "in" / "a.dat")
    for row, name in zip(lines, sorted(names), strict=True):
        assert row["file"] == str(tmp_path / name).replace("\udcff", "\\xff")
        assert row["unit"] == "meV" and float(row["column"]) == float(row["columns"]) == 1
        assert float(row["temperature [K]"]) == pytest.approx(60) and float(row["mu_star"]) == 0.1
        tc = float(row["tc_allen_dynes [K]"]) * KELVIN
        assert tc == pytest.approx(float(jx.allen_dynes(metal, 0.1)), rel=1e-12)
        assert float(row["omega_ph [meV]"]) > 0
    assert table["temperature"].attrs["units"] == "K" and table["unit"].values[0] == "meV"
    np.testing.assert_allclose(table["lambda"], float(jx.coupling_constant(metal)), rtol=1e-12)


def test_a_sweep_in_which_every_file_failed_is_no_success(tmp_path, capsys):
    for k in range(2):
        (tmp_path / f"{k}.dat").write_bytes(BROKEN[k](k))
    arguments = ["sweep", str(tmp_path), "-T", "60", "--quantity", "lambda", "-o"]
    assert run([*arguments, str(tmp_path / "t.csv")]) == 2
    assert "2 files, 2 of them failed" in capsys.readouterr().err
    assert (tmp_path / "t.csv").exists()
    (tmp_path / "d.nc").mkdir()
    assert run([*arguments, str(tmp_path / "d.nc")]) == 2
    assert "d.nc: this is a folder" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told_by_the_reader(tmp_path, capsys):
    (tmp_path / "link.dat").symlink_to(tmp_path / "gone.dat")
    out = tmp_path / "table.csv"
    files = [str(tmp_path / name) for name in ("missing.dat", "link.dat")]
    assert run(["sweep", *files, "-T", "60", "--quantity", "lambda", "-o", str(out)]) == 2
    told = capsys.readouterr().err
    for path in files:
        assert f"error: {path}: no such file; check the name and folder." in told
        assert f"{path}: no such file; check the name and folder." in out.read_text()
    assert "Errno" not in told + out.read_text()


@pytest.mark.slow
def test_ten_thousand_files(tmp_path):
    """1 % of them broken: all good ones right, all broken ones named, memory flat."""
    broken = set(np.random.default_rng(0).choice(10_000, 100, replace=False).tolist())
    paths = [tmp_path / f"{k:05d}.dat" for k in range(10_000)]
    for k, path in enumerate(paths):
        if k in broken:
            path.write_bytes(BROKEN[k % len(BROKEN)](k))
        else:
            write_good(path, k)
    memory = []
    unit = 1 if sys.platform == "darwin" else 1024

    def progress(done, total):
        memory.append((done, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20))

    names = ["lambda", "xi", "lambda-c-heat", "tc-allen-dynes", "margin"]
    table = screen(paths, names, 60 * KELVIN, progress=progress)
    assert {int(k) for k in np.flatnonzero(table.error.values != "")} == broken
    for k in broken:
        assert paths[k].name in table.error.values[k]
    good = np.array(sorted(set(range(10_000)) - broken))
    for k in good:  # λ by NumPy's own trapezium, of every file
        omega, a2f = rows(k)
        expected = np.trapezoid(2 * a2f / omega, omega)
        np.testing.assert_allclose(table["lambda"].values[k], expected, rtol=1e-6)
    for k in good[::500]:
        metal = jx.read_a2f(paths[k])
        one = jx.critical_coupling(metal, 60 * KELVIN, criterion="heat")
        np.testing.assert_allclose(table["lambda_c_heat"].values[k], one, rtol=1e-10)
    # All functions are compiled within the first half; nothing may pile up after that.
    half = next(m for done, m in memory if done >= 5000)
    print(f"peak memory {half:.0f} MB after 5000 files, {memory[-1][1]:.0f} MB after 10,000")
    assert memory[-1][1] < 1.05 * half
