"""Text files of numbers: lines, Fortran numbers, and records that wrap over lines.

Every code here writes with Fortran formats, where a record that is longer than its format
goes on in the next line. Rows are hence put together by counting numbers, and each error
names the line that a person can go to.
"""

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from ._errors import SpectrumFileError

# Fortran drops the letter from an exponent of three digits, and may write D for double.
_FORTRAN = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[dDqQ]([+-]?\d+)|([+-]\d{3}))")
# A row of dashes is a rule, not a damaged number.
_BEGINS = re.compile(r"[+-]?\.?[\d*]")
_NOT_FINITE = {"nan", "inf", "infinity"}
_COMMENT = "#!%;@&$"


@dataclasses.dataclass(frozen=True)
class Text:
    """A text file as its lines; line numbers count from 1 in messages only."""

    path: Path
    lines: tuple[str, ...]
    finished: bool  # the last line ends in a newline

    @classmethod
    def decode(cls, path: Path, data: bytes) -> "Text":
        """The lines of `data`, whatever the line ends; refuses what is not UTF-8 text."""
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise SpectrumFileError(f"{path}: this is UTF-16 text; save it again as UTF-8.")
        if b"\0" in data:
            line = data[: data.index(b"\0")].count(b"\n") + 1
            raise SpectrumFileError(
                f"{path}, line {line}: these bytes are neither text nor a known binary layout "
                "(HDF5, netCDF); give the file that the code wrote."
            )
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise SpectrumFileError(
                f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8 text; save "
                "the file again as UTF-8, or remove that character."
            ) from None
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        return cls(path, tuple(text.removesuffix("\n").split("\n")), text.endswith("\n"))

    def error(self, message: str, index: int | None = None) -> SpectrumFileError:
        """An error about this file, and about its line `index` (from 0) where given."""
        where = f"{self.path}" if index is None else f"{self.path}, line {index + 1}"
        return SpectrumFileError(f"{where}: {message}")

    def find(self, *phrases: str, start: int = 0) -> int | None:
        """The first line, from `start`, that holds any of `phrases`."""
        for index in range(start, len(self.lines)):
            if any(phrase in self.lines[index] for phrase in phrases):
                return index
        return None

    def search(self, pattern: str) -> re.Match[str] | None:
        """The first match of `pattern` in any line."""
        return next((m for line in self.lines if (m := re.search(pattern, line))), None)

    def numbers(self, index: int, *, lenient: bool = False) -> list[float]:
        """All numbers of line `index`, which must hold nothing else.

        Args:
            index: of the line, from 0.
            lenient: NaN stands for what the code could not print (NaN, Infinity, ****): such
                a value matters only to who asks for its column, see `Table.text`.
        """
        return [
            math.nan if lenient and _not_printed(token) else self.number(token, index)
            for token in self.lines[index].split()
        ]

    def spread(self, width: int) -> "Text":
        """The text with blanks around overflowed fields of `width`, which run into each other."""

        def parted(match: re.Match[str]) -> str:
            return " " + " ".join(["*" * width] * max(1, round(len(match[0]) / width))) + " "

        lines = tuple(re.sub(r"\*{2,}", parted, s) if "**" in s else s for s in self.lines)
        return dataclasses.replace(self, lines=lines)

    def number(self, token: str, index: int) -> float:
        """The Fortran number `token`, found in line `index`."""
        try:
            value = float(token)
        except ValueError:
            match = _FORTRAN.fullmatch(token)
            if match is None and "*" in token:
                raise self.error(
                    f"{token!r} is a number too large for its column; have the code print "
                    "it again with a wider format.",
                    index,
                ) from None
            if match is None:
                raise self.error(
                    f"{token!r} is not a number; the line is damaged, or two columns have "
                    "run into each other: write the file again.",
                    index,
                ) from None
            mantissa, marked, bare = match.groups()
            value = float(f"{mantissa}e{marked or bare}")
        if not math.isfinite(value) or "_" in token:
            raise self.error(
                f"{token!r} is not a finite number; the code that wrote it failed here: run "
                "it again, or remove the row.",
                index,
            )
        return value


def _not_printed(token: str) -> bool:
    return token.strip("+-").lower() in _NOT_FINITE or (set(token) == {"*"})


def is_data(line: str) -> bool:
    """Whether a line begins with a number, a damaged one included."""
    token = line.split(maxsplit=1)[0] if line.strip() else ""
    return bool(_BEGINS.match(token)) or token.lstrip("+-").lower() in _NOT_FINITE


