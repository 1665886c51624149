"""`jaxelph report`: from a file to a verdict."""

import importlib
import threading
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

# Where the figure goes if nothing is said.
_FOLDER = Path("jaxelph-report")


def command(
    file: Annotated[
        Path | None, typer.Argument(help="α²F(ω) as an electron-phonon code wrote it.")
    ] = None,
    example: Annotated[
        str | None, typer.Option(help="A bundled spectrum in place of FILE, see `examples`.")
    ] = None,
    temperatures: Annotated[
        str | None,
        typer.Option(
            "--temperatures", "-T", help="In K: a list 5,10,20 or start:stop:count (equal steps)."
        ),
    ] = None,
    mu_star: Annotated[float, typer.Option(help="Coulomb pseudopotential μ*.")] = 0.1,
    unit: Annotated[
        str | None, typer.Option(help="Of the file's frequencies: meV, eV, Ha, Ry, K, THz, cm-1.")
    ] = None,
    column: Annotated[
        int | None, typer.Option(help="Which α²F column of the file, counted from 1.")
    ] = None,
    layout: Annotated[
        str | None, typer.Option("--format", help="The file's layout, found from it by default.")
    ] = None,
    convention: Annotated[
        str | None, typer.Option(help="Of ABINIT's EPH files: abinit or textbook.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for report.png, .pdf, .nc (NetCDF) and .json."),
    ] = None,
    figure: Annotated[
        bool,
        typer.Option(help="Without --output: save the figure in ./jaxelph-report or not."),
    ] = True,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object and nothing else; no figure by itself."),
    ] = False,
) -> None:
    """Judge the normal metal's stability and compare with Tc.

    Prints a table and a verdict by three criteria and saves a figure. Energies are in meV,
    temperatures in K, rates in 1/ps.
    """
    from ..files import check_folder, write_all
    from ..report import report
    from ..terminal import print_report, progress_bar, say

    asked = None if temperatures is None else parse_temperatures(temperatures)
    name, spectrum = _spectrum(
        file, example, unit=unit, column=column, format=layout, convention=convention
    )
    figure = figure and not json
    if output is not None or figure:
        check_folder(output or _FOLDER)
    if output is not None or figure:
        # Its import takes a second, for which this thread would otherwise wait at the end.
        threading.Thread(target=importlib.import_module, args=("jaxelph.plotting",)).start()
    with progress_bar(f"examining {name}") as progress:
        found = report(spectrum, asked, mu_star=mu_star, name=name, progress=progress)
    saved: list[Path] = []
    if output is not None:
        saved = list(found.save(output).values())
    elif figure:
        drawn = found.plot()
        saved = list(write_all(_FOLDER, {f"{name}.png": drawn.savefig}).values())
    if json:
        print(found.to_json())
    else:
        print_report(found)
    for path in saved:
        say(f"wrote {path}")


def _spectrum(file, example, **options):
    """The name and the spectrum that FILE or --example stands for."""
    from ..examples import example as example_spectrum
    from ..readers import read_a2f

    if file is not None and example is not None:
        raise ValueError(f"give either a file ({file}) or --example {example}, not both.")
    if file is not None:
        return file.stem or str(file), read_a2f(file, **options)
    if example is None:
        raise ValueError("no spectrum: give a file with α²F(ω), or --example table1, say.")
    given = [f"--{key}" for key, value in options.items() if value is not None]
    if given:
        raise ValueError(f"{given[0]} describes a file; leave it out with --example.")
    return example, example_spectrum(example)


def parse_temperatures(text: str) -> np.ndarray:
    """Temperatures in K from "5,10,20" or "start:stop:count", equally spaced.

    Raises:
        ValueError: one sentence that names the option.

    Example:
        >>> parse_temperatures("10:30:3").tolist(), parse_temperatures("4.2, 9").tolist()
        ([10.0, 20.0, 30.0], [4.2, 9.0])
    """
    ends = number = None
    try:
        if ":" in text:
            start, stop, count = text.split(":")
            ends, number = (float(start), float(stop)), int(count)
        else:
            values = np.array([float(part) for part in text.split(",")])
    except ValueError:
        raise ValueError(
            f"--temperatures {text!r} is neither a list like 5,10,20 nor start:stop:count "
            "like 5:50:10, in K."
        ) from None
    if ends is not None and number is not None:
        if not 1 <= number <= 100_000:
            raise ValueError(f"--temperatures {text!r}: the count must be from 1 to 100000.")
        if number == 1 and ends[0] != ends[1]:
            raise ValueError(f"--temperatures {text!r}: a count of 1 has room for one end only.")
        values = np.linspace(*ends, number)
    for value in values:
        if not (np.isfinite(value) and value > 0):
            raise ValueError(
                f"--temperatures {text!r}: temperatures are positive numbers in K, not {value:g}."
            )
    return values
