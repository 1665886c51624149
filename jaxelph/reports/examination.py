"""A spectrum examined at many temperatures: margins, critical couplings, rates, edges.

The physics is that of `stability_pencil`, `minimum_weight` and so on. What is added is the
economy: temperatures share one compiled function, since a grid's step is traced, and only
those eigenvalues are computed that are asked for. The grid's step is proportional to T, so
that a size that suffices at the lowest temperature does at all higher ones.
"""

import contextlib
import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
import scipy.optimize

from ..blas import one_blas_thread
from ..critical import CRITERIA
from ..grid import (
    HALF_WINDOW,
    EnergyGrid,
    FoldedConvolution,
    coupling_kernel,
    grid_extent,
    interpolate_oversampled,
    minimum_weight_on_grid,
    size_for,
    weight_on_grid,
)
from ..modes import normal_modes
from ..refined import RefinedGrid
from ..spectrum import EliashbergFunction
from ..stability import continuum_rate, margin_form, stability_pencil, two_temperature_rate
from ..thermodynamics import specific_heat_ratio
from ..units import KELVIN, mev_to_per_ps

Progress = Callable[[int, int], None]

# The search for the edges looks at this many temperatures from 1/64 of the top of the
# spectrum (or the lowest asked for) to the top.
_SCAN = 20

# Up to this size one grid serves all temperatures, above it each only those up to four times
# its lowest; and no dense grid is larger than the last.
_COMMON, _LARGEST = 600, 3000


@functools.partial(jax.jit, static_argnames="size")
def _sample(spectrum, temperature, step, size, energies):
    """Everything at one temperature but eigenvalues; Z0⁻¹ on `energies` up to 1.5 ω_max."""
    grid = EnergyGrid(step, size)
    weight, energy = minimum_weight_on_grid(spectrum, temperature, grid)
    grid = grid.aligned(energy)
    pencil = stability_pencil(spectrum, temperature, grid)
    # For `grid_error`, whose grid this is but for a cutoff that is higher than need be.
    coarse = EnergyGrid(1.5 * grid.step, size).aligned(energy)

    def form(step):
        """Whose lowest eigenvalue is the margin, and its energies."""
        grid = EnergyGrid(step, size)
        suited = RefinedGrid.if_smooth(spectrum, temperature, grid, centre=energy)
        found = margin_form(spectrum, temperature, suited)
        return found.A, found.energies

    # The grid reaches beyond the top of the spectrum, three times as many half-steps beyond 1.5.
    fine = EnergyGrid(0.5 * grid.step, 3 * size + HALF_WINDOW)
    exchange = FoldedConvolution(coupling_kernel(spectrum, fine))
    shown = weight_on_grid(exchange, temperature, fine, first=0)
    # One after the other: compiled once.
    forms, nodes = jax.lax.map(form, jnp.stack([grid.step, coarse.step]))
    matrices = {
        "A": (pencil.A, grid.energies),
        "M": (pencil.M, grid.energies),
        "form": (forms[0], nodes[0]),
        "coarse": (forms[1], nodes[1]),
    }
    numbers = {
        "inverse_weight": interpolate_oversampled(shown, energies / fine.step),
        "weight": weight,
        "energy": energy,
        "step": grid.step,
        "heat": specific_heat_ratio(spectrum, temperature),
        "flow": two_temperature_rate(spectrum, temperature),
        "continuum": continuum_rate(spectrum, temperature),
    }
    return {"matrices": matrices, "numbers": numbers}


