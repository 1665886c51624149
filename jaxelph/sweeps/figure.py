"""The figure of a phase diagram, drawn from its dataset."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from ..presentation.finishing import finish, heading
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
        never = []
        for axes, (name, label) in zip(panels, shown, strict=True):
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
            bar = drawn.root.colorbar(mesh, ax=axes, pad=0.02, label=label)
            # As far as the plane goes: a sign that does not occur takes no half of the bar.
            low, high = float(np.min(plane)), float(np.max(plane))
            ticks = _ticks(low, high)
            bar.set_ticks(ticks, labels=[f"{x:g}".replace("-", "\N{MINUS SIGN}") for x in ticks])
            bar.ax.minorticks_off()
            if low < high:
                bar.ax.set_ylim(low, high)
            for criterion, (colour, line, _, text) in CRITERION_STYLE.items():
                # The weight's often runs with the kinetic one: dashes on a wider line show both.
                width, above = (2.6, 2.0) if criterion == "kinetic" else (1.4, 2.2)
                critical = data[f"lambda_c_{criterion}"].values
                over, at = _smooth(temperature, critical)
                seen = np.any((at >= coupling[0]) & (at <= coupling[-1]))
                if not seen:  # in words, not as a line that is nowhere
                    never.append(criterion)
                label = rf"$\lambda_c$, {text}" if seen else None
                # What sets a line off the plane lies below all of them.
                axes.plot(at, over, color="white", linewidth=width + 1.4, zorder=1.8)
                axes.plot(at, over, line, color=colour, linewidth=width, label=label, zorder=above)
            tc = data["tc"].values
            shown_tc = (tc >= temperature[0]) & (tc <= temperature[-1])
            if np.any(shown_tc):
                halo = [withStroke(linewidth=2.6, foreground="white")]
                style = {"linewidth": 1.2, "path_effects": halo}
                axes.plot(coupling, tc, color="black", label=r"$T_c$", **style)
            axes.set_xlim(coupling[0], coupling[-1])
            axes.set_ylim(temperature[0], temperature[-1])
            axes.set_xlabel(r"coupling $\lambda$")
        panels[0].set_ylabel("temperature $T$ (K)")
        told = _outside(list(dict.fromkeys(never)), bool(np.any(shown_tc)))
        handles, labels = panels[0].get_legend_handles_labels()
        if drawn.figure is None:
            if handles:
                panels[0].legend()
            finish(drawn, (told,))
            return drawn.root
        if handles:
            drawn.figure.legend(handles, labels, loc="outside lower center", ncols=4)
        if data.attrs.get("name"):
            heading(drawn, data.attrs["name"], rf", $\mu^*$ = {data.attrs['mu_star']:g}")
        finish(drawn, (told,))
    return drawn.root


def _outside(criteria: list[str], tc_is_shown: bool) -> str:
    """What has no line on the map, in two lines: one would be wider than a panel.

    Example:
        >>> _outside(["weight", "heat"], True), _outside([], True)
        ('not in this range:\\n$\\\\lambda_c$ of weight, heat', '')
    """
    never = [rf"$\lambda_c$ of {', '.join(criteria)}"] if criteria else []
    never += [] if tc_is_shown else ["$T_c$"]
    return "not in this range:\n" + "; ".join(never) if never else ""


def _ticks(low: float, high: float) -> list[float]:
    """Round values of a bar that is linear between -1 and 1, and logarithmic beyond.

    Example:
        >>> _ticks(-0.6, 20.0), _ticks(1.5, 3.6)
        ([-0.5, 0.0, 0.5, 1.0, 3.0, 10.0], [1.5, 2.0, 2.5, 3.0, 3.5])
    """
    beyond = np.array([0.5, 1, 3, 10, 30, 100, 300, 1000])
    ticks = np.array([*-beyond[::-1], 0, *beyond])
    if np.sum((ticks >= low) & (ticks <= high)) < 3 and low < high:
        ticks = np.asarray(MaxNLocator(5).tick_values(low, high))
    return ticks[(ticks >= low) & (ticks <= high)].tolist()


def _smooth(temperature: np.ndarray, critical: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A critical line between the temperatures of the map: 1/λ_c is smooth where λ_c is infinite.

    Example:
        >>> over, at = _smooth(np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.5, 0.5]))
        >>> bool(np.allclose(at, 0.5)), over[0].item(), over[-1].item()
        (True, 1.0, 3.0)
    """
    from scipy.interpolate import PchipInterpolator

    inverse = np.where(np.isfinite(critical), 1 / critical, 0.0)
    over = np.linspace(temperature[0], temperature[-1], 401)
    between = PchipInterpolator(temperature, inverse)(over)
    return over, np.where(between > 0, 1 / np.where(between > 0, between, 1.0), np.nan)
