r"""Quadrature nodes and the energy grid of a state, of few shapes.

Peaks have theirs in common: panels of Gauss's rule from ω = 0 to the last tail, with
λ_q = 2α²F(ω_q)w_q/ω_q. How many there are follows from T and the width, not from how many peaks
there are, and where α²F is zero they are there all the same, for the derivative by α²F(ω).
"""

import math
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from ..grids.energies import LARGEST, grid_extent, nodes_for_grid, size_for, thermal_extent
from ..spectra.moments import maximum_frequency
from ..spectra.panels import NODES_PER_STEP, NODES_PER_T, ORDER, bucket, thermal_edges
from ..spectra.peaks import GaussianPeaks
from ..spectra.spectrum import EliashbergFunction
from .state import MOST, Peak, State

_NODE, _WEIGHT = np.polynomial.legendre.leggauss(ORDER)
# The first panel, from ω = 0, ends near this share of the range; the next ones widen from there.
_FIRST = 1e-4
# κ̂ of a Gaussian peak falls as e^{-q²w²/2}: below 1e-9 from q = 6.4/w on.
_BAND = 6.4
# How much more room than is needed at first, so that nothing is compiled while something moves.
_ROOM = 1.5
# Frequencies at which the derivative by the α²F of a scaled spectrum is taken.
PROBES = 96


class Nodes(NamedTuple):
    """What is computed with: the nodes of α²F and the grid for T."""

    omega: Float[np.ndarray, " node"]  # meV
    coupling: Float[np.ndarray, " node"]
    shown: Float[np.ndarray, " shown"]  # indices of nodes, ω ascending, where derivatives are drawn
    smooth: bool
    top: float  # of α²F, meV
    step: float  # meV
    size: int


class Room(NamedTuple):
    """Numbers of nodes and of energies that are compiled for already."""

    nodes: int = 0
    size: int = 0


class PaddedPeaks(NamedTuple):
    """The rows of so many peaks as are compiled for; those that are none have no coupling."""

    omega: Float[np.ndarray, " most"]
    width: Float[np.ndarray, " most"]
    coupling: Float[np.ndarray, " most"]


def padded(peaks: tuple[Peak, ...]) -> PaddedPeaks:
    """Peaks to the fixed number of them.

    Example:
        >>> print(padded((Peak(10.0, 1.0, 0.5),)).coupling)
        [0.5 0.  0.  0.  0.  0.  0.  0. ]
    """
    rows = [(p.omega, p.width, p.coupling) for p in peaks]
    rows += [(*rows[0][:2], 0.0)] * (MOST - len(rows))
    return PaddedPeaks(*np.array(rows).T)


@jax.jit
def couplings_of(
    peaks: PaddedPeaks, omega: Float[Array, " node"], weight: Float[Array, " node"]
) -> Float[Array, " node"]:
    """λ_q = 2α²F(ω_q)w_q/ω_q.

    Args:
        peaks: see `padded`.
        omega (array of shape (node,), meV): ω_q.
        weight (array of shape (node,), meV): of the quadrature.
    """
    return 2 * GaussianPeaks(*peaks).a2f(omega) * weight / omega


@jax.jit
def pulled_back(
    peaks: PaddedPeaks,
    omega: Float[Array, " node"],
    weight: Float[Array, " node"],
    slopes: Float[Array, "quantity node"],
) -> PaddedPeaks:
    """∂Q/∂(ω_p, w_p, λ_p), arrays of shape (quantity, most), from ∂Q/∂λ_q, `slopes`."""
    _, pull = jax.vjp(lambda p: couplings_of(p, omega, weight), peaks)
    return jax.vmap(lambda row: pull(row)[0])(slopes)


def peak_quadrature(
    state: State,
    temperature: float,
    room: Room = Room(),  # noqa: B008
) -> tuple[Float[np.ndarray, " node"], Float[np.ndarray, " node"], float, float, int]:
    """ω_q and w_q for the peaks of a state, with the top of α²F, the step and the size.

    Args:
        state: with peaks.
        temperature (meV): T.
        room: what there is at least.

    Returns:
        (ω_q, w_q, top, ε, L): energies in meV.
    """
    assert state.peaks is not None
    carrying = [p for p in state.peaks if p.coupling > 0] or list(state.peaks)
    # In steps of a quarter of an octave: what is computed for nodes serves while peaks move.
    top = _above(max(p.omega + 8 * p.width for p in carrying))
    step, cutoff = thermal_extent(top, temperature)
    step = min(step, math.pi / _BAND / _above(1 / min(p.width for p in carrying)))
    step, size = _fitted(top, step, cutoff, room.size)
    spacing = min(temperature / NODES_PER_T, step / NODES_PER_STEP)
    ends = np.array([_FIRST * top, top])
    edges = thermal_edges(ends, np.ones(1, dtype=bool), spacing)
    edges[0] = 0.0
    # Spare panels have no width.
    panels = _roomy(len(edges) - 1, room.nodes // ORDER, 16)
    edges = np.pad(edges, (0, panels + 1 - len(edges)), mode="edge")
    centre, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    omega = centre[:, None] + half[:, None] * _NODE[None, :]
    return omega.ravel(), (half[:, None] * _WEIGHT[None, :]).ravel(), top, step, size


def _above(value: float) -> float:
    """The next of numbers that are a quarter of an octave apart."""
    return 2 ** (math.ceil(4 * math.log2(value) - 1e-9) / 4)


def nodes_of_spectrum(
    spectrum: EliashbergFunction,
    temperature: float,
    room: Room = Room(),  # noqa: B008
) -> Nodes:
    """The nodes of a spectrum that is scaled as a whole, with probes of no coupling beside them.

    Args:
        spectrum: an Eliashberg function in meV.
        temperature (meV): T.
        room: see `peak_quadrature`.
    """
    top = float(maximum_frequency(spectrum))
    found = spectrum
    if spectrum.smooth:
        found, _, step, cutoff = nodes_for_grid(spectrum.sampled, temperature)
    else:
        step, cutoff = grid_extent(spectrum, temperature)
    step, size = _fitted(top, step, cutoff, room.size)
    omega, coupling = (np.asarray(x) for x in found.modes())
    if spectrum.smooth:
        more = (0, _roomy(omega.size, room.nodes - PROBES, 64) - omega.size)
        omega, coupling = np.pad(omega, more, mode="edge"), np.pad(coupling, more)
    probes = 1.3 * top * np.arange(1, PROBES + 1) / PROBES
    return Nodes(
        np.append(omega, probes),
        np.append(coupling, np.zeros(PROBES)),
        np.arange(omega.size, omega.size + PROBES),
        spectrum.smooth,
        top,
        step,
        size,
    )


def _fitted(top, step, cutoff, least) -> tuple[float, int]:
    """The step and the size, one of few, that step and cutoff need; as coarse as it must be."""
    size = min(_roomy(math.ceil(size_for(top, step, cutoff)), least, 128), LARGEST)
    return max(step, cutoff / size), size


def _roomy(needed: int, least: int, smallest: int) -> int:
    """What there is already if it is enough, else what is needed and room beside it."""
    return least if needed <= least else bucket(math.ceil(_ROOM * needed), smallest)
