"""Measured data from a table with a header, in K, meV and ps."""

import os
from typing import Any

import numpy as np

from ...grids.energies import EnergyGrid
from ...spectra.peaks import GaussianPeaks
from ...spectra.spectrum import EinsteinModes
from ...units import HBAR, KELVIN, check_kelvin
from .gap import GapData
from .header import Column
from .heat import HeatData
from .layouts import COLUMNS, LIGHT, TAKES
from .measured import Layout, Measured, named_columns, read_measured
from .optical import OpticalData
from .ratio import TransportRatio
from .reflectivity import ReflectivityData
from .relaxation import RelaxationData
from .resistivity import ResistivityData
from .self_energy import SelfEnergyData
from .spectral import SpectralData
from .total_heat import TotalHeatData
from .transition import TcData
from .tunnelling import TunnellingData
from .weight import WeightData

_TOTAL = "gamma atoms phonons superconducting"

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


def with_error(option: str, text: str | float | None) -> tuple[float, float] | None:
    """A positive number with its error, 0 where it is known, from "value" or "value:error".

    Raises:
        ValueError: one sentence that names the option.

    Example:
        >>> print(with_error("--plasma", "9.1:0.4"), with_error("--plasma", "9.1"))
        (9.1, 0.4) (9.1, 0.0)
    """
    if text is None:
        return None
    parts = str(text).split(":")
    try:
        value, error = (float(x) for x in (*parts, "0")[:2])
    except ValueError:
        value, error = np.nan, np.nan
    if len(parts) > 2 or not 0 < value < np.inf or not 0 <= error < np.inf:
        raise ValueError(f"{option} {text!r} is not value or value:error, 9.1:0.4 say; both > 0.")
    return value, error


def _spread(pair: tuple[float, float]) -> float | None:
    """The standard deviation of the logarithm."""
    return pair[1] / pair[0] or None


def _ratio(text, bend: float | None, top: float | None) -> TransportRatio | None:
    pair = with_error("--ratio", text)
    if bend is not None and not 0 < bend < np.inf:
        raise ValueError(f"--ratio-bend {bend:g}: how far ln r(ω) may bend is positive, 0.2 say.")
    if pair is None and bend is None:
        return None
    start = (1.0, 0.0) if pair is None else pair
    return TransportRatio(start[0], _spread(start), bend, None if bend is None else top)


def read_columns(path: str | os.PathLike[str], kind: str, **reading: Any) -> dict[str, np.ndarray]:
    """The columns of a table by their names in `COLUMNS`, see `measured.read_measured`.

    Raises:
        OSError: the file cannot be read.
        ValueError: an unknown kind, or see `measured.read_measured`.
    """
    return _measured(path, kind, **reading).columns


def _measured(path, kind, **reading) -> Measured:
    if kind not in COLUMNS:
        raise ValueError(f"--kind {kind!r} is not known; use one of {', '.join(COLUMNS)}.")
    return read_measured(path, kind, COLUMNS[kind], **reading)


def read_data(path: str | os.PathLike[str], kind: str, **options: Any) -> list[SpectralData]:
    """Data in meV from a table, see `read_with_notes`."""
    return read_with_notes(path, kind, **options)[0]


