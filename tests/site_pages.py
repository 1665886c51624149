"""The blocks of code on the site's pages, and what running them prints.

A page is a story: its blocks run in order in one empty folder, Python in one namespace.

- `python` runs, and a `text` block right after it is what it prints. With a title it is a file
  first, and runs only where the page calls it.
- `sh` runs line by line; a line that begins with `jaxelph` in this process, without a new start.
- a block of another kind with a title is a file; without one it is only shown.
- `<!-- not run: why -->` above a block says so, `<!-- needs: module -->` that it runs where there
  is one.

In what is printed, a line of … stands for any lines, and … within a line for anything.
"""

import contextlib
import dataclasses
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from jaxelph.app import cli

TOP = Path(__file__).parents[1]
DOCS = TOP / "docs"

_BLOCK = re.compile(
    r"(?:^<!-- (?:not run: (?P<reason>.+?)|needs: (?P<module>\w+)) -->\n+)?"
    r"^(?P<indent> *)```(?P<kind>\w+)(?P<options>[^\n]*)\n(?P<body>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
_TITLE = re.compile(r'title="([^"]+)"')
_NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]\d+)?")


@dataclasses.dataclass
class Block:
    """A fenced block of a page; `printed` is where what it prints stands, and that."""

    kind: str
    title: str | None
    reason: str | None
    module: str | None
    body: str
    line: int
    printed: str | None = None


def pages() -> dict[str, Path]:
    """Name of each page that has code to run → its file."""
    found = {str(path.relative_to(DOCS).with_suffix("")): path for path in DOCS.rglob("*.md")}
    return {
        name: path
        for name, path in sorted(found.items())
        if any(block.kind in ("python", "sh") for block in blocks(path))
    }


def blocks(path: Path) -> list[Block]:
    """The blocks of a page in order, output joined to what prints it."""
    text = path.read_text(encoding="utf-8")
    found: list[Block] = []
    end = 0
    for match in _BLOCK.finditer(text):
        indent = match["indent"]
        body = "".join(
            line.removeprefix(indent) for line in match["body"].splitlines(keepends=True)
        )
        title = _TITLE.search(match["options"])
        between = text[end : match.start()]
        end = match.end()
        if match["kind"] == "text" and not title and found and not between.strip():
            found[-1].printed = body
            continue
        line = text.count("\n", 0, match.start()) + 1
        found.append(
            Block(match["kind"], title and title[1], match["reason"], match["module"], body, line)
        )
    return found


def run(path: Path, folder: Path, read) -> None:
    """Run a page in a folder.

    Args:
        read: returns what was printed since it was last called.
    """
    names: dict = {"__name__": "__main__"}
    with contextlib.chdir(folder):
        for block in blocks(path):
            told = f"{path.name}:{block.line}"
            if block.title:
                Path(block.title).parent.mkdir(parents=True, exist_ok=True)
                Path(block.title).write_text(block.body, encoding="utf-8")
            elif block.reason or (block.module and not importlib.util.find_spec(block.module)):
                continue
            elif block.kind == "python":
                exec(compile(block.body, told, "exec"), names)
            elif block.kind == "sh":
                for line in block.body.replace("\\\n", " ").splitlines():
                    _shell(line, told)
            printed = read()
            if block.printed is not None:
                compare(printed, block.printed, told)


def _shell(line: str, told: str) -> None:
    if line.startswith("jaxelph ") and not re.search(r"[|<>;&$]", line):
        code = cli.run(shlex.split(line, comments=True)[1:])
    else:
        programs = Path.cwd() / ".programs"
        programs.mkdir(exist_ok=True)
        program = programs / "jaxelph"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m jaxelph "$@"\n')
        program.chmod(0o755)
        path = os.pathsep.join((str(programs), str(Path(sys.executable).parent)))
        environment = os.environ | {
            "PATH": f"{path}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join((str(TOP), os.environ.get("PYTHONPATH", ""))),
        }
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line],
            env=environment,
            capture_output=True,
            text=True,
        )
        print(done.stdout, end="")
        print(done.stderr, end="", file=sys.stderr)
        code = done.returncode
    assert code == 0, f"{told}: {line!r} ended with {code}"


def compare(printed: str, expected: str, told: str) -> None:
    """What was printed is what the page says, but for the last digits of numbers."""
    lines = [line.rstrip() for line in printed.strip().splitlines()]
    want = [line.rstrip() for line in expected.strip().splitlines()]
    at = 0
    skipping = False
    for line in want:
        if line.strip() == "…":
            skipping = True
            continue
        if skipping:
            while at < len(lines) and not _same(lines[at], line):
                at += 1
            skipping = False
        shown = lines[at] if at < len(lines) else "nothing"
        assert at < len(lines) and _same(lines[at], line), f"{told}: {line!r}, printed is {shown!r}"
        at += 1
    assert skipping or at == len(lines), f"{told}: {lines[at]!r} is printed, too"


def _same(got: str, told: str) -> bool:
    parts = [part for part in re.split("…", told)]
    if len(parts) > 1:
        pattern = ".*".join(re.escape(_blank(part)) for part in parts)
        if not re.fullmatch(pattern, _blank(got)):
            return False
        return True
    if _blank(got) != _blank(told):
        return False
    for one, other in zip(_NUMBER.findall(got), _NUMBER.findall(told), strict=True):
        # Rounding to the digits shown, and what is zero up to the search's tolerance.
        if abs(float(one) - float(other)) > 2e-3 * abs(float(other)) + 1e-6:
            return False
    return True


def _blank(text: str) -> str:
    """A line without its numbers, and with single blanks: columns move with the numbers."""
    return re.sub(r"[\s─]+", " ", _NUMBER.sub("#", text)).strip()
