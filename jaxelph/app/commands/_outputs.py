"""What several subcommands do with a result: print it, and save a figure or all of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any


def folder_for(output: Path | None, figure: bool, json: bool, default: Path) -> Path | None:
    """Where files go, looked at before anything is computed; None if nothing is written.

    Args:
        output: what --output says.
        figure: whether a figure is wanted without it.
        json: whether JSON is printed, and then no figure by itself.
        default: the folder of that figure.

    Example:
        >>> folder_for(None, True, True, Path("jaxelph-gap")) is None
        True
    """
    from ...presentation.files import check_folder

    folder = default if output is None and figure and not json else output
    if folder is not None:
        check_folder(folder)
    return folder


def deliver_result(
    found: Any,
    printed: Callable[[Any], object],
    name: str,
    *,
    output: Path | None,
    folder: Path | None,
    json: bool,
) -> None:
    """Print a result, and save all of it in --output, or its figure in the default folder.

    Args:
        found: with `to_json`, `plot` and `save`.
        printed: prints it for people.
        name: of the metal, after which the figure is called.
        output: what --output says.
        folder: of `folder_for`.
        json: whether JSON is printed instead.
    """
    from ...presentation.files import file_name, write_all
    from ...presentation.terminal import deliver, print_json

    def show():
        if json:
            print_json(found.to_json())
        else:
            printed(found)

    def save(folder):
        if output is not None:
            return found.save(folder).values()
        return write_all(folder, {file_name(name, ".png"): found.plot().savefig}).values()

    deliver(show, save, folder)
