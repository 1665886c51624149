r"""Where continuous heating ends: the root of the equations that `evolve` integrates,

    I[f, N] + p [f(E+Ω) + f(E-Ω) - 2f(E)] = 0,
    λ_kω_k [P_k - ω_kN_k] = (F_k/2ν0) [N_k - N_k(T0)]/τ_k.

It is found as an implicit Euler method finds it whose step, the inverse of α, grows as fast as
what is left falls: far from the root it follows the metal in time, near it it is Newton's method.
The last step is taken with the derivatives of all that the equations depend on, and so has those of
the root.
"""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Bool, Float

from ..dae.elimination import EliminatingInverse
from ..grids.energies import EnergyGrid
from ..numerics.checks import checked, refuse
from ..spectra.resolution import at_temperature
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..stability.critical import check_temperature
from ..stability.phonons import (
    MovingPhonons,
    PhononBranches,
    effective_temperatures,
    occupations,
)
from .collisions import ElectronCollisions
from .coulomb import CoulombCollisions
from .equation import KineticEquation, KineticMatrices
from .moving import _dense_blocks, moving_equation
from .pump import Pulse, Square, check_pump
from .system import reaches

# f may change by this much in a step.
_STRIDE = 0.1
# A step as short as this share of δ ends the search: Newton's next leaves nothing.
_SHORT = 1e-9


class SteadyState(eqx.Module):
    """Electrons and phonons under continuous heating, what `steady_state` returns.

    Args:
        energies (array of shape (energy,), energy): E = ε…Lε.
        f (array of shape (energy,)): the distribution.
        stored (array of shape (mode,)): (F_k/2ν0) [N_k - N_k(T0)]; of a mode that keeps its
            occupation, what it takes up in unit time.
        converged (boolean, scalar): whether the root was found.
        stable (boolean, scalar): whether B(f) is positive there; where it is not, no metal gets
            there.
        steps: of the search.
        equation: the kinetic equation.
        lattice: the phonons, mode by mode.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s, grid = EinsteinModes([2.0, 3.1], [0.4, 0.3]), EnergyGrid(0.33, 120)
        >>> state = steady_state(s, 1.0, grid, 10.0, 1.0, phonons=MovingPhonons(0.2, 5.0))
        >>> print(f"{state.temperature:.4f}", state.phonon_temperature.round(4))
        2.0001 [1.616  1.7586]
    """

    energies: Float[Array, " energy"]
    f: Float[Array, " energy"]
    stored: Float[Array, " mode"]
    converged: Bool[Array, ""]
    stable: Bool[Array, ""]
    steps: Any
    equation: KineticEquation
    lattice: PhononBranches

    @property
    def deviation(self) -> Float[Array, " energy"]:
        """δ = f - f0(T0)."""
        return self.f - self.equation.equilibrium

    @property
    def temperature(self) -> Float[Array, ""]:
        """T_e of a Fermi function with the same kinetic energy, see `Evolution`."""
        scale = 12 / jnp.pi**2 * self.energies[0]
        return jnp.sqrt(self.equation.temperature**2 + scale * self.energies @ self.deviation)

    @property
    def phonons(self) -> Float[Array, " mode"]:
        """The occupations N_k of the modes."""
        return occupations(self.lattice, self.equation.temperature, self.stored)

    @property
    def phonon_temperature(self) -> Float[Array, " mode"]:
        """T_k with N(ω_k, T_k) = N_k."""
        return effective_temperatures(self.lattice.omega, self.phonons)

    @property
    def escaping(self) -> Float[Array, " mode"]:
        """What each mode gives to the bath in unit time, over 2ν0; together it is the power."""
        return self.lattice.omega * self.lattice.escape * self.stored


