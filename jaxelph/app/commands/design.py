"""`jaxelph design`: the largest Tc that a stability bound allows."""

from pathlib import Path
from typing import Annotated

import typer

from ._inputs import (
    Cutoff,
    Json,
    MuStar,
    MuStarAt,
    OmegaPh,
    check_temperature,
    parse_values,
    tc_options,
)

# How much the kinetic margin may move on a grid of half the step, and how often that is taken.
_GRID_ERROR, _REFINEMENTS = 2e-3, 2


def command(
    peaks: Annotated[
        str, typer.Option(help="Gaussian peaks to start from: ω:width:λ,… in meV; w/ω is kept.")
    ],
    temperature: Annotated[
        float, typer.Option("--temperature", "-T", help="In K, where stability is asked for.")
    ],
    omega: Annotated[str, typer.Option(help="Least:largest frequency of each peak in meV.")],
    margins: Annotated[
        str, typer.Option(help="Least margins: start:stop:count, or a list with commas.")
    ] = "0.8:0.05:6",
    criterion: Annotated[
        str, typer.Option(help="weight, heat, kinetic, or several with commas.")
    ] = "weight,heat,kinetic",
    coupling: Annotated[str | None, typer.Option(help="Least:largest total λ.")] = None,
    area: Annotated[str | None, typer.Option(help="Least:largest ∫α²F dω in meV.")] = None,
    mu_star: MuStar = 0.1,
    omega_ph: OmegaPh = None,
    cutoff: Cutoff = None,
    mu_star_at: MuStarAt = "omega-ph",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for design.png, .pdf and .nc.")
    ] = None,
    json: Json = False,
) -> None:
    """Find the peaks of the largest Tc for which the normal metal stays stable by a margin.

    One line for each least margin: a trade-off between Tc and stability.
    """
    import numpy as np

    from ...grids.energies import EnergyGrid
    from ...inverse.data.table import parse_peaks
    from ...inverse.design.bound import StabilityBound
    from ...inverse.design.figure import design_figure
    from ...inverse.design.optimum import trade_off
    from ...inverse.design.output import design_dataset
    from ...inverse.design.result import DesignError
    from ...presentation.files import check_folder, result_writers, write_all
    from ...presentation.terminal import deliver, progress_bar
    from ...spectra.spectrum import EinsteinModes
    from ...stability.critical import CRITERIA, Criterion
    from ...units import KELVIN

    repulsion = tc_options(mu_star, omega_ph, cutoff, mu_star_at)
    names: list[Criterion] = []
    for name in (part.strip() for part in criterion.split(",") if part.strip()):
        if name not in CRITERIA:
            raise ValueError(f"--criterion {name!r} is not known; use {', '.join(CRITERIA)}.")
        names.append(name)
    if not names or len(set(names)) < len(names):
        raise ValueError("--criterion: name each of them once.")
    check_temperature(temperature, "--temperature")
    start, wanted = parse_peaks(peaks), parse_values(margins, "--margins", "margin")
    band = _pair("--omega", omega)
    coupling_range = None if coupling is None else _pair("--coupling", coupling)
    area_range = None if area is None else _pair("--area", area)
    if output is not None:
        check_folder(output)
    at = temperature * KELVIN
    # Wide enough for the highest peak that is allowed, four widths above its middle.
    top = band[1] * (1 + 4 * float(np.max(np.asarray(start.width) / np.asarray(start.omega))))
    grid = EnergyGrid.suggest(EinsteinModes([top], [1.0]), at)
    curves = {}

    def traded(name, grid):
        return trade_off(
            start,
            StabilityBound(name, at, grid=grid if name == "kinetic" else None),
            wanted,
            omega=band,
            **repulsion,
            progress=lambda done, count: bar(done, count, f"designing, {name}"),
            coupling=coupling_range,
            area=area_range,
        )

    with progress_bar("designing") as bar:
        for name in names:
            row = traded(name, grid)
            # A margin that moves with the grid would be kept on this grid alone.
            for _ in range(_REFINEMENTS):
                if max(one.grid_error for one in row) < _GRID_ERROR:
                    break
                grid = EnergyGrid(grid.step / 2, 2 * grid.size)
                row = traded(name, grid)
            worst = max(one.grid_error for one in row)
            if not worst < _GRID_ERROR:
                raise DesignError(
                    f"the kinetic margin still moves by {worst:.2g} when the grid is halved: such "
                    "narrow peaks have none of their own; take wider ones."
                )
            curves[name] = row
    data = design_dataset(curves, wanted, temperature, grid=grid, **repulsion)

    def save(folder):
        return write_all(folder, result_writers("design", design_figure(data), data)).values()

    deliver(lambda: _show(curves, data, wanted, temperature, repulsion, json), save, output)


def _show(curves, data, wanted, temperature, repulsion, json) -> None:
    import numpy as np
    from rich.table import Table

    from ...presentation.files import json_text
    from ...presentation.terminal import number, print_json, print_table, results
    from ...superconductivity.coulomb import describe_repulsion
    from ...units import KELVIN

    if json:
        told = {
            "temperature_K": temperature,
            "mu_star": repulsion["mu_star"],
            "margins": wanted.tolist(),
            "cutoff_meV": repulsion["cutoff"],
            "mu_star_at": repulsion["mu_star_at"],
        }
        edges = {name: data["omega_ph"].sel(criterion=name).values.tolist() for name in curves}
        told["criteria"] = {
            name: [
                {
                    "tc_K": one.value / KELVIN,
                    "omega_ph_meV": edges[name][place],
                    "margin": one.margin,
                    "margin_grid_error": one.grid_error,
                    "omega_meV": np.asarray(one.spectrum.omega).tolist(),
                    "width_meV": np.asarray(one.spectrum.width).tolist(),
                    "coupling": np.asarray(one.spectrum.coupling).tolist(),
                    "price": one.price,
                }
                for place, one in enumerate(row)
            ]
            for name, row in curves.items()
        }
        print_json(json_text(told, indent=None))
    else:
        table = Table(box=None, pad_edge=False)
        heads = ("criterion", "asked", "margin", "Tc (K)", "λ", "ω_log (meV)", "held by")
        for head in heads:
            table.add_column(head, no_wrap=head != "held by")
        for name, row in curves.items():
            rows: dict[tuple[str, ...], list[float]] = {}  # what is alike is one row
            for place, one in enumerate(row):
                here = data.sel(criterion=name).isel(margin=place)
                cells = (
                    number(one.margin),
                    number(one.value / KELVIN),
                    number(float(here["coupling"])),
                    number(float(here["omega_log"])),
                    ", ".join(one.active),
                )
                rows.setdefault(cells, []).append(float(wanted[place]))
            for cells, asked in rows.items():
                least, most = number(min(asked)), number(max(asked))
                table.add_row(name, least if least == most else f"{least} … {most}", *cells)
        console = results()
        print_table(console, table)
        console.print(f"Tc: {describe_repulsion(**repulsion)}", soft_wrap=True)


def _pair(option: str, text: str) -> tuple[float, float]:
    """Two numbers from "least:largest"."""
    import math

    try:
        low, high = (float(part) for part in text.split(":"))
    except ValueError:
        raise ValueError(f"{option} {text!r} is not least:largest, 5:30 say.") from None
    if not (0 <= low < high < math.inf):
        raise ValueError(f"{option} {text!r}: 0 ≤ least < largest is needed.")
    return low, high
