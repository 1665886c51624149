"""ABINIT's text files. ω in Ha, α²F dimensionless.

| file | blocks and columns | λ of the code | source (abinit/abinit) |
|---|---|---|---|
| anaddb `*_A2F` | per spin: ω, α²F | 2∫α²F/|ω|, mean over spins | src/77_ddb/mka2f.F90 |
| anaddb `*_A2F_TR` | per spin: ω, α²_tr F of xx, xy … zz | 2∫α²F/ω, ω > 0 | 77_ddb/mka2f_tr.F90 |
| the same by LOVA | per spin: ω, α²_tr F, out, in | the same | mka2f_tr_lova.F90 |
| anaddb, coarse q | per spin: ω, α²F of 5 smearings | 2∫α²F/|ω| | src/77_ddb/mka2fQgrid.F90 |
| EPH `*_A2FW` | ω, then α²F, λ(ω): total[, up, down] | ∫α²F/|ω| | src/78_eph/m_phgamma.F90 |
| EPH `*_PH_A2FW` | such a block for the total and each mode | ∫α²F/|ω| | the same |

The EPH code lacks the textbook's factor 2, see `Table.single`: whether its α²F is doubled or
its λ halved is for the person to say, by `convention`.
"""

import re

import numpy as np

from ...units import kelvin_to_mev
from ._table import Table, spacing
from ._text import Text, blocks, record_length, records

#: ABINIT's `simpson_int` (src/32_util/m_numeric_tools.F90) weighs inner rows alike, and the
#: three at either end so; rows of negative ω count by their size.
SIMPSON_ENDS = (9 / 24, 28 / 24, 23 / 24)

_SMEARING = r"smearing width for gaussians is\s+(\S+)"


def is_anaddb(text: Text) -> bool:
    """Whether this is the `_A2F` of anaddb."""
    return text.find("ABINIT package : a2f file") is not None


def read_anaddb(text: Text) -> Table:
    """`*_A2F` of anaddb: a block `omega a2F` for each spin, of which λ takes the mean."""
    omega, parts, lines = _blocks_of(text, width=(2,))
    _refuse_missing_spins(text, parts)
    a2f = np.stack([part[:, 1] for part in parts])
    table = _table(text, "ABINIT anaddb", omega, a2f, lines)
    table.alternatives = ()
    if len(parts) > 1:
        table.a2f = np.concatenate([a2f.mean(axis=0, keepdims=True), a2f])
        table.labels = ("total", "spin up", "spin down")[: len(table.a2f)]
    return _with_smearing(text, table)


def is_anaddb_transport(text: Text) -> bool:
    """Whether this is the `_A2F_TR` of anaddb."""
    return text.find("ABINIT package : a2f_tr file") is not None


def read_anaddb_transport(text: Text) -> Table:
    """`*_A2F_TR` of anaddb: a third of the trace, the nine components; the mean of the spins."""
    omega, parts, lines = _blocks_of(text, width=(4, 10))
    _refuse_missing_spins(text, parts)
    a2f = np.mean(parts, axis=0)[:, 1:].T
    labels: tuple[str, ...] = ()
    if len(a2f) == 9:
        trace = np.mean(a2f[[0, 4, 8]], axis=0, keepdims=True)
        # Components off the diagonal are no spectrum of a current along its field.
        a2f = np.concatenate([trace, a2f[[0, 4, 8]]])
        labels = ("mean of xx, yy and zz", "xx", "yy", "zz")
    else:
        a2f = a2f[:1]  # the out- and in-scattering that it is the difference of
    table = _table(text, "ABINIT anaddb, transport", omega, a2f, lines)
    table.alternatives, table.labels, table.transport = (), labels, range(len(a2f))
    table.both_signs = False
    return _with_smearing(text, table)


def _refuse_missing_spins(text: Text, parts) -> None:
    spins = sum("DOS at Fermi level" in line for line in text.lines)
    if spins > len(parts):
        raise text.error(
            f"{spins} spins are announced, but {len(parts)} block{'s' * (len(parts) > 1)} of rows "
            "found; the file is cut short: copy or write it again."
        )
    if not text.finished or text.lines[-1].strip():
        raise text.error(
            "the blank line that ends a block of rows is missing; the file is cut short: copy or "
            "write it again.",
            len(text.lines) - 1,
        )


def is_qgrid(text: Text) -> bool:
    """Whether this is anaddb's α²F from the coarse q grid alone."""
    return text.find("# smeared alpha2F for isppol") is not None


