"""The figure of a run with phonons that move, drawn from its dataset."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps, rc_context

from ..presentation.finishing import finish
from ..presentation.plotting import BLUE, GREEN, GREY, ORANGE, STYLE, canvas
from .deviation_figure import draw_deviation
from .figure import run_heading
from .seen_figure import draw_seen, shown_modes

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


def lattice_figure(data: "xr.Dataset", ax: Any = None) -> "Figure":
    """δf over energy and time, temperatures, those of the phonons by mode, and the energies; below
    them what experiments see, where the dataset has it.

    The time is logarithmic from the first that is above zero.

    Args:
        data: of a relaxation or a pulse with phonons that move.
        ax: what to draw on, see `plotting.canvas`; a new figure if left out.
    """
    seen = np.all(np.isfinite(data["f"].values), axis=1)
    seen &= data["time"].values > 0
    times, energies = data["time"].values[seen], data["energy"].values
    label = f"time $t$ ({data['time'].attrs['units']})"
    kelvin = f"temperature ({data['electron_temperature'].attrs['units']})"
    with rc_context(STYLE):
        more = "photoemission" in data
        drawn = canvas(ax, 4 if more else 2, 2, (7.2, 10.0 if more else 5.2))
        map_, temperatures, modes, balance = drawn.panels[:4]

        deviation = data["deviation"].values[seen]
        size = max(float(np.max(np.abs(deviation))), 1e-300)
        happens = np.max(np.abs(deviation), axis=0) > 1e-3 * size
        top = energies[np.flatnonzero(happens)[-1]] if happens.any() else energies[-1]
        rows = energies <= top
        rows[:2] = True
        draw_deviation(map_, drawn.root, times, energies[rows], deviation[:, rows])
        map_.set(ylabel=f"energy $E - E_F$ ({data['energy'].attrs['units']})")

        for name, color, text in (
            ("electron_temperature", ORANGE, "electrons"),
            ("lattice_temperature", BLUE, "phonons"),
        ):
            temperatures.plot(times, data[name].values[seen], color=color, label=text)
        for name, color in (("model_electrons", ORANGE), ("model_lattice", BLUE)):
            if name in data:
                values = data[name].values[seen]
                temperatures.plot(times, values, "--", color=color, linewidth=1)
        if "model_electrons" in data:
            temperatures.plot([], [], "--", color=GREY, linewidth=1, label="two temperatures")
        temperatures.axhline(data.attrs["phonon_temperature"], color=GREY, linewidth=0.8, ls=":")
        temperatures.set(ylabel=kelvin)
        if "validity" in data:
            bad = data["validity"].values[seen] < 1
            if bad.any():
                temperatures.axvspan(
                    times[0],
                    float(times[np.flatnonzero(bad)[-1]]),
                    color=GREY,
                    alpha=0.12,
                    linewidth=0,
                    label=r"$\tau_fE_\Sigma < 1$",
                )
        temperatures.legend()

        chosen = shown_modes(data["frequency"].values, data["weight"].values)
        colors = colormaps["viridis"](np.linspace(0, 0.9, max(len(chosen), 1)))
        for k, color in zip(chosen, colors, strict=False):
            values = data["phonon_temperature"].values[seen][:, k]
            modes.plot(times, values, color=color, label=f"{data['frequency'].values[k]:.3g}")
        modes.set(ylabel=f"phonon {kelvin}")
        if len(chosen):
            modes.legend(title=rf"$\omega$ ({data['energy'].attrs['units']})")

        for name, color, line, text in (
            ("electron_energy", ORANGE, "-", "electrons"),
            ("phonon_energy", BLUE, "-", "phonons"),
            ("escaped_energy", GREEN, "-.", "bath"),
            ("absorbed_energy", GREY, "--", "absorbed"),
        ):
            values = data[name].values[seen]
            if np.any(np.abs(values) > 1e-9 * np.max(np.abs(data["electron_energy"].values))):
                balance.plot(times, values, line, color=color, label=text)
        balance.set(ylabel=rf"energy/$2\nu_0$ ({data['energy'].attrs['units']}$^2$)")
        balance.legend()
        # Before a pulse nothing happens.
        moved = np.abs(data["electron_energy"].values[seen])
        begins = times[max(int(np.argmax(moved > 1e-3 * np.max(moved))) - 1, 0)]
        for axes in drawn.panels[:4]:
            axes.set_xscale("log")
            axes.set_xlim(begins, times[-1])
            axes.set_xlabel(label)
        if more:
            happened = seen & (data["time"].values >= begins)
            draw_seen(data.isel(time=np.flatnonzero(happened)), drawn.panels[4:])
        run_heading(drawn, data)
        finish(drawn)
    return drawn.root
