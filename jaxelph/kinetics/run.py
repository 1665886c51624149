"""What a run of the kinetic equation holds, and what follows from it directly."""

import dataclasses
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..grids.energies import EnergyGrid
from ..spectra.spectrum import EliashbergFunction
from ..stability.modes import NormalModes
from ..stability.phonons import PhononBranches, effective_temperatures, occupations
from .equation import KineticEquation
from .pump import Pulse

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
    lattice: PhononBranches | None = None
    stored: Float[Array, "time mode"] | None = None  # (F_k/2ν0) [N_k - N_k(T0)]
    pump: Pulse | None = None

    @property
    def phonons(self) -> Float[Array, "time mode"] | None:
        """N_k(t), of a run with phonons that move."""
        if self.lattice is None or self.stored is None:
            return None
        return occupations(self.lattice, self.equation.temperature, self.stored)

    @property
    def phonon_temperature(self) -> Float[Array, "time mode"] | None:
        """T_k with N(ω_k, T_k) = N_k(t), mode by mode."""
        if self.lattice is None or self.phonons is None:
            return None
        return effective_temperatures(self.lattice.omega, self.phonons)

    @property
    def phonon_energy(self) -> Float[Array, " time"]:
        """Σ_k (F_k/2ν0) ω_k [N_k - N_k(T0)]: energy of the phonons, counted as `energy` is."""
        if self.lattice is None or self.stored is None:
            return jnp.zeros_like(self.heat)
        return self.stored @ self.lattice.omega

    @property
    def total_energy(self) -> Float[Array, " time"]:
        """Of electrons and phonons together: constant without a bath and a pulse."""
        return self.energy + self.phonon_energy

    @property
    def absorbed(self) -> Float[Array, " time"]:
        """Energy that the pulse has brought."""
        if self.pump is None:
            return jnp.zeros_like(self.heat)
        return jax.vmap(self.pump.brought)(self.times)

    @property
    def escaped(self) -> Float[Array, " time"]:
        """Energy that the phonons have lost to the bath."""
        stored = self.phonon_energy
        return -self.heat - (stored - stored[0])

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
        names = "times", "f", "heat", "stored"
        seen = {k: v[rows] for k in names if (v := getattr(self, k)) is not None}
        # Its own spectrum, which knows its file: not one put together from the leaves of a tree.
        return dataclasses.replace(self, **seen)

    def _at_each_time(self, function) -> Float[Array, " time"]:
        """A function of δ, NaN where the run did not arrive, in a way that keeps gradients of
        the other times finite."""
        arrived = jnp.isfinite(self.f[:, 0])
        known = jnp.where(arrived[:, None], self.deviation, 0.0)
        return jnp.where(arrived, jax.vmap(function)(known), jnp.nan)

    @property
    def energy_error(self) -> Float[Array, " time"]:
        """How far energy is from balanced: U(t) - U(0) - ∫dt ∫dE E I, over the largest |U|.

        What a pulse has brought is counted with the integral.
        """
        energy, received = self.energy, self.heat + self.absorbed
        start = self.equation.energy(self.deviation[0]) - received[0]
        return (energy - start - received) / jnp.nanmax(jnp.abs(energy))

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
