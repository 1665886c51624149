"""EPW: `prefix.a2f` and its kin. ω in meV, α²F dimensionless, λ = Σ 2α²F(ω)/ω dω.

| file | header | columns after ω |
|---|---|---|
| `a2f.NN[.T]`, `a2f` (QE ≤ 6.4) | none | N α²F |
| `a2f` (6.5, 6.6) | `w[meV] a2f for N ...` | N α²F |
| `a2f` (6.7 on) | `w[meV] a2f and integrated 2*a2f/w for N ...` | N α²F, N λ(ω) |
| `a2f` of `a2f_iso=.true.` (EPW 6) | as above, N misleading | α²F, λ(ω) |
| `a2f_iso` (QE 6.5 to 7.0) | `w[meV] a2f` | α²F, and no footer |
| `a2f_iso` (QE ≤ 6.4) | none | α²F, its 3·nat mode parts; `lambda_int =` ends it |
| `a2f_proj` | `w[meV] a2f a2f_modeproj` | the same |
| `a2f_tr.NN` | none | N α²_tr F, of transport |

N counts phonon smearings. Formats `(f12.7,20f12.7)` and `(f12.7,15f12.7)` wrap. Sources, in
QEF/q-e: EPW/src/spectral.f90 (`a2f_main`), EPW/src/supercond.f90 (`evaluate_a2f_lambda`),
EPW/src/supercond_vertex.f90 and, for old versions, EPW/src/a2f.f90.
"""

import re

from ._table import Table, spacing
from ._text import Text, data_lines, record_length, records

_FOOTER = "Integrated el-ph"


def is_epw(text: Text) -> bool:
    """Whether the header or the footer is EPW's."""
    return "w[meV] a2f" in text.lines[0] or text.find(_FOOTER, "lambda_int =") is not None


def read_epw(text: Text) -> Table:
    """Any of EPW's α²F files; which columns are cumulative λ follows from the footer."""
    text = text.spread(12)
    header = text.lines[0] if "w[meV]" in text.lines[0] else ""
    end = text.find(_FOOTER, "lambda_int =")
    lines = data_lines(text, 1 if header else 0, end)
    # The footer of one λ is that of the total and its mode parts, with a header or without.
    projected = "modeproj" in header or (end is not None and _FOOTER not in text.lines[end])
    coupling, smearings = ([], []) if end is None or projected else _footer(text, end)

    length = record_length(text, lines)
    # Twenty-one numbers fill a line, so that the rhythm alone cannot tell 21 from 63.
    allowed = (1 + len(coupling), 1 + 2 * len(coupling)) if coupling else (length,)
    length = next((n for n in allowed if n % length == 0), length)
    rows, starts = records(text, lines, length)
    if length not in allowed:
        raise text.error(
            f"{len(coupling)} values of λ in the footer do not go with {length - 1} columns of "
            "numbers; the file is damaged: write it again.",
            end,
        )
    if length < 2:
        raise text.error("one number to a row, and no α²F beside it.", lines[0])
    table = Table(
        code="EPW",
        unit="meV",
        omega=rows[:, 0],
        a2f=rows[:, 1:].T,
        lines=starts,
        step=spacing(rows[:, 0]),
        resolution=5e-8,
        coupling=coupling,
        stated_in="its footer",
        text=text,
        even=5e-8,
        end=None,
    )
    if projected:
        table.alternatives = ()
        table.labels = ("total", *(f"mode {i}" for i in range(1, length - 1)))
        table.coupling = _projected_coupling(text, end)
        table.stated_in = "its last line"
    else:
        count = _alpha2f_columns(header, length, len(coupling))
        table.a2f = table.a2f[:count]
        if len(smearings) == count:
            table.smearings, table.smearing_kind = smearings, "phonon, meV"
    _remarks(text, header, end, table)
    return table


def _footer(text: Text, end: int) -> tuple[list[float], list[float]]:
    """λ and the phonon smearing of each column."""
    middle = text.find("Phonon smearing", start=end)
    if middle is None:
        middle = _after_marked(text, end + 1)  # λ alone is enough
        if middle == end + 1 or not text.lines[end + 1].strip("# "):
            raise text.error("the footer breaks off here; copy or write the file again.", end)
    after = _after_marked(text, middle + 1)

    def values(first: int, last: int) -> list[float]:
        found = []
        for index in range(first, last):
            bare = text.lines[index].replace("#", " ")
            found += Text(text.path, (*[""] * index, bare), True).numbers(index, lenient=True)
        return found

    coupling, smearings = values(end + 1, middle), values(middle + 1, after)
    if not coupling:
        raise text.error("no λ follows this line; copy or write the file again.", end)
    return coupling, smearings


def _after_marked(text: Text, first: int) -> int:
    """The first line from `first` on that does not begin with #, as values in the footer do."""
    while first < len(text.lines) and text.lines[first].lstrip().startswith("#"):
        first += 1
    return first


def _projected_coupling(text: Text, end: int | None) -> list[float]:
    match = None if end is None else re.search(r"lambda_int\s*=\s*(\S+)", text.lines[end])
    return [text.number(match.group(1), end)] if match and end is not None else []


def _alpha2f_columns(header: str, length: int, stated: int) -> int:
    """How many of the columns after ω are α²F; the rest is cumulative λ."""
    if stated:
        return stated
    if "integrated" in header:
        # Without a footer only the header is left, and N in it is wrong for three columns.
        return (length - 1) // 2 if (length - 1) % 2 == 0 else length - 1
    return length - 1


def _remarks(text: Text, header: str, end: int | None, table: Table) -> None:
    if end is None and header.strip() != "w[meV] a2f":
        table.warnings.append(
            "The footer that EPW writes is missing: the table may be cut short, and λ cannot "
            "be checked."
        )
    summed = "The direct sum over q and modes gives λ = {}."
    if ".a2f_tr" in text.path.name:
        table.code, table.transport = "EPW, transport", range(len(table.a2f))
        summed = "The direct sum over q and modes that EPW repeats here, λ = {}, is that of α²F."
    for name, words in (
        (r"Electron smearing \(eV\)", "Electron smearing {} eV."),
        (r"Fermi window \(eV\)", "Fermi window {} eV."),
        (r"Summed el-ph coupling", summed),
    ):
        match = text.search(name + r"\s+(\d+\.\d+)")
        if match:
            table.notes.append(words.format(f"{float(match.group(1)):g}"))
