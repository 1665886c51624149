r"""The least 1 - Σ'[f](E) along a run, between the energies of the grid as well.

Where a metal with a broad spectrum loses its stability, the vector of B(f) is a spike at the least
1 - Σ' = 1 - κ*f', far narrower than a step of the grid. On the grid the spike has to wait until
1 - Σ' is zero at one of its energies; in the limit of a fine grid B(f) loses its positivity once
1 - Σ' is zero anywhere. κ*f' is as smooth as f, so that the grid knows it in between.
"""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.interpolate import CubicSpline

from ..grids.energies import EnergyGrid
from ..grids.kernels import weight_on_grid
from ..grids.sinc import SHIFT_REACH, local_shift_weights
from .equation import KineticEquation

# Points to a step of the grid; a parabola does the rest.
_FINER = 32


def least_weights(
    equation: KineticEquation, grid: EnergyGrid, deviations: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """min over E of 1 - Σ'[f], and that energy, for each row δ = f - f0(T0)."""

    @jax.jit
    def on_grid(deviation):
        weight = weight_on_grid(equation.exchange, equation.temperature, grid, first=0)
        slope = equation.slope.mv(deviation, first=0)
        return weight - equation.exchange.mv_even(slope, first=0)

    rows = np.asarray(jax.lax.map(on_grid, jnp.asarray(deviations)))
    # An even function that ends in a constant.
    padded = np.pad(rows, ((0, 0), (0, SHIFT_REACH)), mode="edge")
    whole = np.concatenate([padded[:, SHIFT_REACH:0:-1], padded], axis=1)
    taps = np.arange(1.0 - SHIFT_REACH, SHIFT_REACH + 1.0)
    fine = np.empty((len(rows), grid.size, _FINER))
    for k in range(_FINER):
        kernel = np.asarray(local_shift_weights(jnp.asarray(taps), k / _FINER))
        windows = np.lib.stride_tricks.sliding_window_view(whole, len(taps), axis=1)
        fine[:, :, k] = windows[:, 1 : grid.size + 1] @ kernel
    fine = fine.reshape(len(rows), -1)
    at = np.clip(np.argmin(fine, axis=1), 1, fine.shape[1] - 2)
    before, here, after = (fine[np.arange(len(rows)), at + d] for d in (-1, 0, 1))
    curvature = before - 2 * here + after
    shift = np.where(curvature > 0, (before - after) / (2 * np.maximum(curvature, 1e-300)), 0.0)
    shift = np.clip(shift, -1, 1)
    least = here + shift * ((after - before) / 2 + shift * curvature / 2)
    return least, (at + shift) * float(grid.step) / _FINER


def first_zero(times: np.ndarray, least: np.ndarray) -> float:
    """When the least 1 - Σ' passes through zero, NaN where it does not; by a cubic spline."""
    below = np.flatnonzero(least <= 0)
    if below.size == 0:
        return float("nan")
    if below[0] == 0:
        return float(times[0])
    k = below[0]
    near = slice(max(k - 4, 0), k + 2)
    spline = CubicSpline(times[near], least[near])
    roots = spline.roots(extrapolate=False)
    inside = roots[(roots >= times[k - 1]) & (roots <= times[k])]
    return float(inside[0]) if inside.size else float(times[k])
