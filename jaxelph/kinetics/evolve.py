"""How a metal relaxes, or runs away: the kinetic equation integrated in time."""

import dataclasses

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
from jaxtyping import Array, ArrayLike, Real

from ..dae import DenseInverse, Krylov, Rodas5P
from ..dae.elimination import EliminatingKrylov
from ..electrons.occupations import fermi
from ..grids.energies import EnergyGrid
from ..numerics.checks import checked
from ..presentation.notebook import html_table
from ..spectra.description import concrete
from ..spectra.resolution import at_temperature
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..stability.critical import check_temperature
from ..stability.phonons import MovingPhonons
from .collisions import ElectronCollisions
from .coulomb import CoulombCollisions
from .dataset import evolution_dataset
from .equation import KineticEquation
from .instability import Instability, find_instability
from .moving import MovingEquation, moving_solver
from .positivity import Positivity
from .pump import Pulse, check_pump
from .run import RESULTS, Run
from .stages import stages_in_one_launch
from .system import ElectronsAlone, preconditioner, reaches, with_phonons

# Up to this size dense matrices beat Fourier transforms; see benchmarks/.
_DENSE = 400


class Evolution(Run):
    """The electron distribution in time, what `evolve` returns, and why it ended.

    Rows after `reached` are NaN; `result` says whether the metal relaxed (`completed`) or the
    normal state lost its stability (`unstable`) at the time `reached`. That time carries no
    derivative: gradients are those of f at fixed times.

    Args:
        times (array of shape (time,), 1/energy): as asked for, rescaled: πt.
        energies (array of shape (energy,), energy): E = ε…Lε.
        f (array of shape (time, energy)): the distribution.
        heat (array of shape (time,), energy²): received from the phonons, ∫dt ∫dE E I(f).
        reached (scalar, 1/energy): time of the last state.
        final (array of shape (energy,)): δ = f - f0(T0) at that time.
        result: one of `RESULTS`.
        spectrum: the spectrum it was computed for.
        grid: the energy grid.
        equation: the equation that was integrated.
        stats: numbers of steps, by diffrax.
        lattice: the phonons that move, mode by mode; `.phonons` is N_k(t).
        stored (array of shape (time, mode)): (F_k/2ν0) [N_k - N_k(T0)].
        pump: the pulse of light.

    Example:
        >>> import numpy as np
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes(np.arange(40.0, 61.0), np.full(21, 1 / 21))
        >>> run = evolve(s, 13.85, 12.59, EnergyGrid(6.0, 75), np.array([0.0, 1.0, 16.0]))
        >>> print(run.f.shape, RESULTS[run.result], bool(np.max(np.abs(run.energy_error)) < 1e-5))
        (3, 75) The evolution reached the last time. True
    """

    def instability(self) -> Instability | None:
        """When, where and how the normal state lost its stability; None where it did not."""
        return find_instability(self)

    def _repr_html_(self) -> str | None:
        if not concrete((self.times, self.f, self.reached)) or np.ndim(self.f) != 2:
            return None  # traced, or a batch
        names = ("completed", "unstable", "failed")
        temperature = np.asarray(self.temperature)
        rows = [
            ("result", next(n for n in names if bool(self.result == getattr(RESULTS, n)))),
            ("times", len(self.times)),
            ("energies", len(self.energies)),
            ("reached (1/energy, rescaled)", float(self.reached)),
            ("T_0 (energy)", float(self.equation.temperature)),
            ("T_e at the first time (energy)", float(temperature[0])),
            ("T_e at the last time (energy)", float(temperature[-1])),
        ]
        return html_table("Evolution", rows)

    def to_xarray(self):
        """The evolution as a labelled `xarray.Dataset`, in the caller's unit of energy."""
        return evolution_dataset(self)

    def plot(self, ax=None):
        """A figure of f and δf over energy and time, and of T_e(t); on `ax` if given."""
        from .figure import evolution_figure

        return evolution_figure(self.to_xarray(), ax)


