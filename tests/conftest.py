"""Settings for the whole test run."""

import os

# No test opens a window.
os.environ.setdefault("MPLBACKEND", "Agg")

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


@pytest.fixture(scope="session")
def shared():
    """The folder of real files and reference runs, beside the checkout where there is one."""
    from pathlib import Path

    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "a2f").is_dir():
        pytest.skip("the folder of real files is not beside this checkout")
    return folder
