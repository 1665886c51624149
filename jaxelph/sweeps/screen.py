"""Many files into one table: each is read, its quantities are computed in batches.

Tables of unlike length are padded to a few lengths, and energy grids to a few sizes, so that
few functions are compiled; neither changes a number beyond the grid's own accuracy. No more
files than are being worked on are in memory. A screen that goes on after a kill makes the same
batches of the files that are left as it would have made, and so the same numbers to the last bit.
"""

import collections
import functools
import itertools
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from .. import __version__
from ..grids.energies import nodes_for_grid, size_for
from ..inverse.sensitivities.derivatives import PAIRED, QUANTITIES, Setting, quantity_names
from ..inverse.sensitivities.output import unit_of_quantity
from ..numerics.precision import check_precision
from ..presentation.files import as_text
from ..spectra.provenance import Provenance
from ..spectra.readers import SpectrumWarning, read_a2f
from ..spectra.table import TabulatedSpectrum
from ..superconductivity.coulomb import check_coulomb
from ..superconductivity.transition import check_repulsion
from ..units import KELVIN
from .chunks import padded_width, shared_out
from .devices import cores
from .grids import aligned_grid, margin_grid
from .journal import Hold, Journal, Row, Stamp

_BATCH = 32
_LARGEST_GRID = 3000

#: Without a temperature: they need few nodes, see `EliashbergFunction.coarse_modes`. The others
#: need those of their temperature, see `at_temperature`.
_OF_THE_TABLE = (
    "lambda",
    "omega-log",
    "lambda-omega2",
    *PAIRED,
    "omega-ph",
    "tc-allen-dynes",
    "xi-max",
)


def _bucket(value: float, least: int, ratio: float) -> int:
    """The least of least·ratioᵏ, rounded up, that is not below `value`."""
    k = max(0, int(np.ceil(np.log(value / least) / np.log(ratio) - 1e-9)))
    return int(np.ceil(least * ratio**k))


_LOGGER = logging.getLogger(__name__)


def _prepared(spectrum: TabulatedSpectrum, temperature: float):
    """The spectrum in the shapes of its batch, with what its grid starts from."""
    omega, a2f = np.asarray(spectrum.omega), np.asarray(spectrum.a2f)
    if not np.any(a2f):
        raise ValueError("α²F is zero everywhere.")
    top = float(omega[np.flatnonzero(a2f)[-1]])
    refined, _, step, cutoff = nodes_for_grid(spectrum.resolved, temperature)
    panels = np.asarray(refined.panels)
    size = _bucket(size_for(top, step, cutoff), 128, np.sqrt(2))
    if size > _LARGEST_GRID:
        told, change = ("low", "raise") if temperature < top else ("high", "lower")
        raise ValueError(
            f"the temperature is too {told} for a spectrum that reaches {top:.4g} meV: it would "
            f"take {size} energies, and {_LARGEST_GRID} are the limit; {change} --temperature."
        )
    # Rows that repeat the last one span nothing and carry no coupling.
    pad = (0, _bucket(len(omega), 256, 2) - len(omega))
    rows = [np.pad(row, pad, mode="edge") for row in (omega, a2f)]
    return (len(rows[0]), len(panels), size), (*rows, panels, step, cutoff)


@functools.lru_cache
def _evaluator(
    names: tuple[str, ...], size: int, limited: bool, given: bool, quoted: str
) -> Callable:
    def one(row):
        omega, a2f, panels, step, cutoff, temperature, mu_star, limit, omega_ph = row
        spectrum = TabulatedSpectrum(omega, a2f, panels)
        at = (spectrum, temperature, step, cutoff, size)
        setting = Setting(
            temperature,
            mu_star,
            aligned_grid(*at),
            margin_grid(*at),
            omega_ph if given else None,
            limit if limited else None,
            quoted,
        )
        return {name: QUANTITIES[name].compute(spectrum, setting) for name in names}

    return shared_out(one)


