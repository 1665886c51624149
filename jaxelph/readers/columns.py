"""Columns of numbers from anywhere: ω and one α²F or more, with or without a header.

Comment and header lines may name the unit of ω, as the files of cheil/IsoME.jl
(src/ReadIn.jl) do; without one the caller must. Commas, semicolons and tabs part columns as
blanks do, and decimal commas are understood where they can only be that. ebmb
(janberges/ebmb: src/io_load.f90) takes such files in eV, which they do not say.

A table of GitGreg228/a2f (GitGreg228/a2f: src) is known by its header: THz, two α²F from two
routes, then running values of λ, ω_log and more for both; λ is Σ 2α²F/ω dω.
"""

import csv
import re

import numpy as np

from ..units import frequency_unit, kelvin_to_mev
from ._table import Table, spacing
from ._text import Text, data_lines, is_data, record_length, records

# Short names could be words: Ha and Ry only in that case, K only within brackets.
_UNIT = re.compile(
    r"(?<![A-Za-z])((?i:meV|eV|THz|Rydberg|Hartree|cm-1|cm\^-1|cm⁻¹|2piTHz|rad/ps)|Ry|Ha)"
    r"(?![A-Za-z])|[\[(](K)[\])]"
)
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?")


def read_columns(text: Text) -> Table:
    """Two columns or more of numbers; rows need not be in order."""
    plain = Text(text.path, tuple(_plain(line) for line in text.lines), text.finished)
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
    table = Table(
        code="columns",
        unit=_header_unit(text, first),
        omega=rows[:, 0],
        a2f=rows[:, 1:].T,
        lines=starts,
        ordered=False,
    )
    rest = [i for i in range(lines[-1] + 1, len(text.lines)) if text.lines[i].strip()]
    if rest:
        table.notes.append(f"Text after the table, from line {rest[0] + 1}, was left out.")
    return table


def _plain(line: str) -> str:
    """The line with blanks between its columns, and no remark at its end."""
    if not is_data(line.lstrip(" \t\"'")):
        return line
    line = re.split(r"[#!]", line, maxsplit=1)[0]
    tokens = [t for t in re.split(r"[;\s]+", line) if t]
    if len(tokens) > 1 and all(_DECIMAL_COMMA.fullmatch(token) for token in tokens):
        return " ".join(token.replace(",", ".") for token in tokens)
    return re.sub(r"[,;\t\"']", " ", line)


def _header_unit(text: Text, first: int) -> str | None:
    """The one unit that the lines above the table name, if they name just one."""
    found = [a or b for line in text.lines[:first] for a, b in _UNIT.findall(line)]
    units = list(dict.fromkeys(frequency_unit(name) for name in found))
    return units[0] if len(units) == 1 else None


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
        step=spacing(rows[:, 0]),
        resolution=5e-9,
        labels=[names[i].removesuffix(", THz") for i in which],
        coupling=last("lambda").tolist(),
        # Printed from half precision, which is why a tolerance of 5e-4 just lets it pass.
        log_frequency=kelvin_to_mev(last("wlog")).tolist(),
        stated_in="its last row",
    )
