"""The program: exit codes, one sentence for bad input, nothing half written, JSON alone."""

import json
import os

import numpy as np
import pytest
from examinations import examined_once

import jaxelph
from jaxelph.app.cli import run
from jaxelph.presentation.files import as_text, file_name

ROWS = [f"{w:.3f} {0.3 * np.exp(-((w - 15) ** 2) / 18):.6f}" for w in np.arange(1.0, 31.0)]


@pytest.fixture(scope="module", autouse=True)
def _examined_once():
    """What the reports of one table hold is the subject of other tests."""
    with examined_once({}):
        yield


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
        (["--unit", "meV", "-T", "1e-310"], ("--temperatures", "too low")),
        (["--unit", "meV", "-T", "5,1e30"], ("--temperatures", "too high")),
        (["--unit", "meV", "-T", "5:50"], ("--temperatures", "5:50")),
        (["--unit", "meV", "--mu-star", "1.2"], ("--mu-star must be below 1",)),
        (["--unit", "meV", "--mu-star", "-0.1"], ("--mu-star must not be negative",)),
        (["--unit", "meV", "--column", "7"], ("metal.dat", "column")),
        (["--unit", "meV", "--example", "lead"], ("--example",)),
    ],
)
def test_bad_arguments(table, tmp_path, capsys, arguments, phrases):
    out = tmp_path / "out"
    refused(capsys, ["report", table, *arguments, "-o", out], *phrases)
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "phrase"),
    [
        (["--mu-star", "5"], "error: --mu-star must be below 1, got 5"),
        (["--omega-ph", "-3"], "error: --omega-ph -3 must be a positive, finite energy"),
        (["--cutoff", "nan"], "error: --cutoff nan must be a positive, finite energy"),
        (["--cutoff", "5"], "error: --cutoff 5 must exceed the top of the spectrum, "),
        (["--mu-star", "0.9", "--cutoff", "1e6"], "error: --mu-star 0.9 is too large for this"),
        (["--mu-star-at", "top"], "error: --mu-star-at 'top' is not known"),
        (["--mu-star-at", "cutoff"], "error: --mu-star-at 'cutoff' needs --cutoff, "),
    ],
)
def test_what_tc_refuses_in_every_command(table, tmp_path, capsys, options, phrase):
    """One rule, in the options' own names, before anything is computed."""
    unit, many = ["--unit", "meV"], tmp_path / "folder"
    many.mkdir()
    axes = ["--over", "coupling=1,2", "--over", "temperature=200,300"]
    for arguments in (
        ["report", table, *unit, "-T", "60"],
        ["columns", table, *unit],
        ["gap", table, *unit],
        ["sensitivities", table, *unit, "-T", "60", "--quantities", "tc"],
        ["map", table, *unit, *axes],
        ["design", "--peaks", "15:2:0.7", "--omega", "5:25", "-T", "60"],
    ):
        refused(capsys, [*arguments, *options], phrase)
    # What depends on the spectrum is a sweep's to say of each file.
    (many / "a.dat").write_text("# omega (meV)  a2F\n" + "\n".join(ROWS) + "\n")
    assert run(["sweep", str(many), "-T", "60", *options, "-o", str(tmp_path / "a.csv")]) == 2
    told = capsys.readouterr().err
    of_file = f"a.dat: {phrase.removeprefix('error: --').replace('mu-star', 'mu_star')}"
    assert phrase in told or of_file in told


def test_unknown_subcommand_and_example(capsys):
    refused(capsys, ["repport"], "repport")
    refused(capsys, ["report", "--example", "unobtainium"], "unobtainium", "niobium")