@checked
def evolve(
    spectrum: EliashbergFunction,
    initial: Real[Array, "..."] | float,
    temperature: Scalar,
    grid: EnergyGrid,
    times: Real[ArrayLike, " time"],
    *,
    rtol: float = 1e-6,
    atol: float | None = None,
    solver: diffrax.AbstractSolver | None = None,
    electrons: ElectronCollisions | CoulombCollisions | None = None,
    phonons: MovingPhonons | None = None,
    pump: Pulse | None = None,
    stop_when_unstable: bool = True,
    adjoint: diffrax.AbstractAdjoint | None = None,
    max_steps: int = 4096,
    progress: diffrax.AbstractProgressMeter | None = None,
    throw: bool = True,
) -> Evolution:
    r"""Integrate the kinetic equation B(f) ∂f/∂t = I(f), Supplement Eq. (29).

    The state starts at t = 0 as a Fermi distribution or any other f with f(-E) = 1 - f(E), with
    phonons that stay in equilibrium. Exact in energy on a grid that resolves the temperatures,
    adaptive in time, differentiable in every argument (with the step sizes frozen).

    A metal without a definite answer is told apart: after each step B(f) is checked to be
    positive, and where it is not the run ends with `RESULTS.unstable` at the time of the
    crossing. With a single Einstein mode every collision stays on one ladder E + nω, so that
    I(f) sums to zero on each of them. B(f) then leaves as many combinations of f constant, for
    small δ the sums of B(f0)δ over a ladder, and f comes to rest on a plateau that they decide
    instead of f0(T0).

    Args:
        spectrum: an Eliashberg function.
        initial (scalar, energy, or array of shape (energy,)): the electrons' temperature at
            t = 0, or their distribution f(E) on the grid's energies.
        temperature (scalar, energy): T0 of the phonons.
        grid: see `EnergyGrid.suggest`, with `hottest` the electrons' temperature.
        times (array of shape (time,), 1/energy): ascending, ≥ 0, rescaled: πt.
        rtol, atol: local error of f allowed in each step; atol is rtol/100 if left out.
        solver: a diffrax solver for `dae.MassMatrixTerm`; `dae.Rodas5P` if left out, by GMRES
            on large grids.
        electrons: electron-electron collisions, `CoulombCollisions` or a kernel of one's own on
            the same grid.
        phonons: how they are heated by the electrons and cooled by a bath at T0; left out they
            stay in equilibrium at T0. With them U[f] + Σ(F_k/2ν0)ω_kN_k is constant to rounding
            at any tolerance, and so is it with what a bath or a pulse take or bring.
        pump: a pulse of light; the grid has to reach its photon energy and 25 T beyond.
        stop_when_unstable: end where B(f) is not positive. Without it the equation is
            integrated as far as it goes, which shows how an unstable state grows.
        adjoint: how to differentiate; the reverse pass keeps checkpoints by default.
        max_steps: before the run is given up.
        progress: a diffrax progress meter.
        throw: raise when the integrator fails. An unstable metal is an answer and never raises.

    Returns:
        Evolution.

    Raises:
        ValueError: a temperature, time, distribution or grid that cannot be; the message says
            which and what to do.

    Example:
        >>> import numpy as np
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes(np.arange(40.0, 61.0), np.full(21, 1 / 21))
        >>> run = evolve(s, 13.85, 12.59, EnergyGrid(6.0, 75), np.array([0.0, 1.0, 16.0]))
        >>> print(run.temperature.round(4))
        [13.85   12.6029 12.59  ]
    """
    if isinstance(electrons, CoulombCollisions):
        electrons = electrons.on(grid)
    # Inside a caller's jit too, what is concrete is checked now.
    with jax.ensure_compile_time_eval():
        initial = jnp.asarray(initial, dtype=float)
        times = jnp.asarray(times, dtype=float)
        _check(initial, temperature, grid, times, electrons)
        check_pump(pump, temperature, grid)
    spectrum = at_temperature(spectrum, temperature)
    if initial.ndim == 0:
        spectrum = at_temperature(spectrum, initial)
    if solver is None:
        matrix_free = grid.size > _DENSE
        if phonons is not None or pump is not None:
            linear = moving_solver(matrix_free, rtol)
            solver = Rodas5P(linear, project=MovingEquation.projected)
        else:
            linear = Krylov(preconditioner, rtol=1e-2 * rtol) if matrix_free else DenseInverse()
            solver = Rodas5P(linear, stages=None if matrix_free else stages_in_one_launch)
    else:
        matrix_free = _is_matrix_free(solver)
    run = _integrate(
        spectrum,
        initial,
        jnp.asarray(temperature, dtype=float),
        grid,
        electrons,
        phonons,
        pump,
        reaches(spectrum, grid, pump),
        times,
        jnp.asarray(rtol, dtype=float),
        jnp.asarray(1e-2 * rtol if atol is None else atol, dtype=float),
        solver,
        matrix_free,
        stop_when_unstable,
        diffrax.RecursiveCheckpointAdjoint() if adjoint is None else adjoint,
        max_steps,
        diffrax.NoProgressMeter() if progress is None else progress,
    )
    if throw:
        run = _raise_failed(run)
    # The caller's own spectrum: where it came from does not pass through a compiled function.
    return dataclasses.replace(run, spectrum=spectrum)


