r"""Spectra made to order: the largest Tc that bounds and the stability of the normal metal allow.

$$\max_\theta\ T_c[\alpha^2F_\theta] \quad\text{subject to}\quad
  \mathrm{margin}[\alpha^2F_\theta](T) \ge m,\quad \text{bounds on } \lambda, \omega, \text{area},$$

by SLSQP (Kraft 1988) with exact gradients of the objective and of every constraint. What is
returned satisfies the conditions of Karush, Kuhn and Tucker,

$$\nabla\ln T_c + \sum_i \mu_i\nabla c_i = 0, \qquad \mu_i \ge 0, \qquad \mu_i c_i = 0,$$

which are checked apart from the solver; its multipliers μ_i say what each bound costs. The search
begins at several places (`inverse.design.starts`), and what is found is refused where peaks that
keep all bounds are known to be better. Without the stability bound Tc grows for ever, as
$0.1827\sqrt{\lambda\langle\omega^2\rangle}$ (Allen and Dynes 1975, for μ* = 0).
"""

import dataclasses
from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...grids.energies import EnergyGrid
from ...spectra.peaks import GaussianPeaks
from ...spectra.spectrum import EliashbergFunction
from ...stability.critical import margin
from ...superconductivity.transition import transition_under
from .bound import StabilityBound
from .problem import STATIONARY, Pair, Problem, limits_of, solve
from .result import Design, DesignError
from .starts import Candidate, Scan, candidates, scan

# Searches from the best shapes, beside those from the start and from the optimum before.
_SEARCHES = 2


def maximise(
    start: GaussianPeaks,
    *,
    stability: StabilityBound | None = None,
    coupling: Pair | None = None,
    area: Pair | None = None,
    omega: Pair | None = None,
    objective: Callable[[EliashbergFunction], Float[Array, ""]] | None = None,
    mu_star: float = 0.1,
    omega_ph: float | None = None,
    cutoff: float | None = None,
    mu_star_at: str = "omega-ph",
    max_steps: int = 200,
) -> Design:
    """The peaks of the largest Tc, or other scalar, that the constraints allow.

    Local optima are sought from the start and from the best of many shapes within the bounds, and
    the best one is returned. Peaks keep their relative widths w/ω; their frequencies and couplings
    change.

    Args:
        start: peaks to start from.
        stability: the bound by one criterion, if any.
        coupling (pair of scalars): least and largest total λ.
        area (pair of scalars, energy): least and largest ∫α²F dω.
        omega (pair of scalars, energy): least and largest frequency of each peak.
        objective: a differentiable function of a spectrum, by default Tc of the Eliashberg
            equation at `mu_star`.
        mu_star (scalar): of this Tc.
        omega_ph, cutoff, mu_star_at: of this Tc, see `transition_temperature`.
        max_steps: of SLSQP.

    Raises:
        ValueError: bounds in the wrong order, or a start that is not positive.
        DesignError: no optimum was found, none keeps the bounds, or nothing bounds the objective.

    Example:
        >>> from jaxelph import allen_dynes
        >>> limits = {"coupling": (0.1, 2.0), "omega": (5.0, 20.0)}
        >>> start = GaussianPeaks([10.0], [0.5], [1.0])
        >>> found = maximise(start, objective=allen_dynes, **limits)
        >>> found.active
        ('largest coupling', 'largest omega 1')
    """
    transition = transition_under(mu_star, omega_ph=omega_ph, cutoff=cutoff, mu_star_at=mu_star_at)
    problem = Problem(start, stability, objective or transition, omega)
    least = None if stability is None else stability.least
    limits = limits_of(coupling, area, omega, stability, least)
    return _best(problem, [problem.start], scan(problem, omega), limits, max_steps)


