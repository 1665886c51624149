"""`jaxelph columns`: the columns of one file side by side."""

from pathlib import Path
from typing import Annotated

import typer

from ._inputs import Convention, Cutoff, Json, Layout, MuStar, MuStarAt, OmegaPh, Unit, tc_options
from ._outputs import deliver_result, folder_for

# Where the figure goes if nothing is said.
_FOLDER = Path("jaxelph-columns")


def command(
    file: Annotated[Path, typer.Argument(help="α²F(ω) with a column for each smearing.")],
    temperature: Annotated[
        float | None,
        typer.Option(
            "--temperature", "-T", help="Of the margins, in K; Tc of the default column else."
        ),
    ] = None,
    mu_star: MuStar = 0.1,
    omega_ph: OmegaPh = None,
    cutoff: Cutoff = None,
    mu_star_at: MuStarAt = "omega-ph",
    unit: Unit = None,
    layout: Layout = None,
    convention: Convention = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for columns.png, .pdf, .nc and .json."),
    ] = None,
    figure: Annotated[
        bool,
        typer.Option(help="Without --output: save the figure in ./jaxelph-columns or not."),
    ] = True,
    json: Json = False,
) -> None:
    """Compare λ, ω_log, Tc and the margin of every α²F column, to choose one by.

    A code writes a column for each smearing; a result is worth no more than it stays the same
    from one to the next.
    """
    from ...presentation.terminal import progress_bar
    from ...reports.columns import compare_columns
    from ...spectra.readers import read_all_columns
    from ...units import check_kelvin

    if temperature is not None:
        check_kelvin(temperature, "--temperature")
    repulsion = tc_options(mu_star, omega_ph, cutoff, mu_star_at)
    folder = folder_for(output, figure, json, _FOLDER)
    default, columns = read_all_columns(file, unit=unit, format=layout, convention=convention)
    name = file.name or str(file)
    with progress_bar(f"comparing the columns of {name}") as progress:
        found = compare_columns(
            default, columns, temperature, **repulsion, name=name, progress=progress
        )

    deliver_result(found, _print, name, output=output, folder=folder, json=json)


def _print(found) -> None:
    import numpy as np
    from rich.table import Table
    from rich.text import Text

    from ...presentation.terminal import number, print_table, results

    console = results()
    console.print(Text(f"{found.name}  {found.source}"), soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    stated = bool(np.any(np.isfinite(found.stated)))
    heads = ["column", "λ of the\ntable", "λ of the\nfile", "ω_log\nK", "Tc\nK", "margin\n"]
    for head in heads if stated else ["column", "λ", *heads[3:]]:
        table.add_column(head, justify="right", no_wrap=True)
    smeared = bool(np.all(np.isfinite(found.smearing)))
    table.add_column(f"smearing\n{found.smearing_kind}" if smeared else "", overflow="fold")
    values = found.values
    for k, label in enumerate(found.labels):
        row = [number(float(values[key][k])) for key in ("lambda", "omega_log", "Tc", "margin")]
        if stated:
            row.insert(1, number(float(found.stated[k])))
        told = f"{found.smearing[k]:g}" if smeared else label
        told += "  cannot be read" if found.errors[k] else ""
        told += "  by default" if k + 1 == found.default else ""
        red = "red" if values["margin"][k] < 0 else None
        table.add_row(str(k + 1), *row, Text(told), style=red)
    print_table(console, table)
    known = values["lambda"][np.isfinite(values["lambda"])]
    conditions = f"μ* = {found.mu_star:g}, margins at {found.temperature:.4g} K."
    told = f"λ runs from {known.min():.4g} to {known.max():.4g}; {conditions} Choose with --column."
    if len(found.labels) == 1:
        told = f"The file has one column of α²F only; {conditions}"
    console.print(
        told,
        style="dim",
        soft_wrap=True,
    )
