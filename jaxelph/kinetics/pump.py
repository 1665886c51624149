r"""A pulse of light as a classical field: electrons take up and give off photons of energy Ω,

    ∂f/∂t |_pump = p(t) [f(E+Ω) + f(E-Ω) - 2f(E)],      ∫E pump dE = p(t) Ω²,

so that the energy absorbed fixes ∫p dt. Times are rescaled, energies are over 2ν0.
"""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..grids.energies import EnergyGrid
from ..numerics.checks import refuse
from ..spectra.description import concrete
from ..spectra.spectrum import Scalar, as_float
from .shifts import SymmetricShifts, place_weights


class AbstractPulseShape(eqx.Module):
    """A pulse of unit area and unit full width at half maximum, about t = 0."""

    # Where it is over, in full widths.
    reach: eqx.AbstractVar[float]

    @abc.abstractmethod
    def density(self, x: Scalar) -> Float[Array, ""]:
        """The pulse at x (scalar, full widths)."""

    @abc.abstractmethod
    def integral(self, x: Scalar) -> Float[Array, ""]:
        """The share of the pulse before x (scalar, full widths)."""


class Gaussian(AbstractPulseShape):
    """exp(-4 ln 2 x²).

    Example:
        >>> print(f"{Gaussian().density(0.5) / Gaussian().density(0.0):.3f}")
        0.500
    """

    reach: float = eqx.field(static=True, default=2.5)

    def density(self, x):
        return 2 * jnp.sqrt(jnp.log(2.0) / jnp.pi) * jnp.exp(-4 * jnp.log(2.0) * x**2)

    def integral(self, x):
        return 0.5 * jax.scipy.special.erfc(-2 * jnp.sqrt(jnp.log(2.0)) * x)


class SquaredSech(AbstractPulseShape):
    """1/cosh²(2 arcosh(√2) x), that of a soliton laser.

    Example:
        >>> print(f"{SquaredSech().density(0.5) / SquaredSech().density(0.0):.3f}")
        0.500
    """

    reach: float = eqx.field(static=True, default=7.0)

    def density(self, x):
        rate = 2 * jnp.arccosh(jnp.sqrt(2.0))
        return 2 * rate * jax.nn.sigmoid(2 * rate * x) * jax.nn.sigmoid(-2 * rate * x)

    def integral(self, x):
        return jax.nn.sigmoid(4 * jnp.arccosh(jnp.sqrt(2.0)) * x)


class Square(AbstractPulseShape):
    """Constant for one width.

    Example:
        >>> print(Square().integral(0.25))
        0.75
    """

    reach: float = eqx.field(static=True, default=0.5)

    def density(self, x):
        return jnp.where(jnp.abs(x) < 0.5, 1.0, 0.0)

    def integral(self, x):
        return jnp.clip(0.5 + x, 0.0, 1.0)


