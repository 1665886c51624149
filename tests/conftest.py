"""Settings for the whole test run."""

import gc
import mmap
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# No test opens a window.
os.environ.setdefault("MPLBACKEND", "Agg")
# Tests run beside each other, and threads of BLAS that wait for a core spin: twenty times the work.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
# XLA has a line of two thousand characters for every compiled function that was kept.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax  # noqa: E402
import pytest  # noqa: E402

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")


# A test runs most of its functions once, on small arrays: nearly all of its time is the compiler's.
# Without LLVM's optimisations and the emitters made of MLIR it needs a sixth of that. The slow
# tests are compiled as a user's program is, and so is all of it where XLA_FLAGS says so, be it
# with an empty one.
QUICK = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": "false",
    # One module a function: what is split is compiled by threads that have no cores here.
    "xla_cpu_parallel_codegen_split_count": 1,
}


def _quick_flags():
    """Those of `QUICK` that this version of XLA takes: an unknown one ends the process."""

    def starts(flags):
        environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
        ask = [sys.executable, "-c", "import jax; jax.devices()"]
        return subprocess.run(ask, env=environment, capture_output=True).returncode == 0

    flags = [f"--{name}={value}" for name, value in QUICK.items()]
    return " ".join(flags if starts(" ".join(flags)) else filter(starts, flags))


# A run keeps about a gigabyte; functions that have changed since leave theirs behind.
KEPT = 3e9


def _kept_folder(config):
    """In pytest's own cache, which `--cache-clear` empties, or for this run where it has none."""
    if getattr(config, "cache", None) is None:
        folder = Path(tempfile.mkdtemp(prefix="jaxelph-tests-"))
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        return folder
    folder = config.cache.mkdir("compiled")
    if sum(file.stat().st_size for file in folder.iterdir()) > KEPT:
        shutil.rmtree(folder)
        folder.mkdir()
    return folder


def pytest_addoption(parser):
    parser.addoption(
        "--typecheck",
        action="store_true",
        help="check shapes and types of every call into the package against its annotations",
    )


def pytest_configure(config):
    if config.getoption("--typecheck"):
        from jaxtyping import install_import_hook

        install_import_hook("jaxelph", "beartype.beartype")
    # Workers have these variables from the process that starts them, programs from theirs.
    if "XLA_FLAGS" not in os.environ and config.option.markexpr == "not slow":
        os.environ["XLA_FLAGS"] = _quick_flags()
    # Workers and the programs that tests start share what they compile, find it again after
    # `_forget_compiled_functions`, and the next run does.
    if "JAXELPH_CACHE" not in os.environ:
        os.environ["JAXELPH_CACHE"] = str(_kept_folder(config))
    from jaxelph.app.compilation_cache import keep_compiled_functions

    keep_compiled_functions()


@pytest.fixture(scope="session")
def shared():
    """The folder of real files and reference runs, beside the checkout where there is one."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "a2f").is_dir():
        pytest.skip("the folder of real files is not beside this checkout")
    return folder


# Every compiled function takes some mappings of memory, of which Linux allows a process 65,530;
# beyond that LLVM crashes. A run of all tests compiles more than fit, and keeps more than a machine
# with a process for each core has memory for.
MAPPINGS, RESIDENT = 20_000, 3e9


def _is_full():
    process = Path("/proc/self")
    if not (process / "maps").exists():
        return False
    pages = int((process / "statm").read_text().split()[1])
    mappings = (process / "maps").read_bytes().count(b"\n")
    return mappings > MAPPINGS or pages * mmap.PAGESIZE > RESIDENT


@pytest.fixture(autouse=True, scope="module")
def _forget_compiled_functions():
    yield
    if _is_full():
        jax.clear_caches()
        gc.collect()
