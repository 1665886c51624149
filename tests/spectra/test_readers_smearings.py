"""Columns that are one quantity at several smearings: which is read, and how they compare."""

import json
import warnings

import fixtures_a2f as write
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import jaxelph as jx
from jaxelph.app.cli import run
from jaxelph.reports.columns import compare_columns
from jaxelph.spectra.readers import SpectrumFileError, SpectrumWarning, read_a2f, read_all_columns
from jaxelph.spectra.readers._smearings import choose
from jaxelph.units import KELVIN


def table(folder, couplings, bad=(), name="alpha2F.dat"):
    """Columns of the model with these λ over that of the first; `bad` ones hold NaN and ****."""
    omega = np.arange(1, 201) * (write.TOP / 200)
    lines = ["# omega(meV)" + "  a2F" * len(couplings)]
    for row, w in enumerate(omega):
        values = [f"{write.model(w, c):.8e}" for c in couplings]
        for k in bad:
            values[k] = ("NaN", "********", values[k])[min(row % 7, 2)]
        lines.append(" ".join([f"{w:.6f}", *values]))
    return write.save(folder, name, lines)


def told(path, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        spectrum = read_a2f(path, **options)
    return spectrum.provenance, [str(w.message) for w in caught]


def test_columns_that_agree_are_read_from_the_first_on(tmp_path):
    p, said = told(table(tmp_path, [1.0, 1.03, 1.05, 1.06]))
    assert (p.column, said) == (1, [])
    low, high = p.coupling_range
    assert high / low == pytest.approx(1.06)


def test_the_plateau_is_read(tmp_path):
    p, said = told(table(tmp_path, [1.5, 1.2, 1.015, 1.0, 1.005, 1.04, 1.2]))
    assert p.column == 4
    assert len(said) == 1
    coupling = write.moments()[0]
    assert f"from {coupling:.4g} to {1.5 * coupling:.4g}" in said[0]
    assert "column 4 of 7, was read, where λ changes least" in said[0]
    assert p.warnings[0] in said[0]


def test_the_middle_is_read_without_a_plateau(tmp_path):
    p, said = told(table(tmp_path, [3.74, 2.9, 2.3, 1.9, 1.6, 1.35, 1.15, 1.0, 0.86, 0.754]))
    assert p.column == 5
    assert "column 5 of 10, was read, the middle one" in said[0]


def test_who_asks_is_not_warned(tmp_path):
    p, said = told(table(tmp_path, [1.5, 1.2, 0.9]), column=3)
    assert (p.column, said) == (3, [])
    assert any("λ over the columns runs from" in note for note in p.notes)


@pytest.mark.parametrize("bad", [(0,), (1,), (3, 4), (0, 1, 2)])
def test_columns_that_are_not_numbers_block_no_other(tmp_path, bad):
    couplings = [1.0, 1.01, 1.02, 1.03, 1.04]
    path = table(tmp_path, couplings, bad)
    p, said = told(path)
    first = min(set(range(5)) - set(bad))
    assert p.column == first + 1
    assert bool(said) == (first > 0)
    for k in range(5):
        if k in bad:
            with pytest.raises(SpectrumFileError, match=r"line \d+: '(NaN|\*+)' is"):
                read_a2f(path, column=k + 1)
        else:
            np.testing.assert_allclose(
                jx.coupling_constant(read_a2f(path, column=k + 1)),
                couplings[k] * write.moments()[0],
                rtol=1e-6,
            )


@given(st.lists(st.floats(0.05, 5.0), min_size=1, max_size=20), st.data())
def test_a_column_that_cannot_be_read_is_never_chosen(couplings, data):
    lost = data.draw(st.sets(st.integers(0, len(couplings) - 1), max_size=len(couplings) - 1))
    values = [np.nan if k in lost else c for k, c in enumerate(couplings)]
    place, rule = choose(values, smeared=True)
    assert place not in lost
    assert rule


def test_all_columns(tmp_path):
    path = table(tmp_path, [1.5, 1.2, 1.015, 1.0, 1.005], bad=[1])
    with pytest.warns(SpectrumWarning, match="λ over the columns runs"):
        default, columns = read_all_columns(path)
    assert default.provenance.column == 4
    assert [isinstance(item, SpectrumFileError) for item in columns] == [0, 1, 0, 0, 0]
    assert [c.provenance.column for c in columns if not isinstance(c, ValueError)] == [1, 3, 4, 5]
    path = table(tmp_path, [1.0, 1.0], bad=[0, 1])
    with pytest.raises(SpectrumFileError, match="'NaN'"):
        read_all_columns(path)


@pytest.mark.slow
def test_the_table_of_columns_has_the_numbers_of_single_columns(tmp_path):
    path = table(tmp_path, [1.5, 1.2, 1.19])
    with pytest.warns(SpectrumWarning, match="λ over the columns"):
        default, columns = read_all_columns(path)
    found = compare_columns(default, columns, 20.0, mu_star=0.12)
    for k in range(3):
        one = read_a2f(path, column=k + 1)
        assert found.values["lambda"][k] == float(jx.coupling_constant(one))
        assert found.values["omega_log"][k] == float(jx.log_frequency(one)) / KELVIN
        tc = float(jx.transition_temperature(one, 0.12)) / KELVIN
        assert found.values["Tc"][k] == pytest.approx(tc, rel=1e-12)
        margin = float(jx.margin(one, 20.0 * KELVIN))
        assert found.values["margin"][k] == pytest.approx(margin, rel=1e-12)


@pytest.mark.slow
def test_command(tmp_path, capsys):
    path = write.lambda_x(tmp_path, 3, rows=120)
    out = tmp_path / "out"
    assert run(["columns", str(path), "-T", "30", "-o", str(out), "--json"]) == 0
    printed, err = capsys.readouterr()
    assert "warning: " in err and "λ over the columns runs" in err
    found = json.loads(printed)
    assert found == json.loads((out / "columns.json").read_text())
    assert found["default_column"] == 2 and found["temperature_K"] == 30
    assert [row["smearing"] for row in found["columns"]] == [0.005, 0.01, 0.015]
    assert any("λ over the columns" in text for text in found["warnings"])
    data = xr.load_dataset(out / "columns.nc")
    np.testing.assert_allclose(data["lambda"], [row["lambda"] for row in found["columns"]])
    assert (out / "columns.png").stat().st_size > 5000
    assert (out / "columns.pdf").exists()

    assert run(["report", str(path), "--column", "all", "-T", "30", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == found

    assert run(["columns", str(path), "-T", "30", "--no-figure"]) == 0
    printed = capsys.readouterr().out
    for row in found["columns"]:
        assert f"{row['lambda']:.4g}" in printed and f"{row['Tc_K']:.4g}" in printed
        assert f"{row['margin']:.4g}" in printed
    assert "by default" in printed and "electron, Ry" in printed


@pytest.mark.slow
def test_lambda_of_the_file_and_that_of_its_table_are_told_apart(tmp_path, capsys):
    """λ of three rows by EPW's sum, which its file states, and by the trapezoidal rule."""
    path = tmp_path / "ZrN.a2f_iso"
    rows = "1.0 0.2 0.15 0.05\n2.0 0.4 0.3 0.1\n3.0 0.3 0.2 0.1\n"
    path.write_text(f"{rows}lambda_int = 1.0000000   lambda_sum = 1.0010000\n")
    of_table = 0.7  # ½(.4 + .4)·1 + ½(.4 + .2)·1
    said = "λ of the table = 0.7, λ of the file = 1"

    assert run(["columns", str(path), "-T", "10", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["columns"][0]["lambda"] == pytest.approx(of_table, rel=1e-12)
    assert [row["lambda_of_file"] for row in found["columns"]] == [1.0, None, None]
    assert said in found["source"]
    assert run(["columns", str(path), "-T", "10", "--no-figure"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "λ of the λ of the ω_log" in printed and "1 0.7 1 " in printed

    assert run(["report", str(path), "--temperatures", "10", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["spectrum"]["lambda"] == pytest.approx(of_table, rel=1e-12)
    assert found["spectrum"]["lambda_of_file"] == 1.0
    assert said in found["source"]
    assert run(["report", str(path), "--temperatures", "10", "--no-figure"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    with pytest.warns(SpectrumWarning, match="they are too few for a function"):
        data = jx.report(jx.read_a2f(path), [10.0]).to_xarray()
    assert float(data["lambda"]) == pytest.approx(of_table, rel=1e-12)
    assert float(data["lambda_of_file"]) == 1.0
    assert "0.7000 of the table, by the trapezoidal rule; λ of the file: 1.0000" in printed

    out = tmp_path / "table.csv"
    assert run(["sweep", str(path), "-T", "10", "--quantity", "lambda", "-o", str(out)]) == 0
    head, row = (line.split(",") for line in out.read_text().splitlines()[:2])
    assert float(row[head.index("lambda")]) == pytest.approx(of_table, rel=1e-12)
    assert float(row[head.index("lambda_of_file")]) == 1.0


@pytest.mark.parametrize(
    "arguments, phrase",
    [
        (["columns", "no.a2f"], "no such file"),
        (["columns", "FILE", "-T", "-3"], "--temperature"),
        (["columns", "FILE", "--mu-star", "-1"], "--mu-star must not be negative"),
        (["report", "FILE", "--column", "some"], "neither a number from 1 nor all"),
        (["report", "--example", "table1", "--column", "all"], "give one"),
    ],
)
def test_command_refuses_in_one_sentence(tmp_path, capsys, arguments, phrase):
    path = table(tmp_path, [1.0, 1.01])
    assert run([str(path) if a == "FILE" else a for a in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and phrase in err and len(err.strip().splitlines()) == 1


def test_real_niobium(shared):
    p, said = told(shared / "a2f/isome__Nb__Nb.a2F")
    assert (p.column, p.smearings[p.column - 1]) == (16, 0.08)
    assert f"{p.coupling:.5f}" == "0.93726"
    assert "runs from 0.9373 to 1.406" in said[0] and len(said) == 1
