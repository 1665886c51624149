"""Quantum ESPRESSO: `matdyn.x`, `lambda.x` and `alpha2f.x`.

| file | unit of ω | columns | source |
|---|---|---|---|
| `a2F.dosN` | Ry | ω, total, 3·nat modes | QEF/q-e: PHonon/PH/matdyn.f90, `a2Fdos` |
| `alpha2F.dat` | THz | ω, one per electron smearing | QEF/q-e: PHonon/PH/lambda.f90 |
| `prefix.a2F.dat` | Ry | ω, α²F, phonon DOS, partial DOS | QEF/q-e: PHonon/PH/alpha2f.f90 |

α²F is dimensionless in all three. λ is the sum Σ 2α²F(ω)/ω dω over the rows, negative
values included.
"""

import re

import numpy as np

from ...units import kelvin_to_mev
from ._table import Table, spacing, uniform
from ._text import Text, companion, data_lines, is_data, record_length, records

_MATDYN_END = r"lambda\s*=\s*([-+\d.EeDd]+)\s+Delta\s*=\s*([-+\d.EeDd]+)"
_LAMBDA_HEAD = re.compile(r"^\s*#?\s*E\s*\(THz\)")


def _code(program: str) -> str:
    return f"Quantum ESPRESSO {program}"


def is_matdyn(text: Text) -> bool:
    """Whether the header is the one that `matdyn.x` writes, with or without its marks."""
    head = "\n".join(text.lines[:6])
    return "Eliashberg function a2F" in head or "frequencies in Rydberg" in head


