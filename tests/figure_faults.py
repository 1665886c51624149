"""What a referee would send a figure back for, as far as a program can see it."""

import itertools
import re

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb

# A label such as "-3", where the sign should be a minus; "10⁻³" and dashes in words are others.
HYPHEN = re.compile(r"(?<![\w$}\])])-\d")


def faults(figure) -> list[str]:
    """One line for each fault of a figure: none for one that can be printed."""
    figure.draw_without_rendering()
    found = []
    bars = {id(bar.ax) for bar in _colour_bars(figure)}
    panels = [axes for axes in figure.get_axes() if id(axes) not in bars and axes.axison]
    main = [axes for axes in panels if axes.get_subplotspec() and not _is_twin(axes, panels)]
    titles = [axes.get_title("left") for axes in main]
    letters = [f"({chr(97 + k)})" for k in range(len(main))]
    if len(main) > 1 and titles != letters:
        found.append(f"panels are called {titles}")
    for bar in _colour_bars(figure):
        if not (bar.ax.get_ylabel() or bar.ax.get_xlabel()):
            found.append("a colour bar without a label")
    for number, axes in enumerate(panels):
        where = axes.get_title("left") or f"axes {number}"
        found += [f"{where}: {told}" for told in _of_axes(axes, panels)]
    return found


def _of_axes(axes, panels):
    if axes.get_subplotspec() and not _is_twin(axes, panels):
        shared = axes.get_shared_x_axes().get_siblings(axes)
        labelled = axes.get_xlabel() or any(one.get_xlabel() for one in shared)
        if not labelled and any(t.get_text() for t in axes.get_xticklabels()):
            yield "no label below"
        beside = axes.get_shared_y_axes().get_siblings(axes)
        if not (axes.get_ylabel() or any(one.get_ylabel() for one in beside)):
            yield "no label beside"
    if not (axes.lines or axes.collections or axes.patches or axes.texts or axes.images):
        yield "empty"
    texts = [*axes.get_xticklabels(), *axes.get_yticklabels(), *axes.texts, axes.title]
    legend = axes.get_legend()
    if legend is not None:
        texts += legend.get_texts()
    for text in texts:
        plain = re.sub(r"\$[^$]*\$", "", text.get_text())  # in mathematics it is set as a minus
        if text.get_visible() and HYPHEN.search(plain):
            yield f"a hyphen for a minus in {text.get_text()!r}"
    if legend is not None:
        yield from _legend(axes, legend, panels)
    for text in axes.texts:
        if text.get_text() and _hidden(axes, text.get_window_extent(), panels, text=True):
            yield f"{text.get_text()!r} is on a curve"
    boxes = [(text.get_text(), text.get_window_extent()) for text in axes.texts if text.get_text()]
    if legend is not None:
        boxes.append(("the legend", legend.get_window_extent()))
    for (one, box), (other, beside) in itertools.combinations(boxes, 2):
        if box.overlaps(beside):
            yield f"{one!r} is on {other!r}"
    yield from _alike(axes)
    yield from _cut(axes)
    yield from _few_numbers(axes)
    yield from _lone(axes)
    yield from _above(axes)


def _legend(axes, legend, panels):
    hidden = _hidden(axes, legend.get_window_extent(), panels)
    if hidden:
        yield f"the legend is on {hidden} points of curves"
    low, high = np.sort(axes.get_xlim())
    names = [text.get_text() for text in legend.get_texts()]
    for line in axes.lines:
        if line.get_label() in names and line.get_transform() == axes.transData:
            x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
            bottom, top = np.sort(axes.get_ylim())
            seen = (x >= low) & (x <= high) & (y >= bottom) & (y <= top)
            if len(x) and not seen.any():
                yield f"{line.get_label()!r} is in the legend and nowhere else"
    if len(set(names)) < len(names):
        yield f"two entries of the legend are alike: {names}"


