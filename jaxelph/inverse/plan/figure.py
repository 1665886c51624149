"""The figure of a plan, drawn from its dataset."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from scipy.interpolate import PchipInterpolator

from ...presentation.finishing import finish, heading
from ...presentation.plotting import BLUE, GREY, ORANGE, STYLE, canvas, plain_ticks

if TYPE_CHECKING:
    import xarray as xr


def plan_figure(data: "xr.Dataset", ax: Any = None) -> Figure:
    """Shares of the measuring time over the points; below, the target's error over the noise.

    Args:
        data: of a `Plan`.
        ax: what to draw on, see `plotting.canvas`; a new figure if left out.
    """
    points, share = data["point"].values, data["share"].values
    key = str(data.attrs["target"]).replace("-", "_")
    target = data[key].attrs["long_name"] if key in data else r"$\alpha^2F(\omega)$"
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
        dense = np.geomspace(factor[0], factor[-1], 301)
        for when, line, colour, told in (
            ("equal", "--", GREY, "equal shares"),
            ("optimal", "-", BLUE, "this plan"),
        ):
            error = data[f"target_error_{when}"].values
            known = np.isfinite(error) & (error > 0)
            if np.sum(known) < 2:
                continue
            between = PchipInterpolator(np.log(factor[known]), np.log(error[known]))
            curve = np.exp(between(np.log(dense)))
            below.loglog(dense, curve, line, color=colour)
            below.loglog(factor, error, "o", color=colour, markersize=2.5)
            below.loglog([], [], line, color=colour, label=told)
        plain_ticks(below.yaxis)
        below.axvline(1.0, color=GREY, linewidth=0.7, linestyle=":")
        below.set_xlabel("errors of the data over those stated")
        unit = data["target_error_equal"].attrs["units"]
        below.set_ylabel(f"error of {target}" + (f" ({unit})" if unit != "1" else ""))
        below.legend()
        if data.attrs.get("name"):
            heading(drawn, data.attrs["name"])
        finish(drawn, (f"{data.attrs['data']}: where to measure for {target}",))
    return drawn.root