def _stamp(path: Path) -> Stamp | None:
    try:
        return Stamp.of(path)
    except OSError:  # told where it is read
        return None


def _read_ahead(paths: Sequence[tuple[int, Path]], read: Callable) -> Iterator[tuple[int, Any]]:
    """What `read` makes of each file, in order; a few files ahead of the computation."""
    workers = min(8, 2 * cores())
    with ThreadPoolExecutor(workers) as pool:
        waiting = collections.deque()
        for k, path in itertools.chain(paths, [(-1, None)]):
            if path is not None:
                waiting.append((k, pool.submit(read, path)))
            while waiting and (path is None or len(waiting) > 4 * workers):
                number, future = waiting.popleft()
                yield number, future.result()


def screen(
    paths: Sequence[str | os.PathLike[str]],
    quantities: Sequence[str],
    temperature: float,
    *,
    mu_star: float = 0.1,
    omega_ph: float | None = None,
    cutoff: float | None = None,
    mu_star_at: str = "omega-ph",
    progress: Callable[[int, int], object] | None = None,
    journal: str | os.PathLike[str] | Hold | None = None,
    **reading: Any,
) -> xr.Dataset:
    """Quantities of many α²F files, one row each; a file that cannot be used is a row, too.

    Args:
        paths: files that `read_a2f` reads.
        quantities: see `quantity_names`.
        temperature (scalar, meV): of those quantities that depend on it.
        mu_star (scalar): μ* of Tc.
        omega_ph (meV), cutoff (meV), mu_star_at: of Tc, see `transition_temperature`. Beside
            Tc the table has ω_ph of each file.
        progress: called with (files done, files in all).
        journal: a file that keeps finished rows. After a crash or kill the same call goes on
            with the rest, and with files that have changed; a journal of other settings, or
            one that another program is writing to, is refused. It is the caller's to remove
            once the table is safe; who wants nobody to write to it until then passes a `Hold`.
        reading: `format`, `unit`, `column`, `convention` of `read_a2f`, for all files alike.

    Returns:
        A dataset over `file`: the quantities, NaN where there is none, `temperature` (K),
        `mu_star`, beside Tc and what lies below it `omega_ph` (meV) that μ* refers to, how the
        file was read (`unit`, `column` of `columns`, its `smearing`, least and largest λ over the
        columns where these are alternatives), `error` with the reason or "", and `warning` with
        what the reader said. Tc is in K, rates in 1/ps.

    Raises:
        ValueError: an unknown quantity, a temperature that is not positive, an option of Tc that
            cannot be meant, or the journal of another screen.
        OSError: the journal cannot be written to; one sentence.
    """
    check_precision()
    repulsion = mu_star, omega_ph, cutoff, mu_star_at
    if journal is None or isinstance(journal, Hold):
        return _screened(paths, quantities, temperature, repulsion, progress, journal, reading)
    with Hold(journal) as held:
        return _screened(paths, quantities, temperature, repulsion, progress, held, reading)


