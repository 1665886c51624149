"""A pulse of light as an experiment sees it: temperatures in K, energies in meV, times in ps."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Real

from ..grids.energies import EnergyGrid, thermal_extent
from ..numerics.checks import refuse
from ..numerics.precision import check_precision
from ..presentation.files import plain
from ..presentation.result import Result
from ..spectra.moments import maximum_frequency
from ..spectra.resolution import at_temperature
from ..spectra.spectrum import EliashbergFunction
from ..stability.phonons import MovingPhonons
from ..units import KELVIN, check_kelvin, mev_to_per_ps
from .dataset import collisions_told, evolution_dataset, lattice_numbers, lattice_temperature
from .evolve import Evolution, evolve
from .progress import ProgressMeter
from .pump import AbstractPulseShape, Pulse
from .run import outcome
from .seen import RESOLUTION, Seen, what_is_seen, with_observables
from .two_temperatures import TwoTemperatures, final_temperature, two_temperatures
from .validity import validity

# Electrons and phonons of the two-temperature model have come together where they differ by this
# share of what they differed by at most. A run is so many times as long, since electrons far from
# the Fermi level cool more slowly, and at least so many durations of the pulse.
_LEFT, _LONGER, _DURATIONS = 0.01, 8.0, 20.0
# Electrons that are far from any temperature on cold phonons: see `grids.energies`.
_HOT = 8.1
# Energies at most.
_MOST_ENERGIES = 16384


@dataclasses.dataclass(frozen=True, eq=False)
class Pumped(Result):
    """Electrons and phonons after a pulse of light, what `pump` returns.

    Args:
        name: of the metal.
        evolution: the run itself, energies in meV.
        model: T_e and T_l of the two-temperature model at `times`, in K.
        start_temperature (scalar, K): of electrons and phonons before the pulse.
        final_temperature (scalar, K): where energies say that both end.
        states (scalar, 1/meV): ν0 per spin and cell.
        rtol: of the integration.
        resolution (scalar, meV): of photoemission, full width at half maximum.

    Example:
        >>> from jaxelph import example
        >>> run = pump(example("table1"), 300.0, 400.0, 2.0, 0.02, 0.001, [0.0, 0.05, 0.1])
        >>> print(run.times, run.temperature.round(1))
        [0.   0.05 0.1 ] [300.  347.7 303.3]
    """

    files: ClassVar[str] = "pump"

    name: str
    evolution: Evolution
    model: TwoTemperatures
    start_temperature: float
    final_temperature: float
    states: float
    rtol: float
    resolution: float = RESOLUTION

    @property
    def times(self) -> np.ndarray:
        """Times in ps."""
        return np.asarray(self.evolution.times) / mev_to_per_ps(1.0)

    @property
    def temperature(self) -> np.ndarray:
        """T_e with the electrons' kinetic energy, in K."""
        return np.asarray(self.evolution.temperature) / KELVIN

    @property
    def lattice_temperature(self) -> np.ndarray:
        """T_l with the phonons' energy, in K."""
        return lattice_temperature(self.evolution) / KELVIN

    @property
    def result(self) -> str:
        """ "completed", "unstable" or "failed"."""
        return outcome(self.evolution)

    @functools.cached_property
    def validity(self) -> np.ndarray:
        """Whether the kinetic equation may be trusted, time by time; see `kinetics.validity`."""
        return validity(self.evolution)

    @functools.cached_property
    def seen(self) -> Seen:
        """What photoemission and light see, and the energy flow; see `kinetics.seen`."""
        return what_is_seen(self.evolution, self.resolution)

    def explain(self) -> str:
        """What the pulse did, in words."""
        reached = float(self.evolution.reached) / mev_to_per_ps(1.0)
        if self.result == "failed":
            return f"The integration gave up at {reached:.4g} ps. Ask for a looser --rtol."
        if self.result == "unstable":
            return (
                f"The normal state is unstable from {reached:.4g} ps on: B(f) has an eigenvalue "
                "that is not positive."
            )
        hottest = int(np.nanargmax(self.temperature))
        pulse = self.evolution.pump
        assert pulse is not None
        share = float(pulse.absorbed) / float(pulse.photon_energy) ** 2
        apart = np.abs(self.temperature - self.lattice_temperature)
        left = float(apart[-1] / np.nanmax(apart))
        return (
            f"{2 * self.states * float(pulse.absorbed):.4g} meV per cell absorbed, "
            f"∫p dt = {share:.3g}. The electrons' energy is that of {self.temperature[hottest]:.5g}"
            f" K at most, {self.times[hottest]:.4g} ps after the start; at "
            f"{self.times[-1]:.4g} ps T_e = {self.temperature[-1]:.5g} K and T_l = "
            f"{self.lattice_temperature[-1]:.5g} K, on the way to {self.final_temperature:.5g} K."
            + (
                f" Of the largest difference {left:.2g} is left, which electrons far from the "
                "Fermi level and the slowest phonons keep; a longer run (--until) tells whether "
                "it goes."
                if left > 1.1 * _LEFT
                else ""
            )
        )

    def to_xarray(self):
        """The run and what is seen of it, all that the figure is drawn from, as a labelled
        `xarray.Dataset`."""
        return with_observables(self.balance(), self.seen, 1 / mev_to_per_ps(1.0))

    def balance(self):
        """The same without what photoemission and light see of it."""
        data = evolution_dataset(
            self.evolution,
            per_time=1 / mev_to_per_ps(1.0),
            per_temperature=1 / KELVIN,
            time_unit="ps",
            energy_unit="meV",
            temperature_unit="K",
        )
        pulse = self.evolution.pump
        assert pulse is not None
        return data.assign_attrs(
            kind="lattice",
            title=f"jaxelph pump {self.name}".strip(),
            name=self.name,
            photon_energy=float(pulse.photon_energy),
            absorbed_per_cell=2 * self.states * float(pulse.absorbed),
            duration=float(pulse.duration) / mev_to_per_ps(1.0),
            final_temperature=self.final_temperature,
            states=self.states,
            rtol=self.rtol,
        ).assign(
            model_electrons=(
                "time",
                self.model.electrons,
                {"long_name": "electrons of the two-temperature model", "units": "K"},
            ),
            model_lattice=(
                "time",
                self.model.lattice,
                {"long_name": "phonons of the two-temperature model", "units": "K"},
            ),
            validity=("time", self.validity, {"long_name": "least τ_f E_Σ", "units": "1"}),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings; what is undefined is None."""
        evolution = self.evolution
        return plain(
            {
                "name": self.name,
                "result": self.result,
                "explanation": self.explain(),
                "start_temperature_K": self.start_temperature,
                "final_temperature_K": self.final_temperature,
                "grid": {"step_meV": float(evolution.grid.step), "size": evolution.grid.size},
                "rtol": self.rtol,
                "electron_collisions": collisions_told(evolution),
                "steps": int(evolution.stats["num_accepted_steps"]),
                "times_ps": self.times,
                "temperatures_K": self.temperature,
                "two_temperature_model_K": self.model._asdict(),
                "validity": self.validity,
            }
            | lattice_numbers(evolution)
        )

    def plot(self, ax=None):
        """Maps, temperatures and energies over the logarithm of time; on `ax` if given."""
        from .lattice_figure import lattice_figure

        return lattice_figure(self.to_xarray(), ax)


def pump(
    spectrum: EliashbergFunction,
    temperature: float,
    photon_energy: float,
    absorbed: float,
    duration: float,
    states: float,
    times: Real[ArrayLike, " time"] | None = None,
    *,
    phonons: MovingPhonons | None = None,
    shape: AbstractPulseShape | None = None,
    until: float | None = None,
    points: int = 121,
    rtol: float = 1e-6,
    grid: EnergyGrid | None = None,
    name: str = "",
    resolution: float = RESOLUTION,
    progress: Callable[[float], object] | None = None,
    **options,
) -> Pumped:
    """A pulse of light heats electrons, which heat phonons: in K, meV and ps.

    Args:
        spectrum: an Eliashberg function in meV.
        temperature (K): of electrons and phonons before the pulse.
        photon_energy (meV): Ω.
        absorbed (meV): energy that is absorbed, per cell.
        duration (ps): full width of the pulse at half its maximum.
        states (1/meV): ν0 per spin and cell.
        times (array of shape (time,), ps): ascending, ≥ 0; by default through the pulse and then
            in equal steps of the logarithm, eight times as long as electrons and phonons of the
            two-temperature model take to come together.
        phonons: which move with the electrons, in 1/meV and rescaled time, see `relax`; without
            them they stay at `temperature`.
        shape: of the pulse, a Gaussian by default.
        until (ps): the last of the times by default.
        points: how many times there are by default.
        rtol: local error allowed in each step.
        grid (meV): by default one that reaches 2Ω.
        name: of the metal, for figures.
        resolution (meV): of photoemission in the result's dataset, full width at half maximum.
        progress: called with the share of the run that is done.
        options: of `evolve`.

    Returns:
        Pumped: with `.temperature`, `.lattice_temperature` (K), `.times` (ps), `.to_xarray()`,
        `.plot()` and `.save(folder)`.

    Raises:
        ValueError: a number that cannot be, or a photon energy so far above the temperature that
            more than 16384 energies would be needed.

    Example:
        >>> from jaxelph import example
        >>> run = pump(example("table1"), 300.0, 400.0, 2.0, 0.02, 0.001, [0.0, 0.05, 0.1])
        >>> print(run.result, run.temperature.shape)
        completed (3,)
    """
    check_precision()
    check_kelvin(temperature, "temperature")
    for given, value in (
        ("photon_energy", photon_energy),
        ("absorbed", absorbed),
        ("duration", duration),
        ("states", states),
    ):
        refuse(given, value, positive=True)
    refuse("resolution", resolution, not_negative=True)
    if until is not None:
        refuse("until", until, positive=True)
    cold, scale = temperature * KELVIN, mev_to_per_ps(1.0)
    pulse = Pulse(photon_energy, absorbed / (2 * states), duration * scale, shape=shape)
    # All of the energy in bare electrons.
    hottest = float(np.sqrt(cold**2 + 6 / np.pi**2 * float(pulse.absorbed)))
    if grid is None:
        grid = _grid(spectrum, cold, hottest, photon_energy, max(1e-2 * rtol, 1e-12))
    spectrum = at_temperature(spectrum, cold)
    end = final_temperature(spectrum, cold, cold, phonons, float(pulse.absorbed))
    if times is None:
        last = None if until is None else until * scale
        times = _default_times(spectrum, cold, phonons, pulse, points, last) / scale
    times = np.asarray(times, dtype=float)
    rescaled = jnp.asarray(times * scale)
    run = evolve(
        spectrum,
        cold,
        cold,
        grid,
        rescaled,
        rtol=rtol,
        phonons=MovingPhonons(0.0) if phonons is None else phonons,
        pump=pulse,
        progress=None if progress is None else ProgressMeter(progress),
        **options,
    )
    model = two_temperatures(spectrum, cold, cold, rescaled, phonons=phonons, pump=pulse)
    return Pumped(
        name=name,
        evolution=run,
        model=TwoTemperatures(*(np.asarray(t) / KELVIN for t in model)),
        start_temperature=float(temperature),
        final_temperature=end / KELVIN,
        states=float(states),
        rtol=float(rtol),
        resolution=float(resolution),
    )


def _grid(spectrum, cold, hottest, photon_energy, rtol) -> EnergyGrid:
    """Steps as for electrons much hotter than the phonons, up to twice the photon energy."""
    top = float(maximum_frequency(spectrum)) or cold
    step, cutoff = thermal_extent(top, cold, rtol, max(hottest, _HOT * cold))
    cutoff = max(2 * photon_energy + 12 * hottest, cutoff)
    size = int(np.ceil(cutoff / step / 64)) * 64
    if size > _MOST_ENERGIES:
        raise ValueError(
            f"photons of {photon_energy:g} meV at {cold / KELVIN:.4g} K would need {size} "
            f"energies, the most is {_MOST_ENERGIES}: raise the temperature to "
            f"{cold / KELVIN * size / _MOST_ENERGIES:.3g} K, or pass a grid of your own (grid=)."
        )
    # With Ω on the grid electrons go from one of its energies to another.
    return EnergyGrid(photon_energy / np.ceil(photon_energy / step), size)


def _default_times(spectrum, cold, phonons, pulse, points, last=None) -> np.ndarray:
    """Through the pulse, and on until `last`, or until the model's temperatures have met."""
    over = float(pulse.end)
    if last is None:
        last = _settled(spectrum, cold, phonons, pulse)
    if last <= over:
        return np.linspace(0, last, points)
    through = np.linspace(0, over, points // 2)
    return np.append(through, np.geomspace(over, last, points - points // 2 + 1)[1:])


def _settled(spectrum, cold, phonons, pulse) -> float:
    """When electrons and phonons of the two-temperature model have met, some times over."""
    over = float(pulse.end)
    trial = np.append(np.linspace(0, over, 60), over * np.geomspace(1.01, 1e5, 400))
    model = two_temperatures(spectrum, cold, cold, trial, phonons=phonons, pump=pulse, rtol=1e-6)
    apart = np.abs(np.asarray(model.electrons) - np.asarray(model.lattice))
    late = np.flatnonzero(apart > _LEFT * np.nanmax(apart))
    met = trial[min(late[-1] + 1, len(trial) - 1)]
    return max(_LONGER * float(met), _DURATIONS * float(pulse.duration))
