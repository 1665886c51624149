"""A folder that is read-only, a disk that is full: one sentence, exit code 2, nothing lost."""

import contextlib
import pkgutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from helpers import unprivileged

import jaxelph as jx
from jaxelph.app import commands
from jaxelph.app.cli import run
from jaxelph.sweeps import product
from jaxelph.sweeps.screen import screen
from jaxelph.units import KELVIN

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions and limits")
ROWS = "\n".join(f"{w:.3f} {0.3 * np.exp(-(((w - 15) / 5) ** 2)):.6e}" for w in range(1, 31))


@pytest.fixture
def folder():
    """One that everybody may read, with a spectrum in it; `tmp_path` is its owner's alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.dat").write_text(f"# omega [meV]   alpha2F\n{ROWS}\n")
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


def programs(folder, out):
    file = str(folder / "a.dat")
    axes = ["--over", "coupling=1,2", "--over", "temperature=50,60"]
    return {
        "sweep": ["sweep", file, "-T", "60", "--quantity", "lambda", "-o", str(out / "t.csv")],
        "map": ["map", file, *axes, "-o", str(out / "map")],
        "report": ["report", file, "-T", "60", "--output", str(out / "report")],
    }


def one_sentence(capsys, *parts):
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1 and told[0].startswith("error: "), told
    assert all(part in told[0] for part in parts)


@pytest.mark.parametrize("name", ["sweep", "map", "report"])
def test_read_only_folder_is_refused_before_the_work(folder, capsys, monkeypatch, name):
    # The package itself may be out of the reach of `nobody`: its list of commands is taken now,
    # and a first run imports what this one needs.
    modules = list(pkgutil.iter_modules(commands.__path__))
    monkeypatch.setattr(pkgutil, "iter_modules", lambda path: modules)
    assert run(programs(folder, folder / "a.dat")[name]) == 2
    one_sentence(capsys, str(folder), "is a file, not a folder; give another folder")
    with unprivileged():
        code = run(programs(folder, folder)[name])
    assert code == 2
    one_sentence(capsys, str(folder), "cannot be written to; give another folder")
    assert [p.name for p in folder.iterdir()] == ["a.dat"]


def test_store_in_a_read_only_folder_is_refused_before_the_work(folder):
    def function(x):
        return x**2

    with unprivileged(), pytest.raises(OSError, match="cannot be written to; give another folder"):
        jx.sweep(function, product(x=np.arange(3.0)), store=folder / "store")


@pytest.fixture
def little_room():
    """No file may grow beyond so many bytes: what a full disk looks like to a program."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    @contextlib.contextmanager
    def within(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    return within


@pytest.mark.parametrize("ending", ["csv", "nc"])
def test_table_that_does_not_fit(folder, tmp_path, capsys, little_room, ending):
    for k in range(60):
        (tmp_path / f"{'x' * 60}{k}.dat").write_text((folder / "a.dat").read_text())
    out = tmp_path / "out" / f"t.{ending}"
    command = ["sweep", str(tmp_path), "-T", "60", "--quantity", "lambda", "-o", str(out)]
    with little_room(300):  # enough for the journal's first line
        assert run(command) == 2
    one_sentence(capsys, str(out), "finished so far are kept, and the same")
    # All rows are there by now, the table is what does not fit.
    journal = out.with_name(f"{out.name}.partial")
    reading = dict.fromkeys(("unit", "column", "format", "convention"))
    screen(sorted(tmp_path.glob("*.dat")), ["lambda"], 60 * KELVIN, journal=journal, **reading)
    with little_room(300):
        assert run(command) == 2
    told = capsys.readouterr().err
    assert "60 of 60 files were finished before" in told and "Traceback" not in told
    assert f"error: {out.parent}: cannot be written (File too large)." in told
    assert [p.name for p in out.parent.iterdir()] == [journal.name]
    assert run(command) == 0
    assert "60 files, 0 of them failed" in capsys.readouterr().err
    assert [p.name for p in out.parent.iterdir()] == [out.name]
