"""The figure of a report, drawn from its dataset."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..presentation.finishing import finish, heading
from ..presentation.plotting import (
    BLUE,
    CRITERION_STYLE,
    GREY,
    SHADE,
    STYLE,
    canvas,
    evenly,
    plain_ticks,
)
from ..units import kelvin

if TYPE_CHECKING:
    import xarray as xr


def report_figure(data: "xr.Dataset", ax: Any = None) -> Figure:
    """The four panels of a report: α²F and λ(ω), Z0⁻¹(E), C_el(T) and λ_c(T).

    Where a quantity says that the normal metal is unstable the panel is shaded.

    Args:
        data: of a `Report`.
        ax: what to draw on, see `plotting.canvas`; a new figure if left out.
    """
    with rc_context(STYLE):
        drawn = canvas(ax, 2, 2, (7.2, 5.6))
        for axes, draw in zip(drawn.panels, (_spectrum, _weight, _heat, _critical), strict=True):
            draw(axes, data)
        title = data.attrs["name"] or data.attrs["source"].split(" (")[0]
        label = data.attrs["label"]
        # What is too long for one line takes two, not the margin.
        between = ": " if len(title) + len(label) < 88 else "\n"
        heading(drawn, f"{title}{between}{label}")
        finish(drawn, ("", "", "", _nowhere(data)))
    return drawn.root


def _spectrum(axes: Axes, data: "xr.Dataset") -> None:
    twin = axes.twinx()
    axes.tick_params(right=False)
    discrete, coupling = "a2f_area" in data, float(data["lambda"])
    frequency = data["frequency"].values
    a2f = data["a2f_area" if discrete else "a2f"].values
    if discrete:
        axes.vlines(frequency, 0, a2f, color=BLUE, linewidth=1)
        axes.plot(frequency, a2f, "o", color=BLUE)
        axes.set_ylabel(r"area of mode in $\alpha^2F$, $\lambda_k\omega_k/2$ (meV)", color=BLUE)
        width = 1.15 * frequency[-1]
        frequencies = np.concatenate([[0], np.repeat(frequency, 2), [width]])
        steps = np.cumsum(2 * a2f / frequency)
        cumulative = np.repeat(np.append(0.0, steps), 2)
    else:
        axes.fill_between(frequency, a2f, color=BLUE, alpha=0.2, linewidth=0)
        axes.plot(frequency, a2f, color=BLUE)
        axes.set_ylabel(r"$\alpha^2F(\omega)$", color=BLUE)
        frequencies, cumulative = frequency, data["cumulative_coupling"].values
        width = frequencies[-1]
    # One zero for both axes, however far below it either goes.
    high = 1.12 * float(np.max(a2f)), 1.12 * max(coupling, float(np.max(cumulative)))
    below = min(0.0, 1.05 * float(np.min(a2f)) / high[0], 1.05 * np.min(cumulative) / high[1])
    axes.set_ylim(below * high[0], high[0])
    axes.set_xlim(0, width)
    axes.set_xlabel(r"phonon energy $\omega$ (meV)")
    twin.plot(frequencies, cumulative, color=GREY, linestyle="-" if discrete else "--")
    twin.set_ylabel(r"$\lambda(\omega)$", color=GREY)
    twin.set_ylim(below * high[1], high[1])
    if below < 0:
        axes.axhline(0, color="black", linewidth=0.7)
    # Above both curves, whose largest values are at 1/1.12 of the panel.
    at = (0.97, 1 / 1.12 + 0.01)
    twin.annotate(
        rf"$\lambda$ = {coupling:.3f}",
        at,
        xycoords="axes fraction",
        ha="right",
        va="bottom",
        color=GREY,
    )


def _weight(axes: Axes, data: "xr.Dataset") -> None:
    temperatures, energies = data["temperature"].values, data["energy"].values
    weight = data["inverse_weight"].values
    shown = evenly(len(temperatures), 6)
    colours = colormaps["cividis"](np.linspace(0.0, 0.9, len(shown)))
    for i, colour in zip(shown, colours, strict=True):
        axes.plot(
            energies,
            weight[i],
            color=colour,
            label=kelvin(float(temperatures[i])),
        )
    axes.set_xlim(0, energies[-1])
    axes.set_xlabel(r"electron energy $E - E_F$ (meV)")
    axes.set_ylabel(r"inverse quasiparticle weight $Z_0^{-1}(E)$")
    _shade_below_zero(axes, float(np.min(weight)), float(np.max(weight)))
    axes.legend(title="temperature", ncols=1 + (len(shown) > 3))


def _heat(axes: Axes, data: "xr.Dataset") -> None:
    colour, line, marker, _ = CRITERION_STYLE["heat"]
    ratio, xi = data["specific_heat_ratio"].values, data["xi"]
    axes.plot(data["temperature"].values, ratio, line, marker=marker, color=colour)
    axes.axhline(1, color=GREY, linewidth=0.7, linestyle=":")
    axes.set_ylabel(r"$C_{el}\,/\,(2\pi^2\nu_0T/3)$")
    low = min(float(np.min(ratio)), 1.0)
    high = max(float(np.max(ratio)), 1.0)
    _shade_below_zero(axes, low, high + 0.1 * (high - min(low, 0.0)))  # room for ξ
    _temperature_axis(axes, data)
    axes.annotate(
        rf"$\xi$ = {float(xi):.3f} at {kelvin(xi.attrs['temperature_K'])}",
        (0.96, 0.93),
        xycoords="axes fraction",
        ha="right",
        va="top",
    )


def _critical(axes: Axes, data: "xr.Dataset") -> None:
    temperatures, critical = data["temperature"].values, data["lambda_c"].values
    coupling = float(data["lambda"])
    finite = []
    for name, row in zip(data["criterion"].values, critical, strict=True):
        colour, line, marker, text = CRITERION_STYLE[str(name)]
        values = np.where(np.isfinite(row), row, np.nan)
        # In words above the panel, not in the legend, if the curve is nowhere.
        told = text + _where_infinite(temperatures, row) if np.isfinite(row).any() else None
        # The weight curve often runs under the kinetic one: wider and hollow, it still shows.
        wide = {"markersize": 5.5, "markerfacecolor": "none", "linewidth": 1}
        style = {"marker": marker, "color": colour, **(wide if name == "weight" else {})}
        axes.plot(temperatures, values, line, label=told, **style)
        finite.append(values)
    every = np.concatenate([*finite, [coupling]])
    # λ_c diverges where a criterion ceases to apply: what is far above the rest is not drawn.
    low = float(np.nanmin(every))
    high = min(float(np.nanmax(every)), 40 * max(low, coupling))
    axes.set_yscale("log")
    axes.set_ylim(low / 1.35, high * 1.5)
    axes.axhline(coupling, color="black", linewidth=1)
    axes.annotate(
        rf"$\lambda$ = {coupling:.3f}",
        (0.98, coupling),
        xycoords=axes.get_yaxis_transform(),
        ha="right",
        va="bottom",
    )
    # Unstable where the metal's λ lies above the least of the three curves.
    with np.errstate(invalid="ignore"):
        least = np.min(critical, axis=0)
    if len(temperatures) > 1:
        axes.fill_between(
            temperatures,
            np.minimum(least, 1e3 * coupling),
            1e4 * coupling,
            color=SHADE,
            alpha=0.10,
            linewidth=0,
            label="unstable",
        )
    axes.set_ylabel(r"critical coupling $\lambda_c$")
    plain_ticks(axes.yaxis, decades=np.inf)
    _temperature_axis(axes, data, in_legend=True)
    axes.legend()


def _where_infinite(temperatures: np.ndarray, critical: np.ndarray) -> str:
    """Why a part of a curve is missing: a criterion that no coupling violates there.

    Example:
        >>> _where_infinite(np.array([10.0, 20.0, 40.0]), np.array([np.inf, np.inf, 3.0]))
        ' (∞ up to 20 K)'
    """
    never = np.isinf(critical)
    if not never.any():
        return ""
    hot, cold = kelvin(float(temperatures[never][-1])), kelvin(float(temperatures[never][0]))
    if never[0] and not never[-1]:
        return f" (∞ up to {hot})"
    return f" (∞ from {cold})" if never[-1] and not never[0] else f" (∞ at {cold} to {hot})"


def _nowhere(data: "xr.Dataset") -> str:
    """Criteria that no coupling violates at any of the temperatures, in words."""
    names = data["criterion"].values[~np.isfinite(data["lambda_c"].values).any(axis=1)]
    if not len(names):
        return ""
    # Of one the whole label; those of more would be wider than the panel.
    told = CRITERION_STYLE[str(names[0])][3] if len(names) == 1 else ", ".join(map(str, names))
    return rf"{told}: $\lambda_c=\infty$"


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


def _temperature_axis(axes: Axes, data: "xr.Dataset", *, in_legend: bool = False) -> None:
    low, high = (float(t) for t in data["temperature"].values[[0, -1]])
    tc = float(data["Tc_eliashberg"])
    # Tc is brought into view unless it is so far down that it would squeeze the rest.
    left = min(low, tc) if tc > low / 3 else low
    if high > 5 * left:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlim(left / 1.12, high * 1.12)
        plain_ticks(axes.xaxis)
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
