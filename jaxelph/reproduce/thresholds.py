"""Critical couplings against T0: Fig. 2 of the Supplement, by all three criteria."""

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import brentq

from ..presentation.finishing import finish
from ..presentation.plotting import CRITERION_STYLE, GREY, SHADE, STYLE, canvas, is_plain_tick
from .result import Comparison, Reproduction, Table
from .table1 import PRINTED, critical_couplings, scanned

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


def compute(progress) -> Reproduction:
    """The columns of Table I as curves: values and slopes at nine T0 give a Hermite spline."""
    data = critical_couplings(progress)
    curves = {name: curve(data, name) for name in CRITERION_STYLE}
    ends = data["T0"].values[[0, -1]]
    crossing = brentq(lambda t: curves["heat"](t) - curves["weight"](t), *ends)
    value = data["critical_coupling"]
    weight, heat, kinetic = (value.sel(column=name).values for name in CRITERION_STYLE)
    return Reproduction(
        name="fig-supp-2",
        title="Supplement, Fig. 2: critical coupling of 21 modes against T0",
        comparisons=tuple(
            Comparison(f"λ_c by Z₀⁻¹ at T0 = {t0:.3f} g", printed[1], scanned(weight[k]))
            for k, (t0, printed) in enumerate(PRINTED.items())
            if printed
        ),
        tables=(
            Table(
                "The three criteria",
                ("T0/g", "weight", "heat", "kinetic", "kinetic/lesser bound"),
                (".3f", ".5f", ".5f", ".5f", ".5f"),
                tuple(
                    zip(
                        data["T0"].values,
                        weight,
                        heat,
                        kinetic,
                        kinetic / np.minimum(weight, heat),
                        strict=True,
                    )
                ),
            ),
        ),  # fmt: skip
        remarks=(
            "The printed numbers are the first unstable ones of a scan of λ by 1e-4, and so are "
            "ours beside them.",
            f"Above T0 = {crossing:.4f} g the specific heat forbids more than Z₀⁻¹ does. The "
            "kinetic threshold lies below both everywhere, as it must: they are its bounds.",
        ),
        dataset=data,
        plot=plot,
    )


def curve(data: "xr.Dataset", name: str):
    """λ_c(T0/g) between the temperatures of the table: ln λ_c from values and slopes."""
    one = data.sel(column=name)
    value = one["critical_coupling"].values
    spline = CubicHermiteSpline(data["T0"].values, np.log(value), one["slope"].values / value)
    return lambda t: np.exp(spline(t))


def plot(data: "xr.Dataset", ax: Any = None) -> "Figure":
    """The curves of the three criteria, the unstable side shaded, the printed points."""
    from matplotlib import rc_context

    low, high = data["T0"].values[[0, -1]]
    t = np.linspace(low, high, 241)
    with rc_context(STYLE):
        drawn = canvas(ax, 1, 1, (4.4, 3.3))
        (axes,) = drawn.panels
        for name, (colour, line, _, label) in CRITERION_STYLE.items():
            axes.plot(t, curve(data, name)(t), line, color=colour, label=label)
        axes.fill_between(t, curve(data, "kinetic")(t), 10, color=SHADE, alpha=0.1, linewidth=0)
        axes.plot(
            data["T0"], data["printed"].sel(printed_column="weight"), "o", color=GREY,
            markersize=4, markerfacecolor="none", label="printed, Minimize $Z_0^{-1}$",
        )  # fmt: skip
        axes.set(
            yscale="log", ylim=(1, 10), xlim=(t[0] - 0.003, t[-1] + 0.003),
            xlabel="temperature $T_0/g$", ylabel=r"critical coupling $\lambda_c$",
        )  # fmt: skip
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(
            lambda value, _: f"{value:g}" if is_plain_tick(value) or value < 5 else ""
        )
        axes.text(0.262, 1.4, "stable", color=GREY, ha="center")
        axes.text(0.262, 7.0, "unstable", color=GREY, ha="center")
        axes.legend()
        finish(drawn)
    return drawn.root
