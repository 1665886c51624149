"""An evolution as a labelled dataset and as a figure, in any units."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from .evolve import Evolution


def outcome(evolution: "Evolution") -> str:
    """The name of the run's result: completed, unstable or failed."""
    from .evolve import RESULTS

    for name in ("completed", "unstable"):
        if bool(evolution.result == getattr(RESULTS, name)):
            return name
    return "failed"


def evolution_dataset(
    evolution: "Evolution",
    *,
    per_time: float = 1.0,
    per_temperature: float = 1.0,
    time_unit: str = "1/energy, rescaled by π",
    energy_unit: str = "energy",
    temperature_unit: str = "energy",
) -> "xr.Dataset":
    """The run with dimensions time and energy and units in the attributes.

    Args:
        evolution: one run.
        per_time, per_temperature: what one unit of the run's time and temperature is in
            the units of the dataset.
        time_unit, energy_unit, temperature_unit: their names.
    """
    import xarray as xr

    if evolution.f.ndim != 2:
        raise ValueError(
            "a dataset holds one run; of a batch, take one with "
            "jax.tree.map(lambda leaf: leaf[k], batch)."
        )
    temperature = np.asarray(evolution.temperature) * per_temperature
    data = xr.Dataset(
        {
            "f": (
                ("time", "energy"),
                np.asarray(evolution.f),
                {"long_name": "electron distribution", "units": "1"},
            ),
            "deviation": (
                ("time", "energy"),
                np.asarray(evolution.deviation),
                {"long_name": "f - f0(T0)", "units": "1"},
            ),
            "electron_temperature": (
                "time",
                temperature,
                {
                    "long_name": "temperature of a Fermi distribution with the same kinetic energy",
                    "units": temperature_unit,
                },
            ),
            "electron_energy": (
                "time",
                np.asarray(evolution.energy),
                {
                    "long_name": "energy above equilibrium over twice the density of states, "
                    "interaction included",
                    "units": f"({energy_unit})^2",
                },
            ),
            "energy_error": (
                "time",
                np.asarray(evolution.energy_error),
                {"long_name": "energy balance error over the largest energy", "units": "1"},
            ),
        },
        coords={
            "time": ("time", np.asarray(evolution.times) * per_time, {"units": time_unit}),
            "energy": ("energy", np.asarray(evolution.energies), {"units": energy_unit}),
        },
        attrs={
            "equation": "(1 - Σ'[f]) ∂f/∂t + f' ∂Σ[f]/∂t = I[f], phonons in equilibrium at T0",
            "phonon_temperature": float(evolution.equation.temperature) * per_temperature,
            "result": outcome(evolution),
            "reached": float(evolution.reached) * per_time,
            "grid_step": float(evolution.grid.step),
            "grid_size": int(evolution.grid.size),
            "steps_accepted": int(evolution.stats["num_accepted_steps"]),
            "steps_rejected": int(evolution.stats["num_rejected_steps"]),
        },
    )
    return data


