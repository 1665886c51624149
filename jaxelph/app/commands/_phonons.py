"""What `relax` and `pump` take of the phonons that move."""

from pathlib import Path
from typing import Annotated

import typer

States = Annotated[
    float | None,
    typer.Option(help="ν0 at the Fermi level: states per eV, spin and cell."),
]
Atoms = Annotated[
    float | None,
    typer.Option(help="Atoms per cell: 3 phonon modes each, distributed as α²F is."),
]
Escape = Annotated[
    float | None,
    typer.Option(help="Time in ps in which phonons reach a bath; by default they do not."),
]
PhononDos = Annotated[
    Path | None,
    typer.Option(
        help="File with F(ω), of alpha2f.x, matdyn.x, EPW or ABINIT, in place of --atoms."
    ),
]
ElectronElectron = Annotated[
    str | None,
    typer.Option(
        help="Collisions between electrons: screened (a clean metal), or bulk, film or wire with "
        "disorder; by default none."
    ),
]
ElectronLifetime = Annotated[
    float | None,
    typer.Option(help="In fs, of an electron 1 eV above the Fermi level by these at T = 0."),
]

Resolution = Annotated[
    float,
    typer.Option(
        help="Of photoemission in the NetCDF file and the figure: full width at half maximum, meV."
    ),
]


def check_resolution(value: float) -> None:
    """Refuse what is no width.

    Raises:
        ValueError: a resolution that is negative or not finite.

    Example:
        >>> check_resolution(10.0)
    """
    if not 0 <= value < float("inf"):
        raise ValueError(f"--resolution must be a width in meV, 0 or more, got {value:g}.")


def coulomb_collisions(kind: str | None, lifetime: float | None):
    """Collisions between electrons, in meV and rescaled time; None without them.

    Raises:
        ValueError: a kind that is none, or a lifetime that is missing or not above zero.

    Example:
        >>> print(f"{coulomb_collisions('screened', 10.0).strength:.3e}")
        4.190e-05
    """
    import numpy as np

    from ...kinetics.coulomb import KINDS, CoulombCollisions
    from ...units import mev_to_per_ps

    if kind is None:
        if lifetime is not None:
            raise ValueError(
                "--electron-lifetime is of collisions between electrons: add --electron-electron."
            )
        return None
    if kind not in KINDS:
        raise ValueError(f"--electron-electron must be one of {', '.join(KINDS)}, got {kind!r}.")
    if lifetime is None:
        raise ValueError(
            "--electron-electron needs --electron-lifetime, how long an electron 1 eV above the "
            "Fermi level lives, in fs."
        )
    if not (np.isfinite(lifetime) and lifetime > 0):
        raise ValueError(f"--electron-lifetime must be a positive time in fs, got {lifetime:g}.")
    return CoulombCollisions.of_lifetime(1e-3 * lifetime * mev_to_per_ps(1.0), 1e3, kind)


def moving_phonons(
    states: float | None, atoms: float | None, escape: float | None, dos: Path | None = None
):
    """Phonons with F(ω) of a file, or F(ω) ∝ α²F(ω), in meV and rescaled time.

    Raises:
        ValueError: a number that is missing or not above zero, or a file that cannot be read or
            has another number of modes than the atoms.

    Example:
        >>> print(moving_phonons(500.0, 1.0, None).coupling.states)
        0.5
    """
    import numpy as np

    from ...spectra.readers import read_phonon_dos
    from ...stability.phonons import MovingPhonons
    from ...units import mev_to_per_ps

    for option, value, what, needed in (
        ("--states", states, "the states at the Fermi level per eV, spin and cell", True),
        ("--atoms", atoms, "the number of atoms per cell, or --phonon-dos", dos is None),
    ):
        if value is None and needed:
            raise ValueError(f"phonons that move need {option}, {what}.")
        if value is not None and not (np.isfinite(value) and value > 0):
            raise ValueError(f"{option} must be positive, got {value:g}.")
    if escape is not None and not (np.isfinite(escape) and escape > 0):
        raise ValueError(f"--escape must be a positive time in ps, got {escape:g}.")
    assert states is not None
    lifetime = None if escape is None else escape * mev_to_per_ps(1.0)
    if dos is None:
        assert atoms is not None
        return MovingPhonons.like_coupling(1e-3 * states, 3 * atoms, lifetime)
    found = read_phonon_dos(dos)
    if atoms is not None and abs(found.modes / (3 * atoms) - 1) > 0.1:
        raise ValueError(
            f"{dos}: F(ω) has {found.modes:.4g} modes, --atoms {atoms:g} has {3 * atoms:g}: leave "
            "--atoms out, or give the file of this cell."
        )
    return MovingPhonons.of_density(found.omega, found.density, 1e-3 * states, lifetime)


