"""The program: exit codes, one sentence for bad input, nothing half written, JSON alone."""

import os

import numpy as np
import pytest

import jaxelph
from jaxelph.cli import run

ROWS = [f"{w:.3f} {0.3 * np.exp(-((w - 15) ** 2) / 18):.6f}" for w in np.arange(1.0, 31.0)]


def refused(capsys, arguments, *phrases):
    """Exit code 2, one line on standard error that holds `phrases`, nothing on standard output."""
    assert run([str(argument) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if not line.startswith("warning: ")]
    assert out == ""
    assert len(lines) == 1 and lines[0].startswith("error: ")
    assert "Traceback" not in err
    for phrase in phrases:
        assert str(phrase) in lines[0]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "metal.dat"
    path.write_text("\n".join(ROWS) + "\n")
    return path


def swap(rows, i, j):
    rows = list(rows)
    rows[i], rows[j] = rows[j], rows[i]
    return rows


@pytest.mark.parametrize(
    ("data", "phrases"),
    [
        ("\n".join(ROWS)[:-9], ("line 30",)),  # cut off within the last row
        ("\n".join([*ROWS[:4], "5.000 nan", *ROWS[5:]]), ("line 5",)),
        ("\n".join([*ROWS[:6], ROWS[5], *ROWS[6:]]), ("line 7",)),  # a frequency twice
        ("\n".join(f"{w}.0 0.0" for w in range(1, 30)), ("α²F",)),
        ("\n".join(f"{w}.0 -0.1" for w in range(1, 30)), ("λ is -0.68",)),
        ("", ("empty",)),
        (np.random.default_rng(0).bytes(4096) + b"\0", ()),
    ],
    ids=["truncated", "nan", "duplicate", "zero", "negative", "empty", "binary"],
)
def test_bad_files(tmp_path, capsys, data, phrases):
    path = tmp_path / "bad.dat"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    out = tmp_path / "out"
    refused(capsys, ["report", path, "--unit", "meV", "--output", out], "bad.dat", *phrases)
    assert not out.exists()


def test_rows_out_of_order_are_sorted_with_a_warning(tmp_path, capsys):
    path = tmp_path / "bad.dat"
    path.write_text("\n".join(swap(ROWS, 9, 10)))
    with pytest.warns(jaxelph.SpectrumWarning, match="out of order"):
        shuffled = jaxelph.read_a2f(path, unit="meV")
    assert np.all(np.diff(shuffled.omega) > 0)


def test_bad_places(tmp_path, table, capsys):
    refused(capsys, ["report", tmp_path, "--unit", "meV"], tmp_path, "folder")
    refused(capsys, ["report", tmp_path / "none.dat"], "none.dat")
    # A file where the output folder should be: an obstacle for every user, root too.
    refused(capsys, ["report", table, "--unit", "meV", "-o", table], table, "another folder")
    assert table.read_text().startswith(ROWS[0])
    assert sorted(os.listdir(tmp_path)) == ["metal.dat"]


@pytest.mark.parametrize(
    ("arguments", "phrases"),
    [
        (["--unit", "parsec"], ("parsec", "meV")),
        ([], ("unit",)),
        (["--unit", "meV", "-T", "0,5"], ("--temperatures", "0")),
        (["--unit", "meV", "-T", "-4"], ("--temperatures", "-4")),
        (["--unit", "meV", "-T", "5:50"], ("--temperatures", "5:50")),
        (["--unit", "meV", "--mu-star", "1.2"], ("mu_star", "must be below 1")),
        (["--unit", "meV", "--mu-star", "-0.1"], ("mu_star",)),
        (["--unit", "meV", "--column", "7"], ("metal.dat", "column")),
        (["--unit", "meV", "--example", "lead"], ("--example",)),
    ],
)
def test_bad_arguments(table, tmp_path, capsys, arguments, phrases):
    out = tmp_path / "out"
    refused(capsys, ["report", table, *arguments, "-o", out], *phrases)
    assert not out.exists()


def test_unknown_subcommand_and_example(capsys):
    refused(capsys, ["repport"], "repport")
    refused(capsys, ["report", "--example", "unobtainium"], "unobtainium", "niobium")


def test_version_and_help(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"jaxelph {jaxelph.__version__}\n"
    assert run(["report", "--help"]) == 0
    assert "--mu-star" in capsys.readouterr().out
