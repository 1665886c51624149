"""Type checkers know the results of public functions."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pyright") is None, reason="pyright is not installed")
def test_pyright_knows_what_public_functions_return(tmp_path):
    config = tmp_path / "pyrightconfig.json"
    # What is ignored for a reason must still be an error.
    config.write_text(
        '{"typeCheckingMode": "basic", "reportUnnecessaryTypeIgnoreComment": "error",'
        f' "include": ["{HERE / "typing_fixture.py"}"], "extraPaths": ["{HERE.parent}"]}}'
    )
    run = subprocess.run(
        ["pyright", "--project", str(config)], capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stdout + run.stderr
