"""`jaxelph relax`: how heated electrons cool, or run away."""

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
    check_temperature,
    read_spectrum,
)
from ._phonons import (
    Atoms,
    ElectronElectron,
    ElectronLifetime,
    Escape,
    PhononDos,
    Resolution,
    States,
)

# What `relax` calls its arguments, in the words of the command line.
_OPTIONS = {
    "electron_temperature": "--electron-temperature",
    "phonon_temperature": "--phonon-temperature",
    "(times=, --until)": "(--until)",
    ", or pass a grid of your own (grid=)": "",
}


def command(
    phonon_temperature: Annotated[
        float, typer.Option("--phonon-temperature", "-T", help="T0 of the phonons, in K.")
    ],
    electron_temperature: Annotated[
        float, typer.Option(help="Of the electrons at the start, in K.")
    ],
    file: File = None,
    example: Example = None,
    until: Annotated[
        float | None,
        typer.Option(help="In ps; by default until 1 % of the excess temperature is left."),
    ] = None,
    points: Annotated[int, typer.Option(help="How many times are kept.")] = 201,
    rtol: Annotated[float, typer.Option(help="Local error of f allowed in each step.")] = 1e-6,
    hot_phonons: Annotated[
        bool, typer.Option("--hot-phonons", help="Phonons that are heated by the electrons.")
    ] = False,
    states: States = None,
    atoms: Atoms = None,
    phonon_dos: PhononDos = None,
    escape: Escape = None,
    electron_electron: ElectronElectron = None,
    electron_lifetime: ElectronLifetime = None,
    resolution: Resolution = 10.0,
    unit: Unit = None,
    column: Column = None,
    layout: Layout = None,
    convention: Convention = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder for relaxation.png, .pdf, .nc (NetCDF) and .json."
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Integrate the kinetic equation from a hot Fermi distribution.

    Prints how the electrons' temperature falls and the relaxation rates beside Allen's formula
    and the two-temperature model, or when and where the normal state is unstable. With
    --hot-phonons the phonons' occupations are followed as well, mode by mode, and what energy
    goes where. Energies are in meV, temperatures in K, times in ps.
    """
    import numpy as np

    from ...kinetics import relax
    from ...kinetics.cooling import run_times
    from ...presentation.files import check_folder
    from ...presentation.terminal import deliver, print_json, progress_bar
    from ...spectra.moments import coupling_constant
    from ._phonons import (
        check_dos,
        check_resolution,
        coulomb_collisions,
        density_told,
        moving_phonons,
    )

    check_temperature(phonon_temperature, "--phonon-temperature")
    check_temperature(electron_temperature, "--electron-temperature")
    if until is not None and not (np.isfinite(until) and until > 0):
        raise ValueError(f"--until must be a positive time in ps, got {until:g}.")
    if not 2 <= points <= 100_000:
        raise ValueError(f"--points must be from 2 to 100000, got {points}.")
    if not 1e-12 <= rtol <= 1e-2:
        raise ValueError(f"--rtol must lie between 1e-12 and 0.01, got {rtol:g}.")
    phonons = moving_phonons(states, atoms, escape, phonon_dos) if hot_phonons else None
    for option, value in (
        ("--states", states),
        ("--atoms", atoms),
        ("--phonon-dos", phonon_dos),
        ("--escape", escape),
    ):
        if value is not None and not hot_phonons:
            raise ValueError(f"{option} is of phonons that move: add --hot-phonons.")
    electrons = coulomb_collisions(electron_electron, electron_lifetime)
    check_resolution(resolution)
    if output is not None:
        check_folder(output)
    name, spectrum = read_spectrum(
        file, example, unit=unit, column=column, format=layout, convention=convention
    )
    if float(coupling_constant(spectrum)) == 0:
        raise ValueError(
            f"{name}: its coupling λ is 0: the electrons would not cool; give another spectrum."
        )
    if phonons is not None:
        check_dos(phonons, spectrum, min(phonon_temperature, electron_temperature))
    moving = phonons is not None
    times = None if until is None else run_times(until, points, logarithmic=moving)
    with progress_bar(f"relaxing {name}") as bar:
        try:
            found = relax(
                spectrum,
                electron_temperature,
                phonon_temperature,
                times,
                points=points,
                rtol=rtol,
                name=name,
                phonons=phonons,
                electrons=electrons,
                resolution=resolution,
                progress=lambda share: bar(share, 1.0),
                throw=False,
            )
        except ValueError as error:
            told = str(error)
            for argument, option in _OPTIONS.items():
                told = told.replace(argument, option)
            raise ValueError(told) from error

    def show():
        if json:
            print_json(found.to_json())
        else:
            _print(found, density_told(phonon_dos))

    deliver(show, lambda folder: found.save(folder).values(), output)
    return 1 if found.result == "failed" else 0


def _print(found, density: str) -> None:
    import numpy as np
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    from ...presentation.plotting import evenly
    from ...presentation.terminal import number, print_table, results

    console = results()
    head = Text.assemble((found.name, "bold"), f"  phonons at {found.phonon_temperature:g} K")
    console.print(head, soft_wrap=True)
    from ._phonons import print_phonons, print_validity

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("t (ps)", "T_e (K)", "sup |f - f0|", "energy balance error"):
        table.add_column(head, justify="right", no_wrap=True)
    run = found.evolution
    largest = np.max(np.abs(np.asarray(run.deviation)), axis=1)
    errors = np.asarray(run.energy_error)
    seen = np.flatnonzero(np.isfinite(largest))
    for k in seen[evenly(len(seen), 10)]:
        table.add_row(
            number(found.times[k]),
            number(found.temperature[k], 6),
            number(largest[k], 3),
            number(abs(errors[k]), 1),
        )
    print_table(console, table)
    console.print()
    if run.lattice is not None:
        console.print(f"Phonons that move, {density}:")
        print_phonons(console, found)
        console.print()
    else:
        print_validity(console, found.validity, found.times)
    meanings = {
        "initial_rate": "of the energy at the start",
        "fall_rate": "inverse time to 1/e of the excess temperature",
        "late_rate": "fit to the last third",
        "two_temperature_rate": "two-temperature model with the true C_el, at the phonons' T",
        "allen_rate": "Allen's 3λ⟨ω²⟩/πT at the electrons' first T",
        "slowest_rate": "slowest mode of the linear theory, at the phonons' T",
    }
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rate (1/ps)", justify="right")
    table.add_column("")
    for key, value in found.rates().items():
        table.add_row(number(value), meanings[key])
    print_table(console, table)
    console.print(
        f"{int(run.stats['num_accepted_steps'])} steps at rtol {found.rtol:g} on {run.grid.size} "
        f"energies, step {float(run.grid.step):.4g} meV.",
        style="dim",
    )
    console.print()
    style = {"completed": "green", "unstable": "red"}.get(found.result, "yellow")
    console.print(Panel(found.explain(), border_style=style))
