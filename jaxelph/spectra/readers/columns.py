"""Columns of numbers from anywhere: ω and one α²F or more, with or without a header.

Comment and header lines may name the columns and the unit of ω (`_header`), as the files of
cheil/IsoME.jl (src/ReadIn.jl) do; without a unit the caller must give it. Commas, semicolons and
tabs part columns as blanks do, and decimal commas are understood where other marks part the
columns; marks between thousands are not. Without names a column that rises all along, as λ(ω)
does, is read only if asked for; a column named 2*a2F or a2F/ω is none of α²F; two tables one after
the other are refused, rows out of order sorted. ebmb (janberges/ebmb: src/io_load.f90) takes
such files in eV, which they do not say.

A table of GitGreg228/a2f (GitGreg228/a2f: src) is known by its header: THz, two α²F from two
routes, then running values of λ, ω_log and more for both; λ is Σ 2α²F/ω dω.
"""

import csv
import re
from collections.abc import Sequence

import numpy as np

from ...units import kelvin_to_mev
from ._header import Header, read_header
from ._table import Table, spacing
from ._text import Text, data_lines, is_data, record_length, records

_EXPONENT = r"(?:[eEdD][-+]?\d+)?"
_COMMA_OR_WHOLE = re.compile(rf"[-+]?\d+(?:,\d+)?{_EXPONENT}")
# 1,160.450 and 1.160,450, whole numbers of either kind not: 1,160 may be two columns.
_THOUSANDS = re.compile(
    r"(?<![\d.,])\d{1,3}(?:(?:,\d{3})+\.\d+|(?:\.\d{3})+,\d+|(?:['’]\d{3})+(?:[.,]\d+)?)(?![\d.,])"
)


def read_columns(text: Text) -> Table:
    """Two columns or more of numbers; rows need not be in order."""
    _refuse_thousands(text)
    plain = _plain(text)
    first = next((i for i, line in enumerate(plain.lines) if is_data(line)), None)
    if first is None:
        shown = next(line for line in text.lines if line.strip()).strip()[:40]
        raise text.error(
            f"no rows of numbers, but {shown!r} for example; give a file of columns ω, α²F."
        )
    lines = data_lines(plain, first)
    length = record_length(plain, lines)
    if length < 2:
        raise text.error(
            "one number to a row; put the frequencies in a first column beside α²F.", lines[0]
        )
    rows, starts = records(plain, lines, length, fixed_width=False)
    _refuse_a_cut_end(plain, lines)
    header = read_header(text.lines[:first], length)
    if header.problem:
        raise text.error(
            f"{header.problem}; give a file of columns ω, α²F, or name them so in the header.",
            first - 1,
        )
    if not header.names:
        _refuse_row_numbers(text, rows, lines[0])
        _refuse_omega_behind(text, rows, lines[0])
    table = Table(
        code="columns",
        unit=header.unit,
        omega=rows[:, header.omega],
        a2f=rows[:, list(header.a2f)].T,
        lines=starts,
        ordered=False,
        text=plain,
    )
    _name(table, header)
    if not header.names:
        _leave_out_rising(table)
    rest = [i for i in range(lines[-1] + 1, len(text.lines)) if text.lines[i].strip()]
    if rest:
        table.notes.append(f"Text after the table, from line {rest[0] + 1}, was left out.")
    return table


def _name(table: Table, header: Header) -> None:
    """Labels from the header's names; a total among parts is what is read by default."""
    if len(set(header.names)) < 2:
        return
    try:
        table.smearings = [float(name) for name in header.names]
        table.smearing_kind = "as its header names them"
        return
    except ValueError:
        pass
    table.labels = header.names
    total = [k for k, name in enumerate(header.names) if re.search("tot|sum|full", name, re.I)]
    if total:
        table.alternatives, table.default = (), total[0]


def _leave_out_rising(table: Table) -> None:
    """Of columns without a name, those that rise all along are λ(ω) or another frequency.

    They can be asked for, but are not compared with the others, nor read by default.
    """
    if len(table.omega) < 5:
        return
    steps = np.diff(table.a2f[:, np.argsort(table.omega, kind="stable")])
    with np.errstate(invalid="ignore"):
        rising = np.all(steps >= 0, axis=1) & (np.mean(steps > 0, axis=1) > 0.5)
    if np.all(rising) or not np.any(rising):
        return
    others = np.flatnonzero(~rising).tolist()
    table.alternatives, table.default = others, None if len(others) > 1 else others[0]
    told = ", ".join(str(k + 1) for k in np.flatnonzero(rising))
    table.notes.append(f"Column {told} of α²F rises all along, like λ(ω): it was not compared.")


