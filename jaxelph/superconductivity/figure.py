"""The figure of a superconductor, drawn from its dataset."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..presentation.finishing import finish, heading
from ..presentation.plotting import BLUE, GREEN, GREY, ORANGE, STYLE, canvas, marked
from ..units import kelvin

if TYPE_CHECKING:
    import xarray as xr


def superconductor_figure(data: "xr.Dataset", ax: Any = None) -> Figure:
    """Δ(T), the specific heats, H_c(T), D(T), N(E), and which phonons carry the isotope effect.

    Args:
        data: of a `Superconductor`.
        ax: what to draw on, see `plotting.canvas`; a new figure if left out.
    """
    with rc_context(STYLE):
        drawn = canvas(ax, 3, 2, (7.2, 7.4))
        curves = (_gap, _heat, _field, _deviation)
        words = []
        for axes, draw in zip(drawn.panels, (*curves, _density, _isotope), strict=True):
            words.append(draw(axes, data) or "")
            if draw in curves:
                axes.set_xlabel("temperature $T$ (K)")
                if float(data["Tc"]) > 0:
                    axes.axvline(float(data["Tc"]), color=GREY, linewidth=0.7, linestyle=":")
        if drawn.figure is not None:
            name = data.attrs["name"] or data.attrs["source"].split(" (")[0]
            told = ": no superconductivity"
            if float(data["Tc"]) > 0:
                ratio = float(data["gap_ratio"])
                told = rf": $T_c$ = {kelvin(float(data['Tc']))}, $2\Delta_0/T_c$ = {ratio:.3f}"
            heading(drawn, name, rf"{told}, $\mu^*$ = {data.attrs['mu_star']:g}")
        finish(drawn, words)
    return drawn.root


def _condensed(data: "xr.Dataset", name: str, at_end: float) -> tuple[np.ndarray, np.ndarray]:
    """A curve below T_c and its limit there."""
    t, tc = data["temperature"].values, float(data["Tc"])
    below = t < tc
    if not below.any():
        return t[:0], t[:0]
    return np.append(t[below], tc), np.append(data[name].values[below], at_end)


def _gap(axes: Axes, data: "xr.Dataset") -> None:
    x, y = _condensed(data, "gap", 0.0)
    axes.plot(x, y, color=BLUE, label=r"$\Delta(i\pi T)$", **marked(x))
    t, edge = data["temperature"].values, data["gap_edge"].values
    seen = np.isfinite(edge) & (edge > 0)
    if seen.any():
        told = r"edge $\Delta_0(T)$"
        axes.plot(t[seen], edge[seen], "--", color=ORANGE, label=told, **marked(x))
    axes.set_ylabel("gap (meV)")
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower left")


def _heat(axes: Axes, data: "xr.Dataset") -> None:
    t, normal, tc = data["temperature"].values, data["normal_heat"].values, float(data["Tc"])
    ratio, jump = float(data["jump_over_normal"]), float(data["jump"])
    if tc > 0:
        at_tc = jump / ratio
        order = np.argsort(np.append(t, tc))
        t, normal = np.append(t, tc)[order], np.append(normal, at_tc)[order]
        x, y = _condensed(data, "heat", at_tc + jump)
        axes.plot(np.append(x, tc), np.append(y, at_tc), color=BLUE, label=r"$C_S$", **marked(x))
    axes.plot(t, normal, "--", color=GREEN, label=r"$C_N$", **marked(t))
    axes.set_ylabel(r"specific heat / $\gamma_0T_c$")
    axes.set_ylim(bottom=min(0.0, 1.05 * float(np.min(data["heat"].values))))
    axes.legend(loc="upper left")


def _field(axes: Axes, data: "xr.Dataset") -> str:
    x, y = _condensed(data, "reduced_field", 0.0)
    axes.plot(x, y, color=BLUE, label="$H_c(T)/H_c(0)$", **marked(x))
    if x.size:
        dense = np.linspace(x[0], x[-1], 201)
        axes.plot(dense, 1 - (dense / x[-1]) ** 2, ":", color=GREY, label="$1 - (T/T_c)^2$")
    axes.set_ylabel("critical field")
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower left")
    known = np.isfinite(float(data["field_zero"]))
    return f"$H_c(0)$ = {float(data['field_zero']):.4g} T" if known else ""


def _deviation(axes: Axes, data: "xr.Dataset") -> None:
    x, y = _condensed(data, "deviation", 0.0)
    axes.plot(x, y, color=BLUE, **marked(x))
    axes.axhline(0, color=GREY, linewidth=0.7)
    axes.set_ylabel("deviation $D(T)$")
    axes.margins(y=0.15)


def _density(axes: Axes, data: "xr.Dataset") -> str:
    energies, density = data["energy"].values, data["density_of_states"]
    lines = ("-", "--", "-.")
    for t, row, line, colour in zip(
        data["shown"].values, density.values, lines, (BLUE, ORANGE, GREEN), strict=False
    ):
        axes.plot(energies, row, line, color=colour, label=kelvin(float(t)))
    axes.axhline(1, color=GREY, linewidth=0.7, linestyle=":")
    axes.set_xlabel("energy $E - E_F$ (meV)")
    axes.set_ylabel(r"density of states $N(E)/\nu_0$")
    edge = float(data["gap_zero"])
    axes.set_xlim(0, 5 * edge if edge > 0 else energies[-1])
    if not density.size:
        told = "no gap" if float(data["Tc"]) == 0 else "not computed"
        axes.annotate(told, (0.5, 0.5), xycoords="axes fraction", ha="center", color=GREY)
        return ""
    # The square root at the edge goes to infinity where T is low.
    axes.set_ylim(0, min(1.1 * float(np.max(density.values)), 3.5))
    axes.legend(loc="lower right")
    broadening = density.attrs["broadening_meV"]
    if broadening > 0:
        return rf"$\eta$ = {broadening:.3g} meV"
    if float(data["shown"][0]) < 0.2 * float(data["Tc"]):
        _phonons(axes, energies, density.values[0], edge)
    return ""


def _phonons(axes: Axes, energies: np.ndarray, density: np.ndarray, edge: float) -> None:
    """What phonons do to N(E) at low T: beside the density of states of a constant gap."""
    seen = energies > 1.05 * edge
    bare = energies[seen] / np.sqrt(energies[seen] ** 2 - edge**2)
    inset = axes.inset_axes((0.5, 0.52, 0.47, 0.36))
    inset.plot(energies[seen], 100 * (density[seen] / bare - 1), color=BLUE, linewidth=1)
    inset.axhline(0, color=GREY, linewidth=0.5)
    inset.set_xlim(0, energies[-1])
    inset.tick_params(labelsize=6.5)
    inset.set_xlabel("$E - E_F$ (meV)", fontsize=6.5, labelpad=1)
    inset.set_title(r"$N/N_{\mathrm{BCS}} - 1$ (%)", fontsize=7, pad=3)


def _isotope(axes: Axes, data: "xr.Dataset") -> str:
    discrete, omega = "a2f_area" in data, data["frequency"].values
    a2f, weight = data["a2f_area" if discrete else "a2f"].values, data["isotope_weight"].values
    if discrete:
        axes.vlines(omega, 0, a2f * weight, color=ORANGE)
        axes.plot(omega, a2f * weight, "o", color=ORANGE)
        axes.set_ylabel(r"of mode $k$ in $\beta$")
        axes.set_xlim(0, 1.15 * omega[-1])
    else:
        axes.plot(omega, a2f * weight, color=ORANGE, label=r"$\alpha^2F\,R$ (1/meV)")
        scale = np.max(np.abs(a2f * weight)) / max(float(np.max(a2f)), 1e-300)
        if scale > 0:
            axes.fill_between(
                omega, a2f * scale, color=BLUE, alpha=0.2, linewidth=0, label=r"$\alpha^2F$, scaled"
            )
        axes.set_ylabel("isotope effect by frequency")
        axes.set_xlim(0, omega[-1])
        axes.legend(loc="best")
    axes.axhline(0, color=GREY, linewidth=0.7)
    axes.set_xlabel(r"phonon energy $\omega$ (meV)")
    beta = float(data["isotope"])
    return rf"$\beta$ = {beta:.3f}" if np.isfinite(beta) else ""
