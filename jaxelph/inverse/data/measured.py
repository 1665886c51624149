"""A measured table as people have it: delimiters, decimal commas, units, errors.

Commas, semicolons, tabs or spaces between columns; names in a line of their own or behind a #, as
`numpy.savetxt` writes them; units behind the names or by option; errors as a column, in the
unit of the values or in %, as one number for all rows, or estimated from the scatter. Whatever is
missing is told in one sentence.
"""

import csv
import os
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...presentation.files import read_bytes
from .header import SIGMA, SPELLED, Column, factor_of, is_negated, match

_NUMBER = r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eEdD][+-]?\d+)?"
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_SIGNS = str.maketrans({"−": "-", "–": "-", "D": "e", "d": "e"})


class Layout(NamedTuple):
    """A kind of data: what columns it has, and which of them are what was measured."""

    columns: tuple[Column, ...]
    values: tuple[str, ...]

    @property
    def header(self) -> str:
        """The plainest header, with one of the columns of which one is enough."""
        wanted = [c.key for c in self.columns if c.need == "all"]
        return ",".join([*wanted, *[c.key for c in self.columns if c.need == "any"][:1], "sigma"])


class Measured(NamedTuple):
    """Columns in the units used inside, and what is to be said of them."""

    columns: dict[str, np.ndarray]
    notes: tuple[str, ...]


class _Text(NamedTuple):
    names: list[str] | None
    rows: np.ndarray


def read_measured(
    path: str | os.PathLike[str],
    kind: str,
    layout: Layout,
    *,
    units: Mapping[str, str] | None = None,
    names: Sequence[str] | None = None,
    sigma: str | None = None,
    missing: Sequence[str] = (),
) -> Measured:
    """The columns of a table by the keys of `layout`, with `sigma` among them.

    Args:
        path: the table.
        kind: what it is called in messages.
        layout: of the kind.
        units: of columns, by their names in the file; before what the header says.
        names: of the columns, for a file without a header.
        sigma: the error, if no column has it: "2%", "0.1" in the unit of the values, "scatter".
        missing: what else is missing, to be told in the same sentence.

    Raises:
        OSError: the file cannot be read.
        ValueError: one sentence: a line that is not numbers, or all that is missing.
    """
    text = _read(path, kind, layout, names)
    lacking: list[str] = []
    if text.names is None:
        lacking.append(
            f"no names of its {text.rows.shape[1]} columns: write a header, {layout.header} say, "
            "or give --columns with commas between"
        )
        found = {}
    else:
        found = _matched(path, text.names, layout)
    units, used = dict(units or {}), set()
    factors: dict[str, float] = {}
    for key, (place, column, unit) in found.items():
        name = text.names[place] if text.names else key
        for written in (name, key, column.names[0], name.split("(")[0].split("[")[0].strip()):
            if written in units:
                unit = units[written]
                used.add(written)
        if key == "sigma":
            continue
        if unit is None and column.family != "number":
            told = f"no unit of {name} ({SPELLED[column.family]}): write it in the header, "
            lacking.append(f"{told}or give --units {name.split()[0]}=…")
            continue
        factor = factor_of(unit or "1", column.family)
        if factor is None:
            lacking.append(
                f"{unit!r} is no unit of {name} that is known; use one of {SPELLED[column.family]}"
            )
            continue
        factors[key] = factor
    unknown = [name for name in units if name not in used]
    if unknown and text.names is not None:
        lacking.append(
            f"--units names {', '.join(unknown)}, no column (found: {', '.join(text.names)})"
        )
    if text.names is not None:
        lacking += _absent(text.names, found, layout, sigma)
    if lacking or missing:
        raise ValueError(
            "; ".join([f"{path}: {lacking[0]}", *lacking[1:], *missing] if lacking else missing)
            + "."
        )
    signs = [-1 if is_negated(name) else 1 for name in text.names or ()]
    columns = {
        key: signs[place] * factors[key] * text.rows[:, place]
        for key, (place, _, _) in found.items()
        if key != "sigma"
    }
    notes: tuple[str, ...] = ()
    given = [key for key in layout.values if key in columns]
    if "sigma" in found:
        if sigma is not None:
            raise ValueError(
                f"{path}: --sigma says nothing of a table with a column of errors; leave it out."
            )
        place, _, unit = found["sigma"]
        error = text.rows[:, place]
        bad = np.flatnonzero(error <= 0)
        if bad.size:
            raise ValueError(
                f"{path}: sigma of row {bad[0] + 1} is {error[bad[0]]:g}; errors are "
                "standard deviations and positive."
            )
        columns["sigma"] = _in_unit(path, error, unit, given, columns, factors, found)
    else:
        assert sigma is not None
        columns["sigma"], notes = _stated(path, sigma, layout, given, columns, factors)
    order = [key for _, key in sorted((place, key) for key, (place, _, _) in found.items())]
    return Measured({key: columns[key] for key in [*order, *columns] if key in columns}, notes)


