"""The program in odd surroundings: streams, variables, names; each in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import jaxelph
from jaxelph.app.surroundings import is_program, plain_characters

TOP = str(Path(__file__).resolve().parents[2])
EXAMPLES = [sys.executable, "-m", "jaxelph", "examples"]


def run(command, shell=None, **environment):
    """`environment` comes on top of this one; None takes a variable away."""
    path = os.pathsep.join([TOP, os.environ.get("PYTHONPATH", "")])
    given = {"JAX_PLATFORMS": "cpu", "PYTHONPATH": path, "JAX_COMPILATION_CACHE_DIR": None}
    environment = os.environ | given | environment
    environment = {name: value for name, value in environment.items() if value is not None}
    if shell is not None:  # with its redirections
        command = ["sh", "-c", f'exec "$@" {shell}', "sh", *command]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=300)
    assert b"Traceback" not in done.stderr
    return done


def test_a_platform_that_is_not_there():
    done = run(EXAMPLES, JAX_PLATFORMS="bogus")
    assert done.returncode == 2 and done.stdout == b""
    assert done.stderr.decode().startswith(
        "error: JAX cannot start with JAX_PLATFORMS=bogus: unset"
    )
    assert done.stderr.count(b"\n") == 1


def test_streams_that_are_closed_or_full():
    for shell, code in ((">&-", 0), ("<&- >&- 2>&-", 0), (">/dev/full", 2)):
        if "full" in shell and not os.path.exists("/dev/full"):
            continue
        done = run(EXAMPLES, shell)
        assert done.returncode == code and done.stdout == b""
        assert done.stderr.count(b"\n") == (code != 0)


def test_a_stream_that_is_not_utf8_gets_plain_characters(tmp_path):
    done = run(EXAMPLES[:-1] + ["--help"], PYTHONIOENCODING="ascii", COLUMNS="0")
    assert done.returncode == 0 and b"report" in done.stdout
    name = os.fsdecode("ωñ".encode() + b"\xff.dat")
    rows = "\n".join(f"{w} {0.1 * w * (31 - w) / 100:.6f}" for w in range(1, 31))
    (tmp_path / name).write_text(f"# omega [meV]  alpha2F\n{rows}\n")
    command = [*EXAMPLES[:-1], "sensitivities", str(tmp_path / name), "-T", "20"]
    command += ["--quantities", "lambda", "--no-figure"]  # the least that is compiled
    done = run([*command, "--json"], PYTHONIOENCODING="latin-1", MPLBACKEND="bogus")
    found = json.loads(done.stdout.decode("ascii"))
    assert found["name"] == "ωñ\\xff.dat" and done.returncode == 0
    done = run(command, PYTHONIOENCODING="latin-1", MPLBACKEND="bogus")
    assert "lambda" in done.stdout.decode("latin-1") and done.returncode == 0


def test_plain_characters():
    for text, expected in (
        ("λ⟨ω²⟩ = 3.4 meV², ω_log", "lambda<omega^2> = 3.4 meV^2, omega_log"),
        ("Z₀⁻¹ ≥ ½", "Z0^-1 >= ?"),
        (os.fsdecode(b"nb\xff"), "nb\\xff"),
    ):
        import codecs

        codecs.register_error("plain", plain_characters)
        assert text.encode("ascii", "plain").decode() == expected
    assert os.fsdecode(b"\xe9\xff").encode("utf-8", "plain") == b"\\xe9\\xff"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder with the compiled functions of `examples`."""
    folder = str(tmp_path_factory.mktemp("kept"))
    done = run(EXAMPLES, JAXELPH_CACHE=folder, TF_CPP_MIN_LOG_LEVEL=None)
    assert done.returncode == 0 and done.stderr == b""
    return folder


@pytest.mark.parametrize("level", [None, "1"])
def test_the_log_of_the_compiler_is_not_shown(kept, level):
    # It speaks of functions that are kept. JAX sets 1 in a process that imports it, and so in
    # those that are started from there.
    done = run(EXAMPLES, JAXELPH_CACHE=kept, TF_CPP_MIN_LOG_LEVEL=level)
    assert done.returncode == 0 and done.stderr == b""


def test_the_program_is_known_by_any_name(tmp_path, monkeypatch, kept):
    script = tmp_path / "jaxelph"
    script.write_text("import sys\nfrom jaxelph.app.cli import main\nmain()\n")
    link = tmp_path / "je"
    link.symlink_to(script)
    for argv, orig, expected in (
        ([str(script)], ["python", str(script)], True),
        ([str(link)], ["python", str(link)], True),
        (["-m"], ["python", "-X", "dev", "-m", "jaxelph", "report"], True),
        (["-m"], ["python", "-m", "other", "jaxelph"], False),
        (["-c"], ["python", "-c", "import jaxelph"], False),
        (["notebook.py"], ["python", "notebook.py", "-m", "jaxelph"], False),
        ([""], ["python"], False),
    ):
        monkeypatch.setattr(sys, "argv", argv)
        monkeypatch.setattr(sys, "orig_argv", orig)
        assert is_program() is expected, argv
    # A folder of that name, in which an interactive Python was started, is not the program.
    folder = tmp_path / "there" / "jaxelph"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert not is_program()
    # XLA's log speaks of functions that are kept.
    command = [sys.executable, str(link), "examples"]
    done = run(command, JAXELPH_CACHE=kept, TF_CPP_MIN_LOG_LEVEL=None)
    assert done.returncode == 0 and done.stderr == b""


def test_a_library_leaves_the_process_alone():
    told = run([sys.executable, "-c", "import jaxelph, threading; print(threading.active_count())"])
    assert told.stdout == b"1\n"


def test_the_mode_of_64_bits_is_asked_for(monkeypatch):
    import jax

    metal = jaxelph.example("niobium")
    jax.config.update("jax_enable_x64", False)
    try:
        for compute in (
            lambda: jaxelph.report(metal, [20.0]),
            lambda: jaxelph.sweep(lambda x: x, jaxelph.sweeps.product(x=[1.0])),
            lambda: jaxelph.coupling_constant(metal),
            lambda: jaxelph.transition_temperature(metal),
            lambda: jaxelph.specific_heat_ratio(metal, 1.7),
        ):
            with pytest.raises(ValueError, match="64-bit mode was turned off"):
                compute()
    finally:
        jax.config.update("jax_enable_x64", True)
