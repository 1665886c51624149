"""Four panels of what experiments see of a run, drawn from its dataset."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps

if TYPE_CHECKING:
    import xarray as xr

# Modes that are drawn as curves, at most, and times.
_MODES, _TIMES = 6, 5
# Intensities are drawn from this share of their largest on.
_LEAST = 1e-5


def shown_modes(omega: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Some of the modes with weight, in ascending order, each for as many phonons as the others.

    Example:
        >>> shown_modes(np.arange(100.0), np.ones(100)).tolist()
        [8, 24, 41, 58, 74, 91]
    """
    order = np.argsort(omega)
    weight = weight[order]
    order, weight = order[weight > 0], weight[weight > 0]
    if len(order) <= _MODES:
        return order
    share = np.cumsum(weight) / np.sum(weight)
    middles = (np.arange(_MODES) + 0.5) / _MODES
    return order[np.unique(np.searchsorted(share, middles))]


def draw_seen(data: "xr.Dataset", panels: Any) -> None:
    """The energy flow by ω, f as photoemission sees it, the line at the Fermi momentum, Δ(1/τ).

    Args:
        data: the times with a state above zero of a run with its observables.
        panels: four axes.
    """
    flow, occupied, line, optical = panels
    unit = {name: data[name].attrs["units"] for name in ("time", "energy", "frequency")}
    times = data["time"].values
    _draw_flow(flow, data, unit)
    for k, color in _times(data):
        label = f"{times[k]:.2g}"
        energies = data["seen_energy"].values
        occupied.plot(energies, data["photoemission"].values[k], color=color, label=label)
        line.plot(energies, data["photoemission_lines"].values[k, 0], color=color)
        optical.plot(data["light_energy"], data["optical_rate_change"].values[k], color=color)
    # What resolution and rounding leave below the axis is not seen.
    occupied.set(yscale="log", ylim=(_LEAST, 2), ylabel="photoemission, all momenta")
    occupied.legend(title=f"$t$ ({unit['time']})")
    line.set(ylabel=rf"$A(k_F, E)\,f$ ({data['photoemission_lines'].attrs['units']})")
    line.set(ylim=(0, None))
    optical.axhline(0.0, color="black", linewidth=0.6)
    optical.set(xlabel=rf"light $\Omega$ ({data['light_energy'].attrs['units']})")
    optical.set(ylabel=rf"$\Delta(1/\tau)$ ({data['optical_rate_change'].attrs['units']})")
    wide = 0.5 * float(data["seen_energy"].values[-1])
    for axes in (occupied, line):
        axes.set(xlim=(-wide, wide), xlabel=f"energy $E - E_F$ ({unit['energy']})")


def _draw_flow(axes, data, unit) -> None:
    """Into each mode or, where they are many, into groups of equal strength."""
    times, omega = data["time"].values, data["frequency"].values
    values = data["energy_flow"].values
    order = np.argsort(omega)
    # Modes in groups of equal strength at the time at which most flows.
    strength = np.abs(values[np.argmax(np.abs(np.sum(values, axis=1)))])[order]
    share = np.cumsum(strength) / max(np.sum(strength), 1e-300)
    if len(order) <= _MODES:
        groups = [order[k : k + 1] for k in range(len(order))]
    else:
        edges = np.searchsorted(share, np.linspace(0, 1, _MODES + 1)[1:-1])
        groups = [g for g in np.split(order, edges + 1) if len(g)]
    colors = colormaps["viridis"](np.linspace(0, 0.9, len(groups)))
    for group, color in zip(groups, colors, strict=True):
        low, high = omega[group].min(), omega[group].max()
        low = low if low > 1e-3 * high else 0.0
        label = f"{low:.3g}" if low == high else f"{low:.3g}…{high:.3g}"
        axes.plot(times, np.sum(values[:, group], axis=1), color=color, label=label)
    axes.axhline(0.0, color="black", linewidth=0.6)
    axes.set(xscale="log", xlim=(times[0], times[-1]), xlabel=f"time $t$ ({unit['time']})")
    axes.set(ylabel=rf"flow to phonons$/2\nu_0$ ({unit['energy']}$^2$/{unit['time']})")
    axes.legend(title=rf"$\omega$ ({unit['frequency']})")


def _times(data):
    """Indices of some times, evenly in the logarithm of the energy that is left, with colours."""
    size = np.abs(data["electron_energy"].values)
    largest = int(np.argmax(size))
    after = np.log(np.maximum(size[largest:], 1e-2 * size[largest]))
    levels = np.linspace(after[0], after[-1], _TIMES)
    rows = largest + np.unique([int(np.argmin(np.abs(after - level))) for level in levels])
    return list(zip(rows, colormaps["viridis"](np.linspace(0, 0.9, len(rows))), strict=True))
