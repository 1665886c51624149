"""The figure of a report."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..critical import CRITERIA
from ..plotting import BLUE, CRITERION_STYLE, GREY, SHADE, STYLE, is_plain_tick
from ..units import kelvin

if TYPE_CHECKING:
    from .report import Report


def plot_report(report: "Report") -> Figure:
    """The four panels of a report: α²F and λ(ω), Z0⁻¹(E), C_el(T) and λ_c(T).

    Where a quantity says that the normal metal is unstable the panel is shaded.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(7.2, 5.6), layout="constrained")
        panels = figure.subplots(2, 2).ravel()
        for axes, draw, letter in zip(
            panels, (_spectrum, _weight, _heat, _critical), "abcd", strict=True
        ):
            draw(axes, report)
            axes.set_title(f"({letter})", loc="left", fontweight="bold")
        title = report.name or report.source.split(" (")[0]
        # What is too long for one line takes two, not the margin.
        between = ": " if len(title) + len(report.label) < 88 else "\n"
        figure.suptitle(f"{title}{between}{report.label}", fontsize=9.5, parse_math=False)
    return figure


def _spectrum(axes: Axes, report: "Report") -> None:
    twin = axes.twinx()
    axes.tick_params(right=False)
    if report.discrete:
        axes.vlines(report.frequencies, 0, report.a2f, color=BLUE, linewidth=1)
        axes.plot(report.frequencies, report.a2f, "o", color=BLUE)
        axes.set_ylabel(r"area of mode in $\alpha^2F$, $\lambda_k\omega_k/2$ (meV)", color=BLUE)
        width = 1.15 * report.frequencies[-1]
        frequencies = np.concatenate([[0], np.repeat(report.frequencies, 2), [width]])
        steps = np.cumsum(2 * report.a2f / report.frequencies)
        cumulative = np.repeat(np.append(0.0, steps), 2)
    else:
        axes.fill_between(report.frequencies, report.a2f, color=BLUE, alpha=0.2, linewidth=0)
        axes.plot(report.frequencies, report.a2f, color=BLUE)
        axes.set_ylabel(r"$\alpha^2F(\omega)$", color=BLUE)
        frequencies, cumulative = report.frequencies, report.cumulative
        width = frequencies[-1]
    axes.set_ylim(min(0.0, 1.05 * float(np.min(report.a2f))), 1.12 * float(np.max(report.a2f)))
    axes.set_xlim(0, width)
    axes.set_xlabel(r"phonon energy $\omega$ (meV)")
    twin.plot(frequencies, cumulative, color=GREY, linestyle="-" if report.discrete else "--")
    twin.set_ylabel(r"$\lambda(\omega)$", color=GREY)
    twin.set_ylim(0, 1.12 * report.coupling)
    twin.annotate(
        rf"$\lambda$ = {report.coupling:.3f}",
        (0.03, report.coupling / (1.12 * report.coupling)),
        xycoords="axes fraction",
        va="bottom",
        color=GREY,
    )


def _weight(axes: Axes, report: "Report") -> None:
    count = len(report.temperatures)
    shown = np.unique(np.round(np.linspace(0, count - 1, min(6, count))).astype(int))
    colours = colormaps["cividis"](np.linspace(0.0, 0.9, len(shown)))
    for i, colour in zip(shown, colours, strict=True):
        axes.plot(
            report.energies,
            report.inverse_weight[i],
            color=colour,
            label=kelvin(float(report.temperatures[i])),
        )
    axes.set_xlim(0, report.energies[-1])
    axes.set_xlabel(r"electron energy $E - E_F$ (meV)")
    axes.set_ylabel(r"inverse quasiparticle weight $Z_0^{-1}(E)$")
    low, high = float(np.min(report.inverse_weight)), float(np.max(report.inverse_weight))
    _shade_below_zero(axes, low, high + 0.55 * (high - low))  # room for the legend
    axes.legend(title="temperature", loc="upper right", ncols=1 + (len(shown) > 3))