def read_matdyn(text: Text) -> Table:
    """`a2F.dosN` of `matdyn.x`: one file for each electron smearing N.

    Rows come in three fashions: one record `(3X,1000E16.6)`; two records, `(3X,2F12.6)` then
    `(6F16.8)` (5.0 to 6.2.1); or one record `(3x,F12.6,6F16.8)` that wraps (up to 4.3.2).
    The last line states λ and the spacing of the grid, of which the rows are midpoints.
    """
    text = text.spread(16)
    end = text.find("lambda =", "Delta =")
    lines = data_lines(text, 0, end)
    length = record_length(text, lines)
    # A record holds 2 + 3·nat numbers; 14 or 35 of them, seven to a line, look like more rows.
    if length == 7:
        length = next(n for n in (14, 35, 56) if len(lines) % (n // 7) == 0 or n == 56)
    rows, starts = records(text, lines, length)
    if rows.shape[1] < 2:
        raise text.error("one number to a row, and no α²F beside it.", lines[0])
    table = Table(
        code=_code("matdyn.x"),
        unit="Ry",
        omega=rows[:, 0],
        a2f=rows[:, 1:].T,
        lines=starts,
        step=spacing(rows[:, 0]),
        labels=("total", *(f"mode {i}" for i in range(1, length - 1))),
        stated_in="its last line",
        text=text,
        alternatives=(),
        even=5e-7 * float(np.max(np.abs(rows[:, 0]), initial=0.0)),
    )
    if "E" not in text.lines[lines[0]].upper():  # F12.6 for both ω and the total
        table.resolution = table.even = 5e-7
    if end is None:
        table.warnings.append(
            "The line with λ and Delta that matdyn.x writes last is missing: the table may be "
            "cut short."
        )
    else:
        match = re.search(_MATDYN_END, text.lines[end])
        if match is None:
            raise text.error("the line with λ and Delta is cut short; copy the file again.", end)
        coupling, step = (text.number(value, end) for value in match.groups())
        if not abs(spacing(rows[:, 0]) - step) <= 0.01 * abs(step) + 2 * (table.even or 0.0):
            table.warnings.append(
                f"The rows are {spacing(rows[:, 0]):.6g} Ry apart, but the last line states "
                f"Delta = {step:.6g} Ry: rows are missing, or a number is damaged."
            )
        table.coupling, table.step = (coupling,), step
        if table.resolution:
            table.omega = uniform(table.omega, 5e-7, step)
    _matdyn_smearings(text, table)
    return table


def _matdyn_smearings(text: Text, table: Table) -> None:
    """Name the smearing of this file from the text file `lambda` that lies beside it."""
    number = re.search(r"a2F\.dos(\d+)$", text.path.name)
    name, said = companion(text.path, r"a2F\.dos\d+", "lambda")
    if number is None:
        return
    found = re.findall(r"Broadening\s+(\S+)\s+lambda\s+(\S+)", said)
    index = int(number.group(1)) - 1
    try:
        smearings, direct = (
            [float(value) for value in column] for column in zip(*found, strict=True)
        )
    except ValueError:
        return
    if not 0 <= index < len(smearings):
        return
    listed = ", ".join(f"{s:g}" for s in smearings)
    table.notes.append(
        f"Electron smearing {smearings[index]:g} Ry of {listed} Ry, one file a2F.dosN each; "
        f"the direct sum over q in {name} gives λ = {direct[index]:g}."
    )


def is_lambda(text: Text) -> bool:
    """Whether the first line is `# E(THz)` with the smearings, as `lambda.x` writes it."""
    return bool(_LAMBDA_HEAD.match(text.lines[0]))


def read_lambda(text: Text) -> Table:
    """`alpha2F.dat` of `lambda.x`: a column for each electron smearing in Ry.

    Formats `('# E(THz)',10(f10.3))` and `(f8.4,10(f10.5))`: more than ten smearings wrap
    both, and the rest of a wrapped header is a line of bare numbers. Some programs write
    the same columns with all digits, which needs no mending.
    """
    text = text.spread(10)
    if _LAMBDA_HEAD.match(text.lines[0]) is None:
        raise text.error("lambda.x begins its file with '# E(THz)', and this one does not.", 0)
    smearings = _numbers_of(text, 0, _LAMBDA_HEAD.sub("", text.lines[0]))
    first = 1
    # A row of more than ten columns begins with eleven numbers: fewer are still header.
    while len(smearings) >= 10 and first < len(text.lines):
        if not is_data(text.lines[first]) or len(text.lines[first].split()) > 10:
            break
        smearings += text.numbers(first)
        first += 1
    lines = data_lines(text, first)
    length = record_length(text, lines)
    rows, starts = records(text, lines, length)
    if len(smearings) != length - 1:
        raise text.error(
            f"{len(smearings)} smearings in the header, but {length - 1} columns of α²F below; "
            "the file is damaged: write it again.",
            0,
        )
    printed = rows[:, 0]
    rounded = bool(re.fullmatch(r"\d*\.\d{4}", text.lines[lines[0]].split()[0]))
    table = Table(
        code=_code("lambda.x"),
        unit="THz",
        omega=uniform(printed, 5e-5) if rounded else printed,
        a2f=rows[:, 1:].T,
        lines=starts,
        step=spacing(printed),
        resolution=5e-6 if rounded else 0.0,
        smearings=smearings,
        smearing_kind="electron, Ry",
        text=text,
        end=None,
        even=5e-5 if rounded else 1e-9 * float(np.max(printed)),
    )
    _lambda_stated(text, table)
    return table


def _numbers_of(text: Text, index: int, part: str) -> list[float]:
    return Text(text.path, (*[""] * index, part), True).numbers(index)


def _lambda_stated(text: Text, table: Table) -> None:
    """λ and ω_log of each column from `lambda.dat`, where it lies beside the file."""
    name, said = companion(text.path, r"alpha2F\.dat", "lambda.dat")
    if not said:
        return
    rows = []
    for line in said.splitlines():
        try:
            rows.append([float(x) for x in line.split()[:4]])
        except ValueError:
            continue
    if [len(row) for row in rows] != [4] * len(table.a2f):
        table.notes.append(f"{name} has not one row for each column, and is not used.")
        return
    # The second number is the direct sum over q; the third belongs to α²F.
    table.coupling = [row[2] for row in rows]
    table.log_frequency = [kelvin_to_mev(row[3]) for row in rows]
    table.stated_in = name


def is_alpha2f(text: Text) -> bool:
    """Whether the first line names the columns of `alpha2f.x`."""
    return "Frequency[Ry]" in text.lines[0]


def read_alpha2f(text: Text) -> Table:
    """`prefix.a2F.dat` of `alpha2f.x` (tetrahedra): `(200e25.15)`, λ only on its output."""
    lines = data_lines(text, 0)
    rows, starts = records(text, lines, record_length(text, lines))
    if rows.shape[1] < 2:
        raise text.error("one number to a row, and no α²F beside it.", lines[0])
    return Table(
        code=_code("alpha2f.x"),
        unit="Ry",
        omega=rows[:, 0],
        a2f=rows[:, 1:2].T,
        lines=starts,
        step=spacing(rows[:, 0]),
        text=text,
        even=1e-12 * float(np.max(rows[:, 0])),
        # Tetrahedra end at the highest phonon, where α²F comes down within the last rows.
        end=2e-3,
        like=rows[:, 2] if rows.shape[1] > 2 else None,
    )
