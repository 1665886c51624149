"""The figure of sensitivities, drawn from their dataset."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from ...presentation.plotting import BLUE, GREY, ORANGE, STYLE, canvas
from ...units import kelvin

if TYPE_CHECKING:
    import xarray as xr


def sensitivities_figure(data: "xr.Dataset", ax: Any = None) -> Figure:
    """δQ/δα²F(ω), one panel a quantity, above the spectrum that it was taken at.

    Args:
        data: of `Sensitivities`.
        ax: what to draw on, see `plotting.canvas`; a new figure if left out.
    """
    keys = [name.replace("-", "_") for name in data.attrs["quantities"].split(", ")]
    omega = data["frequency"].values
    with rc_context(STYLE):
        drawn = canvas(ax, len(keys) + 1, 1, (4.6, 1.2 + 1.25 * (len(keys) + 1)), sharex=True)
        panels = drawn.panels
        for axes, key in zip(panels, keys, strict=False):
            quantity, slope = data[key], data[f"d{key}_da2f"]
            label, unit = quantity.attrs["long_name"], quantity.attrs["units"]
            axes.axhline(0, color=GREY, linewidth=0.7, linestyle=":")
            axes.plot(omega, slope.values, color=ORANGE)
            axes.set_ylabel(_panel_unit(slope.attrs["units"]))
            told = "" if unit == "1" else f" {unit}"
            axes.set_title(
                f"δ {label} / δα²F(ω)      {label} = {float(quantity):.4g}{told}",
                loc="left",
            )
            _leave_out_divergence(axes, omega, slope.values)
        _draw_spectrum(panels[-1], data)
        panels[-1].set_xlabel(r"phonon energy $\omega$ (meV)")
        panels[-1].set_xlim(0, omega[-1])
        if drawn.figure is not None:
            temperature, mu_star = data.attrs["temperature_K"], data.attrs["mu_star"]
            drawn.figure.suptitle(f"T = {kelvin(temperature)}, μ* = {mu_star:g}", fontsize=9)
    return drawn.root


def _panel_unit(unit: str) -> str:
    return "dimensionless" if unit == "1" else {"1/meV": r"meV$^{-1}$"}.get(unit, f"{unit}")


def _leave_out_divergence(axes, omega, values) -> None:
    """The range of what lies above a twentieth of the axis: 2/ω would hide everything else."""
    seen = values[omega > 0.05 * omega[-1]]
    low, high = min(0.0, float(np.min(seen))), max(0.0, float(np.max(seen)))
    margin = 0.08 * (high - low) or 1.0
    axes.set_ylim(low - margin, high + margin)


def _draw_spectrum(axes, data: "xr.Dataset") -> None:
    if "a2f" in data:
        edges = np.append(0.0, data["frequency"].values)
        axes.stairs(data["a2f"].values, edges, color=BLUE, fill=True, alpha=0.35)
        axes.set_ylabel(r"$\alpha^2F$")
    else:
        node, coupling = data["node"].values, data["node_coupling"].values
        axes.vlines(node, 0, node * coupling / 2, color=BLUE)
        axes.set_ylabel("area (meV)")
    axes.set_ylim(bottom=0)
    axes.set_title("α²F(ω)", loc="left")
