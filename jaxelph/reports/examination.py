"""A spectrum examined at many temperatures: margins, critical couplings, rates, edges.

The physics is that of `stability_pencil`, `minimum_weight` and so on. What is added is the
economy: temperatures share one compiled function, since a grid's step is traced, and only
those eigenvalues are computed that are asked for. The grid's step is proportional to T, so
that a size that suffices at the lowest temperature does at all higher ones.
"""

import contextlib
import logging
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.linalg
import scipy.optimize

from ..grids.energies import EnergyGrid, grid_extent, nodes_for_grid, size_for, thermal_extent
from ..numerics.blas import one_blas_thread
from ..spectra.panels import ORDER, bucket
from ..spectra.spectrum import EliashbergFunction
from ..spectra.table import QuadratureNodes
from ..stability.activated import slow_size
from ..stability.critical import CRITERIA
from ..stability.modes import least_resolved, slowest_rate
from ..thermodynamics.specific_heat import stability_parameter
from ..units import KELVIN, mev_to_per_ps
from .sample import sample

Progress = Callable[[int, int], None]

_LOGGER = logging.getLogger(__name__)

# The search for the edges looks at this many temperatures from 1/64 of the top of the
# spectrum (or the lowest asked for) to the top.
_SCAN = 20

# Up to this size one grid serves all temperatures, above it each only those up to four times
# its lowest; and no dense grid is larger than the last.
_COMMON, _LARGEST = 512, 3000

# The least eigenvalue of M̃ over its diagonal from which rates are known to 1e-10.
_DEFINITE = 1e-6


