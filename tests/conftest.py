"""Settings for the whole test run."""

import gc
import os
import shutil
import tempfile
from pathlib import Path

# No test opens a window.
os.environ.setdefault("MPLBACKEND", "Agg")
# Tests run beside each other, and threads of BLAS that wait for a core spin: twenty times the work.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import jax  # noqa: E402
import pytest  # noqa: E402

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")


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
    # Programs that tests start share what they compile. Workers have it from the process that
    # starts them.
    if "JAXELPH_CACHE" not in os.environ:
        os.environ["JAXELPH_CACHE"] = tempfile.mkdtemp(prefix="jaxelph-tests-")
        config.add_cleanup(lambda: shutil.rmtree(os.environ["JAXELPH_CACHE"], ignore_errors=True))


@pytest.fixture(scope="session")
def shared():
    """The folder of real files and reference runs, beside the checkout where there is one."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "a2f").is_dir():
        pytest.skip("the folder of real files is not beside this checkout")
    return folder


# Every compiled function takes some mappings of memory, of which Linux allows a process 65,530;
# beyond that LLVM crashes. A run of all tests compiles more than fit.
MAPPINGS = 20_000


@pytest.fixture(autouse=True, scope="module")
def _forget_compiled_functions():
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > MAPPINGS:
        jax.clear_caches()
        gc.collect()
