"""Heated electrons cool: how long a run has to be, on which grid, and what it is compared with."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import ArrayLike, Real

from ..grids.energies import EnergyGrid, size_for, thermal_extent
from ..numerics.checks import refuse
from ..numerics.precision import check_precision
from ..spectra.moments import maximum_frequency
from ..spectra.resolution import at_temperature
from ..spectra.spectrum import EliashbergFunction
from ..stability.modes import is_activated, normal_modes, slowest_rate
from ..stability.phonons import MovingPhonons
from ..stability.rates import allen_rate, continuum_rate, two_temperature_rate
from ..units import HBAR, KELVIN, check_kelvin, mev_to_per_ps
from .cooling import Trace, cooling_time, run_times, trace_times
from .evolve import Evolution, evolve
from .progress import ProgressMeter
from .relaxation import LEFT, Relaxation
from .seen import RESOLUTION
from .two_temperatures import TwoTemperatures, final_temperature, two_temperatures

# How much longer than the two-temperature model says, from the first try on.
_STRETCHES = (1.25, 2.5, 5.0, 8.0)

# The largest grid that is chosen without being asked for.
_MOST_ENERGIES = 8192

# The largest grid whose modes are computed for the slowest rate: by dense matrices.
_MODES = 800

# From this size on a run takes long enough to be worth the calls that report its progress.
_LONG = 400


def relax(
    spectrum: EliashbergFunction,
    electron_temperature: float,
    phonon_temperature: float,
    times: Real[ArrayLike, " time"] | None = None,
    *,
    points: int = 201,
    rtol: float = 1e-6,
    grid: EnergyGrid | None = None,
    name: str = "",
    phonons: MovingPhonons | None = None,
    resolution: float = RESOLUTION,
    progress: Callable[[float], object] | None = None,
    **options,
) -> Relaxation:
    """Heated electrons cool on phonons: the kinetic equation in K, meV and ps.

    Args:
        spectrum: an Eliashberg function in meV, from `read_a2f`, say.
        electron_temperature (K): T_e of the Fermi distribution at t = 0.
        phonon_temperature (K): T0, which the phonons keep.
        times (array of shape (time,), ps): ascending, ≥ 0; by default `points` of them, equally
            spaced, or in the logarithm with phonons that move, until 1 % of the excess temperature
            is left: as long as the two-temperature model takes, and up to eight times that long
            where the run is slower.
        points: how many times there are by default.
        rtol: local error of f allowed in each step.
        grid (meV): by default one on which the equation is right to rtol/100.
        name: of the metal, for figures.
        phonons: which move with the electrons, `coupling` in 1/meV and `lifetime` in rescaled
            1/meV, `mev_to_per_ps(1.0)` times that in ps. They begin at `phonon_temperature`.
        resolution (meV): of photoemission in the result's dataset, full width at half maximum.
        progress: called with the share of the run that is done, where the grid is large.
        options: of `evolve`: solver, electrons, stop_when_unstable, max_steps, throw.

    Returns:
        Relaxation: with `.temperature` (K), `.times` (ps), `.rates()`, `.to_xarray()`,
        `.plot()` and `.save(folder)`.

    Raises:
        ValueError: a temperature or time that cannot be, or temperatures so far apart that the
            grid would have more than 8192 energies.
        TypeError: called with traced values, by `jax.grad`, say: `evolve` is what to
            differentiate.

    Example:
        >>> from jaxelph import example
        >>> run = relax(example("table1"), 160.0, 146.0, [0.0, 0.02, 0.05])
        >>> print(run.temperature.round(2), run.result)
        [160.   149.87 147.2 ] completed
    """
    check_precision()
    _check_concrete(spectrum, electron_temperature, phonon_temperature, times)
    check_kelvin(electron_temperature, "electron_temperature")
    check_kelvin(phonon_temperature, "phonon_temperature")
    refuse("resolution", resolution, not_negative=True)
    if electron_temperature == phonon_temperature:
        raise ValueError(
            f"electron_temperature equals phonon_temperature, {phonon_temperature:g} K: nothing "
            "would happen; heat the electrons."
        )
    hot, cold = electron_temperature * KELVIN, phonon_temperature * KELVIN
    low, high = min(hot, cold), max(hot, cold)
    grid_rtol = max(1e-2 * rtol, 1e-12)
    if grid is None:
        _check_size(spectrum, low, high, grid_rtol)
    spectrum = at_temperature(spectrum, low)
    if grid is None:
        grid = EnergyGrid.suggest(spectrum, low, grid_rtol, hottest=high)
    cooling, allen, window = _estimates(spectrum, hot, cold)
    end = final_temperature(spectrum, hot, cold, phonons)
    if phonons is not None and np.isfinite(window):
        window = _model_window(spectrum, hot, cold, phonons, end, window)
    scale = window / -np.log(LEFT)
    if not np.isfinite(window):
        if times is None:
            raise ValueError(
                "nothing couples the electrons to the phonons: in the two-temperature model they "
                "never cool. Check α²F and the temperatures, or say how long the run is to be "
                "(times=, --until)."
            )
        scale = float(np.max(times))
    meter = ProgressMeter(progress) if progress is not None and grid.size >= _LONG else None

    def run(times) -> tuple[Evolution, Trace]:
        every = np.union1d(times, trace_times(scale, times[-1]))
        evolution = evolve(
            spectrum,
            hot,
            cold,
            grid,
            jnp.asarray(every * mev_to_per_ps(1.0)),
            rtol=rtol,
            progress=meter,
            phonons=phonons,
            **options,
        )
        excess = (np.asarray(evolution.temperature) - end) / (hot - end)
        kept = jnp.asarray(np.searchsorted(every, times))
        shown = evolution.at_times(kept)
        return shown, Trace(every, excess)

    if times is not None:
        evolution, trace = run(_check_times(times))
    else:
        # Electrons that do not collide among themselves cool more slowly than the model's.
        moving = phonons is not None
        for stretch in _STRETCHES:
            evolution, trace = run(run_times(stretch * window, points, logarithmic=moving))
            if not trace.excess[-1] > LEFT:
                break
    model = two_temperatures(spectrum, hot, cold, evolution.times, phonons=phonons)
    slowest, growing = float("nan"), 0
    if grid.size <= _MODES:
        modes = normal_modes(spectrum, cold, grid)
        least = jnp.minimum(modes.slowest, continuum_rate(spectrum, cold))
        if is_activated(spectrum, cold, grid, modes.slowest):
            least = slowest_rate(spectrum, cold, grid)
        slowest, growing = float(mev_to_per_ps(least)), int(modes.unstable)
    return Relaxation(
        name=name,
        evolution=evolution,
        trace=trace,
        phonon_temperature=float(phonon_temperature),
        electron_temperature=float(electron_temperature),
        rtol=float(rtol),
        two_temperature_rate=cooling,
        allen_rate=float(allen) / HBAR,
        slowest_rate=slowest,
        growing_modes=growing,
        final_temperature=end / KELVIN,
        model=TwoTemperatures(*(np.asarray(t) / KELVIN for t in model)),
        resolution=float(resolution),
    )


def _model_window(spectrum, hot, cold, phonons, end, window) -> float:
    """How long the two-temperature model takes to its end, ps, where phonons take part."""
    times = np.append(0.0, np.geomspace(1e-3, 1e4, 600)) * window
    rescaled = times * mev_to_per_ps(1.0)
    model = two_temperatures(spectrum, hot, cold, rescaled, phonons=phonons, rtol=1e-6)
    left = np.abs(np.asarray(model.electrons) - end) > LEFT * abs(hot - end)
    return float(times[min(int(np.flatnonzero(left)[-1]) + 1, len(times) - 1)])


@jax.jit
def _two_temperatures(spectrum, hot, cold):
    return (
        two_temperature_rate(spectrum, cold),
        allen_rate(spectrum, hot),
        cooling_time(spectrum, hot, cold, LEFT),
    )


def _estimates(spectrum, hot, cold) -> tuple[float, float, float]:
    """The two-temperature rate (1/ps), Allen's (meV), and how long cooling takes (ps)."""
    cooling, allen, window = _two_temperatures(spectrum, hot, cold)
    return float(mev_to_per_ps(cooling)), float(allen), float(window) / mev_to_per_ps(1.0)


