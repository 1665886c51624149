"""A screen that was killed goes on, and gives the table of one that was not."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from jaxelph.app.cli import run
from jaxelph.sweeps.journal import Hold
from jaxelph.sweeps.screen import screen

COUNT = 75  # of two lengths: batches of 32, and what is left


def write(path, k):
    omega = np.linspace(1.0, 30.0 + 0.001 * k, (50, 300)[k % 2])
    a2f = 0.3 * np.exp(-(((omega - 15 - 0.05 * k) / 5) ** 2)) + 0.01
    lines = "\n".join(f"{w:.8f} {a:.8e}" for w, a in zip(omega, a2f, strict=True))
    path.write_text(f"# omega [meV]   alpha2F\n{lines}\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spectra")
    for k in range(COUNT):
        write(folder / f"{k:03d}.dat", k)
    (folder / "broken.dat").write_text("1 nonsense\n")
    return folder


def screened(paths, journal, progress=None):
    return screen(paths, ["lambda", "omega-log", "heat"], 10.0, journal=journal, progress=progress)


class Stopped(Exception):
    pass


def stop_after(count):
    def progress(done, total):
        if done >= count:
            raise Stopped

    return progress


def test_stopped_screen_goes_on_with_the_rest(folder, tmp_path):
    paths = sorted(folder.iterdir())
    whole = screened(paths, tmp_path / "whole")
    assert [text != "" for text in whole.error.values] == [False] * COUNT + [True]
    for count in (1, 33, 70):
        journal = tmp_path / f"journal{count}"
        with pytest.raises(Stopped):
            screened(paths, journal, stop_after(count))
        torn = journal.read_bytes()
        journal.write_bytes(torn + torn[-90:-30])  # of a line that was being written
        seen = []
        found = screened(paths, journal, lambda done, total, seen=seen: seen.append(done))
        assert seen[0] >= count - 1 and seen[-1] == COUNT + 1
        xr.testing.assert_identical(found, whole)
        found = screened(paths, journal, lambda done, total, seen=seen: seen.append(done))
        assert seen[-2] == COUNT  # the broken file is tried again
        xr.testing.assert_identical(found, whole)


def test_changed_files_and_damaged_lines_are_done_again(tmp_path):
    paths = [tmp_path / f"{k}.dat" for k in range(40)]
    for k, path in enumerate(paths):
        write(path, 2 * k)
    journal = tmp_path / "journal"
    before = screened(paths, journal)
    write(paths[3], 50)
    paths[5].unlink()
    seen = []
    found = screened(paths, journal, lambda done, total: seen.append(done))
    assert seen[0] == 38
    assert "5.dat" in found.error.values[5]
    changed = [name for name in range(40) if found["lambda"][name] != before["lambda"][name]]
    assert changed == [3, 5]
    np.testing.assert_allclose(found["lambda"][3], found["lambda"][25], rtol=1e-14)
    content = journal.read_bytes().split(b"\n")
    content[1] = content[1].replace(b"0.", b"1.", 1)  # the first batch
    journal.write_bytes(b"\n".join(content))
    screened(paths, journal, lambda done, total: seen.append(done))
    # What the other batches hold, and the file that had changed; the one that is gone is none.
    others = set(re.findall(rb"(\d+)\.dat", b"".join(content[2:]))) - {b"5"}
    assert b"3" in others and seen[seen.index(40) + 1] == len(others) < 39


def test_another_screen_or_file_is_refused(folder, tmp_path):
    paths = sorted(folder.iterdir())[:2]
    journal = tmp_path / "journal"
    screened(paths, journal)
    before = journal.read_bytes()
    with pytest.raises(ValueError, match="unfinished screen with another temperature"):
        screen(paths, ["lambda", "omega-log", "heat"], 6.0, journal=journal)
    with pytest.raises(ValueError, match="with another quantity, unit"):
        screen(paths, ["lambda"], 10.0, journal=journal, unit="meV")
    assert journal.read_bytes() == before
    journal.write_text("dear diary")
    with pytest.raises(ValueError, match="does not hold the rows"):
        screened(paths, journal)
    assert journal.read_text() == "dear diary"


def test_program_removes_its_journal_and_leaves_its_own_files_out(folder, tmp_path, capsys):
    for k in range(3):
        write(tmp_path / f"{k}.dat", k)
    (tmp_path / ".hidden").write_text("")
    options = ["--quantity", "lambda", "-T", "50", "-o", str(tmp_path / "t.csv")]
    for _ in range(2):
        assert run(["sweep", str(tmp_path), *options]) == 0
        assert "3 files, 0 of them failed" in capsys.readouterr().err
    assert not (tmp_path / "t.csv.partial").exists()


def test_one_program_to_a_journal(tmp_path, capsys):
    """A second sweep with the same output is refused by name; the first one's rows stay."""
    write(tmp_path / "a.dat", 0)
    out = tmp_path / "t.csv"
    options = ["--quantity", "lambda", "-T", "50", "-o", str(out)]
    program = (
        "import sys; from jaxelph.sweeps.journal import Hold\n"
        "with Hold(sys.argv[1]) as held:\n"
        "    print('held', flush=True); input(); held.remove()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "t.csv.partial")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
        text=True,
    )
    assert other.stdout.readline() == "held\n"
    assert run(["sweep", str(tmp_path / "a.dat"), *options]) == 2
    told = capsys.readouterr().err
    assert "t.csv.partial: another sweep with this output is at work" in told
    assert (tmp_path / "t.csv.partial").exists()
    other.communicate("\n", timeout=60)
    assert run(["sweep", str(tmp_path / "a.dat"), *options]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.dat", "t.csv"]


def test_a_first_line_that_was_cut_off_is_begun_anew(folder, tmp_path):
    paths = sorted(folder.iterdir())[:2]
    whole = screened(paths, tmp_path / "whole")
    first = (tmp_path / "whole").read_bytes().split(b"\n")[0]
    for length in (0, 9, len(first)):
        journal = tmp_path / f"{length}"
        journal.write_bytes(first[:length])
        xr.testing.assert_identical(screened(paths, journal), whole)
        assert journal.read_bytes() == (tmp_path / "whole").read_bytes()
    with Hold(tmp_path / "unused"):
        pass
    assert not (tmp_path / "unused").exists()


@pytest.mark.slow
def test_program_killed_twenty_times(tmp_path):
    folder = tmp_path / "spectra"
    folder.mkdir()
    for k in range(1000):
        write(folder / f"{k:04d}.dat", k % 200)
    command = [sys.executable, "-m", "jaxelph", "sweep", str(folder), "-T", "50"]
    command += ["--quantity", "lambda,omega-log,heat"]
    top = str(Path(__file__).resolve().parents[2])
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": top}
    environment |= {"JAXELPH_CACHE": str(tmp_path / "cache")}

    def start(out):
        """A process whose first batch is on the disk."""
        process = subprocess.Popen(
            [*command, "-o", str(out)], env=environment, stderr=subprocess.PIPE, text=True
        )
        journal = out.with_name(f"{out.name}.partial")
        limit = time.monotonic() + 300
        while process.poll() is None and time.monotonic() < limit:
            if journal.exists() and journal.stat().st_size > 400:
                break
            time.sleep(0.002)
        return process

    def finish(process, out):
        error = process.communicate(timeout=300)[1]
        assert process.returncode == 0, error
        assert not out.with_name(f"{out.name}.partial").exists()
        return out.read_bytes(), error

    whole = tmp_path / "whole.csv"
    process, began = start(whole), time.monotonic()
    expected, _ = finish(process, whole)
    takes = time.monotonic() - began
    random = np.random.default_rng(2)
    resumed = 0
    for k in range(20):
        out = tmp_path / f"{k}.csv"
        process = start(out)
        time.sleep(random.uniform(0, takes))
        process.kill()
        process.communicate()
        table, error = finish(start(out), out)
        assert table == expected
        resumed += "were finished before" in error
    assert resumed >= 10  # the others had ended by themselves