def read_qgrid(text: Text) -> Table:
    """anaddb's coarse-q file: five Gaussian smearings, a block for each spin."""
    omega, parts, lines = _blocks_of(text, width=None)
    a2f = np.concatenate([p[:, 1:].T for p in parts])
    table = _table(text, "ABINIT anaddb", omega, a2f, lines)
    table.alternatives = range(len(a2f) // len(parts))  # of the first spin
    table.even = 5e-13  # f17.12
    number = r"(-?\d+\.\d+(?:[Ee][-+]?\d+)?)"
    row = re.compile(rf"^#\s+{number}\s*{number}\s+(\d+)\s+{number}\s+\S+\s*$")
    found = [match for line in text.lines if (match := row.match(line))]
    # The table goes through the spins of each smearing, the columns the other way round.
    found.sort(key=lambda match: int(match.group(3)))
    if found and len(found) != len(table.a2f):
        raise text.error(
            f"the header states λ of {len(found)} columns, but {len(table.a2f)} are there; the "
            "file is cut short or damaged: copy or write it again."
        )
    if found:
        table.smearings = [float(match.group(1)) for match in found]
        table.smearing_kind = "phonon, Ha"
        table.coupling = [float(match.group(2)) for match in found]
        table.log_frequency = [kelvin_to_mev(float(match.group(4))) for match in found]
        table.stated_in = "its header"
        if len(parts) > 1:
            spins = {"1": "up", "2": "down"}
            table.labels = [
                f"smearing {float(m.group(1)):g} Ha, spin {spins.get(m.group(3), m.group(3))}"
                for m in found
            ]
    return table


def is_eph(text: Text) -> bool:
    """Whether this is an `_A2FW` or `_PH_A2FW` of the EPH code."""
    return text.find("ABINIT package: a2F(w) file") is not None


def read_eph(text: Text) -> Table:
    """`*_A2FW` and `*_PH_A2FW` of the EPH code (optdriver 7), one spin or two."""
    omega, parts, lines = _blocks_of(text, width=(2, 3, 7))
    if len(parts) > 1:  # the total, then each mode; spins of a mode are left out
        parts = [part[:, :3] for part in parts]
        labels = ("total", *(f"mode {i}" for i in range(1, len(parts))))
        if (len(parts) - 1) % 3:
            raise text.error(
                f"{len(parts) - 1} phonon modes, where there are three to an atom; the file is cut "
                "short: copy or write it again."
            )
    else:
        labels = ("total", "spin up", "spin down") if parts[0].shape[1] == 7 else ()
    a2f = np.concatenate([part[:, 1::2].T for part in parts])
    table = _table(text, "ABINIT EPH", omega, a2f, lines)
    table.single = True
    table.alternatives = ()
    table.labels = labels
    table.coupling = [value for part in parts for value in part[-1, 2::2]]
    table.stated_in = "the last row's λ(ω)"
    return _with_smearing(text, table)


def _table(text: Text, code: str, omega, a2f, lines) -> Table:
    table = Table(code, "Ha", omega, a2f, lines, step=spacing(omega), text=text)
    table.ends, table.both_signs = SIMPSON_ENDS, True
    table.even = 1e-9 * float(np.max(np.abs(omega)))
    return table


def _with_smearing(text: Text, table: Table) -> Table:
    match = text.search(_SMEARING)
    if match:
        table.notes.append(f"Gaussian smearing of the phonons {match.group(1)} Ha.")
    return table


def _blocks_of(text: Text, width: tuple[int, ...] | None):
    """The frequencies, the blocks of rows that share them, and the lines of the first."""
    runs = blocks(text)
    if not runs:
        raise text.error("no rows of numbers; give the file that holds α²F(ω).")
    length = record_length(text, runs[0])
    if length < 2 or (width is not None and length not in width):
        raise text.error(
            f"{length} numbers in a row are none of this layout; give the code's own file.",
            runs[0][0],
        )
    read = [records(text, run, length) for run in runs]
    omega, lines = read[0][0][:, 0], read[0][1]
    for (rows, _), run in zip(read, runs, strict=True):
        if rows.shape[0] != omega.shape[0] or np.any(rows[:, 0] != omega):
            raise text.error(
                "the block of rows that starts here has not the frequencies of the first "
                "one; the file is cut short or damaged: write it again.",
                run[0],
            )
    _compare_with_header(text, omega, runs[0])
    return omega, [rows for rows, _ in read], lines


def _compare_with_header(text: Text, omega, run) -> None:
    """Refuse a grid that has not the count, the first frequency or the step that is stated."""
    head = " ".join(text.lines[: run[0]])

    def stated(pattern: str) -> float | None:
        match = re.search(pattern + r"\s*[:=]\s*([-+]?\d+(?:\.\d*)?(?:[EeDd][-+]?\d+)?)", head)
        return text.number(match.group(1), run[0]) if match else None

    count = stated(r"number of (?:energy points|frequencies)")
    if count is not None and count != len(omega):
        raise text.error(
            f"{len(omega)} rows, where its header states {count:.0f}; the file is cut short or "
            "damaged: copy or write it again.",
            run[-1],
        )
    step = spacing(omega)
    for name, value, own in (
        ("omega_min", stated("omega_min"), float(omega[0])),
        ("step", stated(r"(?:\bstep|omega_step|domega)"), step),
    ):
        # Six digits are printed, and lowest frequencies of half a step's rounding are met.
        if value is not None and abs(own - value) > 0.02 * step + 2e-6 * abs(value):
            raise text.error(
                f"{name} of the rows is {own:.6g} Ha, where its header states {value:.6g} Ha; a "
                "row is missing or damaged: copy or write the file again.",
                run[0],
            )