def _check_concrete(spectrum, *values) -> None:
    leaves = jax.tree.leaves((spectrum, values))
    if any(isinstance(leaf, Tracer) for leaf in leaves):
        raise TypeError(
            "relax returns plain numbers in K, meV and ps and cannot be traced: differentiate, "
            "vmap or jit jaxelph.evolve, whose arguments are those of the kinetic equation."
        )


def _check_times(times) -> np.ndarray:
    times = np.asarray(times, dtype=float)
    if times.ndim != 1 or times.size < 1 or not np.all(np.isfinite(times)):
        raise ValueError(f"times must be a vector of finite times in ps, got {times}.")
    if times[0] < 0 or np.any(np.diff(times) <= 0) or times[-1] <= 0:
        raise ValueError("times must ascend from 0 or later; sort them and drop duplicates.")
    return times


def _check_size(spectrum, low, high, rtol) -> None:
    """Refuse what no machine would finish, and say from which temperature on it would."""
    top = float(maximum_frequency(spectrum)) or low  # without coupling any energy does

    def size(temperature):
        step, cutoff = thermal_extent(top, temperature, rtol, high)
        return size_for(top, step, cutoff) if step > 0 else np.inf

    if size(low) <= _MOST_ENERGIES:
        return
    enough = low
    while size(enough) > _MOST_ENERGIES and enough < high:
        enough = min(high, 1.1 * enough + 1e-12 * top)
    advice = (
        f"take the colder at {enough / KELVIN:.2g} K or more"
        if size(enough) <= _MOST_ENERGIES
        else "raise both temperatures"
    )
    raise ValueError(
        f"electrons and phonons at {high / KELVIN:.4g} K and {low / KELVIN:.4g} K would need "
        f"{size(low):.3g} energies, the most is {_MOST_ENERGIES}: {advice}, or pass a grid of "
        "your own (grid=)."
    )
