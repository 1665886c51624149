"""What the lines above a table say of its columns: which is ω, which is α²F, and ω's unit.

A unit belongs to the word before it. Of the units in a header only the one beside ω's own name
counts: `el_ph_sigma = 0.02 Ry` and `E_F = 18.2 eV` say nothing of ω. Names decide over order:
in `# i omega[meV] a2F` the first column numbers the rows.
"""

import dataclasses
import re
from collections.abc import Sequence

from ...units import frequency_unit

_ANY_CASE = (
    r"meV|eV|THz|Rydbergs?|Hartree|Kelvin|rad\s*/\s*ps|2\s*\*?\s*(?:pi|π)\s*[*·]?\s*THz"
    r"|1/cm|cm\s*\$?\s*(?:\^|\*\*)?\s*\{?\s*[-−]\s*1\s*\}?\s*\$?|cm⁻¹"
)
# Short names could be words: Ha and Ry in that case only, K only in brackets or behind _.
_UNIT = rf"(?:(?i:{_ANY_CASE})|Ry|Ha)(?![A-Za-z0-9])"
_UNIT_OR_K = rf"(?:{_UNIT}|K(?![A-Za-z0-9]))"
_NAME = (
    r"(?:(?i:phonon[ _])?"
    r"(?i:\\?omega|frequenc(?:y|ies)|freqs?\.?|energ(?:y|ies)|hbar[ *_]*omega|nu)"
    r"|ħω|ħ\s*ω|hω|ω|Ω|ν|hw|w|W|En|E|e)"
)
_BESIDE = (
    rf"\s*(?:[\[({{<]\s*(?:in\s+)?(?P<bracket>{_UNIT_OR_K})\s*[\])}}>]|_(?P<joined>{_UNIT_OR_K})"
    rf"|\s*[/,:]\s*(?P<after>{_UNIT})|\s+(?:in\s+|is\s+in\s+)?(?P<prose>{_UNIT}))"
)
_STATED = re.compile(rf"(?<![A-Za-z0-9_^]){_NAME}{_BESIDE}")
_ALONE = re.compile(rf"(?:(?:in|units?)\b[\s:=]*)?[\[(]?({_UNIT_OR_K})[\])]?", re.IGNORECASE)
# What may stand before ω's name: a Fermi energy and a cutoff frequency are other quantities.
_BEFORE = re.compile(r"(?:^|[,;|\"'\t(:=]|\b(?:phonon|the|of|in|columns?|and|first|1st))\s*$", re.I)
# "smearing 0.01 Ry" gives a value, and names no column.
_VALUE = re.compile(rf"=|[a-zA-Z]\s+[-+]?\.?\d[\d.]*\s*{_UNIT_OR_K}")
_A_VALUE = re.compile(r"\s*[=:]?\s*[-+]?\.?\d")

_A2F = re.compile(r"(?:a|alpha|α|\\alpha)[\s_*]*\^?\{?\(?(?:2|²)\}?\)?[\s_*]*\(?F|eliashberg", re.I)
_INTEGRAL = re.compile(r"int(?!erp)|cum|/\s*(?:w|omega|ω)\b", re.I)
_ERRORS = re.compile(r"(?:\b|_)err(?:ors?)?(?:\b|_)|±", re.I)
_OR_SMEARING = re.compile(r"sigma|std", re.I)
# What makes another function of it: 2*a2F, log10(a2F), w*a2F, a2F(w)*1000, a2F (%).
_FUNCTION = re.compile(
    r"(?:[*×·]|\b(?:log(?:_?10)?|ln|sqrt|d)\s*[\[(]?|(?:^|[^\w\s.])\d+|norm(?!al\b)\w*\W?)\s*$",
    re.I,
)
_FACTOR = re.compile(
    r"\s*(?:\([^)]*\))?[\W_]*(?:(?<=[*×·])\s*\w|(?<!\w)x\s*1|(?<=[\[(])\s*(?:%|10\^|[x×]\s*1)|arb|norm(?!al\b))",
    re.I,
)
_TRANSPORT = re.compile(r"F_?\(?tr", re.I)
#: Columns that are neither ω nor α²F, and what a table of nothing else would be.
_OTHERS = (
    (re.compile(r"#|i|iw|j|n|no\.?|num(?:ber)?|idx|index|row|point|q|k", re.I), "row numbers"),
    (re.compile(r".*dos.*|F|F\(w\)|F\(ω\)|g|g\(w\)|density.*", re.I), "a density of states"),
    (re.compile(r"(?:lambda|λ|lam|int|cum).*", re.I), "λ or another integral"),
    (re.compile(r"T|temp(?:erature)?s?", re.I), "a function of temperature"),
    (re.compile(r"z|znorm.*|delta.*|Δ.*|gap.*", re.I), "a gap function"),
    (re.compile(r"err(?:or)?s?|sigma|std.*|d?a2f_?err.*|.*±.*", re.I), "errors"),
    (re.compile(r"rho.*|resist.*|sigma_?dc|conduct.*", re.I), "a resistivity"),
)


@dataclasses.dataclass(frozen=True)
class Header:
    """Columns of a table, from 0, and the unit of ω."""

    unit: str | None
    omega: int
    a2f: tuple[int, ...]
    names: tuple[str, ...] = ()  # of the α²F columns, where the header has one for each
    problem: str = ""  # why the table is not α²F(ω), for a person


