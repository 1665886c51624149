r"""One step along a gradient, under the bound that the margin sets.

As in a design, a peak's parameters are θ = (ln ω, λ over the total λ), and w/ω stays. To raise T_c
is to go along ∇ln T_c as long as margin ≥ m, then along what of it does not lower the margin,

    d = g - n (g·n)/(n·n),        g = ∇ln T_c,  n = ∇margin,

and to make the metal stable is to go along n. A spectrum that is scaled has θ = ln s alone.
"""

import dataclasses
from typing import Literal

import jax
import numpy as np

from .numbers import Numbers
from .state import FACTORS, Peak, State, rounded

Aim = Literal["stable", "tc"]

#: The longest step in any parameter, and how many a button takes.
STRIDE, STEPS = 0.04, 12
# How far above the bound the margin is kept, and what of a gradient counts as none.
_ABOVE, _NOTHING = 1e-3, 2e-3


def step(found: Numbers, aim: Aim, top: float) -> State | None:
    """The next state on the way, None where there is nothing left to gain.

    Args:
        found: the numbers of the state that it starts from.
        aim: "stable", or "tc" to raise T_c while the margin is `State.least` at least.
        top (meV): the end of the axis, which keeps the peaks.
    """
    state = found.state
    g, n = (_by_parameters(state, slopes) for slopes in found.slopes)
    move = _towards(g, n, found.margins["kinetic"] - state.least, aim)
    if move is None:
        return None
    new = _moved(state, move, top)
    return None if new == state else new


def _towards(g, n, slack, aim):
    square = float(n @ n)
    if slack < 0 or aim == "stable":
        if slack >= 0 or square == 0:
            return None
        return _limited(n * (_ABOVE - slack) / square)
    if not np.any(g) or not np.all(np.isfinite(g)):
        return None
    if g @ n < 0 and slack < 2 * _ABOVE:
        along = g - n * (g @ n) / square
        if np.linalg.norm(along) < _NOTHING * np.linalg.norm(g):
            return None
        move = STRIDE * along / np.max(np.abs(along))
        return _limited(move + n * (_ABOVE - slack) / square)
    move = STRIDE * g / np.max(np.abs(g))
    falls = -float(move @ n)
    return move if falls <= slack - _ABOVE else move * (slack - _ABOVE) / falls


def _limited(move):
    return move * min(1.0, STRIDE / np.max(np.abs(move)))


def _by_parameters(state: State, slopes: np.ndarray) -> np.ndarray:
    """Slopes by θ from those by (ω, w, λ), or by ln s."""
    if state.peaks is None:
        return np.reshape(slopes, 1)
    rows = np.array([dataclasses.astuple(peak) for peak in state.peaks])
    by_frequency = rows[:, 0] * slopes[:, 0] + rows[:, 1] * slopes[:, 1]
    return np.concatenate([by_frequency, np.sum(rows[:, 2]) * slopes[:, 2]])


def _moved(state: State, move: np.ndarray, top: float) -> State:
    if state.peaks is None:
        factor = float(np.clip(state.factor * np.exp(move[0]), *FACTORS))
        return dataclasses.replace(state, factor=rounded(factor))
    count = len(state.peaks)
    total = sum(peak.coupling for peak in state.peaks)
    peaks = tuple(
        Peak(
            peak.omega * np.exp(move[k]),
            peak.width * np.exp(move[k]),
            peak.coupling + total * move[count + k],
        ).kept(top)
        for k, peak in enumerate(state.peaks)
    )
    return dataclasses.replace(state, peaks=peaks)


def pulls(found: Numbers) -> tuple[np.ndarray, np.ndarray]:
    """∂Q/∂(ω_p, h_p) of ln T_c and of the margin, arrays of shape (peak, 2).

    Where a peak is to be pulled: h_p is its height, its width stays.

    Args:
        found: of a state with peaks.
    """
    assert found.state.peaks is not None
    rows = np.array([dataclasses.astuple(peak) for peak in found.state.peaks])
    # λ = h u(ω, w)
    unit, by_omega = (np.asarray(x) for x in _unit(rows[:, 0], rows[:, 1]))
    tc, margin = (
        np.stack([s[:, 0] + s[:, 2] * rows[:, 2] * by_omega / unit, s[:, 2] * unit], axis=1)
        for s in found.slopes
    )
    return tc, margin


@jax.jit
def _unit(omega, width):
    """u, λ over height, and ∂u/∂ω."""
    from ..spectra.peaks import GaussianPeaks

    def one(omega, width):
        peak = GaussianPeaks(omega[None], width[None], np.ones(1))
        return 1 / peak.a2f(omega[None])[0]

    return jax.vmap(jax.value_and_grad(one))(omega, width)