class Pulse(eqx.Module):
    r"""A pulse of light, for `evolve`: p(t) [f(E+Ω) + f(E-Ω) - 2f(E)].

    Args:
        photon_energy (scalar, energy): Ω > 0.
        absorbed (scalar, energy²): the energy that the pulse brings per cell, over 2ν0,
            Ω²∫p dt.
        duration (scalar, 1/energy): full width at half maximum, in the rescaled time.
        centre (scalar, 1/energy): time of the maximum; by default so late that the pulse begins
            at t = 0. What lies before t = 0 is cut off, and `absorbed` is what is left.
        shape: `Gaussian`, `SquaredSech` or `Square`.

    Raises:
        ValueError: an energy or duration that is not positive, or less than nothing absorbed.

    Example:
        >>> pulse = Pulse(100.0, 2.0, 0.5)
        >>> print(f"{pulse.brought(0.0):.3f} {pulse.brought(pulse.centre):.3f} {pulse.end}")
        0.000 1.000 2.5
    """

    photon_energy: Float[Array, ""] = eqx.field(converter=as_float)
    absorbed: Float[Array, ""] = eqx.field(converter=as_float)
    duration: Float[Array, ""] = eqx.field(converter=as_float)
    centre: Float[Array, ""]
    shape: AbstractPulseShape

    def __init__(self, photon_energy, absorbed, duration, centre=None, shape=None):
        self.shape = Gaussian() if shape is None else shape
        self.photon_energy, self.absorbed = as_float(photon_energy), as_float(absorbed)
        self.duration = as_float(duration)
        begins = self.shape.reach * self.duration
        self.centre = begins if centre is None else as_float(centre)

    def __check_init__(self):
        refuse("Pulse: photon_energy", self.photon_energy, positive=True)
        refuse("Pulse: duration", self.duration, positive=True)
        refuse("Pulse: absorbed", self.absorbed)
        refuse("Pulse: centre", self.centre)

    def _at(self, t):
        return (t - self.centre) / self.duration

    @property
    def _whole(self):
        """The share of the pulse after t = 0."""
        return 1 - self.shape.integral(self._at(0.0))

    @property
    def end(self) -> Float[Array, ""]:
        """When it is over (scalar, 1/energy)."""
        return self.centre + self.shape.reach * self.duration

    def rate(self, t: Scalar) -> Float[Array, ""]:
        """p at the time `t` (scalar, 1/energy): a scalar, energy."""
        height = self.absorbed / (self.photon_energy**2 * self.duration * self._whole)
        return height * self.shape.density(self._at(t))

    def brought(self, t: Scalar) -> Float[Array, ""]:
        """The energy absorbed until `t` ≥ 0 (scalar, 1/energy), over 2ν0: a scalar, energy²."""
        share = self.shape.integral(self._at(t)) - self.shape.integral(self._at(0.0))
        return self.absorbed * share / self._whole

    def longest_step(self, t: Scalar) -> Float[Array, ""]:
        """How far from `t` (scalar, 1/energy) a step may go without passing over the pulse."""
        begins = self.centre - self.shape.reach * self.duration
        before = jnp.maximum(begins - t, 0.0) + self.duration / 2
        return jnp.where(t < self.end, before, jnp.inf)


class PumpOnGrid(eqx.Module):
    """A pulse on an energy grid; made by `at`."""

    pulse: Pulse
    shifts: SymmetricShifts
    weights: Float[Array, " reach"]

    @staticmethod
    def at(pulse: Pulse, temperature: Scalar, grid: EnergyGrid, reach: int) -> "PumpOnGrid":
        """With electrons that are in equilibrium at `temperature` but for δ."""
        weights = place_weights(pulse.photon_energy[None], grid.step, reach)[0]
        return PumpOnGrid(pulse, SymmetricShifts.at(temperature, grid, reach), weights)

    def integral(self, t, deviation: Float[Array, " energy"]) -> Float[Array, " energy"]:
        """p(t) [f(E+Ω) + f(E-Ω) - 2f(E)] on the grid.

        Electrons that absorb twice may leave the grid: p is larger by what they take along, so
        that the energy moment is p(t)Ω² on any grid.
        """
        shifted = self.shifts.mix(self.weights, deviation)
        return self.pulse.rate(t) * self.pulse.photon_energy**2 / self._moment(shifted) * shifted

    def matrix(self, t, deviation: Float[Array, " energy"]) -> Float[Array, "energy energy"]:
        """The derivative of `integral` by δ."""
        shifted = self.shifts.mix(self.weights, deviation)
        matrix, moment = self.shifts.mix_matrix(self.weights), self._moment(shifted)
        matrix = matrix - (shifted / moment)[:, None] * self._moment(matrix)[None, :]
        return self.pulse.rate(t) * self.pulse.photon_energy**2 / moment * matrix

    def _moment(self, values):
        energies = self.shifts.energies
        return 2 * energies[0] * energies @ values

    def brought(self, t) -> Float[Array, ""]:
        return self.pulse.brought(t)


def check_pump(pump, temperature, grid) -> None:
    """Refuse a grid that does not reach the photon energy, where these are known."""
    if pump is None or not all(map(concrete, (pump.photon_energy, temperature, grid.step))):
        return
    needed = float(pump.photon_energy) + 12 * float(temperature)
    if float(grid.cutoff) < needed:
        raise ValueError(
            f"the grid ends at {float(grid.cutoff):.4g}: with photons of "
            f"{float(pump.photon_energy):.4g} it should reach {needed:.4g} at least, better twice "
            "the photon energy, so that electrons may absorb two."
        )
