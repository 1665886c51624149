"""What the benchmarks share: the machine in a line, timing, tables that are printed and kept.

A script sets what XLA and BLAS read from the environment first, then imports this and JAX.
"""

import datetime
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

TABLES = Path(__file__).parent / "tables"


class Timing(NamedTuple):
    """What a function returned, and the seconds of its first call and (median) of the next."""

    result: Any
    first: float
    median: float


def timed(function: Callable, *args, runs: int | None = None, budget: float = 3.0) -> Timing:
    """The first call, which compiles, apart from the median of the later ones.

    Args:
        function: called with `args`; arrays in its result are waited for.
        runs: calls after the first; by default as many as `budget` allows, 1 to 15.
        budget: seconds, judged by the second call.
    """
    import jax

    def call():
        start = time.perf_counter()
        result = jax.block_until_ready(function(*args))
        return result, time.perf_counter() - start

    result, first = call()
    result, second = call()
    if runs is None:
        runs = max(1, min(15, int(budget / max(second, 1e-3))))
    times = [second, *(call()[1] for _ in range(runs - 1))]
    return Timing(result, first, statistics.median(times))


def processor() -> str:
    """The processor's name."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def machine() -> str:
    """Processor, device, versions, date and load: the conditions of a table, in two lines."""
    import jax

    parts = [processor(), f"{os.cpu_count()} cores"]
    device = jax.devices()[0]
    if device.platform != "cpu":
        parts.append(f"{len(jax.devices())} x {device.device_kind}")
    elif len(jax.devices()) > 1:
        parts.append(f"{len(jax.devices())} virtual devices")
    if hasattr(os, "getloadavg"):
        parts.append(f"load {os.getloadavg()[0]:.1f} at the start")
    versions = [f"{name} {metadata.version(name)}" for name in ("jax", "jaxlib", "numpy", "scipy")]
    versions = [f"jaxelph {revision()}", f"Python {platform.python_version()}", *versions]
    versions.append(datetime.date.today().isoformat())
    return f"{', '.join(parts)}\n{', '.join(versions)}"


def revision() -> str:
    """The package's version with the revision of the working tree, where there is one."""
    import jaxelph

    version = jaxelph.__version__
    git = ["git", "-C", str(TABLES.parent.parent)]
    try:
        head = subprocess.run(
            [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True
        )
        changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "jaxelph"]).returncode
    except OSError:
        return version
    if head.returncode:
        return version
    return f"{version} ({head.stdout.strip()}{' with changes' if changed else ''})"


class Table:
    """Lines that are printed at once and written to benchmarks/tables/NAME.txt at the end.

    On a GPU the file is NAME-gpu.txt, so that either kind keeps its last table. The first
    lines are those of `machine`.
    """

    def __init__(self, name: str):
        self.name = name
        self.lines: list[str] = []

    def say(self, line: str = "") -> None:
        """Print a line, or several, and keep them."""
        for text in ([] if self.lines else [machine(), ""]) + [line]:
            print(text, flush=True)
            self.lines.append(text)

    def write(self) -> Path:
        """Replace the kept table by this one."""
        import jax

        suffix = "" if jax.default_backend() == "cpu" else "-gpu"
        TABLES.mkdir(exist_ok=True)
        path = TABLES / f"{self.name}{suffix}.txt"
        path.write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        return path
