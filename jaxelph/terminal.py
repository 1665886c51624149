"""What a person sees in a terminal: messages, progress, numbers, by rich."""

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


def messages() -> Console:
    """Where everything goes that is not the result: standard error."""
    return Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """One line to standard error, as it stands."""
    messages().print(text, markup=False, soft_wrap=True)


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
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
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
