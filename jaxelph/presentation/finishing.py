"""What every figure gets last: panel letters, aligned labels, legends off the curves, and arrow
heads where a curve goes on outside of its panel."""

from collections.abc import Sequence
from itertools import zip_longest
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import LogFormatterSciNotation

from .plotting import GREY, STYLE, Canvas, plain_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Where a legend may stand: its corner and that of the panel, as fractions of both.
_PLACES = {
    "upper right": (1.0, 1.0),
    "upper left": (0.0, 1.0),
    "upper center": (0.5, 1.0),
    "lower right": (1.0, 0.0),
    "lower left": (0.0, 0.0),
    "lower center": (0.5, 0.0),
    "center right": (1.0, 0.5),
    "center left": (0.0, 0.5),
}
# About a legend, as a share of the panel; and what a line across the whole panel beneath it costs,
# or a place that is no corner, as a share by which the panel would be stretched.
_PAD, _ACROSS, _BESIDE = 0.03, 0.4, 0.02
# Exits of one curve that are marked: more are poles, which a figure explains itself.
_EXITS = 6


def finish(drawn: Canvas, words: Sequence[str] = ()) -> None:
    """Letters, labels, legends and marks of a figure whose panels are complete.

    Args:
        drawn: of `canvas`. A figure of one panel gets no letter.
        words: above the right corner of each panel, "" for none.

    Example:
        >>> from .plotting import canvas
        >>> drawn = canvas(None, 1, 2, (7.0, 3.0))
        >>> line = drawn.panels[1].plot([0, 1], [1, 1], label="all across")
        >>> legend = drawn.panels[1].legend(loc="upper center")
        >>> finish(drawn, ("", "one mode"))
        >>> [axes.get_title("left") + axes.get_title("right") for axes in drawn.panels]
        ['(a)', '(b)one mode']
    """
    letters = ascii_lowercase[: len(drawn.panels)] if len(drawn.panels) > 1 else ""
    for axes, (letter, told) in zip(
        drawn.panels, zip_longest(letters, words, fillvalue=""), strict=False
    ):
        if letter:
            axes.set_title(f"({letter})", loc="left", fontweight="bold")
        if told:
            axes.set_title(told, loc="right", fontsize=8, color=GREY)
        for axis in (axes.xaxis, axes.yaxis):
            # Powers of ten with factors run into each other; a figure's own numbers stay.
            if isinstance(axis.get_major_formatter(), LogFormatterSciNotation):
                plain_ticks(axis)
    if drawn.figure is not None:
        drawn.figure.align_ylabels(drawn.panels)
    top = drawn.root
    while top.figure is not top:
        top = top.figure
    # Text is wider or narrower by a few per cent at another resolution: that of files counts.
    dpi = top.dpi
    top.set_dpi(STYLE["savefig.dpi"])
    try:
        for _ in range(2):  # a panel that was stretched may move the others
            _lay_out(top)
            if not any([clear_legend(axes) for axes in drawn.panels]):
                break
        else:
            _lay_out(top)  # files are drawn as it stands
    finally:
        top.set_dpi(dpi)
    for axes in drawn.panels:
        mark_exits(axes)


def heading(drawn: Canvas, name: str, told: str = "") -> None:
    """Above a figure of its own: a name as it is, whatever is in it, and words with mathematics.

    Example:
        >>> from .plotting import canvas
        >>> drawn = canvas(None, 1, 1, (3.0, 2.0))
        >>> heading(drawn, "a$_$b.dat", r", $T_c$ = 9 K")
        >>> print(drawn.figure.get_suptitle())
        a\\$_\\$b.dat, $T_c$ = 9 K
    """
    if drawn.figure is not None:
        drawn.figure.suptitle(name.replace("$", r"\$") + told, fontsize=9.5)


def _lay_out(figure: Any) -> None:
    """Put the panels where they will be; how large a legend is follows without drawing it."""
    engine = figure.get_layout_engine()
    if engine is None:
        figure.draw_without_rendering()
    else:
        engine.execute(figure)


def clear_legend(axes: "Axes") -> bool:
    """Put the legend where no curve runs, or stretch the panel upwards until there is such a place.

    Args:
        axes: of a figure whose layout is known: drawn once, be it without rendering.

    Returns:
        Whether the panel was stretched.
    """
    legend = axes.get_legend()
    if legend is None:
        return False
    box = legend.get_window_extent().transformed(axes.transAxes.inverted())
    width, height = box.width + 2 * _PAD, box.height + 2 * _PAD
    curves, across = _obstacles(axes)
    # Beside a line across the panel near its left side is a place, too.
    places = [(name, 0.0, *corner) for name, corner in _PLACES.items()]
    places += [("upper left", at, 0.0, 1.0) for upright, at in across if upright and 0 < at < 0.2]
    best = None
    for name, start, right, up in places:
        left, below = start + right * (1 - width), up * (1 - height)
        inside = (curves[:, 0] > left) & (curves[:, 0] < left + width)
        under = curves[inside, 1]
        hidden = under[(under > below) & (under < below + height)]
        stretch = 1.0
        if left + width > 1 + _PAD:
            continue
        if hidden.size:
            if up < 1 or height > 0.7:
                continue
            # Of what lies beneath, all has to come below the legend.
            stretch = float(np.max(under[under <= 1.0])) / (1 - height)
        crossed = sum(
            left < at < left + width if upright else below < at < below + height
            for upright, at in across
        )
        cost = stretch - 1 + _ACROSS * crossed + (_BESIDE if start else 0.0)
        if best is None or cost < best[0] - 1e-9:
            best = (cost, name, start, stretch, crossed)
    if best is None:
        return False
    _, name, start, stretch, crossed = best
    if crossed:  # no line may shine through the words
        legend.set_frame_on(True)
        legend.get_frame().set_alpha(1.0)
    legend.set_loc(name)  # pyright: ignore[reportArgumentType]
    legend.set_bbox_to_anchor((start, 0.0, 1.0 - start, 1.0), transform=axes.transAxes)
    if stretch > 1:
        scale = axes.yaxis.get_transform()
        low, high = scale.transform(np.asarray(axes.get_ylim()))
        axes.set_ylim(top=float(scale.inverted().transform(low + stretch * (high - low))))
    return stretch > 1