def _plain(text: Text) -> Text:
    """The text with blanks between the columns of its table, decimal points and no remarks."""
    bare = [re.split(r"[#!]", s, maxsplit=1)[0] if _is_row(s) else s for s in text.lines]
    comma = _decimal_commas([line for line in bare if _is_row(line)])

    def plain(line: str) -> str:
        if not _is_row(line):
            return line
        if comma:
            return re.sub(r"[;\t\"']", " ", line).replace(",", ".")
        return re.sub(r"[,;\t\"']", " ", line)

    return Text(text.path, tuple(plain(line) for line in bare), text.finished)


def _refuse_thousands(text: Text) -> None:
    """Refuse marks between thousands where other marks part the columns: 1,160.45; 0.2."""
    for index, line in enumerate(text.lines):
        found = _THOUSANDS.search(line) if _is_row(line) else None
        # In 1,160.450,0.2 commas may part three columns.
        if found and re.search(r"[;\s\"]", line.strip()) and not re.search(r",\s", line.strip()):
            raise text.error(
                f"{found[0]!r} has a mark between thousands; write the numbers without it.", index
            )


def _is_row(line: str) -> bool:
    return is_data(line.lstrip(" \t\"'"))


def _decimal_commas(rows: Sequence[str]) -> bool:
    """Whether commas are decimal: other marks part the columns, in most rows of the table.

    Whole numbers have no comma, and one damaged row is not to decide over the rest.
    """
    split = [re.split(r"[;\s]+", row.strip(" ;\t\"'")) for row in rows]
    fit = [len(s) > 1 and all(_COMMA_OR_WHOLE.fullmatch(token) for token in s) for s in split]
    return 2 * sum(fit) > len(fit) and any("," in row for row in rows)


def _refuse_a_cut_end(text: Text, lines: Sequence[int]) -> None:
    """Refuse a last number that is shorter than all others of its column, and ends the file."""
    if text.finished or lines[-1] != len(text.lines) - 1:
        return
    widths = [len(text.lines[index].split()[-1].lstrip("-+")) for index in lines]
    # Numbers of one length and many digits were written by a program; others by hand.
    if len(set(widths[:-1])) == 1 and widths[-1] < widths[0] >= 8:
        raise text.error("the file breaks off within this line; copy or write it again.", lines[-1])


def _refuse_row_numbers(text: Text, rows: np.ndarray, line: int) -> None:
    """Refuse 1, 2, 3, … before a column that rises all along: the second one is ω."""
    first = rows[:, 0] - rows[0, 0]
    if len(rows) < 5 or rows.shape[1] < 3 or rows[0, 0] not in (0, 1):
        return
    if np.array_equal(first, np.arange(len(rows))) and np.all(np.diff(rows[:, 1]) > 0):
        raise text.error(
            "the first column numbers the rows, and the second rises like a frequency; leave the "
            "first out, or name the columns in a header, # i omega[meV] a2F for example.",
            line,
        )


def _refuse_omega_behind(text: Text, rows: np.ndarray, line: int) -> None:
    """Refuse a first column that goes up and down before one that rises all along: that is ω."""
    steps = np.diff(rows[:, :2], axis=0)
    if len(rows) >= 5 and np.all(steps[:, 1] > 0) and len(set(np.sign(steps[:, 0]))) > 1:
        raise text.error(
            "the second column rises like a frequency, and the first does not; put ω first, or "
            "name the columns in a header, # a2F omega[meV] for example.",
            line,
        )


def is_gitgreg(text: Text) -> bool:
    """Whether the header is the one of GitGreg228/a2f."""
    return text.lines[0].lstrip('"').startswith("freqs, THz")


def read_gitgreg(text: Text) -> Table:
    """The CSV of GitGreg228/a2f: two α²F, from the λ and from the γ of ph.x."""
    names = next(csv.reader([text.lines[0]]))
    plain = Text(text.path, tuple(line.replace(",", " ") for line in text.lines), text.finished)
    lines = data_lines(plain, 1)
    if record_length(plain, lines) != len(names):
        raise text.error("the rows have not as many numbers as the header has names.", lines[0])
    rows, starts = records(plain, lines, len(names))
    which = [i for i, name in enumerate(names) if name.startswith("a2f")]
    if not which:
        raise text.error("no column named a2f.", 0)

    def last(beginning: str) -> np.ndarray:
        found = [i for i, name in enumerate(names) if name.startswith(beginning)]
        return rows[-1, found] if len(found) == len(which) else np.empty(0)

    return Table(
        code="GitGreg228/a2f",
        unit="THz",
        omega=rows[:, 0],
        a2f=rows[:, which].T,
        lines=starts,
        text=plain,
        even=5e-9,
        step=spacing(rows[:, 0]),
        resolution=5e-9,
        smeared=False,
        labels=[names[i].removesuffix(", THz") for i in which],
        coupling=last("lambda").tolist(),
        # Printed from half precision, which is why a tolerance of 5e-4 just lets it pass.
        log_frequency=kelvin_to_mev(last("wlog")).tolist(),
        stated_in="its last row",
    )
