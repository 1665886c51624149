# Bokeh tells types of its models to its own tools only.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
"""The figures of the page, in Bokeh: made once, then given new numbers.

Colours and names are those of the package's other figures.
"""

import math
from importlib.resources import files
from typing import Any

import numpy as np
from bokeh.events import MouseMove, Pan, PanEnd, PanStart, Press, PressUp
from bokeh.models import (
    Arrow,
    ColumnDataSource,
    CustomJS,
    CustomJSTickFormatter,
    FixedTicker,
    HoverTool,
    LinearAxis,
    NormalHead,
    Range1d,
    Span,
)
from bokeh.plotting import figure

from ..presentation.plotting import BLUE, CRITERION_STYLE, GREEN, GREY, ORANGE
from ..spectra.curve import curve
from ..spectra.peaks import GaussianPeaks
from ..spectra.spectrum import EliashbergFunction
from ..stability.critical import CRITERIA
from .follow import pulls
from .numbers import Numbers

#: Of T_c and of the margin, wherever they are drawn.
OF_TC, OF_MARGIN = BLUE, ORANGE
# Arrows along the curve of a spectrum that is scaled, and the longest one over the axis.
_ARROWS, _LONGEST = 14, 0.16
_WIDE, _SMALL = 860, 283
# At half its height a Gaussian is so many widths from its centre.
_HALF = math.sqrt(2 * math.log(2))


def _plot(width: int, height: int, x: str, y: str, **options) -> Any:
    plot = figure(
        width=width, height=height, tools="", toolbar_location=None, min_border=2, **options
    )
    plot.xaxis.axis_label, plot.yaxis.axis_label = x, y
    for axis in plot.axis:
        _styled(axis)
    plot.grid.grid_line_color = "#eeeeee"
    plot.outline_line_color = "#333333"
    return plot


def _styled(axis) -> None:
    axis.axis_label_text_font_style = "normal"
    axis.axis_label_text_font_size = "12px"
    axis.major_label_text_font_size = "11px"
    axis.axis_label_standoff = 4
    axis.major_tick_in, axis.major_tick_out = 5, 0
    axis.minor_tick_in, axis.minor_tick_out = 3, 0


