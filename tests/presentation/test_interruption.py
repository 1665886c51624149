"""Signals at any time: one line, exit code 130 or 143, no crash, nothing half written."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from jaxelph.presentation import interruption
from jaxelph.presentation.files import write_all

pytestmark = pytest.mark.skipif(
    not os.path.isdir("/proc/self/task"), reason="when a program has begun is seen in /proc"
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with spectra, a pipe that nobody writes to, and a table to be fitted."""
    folder = tmp_path_factory.mktemp("data")
    for k in range(40):
        omega = np.linspace(1.0, 30.0 + k, 100 + 40 * (k % 5))
        a2f = 0.5 * np.exp(-(((omega - 15) / 5) ** 2))
        rows = "\n".join(f"{w:.6f} {a:.6e}" for w, a in zip(omega, a2f, strict=True))
        (folder / f"{k:02d}.dat").write_text(f"# omega [meV]   alpha2F\n{rows}\n")
    T = np.linspace(5, 60, 12)
    rows = "\n".join(f"{t:.3f},{1 + 0.6 * np.exp(-t / 30):.6f},0.01" for t in T)
    (folder / "heat.csv").write_text(f"T_K,C_ratio,sigma\n{rows}\n")
    omega = np.linspace(1.0, 30.0, 100)
    a2f = np.exp(-(((omega - 15) / 5) ** 2))
    rows = "\n".join(
        f"{w:.6f} {0.5 * a:.6e} {0.4 * a:.6e}" for w, a in zip(omega, a2f, strict=True)
    )
    (folder / "columns.dat").write_text(f"# omega [meV]  a2F_1  a2F_2\n{rows}\n")
    os.mkfifo(folder / "pipe")
    return folder


def programs(data):
    """Every subcommand that computes, by its name."""
    axes = ["--over", "coupling=1:5:9", "--over", "temperature=20:90:9"]
    relax = ["--phonon-temperature", "30", "--electron-temperature", "90"]
    pulse = ["--temperature", "300", "--photon-energy", "0.2", "--absorbed", "2"]
    pulse += ["--duration", "0.02", "--states", "1", "--atoms", "1", "--until", "0.2"]
    peaks = ["--peaks", "15:4:0.7", "--omega", "5:25", "--coupling", "0.1:4", "-T", "40"]
    return {
        "report": ["--example", "lead", "-T", "4:40:6"],
        "relax": ["--example", "lead", *relax],
        "map": ["--example", "niobium", *axes],
        "sensitivities": ["--example", "niobium", "-T", "20"],
        "fit": [str(data / "heat.csv"), "--kind", "heat", "--top", "40"],
        "design": [*peaks, "--criterion", "heat,kinetic", "--margins", "0.8"],
        "sweep": [*(str(data / f"{k:02d}.dat") for k in range(40)), "-T", "40"],
        "reproduce": ["table1"],
        "gap": ["--example", "lead"],
        "columns": [str(data / "columns.dat"), "-T", "40"],
        "plan": ["--example", "table1", "--kind", "heat", "--between", "5:60"],
        "pump": ["--example", "table1", *pulse],
        "transport": ["--example", "niobium", "-T", "20:300:8"],
    }


# The program, with the signal heard: a shell starts what runs in its background deaf to it.
HEARD = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, "-m", "jaxelph", *sys.argv[1:]])
"""


def start(name, options, out):
    top = str(Path(__file__).resolve().parents[2])
    environment = os.environ | {
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join([top, os.environ.get("PYTHONPATH", "")]),
    }
    target = out / "table.csv" if name == "sweep" else out
    return subprocess.Popen(
        [sys.executable, "-c", HEARD, name, *options, "-o", str(target)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def begun(process):
    """Wait until the program watches for signals: before that it is Python's own start."""
    while process.poll() is None and len(os.listdir(f"/proc/{process.pid}/task")) < 2:
        time.sleep(0.002)


def interrupted(process, number, out):
    """The program ends in one line and its code, and leaves whole files; whether it was heard."""
    process.send_signal(number)
    sent = time.monotonic()
    printed, told = process.communicate(timeout=120)
    assert "Traceback" not in told and "Fatal" not in told, told
    lines = [line for line in told.splitlines() if line.startswith("interrupted")]
    hidden = [p.name for p in out.rglob(".*")] if out.exists() else []
    assert hidden == []
    if process.returncode == 0:  # it had ended by itself
        assert lines == []
        return False
    assert process.returncode == 128 + number, (process.returncode, printed, told)
    assert len(lines) == 1 and told.endswith(f"{lines[0]}\n"), told
    assert time.monotonic() - sent < 30
    return True


def test_an_interrupt_while_a_pipe_is_waited_for(data, tmp_path):
    for number in (signal.SIGINT, signal.SIGTERM):
        process = start("report", [str(data / "pipe"), "--unit", "meV"], tmp_path / "out")
        begun(process)
        time.sleep(0.5)
        assert interrupted(process, number, tmp_path / "out")
        assert not (tmp_path / "out").exists()


def test_a_signal_that_is_ignored_stays_ignored(data, tmp_path):
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-m", "jaxelph", "examples"],
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    begun(process)
    process.send_signal(signal.SIGINT)
    assert "niobium" in process.communicate(timeout=120)[0]
    assert process.returncode == 0


def test_what_is_unfinished_is_known(tmp_path):
    seen = []

    def write(path):
        seen.extend(interruption._unfinished)
        path.write_text("half")

    write_all(tmp_path / "a" / "b", {"x" * 251 + ".dat": write})
    folder = tmp_path / "a" / "b"
    assert seen[:2] == [folder.parent, folder] and seen[2].parent == folder
    assert interruption._unfinished == []
    assert [len(path.name) for path in folder.iterdir()] == [255]


@pytest.mark.slow
def test_signals_at_random_times(data, tmp_path):
    """30 interrupts and 20 requests to end, over all subcommands."""
    random = np.random.default_rng(7)
    names = list(programs(data))
    takes = {}
    for name, options in programs(data).items():
        process = start(name, options, tmp_path / name)
        begun(process)
        began = time.monotonic()
        told = process.communicate(timeout=600)[1]
        assert process.returncode == 0, told
        takes[name] = time.monotonic() - began
    heard = 0
    for k, number in enumerate(30 * [signal.SIGINT] + 20 * [signal.SIGTERM]):
        name = names[k % len(names)]
        out = tmp_path / f"{name}-{k}"
        process = start(name, programs(data)[name], out)
        begun(process)
        time.sleep(random.uniform(0, takes[name]))
        heard += interrupted(process, number, out)
    assert heard >= 25  # the others had ended by themselves
