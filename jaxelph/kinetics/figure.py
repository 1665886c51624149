"""The figure of an evolution, drawn from its dataset."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps, rc_context

from ..presentation.finishing import finish, heading
from ..presentation.plotting import BLUE, GREEN, GREY, ORANGE, STYLE, Canvas, canvas
from ..units import kelvin
from .deviation_figure import draw_deviation

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

# A rate to compare with, as a relaxation holds it: an exponential with it beside T_e(t).
_MODELS = {"Allen": "allen_rate_per_ps"}


def evolution_figure(data: "xr.Dataset", ax: Any = None) -> "Figure":
    """f at a few times, δf over energy and time, and T_e(t), side by side.

    Args:
        data: of an `Evolution` or a `Relaxation`.
        ax: what to draw on, see `plotting.canvas`; a new figure if left out.
    """
    symbols = [_symbol(data[name]) for name in ("time", "energy", "electron_temperature")]
    time_label, energy_label, temperature_label = (
        f"{name} ({unit})" if unit else name
        for name, unit in zip(
            ("time $t$", "energy $E - E_F$", "temperature $T_e$"), symbols, strict=True
        )
    )
    seen = np.all(np.isfinite(data["f"].values), axis=1)
    times, f = data["time"].values[seen], data["f"].values[seen]
    deviation, energies = data["deviation"].values[seen], data["energy"].values
    # Where something happens, no further.
    happens = np.max(np.abs(deviation), axis=0) > 1e-3 * np.max(np.abs(deviation))
    top = energies[min(np.flatnonzero(happens)[-1] + 1, len(energies) - 1)] if happens.any() else 0
    top = max(top, 4 * data.attrs["phonon_temperature_as_energy"])
    with rc_context(STYLE):
        drawn = canvas(ax, 1, 3, (7.2, 2.7), width_ratios=(1, 1.35, 1))
        left, middle, right = drawn.panels

        # f - 1/2 is odd about E = 0: half of it says all.
        whole = np.concatenate([[0.0], energies])
        chosen = _at_even_sizes(np.max(np.abs(deviation), axis=1), 5)
        colors = colormaps["viridis"](np.linspace(0, 0.9, len(chosen)))
        for k, color in zip(chosen, colors, strict=True):
            values = np.concatenate([[0.5], f[k]])
            left.plot(whole, values, color=color, label=f"{times[k]:.3g}")
        ends = min(0.0, 1.1 * float(np.min(f))), max(0.52, 1.05 * float(np.max(f)))
        left.set(xlim=(0, top), ylim=ends, xlabel=energy_label)
        left.set_ylabel("distribution $f(E)$")
        left.legend(title=f"$t$ ({symbols[0]})" if symbols[0] else "$t$")

        if len(times) > 1:
            fine = np.linspace(0, min(top, energies[-1]), 257)
            series = _sinc_series(deviation, fine / energies[0])
            draw_deviation(middle, drawn.root, times, fine, series)
            middle.set_xlabel(time_label)
        else:
            middle.plot(deviation[0], energies, color=ORANGE)
            middle.set_xlabel(r"$f - f_0(T_0)$")
        middle.set(ylim=(0, top), ylabel=energy_label)

        kelvin = data["electron_temperature"].values[seen]
        cold = data.attrs["phonon_temperature"]
        alone = "o" if len(times) == 1 else "-"
        right.plot(times, kelvin, alone, color=ORANGE, label="electrons")
        if "model_electrons" in data and len(times) > 1:
            model = data["model_electrons"].values[seen]
            right.plot(times, model, "--", color=BLUE, linewidth=1, label="two temperatures")
        styles = ((GREEN, "-."),)
        models = [(n, key) for n, key in _MODELS.items() if key in data.attrs and len(times) > 1]
        for (name, key), (color, line) in zip(models, styles, strict=False):
            excess = data.attrs["electron_temperature_at_start"] - cold
            model = cold + excess * np.exp(-data.attrs[key] * times)
            right.plot(times, model, line, color=color, linewidth=1, label=name)
        right.axhline(cold, color=GREY, linewidth=0.8, linestyle=":", label="phonons")
        low, high = sorted((cold, kelvin[0]))
        highest = max(high, float(np.max(kelvin)))
        room = 0.06 * (highest - low)
        right.set_ylim(low - room, highest + room)
        right.set(xlabel=time_label, ylabel=temperature_label)
        if data.attrs["result"] == "unstable":
            for axes in (middle, right) if len(times) > 1 else (right,):
                axes.axvline(data.attrs["reached"], color="black", linewidth=1, linestyle="--")
            right.plot([], [], "--", color="black", linewidth=1, label="$B(f)$ indefinite")
        right.legend(handlelength=1.6)
        run_heading(drawn, data)
        finish(drawn)
    return drawn.root


def run_heading(drawn: Canvas, data: "xr.Dataset") -> None:
    """Above a run: of which metal it is, the phonons' T0, and what heats the electrons.

    Args:
        drawn: the figure.
        data: of a run; one that `evolve` gives is in its caller's units and has no heading.
    """
    told = data.attrs
    if not told.get("name"):
        return
    words = f", $T_0$ = {kelvin(told['phonon_temperature'])}"
    if "electron_temperature_at_start" in told:
        words += f", electrons from {kelvin(told['electron_temperature_at_start'])}"
    if "absorbed_per_cell" in told:
        words += (
            f", {told['absorbed_per_cell']:.4g} meV per cell of {1e-3 * told['photon_energy']:.4g} "
            f"eV light within {1e3 * told['duration']:.4g} fs"
        )
    heading(drawn, told["name"], words)


def _at_even_sizes(size: np.ndarray, most: int) -> np.ndarray:
    """Rows between which δf changes by equal amounts: evenly in time most would coincide.

    Example:
        >>> _at_even_sizes(np.exp(-np.arange(200) / 10.0), 5).tolist()
        [0, 3, 7, 14, 199]
    """
    levels = np.linspace(size[0], size[-1], most)
    rows = np.argmin(np.abs(size[:, None] - levels[None, :]), axis=0)
    rows[[0, -1]] = 0, len(size) - 1
    return np.unique(rows)


def _symbol(values: "xr.DataArray") -> str:
    """The unit as an axis is to name it: nothing where it is the caller's own."""
    unit = values.attrs["units"]
    return "" if "energy" in unit else unit


def _sinc_series(odd: np.ndarray, x: np.ndarray) -> np.ndarray:
    """An odd function given at 1…L, a row a time, at the points x between: what the grid means."""
    n = np.arange(1, odd.shape[1] + 1)
    return odd @ (np.sinc(x[None, :] - n[:, None]) - np.sinc(x[None, :] + n[:, None]))
