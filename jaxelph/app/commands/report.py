"""`jaxelph report`: from a file to a verdict."""

import importlib
import threading
from pathlib import Path
from typing import Annotated

import typer

from . import columns
from ._inputs import (
    Convention,
    Cutoff,
    Example,
    File,
    Json,
    Layout,
    MuStar,
    MuStarAt,
    OmegaPh,
    Unit,
    parse_temperatures,
    read_spectrum,
    tc_options,
)
from ._outputs import deliver_result, folder_for

# Where the figure goes if nothing is said.
_FOLDER = Path("jaxelph-report")
# What draws and writes the files.
_LATER = (
    "jaxelph.reports.dataset",
    "jaxelph.reports.figure",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_pdf",
    "h5netcdf",
)


def command(
    file: File = None,
    example: Example = None,
    temperatures: Annotated[
        str | None,
        typer.Option(
            "--temperatures", "-T", help="In K: a list 5,10,20 or start:stop:count (equal steps)."
        ),
    ] = None,
    mu_star: MuStar = 0.1,
    omega_ph: OmegaPh = None,
    cutoff: Cutoff = None,
    mu_star_at: MuStarAt = "omega-ph",
    unit: Unit = None,
    column: Annotated[
        str | None,
        typer.Option(help="Which α²F column, counted from 1; all compares them, as `columns`."),
    ] = None,
    layout: Layout = None,
    convention: Convention = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for report.png, .pdf, .nc (NetCDF) and .json."),
    ] = None,
    figure: Annotated[
        bool,
        typer.Option(help="Without --output: save the figure in ./jaxelph-report or not."),
    ] = True,
    json: Json = False,
) -> None:
    """Judge the normal metal's stability and compare with Tc.

    Prints a table and a verdict by three criteria and saves a figure. Energies are in meV,
    temperatures in K, rates in 1/ps.
    """
    from ...presentation.terminal import progress_bar
    from ...reports import report
    from ...reports.tables import print_report

    repulsion = tc_options(mu_star, omega_ph, cutoff, mu_star_at)
    if column is not None and column.strip().lower() == "all":
        if file is None:
            raise ValueError("--column all compares the columns of a file: give one.")
        first = None if temperatures is None else float(parse_temperatures(temperatures)[0])
        columns.command(
            file,
            first,
            **repulsion,
            unit=unit,
            layout=layout,
            convention=convention,
            output=output,
            figure=figure,
            json=json,
        )
        return
    asked = None if temperatures is None else parse_temperatures(temperatures)
    name, spectrum = read_spectrum(
        file, example, unit=unit, column=_number(column), format=layout, convention=convention
    )
    folder = folder_for(output, figure, json, _FOLDER)
    if folder is not None:
        # Their import takes a second, for which this thread would otherwise wait at the end.
        threading.Thread(target=_import, args=(_LATER,)).start()
    with progress_bar(f"examining {name}") as progress:
        found = report(spectrum, asked, name=name, progress=progress, **repulsion)

    deliver_result(found, print_report, name, output=output, folder=folder, json=json)


def _import(names: tuple[str, ...]) -> None:
    for name in names:
        importlib.import_module(name)


def _number(column: str | None) -> int | None:
    try:
        return None if column is None else int(column)
    except ValueError:
        raise ValueError(f"--column {column!r} is neither a number from 1 nor all.") from None
