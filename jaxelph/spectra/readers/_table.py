"""From a file's columns to a spectrum: the checks that every layout shares."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import SupportsIndex

import numpy as np
from jaxtyping import Float, Int

from ...units import MEV_PER_UNIT, frequency_unit, to_mev
from ..provenance import TRANSPORT, Provenance
from ..table import TabulatedSpectrum
from . import _checks, _smearings
from ._errors import SpectrumFileError
from ._sums import Sums
from ._text import Text

#: Relative disagreement with what the file states that a person should hear of.
TOLERANCE = 5e-4
#: Share of λ in negative α²F that a person should hear of.
WEIGHT = 0.01
#: Share of λ in rows with ω < 0, which are dropped, that a person should hear of.
IMAGINARY = 1e-3
#: Difference of the code's own sum from the trapezoidal rule that a person should hear of.
RULE = 0.05

ABINIT_CONVENTION = "∫α²F/ω"
TEXTBOOK_CONVENTION = "2∫α²F/ω"


@dataclasses.dataclass
class Table:
    """What the parser of a layout hands over: the columns as printed, nothing dropped.

    The per-column tuples are empty where the file does not say.
    """

    code: str
    unit: str | None  # of the frequencies; None where the file does not say
    omega: Float[np.ndarray, " row"]
    a2f: Float[np.ndarray, "column row"]
    lines: Int[np.ndarray, " row"] | None = None  # where each row begins, from 0
    step: float | None = None  # dω of the code's sum Σ α²F/ω dω; None for a trapezoid
    ends: tuple[float, ...] = ()  # weights of that sum at either end, where they are not 1
    both_signs: bool = False  # the code's λ takes rows with ω < 0, too, by |ω|
    single: bool = False  # the code's λ is ∫α²F/ω, without the 2
    ordered: bool = True  # written by a program, so that rows out of order mean damage
    resolution: float = 0.0  # half a unit in the last printed place of α²F
    smearings: Sequence[float] = ()
    smearing_kind: str = ""
    labels: Sequence[str] = ()  # what each column is where it is not a smearing
    coupling: Sequence[float] = ()  # λ of each column, as stated
    log_frequency: Sequence[float] = ()  # ω_log of each column in meV, as stated
    stated_in: str = "the file"
    text: Text | None = None  # where NaN in `a2f` can be looked up, to say what stood there
    alternatives: Sequence[int] | None = None  # columns, from 0, of one quantity; None for all
    smeared: bool = True  # the alternatives go through smearings, in order
    default: int | None = None  # the column, from 0, to read where no alternatives decide
    even: float | None = None  # the grid is uniform, printed to so much; None if not known
    end: float | None = _checks.SHARE  # what may be missing behind the last row, see `_checks`
    like: Float[np.ndarray, " row"] | None = None  # the phonons' own density of states
    transport: Sequence[int] = ()  # columns, from 0, that are α²_tr F
    notes: list[str] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)

    def label(self, column: int) -> str:
        """What α²F column `column`, from 1, is in words; empty for the only column."""
        if self.labels:
            return self.labels[column - 1]
        if self.smearings:
            return f"smearing {self.smearings[column - 1]:g} ({self.smearing_kind})"
        return ""


def uniform(
    printed: Float[np.ndarray, " row"], half_unit: float, step: float | None = None
) -> Float[np.ndarray, " row"]:
    """The uniform grid that was rounded to `printed`, or `printed` where there is none.

    A code that prints four decimals of a uniform grid leaves 1 % of noise on the lowest
    frequencies, hence on λ; the grid itself is known to a fraction of that rounding.
    """
    if step is None:
        step = spacing(printed)
    index = np.arange(len(printed))
    grid = np.mean(printed - step * index) + step * index
    if np.max(np.abs(grid - printed)) > 1.5 * half_unit:
        return printed
    return np.where(printed == 0, 0.0, grid)


def spacing(omega: Float[np.ndarray, " row"]) -> float:
    """The dω of a uniform grid: the whole range is rounded less than one interval."""
    return float((omega[-1] - omega[0]) / max(len(omega) - 1, 1))


def finish(
    path: str,
    layout: str,
    table: Table,
    *,
    column: SupportsIndex | None,
    unit: str | None,
    convention: str | None,
) -> TabulatedSpectrum:
    """Choose a column, convert, drop ω ≤ 0, check, and state it all in a provenance."""

    def error(message: str, row: int | None = None) -> SpectrumFileError:
        if row is None:
            return SpectrumFileError(f"{path}: {message}")
        where = f"row {row + 1}" if table.lines is None else f"line {table.lines[row] + 1}"
        return SpectrumFileError(f"{path}, {where}: {message}")

    notes, warnings = list(table.notes), list(table.warnings)
    unit = _choose_unit(table, unit, error, warnings)
    single = _choose_convention(table, convention, error, warnings)
    omega = table.omega * MEV_PER_UNIT[unit]
    _refuse_missing(table, omega, error)
    order = _order(table, omega, error, warnings)
    omega = omega[order]
    keep = omega > 0
    if np.count_nonzero(keep) < 2:
        raise error("fewer than two rows with ω > 0; the table is empty or cut short.")

    def sums_of(a2f) -> Sums:
        return Sums(
            omega,
            a2f,
            step=None if table.step is None else to_mev(table.step, unit),
            ends=table.ends,
            both_signs=table.both_signs,
            # In the file's own convention, so that it compares with the λ that the file states.
            prefactor=1.0 if single or table.single else 2.0,
            resolution=table.resolution,
        )

    every = [sums_of(a2f[order]).coupling for a2f in table.a2f]
    column = _choose_column(table, column, every, error, notes, warnings)
    _refuse_missing(table, table.a2f[column - 1], error)
    a2f = table.a2f[column - 1][order]
    if not np.any(a2f[keep]):
        raise error("α²F is zero in every row; choose another column or file.")
    sums = sums_of(a2f)
    if not np.isfinite(sums.coupling):
        raise error("λ is not finite; the frequencies are too small: check their unit.")
    if sums.coupling <= 0:
        raise error(
            f"λ is {sums.coupling:.4g}, and no metal has λ ≤ 0; choose another column, or "
            "converge the calculation that wrote this file."
        )
    stated = _stated(table.coupling, column)
    imaginary = _report_dropped(omega, a2f, sums, stated, notes, warnings)
    warnings += _checks.origin(omega[keep], (0.5 if single else 1.0) * a2f[keep])
    warnings += _damage(table, unit, omega, a2f, order, keep)
    negative = sums.negative_weight
    if negative > WEIGHT:
        warnings.append(
            f"Negative α²F carries {negative:.1%} of ∫|α²F|/ω; it is kept, as in the code's own "
            "λ, but it marks an unconverged calculation or a smearing that overshoots."
        )

    stated_log = _stated(table.log_frequency, column)
    for name, value, own, bound in (
        ("λ", stated, sums.coupling, sums.coupling_error),
        ("ω_log in meV", stated_log, sums.log_frequency, sums.log_error),
    ):
        # Where rows with ω < 0 carry weight, the one warning of that has the stated λ in it.
        if value is None or imaginary:
            continue
        if not abs(own - value) <= TOLERANCE * abs(value) + bound:
            warnings.append(
                f"{name} of column {column} sums to {own:.6g}, but {table.stated_in} states "
                f"{value:.6g}: the table may be cut short, edited, or from another run."
            )

    transport = column - 1 in table.transport
    if transport:
        warnings.append(TRANSPORT)
    factor = 0.5 if single else 1.0
    doubled = 2.0 if table.single and not single else 1.0
    own = sums.trapezoid
    if abs(own / sums.coupling - 1) > 1e-4 and not imaginary:
        said = (
            f"The code's own sum gives λ = {doubled * sums.coupling:.6g}; the trapezoidal rule "
            f"that this spectrum uses gives {doubled * own:.6g} on the same rows"
        )
        if abs(own / sums.coupling - 1) > RULE:
            warnings.append(f"{said}: they are too few for a function, or are a list of modes.")
        else:
            notes.append(f"{said}.")
    provenance = Provenance(
        path=path,
        format=layout,
        code=table.code,
        unit=unit,
        column=column,
        columns=len(table.a2f),
        label=table.label(column) if len(table.a2f) > 1 else "",
        smearings=tuple(map(float, table.smearings)),
        smearing_kind=table.smearing_kind,
        convention=ABINIT_CONVENTION if single else TEXTBOOK_CONVENTION,
        coupling=doubled * sums.coupling,
        stated_coupling=stated,
        log_frequency=sums.log_frequency,
        stated_log_frequency=stated_log,
        dropped_rows=int(np.count_nonzero(~keep)),
        negative_weight=negative,
        coupling_range=_range([doubled * every[k] for k in _alternatives(table)]),
        warnings=tuple(warnings),
        notes=tuple(notes),
        quantity="α²_trF" if transport else "α²F",
    )
    return TabulatedSpectrum(omega[keep], factor * a2f[keep], provenance=provenance)


def _stated(values: Sequence[float], column: int) -> float | None:
    value = float(values[column - 1]) if column <= len(values) else np.nan
    return value if np.isfinite(value) else None


def _place(table: Table, row: int) -> str:
    return f"row {row + 1}" if table.lines is None else f"line {table.lines[row] + 1}"


def _damage(table: Table, unit, omega, a2f, order, keep) -> Iterator[str]:
    """Signs of it in the rows with ω > 0; where λ is stated, that tells more than a shape."""
    rows = order[keep]

    def where(row: int) -> str:
        return _place(table, int(rows[row]))

    text = table.text
    # Columns from anywhere may have been typed; a program ends its last line.
    if table.ordered and text is not None and table.lines is not None and not text.finished:
        if not any(line.strip() for line in text.lines[int(table.lines[-1]) + 1 :]):
            yield "The last line of the file has no end: the table may be cut short there."
    even = None if table.even is None else to_mev(table.even, unit)
    yield from _checks.steps(omega[keep], where, even)
    yield from _checks.end(omega[keep], a2f[keep], table.end)
    if not len(table.coupling):
        like = None if table.like is None else table.like[rows]
        yield from _checks.outlier(omega[keep], a2f[keep], like, where)


def _refuse_missing(table: Table, values, error) -> None:
    """Raise for what is not a number in these values of each row, in the words of its line."""
    bad = np.flatnonzero(~np.isfinite(values))
    if not bad.size:
        return
    row = int(bad[0])
    if table.text is not None and table.lines is not None:
        ends = [*table.lines[1:], len(table.text.lines)]
        for index in range(int(table.lines[row]), int(ends[row])):
            table.text.numbers(index)  # which raises
    raise error("a value is not finite (NaN or infinite); write the file again.", row)


def _alternatives(table: Table) -> Sequence[int]:
    return range(len(table.a2f)) if table.alternatives is None else table.alternatives


def _range(couplings: Sequence[float]) -> tuple[float, float] | None:
    values = [x for x in couplings if np.isfinite(x)]
    return (float(min(values)), float(max(values))) if len(values) > 1 else None


def _choose_unit(table: Table, unit: str | None, error, warnings: list[str]) -> str:
    known = ", ".join(MEV_PER_UNIT)
    if unit is None and table.unit is None:
        raise error(
            "the file does not say the unit of its frequencies; pass unit= (--unit on the "
            f"command line), one of {known}."
        )
    if unit is None:
        assert table.unit is not None
        return table.unit
    try:
        unit = frequency_unit(unit)
    except (ValueError, AttributeError):
        raise error(f"unit={unit!r} is not known; use one of {known}.") from None
    if table.unit is not None and unit != table.unit:
        warnings.append(
            f"The frequencies are read in {unit}, as asked, though {table.code} writes this "
            f"layout in {table.unit}; leave unit= out to take the layout's own."
        )
    return unit


def _choose_column(
    table: Table, column: SupportsIndex | None, couplings, error, notes, warnings
) -> int:
    """The α²F column, from 1: the one asked for, or that of `_smearings.choose`."""
    count = len(table.a2f)
    if column is not None and (isinstance(column, bool) or not hasattr(column, "__index__")):
        raise error(f"column={column!r} is not a whole number; the file has {count}, from 1.")
    same = list(_alternatives(table))
    among = [couplings[k] for k in same]
    rule = ""
    if column is not None:
        chosen = int(column)
    elif table.default is not None or len(same) < 2:
        chosen = (table.default or 0) + 1
    else:
        place, rule = _smearings.choose(among, smeared=table.smeared)
        chosen = same[place] + 1
    if not 1 <= chosen <= count:
        plural = "s" if count > 1 else ""
        raise error(
            f"column={chosen} is out of range; the file has {count} α²F column{plural}, "
            "counted from 1."
        )
    label = table.label(chosen)
    given = f", {label}," if label else ""
    if count > 1:
        ask = "; choose another with column=" if column is None else ""
        notes.append(f"Column {chosen} of {count}{given} was read{ask}.")
        if table.labels:
            listed = [f"{i} {name}" for i, name in enumerate(table.labels, 1)]
            if len(listed) > 8:
                listed = [*listed[:3], "and so on to", listed[-1]]
            notes.append(f"The columns are: {', '.join(listed)}.")
    extent = _range(among)
    if extent is not None:
        said = f"λ over the columns runs from {extent[0]:.4g} to {extent[1]:.4g}"
        wide = _smearings.spread(among) > _smearings.SPREAD
        if column is None and (wide or rule not in ("", "the first")):
            warnings.append(
                f"{said}; column {chosen} of {count}{given or ','} was read, {rule}: compare them "
                "by `jaxelph columns` and choose with column= (--column)."
            )
        else:
            notes.append(f"{said}.")
    lost = [k + 1 for k in range(count) if not np.all(np.isfinite(table.a2f[k]))]
    if lost:
        told = ", ".join(map(str, lost))
        plural = "s" if len(lost) > 1 else ""
        notes.append(f"Column{plural} {told} cannot be read: some values are not numbers.")
    return chosen


def _choose_convention(table: Table, convention: str | None, error, warnings) -> bool:
    if convention not in (None, "abinit", "textbook"):
        raise error(f'convention={convention!r} is not known; use "abinit" or "textbook".')
    if convention == "abinit" and not (table.single or table.code == "columns"):
        raise error(
            'convention="abinit" is for files in which λ = ∫α²F/ω; this layout states '
            "λ = 2∫α²F/ω: leave convention= out."
        )
    if convention is None and table.single:
        warnings.append(
            "ABINIT's EPH code states λ = ∫α²F/ω, without the textbook's factor 2; its values "
            "are halved here, so that 2∫α²F/ω is the λ that ABINIT states. Pass "
            'convention="abinit" to confirm this, or convention="textbook" to take the values '
            "as they stand, which doubles λ."
        )
    return convention == "abinit" or (convention is None and table.single)


def _order(table: Table, omega, error, warnings: list[str]) -> Int[np.ndarray, " row"]:
    later = np.flatnonzero(np.diff(omega) < 0)
    order = np.arange(len(omega))
    if later.size and table.ordered:
        raise error(
            f"the frequency falls below that of the row before, which {table.code} does not "
            "write; the file is damaged: write it again.",
            int(later[0]) + 1,
        )
    if later.size:
        assert table.lines is not None
        again = _second_table(omega)
        if again is not None:
            raise error("a second table begins here; part them into files of their own.", again)
        warnings.append(
            f"Rows are out of order, first at line {table.lines[later[0] + 1] + 1}; they were "
            "sorted by frequency."
        )
        order = np.argsort(omega, kind="stable")
    same = np.flatnonzero(np.diff(omega[order]) == 0)
    if same.size:
        row = int(max(order[same[0] : same[0] + 2]))
        raise error("this frequency stands in two rows; remove one.", row)
    return order


def _second_table(omega: Float[np.ndarray, " row"]) -> int | None:
    """The row at which ω begins anew, of rows that are tables one after another.

    Rows that are only out of order make short runs of one direction, or runs that do not
    overlap; each of two tables or more is long and spans most of the range of ω.
    """
    step = np.sign(np.diff(omega))
    begins = np.flatnonzero(step[1:] != step[:-1]) + 1
    runs = np.split(omega, begins)
    width = omega.max() - omega.min()
    long = max(3, len(omega) / 10)
    wide = [k for k, run in enumerate(runs) if len(run) >= long and np.ptp(run) > width / 2]
    return int(begins[wide[1] - 1]) if len(wide) > 1 else None


def _report_dropped(
    omega, a2f, sums: Sums, stated: float | None, notes: list[str], warnings: list[str]
) -> bool:
    """Tell of rows with ω ≤ 0; whether those with ω < 0 carried weight."""
    low = omega <= 0
    if not np.any(low):
        return False
    negative = omega < 0
    weight = np.sum(np.abs(a2f[negative] / omega[negative]))
    share = weight / (weight + np.sum(np.abs(a2f[~low] / omega[~low])))
    count = np.count_nonzero(low)
    plural = "s" if count > 1 else ""
    said = f"{count} row{plural} with ω ≤ 0 dropped, with {share:.2%} of Σ|α²F/ω|"
    if share > IMAGINARY:
        told = "" if stated is None else f" (the file states λ = {stated:.6g})"
        warnings.append(
            f"{said}: imaginary phonon modes carry coupling, and λ = {sums.trapezoid:.6g} is "
            f"that of the rows that are left{told}."
        )
        return True
    notes.append(f"{said}.")
    if np.any(np.abs(a2f[omega == 0]) > 1e-3 * np.max(np.abs(a2f))):
        warnings.append("α²F does not vanish at ω = 0, so that λ depends on the first rows.")
    return False
