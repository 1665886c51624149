"""What a person sees in a terminal: results, messages, progress, numbers, by rich."""

import contextlib
import math
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from .files import as_text

# A terminal narrower than this is told wrong.
_NARROWEST = 20


class _Console(Console):
    """What looks like markup in a name is the name's own; a closed pipe is the caller's."""

    def __init__(self, **options):
        super().__init__(highlight=False, markup=False, **options)
        if self.width < _NARROWEST:
            self.width = 80

    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704  # within rich's own `except`


def results(**options) -> Console:
    """Where results go: standard output. The options are rich's."""
    return _Console(**options)


def messages() -> Console:
    """Where everything goes that is not the result: standard error."""
    return _Console(stderr=True)


def print_table(console: Console, table: Table) -> None:
    """A table with all that is in it: a terminal that is too narrow breaks its lines.

    Example:
        >>> table = Table("T (K)", "margin", box=None, pad_edge=False)
        >>> table.add_row("10.25", "0.1234")
        >>> print_table(Console(width=8), table)
        T (K)  margin
        10.25  0.1234
    """
    wide = console.options.update(max_width=10_000)
    needed = table.__rich_measure__(console, wide).maximum
    width = console.width
    console.width = max(needed, width)  # `print` itself takes no width above the console's
    try:
        console.print(table)
    finally:
        console.width = width


def print_json(text: str) -> None:
    r"""JSON to standard output, escaped where that cannot encode it."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        import json

        text = re.sub(r"[^\x00-\x7f]", lambda found: json.dumps(found[0])[1:-1], text)
    print(text)


def deliver(
    show: Callable[[], object],
    save: Callable[[Path], Iterable[Path]],
    folder: Path | None = None,
) -> None:
    """Print a result, then save it: neither is lost if the other fails.

    Args:
        show: prints to standard output.
        save: writes files into a folder and returns their paths, which standard error is told.
        folder: which one; None if nothing is to be saved.

    Raises:
        OSError: of the one that failed.
    """
    unprinted = None
    try:
        show()
        sys.stdout.flush()
    except OSError as error:
        unprinted = error
    for path in () if folder is None else save(folder):
        say(f"wrote {path}")
    if isinstance(unprinted, BrokenPipeError):
        raise unprinted
    if unprinted is not None:
        told = unprinted.strerror or unprinted
        raise OSError(f"standard output cannot be written to ({told}).") from unprinted


def say(text: str) -> None:
    """One line to standard error, as it stands; an error that cannot be told is no other."""
    with contextlib.suppress(OSError):
        messages().print(as_text(text), soft_wrap=True)


def _one_line(message, category, filename, lineno, file=None, line=None) -> None:
    del filename, lineno, file, line
    if category.__module__.split(".")[0] == "jaxelph":
        say(f"warning: {' '.join(str(message).split())}")


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Within this context the package's warnings are one line each, others are not shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = _one_line
        yield


@contextmanager
def progress_bar(text: str):
    """A bar on standard error, where that is a terminal; yields f(done, total, text=…)."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeRemainingColumn(),
    )
    console = messages()
    disable = not console.is_terminal or bool(os.environ.get("JAXELPH_NO_PROGRESS"))
    with Progress(*columns, console=console, transient=True, disable=disable) as bar:
        task = bar.add_task(text, total=None)

        def show(done, total, text=text):
            bar.update(task, completed=done, total=total, description=text)

        yield show


def number(value, digits: int = 4) -> str:
    """A number as a table shows it: – where undefined, ∞ where infinite."""
    if math.isnan(value):
        return "–"
    return "∞" if math.isinf(value) else f"{value:.{digits}g}"
