"""Measured data from a table with a header, in K, meV and ps."""

import csv
import os

import numpy as np

from ...grids.energies import EnergyGrid
from ...presentation.files import read_bytes
from ...spectra.peaks import GaussianPeaks
from ...spectra.spectrum import EinsteinModes
from ...units import HBAR, KELVIN, check_kelvin
from .heat import HeatData
from .relaxation import RelaxationData
from .self_energy import SelfEnergyData
from .spectral import SpectralData
from .weight import WeightData

#: Columns of each kind; of those in brackets one is enough, those in braces may be missing.
COLUMNS: dict[str, tuple[str, ...]] = {
    "heat": ("T_K", "C_ratio", "sigma"),
    "self-energy": ("E_meV", "[Re_meV]", "[Im_meV]", "sigma"),
    "weight": ("E_meV", "Z", "sigma"),
    "relaxation": ("t_ps", "Te_K", "sigma", "{T_K}", "{Tstart_K}"),
}

# Of the grid of relaxation: far below what T_e(t) is measured to.
_GRID_TOLERANCE = 1e-6


def parse_peaks(text: str) -> GaussianPeaks:
    """Peaks from "ω:width:λ,…".

    Raises:
        ValueError: one sentence that names the option.

    Example:
        >>> print(parse_peaks("13:3:0.7, 22:1.5:0.3").omega)
        [13. 22.]
    """
    try:
        rows = [[float(x) for x in part.split(":")] for part in text.split(",")]
        omega, width, coupling = np.array(rows).T
    except ValueError:
        raise ValueError(
            f"--peaks {text!r} is not a list ω:width:λ, with commas between, 13:3:0.7 say."
        ) from None
    if not np.all(np.isfinite(rows)) or not np.all(np.array(rows) > 0):
        raise ValueError(f"--peaks {text!r}: ω, width and λ must all be positive.")
    return GaussianPeaks(omega, width, coupling)


def _cells(line: str) -> list[str]:
    cells = next(csv.reader([line]), []) if "," in line else line.split()
    return [cell.strip() for cell in cells]


def _bare(name: str) -> str:
    return name.strip("[]{}")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def read_columns(path: str | os.PathLike[str], kind: str) -> dict[str, np.ndarray]:
    """The columns of a table by their names, with commas or spaces between.

    Lines that begin with # are left out, but for one above the numbers that names the columns, as
    `numpy.savetxt` writes it.

    A header may stand behind a #, as `numpy.savetxt` writes it: the last such line above the
    numbers that names a known column.

    Raises:
        OSError: the file cannot be read.
        ValueError: an unknown kind, a column that is missing or stands twice, or a line that is
            not numbers.
    """
    if kind not in COLUMNS:
        raise ValueError(f"--kind {kind!r} is not known; use one of {', '.join(COLUMNS)}.")
    wanted = COLUMNS[kind]
    names: list[str] | None = None
    rows: list[list[float]] = []
    try:
        lines = read_bytes(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a text file.") from None
    for number, line in enumerate(lines, 1):
        comment = line.lstrip().startswith("#")
        cells = _cells(line.lstrip().lstrip("#"))
        if not any(cells):
            continue
        if comment:
            if not rows and any(_bare(name) in cells for name in wanted):
                names = cells
            continue
        if names is None or (not rows and not any(_is_number(cell) for cell in cells)):
            names = cells
            continue
        try:
            values = [float(cell) for cell in cells]
        except ValueError:
            raise ValueError(f"{path}, line {number}: {line.strip()!r} is not numbers.") from None
        if len(values) != len(names):
            raise ValueError(
                f"{path}, line {number}: {len(values)} numbers below {len(names)} column names."
            )
        if not np.all(np.isfinite(values)):
            raise ValueError(
                f"{path}, line {number}: holds a number that is not finite; remove the line."
            )
        rows.append(values)
    header = ",".join(name.strip("[]") for name in wanted if not name.startswith("{"))
    if names is None or not rows:
        raise ValueError(f"{path}: no data below a header; for {kind} that is {header}.")
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"{path}: the column {name} stands {names.count(name)} times; keep one."
            )
    columns = dict(zip(names, np.array(rows).T, strict=True))
    missing = [name for name in wanted if name[0] not in "[{" and name not in columns]
    optional = [name.strip("[]") for name in wanted if name.startswith("[")]
    if optional and not any(name in columns for name in optional):
        missing.append(" or ".join(optional))
    if missing:
        raise ValueError(
            f"{path}: no column {missing[0]} (found: {', '.join(names)}); the header for {kind} "
            f"is {header}."
        )
    bad = np.flatnonzero(columns["sigma"] <= 0)
    if bad.size:
        raise ValueError(
            f"{path}: sigma of row {bad[0] + 1} is {columns['sigma'][bad[0]]:g}; errors are "
            "standard deviations and positive."
        )
    return columns


