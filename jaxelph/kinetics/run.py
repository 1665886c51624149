"""What a run of the kinetic equation holds, and what follows from it directly."""

from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..grids.energies import EnergyGrid
from ..spectra.spectrum import EliashbergFunction
from ..stability.modes import NormalModes
from .equation import KineticEquation

_Run = TypeVar("_Run", bound="Run")


class RESULTS(eqx.Enumeration):
    """Why an evolution ended: `completed`, `unstable` or `failed`.

    `RESULTS[result]` is the sentence that goes with it.

    Example:
        >>> print(RESULTS[RESULTS.completed])
        The evolution reached the last time.
    """

    completed = "The evolution reached the last time."
    unstable = (
        "An eigenvalue of B(f) became negative: the normal state is unstable from this time on "
        "and the kinetic equation has no smooth continuation."
    )
    failed = (
        "The integrator gave up before the last time, while B(f) was positive. Ask for a looser "
        "tolerance or allow more steps (max_steps=)."
    )


class Run(eqx.Module):
    """The numbers of an `Evolution`: the electron distribution in time, and why it ended.

    Rows after `reached` are NaN; `result` says whether the metal relaxed (`completed`) or the
    normal state lost its stability (`unstable`) at the time `reached`. That time carries no
    derivative: gradients are those of f at fixed times.
    """

    times: Float[Array, " time"]  # rescaled, 1/energy
    energies: Float[Array, " energy"]  # ε…Lε
    f: Float[Array, "time energy"]
    heat: Float[Array, " time"]  # ∫dt ∫dE E I(f): energy received from the phonons
    reached: Float[Array, ""]  # time of the last state
    final: Float[Array, " energy"]  # δ = f - f0(T0) at that time
    result: RESULTS
    spectrum: EliashbergFunction
    grid: EnergyGrid
    equation: KineticEquation
    stats: dict[str, Any]

    @property
    def deviation(self) -> Float[Array, "time energy"]:
        """δ = f - f0(T0)."""
        return self.f - self.equation.equilibrium[None, :]

    @property
    def temperature(self) -> Float[Array, " time"]:
        r"""The electrons' effective temperature, $T_e^2 = \frac{12}{\pi^2}\int_0^\infty E f dE$.

        It is that of the Fermi distribution with the same kinetic energy.
        """
        scale = 12 / jnp.pi**2 * self.energies[0]
        square = self.equation.temperature**2
        return self._at_each_time(lambda d: jnp.sqrt(square + scale * self.energies @ d))

    @property
    def energy(self) -> Float[Array, " time"]:
        """Energy above equilibrium, interaction included; see `KineticEquation.energy`."""
        return self._at_each_time(self.equation.energy)

    def at_times(self: _Run, rows: Int[Array, " row"]) -> _Run:
        """The same run as seen at some of its times only, given by their indices `rows`."""

        def seen(evolution):
            return evolution.times, evolution.f, evolution.heat

        return eqx.tree_at(seen, self, tuple(values[rows] for values in seen(self)))

    def _at_each_time(self, function) -> Float[Array, " time"]:
        """A function of δ, NaN where the run did not arrive, in a way that keeps gradients of
        the other times finite."""
        arrived = jnp.isfinite(self.f[:, 0])
        known = jnp.where(arrived[:, None], self.deviation, 0.0)
        return jnp.where(arrived, jax.vmap(function)(known), jnp.nan)

    @property
    def energy_error(self) -> Float[Array, " time"]:
        """How far energy is from balanced: U(t) - U(0) - ∫dt ∫dE E I, over the largest |U|."""
        energy = self.energy
        start = self.equation.energy(self.deviation[0]) - self.heat[0]
        return (energy - start - self.heat) / jnp.nanmax(jnp.abs(energy))

    def amplitudes(self, modes: NormalModes) -> Float[Array, "time mode"]:
        """The deviation's components along normal modes at T0, orthogonal with respect to Ã.

        Args:
            modes: of the same grid at T0, see `normal_modes`.
        """
        equation, vectors = self.equation, modes.vectors
        window = jnp.sqrt(equation.minus_slope)
        psi = self.deviation / window[None, :]

        def multiply(vector):
            return equation.weight * vector - window * equation.exchange.mv(window * vector)

        dual = jax.vmap(multiply, in_axes=1, out_axes=1)(vectors)
        return psi @ dual / jnp.sum(vectors * dual, axis=0)[None, :]


def outcome(run: Run) -> str:
    """The name of the run's result: completed, unstable or failed."""
    for name in ("completed", "unstable"):
        if bool(run.result == getattr(RESULTS, name)):
            return name
    return "failed"
