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
            "specific-heat, allen, electron-electron, strong-coupling, convergence, pairing, "
            "transport, phonons.",
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
    from ...presentation.files import check_folder, json_text, write_all
    from ...presentation.terminal import deliver, print_json, progress_bar
    from ...reproduce import NAMES, reproduce

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

    def show():
        if json and what == "all":
            print_json(json_text({one.name: one.to_dict() for one in found}))
        elif json:
            print_json(found[0].to_json())

    def save(folder):
        writers = {}
        for one in found:
            own = one.writers()
            writers |= own if output is not None else {f"{one.name}.png": own[f"{one.name}.png"]}
        return write_all(folder, writers).values()

    deliver(show, save, output or (None if json else _FOLDER))
