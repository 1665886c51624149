"""What the program says: names of options, completion, --verbose, tables without idle rows."""

import importlib
import pkgutil

import jax
import numpy as np
import pytest

import jaxelph as jx
from jaxelph.app import cli, commands
from jaxelph.app.cli import run
from jaxelph.app.commands import design
from jaxelph.inverse.design.output import design_dataset
from jaxelph.inverse.design.result import Design
from jaxelph.units import KELVIN

NAMES = [one.name for one in pkgutil.iter_modules(commands.__path__) if one.name[0] != "_"]


def options(name):
    """Of a command: every spelling → the option's name."""
    command = cli.typer.main.get_command(cli.app).get_command(None, name)
    return {text: one.name for one in command.params for text in one.opts if text[0] == "-"}


@pytest.mark.parametrize("name", NAMES)
def test_one_name_for_one_thing(name):
    told = options(name)
    if "--temperature" in told or "--temperatures" in told or "--phonon-temperature" in told:
        assert "temperature" in told["-T"]
    assert (
        ("--quantity" in told) == ("--quantities" in told) == (name in ("sweep", "sensitivities"))
    )
    if "--output" in told:
        assert told["-o"] == "output"
    assert "--verbose" in told and "--help" not in told


def test_quantities_have_the_same_names_everywhere():
    function = importlib.import_module("jaxelph.inverse.sensitivities.derivatives")
    help_text = (
        commands.__path__
        and importlib.import_module("jaxelph.app.commands._inputs").Quantities.__metadata__[0].help
    )
    for name in ("sweep", "sensitivities"):
        command = cli.typer.main.get_command(cli.app).get_command(None, name)
        (one,) = (p for p in command.params if p.name == "quantity")
        assert one.help == help_text
    for name in function.QUANTITIES:
        if name != "omega-ph" and not name.startswith("lambda-c-"):
            assert f"{name}," in help_text or f"{name}." in help_text, name
    with pytest.raises(ValueError, match="'nope' is not known; use one of .* lambda-c"):
        jx.sensitivities(jx.EinsteinModes([10.0], [1.0]), 20.0, ["lambda_c", "nope"])


def test_completion(monkeypatch, capsys):
    """What a shell asks for by a variable: subcommands, and options of one of them."""
    for words, expected in (
        ("jaxelph re", {"relax", "report", "reproduce"}),
        ("jaxelph report --mu", {"--mu-star", "--mu-star-at"}),
    ):
        monkeypatch.setenv("_JAXELPH_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
        assert run([]) == 0
        assert set(capsys.readouterr().out.split()) == expected
    monkeypatch.delenv("_JAXELPH_COMPLETE")
    # The shell is looked for among the processes above, and tests may run under none.
    monkeypatch.setattr("shellingham.detect_shell", lambda *_: ("bash", "/bin/bash"))
    assert run(["--show-completion"]) == 0
    assert "_JAXELPH_COMPLETE" in capsys.readouterr().out


def test_verbose_tells_of_grids_and_compiling(capsys):
    command = ["sensitivities", "--example", "table1", "-T", "151", "--quantity", "heat"]
    command += ["--no-figure"]
    jax.clear_caches()
    assert run([*command, "--verbose"]) == 0
    out, err = capsys.readouterr()
    assert "C_el ratio" in out and "compiled" not in out
    lines = err.splitlines()
    assert any(line.startswith("grid: ") and " energies up to " in line for line in lines)
    assert "functions compiled in" in lines[-1] and len(set(lines)) == len(lines)
    assert run(command) == 0  # and is quiet again
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_what_is_infinite_is_most_sensitive_nowhere(tmp_path, monkeypatch, capsys):
    """No λ makes C_el of this metal negative at 20 K: a dash, and words in the figure."""
    monkeypatch.chdir(tmp_path)
    command = ["sensitivities", "--example", "niobium", "-T", "20"]
    assert run([*command, "--quantity", "lambda-c-heat,heat"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    infinite, finite = rows[1], rows[2]
    assert infinite[2:] == ["∞", "1", "–", "–", "–"] and finite[-1] == "meV"
    # As report does: a figure of the metal's name in a folder of its own.
    assert [str(p) for p in tmp_path.rglob("*.*")] == [
        str(tmp_path / "jaxelph-sensitivities" / "niobium.png")
    ]
    metal, kelvin = jx.example("niobium"), 20 * KELVIN
    figure = jx.sensitivities(metal, kelvin, ["lambda-c-heat", "heat"]).plot()
    assert len(figure.axes) == 2
    assert r"$\lambda_c$ (heat) is infinite" in figure.get_supxlabel()


def test_where_a_slope_is_largest_is_no_edge_of_a_window(capsys):
    """δλ/δα²F = 2/ω grows down to ω = 0; -(2/ω) g(ω/2πT) is extreme at ω = 6.3 T."""
    command = ["sensitivities", "--example", "niobium", "-T", "2", "--no-figure"]
    assert run([*command, "--quantity", "lambda,heat"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[1][-3:] == ["ω", "→", "0"]
    omega = np.geomspace(1e-3, 40.0, 20000)
    slope = 2 / omega * jx.special.heat_function(omega / (2 * np.pi * 2 * KELVIN))
    there = omega[np.argmax(np.abs(slope))]
    assert there < 2.0 and abs(float(rows[2][-2]) - there) < 0.2  # the frequencies' own step


def test_rows_that_are_alike_are_one(capsys):
    spectrum = jx.GaussianPeaks([10.0], [1.0], [0.5])
    asked = np.array([0.1, 0.2, 0.4, 0.8])
    row = [Design(spectrum, 9.0 * KELVIN, 0.6, {"coupling": 0.5}, 0.0, 3)] * 3
    row.append(Design(spectrum.scaled(0.9), 7.0 * KELVIN, 0.8, {"stability": 0.5}, 0.0, 3))
    data = design_dataset({"heat": row}, asked, 60.0, 0.1)
    repulsion = {"mu_star": 0.1, "omega_ph": None, "cutoff": None, "mu_star_at": "omega-ph"}
    design._show({"heat": row}, data, asked, 60.0, repulsion, False)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[1:3]]
    assert lines[0][:5] == ["heat", "0.1", "…", "0.4", "0.6"]
    assert lines[1][:3] == ["heat", "0.8", "0.8"]