@eqx.filter_jit
def _integrate(
    spectrum,
    initial,
    temperature,
    grid,
    electrons,
    phonons,
    pump,
    reaches,
    times,
    rtol,
    atol,
    solver,
    matrix_free,
    stop_when_unstable,
    adjoint,
    max_steps,
    progress,
):
    equation = KineticEquation.at(spectrum, temperature, grid, electrons)
    start = fermi(grid.energies, initial) if initial.ndim == 0 else initial
    deviation = start - equation.equilibrium
    operators = equation if matrix_free else equation.matrices()
    if phonons is None and pump is None:
        system = ElectronsAlone(operators)
    else:
        system = with_phonons(operators, spectrum, grid, phonons, pump, reaches, deviation)

    positivity = Positivity.around(operators, deviation)

    # Its sign is all that matters; the small slope in t keeps the derivative of the root finite.
    def crossing(t, y, args, **_):
        sign = jnp.where(positivity.lost(y[: grid.size]), -1.0, 1.0)
        return 1e-40 * (sign - 1e-3 * (t / times[-1]))

    event = None
    if stop_when_unstable:
        # It falls, as does what diffrax puts in its place in the lanes of a batch without a
        # crossing. That one is exactly zero at the end, where a search for the sign fails.
        event = diffrax.Event(crossing, optx.Bisection(rtol=1e-10, atol=1e-30, flip=True))
    started_stable = ~positivity.lost(deviation) if stop_when_unstable else jnp.array(True)
    # Nothing moves at f0: a run that may not start costs a few steps, in a batch as well.
    start_at = jnp.where(started_stable, deviation, 0.0)
    solution = diffrax.diffeqsolve(
        system.term(matrix_free),
        solver,
        t0=0.0,
        t1=times[-1],
        dt0=None,
        y0=system.start(start_at),
        args=system.args,
        saveat=diffrax.SaveAt(subs=[diffrax.SubSaveAt(ts=times), diffrax.SubSaveAt(t1=True)]),
        stepsize_controller=system.controller(rtol, atol),
        event=event,
        adjoint=adjoint,
        max_steps=max_steps,
        progress_meter=progress,
        throw=False,
    )
    assert solution.ts is not None and solution.ys is not None  # asked for by `saveat`
    rows, last = solution.ys
    ended = solution.ts[1][0]
    result = RESULTS.where(
        solution.result == diffrax.RESULTS.successful, RESULTS.completed, RESULTS.failed
    )
    happened = (solution.result == diffrax.RESULTS.event_occurred) | ~started_stable
    result = RESULTS.where(happened, RESULTS.unstable, result)
    # diffrax marks what it did not reach by inf.
    reached_row = jnp.isfinite(solution.ts[0]) & (started_stable | (times == 0))
    rows = jnp.where(reached_row[:, None], rows, jnp.nan)
    first = system.start(deviation)
    rows = jnp.where((reached_row & ~started_stable)[:, None], first, rows)
    deviations, heat, stored = system.read(times, rows)
    f = equation.equilibrium[None, :] + deviations
    return Evolution(
        times=times,
        energies=equation.energies,
        f=f,
        heat=heat,
        reached=jnp.where(started_stable, ended, 0.0),
        final=jnp.where(started_stable, last[0, : grid.size], deviation),
        result=result,
        spectrum=spectrum,
        grid=grid,
        equation=equation,
        stats=solution.stats,
        lattice=system.lattice,
        stored=stored,
        pump=pump,
    )