def _heat(axes: Axes, report: "Report") -> None:
    colour, line, marker, _ = CRITERION_STYLE["heat"]
    axes.plot(report.temperatures, report.specific_heat, line, marker=marker, color=colour)
    axes.axhline(1, color=GREY, linewidth=0.7, linestyle=":")
    axes.set_ylabel(r"$C_{el}\,/\,(2\pi^2\nu_0T/3)$")
    low = min(float(np.min(report.specific_heat)), 1.0)
    high = max(float(np.max(report.specific_heat)), 1.0)
    _shade_below_zero(axes, low, high + 0.1 * (high - min(low, 0.0)))  # room for ξ
    _temperature_axis(axes, report)
    axes.annotate(
        rf"$\xi$ = {report.xi:.3f} at {kelvin(report.xi_temperature)}",
        (0.96, 0.93),
        xycoords="axes fraction",
        ha="right",
        va="top",
    )


def _critical(axes: Axes, report: "Report") -> None:
    finite = []
    for name in CRITERIA:
        colour, line, marker, text = CRITERION_STYLE[name]
        values = np.where(np.isfinite(report.critical[name]), report.critical[name], np.nan)
        # The weight curve often runs under the kinetic one: wider and hollow, it still shows.
        wide = {"markersize": 5.5, "markerfacecolor": "none", "linewidth": 1}
        style = {"marker": marker, "color": colour, **(wide if name == "weight" else {})}
        axes.plot(report.temperatures, values, line, label=text, **style)
        finite.append(values)
    every = np.concatenate([*finite, [report.coupling]])
    # λ_c diverges where a criterion ceases to apply: what is far above the rest is not drawn.
    low = float(np.nanmin(every))
    high = min(float(np.nanmax(every)), 40 * max(low, report.coupling))
    axes.set_yscale("log")
    axes.set_ylim(low / 1.35, high * 1.5)
    axes.axhline(report.coupling, color="black", linewidth=1)
    axes.annotate(
        rf"$\lambda$ = {report.coupling:.3f}",
        (0.98, report.coupling),
        xycoords=axes.get_yaxis_transform(),
        ha="right",
        va="bottom",
    )
    # Unstable where the metal's λ lies above the least of the three curves.
    with np.errstate(invalid="ignore"):
        least = np.min([report.critical[name] for name in CRITERIA], axis=0)
    if len(report.temperatures) > 1:
        axes.fill_between(
            report.temperatures,
            np.minimum(least, 1e3 * report.coupling),
            1e4 * report.coupling,
            color=SHADE,
            alpha=0.10,
            linewidth=0,
            label="unstable",
        )
    axes.set_ylabel(r"critical coupling $\lambda_c$")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if is_plain_tick(value) else "")
    _temperature_axis(axes, report, in_legend=True)
    axes.legend(loc="upper left")


def _shade_below_zero(axes: Axes, low: float, high: float) -> None:
    reach = max(high, 0.0) - min(low, 0.0)
    bottom = low - 0.08 * reach if low < 0 else min(0.0, low)
    axes.set_ylim(bottom, high + 0.08 * reach)
    if low < 0:
        axes.axhspan(bottom, 0, color=SHADE, alpha=0.13, linewidth=0)
        axes.axhline(0, color="black", linewidth=0.7)
        axes.annotate(
            "unstable",
            (0.02, 0),
            xycoords=axes.get_yaxis_transform(),
            va="top",
            color=SHADE,
            fontsize=7.5,
        )


def _temperature_axis(axes: Axes, report: "Report", *, in_legend: bool = False) -> None:
    low, high = float(report.temperatures[0]), float(report.temperatures[-1])
    tc = report.tc["eliashberg"]
    # Tc is brought into view unless it is so far down that it would squeeze the rest.
    left = min(low, tc) if tc > low / 3 else low
    if high > 5 * left:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        if high < 100 * left:
            axes.xaxis.set_minor_formatter(
                lambda value, _: f"{value:g}" if is_plain_tick(value) else ""
            )
        axes.set_xlim(left / 1.12, high * 1.12)
    elif high > left:
        axes.set_xlim(left - 0.05 * (high - left), high + 0.05 * (high - left))
    axes.set_xlabel("temperature $T$ (K)")
    first, last = axes.get_xlim()
    if not first <= tc <= last:
        return
    text = f"$T_c$ = {kelvin(tc)}"
    line = axes.axvline(tc, color=GREY, linewidth=0.9, linestyle=":")
    if in_legend:
        line.set_label(text)
        return
    axes.annotate(
        text,
        (tc, 0.03),
        xycoords=axes.get_xaxis_transform(),
        xytext=(3, 0),
        textcoords="offset points",
        rotation=90,
        va="bottom",
        fontsize=7.5,
        color=GREY,
    )
