"""The figure of a superconductor's real axis, drawn from its dataset."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context

from ..presentation.finishing import finish, heading
from ..presentation.plotting import BLUE, GREY, ORANGE, STYLE, canvas

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


def real_axis_figure(data: "xr.Dataset", ax: Any = None) -> "Figure":
    """N(E)/ν0, Δ(E) and Z(E), side by side.

    Args:
        data: of `real_axis_dataset`.
        ax: what to draw on, see `plotting.canvas`; a new figure if left out.
    """
    energy, edge = data["energy"].values, float(data["edge"])
    unit = data["energy"].attrs["units"]
    symbol = "" if "energy" in unit else f" ({unit})"
    density = data["density_of_states"].values
    # As far as the gap has structure: Im Δ is what phonons make.
    shape = np.abs(data["gap_imag"].values)
    alive = np.flatnonzero(shape > 0.05 * max(np.max(shape), 1e-300))
    last = energy[alive[-1]] if len(alive) else energy[-1]
    seen = energy <= max(1.3 * last, 3 * edge if edge > 0 else 0.0)
    with rc_context(STYLE):
        drawn = canvas(ax, 1, 3, (7.2, 2.5))
        left, middle, right = drawn.panels
        left.plot(energy[seen], density[seen], color=ORANGE)
        # The square root at the edge goes to infinity where T is low.
        left.set_ylim(0, min(1.1 * float(np.max(density[seen])), 4.0))
        left.axhline(1, color=GREY, linewidth=0.8, linestyle=":")
        left.set_ylabel(r"density of states $N(E)/\nu_0$")
        parts = ((middle, "gap", r"gap $\Delta(E)$" + symbol), (right, "renormalisation", "$Z(E)$"))
        for axes, name, label in parts:
            for part, color, line, told in (
                ("real", BLUE, "-", "Re"),
                ("imag", ORANGE, "--", "Im"),
            ):
                values = data[f"{name}_{part}"].values
                axes.plot(energy[seen], values[seen], line, color=color, label=told)
            axes.axhline(0, color=GREY, linewidth=0.6)
            axes.set_ylabel(label)
            axes.legend(loc="upper right")
        for axes in drawn.panels:
            axes.set_xlim(0, energy[seen][-1])
            axes.set_xlabel("energy $E - E_F$" + symbol)
            if edge > 0:
                axes.axvline(edge, color=GREY, linewidth=0.8, linestyle=":")
        if drawn.figure is not None and data.attrs.get("name"):
            kelvin = data.attrs["temperature_unit"]
            shown = "" if kelvin == "energy" else f" {kelvin}"
            told = f", $T$ = {data.attrs['temperature']:.3g}{shown}"
            if np.isfinite(data.attrs["mu_star"]):
                told += rf", $\mu^*$ = {data.attrs['mu_star']:g}"
            heading(drawn, data.attrs["name"], told)
        finish(drawn)
    return drawn.root
