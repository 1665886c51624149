"""The figure of the columns of one file, drawn from their dataset."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..presentation.finishing import finish, heading
from ..presentation.plotting import BLUE, ORANGE, SHADE, STYLE, canvas

if TYPE_CHECKING:
    import xarray as xr

_LABELS = {
    "lambda": r"$\lambda$",
    "omega_log": r"$\omega_{\log}$ (K)",
    "Tc": r"$T_c$ (K)",
    "margin": "margin (kinetic)",
}


def columns_figure(data: "xr.Dataset", ax: Any = None) -> Figure:
    """λ, ω_log, Tc and the margin over the smearing, or the number of the column.

    Args:
        data: of `Columns`.
        ax: what to draw on, see `plotting.canvas`; a new figure if left out.
    """
    smearing, default = data["smearing"], data.attrs["default_column"]
    known = bool(np.all(np.isfinite(smearing.values)))
    x = smearing.values if known else data["column"].values
    with rc_context(STYLE):
        drawn = canvas(ax, 2, 2, (7.2, 4.6), sharex=True)
        words = []
        for axes, (key, label) in zip(drawn.panels, _LABELS.items(), strict=True):
            words.append("")
            y = data[key].values
            axes.plot(x, y, "-", color=BLUE, linewidth=1)
            axes.plot(x, y, "o", color=BLUE)
            at = default - 1
            axes.plot(
                x[at],
                y[at],
                "o",
                color=ORANGE,
                markersize=8,
                markerfacecolor="none",
                label=f"column {default}, the default",
            )
            axes.set_ylabel(label)
            axes.margins(y=0.15)
            if key == "margin":
                words[-1] = f"at $T$ = {data[key].attrs['temperature_K']:.4g} K"
                low, high = axes.get_ylim()
                if low < 0:
                    axes.axhspan(low, min(0.0, high), color=SHADE, alpha=0.13, linewidth=0)
                    axes.set_ylim(low, high)
                    at = (0.98, 0.04)
                    axes.annotate("unstable", at, xycoords="axes fraction", ha="right", color=SHADE)
            if key == "Tc":
                words[-1] = rf"$\mu^*$ = {data[key].attrs['mu_star']:g}"
        drawn.panels[0].legend()
        if not known:
            drawn.panels[0].xaxis.set_major_locator(MaxNLocator(integer=True))
        for axes in drawn.panels[2:]:
            axes.set_xlabel(f"smearing ({smearing.attrs['long_name']})" if known else "column")
        if drawn.figure is not None:
            heading(drawn, data.attrs["name"])
        finish(drawn, words)
    return drawn.root
