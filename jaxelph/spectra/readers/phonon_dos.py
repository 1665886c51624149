"""Phonon densities of states F(ω), beside α²F or in the same file; see `read_phonon_dos`.

| file | its mark | units | F | source |
|---|---|---|---|---|
| alpha2f.x `prefix.a2F.dat` | `Frequency[Ry], a2F, DOS` | Ry | column 3 | PHonon/PH/alpha2f.f90 |
| matdyn.x with dos=.true. | `Frequency[cm^-1] DOS` | cm-1 | column 2 | PHonon/PH/matdyn.f90 |
| EPW `prefix.phdos` | `w[meV] phdos` | meV | by smearing | EPW/src/supercond.f90 |
| ABINIT `*_PHDOS` | `omega PHDOS` | Ha or meV | column 2 | src/77_ddb/m_phonons.F90 |

The first three are of QEF/q-e, the last of abinit/abinit.
F is per energy, in the inverse of the unit of ω, and ∫F dω is the number of modes of a cell, three
for each atom.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ...presentation.files import read_bytes
from ...units import MEV_PER_UNIT
from ._errors import SpectrumFileError
from ._text import Text, data_lines, record_length, records

# Heads of files: mark, the code, the unit of ω (None: the head says it), the column of F.
_LAYOUTS = (
    (r"Frequency\[Ry\].*DOS", "Quantum ESPRESSO alpha2f.x", "Ry", 2),
    (r"Frequency\[cm\^-1\].*DOS", "Quantum ESPRESSO matdyn.x", "cm-1", 1),
    (r"w\[meV\]\s+phdos", "EPW", "meV", 1),
    (r"omega\s+PHDOS", "ABINIT", None, 1),
)
_ABINIT_UNIT = r"Energy in\s+(Ha|meV)"


class PhononStates(NamedTuple):
    """F(ω) of a file, what `read_phonon_dos` returns.

    `omega` (array of shape (row,), meV), `density` (array of shape (row,), 1/meV) of modes per
    cell, the `code` that wrote it, and `modes`, ∫F dω.
    """

    omega: Float[np.ndarray, " row"]
    density: Float[np.ndarray, " row"]
    code: str
    modes: float


def read_phonon_dos(path: str | os.PathLike[str]) -> PhononStates:
    """Read a density of phonon states, in modes per meV and cell.

    Rows with ω ≤ 0 are dropped, and small negative values of smearing set to zero. Of EPW's
    smearings the first is taken.

    Args:
        path: of alpha2f.x (the file that holds α²F), matdyn.x, EPW or ABINIT.

    Returns:
        PhononStates: for `MovingPhonons.of_density`.

    Raises:
        SpectrumFileError: a `ValueError` in one sentence, with file, line and way out.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "nb.phdos"
        ...     rows = "\\n".join(f"{w} {3 * (w / 10) ** 2 / 10 * 3}" for w in range(1, 11))
        ...     n = file.write_text(" w[meV] phdos[states/meV] for    1 smearing values\\n" + rows)
        ...     found = read_phonon_dos(file)
        >>> print(found.code, found.omega[[0, -1]], round(found.modes, 2))
        EPW [ 1. 10.] 3.01
    """
    path = Path(path).expanduser()
    try:
        data = read_bytes(path)
    except OSError as error:
        raise SpectrumFileError(f"{path}: cannot be opened ({error.strerror}).") from None
    text = Text.decode(path, data).spread(15)
    head = "\n".join(line for line in text.lines[:12])
    found = next((layout for layout in _LAYOUTS if re.search(layout[0], head)), None)
    if found is None:
        raise SpectrumFileError(
            f"{path}: this is no density of phonon states that is known; give prefix.a2F.dat of "
            "alpha2f.x, what matdyn.x writes with dos=.true., EPW's prefix.phdos or ABINIT's "
            "*_PHDOS, or use MovingPhonons.of_density."
        )
    _, code, unit, column = found
    if unit is None:
        stated = re.search(_ABINIT_UNIT, head)
        if stated is None:
            raise text.error("ABINIT's line 'Energy in Ha' or 'meV' is missing; write it again.")
        unit = stated[1]
    lines = data_lines(text, 0)
    rows, starts = records(text, lines, record_length(text, lines))
    if rows.shape[1] <= column:
        raise text.error(f"{rows.shape[1]} numbers to a row, and no F(ω) among them.", lines[0])
    above = rows[:, 0] > 0
    omega = rows[above, 0] * MEV_PER_UNIT[unit]
    density = rows[above, column] / MEV_PER_UNIT[unit]
    if len(omega) < 2 or np.any(np.diff(omega) <= 0):
        raise text.error("its frequencies do not ascend; the file is damaged: write it again.")
    if not np.all(np.isfinite(density)):
        bad = int(starts[np.flatnonzero(above)[np.flatnonzero(~np.isfinite(density))[0]]])
        raise text.error("F(ω) is not a number here; run the code again.", bad)
    if -np.sum(np.minimum(density, 0)) > 0.05 * np.sum(np.maximum(density, 0)):
        raise text.error("F(ω) is negative over wide parts; this is no density of states.")
    density = np.maximum(density, 0.0)
    modes = float(np.trapezoid(density, omega))
    if not modes > 0:
        raise text.error("F(ω) is zero everywhere; run the code again.")
    return PhononStates(omega, density, code, modes)
