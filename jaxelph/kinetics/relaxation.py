r"""Relaxation as an experiment sees it: temperatures in K, energies in meV, times in ps.

Electrons are heated to T_e while the phonons stay at T0, and then cool. What a measured
relaxation time is compared with stands beside the run:

    two-temperature rate    π ∬E M Ẽ / ∬E A Ẽ,  with the true specific heat of the electrons,
    Allen's rate            3λ⟨ω²⟩/πT_e,         its limit for T ≫ ω with that of bare electrons,
    slowest mode            the smallest γ of the linearised equation, what is left in the end.
"""

import dataclasses
import functools
from typing import ClassVar

import numpy as np

from ..electrons.occupations import fermi
from ..presentation.files import plain
from ..presentation.notebook import html_table
from ..presentation.result import Result
from ..units import KELVIN, mev_to_per_ps
from .cooling import Trace
from .dataset import collisions_told, evolution_dataset, lattice_numbers
from .evolve import Evolution
from .run import outcome
from .seen import RESOLUTION, Seen, what_is_seen, with_observables
from .two_temperatures import TwoTemperatures
from .validity import validity

_MODEL = {"long_name": "two-temperature model: coupled equations with C_el(T), C_ph and G(T)"}
_VALIDITY = {"long_name": "least τ_f E_Σ, above one where the equation holds", "units": "1"}

# A run is as long as it takes the excess temperature to fall to this share.
LEFT = 0.01


