"""`jaxelph reproduce`: the paper's results beside the published numbers."""

from pathlib import Path
from typing import Annotated

import typer

from ._inputs import Json

_FOLDER = Path("jaxelph-reproduce")


def command(
    what: Annotated[
        str,
        typer.Argument(
            help="all, or one of: table1, fig-main-1, fig-main-2, fig-supp-1, fig-supp-2, "
            "specific-heat, allen, electron-electron, strong-coupling, convergence."
        ),
    ] = "all",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for .png, .pdf, .nc (NetCDF) and .json."),
    ] = None,
    json: Json = False,
) -> None:
    """Compute the paper's tables and figures again, beside what is printed.

    Each prints a table (published, ours, difference) and saves a figure.
    """
    from ..files import check_folder, write_all
    from ..reproduce import NAMES, reproduce
    from ..terminal import progress_bar, say

    if what != "all" and what not in NAMES:
        raise ValueError(f"{what!r} is not one of the results: {', '.join(NAMES)}, or all.")
    if output is not None or not json:
        check_folder(output or _FOLDER)
    chosen = NAMES if what == "all" else (what,)
    found = []
    for k, name in enumerate(chosen):
        with progress_bar(f"{name} ({k + 1} of {len(chosen)})") as progress:
            found.append(reproduce(name, progress))
        if not json:
            found[-1].print()
    if json:
        documents = [one.to_json() for one in found]
        print(documents[0] if what != "all" else "[\n" + ",\n".join(documents) + "\n]")
    writers = {}
    for one in found:
        if output is not None:
            writers |= one.writers()
        elif not json:
            writers[f"{one.name}.png"] = one.writers()[f"{one.name}.png"]
    if writers:
        for path in write_all(output or _FOLDER, writers).values():
            say(f"wrote {path}")