def trade_off(
    start: GaussianPeaks,
    stability: StabilityBound,
    margins: Sequence[float] | Float[np.ndarray, " margin"],
    *,
    coupling: Pair | None = None,
    area: Pair | None = None,
    omega: Pair | None = None,
    objective: Callable[[EliashbergFunction], Float[Array, ""]] | None = None,
    mu_star: float = 0.1,
    omega_ph: float | None = None,
    cutoff: float | None = None,
    mu_star_at: str = "omega-ph",
    max_steps: int = 200,
    progress: Callable[[int, int], object] | None = None,
) -> list[Design]:
    """The optimum for each least margin: Tc against stability.

    Each is sought from `start`, from the optimum before and from the best shapes within the bounds,
    and the best one kept: the bound may have several local optima.

    Args:
        start: peaks to start from.
        stability: criterion and temperature; its own `least` is not used.
        margins (array of shape (margin,)): least margins.
        coupling, area, omega, objective, mu_star, omega_ph, cutoff, mu_star_at, max_steps: see
            `maximise`.
        progress: called with how many are done, and of how many.

    Raises:
        ValueError, DesignError: see `maximise`.

    Example:
        >>> from jaxelph import allen_dynes
        >>> bound = StabilityBound("heat", 10.0)
        >>> start, limits = GaussianPeaks([20.0], [1.0], [1.0]), {"omega": (10.0, 20.0)}
        >>> curve = trade_off(start, bound, [0.6, 0.3], objective=allen_dynes, **limits)
        >>> curve[0].value < curve[1].value
        True
    """
    transition = transition_under(mu_star, omega_ph=omega_ph, cutoff=cutoff, mu_star_at=mu_star_at)
    problem = Problem(start, stability, objective or transition, omega)
    found: list[Design] = []
    wanted = np.asarray(margins, dtype=float)
    shapes = scan(problem, omega)
    for number, least in enumerate(wanted):
        limits = limits_of(coupling, area, omega, stability, float(least))
        starts = [problem.theta(one.spectrum) for one in found[-1:]] + [problem.start]
        found.append(_best(problem, starts, shapes, limits, max_steps))
        if progress is not None:
            progress(number + 1, len(wanted))
    return found


def _best(problem, starts, shapes: Scan, limits, max_steps) -> Design:
    """The best optimum from the given starts and from the best shapes that keep all limits."""
    listed = candidates(problem, shapes, limits)
    starts = [*starts, *(one.theta for one in _apart(listed, problem.count))]
    tried = [_solved_or_error(problem, x, limits, max_steps) for x in starts]
    designs = [one for one in tried if isinstance(one, Design)]
    if not designs:
        if not listed and problem.stability is not None:
            raise DesignError(
                f"no peaks within the bounds were found that keep the margin at "
                f"{limits[-1].bound:g} or above ({problem.stability.criterion} criterion); ask "
                "for less, or widen the bounds."
            )
        raise next(one for one in tried if isinstance(one, DesignError))
    best = max(designs, key=lambda one: one.value)
    if listed and listed[0].objective > np.log(best.value) + STATIONARY:
        known = problem.spectrum(jnp.asarray(listed[0].theta))
        raise DesignError(
            f"the optimum that was found, {best.value:.4g}, is not the best: peaks at "
            f"{np.round(np.asarray(known.omega), 3)} with couplings "
            f"{np.round(np.asarray(known.coupling), 3)} keep all bounds and give "
            f"{np.exp(listed[0].objective):.4g}; start there, or bound every direction."
        )
    return _verified(problem.stability, best)


def _apart(listed: list[Candidate], count: int) -> list[Candidate]:
    """The best few whose frequencies are not all within a tenth of a better one's."""
    kept: list[Candidate] = []
    for one in listed:
        frequencies = np.sort(one.theta[:count])
        if all(np.max(np.abs(frequencies - np.sort(k.theta[:count]))) > 0.1 for k in kept):
            kept.append(one)
        if len(kept) == _SEARCHES:
            break
    return kept


def _verified(stability: StabilityBound | None, design: Design) -> Design:
    """The margin once more: kinetic on half the step, by the others' own functions.

    Raises:
        DesignError: a dip of Z0⁻¹ between the points of `soft_values` breaks the bound.
    """
    if stability is None or stability.criterion == "heat" or design.margin is None:
        return design
    at, grid = stability.temperature, stability.grid
    if stability.criterion == "weight":
        exact = float(margin(design.spectrum, at, criterion="weight"))
        if not exact > design.margin - 1e-5:
            raise DesignError(
                f"the margin of the optimum is {exact:.4g} and not {design.margin:.4g}: 1/Z has "
                "a dip too narrow for the search; take wider peaks or a higher temperature."
            )
        return design
    assert grid is not None
    fine = EnergyGrid(grid.step / 2, 2 * grid.size)
    moved = abs(float(margin(design.spectrum, at, grid=fine)) - design.margin)
    return dataclasses.replace(design, grid_error=moved)


def _solved_or_error(*arguments) -> Design | DesignError:
    try:
        return solve(*arguments)
    except DesignError as error:
        return error