def test_version_and_help(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"jaxelph {jaxelph.__version__}\n"
    assert run(["report", "--help"]) == 0
    assert "--mu-star" in capsys.readouterr().out


def test_temperatures_are_bounded_in_every_command(table, tmp_path, capsys):
    relax = ["--phonon-temperature", "20", "--electron-temperature"]
    axes = ["--over", "coupling=1,2", "--over", "temperature=1e-300,5"]
    peaks = ["--peaks", "15:4:0.7", "--omega", "5:25"]
    for arguments, phrase in (
        (["sweep", table, "-T", "1e30", "-o", tmp_path / "t.csv"], "too high"),
        (["sensitivities", table, "--unit", "meV", "-T", "1e-310"], "too low"),
        (["relax", table, "--unit", "meV", *relax, "1e-300"], "too low"),
        (["relax", table, "--unit", "meV", *relax, "1e200"], "too high"),
        (["map", table, "--unit", "meV", *axes], "too low"),
        (["design", *peaks, "-T", "1e9"], "too high"),
    ):
        refused(capsys, arguments, phrase)


def test_no_arguments_are_a_request_for_help(capsys):
    assert run([]) == 0
    out, err = capsys.readouterr()
    assert "report" in out and err == ""


@pytest.mark.parametrize(
    "name",
    [
        "[bold]m.dat",
        "a$_$b.dat",
        "x" * 249 + ".data",
        "λ" * 125 + ".txt",
        os.fsdecode(b"nb\xff.dat"),
    ],
    ids=["markup", "mathtext", "long", "long in bytes", "not UTF-8"],
)
def test_any_name_that_a_file_can_have(tmp_path, monkeypatch, capsys, name):
    """It is printed as it is, whole, and its results are saved and valid."""
    path = tmp_path / name
    path.write_text("\n".join(ROWS) + "\n")
    monkeypatch.chdir(tmp_path)
    arguments = ["report", name, "--unit", "meV", "-T", "20,40"]
    assert run(arguments) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{as_text(name)}  {as_text(name)} (")
    drawn = [p.name for p in (tmp_path / "jaxelph-report").iterdir()]
    assert drawn == [file_name(as_text(name), ".png")]
    assert run([*arguments, "-o", "out", "--json"]) == 0
    printed = capsys.readouterr().out
    printed.encode()
    assert json.loads(printed)["name"] == as_text(name)
    assert len(list((tmp_path / "out").iterdir())) == 4
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == json.loads(printed)


def test_results_are_printed_whatever_becomes_of_the_files(table, tmp_path, capsys, monkeypatch):
    """A full disk, or standard output that cannot be written, loses one of the two at most."""
    from jaxelph.presentation import files

    arguments = ["report", str(table), "--unit", "meV", "-T", "20,40", "-o", str(tmp_path / "out")]
    with monkeypatch.context() as patched:

        def full(dataset, path):
            raise OSError(28, "No space left on device")

        patched.setattr(files, "write_netcdf", full)
        for more, begins in ((["--json"], "{"), ([], "metal.dat")):
            assert run([*arguments, *more]) == 2
            out, err = capsys.readouterr()
            assert out.startswith(begins) and "margin" in out
            assert (
                err == f"error: {tmp_path / 'out'}: cannot be written (No space left on device).\n"
            )
            assert not (tmp_path / "out").exists()

    def closed(*told):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jaxelph.presentation.terminal.print_json", closed)
    assert run([*arguments, "--json"]) == 2
    assert "standard output cannot be written to (No space" in capsys.readouterr().err
    assert len(list((tmp_path / "out").iterdir())) == 4


@pytest.mark.parametrize("columns", ["40", "0", "1"])
def test_numbers_are_whole_however_narrow_the_terminal(table, capsys, monkeypatch, columns):
    arguments = ["report", str(table), "--unit", "meV", "-T", "20,40", "--no-figure"]
    printed = {}
    for width in ("100", columns):
        monkeypatch.setenv("COLUMNS", width)
        assert run(arguments) == 0
        printed[width] = capsys.readouterr().out
    assert "…" not in printed[columns]

    def numbers(text):
        return [word for word in text.split() if word.replace(".", "").isdigit()]

    assert numbers(printed[columns]) == numbers(printed["100"])


@pytest.mark.parametrize(
    "start",
    [
        ["fit", "PLACE", "--kind", "heat", "--top", "20"],
        ["report", "PLACE", "--unit", "meV"],
        ["columns", "PLACE"],
        ["sensitivities", "PLACE", "-T", "20"],
        ["relax", "PLACE", "--electron-temperature", "20", "--phonon-temperature", "10"],
        ["plot", "PLACE", "-o", "drawn.png"],
    ],
    ids=lambda start: start[0],
)
def test_every_command_names_the_file_that_it_cannot_open(start, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for place in (tmp_path / "none.csv", tmp_path, tmp_path / ("x" * 300)):
        assert run([str(place) if word == "PLACE" else word for word in start]) == 2
        told = capsys.readouterr().err
        assert told.startswith(f"error: {place}: ") and told.count("\n") == 1
        assert "Errno" not in told and told.endswith(".\n")


def test_a_fault_of_the_program_is_a_sentence(table, capsys, monkeypatch):
    def broken(*given, **options):
        raise KeyError("sigma")

    monkeypatch.setattr("jaxelph.reports.report", broken)
    assert run(["report", str(table), "--unit", "meV"]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and told.startswith("error: KeyError: 'sigma'")
    monkeypatch.setenv("JAXELPH_DEBUG", "1")
    with pytest.raises(KeyError):
        run(["report", str(table), "--unit", "meV"])


def test_a_file_keeps_its_name_in_an_error(tmp_path, capsys):
    """Arguments are named as options where `relax` names them, not in what a file is called."""
    path = tmp_path / "phonon_temperature.dat"
    path.write_text("nothing\n")
    given = ["relax", path, "--electron-temperature", "20", "--phonon-temperature", "10"]
    refused(capsys, given, "phonon_temperature.dat")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ["sweep", "FILE", "-T", 20, "-o", "x.csv", "--quantity", "xi", "--quantity=tc"],
            "--quantity",
        ),
        (["report", "FILE", "-T", 20, "--temperatures", 30], "--temperatures"),
        (["report", "FILE", "--figure", "--no-figure"], "--figure"),
        (["fit", "FILE", "--kind", "heat", "--kind", "gap", "--top", 30], "--kind"),
    ],
)
def test_an_option_given_twice_is_refused(capsys, table, options, told):
    """Of two values only the last would count, without a word."""
    refused(capsys, [table if x == "FILE" else x for x in options], told, "twice")


def test_a_flag_may_be_repeated(capsys):
    assert run(["reproduce", "--json", "--json", "no-such"]) == 2
    assert "twice" not in capsys.readouterr().err