def density_told(dos: Path | None) -> str:
    """Where F(ω) is from.

    Example:
        >>> print(density_told(None))
        F(ω) taken to be proportional to α²F(ω)
    """
    return "F(ω) taken to be proportional to α²F(ω)" if dos is None else f"F(ω) of {dos.name}"


def check_dos(phonons, spectrum, temperature: float) -> None:
    """Refuse F(ω) that has no states where α²F(ω) has strength: phonons there would keep T0.

    Args:
        phonons: of `moving_phonons`.
        spectrum: in meV.
        temperature (K): for its nodes.

    Raises:
        ValueError: more than a hundredth of the strength is without states.
    """
    import numpy as np

    from ...spectra.resolution import at_temperature
    from ...units import KELVIN

    branches = phonons.on(at_temperature(spectrum, temperature * KELVIN))
    each = np.asarray(branches.strength * branches.omega)
    without = float(np.sum(each[np.asarray(branches.coupling) == 0]) / np.sum(each))
    if without > 0.01:
        raise ValueError(
            f"--phonon-dos has no states at frequencies with {100 * without:.2g} % of α²F: are "
            "both of one metal, and their units right?"
        )


def print_phonons(console, found) -> None:
    """Temperatures and energies at some times, and how far the equation holds."""
    import numpy as np
    from rich.table import Table

    from ...presentation.plotting import evenly
    from ...presentation.terminal import number, print_table

    data = found.balance()
    table = Table(box=None, pad_edge=False, header_style="bold")
    heads = ("t (ps)", "T_e (K)", "T_l (K)", "model T_e", "model T_l", "phonons' T (K)")
    for head in (*heads, "U_el/2ν0", "phonons", "bath", "τ_f E_Σ"):
        table.add_column(head, justify="right", no_wrap=True)
    seen = np.flatnonzero(np.isfinite(data["electron_temperature"].values))
    moves = data["weight"].values > 0
    for k in seen[evenly(len(seen), 10)]:
        row = data.isel(time=int(k))
        modes = row["phonon_temperature"].values[moves]
        table.add_row(
            number(float(row["time"])),
            *(
                number(float(row[name]), 5)
                for name in (
                    "electron_temperature",
                    "lattice_temperature",
                    "model_electrons",
                    "model_lattice",
                )
            ),
            f"{number(modes.min(), 4)}…{number(modes.max(), 4)}" if modes.size else "",
            *(
                number(float(row[name]), 4)
                for name in ("electron_energy", "phonon_energy", "escaped_energy", "validity")
            ),
        )
    print_table(console, table)
    total = (data["electron_energy"] + data["phonon_energy"] + data["escaped_energy"]).values
    total = (total - data["absorbed_energy"].values)[seen]
    scale = float(np.max(np.abs(data["electron_energy"].values[seen])))
    console.print(
        "Energies over 2ν0 in meV²; what electrons, phonons, bath and pulse have together is "
        f"constant to {float(np.ptp(total)) / scale:.1g} of the largest.",
        style="dim",
    )
    print_validity(console, data["validity"].values, data["time"].values)


def print_validity(console, numbers, times) -> None:
    """A warning where the gradient expansion behind the equation does not hold."""
    import numpy as np

    from ...presentation.terminal import number

    known = np.isfinite(numbers)
    if not np.any(known):
        return
    least = float(np.min(numbers[known]))
    text = f"Least τ_f E_Σ of the run: {number(least, 3)}"
    if least >= 1:
        console.print(f"{text}, above 1 at all times.", style="dim")
        return
    last = times[np.flatnonzero(known & (numbers < 1))[-1]]
    console.print(
        f"{text}; below 1 until {number(float(last))} ps, where the kinetic equation is an "
        "extrapolation: f changes faster than its width in energy allows.",
        style="yellow",
    )