def _hidden(axes, box, panels, *, text=False):
    """How many points of curves lie under a box, those of an axes on the same place as well."""
    count = 0
    for one in panels:
        if one is not axes and not _same_place(one, axes):
            continue
        for line in one.lines:
            # A legend may stand on a hairline that goes through the whole panel, no text may.
            across = line.get_transform() != one.transData
            if (across and not text) or not len(line.get_xdata()):
                continue
            path = line.get_transform().transform(np.asarray(line.get_xydata(), float))
            path = path[np.all(np.isfinite(path), axis=1)]
            if line.get_linestyle() != "None" and len(path) > 1:
                path = _dense(path)
            inside = one.bbox
            seen = (
                (path[:, 0] > max(box.x0, inside.x0))
                & (path[:, 0] < min(box.x1, inside.x1))
                & (path[:, 1] > max(box.y0, inside.y0))
                & (path[:, 1] < min(box.y1, inside.y1))
            )
            count += int(np.sum(seen))
        for lines in one.collections:
            if isinstance(lines, LineCollection) and not text:
                for segment in lines.get_segments():
                    path = _dense(one.transData.transform(segment))
                    count += int(np.sum([box.contains(*point) for point in path]))
    return count


def _dense(path):
    steps = [
        start + np.linspace(0, 1, 1 + int(min(np.hypot(*(stop - start)), 2000)))[:, None]
        * (stop - start)
        for start, stop in itertools.pairwise(path)
    ]  # fmt: skip
    return np.concatenate(steps)


def _alike(axes):
    """Labelled curves that neither colour nor line nor marker tells apart."""
    seen = [
        (line.get_label(), np.array(to_rgb(line.get_color())), line.get_linestyle(),
         line.get_marker(), line.get_alpha() or 1.0)
        for line in axes.lines
        if not str(line.get_label()).startswith("_")
    ]  # fmt: skip
    for one, other in itertools.combinations(seen, 2):
        apart = np.abs(one[1] * one[4] - other[1] * other[4]).max()
        if apart < 0.12 and one[2:4] == other[2:4]:
            yield f"{one[0]!r} and {other[0]!r} look alike"


def _few_numbers(axes):
    """A logarithmic axis with one number: a distance on it could be anything."""
    for name, axis in (("below", axes.xaxis), ("beside", axes.yaxis)):
        if axis.get_scale() != "log":
            continue
        low, high = np.sort(axis.get_view_interval())
        told = [
            tick.label1.get_text()
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
            if 0.999 * low <= tick.get_loc() <= 1.001 * high and tick.label1.get_visible()
        ]
        numbers = [text for text in told if text]
        if told and len(numbers) < 2:
            yield f"the logarithmic axis {name} has the numbers {numbers}"


def _above(axes):
    """Words above a panel that run into its letter, or out of it."""
    words = axes.get_title("right")
    if not words:
        return
    box = axes._right_title.get_window_extent()
    letter = axes._left_title.get_window_extent()
    if box.x0 < axes.bbox.x0 or (axes.get_title("left") and box.overlaps(letter)):
        yield f"{words!r} is wider than its panel"


def _lone(axes):
    """Curves of one point without a marker: nothing is seen of them."""
    for line in axes.lines:
        x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
        if np.sum(np.isfinite(x) & np.isfinite(y)) == 1 and line.get_marker() in ("", "None", None):
            yield f"{line.get_label()!r} is one point without a marker"


def _cut(axes):
    """Curves that leave through the top or the bottom, where nothing says so."""
    marks = [c.get_offsets() for c in axes.collections if c.get_zorder() == 5]
    marked = {round(float(x), 6) for offsets in marks for x in np.asarray(offsets)[:, 0]}
    low, high = np.sort(axes.get_xlim())
    scale = axes.yaxis.get_transform()
    with np.errstate(all="ignore"):
        bottom, top = np.sort(scale.transform(np.asarray(axes.get_ylim(), float)))
        for line in axes.lines:
            if line.get_transform() != axes.transData or not len(line.get_xdata()):
                continue
            x = np.asarray(line.get_xdata(), float)
            y = scale.transform(np.asarray(line.get_ydata(), float))
            inside = (x >= low) & (x <= high) & np.isfinite(y)
            slack = 2e-3 * (top - bottom)
            out = inside & ((y > top + slack) | (y < bottom - slack))
            ends = np.flatnonzero(np.diff(out.astype(int)))
            if out.any() and len(ends) <= 6 and not marked:
                yield f"{line.get_label()!r} goes on outside, unmarked"


def _colour_bars(figure):
    for axes in figure.get_axes():
        for one in (*axes.collections, *axes.images):
            if getattr(one, "colorbar", None) is not None:
                yield one.colorbar


def _same_place(one, other):
    return np.allclose(one.bbox.bounds, other.bbox.bounds)


def _is_twin(axes, panels):
    earlier = panels[: panels.index(axes)] if axes in panels else []
    return any(_same_place(axes, one) for one in earlier)