def read_data(
    path: str | os.PathLike[str],
    kind: str,
    *,
    temperature: float | None = None,
    initial: float | None = None,
    resolution: float = 0.0,
    background: bool = False,
    top: float | None = None,
) -> list[SpectralData]:
    """Data in meV from a table in K, meV and ps: one set, or one for each trace of relaxation.

    Args:
        path: the table.
        kind: of `COLUMNS`.
        temperature (scalar, K): needed for all kinds but heat, where the table has no T_K.
        initial (scalar, K): of the electrons at t = 0, for relaxation without Tstart_K.
        resolution (scalar, meV), background: of Σ, see `SelfEnergyData`.
        top (scalar, meV): the highest phonon energy, for the grid of relaxation.

    Raises:
        OSError: the file cannot be read.
        ValueError: one sentence that names the file, line, column or option.
    """
    columns = read_columns(path, kind)
    sigma = columns["sigma"]
    unused = {
        "--temperature": temperature is not None and (kind == "heat" or "T_K" in columns),
        "--initial": initial is not None and (kind != "relaxation" or "Tstart_K" in columns),
        "--resolution": resolution != 0 and kind != "self-energy",
        "--background": background and (kind != "self-energy" or "Im_meV" not in columns),
    }
    for option, ignored in unused.items():
        if ignored:
            raise ValueError(
                f"{option} says nothing of {kind} data with the columns {', '.join(columns)}; "
                "leave it out."
            )
    if kind == "heat":
        return [HeatData(columns["T_K"] * KELVIN, columns["C_ratio"], sigma)]
    if kind == "relaxation":
        return _traces(columns, temperature, initial, top)
    cold = _kelvin("--temperature", temperature, kind)
    if kind == "weight":
        return [WeightData(cold, columns["E_meV"], columns["Z"], sigma)]
    energy, real, imaginary = columns["E_meV"], columns.get("Re_meV"), columns.get("Im_meV")
    return [SelfEnergyData(cold, energy, real, imaginary, sigma, resolution, background)]


def _traces(columns, temperature, initial, top) -> list[SpectralData]:
    """One data set for each pair of temperatures, on grids of one size: they share a program."""
    rows = len(columns["t_ps"])
    pairs = []
    for name, option, value in (
        ("T_K", "--temperature", temperature),
        ("Tstart_K", "--initial", initial),
    ):
        if name in columns:
            if not np.all(columns[name] > 0):
                raise ValueError(f"relaxation data: {name} must be positive.")
            pairs.append(columns[name] * KELVIN)
        else:
            pairs.append(np.full(rows, _kelvin(option, value, f"relaxation without {name}")))
    if top is None:
        raise ValueError("relaxation data need the highest phonon energy for their grid.")
    found = list(dict.fromkeys(zip(*pairs, strict=True)))
    mode = EinsteinModes([top], [1.0])
    grids = [
        EnergyGrid.suggest(mode, min(pair), _GRID_TOLERANCE, hottest=max(pair)) for pair in found
    ]
    size = max(grid.size for grid in grids)
    traces: list[SpectralData] = []
    for (cold, hot), grid in zip(found, grids, strict=True):
        own = (pairs[0] == cold) & (pairs[1] == hot)
        traces.append(
            RelaxationData(
                cold,
                hot,
                columns["t_ps"][own] * np.pi / HBAR,
                columns["Te_K"][own] * KELVIN,
                columns["sigma"][own] * KELVIN,
                EnergyGrid(grid.step, size),
                rtol=1e-5,
            )
        )
    return traces


def _kelvin(option, value, kind):
    if value is None:
        raise ValueError(f"--kind {kind} needs {option} in K.")
    return check_kelvin(value, option) * KELVIN