def read_header(lines: Sequence[str], count: int) -> Header:
    """What the lines above a table of `count` columns say of it.

    Example:
        >>> read_header(["# i omega[meV]  a2F"], 3)
        Header(unit='meV', omega=1, a2f=(2,), names=('a2F',), problem='')
    """
    units = [unit for line in lines if (unit := _stated_unit(line))]
    row = next((names for line in reversed(lines) if (names := _names(line, count))), None)
    if row is None:
        return Header(_only(units), 0, tuple(range(1, count)))
    kinds = [_kind(name) for name in row]
    found = [k for k, kind in enumerate(kinds) if kind == "omega"]
    if not found and kinds[0] not in ("", "a2f"):
        problem = f"its first column, {row[0]!r}, is {kinds[0]} and none is named as ω"
        return Header(None, 0, (), problem=problem)
    own = {k: unit for k in found if (unit := _own_unit(row[k]))}
    omega = next(iter(own), found[0] if found else 0)
    a2f = [k for k, kind in enumerate(kinds) if kind == "a2f"]
    a2f = a2f or [k for k, kind in enumerate(kinds) if kind == "" and k != omega]
    if not a2f:
        others = {kinds[k]: row[k] for k in range(count) if k != omega and kinds[k] != "omega"}
        told = ", ".join(f"{name!r} is {kind}" for kind, name in others.items())
        return Header(None, omega, (), problem=f"none of its columns is named as α²F: {told}")
    unit = own.get(omega) or _only(units)
    return Header(unit, omega, tuple(a2f), tuple(row[k] for k in a2f))


def mentions_a2f(line: str) -> bool:
    """Whether a line names α²F in any spelling."""
    return bool(_A2F.search(line))


def _only(units: Sequence[str]) -> str | None:
    return units[0] if len(set(units)) == 1 else None


def _bare(line: str) -> str:
    return line.strip().lstrip("#!%;@&$").strip()


def _stated_unit(line: str) -> str | None:
    """The unit that stands beside ω's own name in a line, or alone in it."""
    line = _bare(line)
    alone = _ALONE.fullmatch(line)
    if alone:
        return _canonical(alone[1])
    found = []
    for match in _STATED.finditer(line):
        if not _BEFORE.search(line[: match.start()]) or _A_VALUE.match(line[match.end() :]):
            continue
        spelled = match["bracket"] or match["joined"]
        # In prose a second unit makes it a matter of reading which one is meant.
        prose = [_canonical(u) for u in re.findall(rf"(?<![A-Za-z]){_UNIT}", line)]
        if spelled is None and len(set(prose)) > 1:
            return None
        found.append(_canonical(spelled or match["after"] or match["prose"]))
    return _only(found)


def _canonical(name: str) -> str:
    return frequency_unit(re.sub(r"(?i)rydbergs", "Rydberg", name))


def _own_unit(name: str) -> str | None:
    match = _STATED.search(name)
    return _canonical(next(u for u in match.groups() if u)) if match else None


def _names(line: str, count: int) -> tuple[str, ...] | None:
    """The names of `count` columns, if the line is a row of names and one of them is known."""
    bare = _bare(line).strip("|")
    glued = re.sub(r"\s+(?=[\[({])", "", re.sub(r"[\[({][^\])}]*[\])}]", _no_blanks, bare))
    padded = None
    for parts in (
        re.split(r"[,;\t|]", bare),
        re.split(r"\s{2,}|\t", bare),
        re.split(r"[,;|\s]+", glued),
    ):
        names = tuple(part.strip().strip("\"'").strip() for part in parts)
        names = names[:-1] if names and not names[-1] else names
        if len(names) < 2 or not all(names) or any(_VALUE.search(name) for name in names):
            continue
        kinds = [_kind(name) for name in names]
        # Without a name for α²F two words may be prose, "smearing energy", unless ω comes first.
        if len(names) == count and ("a2f" in kinds or kinds[0] == "omega" or all(kinds)):
            return names
        if padded is None and len(names) < count and kinds[-1] == "a2f" and "omega" in kinds:
            padded = names + tuple(f"{names[-1]} {k}" for k in range(2, count - len(names) + 2))
    return padded


def _no_blanks(match: re.Match[str]) -> str:
    return re.sub(r"[\s,;]+", "", match[0])


def _kind(name: str) -> str:
    """ "omega", "a2f", what else the name stands for, or "" where it is not known."""
    a2f = _A2F.search(name)
    if a2f and (_FUNCTION.search(name[: a2f.start()]) or _FACTOR.match(name[a2f.end() :])):
        return "a multiple or another function of α²F"
    if a2f and _INTEGRAL.search(name):
        return "an integral or a quotient of α²F"
    if a2f and _ERRORS.search(name):
        return "errors"
    if a2f and not _OR_SMEARING.search(name):
        return "transport α²F" if _TRANSPORT.search(name) else "a2f"
    if re.fullmatch(rf"{_NAME}(?:{_BESIDE}|\s*[\[({{].*)?", name):
        return "omega"
    bare = re.sub(rf"(?<=.)(?:[\[(].*|[_/]\s*{_UNIT_OR_K})$", "", name).strip(" _")
    return next((what for pattern, what in _OTHERS if pattern.fullmatch(bare)), "")
