"""`jaxelph map`: stability over coupling and temperature."""

from pathlib import Path
from typing import Annotated

import typer

from ._inputs import (
    Column,
    Convention,
    Cutoff,
    Example,
    File,
    Layout,
    MuStar,
    MuStarAt,
    OmegaPh,
    Unit,
    check_temperature,
    parse_values,
    read_spectrum,
    tc_options,
)

_AXES = ("coupling", "temperature")


def command(
    over: Annotated[
        list[str],
        typer.Option(
            help="Twice: coupling=0.5:6:60 and temperature=20:300:60 (K), or lists 1,2,5."
        ),
    ],
    file: File = None,
    example: Example = None,
    mu_star: MuStar = 0.1,
    omega_ph: OmegaPh = None,
    cutoff: Cutoff = None,
    mu_star_at: MuStarAt = "omega-ph",
    unit: Unit = None,
    column: Column = None,
    layout: Layout = None,
    convention: Convention = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for map.png, .pdf and .nc.")
    ] = Path("jaxelph-map"),
) -> None:
    """Map the kinetic margin and C_el over λ and T, with the critical lines and Tc.

    The shape of α²F is kept and its λ varied.
    """
    import numpy as np

    from ...presentation.files import check_folder, result_writers, write_all
    from ...presentation.terminal import progress_bar, say
    from ...superconductivity.coulomb import describe_repulsion
    from ...sweeps.devices import one_device_per_core
    from ...sweeps.figure import map_figure
    from ...sweeps.phase_diagram import phase_diagram

    repulsion = tc_options(mu_star, omega_ph, cutoff, mu_star_at)
    axes: dict[str, np.ndarray] = {}
    for text in over:
        name, _, values = text.partition("=")
        if name not in _AXES or name in axes:
            raise ValueError(
                f"--over {text!r}: give coupling=… once and temperature=… once, "
                "coupling=0.5:6:60 say."
            )
        unit_of_axis = " in K" if name == "temperature" else ""
        axes[name] = np.unique(parse_values(values, f"--over {name}", name, unit_of_axis))
    for name in _AXES:
        if name not in axes or len(axes[name]) < 2:
            raise ValueError(f"--over {name}=… is needed, with at least two values.")
    for value in axes["temperature"][[0, -1]]:
        check_temperature(value, "--over temperature")
    check_folder(output)
    one_device_per_core()
    name, spectrum = read_spectrum(
        file, example, unit=unit, column=column, format=layout, convention=convention
    )
    with progress_bar(f"mapping {name}") as progress:
        found = phase_diagram(
            spectrum,
            axes["coupling"],
            axes["temperature"],
            **repulsion,
            progress=progress,
        )
    found.attrs["name"] = name
    described = describe_repulsion(mu_star, found.attrs["omega_ph_meV"], cutoff, mu_star_at)
    figure = map_figure(found)
    say(f"Tc: {described}")
    writers = result_writers("map", figure, found)
    for path in write_all(output, writers).values():
        say(f"wrote {path}")