class Examination:
    """The numbers of a `Report`, computed on construction.

    Args:
        spectrum: an Eliashberg function in meV.
        coupling: its λ.
        top (meV): its `maximum_frequency`.
        temperatures (array of shape (temperature,), K): ascending.
        rtol: see `EnergyGrid.suggest`.
        progress: called with (steps done, steps in all).

    Raises:
        ValueError: the lowest temperature needs too large a grid.
    """

    columns: dict  # fields of `Report` that depend on temperature
    edges: dict[str, float | None]  # K
    scanned: tuple[float, float]  # K

    def __init__(
        self,
        spectrum: EliashbergFunction,
        coupling: float,
        top: float,
        temperatures: np.ndarray,
        rtol: float,
        progress: Progress | None,
    ):
        self._coupling, self._top, self._rtol = coupling, top, rtol
        # A single Einstein mode conserves the particle number of each ladder: M has null vectors.
        self._single = np.unique(np.asarray(spectrum.modes()[0])).size == 1
        asked = KELVIN * temperatures
        low = min(asked[0], top / 64)
        scan = np.geomspace(low, max(top, asked[-1]), _SCAN)
        every = np.union1d(asked, scan)
        self._grids = _make_grids(every, top, rtol)
        self._spectrum = spectrum.resolved(low)

        self._energies = _plot_energies(top, asked[0])
        self._done, self._all, self._progress = 0, len(every) + 16, progress
        rows, margins = [], {}
        # BLAS's threads stay busy for a while after each call, and most matrices are small.
        small = self._grids[0][2] <= _COMMON
        with one_blas_thread() if small else contextlib.nullcontext():
            for t, sample in self._samples(every):
                if t in asked:
                    rows.append(self._row(t, sample))
                    margins[t] = {name: rows[-1][name] for name in CRITERIA}
                else:
                    margins[t] = _margins(sample)
            self._collect(rows)
            self.edges = {name: self._edge(name, margins) for name in CRITERIA}
        self.scanned = (float(min(margins)) / KELVIN, float(max(margins)) / KELVIN)
        self._advance(self._all)

    def _advance(self, done):
        self._done = min(done, self._all)
        if self._progress is not None:
            self._progress(self._done, self._all)

    def _samples(self, temperatures):
        """Each temperature with its sample, the next one being computed meanwhile."""
        ahead = None
        for t in temperatures:
            begun = self._begin(t)
            if ahead is not None:
                yield ahead[0], self._finish(*ahead)
            ahead = t, begun
        if ahead is not None:
            yield ahead[0], self._finish(*ahead)

    def _sample(self, temperature):
        return self._finish(temperature, self._begin(temperature))

    def _begin(self, temperature):
        _, ratio, size = [grid for grid in self._grids if grid[0] <= 1.001 * temperature][-1]
        # A Python float would be weakly typed, and compiled for once more.
        temperature, step = np.float64(temperature), np.float64(ratio * temperature)
        return _sample(self._spectrum, temperature, step, size, self._energies)

    def _finish(self, temperature, begun):
        found = {name: np.asarray(value) for name, value in begun["numbers"].items()}
        # The size compiled for serves the lowest temperature; most others need less of it.
        _, cutoff = grid_extent(self._top, temperature, self._rtol)
        for name, (matrix, energies) in begun["matrices"].items():
            count = np.searchsorted(np.asarray(energies), cutoff) + 1
            found[name] = np.asarray(matrix)[:count, :count]
        self._advance(self._done + 1)
        return found | {"size": len(found["A"])}

    def _row(self, temperature, found):
        kinetic, rough = _lowest(found["form"]), _lowest(found["coarse"])
        # The grid's own form is no softer; where it is less soft, a spike falls between its nodes.
        growing = int(np.sum(scipy.linalg.eigvalsh(found["A"]) < 0)) if kinetic < 0 else 0
        critical = self._critical(kinetic)
        error = abs(critical - self._critical(rough)) if critical < np.inf else np.nan
        row = found | {
            "kinetic": kinetic,
            "growing": max(growing, int(kinetic < 0)),
            "error": error,
            "slowest": self._slowest(found, temperature),
        }
        return {name: row[name] for name in row if name not in ("A", "M", "form", "coarse")}

    def _critical(self, margin):
        # Each margin is 1 + λ·(number), see `critical_coupling`.
        return self._coupling / (1 - margin) if margin < 1 else np.inf

    def _slowest(self, found, temperature):
        """The smallest γ > 0 of γ A u = M u or the edge of the continuum, see `slowest_rate`."""
        size, edge = found["size"], float(found["continuum"])
        if self._single:
            grid = EnergyGrid(found["step"], 16 * math.ceil(size / 16))
            return min(edge, float(normal_modes(self._spectrum, temperature, grid).slowest))
        try:
            # The largest μ = 1/γ, M being definite as a rule.
            largest = scipy.linalg.eigh(
                found["A"], found["M"], eigvals_only=True, subset_by_index=[size - 1, size - 1]
            )[0]
        except np.linalg.LinAlgError:
            return np.nan
        if largest <= 0:
            return edge
        # Rounding in M hides what is slower than this, far below the lowest phonon.
        hidden = 1 / largest < 1e-9 * np.max(np.diag(found["M"]))
        return np.nan if hidden else min(edge, 1 / largest)

    def _collect(self, rows):
        def column(name):
            return np.array([row[name] for row in rows], dtype=float)

        margins = {name: column(name) for name in CRITERIA}
        self.columns = {
            "specific_heat": margins["heat"],
            "weight_minimum": margins["weight"],
            "weight_energy": column("energy"),
            "margin": margins["kinetic"],
            "growing": np.array([row["growing"] for row in rows]),
            "critical": {
                name: np.array([self._critical(value) for value in values])
                for name, values in margins.items()
            },
            "grid_error": column("error"),
            "slowest_rate": mev_to_per_ps(column("slowest")),
            "two_temperature_rate": mev_to_per_ps(column("flow")),
            "grid_step": column("step"),
            "grid_size": np.array([row["size"] for row in rows]),
            "energies": self._energies,
            "inverse_weight": np.stack([row["inverse_weight"] for row in rows]),
        }

    def _edge(self, criterion, margins):
        """The highest temperature (K) at which a margin changes sign, None if it does not."""
        # Strong coupling may be unstable above the top of the spectrum: go on until it is not.
        for _ in range(60):
            if margins[max(margins)][criterion] > 0:
                break
            hotter = 1.3 * max(margins)
            margins[hotter] = _margins(self._sample(hotter))
        falling = sorted(margins, reverse=True)
        for high, low in zip(falling, falling[1:], strict=False):
            if margins[high][criterion] > 0 >= margins[low][criterion]:
                return self._root(criterion, low, high) / KELVIN
        return None

    def _root(self, criterion, low, high):
        def margin(log_t):
            return float(_margins(self._sample(math.exp(log_t)))[criterion])

        root = scipy.optimize.brentq(margin, math.log(low), math.log(high), xtol=1e-6)
        return math.exp(root)  # pyright: ignore[reportArgumentType]


