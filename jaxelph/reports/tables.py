"""A report as a person reads it in a terminal."""

import numpy as np
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..presentation.plotting import evenly
from ..presentation.terminal import number, print_table, results
from ..stability.critical import CRITERIA
from ..superconductivity.coulomb import describe_repulsion
from ..units import KELVIN, kelvin
from .report import Report
from .verdict import where_unstable

#: Rows of the table by temperature that are printed; files hold them all.
ROWS = 12


def print_report(report: Report, console: Console | None = None) -> None:
    """Tables of the spectrum, Tc and the temperatures, and the verdict."""
    console = console or results()
    name = Text.assemble((report.name or "Spectrum", "bold"), f"  {report.source}")
    console.print(name, soft_wrap=True)

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(justify="left")
    table.add_column(justify="left")
    told = f"{report.coupling:.4f}"
    stated = report.stated_coupling
    if stated is not None and f"{stated:.4f}" != told:
        told += f" of the table, by the trapezoidal rule; λ of the file: {stated:.4f}"
    table.add_row("λ", told)
    table.add_row(
        "ω_log, ω₂",
        f"{report.omega_log / KELVIN:.2f} K, {report.omega_2 / KELVIN:.2f} K   "
        f"(λ⟨ω²⟩ = {report.coupling * report.omega_2**2:.2f} meV²)",
    )
    tc = report.tc
    table.add_row(
        "Tc",
        f"{tc['eliashberg']:.4g} K Eliashberg, {tc['allen_dynes']:.4g} K Allen-Dynes, "
        f"{tc['mcmillan']:.4g} K McMillan",
    )
    table.add_row(
        "",
        describe_repulsion(report.mu_star, report.omega_ph, report.cutoff, report.mu_star_at),
    )
    if np.isfinite(report.gap_ratio):
        table.add_row("2Δ0/Tc", f"{report.gap_ratio:.4f} (3.528 in weak coupling)")
    table.add_row("ξ", f"{report.xi:.4f} at {kelvin(report.xi_temperature)}")
    for name in CRITERIA:
        told = where_unstable(report, name)
        table.add_row("" if name != CRITERIA[0] else "edges", f"{told} ({name} criterion)")
    print_table(console, table)
    console.print()

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 0, 0, 1))
    for head in (
        "T\nK",
        "C_el\nratio",
        "min\nZ₀⁻¹",
        "at E\nmeV",
        "margin\n",
        "λ_c\nweight",
        "λ_c\nheat",
        "λ_c\nkinetic",
        "± grid\n",
        "slowest\n1/ps",
        "two-T\n1/ps",
    ):
        table.add_column(head, justify="right", no_wrap=True)
    count = len(report.temperatures)
    shown = evenly(count, ROWS)
    for i in shown:
        unstable = report.margin[i] < 0
        table.add_row(
            number(report.temperatures[i]),
            f"{report.specific_heat[i]:.3f}",
            f"{report.weight_minimum[i]:.3f}",
            number(report.weight_energy[i], 3),
            f"{report.margin[i]:.3f}",
            *(number(report.critical[name][i], 3) for name in CRITERIA),
            number(report.grid_error[i], 1),
            number(report.slowest_rate[i], 2),
            number(report.two_temperature_rate[i], 2),
            style="red" if unstable else None,
        )
    print_table(console, table)
    note = f"λ_c compares with λ = {report.coupling:.4f}; grid: {report.grid_size[0]} energies"
    note += f", step {report.grid_step[0] / (KELVIN * report.temperatures[0]):.2f} T."
    if len(shown) < count:
        note = f"{len(shown)} of {count} temperatures; files hold them all. " + note
    console.print(note, style="dim", soft_wrap=True)
    console.print()
    stable = not any(report.unstable_windows.values())
    console.print(
        Panel(
            Text.assemble((report.label, "bold"), f"\n{report.verdict}"),
            border_style="green" if stable else "red",
        )
    )