def named_columns(path, kind: str, layout: Layout, names=None) -> set[str]:
    """Keys of the columns that a file's header names."""
    text = _read(path, kind, layout, names)
    return set() if text.names is None else set(_matched(path, text.names, layout))


def _matched(path, names, layout):
    """{key: (place, column, unit)} of the columns that are known."""
    found: dict[str, tuple[int, Column, str | None]] = {}
    wanted = (*layout.columns, SIGMA)
    for place, name in enumerate(names):
        hit = match(name, wanted)
        if hit is None:
            continue
        column, unit = hit
        if column.key in found:
            times = sum(1 for n in names if (m := match(n, wanted)) and m[0].key == column.key)
            raise ValueError(f"{path}: the column {name} stands {times} times; keep one.")
        found[column.key] = place, column, unit
    return found


def _absent(names, found, layout, sigma) -> list[str]:
    lacking = []
    told = f" (found: {', '.join(names)}); the header for it is {layout.header}"
    lost = [c.key for c in layout.columns if c.need == "all" and c.key not in found]
    some = [c.key for c in layout.columns if c.need == "any"]
    if some and not any(key in found for key in some):
        lost.append(" or ".join(some))
    if lost:
        lacking.append(f"no column {', no column '.join(lost)}" + told)
    if "sigma" not in found and sigma is None:
        lacking.append(
            f"no column sigma (found: {', '.join(names)}): write one, in the unit of the values or "
            "in %, or give --sigma 2%, --sigma 0.1 (in that unit) or --sigma scatter"
        )
    return lacking


def _in_unit(path, error, unit, given, columns, factors, found):
    """The errors of a column in the unit used inside."""
    first = given[0]
    if unit == "%":
        return error / 100 * np.abs(columns[first])
    if unit in (None, "1", ""):
        return error * factors[first]
    factor = factor_of(unit, found[first][1].family)
    if factor is None:
        raise ValueError(
            f"{path}: sigma is in {unit!r}, which is no unit of {first}; write it in that of the "
            "values, or in %."
        )
    return error * factor


def _stated(path, sigma, layout, given, columns, factors):
    """One error for all rows, as --sigma says."""
    values = columns[given[0]]
    bare = sigma.strip().lower()
    if bare == "scatter":
        order = layout.columns[0].key
        group = [
            columns[c.key]
            for c in layout.columns
            if c.family == "temperature" and c.key != order and c.key in columns
        ]
        error = scatter(columns[order], [columns[key] for key in given], group)
        if not error > 0:
            raise ValueError(
                f"{path}: {len(values)} rows show no scatter to estimate the error from; give "
                "--sigma 2%, or a number."
            )
        told = error / factors[given[0]]
        return np.full(len(values), error), (
            f"the error of the data is estimated from their scatter: σ = {told:.3g} in the unit of "
            f"{given[0].split('_')[0]}, the same for all; what drifts slowly is not in it",
        )
    try:
        number = float(bare.rstrip("%").replace(",", "."))
    except ValueError:
        number = np.nan
    if not 0 < number < np.inf:
        raise ValueError(f"--sigma {sigma!r} is not known; use 2%, a number > 0, or scatter.")
    if bare.endswith("%"):
        error = number / 100 * np.abs(values)
        return error, (f"the error of each datum is taken as {number:g} % of it",)
    return np.full(len(values), number * factors[given[0]]), ()


def scatter(x, values, groups=()) -> float:
    """σ of equal errors: what each datum lacks to the cubic through its four neighbours.

    Source: Gasser, Sroka & Jennen-Steinmetz, Biometrika 73, 625 (1986), with a cubic in place of
    a line. The median in place of the mean would bear outliers, which a fit would not.

    Args:
        x (array of shape (datum,)): where.
        values (arrays of shape (datum,)): of one error.
        groups (arrays of shape (datum,)): what tells curves apart.

    Example:
        >>> rng, x = np.random.default_rng(0), np.linspace(0, 3, 400)
        >>> print(f"{scatter(x, [np.sin(x) + 0.1 * rng.normal(size=400)]):.2f}")
        0.10
    """
    x = np.asarray(x, dtype=float)
    labels = np.zeros(len(x), dtype=int)
    if len(groups):
        labels = np.unique(np.stack(groups, axis=1), axis=0, return_inverse=True)[1].ravel()
    squares = []
    for label in range(labels.max(initial=0) + 1):
        own = np.flatnonzero(labels == label)
        own = own[np.argsort(x[own], kind="stable")]
        own = own[np.append(True, np.diff(x[own]) > 0)]
        if len(own) < 5:
            continue
        rows = np.stack([own[i : len(own) - 4 + i] for i in range(5)])
        middle, near = rows[2], rows[[0, 1, 3, 4]]
        weight = np.ones(near.shape)
        for i in range(4):
            for j in range(4):
                if i != j:
                    weight[i] *= (x[middle] - x[near[j]]) / (x[near[i]] - x[near[j]])
        for value in values:
            lack = value[middle] - np.sum(weight * value[near], axis=0)
            squares.append(lack**2 / (1 + np.sum(weight**2, axis=0)))
    return float(np.sqrt(np.mean(np.concatenate(squares)))) if squares else 0.0


