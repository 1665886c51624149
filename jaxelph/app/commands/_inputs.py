"""What several subcommands take: a spectrum from a file or by name, and temperatures."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

File = Annotated[Path | None, typer.Argument(help="α²F(ω) as an electron-phonon code wrote it.")]
Example = Annotated[
    str | None, typer.Option(help="A bundled spectrum in place of FILE, see `examples`.")
]
Unit = Annotated[
    str | None, typer.Option(help="Of the file's frequencies: meV, eV, Ha, Ry, K, THz, cm-1.")
]
Column = Annotated[int | None, typer.Option(help="Which α²F column of the file, counted from 1.")]
Layout = Annotated[
    str | None, typer.Option("--format", help="The file's layout, found from it by default.")
]
Convention = Annotated[str | None, typer.Option(help="Of ABINIT's EPH files: abinit or textbook.")]
MuStar = Annotated[float, typer.Option(help="Coulomb pseudopotential μ*.")]
OmegaPh = Annotated[
    float | None,
    typer.Option(help="The frequency in meV that μ* refers to: else 99 % of ∫α²F dω lies below."),
]
Cutoff = Annotated[
    float | None,
    typer.Option(help="ω_c of the Coulomb repulsion in meV; by default the limit of infinity."),
]
MuStarAt = Annotated[
    str, typer.Option(help="Where μ* is quoted: omega-ph, or cutoff (as in EPW and IsoME).")
]
#: Which numbers, the same names in every command.
Quantities = Annotated[
    str,
    typer.Option(
        "--quantity",
        "--quantities",
        help="With commas between: lambda, omega-log, lambda-omega2, tc, tc-allen-dynes, gap, "
        "gap-ratio, jump, isotope, condensation, heat, xi, xi-max, weight, margin, lambda_c (by "
        "all three criteria, one by lambda-c-heat say), gamma-1, gamma-t, tau-1, tau-t.",
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object and nothing else; no figure by itself."),
]


def read_spectrum(file, example, **options):
    """The name and the spectrum that FILE or --example stands for."""
    from ...presentation.files import as_text
    from ...spectra.examples import example as example_spectrum
    from ...spectra.readers import read_a2f

    if file is not None and example is not None:
        raise ValueError(f"give either a file ({file}) or --example {example}, not both.")
    if file is not None:
        return as_text(file.name or str(file)), read_a2f(file, **options)
    if example is None:
        raise ValueError("no spectrum: give a file with α²F(ω), or --example table1, say.")
    given = [f"--{key}" for key, value in options.items() if value is not None]
    if given:
        raise ValueError(f"{given[0]} describes a file; leave it out with --example.")
    return example, example_spectrum(example)


def tc_options(mu_star, omega_ph, cutoff, mu_star_at) -> dict:
    """The options of Tc as functions take them, looked at before anything is computed.

    Example:
        >>> tc_options(0.1, 30.0, None, "omega-ph")
        {'mu_star': 0.1, 'omega_ph': 30.0, 'cutoff': None, 'mu_star_at': 'omega-ph'}
    """
    from ...superconductivity.coulomb import check_coulomb

    check_coulomb(mu_star, omega_ph, cutoff, mu_star_at)
    return {
        "mu_star": mu_star,
        "omega_ph": omega_ph,
        "cutoff": cutoff,
        "mu_star_at": mu_star_at,
    }


def parse_temperatures(text: str) -> np.ndarray:
    """Temperatures in K from "5,10,20" or "start:stop:count", equally spaced.

    Raises:
        ValueError: one sentence that names the option.

    Example:
        >>> parse_temperatures("10:30:3").tolist(), parse_temperatures("4.2, 9").tolist()
        ([10.0, 20.0, 30.0], [4.2, 9.0])
    """
    values = parse_values(text, "--temperatures", "temperature", " in K")
    for value in (values.min(), values.max()):
        check_temperature(value, "--temperatures")
    return values


#: The temperatures of options, in K. Far outside numbers under- and overflow; well inside, a
#: grid of energies would take more room than there is, which is told where the grid is chosen.
COLDEST, HOTTEST = 1e-6, 1e6


def check_temperature(value: float, name: str) -> float:
    """The temperature itself (K), once it is known to be one that can be computed with.

    Raises:
        ValueError: it is not a number between `COLDEST` and `HOTTEST`; `name` is the option.

    Example:
        >>> check_temperature(1e30, "--temperature")
        Traceback (most recent call last):
        ValueError: --temperature 1e+30 K is too high; it must be from 1e-06 to 1e+06 K.
    """
    from ...units import check_kelvin

    check_kelvin(value, name)
    if not COLDEST <= value <= HOTTEST:
        told = "low" if value < COLDEST else "high"
        raise ValueError(
            f"{name} {value:g} K is too {told}; it must be from {COLDEST:g} to {HOTTEST:g} K."
        )
    return value


def parse_values(text: str, option: str, what: str, unit: str = "") -> np.ndarray:
    """Positive numbers from "1,2,5" or "start:stop:count".

    Raises:
        ValueError: one sentence that names the option.

    Example:
        >>> parse_values("1:2:3", "--over coupling", "coupling").tolist()
        [1.0, 1.5, 2.0]
    """
    ends = number = None
    told = f"{option} {text!r}"
    try:
        if ":" in text:
            start, stop, count = text.split(":")
            ends, number = (float(start), float(stop)), int(count)
        else:
            values = np.array([float(part) for part in text.split(",")])
    except ValueError:
        raise ValueError(
            f"{told} is neither a list like 5,10,20 nor start:stop:count "
            f"like 5:50:10{unit and ','}{unit}."
        ) from None
    if ends is not None and number is not None:
        if not 1 <= number <= 100_000:
            raise ValueError(f"{told}: the count must be from 1 to 100000.")
        if number == 1 and ends[0] != ends[1]:
            raise ValueError(f"{told}: a count of 1 has room for one end only.")
        values = np.linspace(*ends, number)
    for value in values:
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{told}: {what}s are positive numbers{unit}, not {value:g}.")
    return values
