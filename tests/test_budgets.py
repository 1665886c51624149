"""What batches launch and move on an H100 stays within budgets, by compilation without one."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"


def _load(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def h100(monkeypatch):
    # It sets what JAX reads when it starts, which is for processes of its own: these start without.
    names = ("JAX_PLATFORMS", "JAX_SKIP_CUDA_CONSTRAINTS_CHECK", "EQX_ON_ERROR", "XLA_FLAGS")
    for name in names:
        monkeypatch.setenv(name, "")
    loaded = _load("_h100")
    for name in names:
        monkeypatch.delenv(name)
    return loaded


PROGRAM = """
%body (a: (s64[], f64[10])) -> (s64[], f64[10]) {
  %p = (s64[], f64[10]{0}) parameter(0)
  %x = f64[10]{0} get-tuple-element(%p), index=1
  %y = f64[10]{0} fusion(%x, %x), kind=kLoop, calls=%f
  ROOT %t = (s64[], f64[10]{0}) tuple(%x, %y)
}

%step (a: (s64[], f64[10])) -> (s64[], f64[10]) {
  %p = (s64[], f64[10]{0}) parameter(0)
  %c = (s64[], f64[10]{0}) copy(%p)
  ROOT %w = (s64[], f64[10]{0}) while(%c), condition=%c, body=%body, backend_config={"known_trip_count":{"n":"8"}}
}

ENTRY %main (a: f64[10]) -> f64[10] {
  %a = f64[10]{0} parameter(0)
  %k = f64[10]{0} custom-call(%a), custom_call_target="routine"
  %w = (s64[], f64[10]{0}) while(%k), condition=%c, body=%step
  ROOT %r = f64[10]{0} get-tuple-element(%w), index=1
}
"""  # noqa: E501


def test_loops_of_known_length_are_multiplied_out(h100):
    cost = h100.counted(PROGRAM)
    assert (cost.launches, cost.bytes, cost.calls) == (1, 160, {"routine": 1})
    assert (cost.step_launches, cost.step_bytes) == (1 + 8, 2 * 88 + 8 * 240)


@pytest.mark.slow
def test_budgets_of_an_h100(h100, tmp_path):
    if reason := h100.missing():
        pytest.skip(reason)
    script = "import _common, pathlib, sys; _common.TABLES = pathlib.Path(sys.argv[1])\n"
    script += "import bench_budgets; sys.exit(bench_budgets.main())"
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=FOLDER, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