@checked
def steady_state(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    grid: EnergyGrid,
    photon_energy: Scalar,
    power: Scalar,
    *,
    phonons: MovingPhonons | None = None,
    electrons: ElectronCollisions | CoulombCollisions | None = None,
    max_steps: int = 200,
    throw: bool = True,
) -> SteadyState:
    r"""f(E) and N_k under light that shines all the time, by the root of

    $$I[f, N] + p\,[f(E+\Omega) + f(E-\Omega) - 2f(E)] = 0, \qquad p\,\Omega^2 = \mathrm{power}.$$

    It is where `evolve` ends with a pulse that does not. Derivatives are those of the root, by the
    implicit function theorem, in every argument.

    Args:
        spectrum: an Eliashberg function. One Einstein mode alone keeps the number of particles on
            every ladder E + nω, and has no single steady state.
        temperature (scalar, energy): T0 of the phonons' bath.
        grid: it has to reach Ω and 25 T beyond, better 2Ω.
        photon_energy (scalar, energy): Ω > 0; a small one heats as a current does.
        power (scalar, energy³): absorbed per cell in unit rescaled time, over 2ν0.
        phonons: their `lifetime` is the way out for the heat; without them, or where their
            `coupling` is 0, they stay at T0 and are the bath. `initial` plays no part.
        electrons: collisions between electrons.
        max_steps: before the search is given up.
        throw: raise where it is.

    Returns:
        SteadyState.

    Raises:
        ValueError: a number that cannot be, or phonons that all move and have no bath.
        RuntimeError: no root was found.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s, grid = EinsteinModes([2.0, 3.1], [0.4, 0.3]), EnergyGrid(0.33, 120)
        >>> hot = lambda power: steady_state(s, 1.0, grid, 10.0, power).temperature
        >>> print(f"{hot(0.5):.4f} {jax.grad(hot)(0.5):.4f}")
        1.2056 0.3833
    """
    check_temperature(temperature)
    refuse("photon_energy", photon_energy, positive=True)
    refuse("power", power, not_negative=True)
    if isinstance(electrons, CoulombCollisions):
        electrons = electrons.on(grid)
    spectrum = at_temperature(spectrum, temperature)
    # The middle of a pulse that is as high at all times.
    light = Pulse(photon_energy, power, 1.0, 0.5, Square())
    with jax.ensure_compile_time_eval():
        check_pump(light, temperature, grid)
    moves = MovingPhonons(0.0) if phonons is None else phonons
    branches = moves.on(spectrum)
    _check_bath(branches)
    state = _find(
        spectrum,
        branches,
        jnp.asarray(temperature, dtype=float),
        grid,
        electrons,
        light,
        reaches(spectrum, grid, light),
        max_steps,
    )
    if not throw:
        return state
    told = (
        f"no steady state was found in {max_steps} steps: the normal state may be unstable on the "
        "way (see evolve with a long pulse), or its phonons do not decide one."
    )
    if isinstance(state.converged, Tracer):
        return dataclasses.replace(state, f=eqx.error_if(state.f, ~state.converged, told))
    if not bool(jnp.all(state.converged)):
        raise RuntimeError(told)
    return state


def _check_bath(branches) -> None:
    if any(isinstance(x, Tracer) for x in (branches.coupling, branches.escape, branches.strength)):
        return
    out = (branches.coupling == 0) | (branches.escape > 0)
    if not bool(jnp.any(out & (branches.strength > 0))):
        raise ValueError(
            "steady_state: all phonons move and none has a bath, so that they warm up for ever: "
            "give MovingPhonons a lifetime, or leave phonons out."
        )


@eqx.filter_jit
def _find(spectrum, branches, temperature, grid, electrons, light, reaches, max_steps):
    # Modes that keep their occupation act on nothing; with any rate their x stays finite.
    still = (branches.coupling == 0) & (branches.escape == 0)
    branches = dataclasses.replace(branches, escape=jnp.where(still, 1.0, branches.escape))
    size, solver = grid.size, EliminatingInverse(_dense_blocks)

    def equations(everything):
        spectrum, branches, temperature, grid, electrons, light = everything
        equation = KineticEquation.at(spectrum, temperature, grid, electrons)
        rest = jnp.zeros(size)
        return moving_equation(equation.matrices(), branches, grid, light, reaches, rest)

    def step(moving, y, alpha):
        driven = moving.rhs(0.5, y).at[-1].set(0.0)
        kept = solver.kept(*_dense_blocks(0.5, y, jnp.zeros_like(y), alpha, moving))
        return solver.solve(kept, driven).at[-1].set(0.0)

    everything = spectrum, branches, temperature, grid, electrons, light
    fixed = equations(jax.tree.map(_still, everything))
    operators = fixed.operators
    assert isinstance(operators, KineticMatrices)

    def left(y):
        return jnp.max(jnp.abs(fixed.rhs(0.5, y)[:size]))

    def goes_on(state):
        y, change, k = state
        return (change > _SHORT * jnp.max(jnp.abs(y[:size]))) & (k < max_steps)

    def search(state):
        y, _, k = state
        shift = step(fixed, y, left(y) / _STRIDE + _least(fixed))
        return y + shift, jnp.max(jnp.abs(shift[:size])), k + 1

    start = jnp.zeros(size + branches.omega.shape[0] + 1)
    first = start, jnp.asarray(jnp.inf), 0
    y, change, steps = jax.lax.while_loop(goes_on, search, first)
    converged = change <= _SHORT * jnp.max(jnp.abs(y[:size]))
    y = jax.lax.stop_gradient(y)
    moving = equations(everything)
    y = y + step(moving, y, _least(fixed))
    deviation, stored, _ = moving.split(y)
    equation = moving.equation
    return SteadyState(
        energies=equation.energies,
        f=equation.equilibrium + deviation,
        stored=stored,
        converged=converged & jnp.all(jnp.isfinite(y)),
        stable=operators.is_stable(jax.lax.stop_gradient(deviation)),
        steps=steps,
        equation=equation,
        lattice=branches,
    )


def _least(moving):
    """α of Newton's method: nothing beside any rate, and above zero for the heat, which grows."""
    return 1e-14 * jnp.max(moving.equation.phonons.rate)


def _still(value):
    return jax.lax.stop_gradient(value) if eqx.is_inexact_array(value) else value