class Examination:
    """The numbers of a `Report`, computed on construction.

    Args:
        spectrum: an Eliashberg function in meV.
        coupling: its λ.
        top (meV): its `maximum_frequency`.
        temperatures (array of shape (temperature,), K): ascending.
        rtol: see `EnergyGrid.suggest`.
        progress: called with (steps done, steps in all).
        least_heat: gives T_ξ (energy), where `spectrum.sampled()` has its least C_el.

    Raises:
        ValueError: the lowest temperature needs too large a grid.
    """

    columns: dict  # fields of `Report` that depend on temperature
    windows: dict[str, tuple[tuple[float | None, float], ...]]  # of instability, K
    scanned: tuple[float, float]  # K

    def __init__(
        self,
        spectrum: EliashbergFunction,
        coupling: float,
        top: float,
        temperatures: np.ndarray,
        rtol: float,
        progress: Progress | None,
        least_heat: Callable[[], float],
    ):
        self._coupling, self._top, self._rtol = coupling, top, rtol
        asked = KELVIN * temperatures
        low = min(asked[0], top / 64)
        scan = np.geomspace(low, max(top, asked[-1]), _SCAN)
        every = np.union1d(asked, scan)
        with one_blas_thread():
            self._grids = _make_grids(spectrum, every, top, rtol)
        # Nodes for the coldest, and the few that the specific heat needs at any temperature.
        self._spectrum, self._coarse = self._grids[0].spectra[0], spectrum.sampled()

        # A single Einstein mode conserves the particle number of each ladder: M has null vectors.
        self._single = np.unique(np.asarray(self._spectrum.modes()[0])).size == 1
        self._energies = _plot_energies(top, asked[0])
        self._done, self._all, self._progress = 0, len(every) + 16, progress
        rows, margins = [], {}
        # BLAS's threads stay busy for a while after each call, and most matrices are small.
        small = max(grid.size for grid in self._grids) <= _COMMON
        with one_blas_thread() if small else contextlib.nullcontext():
            for t, sample in self._samples(every, asked):
                if t in asked:
                    rows.append(self._row(t, sample))
                    margins[t] = {name: rows[-1][name] for name in CRITERIA}
                else:
                    margins[t] = _margins(sample)
                del sample  # before the next is computed: matrices of thousands of energies
            self._collect(rows)
            self._least_heat = least_heat()
            if self._heat(self._least_heat) <= 0 and self._least_heat >= min(margins):
                # The kinetic margin is no greater, and may be so between the others.
                margins[self._least_heat] = _margins(self._sample(self._least_heat))
            self.windows = {name: self._windows(name, margins) for name in CRITERIA}
        self.scanned = (float(min(margins)) / KELVIN, float(max(margins)) / KELVIN)
        self._advance(self._all)

    def _advance(self, done):
        self._done = min(done, self._all)
        if self._progress is not None:
            self._progress(self._done, self._all)

    def _samples(self, temperatures, asked):
        """Each temperature with its sample, the next one, if small, being computed meanwhile.

        Whole it is at those asked for, elsewhere it serves the margins.
        """
        begun = []

        def finished():  # nothing here keeps its matrices
            t, sample = begun.pop(0)
            return t, self._finish(t, sample)

        for t in temperatures:
            if begun and self._grid(t)[1] > _COMMON:
                yield finished()
            begun.append((t, self._begin(t, t in asked)))
            if len(begun) > 1:
                yield finished()
        if begun:
            yield finished()

    def _sample(self, temperature):
        """What the margins need."""
        return self._finish(temperature, self._begin(temperature, whole=False))

    def _begin(self, temperature, whole):
        _, cutoff = thermal_extent(self._top, temperature, self._rtol)
        step, size, spectra = self._grid(temperature)
        # A Python float would be weakly typed, and compiled for once more.
        temperature, step = np.float64(temperature), np.float64(max(step, cutoff / size))
        # Of few lengths, like everything that is compiled for.
        count = bucket(len(self._energies), 128)
        energies = np.pad(self._energies, (0, count - len(self._energies)), mode="edge")
        return sample(spectra, self._coarse, temperature, step, size, energies, whole)

    def _grid(self, temperature):
        """The step, the size, the spectra: between two temperatures the finer step over T."""
        at = [grid.temperature for grid in self._grids]
        above = int(np.clip(np.searchsorted(at, 0.999 * temperature), 0, len(at) - 1))
        near = [self._grids[k] for k in {above, max(above - 1, 0)}]
        exact = [grid for grid in near if abs(grid.temperature / temperature - 1) < 1e-3]
        chosen = exact or near
        ratio, size = min(g.ratio for g in chosen), max(g.size for g in chosen)
        return ratio * temperature, size, min(chosen, key=lambda g: g.temperature).spectra

    def _finish(self, temperature, begun):
        found = {name: np.asarray(value) for name, value in begun["numbers"].items()}
        # The size compiled for serves the lowest temperature; most others need less of it.
        _, cutoff = thermal_extent(self._top, temperature, self._rtol)
        for name, (matrix, energies) in begun["matrices"].items():
            count = np.searchsorted(np.asarray(energies), cutoff) + 1
            found[name] = np.asarray(matrix)[:count, :count]
        self._advance(self._done + 1)
        shown = found["inverse_weight"][: len(self._energies)]
        return found | {"size": len(found["A"]), "inverse_weight": shown}

    def _row(self, temperature, found):
        kinetic, rough, missed = _lowest(found["form"]), _lowest(found["coarse"]), 0.0
        if "edge" in found and kinetic < 1:
            mode = scipy.linalg.eigh(found["form"], subset_by_index=[0, 0])[1][:, 0]
            missed = np.sum((found["edge"][:, : len(mode)] @ mode) ** 2) / (1 - kinetic)
        # The grid's own form is no softer; where it is less soft, a spike falls between its nodes.
        growing = int(np.sum(scipy.linalg.eigvalsh(found["A"]) < 0)) if kinetic < 0 else 0
        critical = self._critical(kinetic)
        error = np.nan
        if critical < np.inf:
            error = abs(critical - self._critical(rough)) + missed * critical
        row = found | {
            "kinetic": kinetic,
            "growing": max(growing, int(kinetic < 0)),
            "error": error,
            "slowest": self._slowest(found, temperature),
        }
        return {name: row[name] for name in row if name not in ("A", "M", "form", "coarse", "edge")}

    def _critical(self, margin):
        # Each margin is 1 + λ·(number), see `critical_coupling`.
        return self._coupling / (1 - margin) if margin < 1 else np.inf

    def _slowest(self, found, temperature):
        """The smallest γ > 0 of γ A u = M u or the edge of the continuum, see `slowest_rate`."""
        edge, step = float(found["continuum"]), float(found["step"])
        whole = 16 * math.ceil(found["size"] / 16)
        if self._single:
            return self._safe_rate(temperature, step, whole)
        # By NumPy alone: what JAX is asked for now waits until the next sample is computed.
        size = min(found["size"], slow_size(self._spectrum, temperature, step, whole))
        A, M = (found[name][:size, :size] for name in ("A", "M"))
        scattering = np.diag(M)
        if np.min(scattering) < 0:
            return np.nan  # of an α²F below zero: nothing that is a rate
        scale = np.sqrt(np.where(scattering > 0, scattering, 1.0))
        A, M = (matrix / scale / scale[:, None] for matrix in (A, M))
        # M̃ over its diagonal is accurate to rounding. Where what is left of it is not small, the
        # slowest rate has its digits, however slow; δ modes leave tails of sinc as well.
        known = scipy.linalg.eigvalsh(M, subset_by_index=[0, 0])[0] > _DEFINITE
        if known:
            # The largest μ = 1/γ.
            largest = scipy.linalg.eigh(
                A, M, eigvals_only=True, subset_by_index=[size - 1, size - 1]
            )[0]
            if largest <= 0:
                return edge
            least = least_resolved(self._spectrum) * np.max(scattering)
            known = self._spectrum.smooth or 1 / largest >= least
        return min(edge, 1 / largest) if known else self._safe_rate(temperature, step, whole)

    def _safe_rate(self, temperature, step, size):
        return float(slowest_rate(self._spectrum, temperature, EnergyGrid(step, size)))

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

    def _windows(self, criterion, margins):
        """The intervals of temperature (K) in which a margin is not positive, ascending.

        The low end of the first is None where the margin is not positive at the lowest
        temperature looked at.
        """
        if criterion == "heat":
            margin = self._heat
            known = self._scan_heat(margins)
        else:

            def margin(temperature):
                return float(_margins(self._sample(temperature))[criterion])

            # Strong coupling may be unstable above the top of the spectrum: go on until it is not.
            for _ in range(60):
                if _number(criterion, margins)[max(margins)] > 0:
                    break
                hotter = 1.3 * max(margins)
                margins[hotter] = _margins(self._sample(hotter))
            known = _number(criterion, margins)
            known |= _dips(margin, known)

        windows, temperatures = [], sorted(known)
        low = None
        for before, t in zip([None, *temperatures], temperatures, strict=False):
            if before is None or (known[before] > 0) == (known[t] > 0):
                continue
            edge = _root(margin, before, t) / KELVIN
            if known[t] > 0:
                windows.append((low, edge))
            else:
                low = edge
        if known[temperatures[-1]] <= 0:  # as far as was looked
            windows.append((low, temperatures[-1] / KELVIN))
        return tuple(windows)

    def _heat(self, temperature):
        return 1 - float(stability_parameter(self._coarse, np.float64(temperature)))

    def _scan_heat(self, margins):
        """C_el where it is least, at T_ξ, and on a fine scan: a closed form."""
        least = self._least_heat
        high = max(*margins, 4 * least)
        for _ in range(60):
            if self._heat(high) > 0:
                break
            high *= 1.3
        scan = np.append(np.geomspace(min(*margins, least / 4), high, 200), least)
        # One by one: what serves the search for edges, and nothing more is compiled.
        return _finite("heat", {t: self._heat(t) for t in scan.tolist()})


