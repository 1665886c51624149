"""δf over energy and time as colours, which two figures have among their panels."""

from typing import Any

import numpy as np
from matplotlib.colors import SymLogNorm

# Linear within this share of the largest |δf|, logarithmic beyond.
_LINEAR = 1e-2


def draw_deviation(axes, root: Any, times, energies, deviation: np.ndarray) -> None:
    """Colours with their bar; only signs that occur take part of it.

    Args:
        axes, root: the panel, and the figure that the bar is added to.
        times (array of shape (time,)), energies (array of shape (energy,)): of the corners.
        deviation (array of shape (time, energy)): f - f0(T0).

    Example:
        >>> from matplotlib.figure import Figure
        >>> root = Figure()
        >>> axes = root.subplots()
        >>> draw_deviation(axes, root, [0.0, 1.0], [1.0, 2.0], np.array([[0.1, 0.2], [0.0, 0.1]]))
        >>> print(axes.collections[0].get_cmap().name, np.round(root.axes[1].get_ylim(), 9))
        Reds [0.  0.2]
    """
    size = max(float(np.max(np.abs(deviation))), 1e-300)
    decade = 10.0 ** np.floor(np.log10(size))
    ticks = [0, decade / 10, decade]
    both = float(np.min(deviation)) < -_LINEAR * size
    mesh = axes.pcolormesh(
        times,
        energies,
        deviation.T,
        cmap="RdBu_r" if both else "Reds",
        norm=SymLogNorm(size * _LINEAR, vmin=-size if both else 0.0, vmax=size),
        shading="gouraud",
        rasterized=True,
    )
    ticks = [-decade, -decade / 10, *ticks] if both else ticks
    bar = root.colorbar(mesh, ax=axes, label=r"$f - f_0(T_0)$", ticks=ticks)
    bar.ax.minorticks_off()