def _raise_failed(run: Evolution) -> Evolution:
    """Raise where the integrator gave up: told by the result, so that what is compiled calls
    nothing on the host. Only within a caller's own jit or vmap does the program have to ask."""
    failed = run.result == RESULTS.failed
    if not concrete(failed):
        f = eqx.error_if(run.f, failed, RESULTS[RESULTS.failed])
        return dataclasses.replace(run, f=f)
    if bool(failed):
        raise RuntimeError(RESULTS[RESULTS.failed])
    return run


def _is_matrix_free(solver) -> bool:
    return isinstance(getattr(solver, "linear_solver", None), Krylov | EliminatingKrylov)


def _check(initial, temperature, grid, times, electrons) -> None:
    """Everything that can be wrong with concrete arguments, one sentence each."""
    check_temperature(temperature)
    if electrons is not None and electrons.grid.size != grid.size:
        raise ValueError(
            f"electrons were set up on a grid of {electrons.grid.size} energies, the evolution "
            f"has {grid.size}: give both the same grid."
        )
    if times.ndim != 1 or times.shape[0] < 2:
        raise ValueError(f"times must be a vector of at least two, got shape {times.shape}.")
    if concrete(times) and not (
        bool(jnp.all(jnp.diff(times) > 0))
        and float(times[0]) >= 0
        and bool(jnp.isfinite(times[-1]))
    ):
        raise ValueError("times must ascend from 0 or later; sort them and drop duplicates.")
    hottest = temperature
    if initial.ndim == 0:
        check_temperature(initial, "initial (a temperature)")
        hottest = jnp.maximum(initial, jnp.asarray(temperature, dtype=float))
    elif initial.shape != (grid.size,):
        raise ValueError(
            f"initial must be a temperature or f on the grid's {grid.size} energies E = ε…Lε, got "
            f"shape {initial.shape}."
        )
    elif concrete(initial) and not bool(jnp.all((initial >= 0) & (initial <= 1))):
        worst = int(jnp.argmax(~((initial >= 0) & (initial <= 1))))
        raise ValueError(
            f"initial must be a distribution, 0 ≤ f ≤ 1; element {worst} is {initial[worst]}."
        )
    if not all(map(concrete, (temperature, hottest, grid.step))):
        return
    coldest = min(float(temperature), float(initial) if initial.ndim == 0 else jnp.inf)
    if float(grid.step) > coldest:
        raise ValueError(
            f"the grid is {float(grid.step) / (0.5 * coldest):.1f} times too coarse: its step "
            f"{float(grid.step):.4g} should be at most half of the lowest temperature, "
            f"{coldest:.4g}; see EnergyGrid.suggest."
        )
    # Waves of a few steps, which f has none of, grow in time from rounding where f changes fast.
    if float(grid.step) < coldest / 200:
        raise ValueError(
            f"the grid is too fine: on a step of {float(grid.step):.3g}, "
            f"{coldest / float(grid.step):.0f} times less than the lowest temperature, rounding "
            f"errors grow in time; {0.1 * coldest:.3g} gives all digits, see EnergyGrid.suggest."
        )
    if float(grid.cutoff) < 12 * float(hottest):
        raise ValueError(
            f"the grid ends at {float(grid.cutoff):.4g}, {float(grid.cutoff) / float(hottest):.1f} "
            f"times the highest temperature {float(hottest):.4g}; it should reach 25 times, see "
            "EnergyGrid.suggest(..., hottest=...)."
        )