def _number(criterion, margins):
    return _finite(criterion, {t: float(found[criterion]) for t, found in margins.items()})


def _finite(criterion, known):
    """The margins, none of which may be NaN: no verdict is built on one."""
    for t, value in known.items():
        if math.isnan(value):
            raise ValueError(
                f"the {criterion} margin at {t / KELVIN:.4g} K is not a number: check the "
                "spectrum for values that are not, or leave this temperature out."
            )
    return known


def _dips(margin, known):
    """More temperatures where a parabola through three says that a margin may dip below zero."""
    found = dict(known)
    for _ in range(4):
        new, temperatures = {}, sorted(found)
        for three in zip(temperatures, temperatures[1:], temperatures[2:], strict=False):
            values = [found[t] for t in three]
            if not 0 < values[1] <= min(values[0], values[2]):
                continue
            bend, slope, _ = np.polyfit(np.log(three) - math.log(three[1]), values, 2)
            if bend > 0 and values[1] - slope**2 / (4 * bend) < 0.25 * values[1]:
                t = three[1] * math.exp(-slope / (2 * bend))
                new[t] = margin(t)
        if not new:
            break
        found |= new
    return {t: value for t, value in found.items() if t not in known}


def _root(margin, low, high):
    root = scipy.optimize.brentq(
        lambda log_t: margin(math.exp(log_t)), math.log(low), math.log(high), xtol=1e-6
    )
    return math.exp(root)  # pyright: ignore[reportArgumentType]