def _screened(
    paths, quantities, temperature, repulsion, progress, journal: Hold | None, reading
) -> xr.Dataset:
    mu_star, omega_ph, cutoff, mu_star_at = repulsion
    names = quantity_names(quantities)
    paired = [name for name in names if name in PAIRED]
    if paired and "omega-ph" not in names:
        names.insert(names.index(paired[0]) + 1, "omega-ph")
    check_coulomb(mu_star, omega_ph, cutoff, mu_star_at)
    if not (np.isfinite(temperature) and temperature > 0):
        raise ValueError(f"temperature must be positive, got {temperature:g}.")
    files = [Path(path) for path in paths]
    values = np.full((len(names), len(files)), np.nan)
    errors, remarks = [""] * len(files), [""] * len(files)
    readings: list[Mapping[str, Any]] = [{}] * len(files)
    settings = {
        "quantity": names,
        "temperature": float(temperature),
        "mu_star": float(mu_star),
        "omega_ph": None if omega_ph is None else float(omega_ph),
        "cutoff": None if cutoff is None else float(cutoff),
        "mu_star_at": mu_star_at,
        **reading,
        "version": __version__,
    }
    kept = None if journal is None else Journal(journal, settings)
    left = []
    for k, path in enumerate(files):
        row = None if kept is None else kept.rows.get(str(path))
        if row is not None and row.stamp == _stamp(path):
            values[:, k], remarks[k], readings[k] = row.values, row.remark, row.reading
        else:
            left.append((k, path))
    batch = padded_width(_BATCH)
    batches: dict[tuple, list] = {}
    full: set[Any] = set() if kept is None else kept.full
    of_table = tuple(name for name in names if name in _OF_THE_TABLE)
    of_grid = tuple(name for name in names if name not in _OF_THE_TABLE)
    done = 0

    def read(path):
        try:
            try:
                stamp = Stamp.of(path)  # of before: a file that changes meanwhile is read again
            except OSError:
                read_a2f(path, **reading)  # which says in a sentence what is wrong with it
                raise
            spectrum = read_a2f(path, **reading)
            assert spectrum.provenance is not None
            check_repulsion(spectrum, mu_star, cutoff, omega_ph, mu_star_at)
            key, leaves = _prepared(spectrum, temperature)
            told = " ".join(spectrum.provenance.warnings)
            return (key, leaves, stamp), told, _reading(spectrum.provenance)
        except Exception as error:  # one file that a reader has not expected is not all of them
            known = isinstance(error, ValueError | OSError)
            told = str(error) if known else f"{type(error).__name__}: {error}"
            if str(path) not in told:
                told = f"{path}: {told}"
            return None, " ".join(told.split()), {}

    def compute(key):
        rows = batches.pop(key)
        index = [k for k, _, _ in rows]
        _LOGGER.info("grid: %d energies for files of one shape", key[2])
        if len(rows) == batch:
            full.add(key)
        # What is left at the end goes where a full batch went, or is padded to a power of two.
        width = batch if key in full else padded_width(2 ** (len(rows) - 1).bit_length())
        padded = [leaves for _, leaves, _ in rows] + [rows[-1][1]] * (width - len(rows))
        columns = [np.stack(column) for column in zip(*padded, strict=True)]
        alike = [np.full(width, float(x or 0)) for x in (temperature, mu_star, cutoff, omega_ph)]
        # What takes the table alone is compiled once for its length, whatever the grid.
        found = {}
        one = np.tile([0.0, 1.0], (width, 1))  # panel for all of the table
        for some, panels, size in ((of_table, one, 2), (of_grid, columns[2], key[2])):
            if some:
                evaluate = _evaluator(
                    some, size, cutoff is not None, omega_ph is not None, mu_star_at
                )
                found |= evaluate((*columns[:2], panels, *columns[3:], *alike))
        for row, name in zip(values, names, strict=True):
            row[index] = np.asarray(found[name])[: len(rows)]
        if kept is not None:
            finished = {
                str(files[k]): Row(stamp, values[:, k].tolist(), remarks[k], readings[k])
                for k, _, stamp in rows
            }
            kept.add(key, len(rows) == batch, finished)
        advance(len(rows))

    def advance(count):
        nonlocal done
        done += count
        if progress is not None:
            progress(done, len(files))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpectrumWarning)  # kept with each row instead
        advance(len(files) - len(left))
        for k, (prepared, text, reading_of) in _read_ahead(left, read):
            if prepared is None:
                errors[k] = text
                advance(1)
                continue
            remarks[k], readings[k] = text, reading_of
            key, leaves, stamp = prepared
            batches.setdefault(key, []).append((k, leaves, stamp))
            if len(batches[key]) == batch:
                compute(key)
        for key in list(batches):
            compute(key)
    for k in np.flatnonzero(np.any(np.isnan(values), axis=0)):
        if not errors[k]:
            lost = [name for name, value in zip(names, values[:, k], strict=True) if value != value]
            errors[k] = f"{files[k]}: {', '.join(lost)} could not be computed (not a number)."
    conditions = {
        "temperature_meV": float(temperature),
        "mu_star": float(mu_star),
        "cutoff_meV": np.inf if cutoff is None else float(cutoff),
        "mu_star_at": mu_star_at,
    }
    return _table(files, names, values, errors, remarks, readings, conditions)


