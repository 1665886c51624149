"""Every benchmark of the project: `python -m benchmarks`, or `--only NAME` for one of them.

Each bench_NAME.py runs in a process of its own, since threads and devices are chosen before
JAX starts. It prints its table and keeps it in benchmarks/tables; benchmarks/RESULTS.md is put
together from those. Where there is a GPU every benchmark runs on the processor and on it.
"""

import argparse
import datetime
import os
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "RESULTS.md"


def scripts() -> dict[str, Path]:
    """The benchmarks by name."""
    return {path.stem.removeprefix("bench_"): path for path in sorted(FOLDER.glob("bench_*.py"))}


def platforms() -> list[str]:
    """JAX_PLATFORMS of what there is here, asked for in a process that does not keep the GPU."""
    ask = "import jax; print(jax.default_backend())"
    answer = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True)
    found = answer.stdout.split()
    return ["cpu"] if answer.returncode or found[-1:] == ["cpu"] else ["cpu", "cuda,cpu"]


def title(path: Path) -> str:
    """The first sentence of a script's docstring."""
    text = path.read_text(encoding="utf-8").split('"""')[1]
    return " ".join(text.split("\n\n")[0].split())


def write_results() -> None:
    """RESULTS.md from the tables that are kept."""
    parts = [
        "# Benchmarks",
        "Written by `python -m benchmarks`; each table states the machine, versions and date of "
        "its own run. Compilation is apart, times are medians, peers ran in the same process.",
    ]
    for name, path in scripts().items():
        kept = [FOLDER / "tables" / f"{name}{suffix}.txt" for suffix in ("", "-gpu")]
        texts = [file.read_text(encoding="utf-8").rstrip() for file in kept if file.exists()]
        if texts:
            parts.append(f"## {name}")
            parts.append(title(path))
            parts += [f"```text\n{text}\n```" for text in texts]
    temporary = RESULTS.with_suffix(".tmp")
    temporary.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    temporary.replace(RESULTS)


def main(arguments: list[str] | None = None) -> int:
    known = scripts()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(known), metavar="NAME")
    parser.add_argument("--list", action="store_true", help="names, nothing else")
    parser.add_argument(
        "--device",
        action="store_true",
        help="on JAX's default device alone, whatever it is: its acceptance first, then all others",
    )
    parser.add_argument("--collect", action="store_true", help="RESULTS.md from kept tables")
    parser.add_argument(
        "--limit", type=float, default=30.0, metavar="MINUTES", help="for each one, 30 by default"
    )
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(known))
        return 0
    failed = []
    available = [] if options.collect else platforms()
    names = options.only or list(known)
    if options.device:
        available, names = available[-1:], sorted(names, key=lambda name: name != "device")
    runs = [(name, platform) for name in names for platform in available]
    for number, (name, platform) in enumerate(runs, 1):
        which = f"{name} on {platform} ({number} of {len(runs)})"
        print(f"\n=== {which}, {datetime.datetime.now():%H:%M} ===", flush=True)
        start = time.perf_counter()
        environment = os.environ | {"JAX_PLATFORMS": platform}
        try:
            done = subprocess.run(
                [sys.executable, str(known[name])], env=environment, timeout=60 * options.limit
            )
            reason = f"exit code {done.returncode}" if done.returncode else ""
        except subprocess.TimeoutExpired:
            reason = f"not finished after {options.limit:g} minutes"
        if reason:  # its table of before stays
            failed.append(f"{name} on {platform}: {reason}")
        told = f", {reason}" if reason else ""
        print(f"=== {name}: {time.perf_counter() - start:.0f} s{told} ===", flush=True)
        write_results()
    write_results()
    print(f"wrote {RESULTS}")
    if failed:
        print(f"failed: {'; '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
