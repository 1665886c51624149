"""Elk's `ALPHA2F.OUT`: `w a2F` in format `2G18.10`, ω in Ha, α²F dimensionless, no header.

Only its name tells it from other files of two columns. The grid reaches a tenth of its width
below the lowest frequency, so that the first rows may have ω < 0. `MCMILLAN.OUT` beside it
states λ, ω_log and ω₂ in Ha; older versions integrate by the trapezoidal rule, newer ones by
a spline, which is the same for a function that vanishes at both ends.
Source: Elk src/alpha2f.f90 and src/mcmillan.f90 (lzhang714/ELK_10.8.16_mod).
"""

import re

import numpy as np

from ...units import to_mev
from ._table import Table
from ._text import Text, companion, data_lines, record_length, records

_NUMBER = r"(-?\d+\.\d*(?:[Ee][-+]?\d+)?)"


def is_elk(text: Text) -> bool:
    """Whether the file has the name that Elk gives it, and begins with numbers."""
    return bool(re.search(r"ALPHA2F\w*\.OUT$", text.path.name))


def read_elk(text: Text) -> Table:
    """`ALPHA2F.OUT`, with λ and ω_log of `MCMILLAN.OUT` where it lies beside it."""
    lines = data_lines(text, 0)
    length = record_length(text, lines)
    if length != 2:
        raise text.error(f"{length} numbers in a row, where Elk writes two.", lines[0])
    rows, starts = records(text, lines, length)
    table = Table("Elk", "Ha", rows[:, 0], rows[:, 1:].T, starts, text=text)
    table.end = None
    table.even = 1e-9 * float(np.max(np.abs(rows[:, 0])))
    name, said = companion(text.path, r"ALPHA2F\w*\.OUT", "MCMILLAN.OUT")
    if said:
        coupling = re.search(r"coupling constant,[^:\n]*:\s*" + _NUMBER, said)
        logarithmic = re.search(r"Logarithmic average frequency\s*:\s*" + _NUMBER, said)
        if coupling:
            table.coupling = (float(coupling.group(1)),)
        if logarithmic:
            table.log_frequency = (to_mev(float(logarithmic.group(1)), "Ha"),)
        table.stated_in = name
    return table
