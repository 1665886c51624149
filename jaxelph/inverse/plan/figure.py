"""The figure of a plan, drawn from its dataset."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from ...presentation.finishing import finish
from ...presentation.plotting import BLUE, GREY, ORANGE, STYLE, canvas

if TYPE_CHECKING:
    import xarray as xr


def plan_figure(data: "xr.Dataset", ax: Any = None) -> Figure:
    """Shares of the measuring time over the points; below, the target's error over the noise.

    Args:
        data: of a `Plan`.
        ax: what to draw on, see `plotting.canvas`; a new figure if left out.
    """
    points, share = data["point"].values, data["share"].values
    with rc_context(STYLE):
        drawn = canvas(ax, 2, 1, (4.6, 5.0))
        above, below = drawn.panels
        above.vlines(points, 0, 100 * share, color=ORANGE, linewidth=2)
        above.axhline(100 / len(points), color=GREY, linestyle=":", label="equal shares")
        if np.min(points) > 0 and np.max(points) > 20 * np.min(points):
            above.set_xscale("log")
        above.set_ylim(0, None)
        above.set_xlabel(f"{data['point'].attrs['long_name']} ({data['point'].attrs['units']})")
        above.set_ylabel("share of the time (%)")
        above.legend()
        factor = data["factor"].values
        below.loglog(factor, data["target_error_equal"], color=GREY, label="equal shares")
        below.loglog(factor, data["target_error_optimal"], color=BLUE, label="this plan")
        below.axvline(1.0, color=GREY, linewidth=0.7, linestyle=":")
        below.set_xlabel("errors of the data over those stated")
        below.set_ylabel(f"error of {data.attrs['target']}")
        below.legend()
        finish(drawn, (f"{data.attrs['data']}: where to measure for {data.attrs['target']}",))
    return drawn.root