def _obstacles(axes: "Axes") -> tuple[np.ndarray, list[tuple[bool, float]]]:
    """Points of curves, texts and insets as shares of the panel; lines across all of it.

    Of those, whether they are upright, and where.
    """
    from matplotlib.collections import LineCollection

    back = axes.transAxes.inverted()
    points, across = [np.empty((0, 2))], []
    shared = axes.get_shared_x_axes().get_siblings(axes)
    twins = [one for one in shared if one.bbox.bounds == axes.bbox.bounds]
    for line in (line for one in twins for line in one.lines):
        if not (line.get_visible() and len(line.get_xdata())):
            continue
        own = line.axes.transData if line.axes is not None else axes.transData
        seen = back.transform(line.get_transform().transform(line.get_xydata()))
        if line.get_transform() != own:
            x = np.asarray(line.get_xdata(), float)
            upright = x.size > 1 and np.ptp(x) == 0
            across.append((bool(upright), float(seen[0, 0 if upright else 1])))
            continue
        points.append(_dense(seen) if line.get_linestyle() != "None" else seen)
    for one in axes.collections:
        if isinstance(one, LineCollection):
            points += [
                _dense(back.transform(axes.transData.transform(s))) for s in one.get_segments()
            ]
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text()]
    boxes += [inset.get_tightbbox() for inset in axes.child_axes]
    for box in boxes:
        if box is None:
            continue
        found = box.transformed(back)
        x, y = np.meshgrid(np.linspace(found.x0, found.x1, 9), np.linspace(found.y0, found.y1, 5))
        points.append(np.c_[x.ravel(), y.ravel()])
    every = np.concatenate(points)
    return every[np.all(np.isfinite(every), axis=1)], across


def _dense(path: np.ndarray) -> np.ndarray:
    """A polyline with points no further apart than a hundredth of the panel.

    Example:
        >>> len(_dense(np.array([[0.0, 0.0], [0.5, 0.0], [0.5, 0.02]])))
        53
    """
    lengths = np.max(np.abs(np.diff(path, axis=0)), axis=1)
    lengths = np.where(np.isfinite(lengths), lengths, 0.0)
    # What lies far outside takes no more points than the panel does.
    counts = np.clip(np.ceil(100 * lengths - 1e-9), 1, 400).astype(int)
    first = np.repeat(np.arange(len(counts)), counts)
    share = (np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)) / counts[first]
    between = path[first] + share[:, None] * (path[first + 1] - path[first])
    return np.concatenate([between, path[-1:]])


def mark_exits(axes: "Axes") -> None:
    """Arrow heads in a curve's colour where it leaves its panel through the top or the bottom.

    Example:
        >>> from matplotlib.figure import Figure
        >>> axes = Figure().subplots()
        >>> line = axes.plot([0, 1, 2], [0, 2, 0])
        >>> axes.set_ylim(0, 1), mark_exits(axes)
        ((0.0, 1.0), None)
        >>> axes.collections[0].get_offsets().tolist()
        [[0.5, 1.0], [1.5, 1.0]]
    """
    # A polyline is straight on the page, not in the numbers of a logarithmic axis.
    scale, along = axes.yaxis.get_transform(), axes.xaxis.get_transform()
    with np.errstate(all="ignore"):
        limits = np.sort(scale.transform(np.asarray(axes.get_ylim(), float)))
        for line in list(axes.lines):
            if line.get_transform() != axes.transData or line.get_linestyle() == "None":
                continue
            x = along.transform(np.asarray(line.get_xdata(), float))
            y = scale.transform(np.asarray(line.get_ydata(), float))
            for limit, sign, marker in ((limits[1], 1, "^"), (limits[0], -1, "v")):
                at = _crossings(x, sign * (y - limit), 1e-3 * np.ptp(limits))
                at = np.asarray(along.inverted().transform(at))
                low, high = np.sort(axes.get_xlim())
                at = at[(at >= low) & (at <= high)]
                if 0 < at.size <= _EXITS:
                    axes.scatter(
                        at,
                        np.full(at.size, float(sign > 0)),
                        marker=marker,
                        s=16,
                        color=line.get_color(),
                        transform=axes.get_xaxis_transform(),
                        clip_on=False,
                        linewidths=0,
                        zorder=5,
                    )


def _crossings(x: np.ndarray, beyond: np.ndarray, least: float) -> np.ndarray:
    """Where a polyline passes zero, of which it goes on by more than `least` on the far side."""
    found: list[Any] = []
    known = np.isfinite(x) & np.isfinite(beyond)
    for k in range(len(x) - 1):
        if known[k] and known[k + 1] and (beyond[k] > 0) != (beyond[k + 1] > 0):
            share = beyond[k] / (beyond[k] - beyond[k + 1])
            far = beyond[k:] if beyond[k + 1] > 0 else beyond[: k + 1][::-1]
            run = far[1:] if beyond[k + 1] > 0 else far
            inside = np.flatnonzero(~(run > 0))
            run = run[: inside[0]] if inside.size else run
            if run.size and np.nanmax(run) > least:
                found.append(x[k] + share * (x[k + 1] - x[k]))
    return np.asarray(found, float)
