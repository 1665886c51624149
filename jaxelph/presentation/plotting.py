"""What all figures share: drawn on matplotlib's `Figure` itself, no pyplot, no global state.

Colours are those of Okabe and Ito, which people with any kind of colour vision tell apart;
line styles and markers tell the curves apart once more, for print in black and white.
"""

import functools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
GREY = "#555555"
SHADE = "#D55E00"

#: Settings of every figure of the package: a column of a journal, seven inches for two.
STYLE: dict[Any, Any] = {
    "font.size": 8.5,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "axes.linewidth": 0.7,
    "legend.fontsize": 7.5,
    "legend.frameon": True,
    "legend.framealpha": 0.8,
    "legend.edgecolor": "none",
    "legend.fancybox": False,
    "legend.handlelength": 2.2,
    "lines.linewidth": 1.4,
    "lines.markersize": 3,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "mathtext.fontset": "dejavusans",
    "savefig.dpi": 200,
}

#: Colour, line, marker and label of each criterion.
CRITERION_STYLE = {
    "weight": (BLUE, "--", "s", "weight, min $Z_0^{-1}$"),
    "heat": (GREEN, "-.", "^", "heat, $C_{el}$"),
    "kinetic": (ORANGE, "-", "o", r"kinetic, least eigenvalue of $\tilde A$"),
}


def is_plain_tick(value: float) -> bool:
    """Whether a minor tick gets a number: 2 and 5 in each decade."""
    digit = value / 10 ** np.floor(np.log10(value))
    return bool(np.isclose(digit, 2) or np.isclose(digit, 5))


def plain_ticks(axis: Any, *, decades: float = 2.0) -> None:
    """Plain numbers on a logarithmic axis of few decades: 0.3, not 3 times 10 to the -1.

    Which minor ticks have theirs is asked when the axis is drawn, whose limits may change till
    then: 2 and 5 of each decade, or more of them where these are not two.

    Args:
        axis: of a panel.
        decades: a longer axis is left as it is.

    Example:
        >>> from matplotlib.figure import Figure
        >>> axes = Figure().subplots()
        >>> axes.set(xscale="log", xlim=(0.2, 4.0)) and plain_ticks(axes.xaxis)
        >>> [axes.xaxis.get_minor_formatter()(x) for x in (0.5, 0.3)]
        ['0.5', '']
        >>> axes.set_xlim(0.55, 0.95) and [axes.xaxis.get_minor_formatter()(x) for x in (0.6, 0.7)]
        ['0.6', '']
    """
    low, high = sorted(axis.get_view_interval())
    if not 0 < low < high < 10**decades * low:
        return

    def minor(value, _):
        digits = _numbered(*sorted(axis.get_view_interval().tolist()))
        digit = value / 10 ** math.floor(math.log10(value))
        shown = digits is None or any(math.isclose(digit, one, rel_tol=1e-5) for one in digits)
        return f"{value:g}" if shown else ""

    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(minor)


@functools.lru_cache(maxsize=64)  # asked for every tick, each time that an axis is measured
def _numbered(low: float, high: float) -> tuple[int, ...] | None:
    """First digits of the ticks that have numbers; None for all ticks there are.

    Example:
        >>> _numbered(0.2, 4.0), _numbered(0.55, 0.95), _numbered(0.62, 0.64)
        ((1, 2, 5), (1, 2, 3, 4, 5, 6, 8), None)
    """
    tens = 10.0 ** np.arange(np.floor(np.log10(low)), np.floor(np.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 2, 3, 4, 5, 6, 8)):
        ticks = np.outer(tens, digits)
        if np.sum((ticks >= 0.999 * low) & (ticks <= 1.001 * high)) > 1:
            return digits
    return None


def marked(x: np.ndarray) -> dict[str, Any]:
    """What `plot` is told of a curve: its points are marked where they are too few for a line.

    Example:
        >>> marked(np.arange(3)), marked(np.arange(30))
        ({'marker': 'o'}, {})
    """
    return {"marker": "o"} if x.size < 12 else {}


def evenly(count: int, most: int) -> np.ndarray:
    """Indices of so many out of `count` as are shown, the first and the last among them.

    Example:
        >>> evenly(3, 6).tolist(), evenly(24, 4).tolist()
        ([0, 1, 2], [0, 8, 15, 23])
    """
    return np.unique(np.round(np.linspace(0, count - 1, min(most, count))).astype(int))


class Canvas(NamedTuple):
    """Where a figure is drawn: its panels, and what may carry its title and legend.

    `figure` is None where the caller gave the panels themselves: what lies around them is his.
    """

    panels: tuple["Axes", ...]
    figure: Any

    @property
    def root(self) -> Any:
        """The figure that the panels belong to."""
        return self.panels[0].figure if self.figure is None else self.figure


def canvas(
    on: Any,
    rows: int,
    columns: int,
    size: tuple[float, float],
    **options,
) -> Canvas:
    """Panels to draw on, row by row.

    Args:
        on: None for a new figure; a matplotlib `Figure` or `SubFigure`, which is filled; one
            `Axes` of a grid, whose place is taken by the panels; or a sequence of as many `Axes`
            as there are panels.
        rows, columns: of panels.
        size: of a new figure, in inches.
        options: of `Figure.subplots`.

    Raises:
        ValueError: `on` is none of these, or too few or too many axes.

    Example:
        >>> from matplotlib.figure import Figure
        >>> mine = Figure()
        >>> found = canvas(mine.subplots(1, 2)[1], 2, 2, (7.0, 5.0))
        >>> len(found.panels), len(mine.axes), found.root.figure is mine
        (4, 5, True)
    """
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase

    count = rows * columns
    if on is None:
        on = Figure(figsize=size, layout="constrained")
    elif isinstance(on, Axes):
        place = on.get_subplotspec()
        if place is None:
            raise ValueError(
                f"ax is one axes outside any grid, and the figure has {count} panels; give a "
                f"figure, axes of plt.subplots, or {count} axes."
            )
        around = on.figure
        on.remove()
        on = around.add_subfigure(place)
    if isinstance(on, FigureBase):
        made = on.subplots(rows, columns, squeeze=False, **options)
        return Canvas(tuple(made.ravel()), on)
    given = list(np.ravel(np.asarray(on, dtype=object)))
    if len(given) != count or not all(isinstance(one, Axes) for one in given):
        raise ValueError(
            f"ax is {type(on).__name__}, and the figure has {count} panels; give a matplotlib "
            f"figure, axes of plt.subplots, or {count} axes."
        )
    return Canvas(tuple(given), None)