class Drawing:
    """The plots `main`, `slopes` and `small`, and `drag`, which says what is being moved.

    Args:
        axis (meV): the end of the axis of ω.
        peaks: whether peaks are moved, each with two handles, or the whole.
    """

    def __init__(self, axis: float, peaks: bool):
        self.axis, self.peaks = axis, peaks
        self.high = 1.0
        self.drag = ColumnDataSource({"index": [], "kind": [], "x": [], "y": [], "last": []})
        self.answer = ColumnDataSource({"number": []})
        self.sources = {
            name: ColumnDataSource()
            for name in ("a2f", "stems", "handles", "half", "tc", "margin", "slopes")
        }
        self.main = self._main()
        self.slopes = self._slopes()
        self.weight, self.heat, self.critical = self._weight(), self._heat(), self._critical()

    # What is drawn once.

    def _main(self):
        s = self.sources
        s["a2f"].data = {"x": [], "y": []}
        s["stems"].data = {"x": [], "y": [], "zero": []}
        s["handles"].data = {"x": [], "y": [], "index": [], "kind": [], "size": [], "colour": []}
        s["half"].data = {"x0": [], "x1": [], "y": []}
        plot = _plot(
            _WIDE,
            292,
            "phonon energy ω (meV)",
            "α²F(ω)",
            x_range=Range1d(0, self.axis),
            y_range=Range1d(0, 1),
            name="main",
        )
        plot.varea("x", 0, "y", source=s["a2f"], fill_color=BLUE, fill_alpha=0.18)
        plot.line("x", "y", source=s["a2f"], line_color=BLUE, line_width=2)
        plot.segment("x", "zero", "x", "y", source=s["stems"], line_color=BLUE, line_width=2)
        plot.segment("x0", "y", "x1", "y", source=s["half"], line_color=GREY, line_dash="dotted")
        for name, colour in (("tc", OF_TC), ("margin", OF_MARGIN)):
            s[name].data = {"x0": [], "y0": [], "x1": [], "y1": []}
            head = NormalHead(size=8, fill_color=colour, line_color=colour)
            plot.add_layout(
                Arrow(
                    end=head,
                    x_start="x0",
                    y_start="y0",
                    x_end="x1",
                    y_end="y1",
                    source=s[name],
                    line_color=colour,
                    line_width=2.5,
                )
            )
            # An arrow has no entry in a legend of its own.
            plot.line(
                [-2, -1],
                [0, 0],
                line_color=colour,
                line_width=2.5,
                legend_label={"tc": "raises Tc →", "margin": "raises the margin →"}[name],
            )
        handles = plot.scatter(
            "x",
            "y",
            source=s["handles"],
            size="size",
            fill_color="white",
            line_color="colour",
            line_width=2,
            name="handles",
        )
        plot.add_tools(HoverTool(renderers=[handles], tooltips=None))
        plot.legend.location = "top_right"
        plot.legend.label_text_font_size = "11px"
        plot.legend.border_line_color = None
        plot.legend.background_fill_alpha = 0.7
        code = files(__package__).joinpath("drag.js").read_text(encoding="utf-8")

        def script(what):
            return CustomJS(
                args={"handles": s["handles"], "drag": self.drag, "plot": plot, "what": what},
                code=f"const event = cb_obj;\n{code}",
            )

        # Held for a third of a second before it moves, it is "pressed" to Bokeh and not "panned".
        for event, what in (
            (PanStart, "start"),
            (Pan, "move"),
            (PanEnd, "end"),
            (Press, "press"),
            (MouseMove, "hover"),
            (PressUp, "end"),
        ):
            plot.js_on_event(event, script(what))
        self.answer.js_on_change("data", script("answer"))
        return plot

    def _slopes(self):
        self.sources["slopes"].data = {"x": [], "tc": [], "margin": []}
        plot = _plot(
            _WIDE,
            150,
            "phonon energy ω (meV)",
            "δTc/δα²F (K/meV)",
            x_range=self.main.x_range,
            y_range=Range1d(-1, 1),
        )
        plot.extra_y_ranges = {"margin": Range1d(-1, 1)}
        other = LinearAxis(y_range_name="margin", axis_label="δmargin/δα²F (1/meV)")
        _styled(other)
        plot.add_layout(other, "right")
        plot.yaxis[0].axis_label_text_color = OF_TC
        other.axis_label_text_color = OF_MARGIN
        plot.add_layout(Span(location=0, dimension="width", line_color=GREY, line_width=1))
        source = self.sources["slopes"]
        plot.line("x", "tc", source=source, line_color=OF_TC, line_width=2)
        plot.line(
            "x",
            "margin",
            source=source,
            y_range_name="margin",
            line_color=OF_MARGIN,
            line_width=2,
            line_dash="dashed",
        )
        return plot

    def _curve(self, name, x, y, colour):
        self.sources[name] = ColumnDataSource({"x": [], "y": []})
        self.sources[f"{name}-point"] = ColumnDataSource({"x": [], "y": []})
        plot = _plot(_SMALL, 190, x, y, x_range=Range1d(0, 1), y_range=Range1d(0, 1))
        plot.add_layout(Span(location=0, dimension="width", line_color=GREY, line_width=1))
        plot.line("x", "y", source=self.sources[name], line_color=colour, line_width=2)
        plot.scatter("x", "y", source=self.sources[f"{name}-point"], size=8, color=colour)
        return plot

    def _weight(self):
        return self._curve("weight", "electron energy E − E_F (meV)", "Z₀⁻¹(E)", BLUE)

    def _heat(self):
        return self._curve("heat", "temperature T (K)", "C_el / (2π²ν₀T/3)", GREEN)

    def _critical(self):
        names = list(CRITERIA[::-1])
        plot = _plot(
            _SMALL,
            190,
            "critical coupling λ_c",
            "",
            x_axis_type="log",
            x_range=Range1d(0.1, 10),
            y_range=names,
        )
        self.sources["critical"] = ColumnDataSource({"x": [], "y": [], "colour": [], "text": []})
        self.sources["lambda"] = ColumnDataSource({"x": [], "text": []})
        source = self.sources["critical"]
        self.line = Span(location=1, dimension="height", line_color="black", line_width=1.5)
        plot.add_layout(self.line)
        plot.scatter("x", "y", source=source, size=9, color="colour")
        plot.text(
            "x",
            "y",
            "text",
            source=source,
            text_font_size="12px",
            x_offset=8,
            text_baseline="middle",
        )
        plot.text(
            "x",
            1.0,
            "text",
            source=self.sources["lambda"],
            text_font_size="12px",
            x_offset=4,
            text_baseline="middle",
        )
        plot.xaxis.ticker = FixedTicker(
            ticks=[a * 10.0**b for b in range(-3, 4) for a in (1, 2, 5)]
        )
        plot.xaxis.formatter = CustomJSTickFormatter(code="return `${tick}`")
        return plot

    # What follows the numbers.

    def show(self, found: Numbers, spectrum: EliashbergFunction, *, moving: bool) -> None:
        """Draw the numbers; the scale of α²F stays while something is moved.

        Args:
            found: the numbers
            spectrum: of this Eliashberg function.
            moving: whether a handle is held.
        """
        discrete, omega, a2f = self._a2f(found, spectrum)
        tallest = float(np.max(a2f))
        if not moving or tallest > self.high:
            self.high = 1.3 * tallest
            self.main.y_range.end = self.high
            self.main.y_range.start = min(0.0, 1.05 * float(np.min(a2f)))
            label = "area of mode λω/2 (meV)" if discrete else "α²F(ω)"
            self.main.yaxis[0].axis_label = label
        kind, other = ("stems", "a2f") if discrete else ("a2f", "stems")
        empty = {key: [] for key in self.sources[other].data}
        data = {"x": omega, "y": a2f}
        self.sources[kind].data = data | ({"zero": 0 * a2f} if discrete else {})
        self.sources[other].data = empty
        self._show_handles(found, omega, a2f)
        self._show_slopes(found)
        self._show_small(found)

    def _a2f(self, found, spectrum):
        if isinstance(spectrum, GaussianPeaks):
            omega = np.linspace(0, self.axis, 601)[1:]
            return False, omega, np.asarray(spectrum.a2f(omega))
        return curve(spectrum, float(np.max(found.frequencies)) / 1.3)

    def _show_handles(self, found, omega, a2f):
        s, rows = self.sources, []
        if found.state.peaks is None:
            tallest = int(np.argmax(a2f))
            rows.append((omega[tallest], a2f[tallest], 0, "top", 15, GREY))
            half = []
        else:
            for k, peak in enumerate(found.state.peaks):
                right = peak.omega + _HALF * peak.width
                rows.append((peak.omega, peak.height, k, "top", 15, BLUE))
                rows.append((right, peak.height / 2, k, "width", 10, GREY))
            half = [
                (p.omega - _HALF * p.width, p.omega + _HALF * p.width, p.height / 2)
                for p in found.state.peaks
            ]
        columns = zip(*rows, strict=True)
        names = ("x", "y", "index", "kind", "size", "colour")
        s["handles"].data = dict(zip(names, map(list, columns), strict=True))
        s["half"].data = {key: [row[k] for row in half] for k, key in enumerate(("x0", "x1", "y"))}
        for name, arrows in zip(("tc", "margin"), self._arrows(found, omega, a2f), strict=True):
            s[name].data = {
                key: [float(row[k]) for row in arrows]
                for k, key in enumerate(("x0", "y0", "x1", "y1"))
            }

    def _arrows(self, found, omega, a2f):
        """Rows (x0, y0, x1, y1) of the arrows of T_c and of the margin."""
        size = np.array([self.axis, self.high])
        if found.state.peaks is None:
            at = omega[-1] * (np.arange(_ARROWS) + 0.7) / _ARROWS
            foot = np.interp(at, omega, a2f)
            for shift, values in ((-0.12, found.by_tc), (0.12, found.by_margin)):
                long = np.interp(at, found.frequencies, values)
                long = _LONGEST * self.high * long / max(np.max(np.abs(values)), 1e-300)
                x = at + shift * omega[-1] / _ARROWS
                yield [row for row in zip(x, foot, x, foot + long, strict=True) if row[1] != row[3]]
            return
        feet = np.array([(p.omega, p.height) for p in found.state.peaks])
        for slopes in pulls(found):
            # The way of steepest ascent on the screen.
            ways = slopes * size
            longest = np.max(np.hypot(*ways.T))
            if not (longest > 0 and np.isfinite(longest)):
                yield []
                continue
            tips = feet + _LONGEST * size * ways / longest
            tips[:, 1] = np.maximum(tips[:, 1], 0.0)
            yield list(np.hstack([feet, tips]))

    def _show_slopes(self, found):
        inside = found.frequencies <= 1.02 * self.axis
        self.sources["slopes"].data = {
            "x": found.frequencies[inside],
            "tc": found.by_tc[inside],
            "margin": found.by_margin[inside],
        }
        both = [found.by_tc[inside], found.by_margin[inside]]
        ends = [(max(-float(np.min(y)), 0.0), max(float(np.max(y)), 0.0)) for y in both]
        # One zero for both axes.
        share = max((low / (low + high) if low + high > 0 else 0.0) for low, high in ends)
        share = min(max(share, 0.06), 0.94)
        ranges = (self.slopes.y_range, self.slopes.extra_y_ranges["margin"])
        for (low, high), limits in zip(ends, ranges, strict=True):
            scale = 1.08 * max(high / (1 - share), low / share) or 1.0
            limits.start, limits.end = -share * scale, (1 - share) * scale

    def _show_small(self, found):
        end = 1.5 * float(np.max(found.frequencies)) / 1.3
        if found.state.peaks is not None:
            end = 1.3 * self.axis
        inside = found.energies <= end
        self._show_curve(
            "weight",
            self.weight,
            found.energies[inside],
            found.inverse_weight[inside],
            (found.weight_energy, found.margins["weight"]),
            end,
        )
        self._show_curve(
            "heat",
            self.heat,
            found.temperatures,
            found.specific_heat,
            (found.state.temperature, found.margins["heat"]),
            float(max(found.temperatures[-1] / 2, 1.1 * found.state.temperature)),
        )
        finite = [x for x in found.critical.values() if np.isfinite(x)]
        values = [*finite, max(found.coupling, 1e-6)]
        low, high = min(values) / 1.6, max(values) * 2.5
        self.critical.x_range.start, self.critical.x_range.end = low, high
        self.line.location = found.coupling
        self.sources["lambda"].data = {"x": [found.coupling], "text": ["λ"]}
        shown = [found.critical[name] for name in CRITERIA]
        self.sources["critical"].data = {
            "x": [min(x, high / 1.25) for x in shown],
            "y": list(CRITERIA),
            "colour": [CRITERION_STYLE[name][0] for name in CRITERIA],
            "text": ["∞" if np.isinf(x) else f"{x:.3g}" for x in shown],
        }

    def _show_curve(self, name, plot, x, y, point, end):
        self.sources[name].data = {"x": x, "y": y}
        self.sources[f"{name}-point"].data = {"x": [point[0]], "y": [point[1]]}
        low, high = min(float(np.min(y)), 0.0), max(float(np.max(y)), 1.0)
        plot.x_range.end = end
        plot.y_range.start, plot.y_range.end = low - 0.06 * (high - low), high + 0.1 * (high - low)
