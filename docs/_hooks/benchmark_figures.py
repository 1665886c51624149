"""The tables of `benchmarks/tables`, drawn. A table whose form is not known stops the build."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402

Curves = dict[str, list[tuple[float, float]]]

_STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "jaxelph",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.markersize": 4,
}
_MARKERS = "os^Dv<>p"


def section(table: str, heading: str) -> list[str]:
    """The lines below a heading of a table, up to the next blank one.

    Raises:
        ValueError: there is no such heading.
    """
    lines = table.splitlines()
    starts = [k for k, line in enumerate(lines) if line.startswith(heading)]
    if not starts:
        raise ValueError(f"no part of the table begins with {heading!r}")
    rest = lines[starts[0] + 1 :]
    while rest and not rest[0].strip():
        rest.pop(0)
    end = next((k for k, line in enumerate(rest) if not line.strip()), len(rest))
    return rest[:end]


def _rows(lines: list[str], pattern: str) -> Iterator[tuple[str, ...]]:
    found = [match for line in lines if (match := re.match(pattern, line))]
    if not found:
        raise ValueError(f"no row of the table is like {pattern!r}")
    return (match.groups() for match in found)


_NUMBER = r"(\d[\d.]*(?:e[-+]\d+)?)"


def work_precision(table: str, heading: str) -> Curves:
    """Method → (error, milliseconds) by falling tolerance."""
    curves: Curves = {}
    row = rf"\s*(\S.*?)\s{{2,}}1e-\d+\s+\d+\s+{_NUMBER}\s+{_NUMBER}"
    for method, error, time in _rows(section(table, heading), row):
        curves.setdefault(method, []).append((float(error), float(time)))
    return curves


def _columns(lines: list[str], names: dict[int, str], key: int = 0) -> Curves:
    """Curves of a table of bare columns; rows where a column is missing end that curve."""
    curves: Curves = {name: [] for name in names.values()}
    for line in lines:
        words = line.split()
        if words and re.fullmatch(_NUMBER, words[key]):
            for place, name in names.items():
                if place < len(words):
                    curves[name].append((float(words[key]), float(words[place])))
    return curves


def _draw(axes: Axes, curves: Curves, x: str, y: str, title: str) -> None:
    for (name, points), marker in zip(curves.items(), _MARKERS, strict=False):
        axes.loglog(*zip(*points, strict=True), marker=marker, label=name)
    axes.set(xlabel=x, ylabel=y, title=title)
    axes.legend()


def _kinetic(table: str, axes: list[Axes]) -> None:
    curves = work_precision(table, "Work against precision")
    _draw(axes[0], curves, "error of f", "ms", "one run, 75 energies")
    lines = section(table, "Cost against the number of energies")
    row = rf"evolve, L = (\d+)\s+\S+\s+\d+\s+{_NUMBER}"
    cost = [(float(size), float(time)) for size, time in _rows(lines, row)]
    _draw(axes[1], {"evolve": cost}, "energies", "ms", "cost at a fixed cutoff")


def _dae(table: str, axes: list[Axes]) -> None:
    for place, heading, title in (
        (axes[0], "Kinetic model", "kinetic model, 75 unknowns"),
        (axes[1], "Robertson", "Robertson's equation"),
    ):
        _draw(place, work_precision(table, heading), "error", "ms", title)


def _stability(table: str, axes: list[Axes]) -> None:
    product = {1: "matrix", 2: "Fourier transform"}
    lines = section(table, "(c)")
    full = _columns([line for line in lines if len(line.split()) > 3], product)
    alone = [line.split() for line in lines if len(line.split()) == 2]
    full["Fourier transform"] += [(float(size), float(time)) for size, time in alone]
    _draw(axes[0], full, "energies", "ms", "one product with Ã")
    margin: Curves = {"dense eigenvalues": [], "Davidson search": []}
    for line in section(table, "(d)"):
        words = line.split()
        if words and words[0].isdigit():
            both = len(words) == 6  # with the matrix, and how far they differ
            if both:
                margin["dense eigenvalues"].append((float(words[0]), float(words[1])))
            margin["Davidson search"].append((float(words[0]), float(words[1 + both])))
    _draw(axes[1], margin, "energies", "ms", "the margin")


def _tc(table: str, axes: list[Axes]) -> None:
    times: Curves = {}
    errors: Curves = {}
    row = rf"\s*{_NUMBER}\s+(\S+ \S+)\s+\d+\s+{_NUMBER}\s+{_NUMBER}\s+{_NUMBER}"
    for point, method, _, time, error in _rows(section(table, "rho(T)"), row):
        times.setdefault(method, []).append((float(point), float(time)))
        errors.setdefault(method, []).append((float(point), float(error)))
    _draw(axes[0], times, "T/ω_c", "ms", "largest eigenvalue ρ(T)")
    _draw(axes[1], errors, "T/ω_c", "relative error", "and its error")


def _inverse(table: str, axes: list[Axes]) -> None:
    row = rf"\s*(\S+)\s+{_NUMBER}\s+{_NUMBER}\s+{_NUMBER}\s+{_NUMBER}\s+{_NUMBER}\s+{_NUMBER}"
    rows = list(_rows(section(table, "gradient in 200 rows"), row))
    names = [name for name, *_ in rows]
    for column, label, shift in ((4, "reverse mode", -0.2), (6, "central differences", 0.2)):
        values = [float(found[column]) for found in rows]
        axes[0].barh([k + shift for k in range(len(rows))], values, 0.4, label=label)
    axes[0].set(xscale="log", xlabel="cost in evaluations", title="gradient in 200 rows of α²F")
    axes[0].set_yticks(range(len(rows)), names)
    axes[0].invert_yaxis()
    axes[0].legend(loc="upper center", bbox_to_anchor=(0.4, -0.18), ncols=2)
    row = rf"\s*(\S.*?)\s{{2,}}{_NUMBER}?\s+{_NUMBER}\s*(?:{_NUMBER} ±.*)?$"
    fits = list(_rows(section(table, "fit of 200 rows"), row))
    axes[1].barh([name for name, *_ in fits], [float(time) for _, _, time, _ in fits], 0.5)
    axes[1].set(xlabel="s", title="fit of 200 rows to 400 data")
    axes[1].invert_yaxis()


def _coverage(table: str, axes: list[Axes]) -> None:
    row = r"\s*(\S.*?)\s+(C_el|Σ)\s+(\d) %" + rf"\s+{_NUMBER} \(\s*{_NUMBER}\)" * 3
    for place, heading in zip(axes, ("Gaussian process", "maximum entropy"), strict=True):
        rows = list(_rows(section(table, heading), row))
        for offset, (column, label) in enumerate(((3, "λ"), (5, "ω_log"), (7, "λ⟨ω²⟩"))):
            heights = [float(found[column]) for found in rows]
            where = [k + 0.25 * (offset - 1) for k in range(len(rows))]
            place.plot(where, heights, _MARKERS[offset], label=label)
        place.axhline(68.3, color="0.5", lw=0.8)
        labels = [f"{metal} {kind} {noise} %" for metal, kind, noise, *_ in rows]
        place.set_xticks(range(len(rows)), labels, rotation=90, fontsize=6)
        place.set(ylim=(50, 90), ylabel="% of draws within ±1σ", title=heading.capitalize())
        place.legend(ncols=3, loc="upper left")


def _sweep(table: str, axes: list[Axes]) -> None:
    row = rf"\s*(\d+) devices\s+{_NUMBER} points/s"
    scaling = [(int(n), float(rate)) for n, rate in _rows(section(table, "weak scaling"), row)]
    axes[0].plot(*zip(*scaling, strict=True), "o-")
    axes[0].set(xlabel="virtual devices on 2 cores", ylabel="points/s", ylim=(0, None))
    axes[0].set_title("weak scaling, with gradients")
    row = rf"\s*(\d+) devices\s+{_NUMBER} files/s"
    screens = list(_rows(section(table, "screen of 256 files"), row))
    axes[1].bar([n for n, _ in screens], [float(rate) for _, rate in screens], 0.5)
    axes[1].set(xlabel="devices", ylabel="files/s", title="screen of 256 files")


def _gap(table: str, axes: list[Axes]) -> None:
    row = rf"\s*dense, {_NUMBER}:\s+{_NUMBER} s,"
    lines = section(table, "Delta_0 of the Nb file")
    dense = [(float(error), 1e3 * float(time)) for error, time in _rows(lines, row)]
    ((_, median),) = _rows(lines, rf"\s+curve: first call\s+{_NUMBER} s, median\s+{_NUMBER} ms")
    axes[0].loglog(*zip(*dense, strict=True), "o-", label="dense sums, one after the other")
    axes[0].axhline(float(median), color="C1", label="this package, in one call, to 1e-10")
    axes[0].set(xlabel="error of Δ(iπT)", ylabel="ms", title="100 temperatures of a niobium file")
    axes[0].legend()
    axes[1].set_axis_off()


DRAWINGS: dict[str, Callable[[str, list[Axes]], None]] = {
    "coverage": _coverage,
    "dae": _dae,
    "gap": _gap,
    "inverse": _inverse,
    "kinetic": _kinetic,
    "stability": _stability,
    "sweep": _sweep,
    "tc": _tc,
}


def drawn(tables: Path) -> dict[str, bytes]:
    """Name of each benchmark → its figure as SVG."""
    found = {}
    for path in sorted(tables.glob("*.txt")):
        draw = DRAWINGS.get(path.stem)
        if draw is None:  # another machine's, shown as text
            continue
        with plt.rc_context(_STYLE):
            figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
            draw(path.read_text(encoding="utf-8"), list(axes))
            stream = io.BytesIO()
            figure.savefig(stream, format="svg", metadata={"Date": None})
            plt.close(figure)
        found[path.stem] = stream.getvalue()
    return found