#: How a file was read: name → (of the value where there is none, attributes).
_READING: Mapping[str, tuple[Any, dict[str, str]]] = {
    "unit": ("", {"long_name": "unit of the file's frequencies"}),
    "column": (np.nan, {"long_name": "α²F column read, counted from 1", "units": "1"}),
    "columns": (np.nan, {"long_name": "α²F columns of the file", "units": "1"}),
    "smearing": (np.nan, {"long_name": "smearing of the column"}),
    "smearing_kind": ("", {"long_name": "what is smeared, and its unit"}),
    "lambda_of_file": (np.nan, {"long_name": "λ as the file states it", "units": "1"}),
    "lambda_min": (np.nan, {"long_name": "least λ over the columns", "units": "1"}),
    "lambda_max": (np.nan, {"long_name": "largest λ over the columns", "units": "1"}),
}


def _reading(provenance: Provenance) -> dict[str, Any]:
    p = provenance
    found = {"unit": p.unit, "column": p.column, "columns": p.columns}
    if p.column <= len(p.smearings):
        found |= {"smearing": p.smearings[p.column - 1], "smearing_kind": p.smearing_kind}
    if p.stated_coupling is not None:
        found["lambda_of_file"] = p.stated_coupling
    if p.coupling_range:
        found |= {"lambda_min": p.coupling_range[0], "lambda_max": p.coupling_range[1]}
    return found


def _table(files, names, values, errors, remarks, readings, conditions) -> xr.Dataset:
    data: dict[str, Any] = {}
    for name, row in zip(names, values, strict=True):
        label = QUANTITIES[name].label
        factor, unit = unit_of_quantity(name, QUANTITIES[name].energy_power)
        attributes = {"long_name": label, "units": unit}
        data[name.replace("-", "_")] = ("file", factor * row, attributes)
    every = np.ones(len(files))
    kelvin = conditions["temperature_meV"] / KELVIN
    data["temperature"] = ("file", kelvin * every, {"long_name": "T", "units": "K"})
    data["mu_star"] = ("file", conditions["mu_star"] * every, {"long_name": "μ*", "units": "1"})
    for name, (missing, attributes) in _READING.items():
        column = [reading.get(name, missing) for reading in readings]
        kind = object if missing == "" else float
        data[name] = ("file", np.array(column, dtype=kind), attributes)
    data["error"] = ("file", _texts(errors), {"long_name": "why there are no numbers"})
    data["warning"] = ("file", _texts(remarks), {"long_name": "what the reader warns of"})
    told = {"long_name": "path of the file"}
    return xr.Dataset(data, {"file": ("file", _texts(files), told)}, conditions)


def _texts(items) -> np.ndarray:
    return np.array([as_text(str(item)) for item in items], dtype=object)


def table_text(table: xr.Dataset) -> str:
    """The table of `screen` as CSV, the unit of each column in its name: "tc [K]".

    Example:
        >>> tc = ("file", [9.25], {"units": "K"})
        >>> table = xr.Dataset({"lambda": ("file", [1.2], {"units": "1"}), "tc": tc})
        >>> print(table_text(table.assign_coords(file=["nb.dat"])).split())
        ['file,lambda,tc', '[K]', 'nb.dat,1.2,9.25']
    """
    units = {name: array.attrs.get("units", "1") for name, array in table.data_vars.items()}
    names = {name: f"{name} [{unit}]" for name, unit in units.items() if unit != "1"}
    return table.to_dataframe().rename(columns=names).to_csv()
