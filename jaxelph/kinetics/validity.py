r"""Whether a run may be described by the kinetic equation at all: τ_f E_Σ ≫ 1.

The gradient expansion behind it takes f to change slowly, over times τ_f, and f and Σ to vary
smoothly, over energies E_Σ (Supplement, before (35)). Both are read off the run, energy by energy:

    τ_f = max{f(1-f), 1/400}/|∂f/∂t|,      E_Σ = min{ f(1-f)/|f'|, |1-Σ'|/|Σ''| },

t being the true time: τ_f is when f changes by as much as there is to change (a hundredth of what
there is at the Fermi level, where f is almost empty or full), and f(1-f)/|f'| is T of a Fermi
function. The number is the least of τ_f E_Σ over the energies at which |∂f/∂t| is above
a twentieth of its largest. Where the normal state loses its stability ∂f/∂t diverges, and it goes
to zero.
"""

import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np

from ..dae.gmres import GMRES
from .moving import moving_equation
from .run import Run
from .shifts import reach_of

# Energies at which f changes by less than this share of its largest change do not matter.
_MATTERS = 0.05
# f(1-f) counts for no less than this.
_LEAST_ROOM = 0.01 * 0.25


def validity(run: Run) -> np.ndarray:
    """min over E of τ_f E_Σ at each time of a run (array of shape (time,)), NaN after its end and
    infinite where nothing moves.

    Example:
        >>> from jaxelph import EinsteinModes, EnergyGrid, evolve
        >>> run = evolve(EinsteinModes([2.0], [0.1]), 1.1, 1.0, EnergyGrid(0.4, 80), [0.0, 1.0])
        >>> bool(validity(run)[0] > 10)
        True
    """
    equation, grid = run.equation, run.grid
    lattice, pump = run.lattice, run.pump
    omega = run.spectrum.modes()[0] if lattice is None else lattice.omega
    reaches = reach_of(float(jnp.max(omega) / grid.step)), 0
    if pump is not None:
        reaches = reaches[0], reach_of(float(pump.photon_energy / grid.step))
    rest = jnp.zeros(grid.size)
    moving = None
    if lattice is not None:
        moving = moving_equation(equation, lattice, grid, pump, reaches, rest)

    @jax.jit
    def at(row):
        t, deviation, stored = row
        if moving is None:
            driven = equation.collide(deviation)
        else:
            driven = moving.rhs(t, moving.join(deviation, stored, jnp.zeros(())))[: grid.size]
        # f' and 1 - Σ' from E = 0 on, both even.
        slope = equation.slope.mv(deviation, first=0)
        slope = slope - jnp.append(0.25 / equation.temperature, equation.minus_slope)
        drag = equation.exchange.mv_even(slope, first=0)
        weight, slope, bend = 1 - drag[1:], slope[1:], equation.slope.mv_even(drag)
        rate = _rate(equation, deviation, driven, weight)
        f = equation.equilibrium + deviation
        room = jnp.maximum(f * (1 - f), 0.0)
        width = jnp.minimum(
            room / jnp.maximum(jnp.abs(slope), 1e-300),
            jnp.abs(weight) / jnp.maximum(jnp.abs(bend), 1e-300),
        )
        size = jnp.abs(rate)
        matters = size > _MATTERS * jnp.max(size)
        number = jnp.maximum(room, _LEAST_ROOM) * width / (jnp.pi * jnp.where(size > 0, size, 1.0))
        least = jnp.min(jnp.where(matters & (size > 0), number, jnp.inf))
        return jnp.maximum(least, 0.0)

    known = np.all(np.isfinite(np.asarray(run.f)), axis=1)
    stored = jnp.zeros((len(known), 0)) if run.stored is None else run.stored
    rows = run.times[known], run.deviation[known], stored[known]
    found = np.full(len(known), np.nan)
    found[known] = np.asarray(jax.lax.map(at, rows))
    return found


def _rate(equation, deviation, driven, weight):
    """∂f/∂t of B(f) ∂f/∂t = `driven`, by GMRES: B is its diagonal and little more."""
    shape = jax.ShapeDtypeStruct(driven.shape, driven.dtype)
    operator = lx.FunctionLinearOperator(lambda v: equation.mass_product(deviation, v), shape)
    safe = jnp.where(jnp.abs(weight) > 1e-3, weight, 1.0)
    inverse = lx.FunctionLinearOperator(lambda v: v / safe, shape)
    solver = GMRES(rtol=1e-8, atol=0.0, restart=40, max_steps=400)
    options = {"preconditioner": inverse}
    return lx.linear_solve(operator, driven, solver, options=options, throw=False).value
