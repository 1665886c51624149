"""An evolution as a labelled dataset and as a figure, in any units."""

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
) -> "Figure":
    """f at a few times, δf over energy and time, and T_e(t), side by side.

    Args:
        evolution: one run.
        data: its dataset in the units of the figure, that of `evolution_dataset` if left out.
        symbols: the units of time, energy and temperature as the axes are to name them.
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import SymLogNorm

    data = evolution_dataset(evolution) if data is None else data
    time_label, energy_label, temperature_label = (
        f"{name} ({unit})" if unit else name
        for name, unit in zip(("$t$", "$E$", "$T_e$"), symbols, strict=True)
    )
    seen = np.all(np.isfinite(data["f"].values), axis=1)
    times, f = data["time"].values[seen], data["f"].values[seen]
    deviation, energies = data["deviation"].values[seen], data["energy"].values
    figure, (left, middle, right) = plt.subplots(
        1, 3, figsize=(11, 3.3), layout="constrained", width_ratios=(1, 1.3, 1)
    )
    # The distribution is odd about E = 0: the energies where something happens, mirrored.
    happens = np.max(np.abs(deviation), axis=0) > 1e-3 * np.max(np.abs(deviation))
    top = energies[min(np.flatnonzero(happens)[-1] + 1, len(energies) - 1)] if happens.any() else 0
    top = max(top, 4 * float(evolution.equation.temperature))
    whole = np.concatenate([-energies[::-1], [0.0], energies])
    chosen = np.unique(np.linspace(0, len(times) - 1, min(5, len(times))).round().astype(int))
    colors = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(chosen)))
    for k, color in zip(chosen, colors, strict=True):
        values = np.concatenate([1 - f[k, ::-1], [0.5], f[k]])
        left.plot(whole, values, color=color, lw=1.3, label=f"{times[k]:.3g}")
    left.set(xlim=(-top, top), ylim=(-0.02, 1.02), xlabel=energy_label, ylabel="$f(E)$")
    left.legend(title=time_label, fontsize=8, title_fontsize=8, frameon=False)
    size = max(float(np.max(np.abs(deviation))), 1e-300)
    if len(times) > 1:
        mesh = middle.pcolormesh(
            times,
            energies,
            deviation.T,
            cmap="RdBu_r",
            norm=SymLogNorm(size * 1e-2, vmin=-size, vmax=size),
            shading="gouraud",
            rasterized=True,
        )
        figure.colorbar(mesh, ax=middle, label=r"$\delta f = f - f_0(T_0)$")
    middle.set(ylim=(energies[0], top), xlabel=time_label, ylabel=energy_label)
    right.plot(times, data["electron_temperature"].values[seen], color="C3")
    cold = data.attrs["phonon_temperature"]
    right.axhline(cold, color="0.5", lw=1, ls="--", label="phonons")
    right.set(xlabel=time_label, ylabel=temperature_label)
    if data.attrs["result"] == "unstable":
        for axes in (middle, right):
            axes.axvline(data.attrs["reached"], color="k", lw=1, ls=":")
        right.plot([], [], color="k", lw=1, ls=":", label="$B(f)$ loses positivity")
    right.legend(fontsize=8, frameon=False)
    for axes, name in zip((left, middle, right), "abc", strict=True):
        axes.set_title(f"({name})", loc="left", fontsize=10)
    return figure
