"""The figure of a trade-off between Tc and stability, drawn from its dataset."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from ...presentation.finishing import finish
from ...presentation.plotting import CRITERION_STYLE, STYLE, canvas
from ...units import kelvin

if TYPE_CHECKING:
    import xarray as xr


def design_figure(data: "xr.Dataset", ax: Any = None) -> Figure:
    """Tc against the least margin, and the α²F of the least one, by each criterion.

    Args:
        data: of `design_dataset`.
        ax: what to draw on, see `plotting.canvas`; a new figure if left out.
    """
    margins, omega = data["margin"].values, data["frequency"].values
    order = np.argsort(margins)
    temperature, mu_star = data.attrs["temperature_K"], data.attrs["mu_star"]
    with rc_context(STYLE):
        drawn = canvas(ax, 1, 2, (7.0, 2.9))
        left, right = drawn.panels
        for criterion in map(str, data["criterion"].values):
            one = data.sel(criterion=criterion)
            colour, line, marker, label = CRITERION_STYLE[criterion]
            style = {"color": colour, "marker": marker, "ms": 4}
            left.plot(margins[order], one["tc"].values[order], line, label=label, **style)
            right.plot(omega, one["a2f"].values, line, color=colour, label=criterion)
        left.set_xlabel(f"least margin at {kelvin(temperature)}")
        left.set_ylabel(rf"largest $T_c$ (K), $\mu^*$ = {mu_star:g}")
        tc = data["tc"].values
        if np.min(tc) < 0.3 * np.max(tc):
            left.set_ylim(bottom=0)
        else:  # most of the axis would be empty
            left.margins(y=0.2)
        left.legend()
        right.set_xlabel(r"phonon energy $\omega$ (meV)")
        right.set_ylabel(r"optimal $\alpha^2F(\omega)$")
        alive = np.max(data["a2f"].values, axis=0) > 1e-3 * float(np.max(data["a2f"].values))
        right.set_xlim(0, 1.05 * float(omega[np.flatnonzero(alive)[-1]]))
        right.set_ylim(bottom=0)
        right.legend()
        finish(drawn, ("", f"least margin {margins[order[0]]:g}"))
    return drawn.root
