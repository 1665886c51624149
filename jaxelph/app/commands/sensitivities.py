"""`jaxelph sensitivities`: how each number changes with α²F."""

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
    Quantities,
    Unit,
    check_temperature,
    read_spectrum,
    tc_options,
)
from ._outputs import folder_for


def command(
    temperature: Annotated[float, typer.Option("--temperature", "-T", help="In K.")],
    file: File = None,
    example: Example = None,
    quantity: Quantities = "tc,lambda-c-kinetic,lambda-c-heat,heat,gamma-1",
    mu_star: MuStar = 0.1,
    omega_ph: OmegaPh = None,
    cutoff: Cutoff = None,
    mu_star_at: MuStarAt = "omega-ph",
    unit: Unit = None,
    column: Column = None,
    layout: Layout = None,
    convention: Convention = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for sensitivities.png, .pdf and .nc."),
    ] = None,
    figure: Annotated[
        bool,
        typer.Option(
            help="Without --output: save the figure in ./jaxelph-sensitivities or not.",
        ),
    ] = True,
    json: Json = False,
) -> None:
    """Give the exact derivatives of Tc, λ_c, C_el, rates … by α²F(ω), T and μ*.

    δQ/δα²F(ω) is the change of Q for each meV of area that is added to α²F at ω.
    """
    import dataclasses

    from ...inverse.sensitivities.derivatives import (
        check_size,
        quantity_names,
        sensitivities,
    )
    from ...presentation.files import file_name, result_writers, write_all
    from ...presentation.terminal import deliver, progress_bar
    from ...units import KELVIN

    repulsion = tc_options(mu_star, omega_ph, cutoff, mu_star_at)
    names = quantity_names(part for part in quantity.split(",") if part.strip())
    check_temperature(temperature, "--temperature")
    folder = folder_for(output, figure, json, Path("jaxelph-sensitivities"))
    name, spectrum = read_spectrum(
        file, example, unit=unit, column=column, format=layout, convention=convention
    )
    check_size(spectrum, temperature * KELVIN, kelvin=True)
    with progress_bar(f"differentiating {name}") as bar:
        found = sensitivities(
            spectrum,
            temperature * KELVIN,
            names,
            **repulsion,
            progress=lambda quantity: bar(names.index(quantity), len(names)),
        )
    found = dataclasses.replace(found, metal=name)
    data = found.to_xarray()

    def save(folder):
        writers = result_writers("sensitivities", found.plot(), data)
        if output is None:
            writers = {file_name(name, ".png"): writers["sensitivities.png"]}
        return write_all(folder, writers).values()

    deliver(lambda: _show(found, data, name, temperature, repulsion, json), save, folder)


def _show(found, data, name, temperature, repulsion, json) -> None:
    import numpy as np
    from rich.table import Table

    from ...inverse.sensitivities.derivatives import PAIRED
    from ...inverse.sensitivities.output import most_sensitive
    from ...presentation.files import json_text
    from ...presentation.terminal import number, print_json, print_table, results
    from ...superconductivity.coulomb import describe_repulsion
    from ...units import KELVIN

    if json:
        told = {"name": name, "temperature_K": temperature, "mu_star": repulsion["mu_star"]}
        told["omega_ph_meV"] = found.omega_ph
        told["cutoff_meV"] = found.cutoff if np.isfinite(found.cutoff) else None
        told["mu_star_at"] = repulsion["mu_star_at"]
        told["frequency_meV"] = found.omega.tolist()
        told["quantities"] = {
            item.name: {
                "value": item.shown[0] * item.value,
                "unit": item.shown[1],
                "by_a2f": (item.shown[0] * item.functional).tolist(),
                "by_a2f_unit": data[f"d{item.name.replace('-', '_')}_da2f"].attrs["units"],
                "by_temperature_per_K": item.shown[0] * item.temperature * KELVIN,
                "by_mu_star": item.shown[0] * item.mu_star,
            }
            for item in found.items
        }
        print_json(json_text(told, indent=None))
    else:
        table = Table(box=None, pad_edge=False)
        for head in ("quantity", "value", "unit", "∂/∂T (per K)", "∂/∂μ*", "most sensitive at"):
            table.add_column(head)
        for item in found.items:
            factor, told_unit = item.shown
            # An infinite λ_c, or what is not defined, has no place where it is sensitive.
            at = most_sensitive(found.omega, item.functional)
            moves = np.isfinite(item.value) and np.isfinite(at)
            where = (f"{at:.4g} meV" if at > 0 else "ω → 0") if moves else "–"
            table.add_row(
                item.label,
                number(factor * item.value),
                told_unit,
                number(factor * item.temperature * KELVIN) if moves else "–",
                number(factor * item.mu_star) if moves else "–",
                where,
            )
        console = results()
        print_table(console, table)
        if any(item.name in PAIRED for item in found.items):
            described = describe_repulsion(**(repulsion | {"omega_ph": found.omega_ph}))
            console.print(f"Tc: {described}", soft_wrap=True)
