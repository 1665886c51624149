"""The figure of a phase diagram, drawn from its dataset."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure

from ..presentation.plotting import CRITERION_STYLE, STYLE, canvas

if TYPE_CHECKING:
    import xarray as xr


def map_figure(data: "xr.Dataset", ax: Any = None) -> Figure:
    """The kinetic margin and C_el over (λ, T), with the critical lines and Tc on top.

    Args:
        data: of `phase_diagram`; its attribute `name`, of the metal, makes a title.
        ax: what to draw on, see `plotting.canvas`; a new figure if left out.
    """
    coupling, temperature = data["coupling"].values, data["temperature"].values
    with rc_context(STYLE):
        drawn = canvas(ax, 1, 2, (7.2, 3.4), sharex=True, sharey=True)
        panels = drawn.panels
        shown = (
            ("margin_kinetic", "margin (kinetic)"),
            ("margin_heat", r"$C_{el}\,/\,(2\pi^2\nu_0T/3)$"),
        )
        for axes, (name, label), letter in zip(panels, shown, "ab", strict=True):
            plane = data[name].values.T
            # White where stability is lost; linear between -1 and 1, logarithmic beyond.
            limit = max(1.0, float(np.max(np.abs(plane))))
            mesh = axes.pcolormesh(
                coupling,
                temperature,
                plane,
                cmap="RdBu",
                norm=SymLogNorm(1.0, vmin=-limit, vmax=limit),
                shading="gouraud",
                rasterized=True,
            )
            bar = drawn.root.colorbar(mesh, ax=axes, pad=0.02)
            ticks = [x for x in (0.5, 1, 3, 10, 30, 100, 300) if x <= limit]
            bar.set_ticks([*(-x for x in reversed(ticks)), 0, *ticks])
            bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            bar.ax.minorticks_off()
            axes.set_title(label)
            for criterion, (colour, line, _, text) in CRITERION_STYLE.items():
                width = 2.4 if criterion == "weight" else 1.4  # it often runs under the kinetic one
                axes.plot(
                    data[f"lambda_c_{criterion}"],
                    temperature,
                    line,
                    color=colour,
                    linewidth=width,
                    label=rf"$\lambda_c$, {text}",
                )
            axes.plot(coupling, data["tc"], color="black", linewidth=1.2, label=r"$T_c$")
            axes.set_xlim(coupling[0], coupling[-1])
            axes.set_ylim(temperature[0], temperature[-1])
            axes.set_xlabel(r"coupling $\lambda$")
            axes.set_title(f"({letter})", loc="left", fontweight="bold")
        panels[0].set_ylabel("temperature $T$ (K)")
        handles, labels = panels[0].get_legend_handles_labels()
        if drawn.figure is None:
            panels[0].legend(loc="best")
            return drawn.root
        drawn.figure.legend(handles, labels, loc="outside lower center", ncols=4)
        if data.attrs.get("name"):
            title = f"{data.attrs['name']}, μ* = {data.attrs['mu_star']:g}"
            drawn.figure.suptitle(title, fontsize=9.5, parse_math=False)
    return drawn.root
