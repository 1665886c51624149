"""A spectrum examined at many temperatures: margins, critical couplings, rates, edges.

The physics is that of `stability_pencil`, `minimum_weight` and so on. What is added is the
economy: one compiled function serves all temperatures, since a grid's step is traced, and
eigenvalues are LAPACK's, a few of them, from matrices cut to what each temperature needs.
Cutting the pencil to its first n energies is the same as a grid of n points.
"""

import functools
import math
from collections.abc import Callable

import jax
import numpy as np
import scipy.linalg
import scipy.optimize

from .critical import CRITERIA, minimum_weight
from .equilibrium import inverse_quasiparticle_weight
from .grid import EnergyGrid
from .spectrum import EliashbergFunction, coupling_constant, maximum_frequency
from .stability import normal_modes, stability_pencil, two_temperature_rate
from .thermodynamics import specific_heat_ratio
from .units import KELVIN, mev_to_per_ps

Progress = Callable[[int, int], None]

# Temperatures share one compiled function up to these sizes; the last is the largest allowed.
_LEVELS = (600, 1500, 3000)

# The search for the edges looks at this many temperatures between 1/100 of the top of the
# spectrum (or the lowest asked for) and the top.
_SCAN = 24


@functools.partial(jax.jit, static_argnames="size")
def _sample(spectrum, temperature, step, size):
    grid = EnergyGrid(step, size)
    pencil = stability_pencil(spectrum, temperature, grid)
    weight, energy = minimum_weight(spectrum, temperature, grid)
    return {
        "A": pencil.A,
        "M": pencil.M,
        "weight": weight,
        "energy": energy,
        "heat": specific_heat_ratio(spectrum, temperature),
        "flow": two_temperature_rate(spectrum, temperature),
    }


_inverse_weight = jax.jit(inverse_quasiparticle_weight)


class Examination:
    """The numbers of a `Report`, computed on construction.

    Args:
        spectrum: an Eliashberg function in meV.
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
        temperatures: np.ndarray,
        rtol: float,
        progress: Progress | None,
    ):
        top = float(maximum_frequency(spectrum))
        low = min(KELVIN * float(temperatures[0]), top / 100)
        self._rtol = rtol
        self._shape = spectrum  # for `suggest`, which needs no resolution
        if (size := self._grid(low).size) > _LEVELS[-1]:
            raise ValueError(
                f"temperatures: {temperatures[0]:g} K would need an energy grid of {size} points; "
                f"the lowest that is possible here is about "
                f"{temperatures[0] * size / _LEVELS[-1]:.2g} K."
            )
        self._spectrum = spectrum.resolved(low)
        self._coupling = float(coupling_constant(spectrum))

        asked = KELVIN * temperatures
        scan = np.geomspace(low, max(top, asked[-1]), _SCAN)
        every = np.union1d(asked, scan)
        sizes = [self._grid(t).size for t in every]
        bounds = [max((n for n in sizes if n <= level), default=0) for level in _LEVELS]
        self._levels = sorted({n for n in bounds if n})

        energies = _plot_energies(top, asked[0])
        self._done, self._all, self._progress = 0, 2 * len(asked) + len(every) + 12, progress
        rows, margins = [], {}
        for t in every[::-1]:
            if t in asked:
                rows.append(self._row(t, energies))
                margins[t] = {name: rows[-1][name] for name in CRITERIA}
            else:
                margins[t] = self._margins(t)
        self._collect(rows[::-1], energies)
        self.edges = {name: self._edge(name, margins) for name in CRITERIA}
        self.scanned = (min(margins) / KELVIN, max(margins) / KELVIN)
        self._advance(self._all)

    def _advance(self, done):
        self._done = min(done, self._all)
        if self._progress is not None:
            self._progress(self._done, self._all)

    def _grid(self, temperature):
        return EnergyGrid.suggest(self._shape, temperature, self._rtol)

    def _sample(self, temperature, coarser=1.0):
        """Numbers at one temperature, with A and M on a grid of just the size that it needs."""
        grid = self._grid(temperature)
        size = max(2, math.ceil(grid.size / coarser))
        level = min((n for n in self._levels if n >= size), default=size)
        step = coarser * float(grid.step)
        found = _sample(self._spectrum, temperature, step, level)
        found = {name: np.asarray(value) for name, value in found.items()}
        found |= {name: found[name][:size, :size] for name in ("A", "M")}
        self._advance(self._done + 1)
        return found | {"step": step, "size": size}

    def _margins(self, temperature):
        found = self._sample(temperature)
        kinetic = scipy.linalg.eigvalsh(found["A"], subset_by_index=[0, 0])[0]
        return {"weight": found["weight"], "heat": found["heat"], "kinetic": kinetic}

    def _row(self, temperature, energies):
        found = self._sample(temperature)
        coarse = self._sample(temperature, coarser=1.5)
        eigenvalues = scipy.linalg.eigvalsh(found["A"])
        rough = scipy.linalg.eigvalsh(coarse["A"], subset_by_index=[0, 0])[0]
        critical = self._critical(eigenvalues[0])
        error = abs(critical - self._critical(rough)) if critical < np.inf else np.nan
        inverse_weight = _inverse_weight(self._spectrum, temperature, energies)
        self._advance(self._done + 1)
        return found | {
            "kinetic": eigenvalues[0],
            "growing": int(np.sum(eigenvalues < 0)),
            "error": error,
            "slowest": self._slowest(found, temperature),
            "inverse_weight": np.asarray(inverse_weight),
        }

    def _critical(self, margin):
        # Each margin is 1 + λ·(number), see `critical_coupling`.
        return self._coupling / (1 - margin) if margin < 1 else np.inf

    def _slowest(self, found, temperature):
        """The smallest γ > 0 of γ A u = M u: the largest μ = 1/γ, M being definite as a rule."""
        last = found["size"] - 1
        try:
            largest = scipy.linalg.eigh(
                found["A"], found["M"], eigvals_only=True, subset_by_index=[last, last]
            )[0]
        except np.linalg.LinAlgError:
            largest = np.inf
        if largest <= 0:
            return np.inf
        if 1 / largest > 1e-10 * np.max(np.diag(found["M"])):
            return 1 / largest
        # M has null vectors, those of a single Einstein mode.
        grid = EnergyGrid(found["step"], found["size"])
        return float(normal_modes(self._spectrum, temperature, grid).slowest)

    def _collect(self, rows, energies):
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
            "energies": energies,
            "inverse_weight": np.stack([row["inverse_weight"] for row in rows]),
        }

    def _edge(self, criterion, margins):
        """The highest temperature (K) at which a margin changes sign, None if it does not."""
        # Strong coupling may be unstable above the top of the spectrum: go on until it is not.
        for _ in range(60):
            if margins[max(margins)][criterion] > 0:
                break
            hotter = 1.3 * max(margins)
            margins[hotter] = self._margins(hotter)
        falling = sorted(margins, reverse=True)
        for high, low in zip(falling, falling[1:], strict=False):
            if margins[high][criterion] > 0 >= margins[low][criterion]:
                root = scipy.optimize.brentq(
                    lambda x: float(self._margins(math.exp(x))[criterion]),
                    math.log(low),
                    math.log(high),
                    xtol=1e-6,
                )
                return math.exp(root) / KELVIN
        return None


def _plot_energies(top, lowest):
    """Energies for Z0⁻¹(E): half as far again as the spectrum, fine enough for the lowest T."""
    count = int(np.clip(math.ceil(1.5 * top / (lowest / 2.5)), 160, 400))
    return np.linspace(0, 1.5 * top, count + 1)
