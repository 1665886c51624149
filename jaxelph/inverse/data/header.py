"""What stands above the numbers of a measured table: names of columns with their units."""

import re
from typing import NamedTuple

from ...units import HBAR, KELVIN, MEV_PER_UNIT

# Units of a family, by their spelling without signs of typesetting, in the one that is used inside;
# in small letters but for the M of mega, which is no milli.
_ENERGY = {name.lower(): factor for name, factor in MEV_PER_UNIT.items() if name != "rad/ps"} | {
    "1/cm": MEV_PER_UNIT["cm-1"],
    "ghz": MEV_PER_UNIT["THz"] * 1e-3,
    "Mhz": MEV_PER_UNIT["THz"] * 1e-6,
    "µev": 1e-3,
    "mv": 1.0,
    "µv": 1e-3,
    "v": 1e3,
    "Mev": 1e9,
    "Mv": 1e9,
    "rad/ps": HBAR,
    "1/ps": HBAR,
    "1/fs": 1e3 * HBAR,
    "1/s": 1e-12 * HBAR,
}
_OHM = {"": 1.0, "m": 1e-3, "µ": 1e-6, "n": 1e-9, "k": 1e3, "M": 1e6}
UNITS: dict[str, dict[str, float]] = {
    "temperature": {"k": 1.0, "mk": 1e-3, "Mk": 1e6, "mev": 1 / KELVIN},
    "energy": _ENERGY,
    "time": {"ps": 1.0, "fs": 1e-3, "ns": 1e3, "s": 1e12},
    # In µΩ cm.
    "resistivity": {f"{p}ohmcm": f * 1e6 for p, f in _OHM.items()}
    | {f"{p}ohmm": f * 1e8 for p, f in _OHM.items()},
    # In mJ/mol K; C/T in mJ/mol K².
    "heat": {f"{p}j/molk": f for p, f in (("", 1e3), ("m", 1.0), ("µ", 1e-3), ("M", 1e9))},
    "heat over T": {f"{p}j/molk2": f for p, f in (("", 1e3), ("m", 1.0), ("µ", 1e-3), ("M", 1e9))},
    "number": {"1": 1.0, "": 1.0, "%": 1e-2},
}
#: How a family's units are told to people.
SPELLED = {
    "temperature": "K, mK",
    "energy": "meV, eV, cm-1, THz, K, mV",
    "time": "ps, fs, ns",
    "resistivity": "µΩcm, Ωm, Ωcm",
    "heat": "mJ/molK, J/molK",
    "heat over T": "mJ/molK2, J/molK2",
    "number": "1, %",
}
_TYPESET = str.maketrans(
    {c: "" for c in "${}^*·\\ ()"}
    | {"μ": "µ", "−": "-", "⁻": "-", "¹": "1", "²": "2", "\u03a9": "ohm", "\u2126": "ohm"}
)


def plain_unit(text: str) -> str:
    """A unit without signs of typesetting, and with one solidus.

    Case tells nothing but mega from milli, before a unit that is spelled as it should be.

    Example:
        >>> print(plain_unit("µΩ cm"), plain_unit("mJ mol^-1 K^-2"), plain_unit("cm⁻¹"))
        µohmcm mj/molk2 1/cm
        >>> print(plain_unit("MΩ cm"), plain_unit("mΩ cm"))
        Mohmcm mohmcm
    """
    bare = text.translate(_TYPESET).replace("--", "-")
    mega = re.match(r"M(?=[Oo]hm|eV|V|K|J|Hz)", bare)
    bare = ("M" + bare[1:].lower()) if mega else bare.lower()
    bare = re.sub(r"^(mu|micro|u)(?=ohm|j|v|ev)", "µ", bare)
    if bare in ("cm-1", "1/cm"):
        return "1/cm"
    # mJ/(mol K²), mJ mol⁻¹ K⁻² and mJ/mol/K² are one.
    bare = re.sub(r"(mol|k)-1?(\d?)", r"\1\2", bare) if "j" in bare else bare
    if "j" in bare:
        head, found, rest = bare.partition("j")
        return head + found + "/" + rest.replace("/", "")
    return bare


def factor_of(unit: str, family: str) -> float | None:
    """What a number in `unit` is multiplied by; None where it is no unit of the family.

    Example:
        >>> print(factor_of("Ωm", "resistivity"), factor_of("J/(mol K^2)", "heat over T"))
        100000000.0 1000.0
    """
    known = UNITS[family]
    bare = plain_unit(unit)
    return known.get(bare, known.get("cm-1") if bare == "1/cm" and family == "energy" else None)


class Column(NamedTuple):
    """A column as a kind of data asks for it.

    `key` is its name with the unit used inside; `names` what people call it.
    """

    key: str
    names: tuple[str, ...]
    family: str
    unit: str = "1"
    need: str = "all"  # or "any": one of those so marked is enough; "may": it can be missing


SIGMA = Column("sigma", ("sigma", "error", "err", "std", "stddev", "uncertainty", "sd"), "number")


def _spelled(name: str) -> str:
    return re.sub(r"[\s_\-−–{}$\\]", "", name.replace("Δ", "Delta"))


def _bare(name: str) -> str:
    return _spelled(name).lower()


def is_negated(cell: str) -> bool:
    """Whether a column holds the negative of what it is named after: -Im Σ.

    Example:
        >>> print(is_negated("-Im Σ (meV)"), is_negated("Im Σ (meV)"))
        True False
    """
    return re.match(r"[-−–]\s*[^\W\d_]", cell.strip().strip('"')) is not None


def split_unit(cell: str) -> tuple[str, str | None]:
    """The name and the unit of a header's cell: `rho (µΩ cm)`, `T [K]`, `E/meV`, `T_K`.

    Example:
        >>> print(split_unit("rho (µΩ cm)"), split_unit("T_K"), split_unit("sigma"))
        ('rho', 'µΩ cm') ('T', 'K') ('sigma', None)
    """
    cell = cell.strip().strip('"')
    found = re.fullmatch(r"(.*?)\s*[\[(](.*)[\])]\s*", cell)
    if found and found[1]:
        return found[1].strip(), found[2].strip()
    for mark in ("/", ",", "_"):
        name, found, unit = cell.partition(mark) if mark != "_" else cell.rpartition(mark)
        if found and name and any(factor_of(unit, f) is not None for f in UNITS if unit.strip()):
            return name.strip(), unit.strip()
    return cell, None


def match(cell: str, columns: tuple[Column, ...]) -> tuple[Column, str | None] | None:
    """The column that a header's cell names, and its unit as written, None where there is none."""
    for column in columns:
        if cell.strip() == column.key:
            return column, column.unit if column.key != "sigma" else None
    # A whole name before one with a unit: dI/dV and N(V) have none.
    name, unit = split_unit(cell)
    for text, told in ((cell, None), (name, unit)):
        alike = [c for c in columns if _bare(text) in (_bare(one) for one in c.names)]
        if alike:
            # t (ps) and T (K) are told apart by what the unit is of, t and T by their case.
            return min(
                alike,
                key=lambda c: (
                    told is not None and factor_of(told, c.family) is None,
                    _spelled(text) not in (_spelled(one) for one in c.names),
                ),
            ), told
    return None