def _lowest(matrix):
    return scipy.linalg.eigvalsh(matrix, subset_by_index=[0, 0])[0]


def _margins(found):
    return {"weight": found["weight"], "heat": found["heat"], "kinetic": _lowest(found["form"])}


def _make_grids(temperatures, top, rtol):
    """(lowest temperature, step over temperature, size) of each grid."""
    grids, bound = [], -np.inf
    for t in temperatures:
        if t <= bound:
            continue
        step, cutoff = grid_extent(top, t, rtol)
        needed = math.ceil(size_for(top, step, cutoff))  # `_sample` aligns the step itself
        if needed > _LARGEST:
            raise ValueError(
                f"temperatures: {t / KELVIN:g} K would need an energy grid of {needed} "
                f"points; the lowest that is possible for this spectrum is about "
                f"{t / KELVIN * needed / _LARGEST:.2g} K."
            )
        grids.append((t, step / t, 16 * math.ceil(needed / 16)))
        bound = np.inf if needed <= _COMMON else 4 * t
    return grids


def _plot_energies(top, lowest):
    """Energies for Z0⁻¹(E): half as far again as the spectrum, fine enough for the lowest T."""
    count = int(np.clip(math.ceil(1.5 * top / (lowest / 2.5)), 120, 400))
    return np.linspace(0, 1.5 * top, count + 1)