def _read(path, kind, layout, names) -> _Text:
    columns = *layout.columns, SIGMA
    try:
        lines = read_bytes(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a text file.") from None
    first = next((line for line in lines if _holds_numbers(line)), None)
    if first is None:
        raise _no_data(path, kind, layout)
    mark, comma = _delimiter(first, lines)
    rows: list[list[float]] = []
    heads: list[str] = []
    for number, line in enumerate(lines, 1):
        bare = line.strip()
        if not bare.strip(",;\t "):
            continue
        if bare.startswith(("#", "%", "//", "!")):
            if not rows:
                heads.append(bare.lstrip("#%/! "))
            continue
        if not rows and not _holds_numbers(line):
            heads.append(bare)
            continue
        cells = _cells(line, mark)
        try:
            values = [_number(cell, comma) for cell in cells]
        except ValueError:
            raise ValueError(f"{path}, line {number}: {line.strip()!r} is not numbers.") from None
        count = len(rows[0]) if rows else None
        if names is not None:
            count = len(names)
        elif count is None:
            last = [h for h in heads if _matches(h, mark, columns)]
            if last and len(_best(last[-1], mark, len(values))) != len(values):
                count = len(_best(last[-1], mark, len(values)))
        if count is not None and len(values) != count:
            raise ValueError(
                f"{path}, line {number}: {len(values)} numbers below {count} column names."
            )
        if not np.all(np.isfinite(values)):
            raise ValueError(
                f"{path}, line {number}: holds a number that is not finite; remove the line."
            )
        rows.append(values)
    if not rows:
        raise _no_data(path, kind, layout)
    count = len(rows[0])
    if names is not None:
        return _Text([name.strip() for name in names], np.array(rows))
    # The last line above the numbers that names a column, and has as many names as there are.
    for head in reversed(heads):
        cells = _best(head, mark, count)
        if len(cells) == count and any(match(cell, tuple(columns)) for cell in cells):
            return _Text(cells, np.array(rows))
    for head in reversed(heads):
        cells = _best(head, mark, count)
        if len(cells) == count and not head.startswith("#") and head in [x.strip() for x in lines]:
            return _Text(cells, np.array(rows))
    return _Text(None, np.array(rows))


def _no_data(path, kind, layout):
    return ValueError(f"{path}: no data below a header; for {kind} that is {layout.header}.")


def _matches(head, mark, columns) -> bool:
    return any(match(cell, tuple(columns)) for cell in _best(head, mark, 0))


def _holds_numbers(line: str) -> bool:
    bare = line.strip()
    if not bare or bare.startswith(("#", "%", "//", "!")):
        return False
    return any(_is_number(cell) for cell in re.split(r"[;,\s]+", bare) if cell)


def _is_number(cell: str) -> bool:
    try:
        float(cell.translate(_SIGNS))
    except ValueError:
        return False
    return True


def _delimiter(first: str, lines) -> tuple[str | None, bool]:
    """What stands between columns, None for spaces, and whether numbers have decimal commas."""
    bare = first.strip()
    for mark in (";", "\t"):
        if mark in bare:
            cells = [c.strip() for line in lines if _holds_numbers(line) for c in line.split(mark)]
            return mark, any(_DECIMAL_COMMA.fullmatch(cell) for cell in cells)
    cells = bare.split()
    if len(cells) > 1 and all(re.fullmatch(_NUMBER, cell) for cell in cells) and "," in bare:
        if "." not in bare:
            return None, True
    return ("," if "," in bare else None), False


def _cells(line: str, mark: str | None) -> list[str]:
    if mark is None:
        # Brackets hold a unit, in which there may be spaces.
        cells = re.findall(r"[^\s\[(]+(?:\s*[\[(][^\])]*(?:\([^)]*\)[^\])]*)?[\])])?", line)
    else:
        cells = next(csv.reader([line], delimiter=mark, skipinitialspace=True), [])
    cells = [cell.strip() for cell in cells]
    while len(cells) > 1 and not cells[-1]:
        cells.pop()
    return cells


def _best(head: str, mark: str | None, count: int) -> list[str]:
    """A header's cells: between the marks of the numbers, or others that make as many."""
    for other in dict.fromkeys((mark, ",", ";", "\t", None)):
        cells = _cells(head, other)
        if len(cells) == count:
            return cells
    return _cells(head, mark if mark is None or mark in head else None)


def _number(cell: str, comma: bool) -> float:
    return float((cell.replace(",", ".") if comma else cell).translate(_SIGNS))
