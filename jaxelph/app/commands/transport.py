"""`jaxelph transport`: resistivity, heat current and optics of the normal metal."""

from pathlib import Path
from typing import Annotated

import typer

from ._inputs import (
    Column,
    Convention,
    Example,
    File,
    Json,
    Layout,
    Unit,
    parse_temperatures,
    read_spectrum,
)
from ._outputs import deliver_result, folder_for

# Where the figure goes if nothing is said.
_FOLDER = Path("jaxelph-transport")

# Rows of the table that are printed.
_ROWS = 13


def command(
    file: File = None,
    example: Example = None,
    temperatures: Annotated[
        str | None,
        typer.Option(
            "--temperatures", "-T", help="In K: 10,77,300 or start:stop:count, equally spaced."
        ),
    ] = None,
    plasma: Annotated[
        float | None, typer.Option(help="Plasma energy ħω_p in eV; without it ρ·(ħω_p)² is told.")
    ] = None,
    residual: Annotated[
        float, typer.Option(help="Residual resistivity ρ0 in µΩ cm; with --plasma.")
    ] = 0.0,
    saturation: Annotated[
        float | None,
        typer.Option(help="Saturation, a parallel resistivity in µΩ cm; with --plasma."),
    ] = None,
    epsilon_infinity: Annotated[
        float, typer.Option(help="ε_∞ of bound charges, for the reflectivity.")
    ] = 1.0,
    unit: Unit = None,
    column: Column = None,
    layout: Layout = None,
    convention: Convention = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for transport.png, .pdf, .nc, .json and .csv."),
    ] = None,
    figure: Annotated[
        bool, typer.Option(help="Without --output: save the figure in ./jaxelph-transport or not.")
    ] = True,
    json: Json = False,
) -> None:
    """Give the resistivity, the optical scattering rate and the reflectivity.

    From α²_trF of EPW or ABINIT, or α²F in its place: ρ(T) with its T⁵ and linear laws, the
    Lorenz ratio, and over the frequency of light 1/τ, m*/m and R.
    """
    import warnings

    from ...spectra.readers import SpectrumWarning
    from ...transport.properties import transport_properties

    for option, value in (("--plasma", plasma), ("--saturation", saturation)):
        _refuse(option, value, value is None or 0 < value < float("inf"), "positive")
    _refuse("--residual", residual, 0 <= residual < float("inf"), "zero or positive")
    _refuse("--epsilon-infinity", epsilon_infinity, 0 < epsilon_infinity < 1e9, "positive")
    if plasma is None and (residual > 0 or saturation is not None):
        given = "--residual" if residual > 0 else "--saturation"
        raise ValueError(f"{given} needs --plasma: a resistivity in µΩ cm takes ħω_p, in eV.")
    kelvins = None if temperatures is None else parse_temperatures(temperatures)
    folder = folder_for(output, figure, json, _FOLDER)
    with warnings.catch_warnings():
        # That it is α²_trF is what is wanted here.
        warnings.filterwarnings("ignore", ".*transport function", SpectrumWarning)
        name, spectrum = read_spectrum(
            file, example, unit=unit, column=column, format=layout, convention=convention
        )
    found = transport_properties(
        spectrum,
        kelvins,
        plasma=plasma,
        residual=residual,
        saturation=saturation,
        background=epsilon_infinity,
        name=name,
    )
    deliver_result(found, _print, name, output=output, folder=folder, json=json)


def _refuse(option: str, value: float | None, fine: bool, need: str) -> None:
    if not fine:
        raise ValueError(f"{option} must be a {need} number, got {value:g}.")


def _print(found) -> None:
    import numpy as np
    from rich.table import Table
    from rich.text import Text

    from ...presentation.plotting import evenly
    from ...presentation.terminal import number, print_table, results
    from ...transport.properties import per_picosecond
    from ...units import kelvin

    console = results()
    title = Text.assemble((found.name or "Spectrum", "bold"), f"  {found.source}")
    console.print(title, soft_wrap=True)
    transport = found.quantity == "α²_trF"
    meanings = {
        "λ_tr": "2∫α²_trF/ω dω" if transport else "λ of α²F, in place of α²_trF",
        "Θ_BG": "of Bloch and Grüneisen's curve with the same λ and ⟨ω²⟩",
        "ħω_p": "plasma energy",
        "ρ0": "residual resistivity",
    }
    table = Table(show_header=False, box=None, pad_edge=False)
    for _ in range(3):
        table.add_column()
    for told, value, unit in found.numbers():
        if np.isfinite(value) and (told != "ρ0" or value > 0):
            shown = number(value, 5) + ("" if unit == "1" else f" {unit}")
            table.add_row(told, shown, meanings.get(told, ""))
    print_table(console, table)
    console.print()
    has_plasma = bool(np.isfinite(found.plasma))
    table = Table(box=None, pad_edge=False, header_style="bold")
    resistivity = "ρ\nµΩ cm" if has_plasma else "ρ(ħω_p)²\nµΩ cm eV²"
    heads = ["T\nK", "ħ/τ\nmeV", "1/τ\n1/ps", resistivity, "n in Tⁿ\n", "/T⁵ law\n", "/linear\n"]
    heads += ["L/L0\n"] + (["κ\nW/(K m)"] if has_plasma else [])
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    count = len(found.temperatures)
    chosen = evenly(count, _ROWS)
    for k in chosen:
        rate = found.rate[k]
        cells = [number(found.temperatures[k]), number(rate), number(per_picosecond(rate))]
        cells += [number(found.resistivity[k])]
        cells += [f"{found.exponent[k]:.2f}" if np.isfinite(found.exponent[k]) else ""]
        cells += [number(rate / law) for law in (found.fifth_rate[k], found.linear_rate[k])]
        cells += [f"{found.lorenz[k]:.4f}" if np.isfinite(found.lorenz[k]) else ""]
        table.add_row(*cells, *([number(found.heat[k])] if has_plasma else []))
    print_table(console, table)
    console.print()
    table = Table(box=None, pad_edge=False, header_style="bold")
    heads = ["T\nK", "ħΩ\nmeV", "ħ/τ(Ω)\nmeV", "m*/m\n", *(["R\n"] if has_plasma else [])]
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    top = len(found.light) - 1
    for k, t in enumerate(found.shown):
        for i in (0, top // 10, top // 5, top // 2, top):
            cells = [kelvin(float(t))[:-2] if i == 0 else "", number(found.light[i])]
            cells += [number(found.optical[k, i]), f"{found.mass[k, i]:.4f}"]
            table.add_row(*cells, *([f"{found.reflectivity[k, i]:.5f}"] if has_plasma else []))
    print_table(console, table)
    if len(chosen) < count:
        note = f"{len(chosen)} of {count} temperatures; files hold them all."
        console.print(note, style="dim", soft_wrap=True)
    if not has_plasma:
        note = "Divide by (ħω_p in eV)² for ρ in µΩ cm, or give --plasma; R(Ω) takes it, too."
        console.print(note, style="dim", soft_wrap=True)
