"""Where and how a normal metal lost its stability during an evolution."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Array, Float

from ..grids.energies import EnergyGrid
from ..numerics.tridiagonal import lowest_eigenvalue
from ..stability.modes import NormalModes, normal_modes
from .equation import KineticEquation
from .run import RESULTS, Run
from .spike import first_zero, least_weights

# Deviations up to this size count as small when a growth rate is read off.
_LINEAR = 1e-2
# Grids up to this size have all modes of the linear theory computed on them.
_DENSE = 1500


class Instability(eqx.Module):
    """The loss of stability of the normal state along an evolution.

    At `time` the smallest eigenvalue of B(f) on the grid passes through zero. The corresponding
    component of ∂f/∂t, proportional to its inverse, diverges there like 1/√(time - t). Its
    vector may be a spike narrower than a step; in the limit of a fine grid it then is zero
    already at `onset`, when 1 - Σ'[f] vanishes at an energy between those of the grid, and
    time - onset is the grid's error.
    """

    time: float  # on this grid; rescaled, 1/energy
    onset: float  # when B(f) is no longer positive in the limit of a fine grid, at most `time`
    eigenvalue_at_start: float  # the smallest of B(f) at the first time
    eigenvalue: float  # the smallest of B(f) at `time`
    negative: int  # how many are negative there, the one at zero included
    size: int  # how many there are
    vector: Float[Array, " energy"]  # δf along which the state runs away, largest entry 1
    peak: float  # the energy where that is largest
    width: float  # the energies that it covers, 1/Σδf⁴ of the normalised vector
    least_weight: float  # min of 1 - Σ'[f] over energy
    least_weight_energy: float  # where
    growing: int  # unstable modes of the linear theory at T0
    linear_rate: float  # the fastest growth in the linear theory at T0, 0 if none
    fitted_rate: float  # the growth of that mode in the run, NaN where it cannot be read off,
    # or where the linear theory was solved on fewer energies

    def __str__(self) -> str:
        kind = (
            f"growing modes of the linear theory at T0: {self.growing}, "
            f"fastest rate {self.linear_rate:.6g}"
            if self.growing
            else "the linear theory calls the equilibrium at T0 stable"
        )
        if np.isfinite(self.fitted_rate):
            kind += f"; growth in this run {self.fitted_rate:.6g}"
        return (
            f"The normal state is unstable from t = {self.time:.6g} on"
            + (f", without a grid from {self.onset:.6g} on" if self.onset < self.time else "")
            + ".\n"
            f"  the smallest of {self.size} eigenvalues of B(f): "
            f"{self.eigenvalue_at_start:.4g} at the start, {self.eigenvalue:.3g} there; "
            f"{self.negative} not positive\n"
            f"  its vector peaks at E = {self.peak:.6g} and covers about {self.width:.3g}\n"
            f"  1 - Σ'[f] is least at E = {self.least_weight_energy:.6g}: "
            f"{self.least_weight:.4g}\n"
            f"  {kind}"
        )


def find_instability(evolution: Run) -> Instability | None:
    """The loss of stability along an evolution, or None.

    A run that stopped there knows the time on its grid to its tolerance. In a run that was not
    told to stop it is the first of the times asked for at which B(f) is not positive. `onset` is
    found from the states at the times asked for: 20 of them before it give it to four digits.
    """
    if evolution.f.ndim != 2:
        raise ValueError(
            "instability() describes one run; of a batch, take one with "
            "jax.tree.map(lambda leaf: leaf[k], batch)."
        )
    equation = evolution.equation
    rows = np.asarray(evolution.deviation)
    known = np.all(np.isfinite(rows), axis=1)
    rows, times = rows[known], np.asarray(evolution.times)[known]
    if bool(evolution.result == RESULTS.unstable):
        time, state = float(evolution.reached), np.asarray(evolution.final)
    else:
        least = jax.lax.map(lambda d: smallest_eigenvalue(equation, d), jnp.asarray(rows))
        lost = np.flatnonzero(np.asarray(least) <= 0)
        if lost.size == 0:
            return None
        time, state = float(evolution.times[lost[0]]), rows[lost[0]]
    until = times < time
    least = least_weights(equation, evolution.grid, np.vstack([rows[until], state]))[0]
    onset = first_zero(np.append(times[until], time), least)
    matrices = equation.matrices()
    later = len(rows) > 0 and not np.array_equal(rows[0], state)
    mass = np.asarray(matrices.symmetric_mass(jnp.asarray(state)))
    # All values and one vector: all vectors would take several times as long.
    values = scipy.linalg.eigvalsh(mass)
    lowest = scipy.linalg.eigh(mass, subset_by_index=[0, 0])[1][:, 0]
    start = float(smallest_eigenvalue(equation, jnp.asarray(rows[0])) if later else values[0])
    state = jnp.asarray(state)
    slope, dragged = equation.slopes(state)
    softest = jnp.sqrt(jnp.maximum(equation.minus_slope - slope, 0.0)) * lowest
    softest = softest / softest[jnp.argmax(jnp.abs(softest))]
    share = softest**2 / jnp.sum(softest**2)
    weight = equation.weight - dragged
    energies = equation.energies
    grid = _linear_grid(evolution)
    modes = normal_modes(evolution.spectrum, equation.temperature, grid)
    followed = int(modes.unstable) and grid.size == evolution.grid.size
    # The crossing is located from either side: what is zero to rounding counts.
    zero = 1e-6 * float(jnp.max(values)) if time > 0 else 0.0
    return Instability(
        time=time,
        onset=onset if np.isfinite(onset) else time,
        eigenvalue_at_start=start,
        eigenvalue=float(values[0]),
        negative=max(int(jnp.sum(values <= zero)), 1),
        size=int(values.shape[0]),
        vector=softest,
        peak=float(energies[jnp.argmax(jnp.abs(softest))]),
        width=float(energies[0] / jnp.sum(share**2)),
        least_weight=float(jnp.min(weight)),
        least_weight_energy=float(energies[jnp.argmin(weight)]),
        growing=int(modes.unstable),
        linear_rate=float(modes.fastest_growth),
        fitted_rate=growth_rate(evolution, modes) if followed else float("nan"),
    )


def _linear_grid(evolution: Run) -> EnergyGrid:
    """Where the linear theory at T0 is solved: on the run's own energies, unless electrons far
    colder than the phonons ask for thousands that the modes at T0 have no use for."""
    grid = evolution.grid
    if grid.size <= _DENSE:
        return grid
    enough = EnergyGrid.suggest(evolution.spectrum, float(evolution.equation.temperature))
    return enough if enough.size < grid.size else grid


def smallest_eigenvalue(
    equation: KineticEquation, deviation: Float[Array, " energy"]
) -> Float[Array, ""]:
    """The smallest eigenvalue of B(f) in its symmetric form."""
    return lowest_eigenvalue(equation.matrices().symmetric_mass(deviation))


def growth_rate(evolution: Run, modes: NormalModes, mode: int = 0) -> float:
    r"""The rate at which a normal mode's amplitude grows in a run, $d\ln|a|/dt$.

    Fitted to the times at which the deviation is small, so that the linear theory's -γ is what
    to expect. NaN with fewer than three such times.

    Args:
        evolution: one run, made with `stop_when_unstable=False`.
        modes: normal modes at T0 on the same grid.
        mode: which of them.
    """
    amplitude = np.abs(np.asarray(evolution.amplitudes(modes))[:, mode])
    small = np.max(np.abs(np.asarray(evolution.deviation)), axis=1) < _LINEAR
    use = small & np.isfinite(amplitude) & (amplitude > 0)
    if use.sum() < 3:
        return float("nan")
    times = np.asarray(evolution.times)[use]
    return float(np.polyfit(times, np.log(amplitude[use]), 1)[0])
