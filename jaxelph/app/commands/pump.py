"""`jaxelph pump`: what a pulse of light does to electrons and phonons."""

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


def command(
    temperature: Annotated[
        float, typer.Option("--temperature", "-T", help="Before the pulse, in K.")
    ],
    photon_energy: Annotated[float, typer.Option(help="Of the light, in eV.")],
    absorbed: Annotated[
        float | None, typer.Option(help="Energy absorbed per cell, in meV.")
    ] = None,
    absorbed_density: Annotated[
        float | None,
        typer.Option(help="The same per volume, in J/cm³; it needs --cell-volume."),
    ] = None,
    cell_volume: Annotated[float | None, typer.Option(help="Of the cell, in Å³.")] = None,
    duration: Annotated[float, typer.Option(help="Full width at half maximum, in ps.")] = 0.05,
    file: File = None,
    example: Example = None,
    states: States = None,
    atoms: Atoms = None,
    phonon_dos: PhononDos = None,
    escape: Escape = None,
    electron_electron: ElectronElectron = None,
    electron_lifetime: ElectronLifetime = None,
    resolution: Resolution = 10.0,
    until: Annotated[
        float | None,
        typer.Option(help="In ps; by default until electrons and phonons have come together."),
    ] = None,
    rtol: Annotated[float, typer.Option(help="Local error of f allowed in each step.")] = 1e-5,
    unit: Unit = None,
    column: Column = None,
    layout: Layout = None,
    convention: Convention = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for pump.png, .pdf, .nc (NetCDF) and .json."),
    ] = None,
    json: Json = False,
) -> int:
    """Heat electrons by a pulse of light and follow how phonons take up the energy.

    The light is a classical field, the density of phonon states that of a file or taken to be
    proportional to α²F. Prints temperatures and energies over time beside the two-temperature
    model. Energies are in meV, temperatures in K, times in ps.
    """
    import numpy as np
    from rich.panel import Panel
    from rich.text import Text

    from ...kinetics.pumping import pump
    from ...presentation.files import check_folder
    from ...presentation.terminal import deliver, print_json, progress_bar, results
    from ._phonons import (
        check_dos,
        check_resolution,
        coulomb_collisions,
        density_told,
        moving_phonons,
        print_phonons,
    )

    check_temperature(temperature, "--temperature")
    absorbed = _per_cell(absorbed, absorbed_density, cell_volume)
    given = {"--photon-energy": photon_energy, "--absorbed": absorbed, "--duration": duration}
    for option, value in given.items():
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{option} must be positive, got {value:g}.")
    if until is not None and not (np.isfinite(until) and until > 0):
        raise ValueError(f"--until must be a positive time in ps, got {until:g}.")
    if not 1e-10 <= rtol <= 1e-2:
        raise ValueError(f"--rtol must lie between 1e-10 and 0.01, got {rtol:g}.")
    phonons = moving_phonons(states, atoms, escape, phonon_dos)
    electrons = coulomb_collisions(electron_electron, electron_lifetime)
    check_resolution(resolution)
    if output is not None:
        check_folder(output)
    name, spectrum = read_spectrum(
        file, example, unit=unit, column=column, format=layout, convention=convention
    )
    assert states is not None
    check_dos(phonons, spectrum, temperature)
    with progress_bar(f"pumping {name}") as bar:
        try:
            found = pump(
                spectrum,
                temperature,
                1e3 * photon_energy,
                absorbed,
                duration,
                1e-3 * states,
                until=until,
                phonons=phonons,
                electrons=electrons,
                resolution=resolution,
                rtol=rtol,
                name=name,
                progress=lambda share: bar(share, 1.0),
                throw=False,
            )
        except ValueError as error:
            told = str(error).replace(", or pass a grid of your own (grid=)", "")
            raise ValueError(told) from error

    def show():
        if json:
            print_json(found.to_json())
            return
        console = results()
        head = f"  {photon_energy:g} eV on a metal at {temperature:g} K"
        console.print(Text.assemble((name, "bold"), head), soft_wrap=True)
        console.print(f"Phonons with {density_told(phonon_dos)}:")
        print_phonons(console, found)
        run = found.evolution
        console.print(
            f"{int(run.stats['num_accepted_steps'])} steps at rtol {rtol:g} on {run.grid.size} "
            f"energies, step {float(run.grid.step):.4g} meV.",
            style="dim",
        )
        style = {"completed": "green", "unstable": "red"}.get(found.result, "yellow")
        console.print(Panel(found.explain(), border_style=style))

    deliver(show, lambda folder: found.save(folder).values(), output)
    return 1 if found.result == "failed" else 0


def _per_cell(absorbed, density, volume) -> float:
    """What a cell absorbs, in meV."""
    from ...units import density_to_mev

    if (absorbed is None) == (density is None):
        raise ValueError("give what is absorbed once: --absorbed, or --absorbed-density.")
    if (density is None) != (volume is None):
        raise ValueError("--absorbed-density and --cell-volume go together.")
    if absorbed is not None:
        return absorbed
    for option, value in (("--absorbed-density", density), ("--cell-volume", volume)):
        if not 0 < value < float("inf"):
            raise ValueError(f"{option} must be positive, got {value:g}.")
    return density_to_mev(density, volume)
