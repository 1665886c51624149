"""The verdict on a metal in words: which criterion says what, and how far to trust it."""

import math

from ..spectra.table import TabulatedSpectrum
from ..stability.critical import CRITERIA
from ..units import kelvin
from .findings import Findings

_MEANING = {
    "weight": "min Z₀⁻¹(E) > 0",
    "heat": "C_el > 0",
    "kinetic": "linear stability of the whole kinetic equation",
}


def label(report: Findings) -> str:
    """The verdict in one line; see `paragraph`."""
    edges = {name: edge for name, edge in report.unstable_below.items() if edge is not None}
    low, tc = report.scanned[0], report.tc["eliashberg"]
    if not edges:
        return f"stable by all three criteria down to {kelvin(low)}"
    edge = max(edges.values())
    names = [name for name in ("kinetic", "weight", "heat") if edges.get(name, 0) > 0.99 * edge]
    if tc == 0:
        where = "no superconductivity"
    else:
        where = f"{'above' if edge > tc else 'below'} its Tc of {kelvin(tc)}"
    lows = [report.unstable_windows[name][-1][0] for name in names]
    known = [low for low in lows if low is not None]
    told = _told([(min(known) if len(known) == len(lows) else None, edge)])
    return f"unstable {told} by the {_and(names)} {_criterion(names)}, {where}"


def where_unstable(report: Findings, criterion: str) -> str:
    """Where one criterion says that the metal is unstable, windows of temperature one by one."""
    windows = report.unstable_windows[criterion]
    low, high = (kelvin(t) for t in report.scanned)
    return f"unstable {_told(windows)}" if windows else f"stable from {low} to {high}"


def _told(windows) -> str:
    return _and(
        [
            f"below {kelvin(high)}" if low is None else f"from {kelvin(low)} to {kelvin(high)}"
            for low, high in windows
        ]
    )


def paragraph(report: Findings) -> str:
    """The verdict in a paragraph: every criterion by its name, λ beside λ_c, and caveats.

    The three criteria are values of one quadratic form and need not agree: a negative weight
    or specific heat proves an instability, the kinetic one decides, on its grid. So none of
    them is given without its name.
    """
    return " ".join([_edges(report), _beside_tc(report), _closest(report), *_caveats(report)])


def _edges(report) -> str:
    parts = [
        f"{where_unstable(report, name)} by the {name} criterion ({_MEANING[name]})"
        for name in ("kinetic", "weight", "heat")
    ]
    return f"The normal metal is {', '.join(parts[:2])} and {parts[2]}."


def _beside_tc(report) -> str:
    tc = report.tc["eliashberg"]
    if tc == 0:
        return f"It does not superconduct at μ* = {report.mu_star:g}."
    told = f"Its Tc is {kelvin(tc)} (Eliashberg, μ* = {report.mu_star:g})"
    above = [n for n in CRITERIA if (report.unstable_below[n] or 0) > tc]
    below = [n for n in CRITERIA if 0 < (report.unstable_below[n] or 0) <= tc]
    if above:
        return (
            f"{told}: by the {_and(above)} {_criterion(above)} it would lose its stability "
            "above the transition, as a normal metal."
        )
    if below:
        return (
            f"{told}: it superconducts before the {_and(below)} {_criterion(below)} would "
            "make the normal state unstable."
        )
    if tc < report.scanned[0]:
        return f"{told}, below the temperatures examined: nothing is said of those between."
    return f"{told}: it stays stable down to the transition."


def _closest(report) -> str:
    tc = report.tc["eliashberg"]
    told = [i for i, t in enumerate(report.temperatures) if t >= 0.995 * tc]
    if not told:
        return ""
    names, values = [], []
    for name in CRITERIA:
        series = report.critical[name]
        best = min(told, key=lambda i: series[i])
        if math.isfinite(series[best]):
            names.append(name)
            values.append(f"{series[best]:.3g} ({name}, at {kelvin(report.temperatures[best])})")
    if not values:
        return "No coupling strength would make it unstable at these temperatures."
    ratio = min(min(report.critical[name][i] for i in told) for name in names) / report.coupling
    since = "at and above Tc " if tc > 0 else ""
    compared = (
        f"the metal is a factor of {ratio:.2f} away from the nearest"
        if ratio > 1
        else f"the metal exceeds the least of them by {100 * (1 / ratio - 1):.0f} %"
    )
    return (
        f"Its λ of {report.coupling:.3f} compares with the least critical λ_c {since}among the "
        f"temperatures asked for, {_and(values)}: {compared}."
    )


def _caveats(report) -> list[str]:
    told = []
    if isinstance(report.spectrum, TabulatedSpectrum):
        several = getattr(report.spectrum.provenance, "columns", 1) > 1
        told.append(
            "The weight and kinetic criteria feel sharp edges of α²F, hence how it was broadened: "
            + ("compare the file's other columns" if several else "compare other broadenings")
            + " before you trust either; the heat criterion is hardly affected."
        )
    if report.discrete:
        told.append(
            "The spectrum is made of δ modes: the kinetic λ_c belongs to its grid (see its grid "
            "error), and the weight always turns negative when T is far below their spacing."
        )
    return told


def _criterion(names: list[str]) -> str:
    return "criterion" if len(names) == 1 else "criteria"


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
