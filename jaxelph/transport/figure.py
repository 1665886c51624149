"""The figure of transport properties, drawn from their dataset."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..presentation.finishing import finish, heading
from ..presentation.plotting import BLUE, GREEN, GREY, ORANGE, STYLE, canvas, marked, plain_ticks
from ..units import DRUDE, kelvin

if TYPE_CHECKING:
    import xarray as xr

_COLOURS = (BLUE, GREEN, ORANGE)
_LINES = ("-", "--", "-.")


def transport_figure(data: "xr.Dataset", ax: Any = None) -> Figure:
    """ρ(T) with its laws, on linear and on logarithmic axes; 1/τ(Ω), m*/m, R(Ω), L/L0.

    Without a plasma energy α²F stands in the place of R(Ω).

    Args:
        data: of `TransportProperties`.
        ax: what to draw on, see `plotting.canvas`; a new figure if left out.
    """
    with rc_context(STYLE):
        drawn = canvas(ax, 3, 2, (7.2, 7.4))
        panels = (_resistivity, _laws, _rate, _mass, _mirror, _lorenz)
        for axes, draw in zip(drawn.panels, panels, strict=True):
            draw(axes, data)
        if drawn.figure is not None:
            name = data.attrs["name"] or data.attrs["source"].split(" (")[0]
            coupling = r"\lambda_{tr}" if data.attrs["quantity"] == "α²_trF" else r"\lambda"
            told = f": ${coupling}$ = {float(data['lambda_tr']):.4g}"
            if np.isfinite(float(data["plasma"])):
                told += rf", $\hbar\omega_p$ = {float(data['plasma']):g} eV"
            if float(data["residual"]) > 0:
                told += rf", $\rho_0$ = {float(data['residual']):g} µΩ cm"
            heading(drawn, name, told)
        finish(drawn)
    return drawn.root


def _per_rate(data: "xr.Dataset") -> float:
    """Resistivity of a rate of 1 meV, without impurities."""
    plasma = float(data["plasma"])
    return DRUDE / plasma**2 if np.isfinite(plasma) else DRUDE


def _label(data: "xr.Dataset", symbol: str = r"\rho") -> str:
    if np.isfinite(float(data["plasma"])):
        return f"resistivity ${symbol}$ (µΩ cm)"
    symbol = f"({symbol})" if "-" in symbol else symbol
    return rf"${symbol}\,(\hbar\omega_p)^2$ (µΩ cm eV²)"


def _resistivity(axes: Axes, data: "xr.Dataset") -> None:
    t, scale, residual = data["temperature"].values, _per_rate(data), float(data["residual"])
    axes.plot(t, data["resistivity"].values, color=BLUE, label=r"$\rho(T)$", **marked(t))
    line = residual + scale * data["linear_rate"].values
    axes.plot(t, line, "--", color=GREY, label=r"$\rho_0$ + linear law, $2\pi\lambda T$")
    bloch = residual + scale * data["bloch_rate"].values
    told = rf"Bloch-Grüneisen, $\Theta$ = {kelvin(float(data['bloch_temperature']))}"
    # Known where ρ(T) is, and a curve likewise: crosses where there are few.
    few = {"marker": "x", "markersize": 5} if marked(t) else {}
    axes.plot(t, bloch, ":", color=ORANGE, label=told, **few)
    axes.set_xlabel("temperature $T$ (K)")
    axes.set_ylabel(_label(data))
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1.15 * float(np.max(line)))
    axes.legend(loc="upper left")


def _laws(axes: Axes, data: "xr.Dataset") -> None:
    t, scale = data["temperature"].values, _per_rate(data)
    rate = scale * data["rate"].values
    seen = rate > 0
    if np.any(seen):
        axes.loglog(t[seen], rate[seen], color=BLUE, label="phonons", **marked(t))
        for key, line, told in (("linear_rate", "--", "linear"), ("fifth_rate", ":", "$T^5$")):
            axes.loglog(t, scale * data[key].values, line, color=GREY, label=f"{told} law")
        # Where activated there is no bottom.
        axes.set_ylim(max(rate[seen].min() / 3, 1e-7 * rate.max()), 3 * rate.max())
        plain_ticks(axes.xaxis)
        plain_ticks(axes.yaxis)
        axes.legend(loc="lower right")
    axes.set_xlabel("temperature $T$ (K)")
    axes.set_ylabel(_label(data, r"\rho - \rho_0"))


def _over_light(axes: Axes, data: "xr.Dataset", key: str) -> None:
    for t, row, colour, line in zip(
        data["shown"].values, data[key].values, _COLOURS, _LINES, strict=False
    ):
        axes.plot(data["light"].values, row, line, color=colour, label=kelvin(float(t)))
    axes.set_xlabel(r"energy of light $\hbar\Omega$ (meV)")
    axes.set_xlim(0, float(data["light"].values[-1]))


def _rate(axes: Axes, data: "xr.Dataset") -> None:
    _over_light(axes, data, "optical_rate")
    for row, colour in zip(data["drude_rate"].values, _COLOURS, strict=False):
        axes.plot(data["light"].values, row, color=colour, linewidth=0.7)
    axes.plot([], [], color=GREY, linewidth=0.7, label="extended Drude")
    axes.set_ylabel(r"$\hbar/\tau(\Omega)$ (meV)")
    last = data["optical_rate"].values[:, -1]
    if np.max(last) > 4 * np.min(last):  # hot and cold do not go on one linear axis
        axes.set_yscale("log")
        axes.set_ylim(1e-2 * np.min(last), 2 * np.max(last))
    else:
        axes.set_ylim(bottom=0)
    axes.legend(loc="lower right")


def _mass(axes: Axes, data: "xr.Dataset") -> None:
    _over_light(axes, data, "mass")
    whole = 1 + float(data["lambda_tr"])
    axes.axhline(whole, color=GREY, linewidth=0.7, linestyle=":", label=r"$1 + \lambda$")
    axes.axhline(1, color=GREY, linewidth=0.7)
    axes.set_ylabel("optical mass $m^*/m$")
    axes.legend(loc="upper right")


def _mirror(axes: Axes, data: "xr.Dataset") -> None:
    """R(Ω); without a plasma energy, on which it depends, the spectrum that all is made of."""
    if np.isfinite(float(data["plasma"])):
        _over_light(axes, data, "reflectivity")
        axes.set_ylabel(r"reflectivity $R(\Omega)$")
        axes.legend()
        return
    omega = data["frequency"].values
    name = r"\alpha^2_{tr}F" if data.attrs["quantity"] == "α²_trF" else r"\alpha^2F"
    if "a2f" in data:
        axes.fill_between(omega, data["a2f"].values, color=BLUE, alpha=0.2, linewidth=0)
        axes.plot(omega, data["a2f"].values, color=BLUE)
        axes.set_ylabel(f"${name}(\\omega)$")
        axes.set_xlim(0, omega[-1])
    else:
        axes.vlines(omega, 0, data["a2f_area"].values, color=BLUE, linewidth=1)
        axes.plot(omega, data["a2f_area"].values, "o", color=BLUE)
        axes.set_ylabel(f"area of mode in ${name}$ (meV)")
        axes.set_xlim(0, 1.15 * omega[-1])
    axes.axhline(0, color=GREY, linewidth=0.7)
    axes.set_xlabel(r"phonon energy $\omega$ (meV)")


def _lorenz(axes: Axes, data: "xr.Dataset") -> None:
    t = data["temperature"].values
    axes.plot(t, data["lorenz_ratio"].values, color=BLUE, **marked(t))
    axes.axhline(1, color=GREY, linewidth=0.7, linestyle=":")
    axes.set_xlabel("temperature $T$ (K)")
    axes.set_ylabel("Lorenz ratio $L/L_0$")
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1.08)