def is_comment(line: str) -> bool:
    """Whether a line begins with one of the marks that programs give comments."""
    return line.lstrip()[:1] in set(_COMMENT) if line.strip() else False


def blocks(text: Text, start: int = 0, stop: int | None = None) -> list[list[int]]:
    """Runs of consecutive data lines, as line indices."""
    found: list[list[int]] = []
    for index in range(start, len(text.lines) if stop is None else stop):
        if is_data(text.lines[index]):
            if found and found[-1][-1] == index - 1:
                found[-1].append(index)
            else:
                found.append([index])
    return found


def data_lines(text: Text, start: int, stop: int | None = None) -> list[int]:
    """The one table between `start` and `stop`: text within it is damage, not a header."""
    runs = blocks(text, start, stop)
    if not runs:
        raise text.error("no rows of numbers; give the file that holds α²F(ω).")
    for before, after in zip(runs, runs[1:], strict=False):
        for index in range(before[-1] + 1, after[0]):
            if text.lines[index].strip() and not is_comment(text.lines[index]):
                shown = text.lines[index].strip()[:30]
                raise text.error(
                    f"{shown!r} stands within the table; remove the line, or write the file again.",
                    index,
                )
    return [index for run in runs for index in run]


def record_length(text: Text, lines: Sequence[int]) -> int:
    """How many numbers make up a record, from the rhythm of the lines' lengths."""
    counts = np.array([len(text.lines[index].split()) for index in lines])
    limit = min(max(len(counts) // 3, 1), 50, len(counts) - 1)
    agreement = [np.mean(counts[p:] == counts[:-p]) for p in range(1, limit + 1)]
    # One damaged line lowers the agreement of every period: the best one, not a perfect one.
    period = int(np.argmax(agreement)) + 1 if agreement else len(counts)
    common = [Counter(counts[k::period].tolist()).most_common(1)[0][0] for k in range(period)]
    for shorter in range(1, period):
        if common == common[:shorter] * (period // shorter):
            return sum(common[:shorter])
    return sum(common)


def records(
    text: Text, lines: Sequence[int], length: int, *, fixed_width: bool = True
) -> tuple[Float[np.ndarray, "row column"], Int[np.ndarray, " row"]]:
    """The records of `length` numbers in `lines`, and the line at which each begins.

    Args:
        text: the file.
        lines: indices of the data lines.
        length: numbers in a record.
        fixed_width: rows came from one Fortran format and begin with ω; a last line shorter
            than all others, with no newline, was cut off.
    """
    rows: list[list[float]] = []
    starts: list[int] = []
    pending: list[float] = []
    for index in lines:
        if not pending:
            starts.append(index)
        pending = pending + text.numbers(index, lenient=True)
        if len(pending) > length and starts[-1] != index:
            first = starts[-1]
            found = len(pending) - len(text.lines[index].split())
            raise text.error(_short(found, length), first)
        if len(pending) > length:
            raise text.error(
                f"{len(pending)} numbers where this file has {length} in a row; the line is "
                "damaged: write the file again.",
                index,
            )
        if len(pending) == length:
            if fixed_width and not math.isfinite(pending[0]):
                text.numbers(starts[-1])  # ω, which every column needs: raises
            rows.append(pending)
            pending = []
    if pending:
        raise text.error(_short(len(pending), length), starts[-1])
    if fixed_width and not text.finished and lines[-1] == len(text.lines) - 1 and len(lines) > 1:
        widths = [len(text.lines[index].rstrip()) for index in lines]
        if widths[-1] < min(widths[:-1]) and lines[-1] in starts:
            raise text.error(
                "the file breaks off within this line; copy or write it again.", lines[-1]
            )
    return np.array(rows), np.array(starts)


def _short(found: int, length: int) -> str:
    plural = "s" if found > 1 else ""
    return (
        f"{found} number{plural} where this file has {length} in a row; the line is cut short or "
        "damaged: copy or write the file again."
    )


def companion(path: Path, own: str, other: str) -> tuple[str, str]:
    """Name and text of the file beside `path` with its ending `own` (a pattern) made `other`.

    Whatever stands before the ending is kept, so that renamed pairs stay pairs. Both are
    empty where there is no such file: a companion adds checks and is never needed.
    """
    name, found = re.subn(f"(?:{own})$", other, path.name)
    if not found or name == path.name:
        return "", ""
    try:
        return name, path.with_name(name).read_text("utf-8", errors="replace")
    except OSError:
        return "", ""