@dataclasses.dataclass(frozen=True, eq=False)
class Relaxation(Result):
    """A run of the kinetic equation in K, meV and ps, with rates to compare, what `relax` returns.

    Rates are in 1/ps. Undefined ones are NaN: `late_rate` where the excess does not decay
    exponentially above the integration error, `slowest_rate` on very large grids.

    Args:
        name: of the metal.
        evolution: the run itself, energies in meV.
        trace: T_e - T0 over the time in ps.
        phonon_temperature (scalar, K): T0.
        electron_temperature (scalar, K): T_e at t = 0.
        rtol: of the integration.
        two_temperature_rate (scalar, 1/ps): πγ_T at the phonons' temperature.
        allen_rate (scalar, 1/ps): at the electrons' first temperature.
        slowest_rate (scalar, 1/ps): γ₁ at the phonons' temperature.
        growing_modes: of the linear theory at the phonons' temperature.
        final_temperature (scalar, K): where it ends: T0, or with phonons that move and no bath
            the temperature at which both have the energy that there is.
        model: T_e and T_l of the two-temperature model at `times`, in K.
        resolution (scalar, meV): of photoemission, full width at half maximum.

    Example:
        >>> from jaxelph import example, relax
        >>> run = relax(example("table1"), 160.0, 146.0, [0.0, 0.02, 0.05])
        >>> print(run.result, run.temperature.shape, run.growing_modes)
        completed (3,) 0
    """

    files: ClassVar[str] = "relaxation"

    name: str
    evolution: Evolution
    trace: Trace
    phonon_temperature: float
    electron_temperature: float
    rtol: float
    two_temperature_rate: float
    allen_rate: float
    slowest_rate: float
    growing_modes: int
    final_temperature: float
    model: TwoTemperatures
    resolution: float = RESOLUTION

    @property
    def times(self) -> np.ndarray:
        """Times in ps."""
        return np.asarray(self.evolution.times) / mev_to_per_ps(1.0)

    @property
    def temperature(self) -> np.ndarray:
        """The electrons' effective temperature in K, NaN after `reached`."""
        return np.asarray(self.evolution.temperature) / KELVIN

    @property
    def reached(self) -> float:
        """The time of the last state, in ps."""
        return float(self.evolution.reached) / mev_to_per_ps(1.0)

    @property
    def result(self) -> str:
        """ "completed", "unstable" or "failed"."""
        return outcome(self.evolution)

    @property
    def initial_rate(self) -> float:
        """-(dU/dt)/U at t = 0: the two-temperature rate if T_e is close to T0."""
        equation = self.evolution.equation
        start = fermi(equation.energies, self.electron_temperature * KELVIN) - equation.equilibrium
        return float(mev_to_per_ps(-equation.heat_flow(start) / equation.energy(start)))

    @property
    def fall_time(self) -> float:
        """When T_e - T0 has fallen to 1/e of its value at t = 0 (ps); NaN if it has not."""
        return self.trace.fall_time

    @property
    def late_rate(self) -> float:
        """The rate at which the last third of the run still decays, from a fit of ln|T_e - T0|."""
        # What is left must stand out from the local errors of the integration.
        return self.trace.late_rate(100 * self.rtol)

    @property
    def left(self) -> float:
        """The share of the excess T_e - T0 that is left at the end of the run."""
        return float(self.trace.excess[np.isfinite(self.trace.excess)][-1])

    @functools.cached_property
    def validity(self) -> np.ndarray:
        """Whether the kinetic equation may be trusted, time by time; see `kinetics.validity`."""
        return validity(self.evolution)

    @functools.cached_property
    def seen(self) -> Seen:
        """What photoemission and light see, and the energy flow; see `kinetics.seen`."""
        return what_is_seen(self.evolution, self.resolution)

    def explain(self) -> str:
        """What became of the electrons, in words."""
        cold, moving = self.phonon_temperature, self.evolution.lattice is not None
        if self.result == "failed":
            return (
                f"The integration gave up at {self.reached:.4g} ps, while B(f) was positive. Ask "
                "for a looser --rtol or a shorter time."
            )
        if self.result == "unstable":
            return self._explain_instability()
        left = self.temperature[-1] - cold
        text = (
            f"The electrons go from {self.electron_temperature:g} K to {self.temperature[-1]:.5g} K"
            f" in {self.reached:.4g} ps, "
            + (
                f"{abs(left):.4g} K above the {cold:g} K of the phonons at the start; "
                f"{self.final_temperature:.5g} K is where energies say that both end."
                if moving
                else f"{abs(left):.2g} K from the phonons."
            )
        )
        if np.isfinite(self.fall_time):
            text += f" The excess falls to 1/e in {self.fall_time:.4g} ps."
        if self.left > 1.1 * LEFT:
            text += (
                f" {self.left:.2g} of it is left: what electrons far from the Fermi level and the "
                "slowest modes keep; a longer run (--until) tells whether it goes."
            )
        if self.growing_modes:
            text += (
                " The linear theory knows growing modes at the phonons' temperature: a longer run "
                "may be unstable."
            )
        return text

    def _explain_instability(self) -> str:
        found = self.evolution.instability()
        assert found is not None
        if found.time > 0:
            onset = found.onset / mev_to_per_ps(1.0)
            text = (
                f"The normal state is unstable from {onset:.4g} ps on: the smallest of "
                f"{found.size} eigenvalues of B(f), {found.eigenvalue_at_start:.3g} at the start, "
                "passes through zero."
            )
            if found.onset < found.time:
                text += (
                    f" On the energies of this grid it does so at {self.reached:.4g} ps: its "
                    "vector is a spike, which begins between them."
                )
        else:
            text = (
                f"The normal state is unstable from the start: {found.negative} of {found.size} "
                f"eigenvalues of B(f) are negative, the smallest {found.eigenvalue:.3g}."
            )
        text += (
            f" Its vector peaks at {found.peak:.4g} meV and covers {found.width:.3g} meV; the "
            f"least value of 1 - Σ'(E) is {found.least_weight:.3g}, at "
            f"{found.least_weight_energy:.4g} meV. "
        )
        if not found.growing:
            return text + "The linear theory calls the equilibrium at T0 stable."
        text += (
            f"Growing modes in the linear theory at T0: {found.growing}, the fastest at "
            f"{mev_to_per_ps(found.linear_rate):.4g} per ps"
        )
        if np.isfinite(found.fitted_rate):
            text += f"; in this run it grows at {mev_to_per_ps(found.fitted_rate):.4g} per ps"
        return text + "."

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
        return data.assign_attrs(
            kind="relaxation" if self.evolution.lattice is None else "lattice",
            title=f"jaxelph relax {self.name}".strip(),
            name=self.name,
            electron_temperature_at_start=self.electron_temperature,
            final_temperature=self.final_temperature,
            rtol=self.rtol,
            **{f"{name}_per_ps": value for name, value in self.rates().items()},
        ).assign(
            model_electrons=("time", self.model.electrons, _MODEL | {"units": "K"}),
            model_lattice=("time", self.model.lattice, _MODEL | {"units": "K"}),
            validity=("time", self.validity, _VALIDITY),
        )

    def rates(self) -> dict[str, float]:
        """The rates of the run and those to compare with, in 1/ps, by name."""
        return {
            "initial_rate": self.initial_rate,
            "fall_rate": 1 / self.fall_time,
            "late_rate": self.late_rate,
            "two_temperature_rate": self.two_temperature_rate,
            "allen_rate": self.allen_rate,
            "slowest_rate": self.slowest_rate,
        }

    def _repr_html_(self) -> str:
        rows = [
            ("result", self.result),
            ("T_e at the start (K)", float(self.electron_temperature)),
            ("T_0 (K)", float(self.phonon_temperature)),
            ("fall time (ps)", self.fall_time),
            *((f"{name.replace('_', ' ')} (1/ps)", rate) for name, rate in self.rates().items()),
        ]
        return html_table(f"Relaxation {self.name}".strip(), rows)

    def to_dict(self) -> dict:
        """The run as plain numbers; what is undefined is None."""
        evolution = self.evolution
        told = {
            "name": self.name,
            "phonon_temperature_K": self.phonon_temperature,
            "electron_temperature_K": self.electron_temperature,
            "result": self.result,
            "reached_ps": self.reached,
            "explanation": self.explain(),
            "rates_per_ps": self.rates(),
            "fall_time_ps": self.fall_time,
            "growing_modes": self.growing_modes,
            "grid": {"step_meV": float(evolution.grid.step), "size": evolution.grid.size},
            "rtol": self.rtol,
            "electron_collisions": collisions_told(evolution),
            "largest_energy_error": np.nanmax(np.abs(evolution.energy_error)),
            "steps": int(evolution.stats["num_accepted_steps"]),
            "times_ps": self.times,
            "temperatures_K": self.temperature,
            "final_temperature_K": self.final_temperature,
            "two_temperature_model_K": self.model._asdict(),
            "validity": self.validity,
        }
        if self.evolution.lattice is not None:
            told |= lattice_numbers(self.evolution)
        return plain(told)

    def plot(self, ax=None):
        """f(E), δf over time and energy, and T_e(t) beside the two-temperature model.

        On `ax` if given, see `jaxelph.plot`.
        """
        if self.evolution.lattice is not None:
            from .lattice_figure import lattice_figure

            return lattice_figure(self.to_xarray(), ax)
        from .figure import evolution_figure

        return evolution_figure(self.to_xarray(), ax)