def read_with_notes(
    path: str | os.PathLike[str],
    kind: str,
    *,
    temperature: float | None = None,
    initial: float | None = None,
    resolution: float = 0.0,
    background: bool = False,
    top: float | None = None,
    plasma: str | float | None = None,
    residual: float | None = None,
    saturation: bool = False,
    ratio: str | float | None = None,
    ratio_bend: float | None = None,
    gamma: str | float | None = None,
    atoms: float | None = None,
    phonons: str | os.PathLike[str] | None = None,
    superconducting: bool = False,
    matsubara: bool = False,
    broadening: float | None = None,
    mu_star: float = 0.1,
    mu_star_error: float | None = None,
    omega_ph: float | None = None,
    **reading: Any,
) -> tuple[list[SpectralData], tuple[str, ...]]:
    """Data in meV from a table, and what is to be said of them: one set, or one for each
    temperature or trace.

    Args:
        path: the table.
        kind: of `COLUMNS`.
        temperature (scalar, K): where the table has no T_K.
        initial (scalar, K): of the electrons at t = 0, for relaxation without Tstart_K.
        resolution (scalar, meV): of Σ, see `SelfEnergyData`.
        background: of Im Σ, or a rate of impurities of optical data.
        top (scalar, meV): the highest phonon energy.
        plasma (eV): ħω_p, "value" or "value:error", for resistivity.
        residual (scalar, µΩ cm), saturation: see `ResistivityData`.
        ratio, ratio_bend: α²_tr F over α²F, "value" or "value:error", and how far its logarithm
            may bend, see `TransportRatio`.
        gamma (mJ/mol K²): of bare electrons, "value" or "value:error", for C in mJ/mol K.
        atoms, phonons, superconducting: see `TotalHeatData`; `phonons` is a file of two columns.
        matsubara: whether Δ is that of the lowest Matsubara frequency, see `GapData`.
        broadening (scalar, meV): where that of tunnelling starts from, see `TunnellingData`.
        mu_star, mu_star_error, omega_ph: μ* of kinds that know it, with its standard deviation
            if it is fitted along.
        reading: units, names, sigma and missing of `measured.read_measured`.

    Raises:
        OSError: the file cannot be read.
        ValueError: one sentence that names the file, line, column or options.
    """
    given = {
        "temperature": temperature is not None,
        "initial": initial is not None,
        "resolution": resolution != 0,
        "background": background,
        "plasma": plasma is not None,
        "residual": residual is not None,
        "saturation": saturation,
        "ratio": ratio is not None,
        "ratio_bend": ratio_bend is not None,
        "gamma": gamma is not None,
        "atoms": atoms is not None,
        "phonons": phonons is not None,
        "superconducting": superconducting,
        "matsubara": matsubara,
        "broadening": broadening is not None,
        "mu_star_error": mu_star_error is not None,
    }
    missing = list(reading.pop("missing", ()))
    lacking = _needed(path, kind, given, reading)
    columns, notes = _measured(path, kind, missing=[*lacking, *missing], **reading)
    takes = TAKES[kind].split()
    unused = {option for option, here in given.items() if here and option not in takes}
    if "T_K" in columns and kind not in ("heat", "gap", "resistivity"):
        unused |= {"temperature"} if given["temperature"] else set()
    if "Tstart_K" in columns and given["initial"]:
        unused.add("initial")
    if kind == "self-energy" and background and "Im_meV" not in columns:
        unused.add("background")
    if kind == "optical":
        if "R" in columns and "rate_meV" in columns:
            raise ValueError(
                f"{path}: has columns of 1/τ and of R; they are one measurement, keep one."
            )
        if "R" not in columns and given["plasma"]:
            unused.add("plasma")
    if kind == "heat" and "C_ratio" in columns:
        unused |= {o for o in (*_TOTAL.split(), "mu_star_error") if given[o]}
    if kind == "heat" and given["mu_star_error"] and not superconducting:
        unused.add("mu_star_error")
    for option in given:
        if option in unused:
            raise ValueError(
                f"--{option.replace('_', '-')} says nothing of {kind} data with the columns "
                f"{', '.join(columns)}; leave it out."
            )
    sigma = columns["sigma"]
    tied = _ratio(ratio, ratio_bend, top)
    coulomb: dict[str, Any] = {"mu_star": mu_star, "omega_ph": omega_ph}
    if mu_star_error is not None:
        if not (0 < mu_star_error < np.inf and mu_star > 0):
            raise ValueError(
                f"--mu-star-error {mu_star_error:g}: it is positive, as is the μ* to start from."
            )
        coulomb["mu_star_spread"] = mu_star_error / mu_star

    if kind == "heat" and "C_ratio" in columns:
        return [HeatData(columns["T_K"] * KELVIN, columns["C_ratio"], sigma)], notes
    if kind == "heat":
        pair = with_error("--gamma", gamma)
        assert pair is not None
        kelvin = columns["T_K"]
        per = 1.0 if "C_mJ" in columns else kelvin
        heat = columns["C_mJ"] if "C_mJ" in columns else columns["CT_mJ"] * kelvin
        told = {} if top is None else {"debye": 0.8 * top, "einstein": 0.6 * top}
        if superconducting:
            told |= coulomb
        return [
            TotalHeatData(
                kelvin * KELVIN,
                heat,
                sigma * per,
                pair[0],
                _spread(pair),
                atoms=1.0 if atoms is None else atoms,
                density=None if phonons is None else _density(phonons),
                superconducting=superconducting,
                **told,
            )
        ], notes
    if kind == "relaxation":
        return _traces(columns, temperature, initial, top), notes
    if kind == "gap":
        at, gap = columns["T_K"] * KELVIN, columns["Delta_meV"]
        return [GapData(at, gap, sigma, edge=not matsubara, **coulomb)], notes
    if kind == "tc":
        rows = zip(columns["Tc_K"] * KELVIN, sigma * KELVIN, strict=True)
        return [TcData(one, error, **coulomb) for one, error in rows], notes
    if kind == "resistivity":
        pair = with_error("--plasma", plasma)
        assert pair is not None
        at, rho = columns["T_K"] * KELVIN, columns["rho_µΩcm"]
        return [
            ResistivityData(at, rho, sigma, pair[0], _spread(pair), residual, saturation, tied)
        ], notes
    found: list[SpectralData] = []
    for cold, own in _by_temperature(columns, temperature, kind):
        if kind == "weight":
            found.append(WeightData(cold, columns["E_meV"][own], columns["Z"][own], sigma[own]))
        elif kind == "optical" and "R" in columns:
            pair = with_error("--plasma", plasma)
            assert pair is not None
            light = columns["Omega_meV"][own]
            found.append(
                ReflectivityData(
                    cold,
                    light,
                    columns["R"][own],
                    sigma[own],
                    pair[0],
                    _spread(pair),
                    impurity=0.3 * float(np.median(light)) if background else 0.0,
                    fit_impurity=background,
                    fit_bound=background,
                    ratio=tied,
                )
            )
        elif kind == "optical":
            light, rate = columns["Omega_meV"][own], columns["rate_meV"][own]
            found.append(OpticalData(cold, light, rate, sigma[own], background, tied))
        elif kind == "tunnelling":
            bias, seen = columns["V_mV"][own], columns["dIdV"][own]
            wide = {} if broadening is None else {"broadening": broadening}
            found.append(TunnellingData(cold, bias, seen, sigma[own], top, **wide, **coulomb))
        else:
            real, imaginary = (columns.get(key) for key in ("Re_meV", "Im_meV"))
            found.append(
                SelfEnergyData(
                    cold,
                    columns["E_meV"][own],
                    None if real is None else real[own],
                    None if imaginary is None else imaginary[own],
                    sigma[own],
                    resolution,
                    background,
                )
            )
    return found, notes