def evolution_figure(
    evolution: "Evolution",
    data: "xr.Dataset | None" = None,
    symbols: tuple[str, ...] = ("", "", ""),
    *,
    cooling: Mapping[str, float] | None = None,
) -> "Figure":
    """f at a few times, δf over energy and time, and T_e(t), side by side.

    Args:
        evolution: one run.
        data: its dataset in the units of the figure, that of `evolution_dataset` if left out.
        symbols: the units of time, energy and temperature as the axes are to name them.
        cooling: rates by name; an exponential with each is drawn beside T_e(t).
    """
    from matplotlib import colormaps, rc_context
    from matplotlib.colors import SymLogNorm
    from matplotlib.figure import Figure

    from ..plotting import BLUE, GREEN, GREY, ORANGE, STYLE

    data = evolution_dataset(evolution) if data is None else data
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
    top = max(top, 4 * float(evolution.equation.temperature))
    with rc_context(STYLE):
        figure = Figure(figsize=(7.2, 2.7), layout="constrained")
        left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1.35, 1))

        # The distribution is odd about E = 0: its mirror image is drawn as well.
        whole = np.concatenate([-energies[::-1], [0.0], energies])
        chosen = np.unique(np.linspace(0, len(times) - 1, min(5, len(times))).round().astype(int))
        colors = colormaps["viridis"](np.linspace(0, 0.9, len(chosen)))
        for k, color in zip(chosen, colors, strict=True):
            values = np.concatenate([1 - f[k, ::-1], [0.5], f[k]])
            left.plot(whole, values, color=color, label=f"{times[k]:.3g}")
        left.set(xlim=(-top, top), ylim=(-0.02, 1.02), xlabel=energy_label)
        left.set_ylabel("distribution $f(E)$")
        left.legend(title=f"$t$ ({symbols[0]})" if symbols[0] else "$t$", loc="lower left")

        size = max(float(np.max(np.abs(deviation))), 1e-300)
        if len(times) > 1:
            fine = np.linspace(0, min(top, energies[-1]), 257)
            mesh = middle.pcolormesh(
                times,
                fine,
                _sinc_series(deviation, fine / energies[0]).T,
                cmap="RdBu_r",
                norm=SymLogNorm(size * 1e-2, vmin=-size, vmax=size),
                shading="gouraud",
                rasterized=True,
            )
            decade = 10.0 ** np.floor(np.log10(size))
            ticks = [-decade, -decade / 10, 0, decade / 10, decade]
            figure.colorbar(mesh, ax=middle, label=r"$f - f_0(T_0)$", ticks=ticks)
            middle.set_xlabel(time_label)
        else:
            middle.plot(deviation[0], energies, color=ORANGE)
            middle.set_xlabel(r"$f - f_0(T_0)$")
        middle.set(ylim=(0, top), ylabel=energy_label)

        kelvin = data["electron_temperature"].values[seen]
        cold = data.attrs["phonon_temperature"]
        alone = "o" if len(times) == 1 else "-"
        right.plot(times, kelvin, alone, color=ORANGE, label="electrons")
        styles = ((BLUE, "--"), (GREEN, "-."))
        models = (cooling or {}).items() if len(times) > 1 else ()
        for (name, rate), (color, line) in zip(models, styles, strict=False):
            model = cold + (data.attrs["electron_temperature_at_start"] - cold) * np.exp(
                -rate * times
            )
            right.plot(times, model, line, color=color, linewidth=1, label=name)
        right.axhline(cold, color=GREY, linewidth=0.8, linestyle=":", label="phonons")
        low, high = sorted((cold, kelvin[0]))
        highest = max(high, float(np.max(kelvin)))
        # A run that is cut off fills the panel: room for the legend above it.
        room = 0.06 if data.attrs["result"] == "completed" else 0.7
        right.set_ylim(low - 0.06 * (highest - low), highest + room * (highest - low))
        right.set(xlabel=time_label, ylabel=temperature_label)
        if data.attrs["result"] == "unstable":
            for axes in (middle, right) if len(times) > 1 else (right,):
                axes.axvline(data.attrs["reached"], color="black", linewidth=1, linestyle="--")
            right.plot([], [], "--", color="black", linewidth=1, label="$B(f)$ indefinite")
        right.legend(loc="upper right" if kelvin[0] > cold else "lower right", handlelength=1.6)
        for axes, letter in zip((left, middle, right), "abc", strict=True):
            axes.set_title(f"({letter})", loc="left", fontweight="bold")
    return figure


def _sinc_series(odd: np.ndarray, x: np.ndarray) -> np.ndarray:
    """An odd function given at 1…L, a row a time, at the points x between: what the grid means."""
    n = np.arange(1, odd.shape[1] + 1)
    return odd @ (np.sinc(x[None, :] - n[:, None]) - np.sinc(x[None, :] + n[:, None]))
