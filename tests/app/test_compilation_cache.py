"""The program keeps compiled functions; a folder that cannot be used is no error."""

import os
import subprocess
import sys

import pytest

from jaxelph.app.compilation_cache import cache_folder


def run(home, *arguments, **environment):
    environment = os.environ | {"HOME": str(home), "JAX_PLATFORMS": "cpu"} | environment
    for name in ("XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR", "TF_CPP_MIN_LOG_LEVEL"):
        if name not in environment or name == "TF_CPP_MIN_LOG_LEVEL":
            environment.pop(name, None)
    command = [sys.executable, "-m", "jaxelph", *(arguments or ["examples"])]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def files(folder):
    """What is kept: by JAX's cache, and whole programs."""
    names = (path.name for path in folder.rglob("*"))
    return sorted(name for name in names if name.endswith(("-cache", ".program")))


@pytest.mark.skipif(sys.platform == "win32", reason="the folder is LOCALAPPDATA there")
def test_variables_choose_the_folder(tmp_path):
    assert cache_folder({"JAXELPH_CACHE": "0"}) is None
    assert cache_folder({"JAXELPH_CACHE": str(tmp_path)}).parent == tmp_path
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}).parent == tmp_path / "jaxelph"


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    done = run(tmp_path, JAXELPH_CACHE=str(tmp_path / "file" / "cache"))
    assert done.returncode == 0 and done.stderr == ""


def test_second_run_finds_what_the_first_compiled(tmp_path):
    first = run(tmp_path, JAXELPH_CACHE=str(tmp_path / "kept"))
    kept = files(tmp_path / "kept")
    second = run(tmp_path, JAXELPH_CACHE=str(tmp_path / "kept"))
    again = files(tmp_path / "kept")
    assert first.returncode == second.returncode == 0
    assert first.stdout == second.stdout and "niobium" in first.stdout
    assert kept and kept == again
    # XLA's warnings about kept functions must not reach a person.
    assert second.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize("command", ["report", "gap"])
def test_nothing_is_compiled_twice_whatever_the_number_of_threads(tmp_path, command):
    """What is compiled holds no digit that depends on how many threads of BLAS there were."""
    told = ["--example", "niobium", "--no-figure", "--json"]
    told += ["--no-real-axis"] if command == "gap" else ["--temperatures", "20,40"]
    answers, kept = [], []
    for threads in "1", "2":
        done = run(
            tmp_path,
            command,
            *told,
            JAXELPH_CACHE=str(tmp_path / "kept"),
            OPENBLAS_NUM_THREADS=threads,
        )
        assert done.returncode == 0, done.stderr
        answers.append(done.stdout)
        kept.append(files(tmp_path / "kept"))
    assert answers[0] == answers[1]
    assert kept[0] == kept[1]