def _nodes(spectrum, temperature, rtol):
    """The spectrum with the nodes that a temperature and its grid need, and with coarser ones."""
    fine, spacing, _, _ = nodes_for_grid(spectrum.sampled, temperature, rtol)
    rough = spectrum.sampled(1.5 * spacing)
    if isinstance(fine, QuadratureNodes) and isinstance(rough, QuadratureNodes):
        count = ORDER * _power_of_two(fine.omega.shape[0] // ORDER)
        return fine.padded(count), rough.padded(count)
    return fine, fine


def _power_of_two(count):
    return 1 << (count - 1).bit_length()


def _few_sizes(needed):
    """128, 256, 512, 1024, 1536, 2048, 3072: a small matrix costs less than one more program."""
    return max(128, _power_of_two(needed)) if needed <= 1024 else bucket(needed, 1024)


def _lowest(matrix):
    return scipy.linalg.eigvalsh(matrix, subset_by_index=[0, 0])[0]


def _margins(found):
    return {"weight": found["weight"], "heat": found["heat"], "kinetic": _lowest(found["form"])}


class _Grid(NamedTuple):
    temperature: float
    ratio: float  # step over temperature
    size: int
    spectra: tuple[EliashbergFunction, ...]  # of `_nodes`, for this temperature or a lower one


def _make_grids(spectrum, temperatures, top, rtol):
    """The grid of each temperature, of few sizes."""
    grids, bound, sizes, spectra = [], -np.inf, [], (spectrum,)
    for t in temperatures:
        least = math.ceil(size_for(top, *thermal_extent(top, t, rtol)))
        if least > _LARGEST:
            raise ValueError(
                f"temperatures: {t / KELVIN:g} K would need an energy grid of {least} "
                f"points; the lowest that is possible for this spectrum is about "
                f"{t / KELVIN * least / _LARGEST:.2g} K."
            )
        if t > bound:
            # Hot grids need fewer nodes than cold ones.
            spectra = _nodes(spectrum, t, rtol)
            bound, sizes = np.inf, []
        step, cutoff = grid_extent(spectra[0], t, rtol)
        needed = math.ceil(size_for(top, step, cutoff))  # `_sample` aligns the step itself
        if not sizes and needed > _COMMON:
            bound = 4 * t
        if needed > max(sizes, default=0):
            # More than needed, and cut in `_finish`: few sizes are compiled for.
            sizes.append(_few_sizes(needed))
        size = min(size for size in sizes if size >= needed)
        grids.append(_Grid(t, step / t, size, spectra))
    _LOGGER.info(
        "grid: %d to %d energies at %d temperatures from %.4g to %.4g K",
        min(grid.size for grid in grids), max(grid.size for grid in grids), len(grids),
        temperatures[0] / KELVIN, temperatures[-1] / KELVIN,
    )  # fmt: skip
    return grids


def _plot_energies(top, lowest):
    """Energies for Z0⁻¹(E): half as far again as the spectrum, fine enough for the lowest T."""
    count = int(np.clip(math.ceil(1.5 * top / (lowest / 2.5)), 120, 400))
    return np.linspace(0, 1.5 * top, count + 1)
