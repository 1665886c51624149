"""`jaxelph gap`: what lies below Tc."""

from pathlib import Path
from typing import Annotated

import typer

from ._inputs import (
    Column,
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
_FOLDER = Path("jaxelph-gap")

# Rows of the table that are printed.
_ROWS = 13


def command(
    file: File = None,
    example: Example = None,
    temperatures: Annotated[
        str | None,
        typer.Option(
            "--temperatures", "-T", help="Of the curves, in K: 2,4,6 or start:stop:count."
        ),
    ] = None,
    mu_star: MuStar = 0.1,
    omega_ph: OmegaPh = None,
    cutoff: Cutoff = None,
    mu_star_at: MuStarAt = "omega-ph",
    density_of_states: Annotated[
        float | None,
        typer.Option(help="States per eV, spin and cell, for fields in tesla; with --volume."),
    ] = None,
    volume: Annotated[float | None, typer.Option(help="Of the cell, in Å³.")] = None,
    real_axis: Annotated[
        bool,
        typer.Option(help="Continue to real energies, for N(E), or not; without it is faster."),
    ] = True,
    unit: Unit = None,
    column: Column = None,
    layout: Layout = None,
    convention: Convention = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for gap.png, .pdf, .nc (NetCDF) and .json."),
    ] = None,
    figure: Annotated[
        bool, typer.Option(help="Without --output: save the figure in ./jaxelph-gap or not.")
    ] = True,
    json: Json = False,
) -> None:
    """Give the gap, the specific heat and the critical field below Tc.

    From the isotropic Eliashberg equations: Tc, the gap's edge Δ0 and 2Δ0/Tc, the jump of the
    specific heat, the thermodynamic critical field and the isotope coefficient, and curves of
    Δ, C_S, C_N and H_c over the temperature and of the density of states N(E).
    """
    from ...presentation.terminal import progress_bar
    from ...superconductivity.superconductor import superconductor

    repulsion = tc_options(mu_star, omega_ph, cutoff, mu_star_at)
    kelvins = None if temperatures is None else parse_temperatures(temperatures)
    per_volume = _per_volume(density_of_states, volume)
    folder = folder_for(output, figure, json, _FOLDER)
    name, spectrum = read_spectrum(
        file, example, unit=unit, column=column, format=layout, convention=convention
    )
    with progress_bar(f"below Tc of {name}") as progress:
        found = superconductor(
            spectrum,
            kelvins,
            **repulsion,
            dos=per_volume,
            real_axis=real_axis,
            name=name,
            progress=progress,
        )

    deliver_result(found, _print, name, output=output, folder=folder, json=json)


def _per_volume(density_of_states, volume) -> float | None:
    """States per meV, spin and Å³."""
    if density_of_states is None and volume is None:
        return None
    if density_of_states is None or volume is None:
        given, missing = "--density-of-states", "--volume"
        if density_of_states is None:
            given, missing = missing, given
        raise ValueError(f"{given} needs {missing}: a field in tesla takes both.")
    for option, value in (("--density-of-states", density_of_states), ("--volume", volume)):
        if not 0 < value < float("inf"):
            raise ValueError(f"{option} must be a positive number, got {value:g}.")
    return 1e-3 * density_of_states / volume


def _print(found) -> None:
    import numpy as np
    from rich.table import Table
    from rich.text import Text

    from ...presentation.plotting import evenly
    from ...presentation.terminal import number, print_table, results
    from ...superconductivity.coulomb import describe_repulsion

    console = results()
    name = Text.assemble((found.name or "Spectrum", "bold"), f"  {found.source}")
    console.print(name, soft_wrap=True)
    meanings = {
        "Tc": describe_repulsion(found.mu_star, found.omega_ph, found.cutoff, found.mu_star_at),
        "Δ0": "edge of the gap at Tc/10",
        "2Δ0/Tc": "3.528 in weak coupling",
        "ΔC/γ0Tc": "1.426 in weak coupling; γ0 = (2π²/3)ν0(1+λ)",
        "ΔC/C_N(Tc)": "over the normal metal's own specific heat",
        "γ0Tc²/Hc(0)²": "0.1682 in weak coupling",
        "h_c(0)": "Hc(0)/(Tc |dHc/dT|), 0.576 in weak coupling",
        "Hc(0)": "thermodynamic critical field",
        "β": "isotope coefficient, -d ln Tc/d ln M",
    }
    table = Table(show_header=False, box=None, pad_edge=False)
    for _ in range(3):
        table.add_column()
    for told, value, unit in found.numbers():
        if np.isfinite(value):
            shown = number(value, 5) + ("" if unit == "1" else f" {unit}")
            table.add_row(told, shown, meanings.get(told, ""))
    print_table(console, table)
    console.print()
    if found.tc == 0:
        told = f"No superconductivity: μ* = {found.mu_star:g} leaves no attraction."
        console.print(told, soft_wrap=True)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    heads = (
        "T\nK",
        "Δ(iπT)\nmeV",
        "Δ0(T)\nmeV",
        "C_S\n/γ0Tc",
        "C_N\n/γ0Tc",
        "Hc(T)\n/Hc(0)",
        "D\n",
    )
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    count = len(found.temperatures)
    shown = evenly(count, _ROWS)
    for k in shown:
        edge = found.edge[k]
        table.add_row(
            number(found.temperatures[k]),
            number(found.leading_gap[k]),
            number(edge) if np.isfinite(edge) else "",
            f"{found.heat[k]:z.4f}",
            f"{found.normal_heat[k]:z.4f}",
            f"{found.reduced_field[k]:z.4f}",
            f"{found.deviation[k]:z.4f}",
        )
    print_table(console, table)
    if len(shown) < count:
        note = f"{len(shown)} of {count} temperatures; files hold them all."
        console.print(note, style="dim", soft_wrap=True)
