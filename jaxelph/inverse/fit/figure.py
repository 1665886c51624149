"""The figure of a fit, drawn from its dataset."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from ...presentation.finishing import finish
from ...presentation.plotting import BLUE, GREEN, GREY, ORANGE, STYLE, canvas
from ...units import kelvin
from .output import MOMENTS, value_with_error
from .resolution import sharp_lines

if TYPE_CHECKING:
    import xarray as xr


def fit_figure(data: "xr.Dataset", ax: Any = None) -> Figure:
    """Each data set with the fit and its band; below, α²F with its band, and of a table how
    sharp lines would look.

    Args:
        data: of a `Fit`.
        ax: what to draw on, see `plotting.canvas`; a new figure if left out.
    """
    count = data.attrs["data_sets"]
    below = 2 if "resolution" in data else 1
    omega, a2f, error = (data[name].values for name in ("frequency", "a2f", "a2f_error"))
    with rc_context(STYLE):
        drawn = canvas(ax, count + below, 1, (4.6, 2.5 * (count + below)))
        panels = drawn.panels
        words = [_draw_data(axes, data, k) for k, axes in enumerate(panels[:count], 1)]
        axes = panels[count]
        low = a2f - error
        if data.attrs["model"] == "GaussianPeaks":
            low = np.maximum(low, 0)  # Peaks are positive, whatever the linearised band says.
        _draw_band(axes, omega, (low, a2f + error), BLUE)
        axes.plot(omega, a2f, color=BLUE, label=r"fit, $\pm 1\sigma$")
        if "a2f_simultaneous" in data:
            for side in (-1, 1):
                edge = a2f + side * data["a2f_simultaneous"].values
                # It leaves out what is finer than the fit sees, and may lie inside ±1σ.
                label = r"noise alone, all $\omega$ at once" if side > 0 else None
                axes.plot(omega, edge, color=BLUE, lw=0.7, ls="--", label=label)
        if "a2f_transport" in data:
            tied, width = (data[f"a2f_transport{end}"].values for end in ("", "_error"))
            _draw_band(axes, omega, (tied - width, tied + width), GREEN)
            axes.plot(omega, tied, color=GREEN, label=r"$\alpha^2_{tr}F$, $\pm 1\sigma$")
        axes.axhline(0, color=GREY, linewidth=0.7, linestyle=":")
        axes.set_xlim(0, omega[-1])
        axes.set_xlabel(r"phonon energy $\omega$ (meV)")
        axes.set_ylabel(r"$\alpha^2F(\omega)$")
        axes.legend(ncols=2)
        words = [*words, ""]
        if "resolution" in data:
            _draw_lines(panels[-1], omega, data["resolution"].values)
            words.append("sharp lines as this fit would show them")
        if drawn.figure is not None:
            drawn.figure.suptitle(_told(data), fontsize=7.5)
        finish(drawn, words)
    return drawn.root


def _draw_band(axes, over, ends, colour) -> None:
    """Between two curves, whose own thin lines keep the legend off it."""
    axes.fill_between(over, *ends, color=colour, alpha=0.25, lw=0)
    for end in ends:
        axes.plot(over, end, color=colour, alpha=0.4, lw=0.4)


def _draw_lines(axes, omega, resolution) -> None:
    """The response to a line of unit area at each of a few frequencies."""
    lines = sharp_lines(omega, resolution)
    for (where, seen, width), colour in zip(lines, (BLUE, ORANGE, GREEN, GREY), strict=True):
        told = f"{width:.2g} meV wide" if np.isfinite(width) else "not resolved"
        axes.axvline(where, color=colour, linewidth=0.7, linestyle=":")
        axes.plot(omega, seen, color=colour, label=f"{where:.3g} meV: {told}")
    axes.axhline(0, color=GREY, linewidth=0.7, linestyle=":")
    axes.set_xlim(0, float(omega[-1]))
    axes.set_xlabel(r"phonon energy $\omega$ (meV)")
    axes.set_ylabel(r"response (meV$^{-1}$)")
    axes.legend(ncols=2)


def _told(data: "xr.Dataset") -> str:
    names = {
        "lambda": r"$\lambda$",
        "omega-log": r"$\omega_\log$",
        "lambda-omega2": r"$\lambda\langle\omega^2\rangle$",
        "tc": "$T_c$",
        "lambda-tr": r"$\lambda_{tr}$",
    }
    undecided, parts = data.attrs["undecided"].split(", "), []
    for name, label in names.items():
        key = name.replace("-", "_")
        if key in data:
            shown = value_with_error(float(data[key]), float(data[f"{key}_error"]))
            told = f"{label} = {shown} {MOMENTS[name][2]}".strip()
            parts.append(f"{told} (undecided)" if name in undecided else told)
    # Two lines: four numbers with their errors are wider than the panel.
    return ",  ".join(parts[:2]) + "\n" + ",  ".join(parts[2:])


# Of each kind of data: the axes' labels, and the names of curves.
_LABELS = {
    "heat": ("T (K)", r"$C_\mathrm{el}/C_\mathrm{bare}$"),
    "self-energy": ("E (meV)", r"$\Sigma$ (meV)"),
    "weight": ("E (meV)", "1/Z"),
    "relaxation": ("t (ps)", r"$T_e$ (K)"),
    "Tc": ("", r"$T_c$ (K)"),
    "total heat": ("T (K)", r"C (mJ mol$^{-1}$ K$^{-1}$)"),
    "resistivity": ("T (K)", r"$\rho$ ($\mu\Omega$ cm)"),
    "optical": (r"$\Omega$ (meV)", r"$1/\tau$ (meV)"),
    "reflectivity": (r"$\Omega$ (meV)", "R"),
    "gap": ("T (K)", r"$\Delta$ (meV)"),
    "tunnelling": ("V (mV)", r"$(dI/dV)_\mathrm{s}/(dI/dV)_\mathrm{n}$"),
}
# Kinds that are drawn over ln T, if they reach far.
_OVER_LOGARITHM = ("heat", "total heat", "resistivity")
_PARTS = {"": "", "real": r"Re $\Sigma$", "imaginary": r"Im $\Sigma$"}


def _draw_data(axes, data: "xr.Dataset", number: int) -> str:
    """One set of data with the fit; returns what is said above it."""
    told = data[f"measured_{number}"].attrs
    parts = told["parts"].split(", ")
    x, measured, error, fitted, width = (
        np.split(data[f"{name}_{number}"].values, len(parts))
        for name in ("abscissa", "measured", "measured_error", "fitted", "fitted_error")
    )
    # The band between the data is that of its neighbours; the curve is the fit itself.
    smooth = f"curve_{number}" in data
    names = [f"curve_abscissa_{number}", f"curve_{number}"] if smooth else []
    dense = [np.split(data[name].values, len(parts)) for name in names]
    for k, (part, colour) in enumerate(zip(parts, (ORANGE, GREEN), strict=False)):
        order = np.argsort(x[k], kind="stable")
        over, middle, band = x[k][order], fitted[k][order], width[k][order]
        if smooth:
            over, middle = dense[0][k], dense[1][k]
            band = np.interp(over, x[k][order], band)
        axes.errorbar(
            x[k],
            measured[k],
            error[k],
            fmt="o",
            color=GREY,
            elinewidth=0.8,
            zorder=1,
            label="data" if k == 0 else None,
        )
        label = f"fit {_PARTS.get(part, part)}".strip()
        if len(over) == 1:  # one number: beside what was measured, over nothing
            axes.errorbar(over + 1, middle, band, fmt="s", color=colour, label=label)
            axes.set_xlim(-1, 2)
            axes.set_xticks([])
            continue
        _draw_band(axes, over, (middle - band, middle + band), colour)
        axes.plot(over, middle, color=colour, label=label, zorder=3)
    if np.min(x[0]) > 0 and np.max(x[0]) > 50 * np.min(x[0]) and told["kind"] in _OVER_LOGARITHM:
        axes.set_xscale("log")
        if told["kind"] != "heat":
            axes.set_yscale("log")
    below, beside = _LABELS.get(told["kind"], ("datum", told["kind"]))
    axes.set_xlabel(below)
    axes.set_ylabel(beside)
    axes.legend()
    return f"T = {kelvin(told['temperature_K'])}" if "temperature_K" in told else ""
