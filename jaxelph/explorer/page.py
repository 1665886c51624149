"""The page itself: Panel's widgets about the drawing, and what happens when one is touched."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from html import escape

import numpy as np
import panel as pn
from bokeh.events import DoubleTap

from ..spectra.moments import maximum_frequency
from ..spectra.spectrum import EliashbergFunction
from ..units import KELVIN
from . import export, follow
from .drawing import _HALF, Drawing
from .numbers import Model, Numbers
from .state import (
    FACTORS,
    MOST,
    STRETCHES,
    WIDTHS,
    State,
    peak_of_height,
    rounded,
    spectrum_of,
)
from .widgets import colour, label
from .words import conditions, rows

# One after the other, whoever asks: each takes what cores there are.
_POOL = ThreadPoolExecutor(1, "jaxelph explore")

_CSS = """
table { border-collapse: collapse; font-size: 14px; width: 100%; }
td { padding: 1.5px 6px; white-space: nowrap; }
td.value { text-align: right; font-weight: 600; font-variant-numeric: tabular-nums; }
td.remark { color: #555555; font-size: 12px; }
tr.unstable td { color: #B34700; }
span { font-size: 13px; color: #333333; min-height: 34px; }
"""


class Explorer(pn.viewable.Viewer):
    """α²F to be moved by hand, with its numbers; a Panel object. Made by `jaxelph.explore`.

    Args:
        model: from states to numbers.
        start: the state to begin with.
        name: of the metal.
        served: whether a browser is waiting for a page of its own, which is drawn first and
            computed for then; in a notebook everything is done at once.
    """

    def __init__(self, model: Model, start: State, name: str = "", *, served: bool = False):
        super().__init__()
        self.model, self.state, self.metal = model, start, name
        self.numbers: Numbers | None = None
        top = float(maximum_frequency(spectrum_of(start, model.base)))
        if start.peaks is None:
            self.axis = 1.25 * top
        else:
            self.axis = rounded(1.3 * max(p.omega + 3 * p.width for p in start.peaks))
        self.drawing = Drawing(self.axis, start.peaks is not None)
        self._document = pn.state.curdoc if served else None
        self._busy, self._moving, self._silent, self._left = False, False, False, 0
        self._aim: follow.Aim = "tc"
        self._selected, self._number, self._wrong = 0, 0, ""
        self._build()
        self.drawing.drag.on_change("data", self._dragged)
        self.drawing.main.on_event(DoubleTap, lambda event: self._add(event.x, event.y))
        if not served:
            self._ask(start)

    # What there is on the page.

    def _build(self):
        wide = {"width": 200}
        state = self.state
        low = max(1.0, rounded(float(self.axis) / KELVIN / 400))
        high = rounded(self.axis / KELVIN)
        self.temperature = pn.widgets.EditableFloatSlider(
            **label("T (K)"),
            value=state.temperature,
            start=min(low, state.temperature),
            end=max(high, state.temperature),
            step=0.1,
            format="0.0[00]",
            **wide,
        )
        self.mu_star = pn.widgets.EditableFloatSlider(
            **label("μ*"), value=state.mu_star, start=0.0, end=0.3, step=0.005, format="0.0[0000]",
            **wide,
        )  # fmt: skip
        self.least = pn.widgets.FloatInput(
            **label("keep the margin above"), value=state.least, start=0.0, end=0.99, step=0.05,
            width=150,
        )  # fmt: skip
        for widget, field in (
            (self.temperature, "temperature"),
            (self.mu_star, "mu_star"),
            (self.least, "least"),
        ):
            widget.param.watch(partial(self._typed, field), "value")
        self.stable = pn.widgets.Button(**label("make it stable"), **colour("warning"), width=130)
        self.raise_tc = pn.widgets.Button(**label("raise Tc"), **colour("primary"), width=130)
        self.stable.on_click(lambda _: self._follow("stable"))
        self.raise_tc.on_click(lambda _: self._follow("tc"))
        self.export = pn.widgets.Button(**label("report of this α²F"), width=150)
        self.export.on_click(lambda _: self._report())
        self.downloads = pn.Row()
        self.note = pn.pane.HTML("", css_classes=["jx-note"], stylesheets=[_CSS], width=410)
        self.table = pn.pane.HTML("", css_classes=["jx-numbers"], stylesheets=[_CSS], width=410)
        self._layout = self._laid_out()

    def _laid_out(self):
        drawing = self.drawing
        pictures = pn.Column(
            pn.pane.Bokeh(drawing.main),
            pn.pane.Bokeh(drawing.slopes),
            pn.Row(*(pn.pane.Bokeh(p) for p in (drawing.weight, drawing.heat, drawing.critical))),
            margin=0,
        )
        side = pn.Column(
            self.note,
            self.table,
            pn.Row(self.temperature, self.mu_star),
            self._shape_widgets(),
            pn.Row(self.least, self.stable, self.raise_tc, align="end"),
            pn.Row(self.export, self.downloads),
            width=430,
            margin=(0, 0, 0, 8),
        )
        title = escape(self.metal or "α²F")
        hint = "drag the circle: up and down α²F, sideways its frequencies"
        if self.state.peaks is not None:
            hint = "drag a peak by its circle, its width by the small one; a double click adds one"
        return pn.Column(
            pn.pane.HTML(f"<b>{title}</b>: {hint}", styles={"font-size": "15px"}),
            pn.Row(pictures, side),
        )

    def _shape_widgets(self):
        state = self.state
        if state.peaks is None:
            self.factor = pn.widgets.EditableFloatSlider(
                **label("α²F times"), value=state.factor, start=FACTORS[0], end=3.0, step=0.01,
                format="0.0[0000]", width=200,
            )  # fmt: skip
            self.stretch = pn.widgets.EditableFloatSlider(
                **label("ω times"), value=state.stretch, start=STRETCHES[0], end=2.0, step=0.01,
                format="0.0[0000]", width=200,
            )  # fmt: skip
            for widget, field in ((self.factor, "factor"), (self.stretch, "stretch")):
                widget.param.watch(partial(self._typed, field), "value")
            return pn.Row(self.factor, self.stretch)
        self.peak = pn.widgets.Select(**label("peak"), options=[1], width=60)
        self.peak_fields = {
            "omega": pn.widgets.FloatInput(**label("ω (meV)"), step=0.1, width=80),
            "width": pn.widgets.FloatInput(**label("width (meV)"), step=0.1, width=80),
            "coupling": pn.widgets.FloatInput(**label("λ"), step=0.01, width=80),
        }
        add = pn.widgets.Button(**label("+"), width=32, align="end")
        remove = pn.widgets.Button(**label("−"), width=32, align="end")
        self.peak.param.watch(self._chosen, "value")
        for field, widget in self.peak_fields.items():
            widget.param.watch(partial(self._peak_typed, field), "value")
        add.on_click(lambda _: self._add())
        remove.on_click(lambda _: self._remove())
        self._show_state()
        return pn.Row(self.peak, *self.peak_fields.values(), add, remove)

    def __panel__(self):
        return self._layout

    @property
    def spectrum(self) -> EliashbergFunction:
        """The Eliashberg function that is shown, in meV."""
        return self.model.spectrum(self.state)

    # What a person does.

    def _dragged(self, attribute, old, new):
        del attribute, old
        if not new["x"]:
            return
        index, kind = int(new["index"][0]), new["kind"][0]
        x, y = float(new["x"][0]), float(new["y"][0])
        self._moving = not new["last"][0]
        self._number = new["number"][0]
        if self.state.peaks is None:
            self._ask(self._pulled(x, y))
            return
        if index >= len(self.state.peaks):
            return
        old_peak = self.state.peaks[index]
        if kind == "top":
            omega = min(max(x, 0.01 * self.axis), self.axis)
            peak = peak_of_height(omega, min(old_peak.width, WIDTHS[1] * omega), y)
        else:
            width = abs(x - old_peak.omega) / _HALF / old_peak.omega
            width = old_peak.omega * min(max(width, WIDTHS[0]), WIDTHS[1])
            peak = peak_of_height(old_peak.omega, width, old_peak.height)
        self._selected = index
        self._ask(self.state.with_peak(index, peak.kept(self.axis)))

    def _pulled(self, x, y):
        """The whole spectrum with its highest point at (x, y)."""
        handles = self.drawing.sources["handles"].data
        first = self._grip if self._grip is not None else (handles["x"][0], handles["y"][0])
        self._grip = first if self._moving else None
        base = self._grip_state if self._grip_state is not None else self.state
        self._grip_state = base if self._moving else None
        stretch = float(np.clip(base.stretch * x / first[0], *STRETCHES))
        grown = y / first[1]
        if not self.model.base.smooth:  # the areas λω/2 of modes grow with ω
            grown /= stretch / base.stretch
        factor = float(np.clip(base.factor * grown, *FACTORS))
        return dataclasses.replace(self.state, factor=rounded(factor), stretch=rounded(stretch))

    _grip: tuple | None = None
    _grip_state: State | None = None

    def _typed(self, field, event):
        if self._silent or event.new is None:
            return
        self._left = 0
        self._ask(dataclasses.replace(self.state, **{field: rounded(float(event.new))}))

    def _peak_typed(self, field, event):
        if self._silent or event.new is None or self.state.peaks is None:
            return
        peak = dataclasses.replace(self.state.peaks[self._selected], **{field: float(event.new)})
        self._ask(self.state.with_peak(self._selected, peak.kept(self.axis)))

    def _chosen(self, event):
        if not self._silent:
            self._selected = int(event.new) - 1
            self._show_state()

    def _add(self, omega: float | None = None, height: float | None = None):
        if self.state.peaks is not None and len(self.state.peaks) < MOST:
            omega = min(max(omega or 0.5 * self.axis, 0.02 * self.axis), self.axis)
            height = 0.3 * self.drawing.high if height is None else height
            peak = peak_of_height(omega, 0.1 * omega, height).kept(self.axis)
            self._selected = len(self.state.peaks)
            self._ask(self.state.with_peak(self._selected, peak))

    def _remove(self):
        if self.state.peaks is not None and len(self.state.peaks) > 1:
            state = self.state.without_peak(self._selected)
            self._selected = 0
            self._ask(state)

    def _follow(self, aim: follow.Aim):
        self._aim, self._left = aim, follow.STEPS
        self._further()

    def _further(self):
        if self._left == 0 or self.numbers is None:
            return
        self._left -= 1
        if self._left == 0 and self._aim == "tc":
            # A step along a gradient may end below the bound: the last ones lead back above it.
            self._aim, self._left = "stable", follow.STEPS
        new = follow.step(self.numbers, self._aim, self.axis)
        if new is None:
            self._left = 0
            self._say(
                "The metal is stable by this margin."
                if self._aim == "stable"
                else "Nothing more is gained: Tc is as high as the margin allows on this way."
            )
            self._link()
            return
        self._ask(new)

    # From a state to the numbers and onto the page.

    def begin(self, query: str = "") -> None:
        """Compute for the first time, once the browser has the page.

        Args:
            query: of the link that the page was asked for by.
        """
        try:
            self.state = self.state.of_query(query, self.axis)
        except ValueError as error:
            self._wrong = str(error)
        self._ask(self.state)

    def _ask(self, state: State):
        self.state = state
        if self._document is None:
            self._drawn(state, self._computed(state))
        elif not self._busy:
            self._busy = True
            if self._left == 0 and not self._moving:
                self._say("computing …")
            if self._compiles(state):
                self._say("compiling … (some seconds, once)")
            _POOL.submit(self._work, state)

    def _compiles(self, state):
        try:
            return self.model.needs_compiling(state)
        except ValueError:  # told when it is computed
            return False

    def _computed(self, state) -> Numbers | Exception:
        try:
            return self.model.numbers(state)
        except Exception as error:
            return error

    def _work(self, state):
        found = self._computed(state)
        assert self._document is not None
        self._document.add_next_tick_callback(partial(self._drawn, state, found))

    def _drawn(self, state: State, found: Numbers | Exception):
        self._busy = False
        with pn.io.hold():
            if isinstance(found, Exception):
                self._say(str(found), fault=True)
                self._left = 0
            else:
                self.numbers = found
                self._show(found)
        self.drawing.answer.data = {"number": [self._number]}
        if self.state is not state:
            self._ask(self.state)
        elif self._left:
            self._further()
        elif not self._moving:
            self._link()

    def _show(self, found: Numbers):
        self.drawing.show(found, self.model.spectrum(found.state), moving=self._moving)
        self.table.object = _html(found)
        told = conditions(found, self.model.cutoff, self.model.mu_star_at)
        self._say(self._wrong or told, fault=bool(self._wrong))
        self._wrong = ""
        self._forget_files()
        self._show_state()

    def _show_state(self):
        """Widgets as the state is, without their taking it for something typed."""
        self._silent = True
        try:
            state = self.state
            self.temperature.value, self.mu_star.value = state.temperature, state.mu_star
            self.least.value = state.least
            if state.peaks is None:
                self.factor.value, self.stretch.value = state.factor, state.stretch
            else:
                self._selected = min(self._selected, len(state.peaks) - 1)
                self.peak.options = list(range(1, len(state.peaks) + 1))
                self.peak.value = self._selected + 1
                for field, widget in self.peak_fields.items():
                    widget.value = getattr(state.peaks[self._selected], field)
        finally:
            self._silent = False

    def _say(self, text: str, *, fault: bool = False):
        colour = "#B34700" if fault else "#333333"
        self.note.object = f'<span id="note" style="color:{colour}">{escape(text)}</span>'

    def _link(self):
        location = pn.state.location if self._document is not None else None
        query = f"?{self.state.query()}"
        if location is not None and location.search != query:
            location.search = query

    def _forget_files(self):
        if self.downloads.objects:
            self.downloads.objects = []

    def _report(self):
        state = self.state
        self._say("computing the report …")
        if self._document is None:
            self._reported(state, self._made(state))
        else:
            document = self._document

            def work():
                made = self._made(state)
                document.add_next_tick_callback(partial(self._reported, state, made))

            _POOL.submit(work)

    def _made(self, state) -> export.Files | Exception:
        try:
            return export.files_of(self.report(state))
        except Exception as error:
            return error

    def report(self, state: State | None = None):
        """The `jaxelph.report` of the spectrum that is shown, at its temperatures and at T.

        Args:
            state: another one.
        """
        state = self.state if state is None else state
        tc = 0.0 if self.numbers is None else self.numbers.tc["eliashberg"]
        return export.report_of(self.model, state, tc, self.metal)

    def _reported(self, state, made):
        if isinstance(made, Exception):
            self._say(str(made), fault=True)
            return
        self._say(f"Report: {made.label}.")
        if state is self.state:
            self.downloads.objects = export.buttons(made)


def _html(found: Numbers) -> str:
    """The table of numbers; each value has its key as an id."""
    parts = []
    for key, (name, value, remark) in rows(found).items():
        unstable = key == "margin" and found.margins["kinetic"] <= 0
        parts.append(
            f"<tr{' class=unstable' if unstable else ''}><td>{escape(name)}</td>"
            f'<td class="value" id="{key}">{escape(value)}</td>'
            f'<td class="remark">{escape(remark)}</td></tr>'
        )
    return f"<table>{''.join(parts)}</table>"