def _needed(path, kind, given, reading) -> list[str]:
    """What options are missing, as far as the header says."""
    if kind not in COLUMNS:
        return []
    told = {
        "temperature": f"--kind {kind} needs --temperature in K",
        "initial": f"--kind {kind} needs --initial in K, of the electrons at t = 0",
        "plasma": f"--kind {kind} needs --plasma, ħω_p in eV, 9.1 or 9.1:0.4 with its error",
        "gamma": "--kind heat of C in mJ/molK needs --gamma, the Sommerfeld coefficient of bare "
        "electrons in mJ/molK2, 5.1 or 5.1:0.3 with its error",
    }
    found = named_columns(path, kind, COLUMNS[kind], reading.get("names"))
    needed = {
        "self-energy": ["temperature"],
        "weight": ["temperature"],
        "relaxation": ["temperature", "initial"],
        "tunnelling": ["temperature"],
        "resistivity": ["plasma"],
        "optical": ["temperature", *(["plasma"] if "R" in found else [])],
        "heat": ["gamma"] if {"C_mJ", "CT_mJ"} & found else [],
    }.get(kind, [])
    column = {"temperature": "T_K", "initial": "Tstart_K"}
    return [told[one] for one in needed if not given[one] and column.get(one) not in found]


def _by_temperature(columns, temperature, kind):
    """(T in meV, rows) of each temperature."""
    if "T_K" not in columns:
        return [(_kelvin("--temperature", temperature, kind), slice(None))]
    kelvin = columns["T_K"]
    return [(_kelvin("T_K", t, kind), kelvin == t) for t in dict.fromkeys(kelvin.tolist())]


def _density(path) -> tuple[np.ndarray, np.ndarray]:
    """ω in meV and F(ω) > 0, from the columns of a file."""
    columns = (
        Column("omega_meV", LIGHT, "energy", "meV"),
        Column("F", ("F", "dos", "g"), "number"),
    )
    found = read_measured(path, "phonons", Layout(columns, ("F",)), sigma="1").columns
    omega, weight = found["omega_meV"], found["F"]
    kept = omega > 0
    return omega[kept], np.clip(weight[kept], 0.0, None)


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
