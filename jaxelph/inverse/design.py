r"""Spectra made to order: the largest Tc that bounds and the stability of the normal metal allow.

$$\max_\theta\ T_c[\alpha^2F_\theta] \quad\text{subject to}\quad
  \mathrm{margin}[\alpha^2F_\theta](T) \ge m,\quad \text{bounds on } \lambda, \omega, \text{area},$$

by SLSQP (Kraft 1988) with exact gradients of the objective and of every constraint. What is
returned satisfies the conditions of Karush, Kuhn and Tucker,

$$\nabla\ln T_c + \sum_i \mu_i\nabla c_i = 0, \qquad \mu_i \ge 0, \qquad \mu_i c_i = 0,$$

which are checked apart from the solver; its multipliers μ_i say what each bound costs. The search
begins at several places (`inverse.design_starts`), and what is found is refused where peaks that
keep all bounds are known to be better. Without the stability bound Tc grows for ever, as
$0.1827\sqrt{\lambda\langle\omega^2\rangle}$ (Allen and Dynes 1975, for μ* = 0).
"""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.optimize import minimize, nnls

from ..critical import Criterion, margin
from ..equilibrium import inverse_quasiparticle_weight
from ..grid import EnergyGrid
from ..notebook import html_table
from ..numerics import refine_minimum
from ..spectrum import (
    EliashbergFunction,
    GaussianPeaks,
    Scalar,
    coupling_constant,
    maximum_frequency,
    spectral_area,
)
from ..stability import stability_pencil
from ..superconductivity import transition_under
from ..thermodynamics import specific_heat_ratio
from .design_starts import Candidate, Scan, candidates, scan

Pair = tuple[float, float]

# Of the conditions at the optimum, in logarithms: the objective is then right to about 1e-8.
_STATIONARY, _FEASIBLE, _ACTIVE = 1e-4, 1e-7, 1e-6
# Mixtures of two equal eigenvectors that stand for all of them.
_ANGLES = 64
# Where a parameter is taken to be on its way to infinity.
_FAR = 1e6
# The objective, in units of that at the start, below which it counts as zero and has no slope.
_NOTHING = 1e-12
# Searches from the best shapes, beside those from the start and from the optimum before.
_SEARCHES = 2


@dataclasses.dataclass(frozen=True)
class StabilityBound:
    """margin ≥ least by a criterion at a temperature; see `jaxelph.margin`.

    The kinetic margin of narrow peaks, like that of δ modes, belongs to its grid.

    Args:
        criterion: "weight", "heat" or "kinetic".
        temperature (scalar, energy): T > 0.
        least (scalar): the margin that is kept.
        grid: for "kinetic", which needs one: the same for all λ.

    Raises:
        ValueError: the kinetic criterion without a grid.

    Example:
        >>> bound = StabilityBound("heat", 10.0, least=0.2)
        >>> print(bound.criterion, bound.least)
        heat 0.2
    """

    criterion: Criterion
    temperature: float
    least: float = 0.0
    grid: EnergyGrid | None = None

    def __post_init__(self):
        if self.criterion == "kinetic" and self.grid is None:
            raise ValueError("StabilityBound: criterion 'kinetic' needs grid=, the same for all λ.")


@dataclasses.dataclass(frozen=True, eq=False)
class Design:
    """The optimum, and what stops it from being better.

    Args:
        spectrum: the peaks found.
        value (scalar): of the objective.
        margin (scalar): by the stability bound's criterion; None without one.
        price: μ of each bound that holds with equality, by its name.
        stationarity (scalar): |∇ln Tc + Σ μ ∇c|, what the multipliers leave of the gradient.
        steps: of SLSQP.
        grid_error (scalar): how much the margin moves on a grid of half the step, for "kinetic".

    Example:
        >>> from jaxelph import allen_dynes
        >>> limits = {"coupling": (0.1, 2.0), "omega": (5.0, 20.0)}
        >>> found = maximise(GaussianPeaks([10.0], [0.5], [1.0]), objective=allen_dynes, **limits)
        >>> print(found.spectrum.omega.round(4), found.stationarity < 1e-4)
        [20.] True
    """

    spectrum: GaussianPeaks
    value: float
    margin: float | None
    price: dict[str, float]
    stationarity: float
    steps: int
    grid_error: float = 0.0

    @property
    def active(self) -> tuple[str, ...]:
        """Bounds that hold with equality."""
        return tuple(self.price)

    def _repr_html_(self) -> str:
        rows = [
            ("objective", self.value),
            ("margin", self.margin),
            ("spectrum", repr(self.spectrum)),
            *((f"price of {name}", price) for name, price in self.price.items()),
        ]
        return html_table("Design", rows)


class DesignError(ValueError):
    """An optimum that was not found."""


# Soft modes that are kept above the bound together: at an optimum several tend to touch it.
_SOFT = 4
# The value of one that does not exist; it bounds nothing.
_ABSENT = 10.0


def soft_values(
    spectrum: EliashbergFunction,
    criterion: Criterion,
    temperature: Scalar,
    grid: EnergyGrid | None = None,
) -> Float[Array, " soft"]:
    """The least values of one criterion's form, ascending, of which the first is its `margin`.

    They are the deepest minima of Z0⁻¹(E), the lowest eigenvalues of Ã, or the one ratio of
    specific heats. Two of them meet where an optimum presses both against one bound; the least
    of them has a kink there, while each by itself is smooth.

    Args:
        spectrum: an Eliashberg function.
        criterion: see `jaxelph.margin`.
        temperature (scalar, energy): T > 0.
        grid: for "kinetic".

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(soft_values(EinsteinModes([1.0, 3.0], [0.6, 0.6]), "weight", 0.2).round(4))
        [-0.9452  1.2474 10.     10.    ]
    """
    if criterion == "heat":
        return specific_heat_ratio(spectrum, temperature)[None]
    if criterion == "kinetic":
        assert grid is not None
        return jnp.linalg.eigvalsh(stability_pencil(spectrum, temperature, grid).A)[:_SOFT]

    def weight(energy):
        return inverse_quasiparticle_weight(spectrum, temperature, energy)

    top = jax.lax.stop_gradient(maximum_frequency(spectrum) + 12 * temperature)
    energies = top * jnp.arange(1, 513) / 512
    values = jax.lax.stop_gradient(weight(energies))
    lowest = (values[1:-1] < values[:-2]) & (values[1:-1] < values[2:])
    lowest = jnp.concatenate([jnp.zeros(1, bool), lowest, jnp.zeros(1, bool)])
    depth, where = jax.lax.top_k(jnp.where(lowest, -values, -_ABSENT), _SOFT)

    def refined(index):
        near = jnp.abs(jnp.arange(512) - index) <= 1
        return weight(refine_minimum(weight, energies, jnp.where(near, values, _ABSENT)))

    return jnp.where(depth > -_ABSENT, jax.vmap(refined)(where), _ABSENT)


class _Limit(NamedTuple):
    """sign (value[index] - bound)/scale ≥ 0."""

    name: str
    index: int
    sign: int
    bound: float
    scale: float


class _Problem:
    """The objective and what is bounded, as functions of θ = (ln ω, λ/λ at the start) of all peaks.

    λ itself and not its logarithm, since an optimum may want nothing of some peak.
    """

    def __init__(self, start: GaussianPeaks, stability, objective, omega):
        if not isinstance(start, GaussianPeaks):
            raise ValueError(
                f"a design starts from GaussianPeaks, not from {type(start).__name__}."
            )
        shapes = np.stack([np.asarray(x) for x in (start.omega, start.width, start.coupling)])
        if not np.all(np.isfinite(shapes)) or not np.all(shapes > 0):
            raise ValueError("the peaks to start from must have positive ω, width and coupling.")
        self.count = shapes.shape[1]
        self.unit = float(np.sum(shapes[2]))
        self.relative, self.order = jnp.asarray(shapes[1] / shapes[0]), start.order
        # Bounds hold from the first step on.
        self.omega = (-np.inf, np.inf) if omega is None else np.log(np.maximum(omega, 1e-300))
        self.start = self.theta(start)
        self.start[: self.count] = np.clip(self.start[: self.count], self.omega[0], self.omega[1])
        start = self.spectrum(jnp.asarray(self.start))
        self.stability = stability
        self.wanted = objective
        first = float(self.wanted(start))
        if not np.isfinite(first) or first <= 0:
            raise ValueError(f"the objective is {first:g} at the start; it must be positive there.")

        def values(theta):
            s = self.spectrum(theta)
            # ln of the objective: its slopes are of order one whatever its unit.
            rows = [jnp.log(jnp.maximum(self.wanted(s), _NOTHING * first))]
            rows += [coupling_constant(s), spectral_area(s)]
            if stability is None:
                return jnp.stack(rows)
            soft = soft_values(s, stability.criterion, stability.temperature, stability.grid)
            return jnp.append(jnp.stack(rows), soft)

        self.nothing = float(np.log(1e3 * _NOTHING * first))
        self._compiled = jax.jit(lambda theta: (values(theta), jax.jacrev(values)(theta)))
        self._last: tuple = (None, None)

    def spectrum(self, theta) -> GaussianPeaks:
        frequency, strength = jnp.exp(theta[: self.count]), self.unit * theta[self.count :]
        return GaussianPeaks(frequency, self.relative * frequency, strength, self.order)

    def theta(self, peaks: GaussianPeaks) -> np.ndarray:
        omega, coupling = np.asarray(peaks.omega), np.asarray(peaks.coupling)
        return np.concatenate([np.log(omega), coupling / self.unit])

    def at(self, theta) -> tuple[np.ndarray, np.ndarray]:
        """[ln objective, λ, area, soft values…] and its Jacobian; SLSQP asks for each row apart."""
        key = theta.tobytes()
        if self._last[0] != key:
            found = self._compiled(jnp.asarray(theta))
            self._last = (key, tuple(np.asarray(x) for x in found))
        return self._last[1]

    def mixed_forms(self, theta, count: int) -> np.ndarray:
        """Slopes of vᵀÃv for mixtures v of the `count` lowest eigenvectors, where these are equal.

        A multiple eigenvalue has a positive matrix of multipliers, a sum of such mixtures.
        """
        if count < 2 or self.stability.criterion != "kinetic":
            return np.zeros((0, len(theta)))
        at, grid = self.stability.temperature, self.stability.grid

        def matrix(x):
            return stability_pencil(self.spectrum(x), at, grid).A

        vectors = jnp.linalg.eigh(matrix(jnp.asarray(theta)))[1][:, :count]
        slopes = jax.jacrev(lambda x: vectors.T @ matrix(x) @ vectors)(jnp.asarray(theta))
        angle = np.pi * (np.arange(_ANGLES) + 0.5) / _ANGLES
        mixture = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        pairs = [np.array(pair) for pair in itertools.combinations(range(count), 2)]
        forms = [
            np.einsum("ma,mb,abn->mn", mixture, mixture, np.asarray(slopes)[np.ix_(pair, pair)])
            for pair in pairs
        ]
        return np.concatenate(forms)


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
    problem = _Problem(start, stability, objective or transition, omega)
    least = None if stability is None else stability.least
    limits = _limits(coupling, area, omega, stability, least)
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
    problem = _Problem(start, stability, objective or transition, omega)
    found: list[Design] = []
    wanted = np.asarray(margins, dtype=float)
    shapes = scan(problem, omega)
    for number, least in enumerate(wanted):
        limits = _limits(coupling, area, omega, stability, float(least))
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
    if listed and listed[0].objective > np.log(best.value) + _STATIONARY:
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
        return _solve(*arguments)
    except DesignError as error:
        return error


def _limits(coupling, area, omega, stability, least) -> list[_Limit]:
    for name, pair in (("coupling", coupling), ("area", area), ("omega", omega)):
        if pair is not None and not 0 <= pair[0] < pair[1]:
            raise ValueError(f"{name} must be a pair 0 ≤ least < largest, got {pair}.")
    limits = []
    for index, (name, pair) in enumerate((("coupling", coupling), ("area", area)), 1):
        if pair is not None:
            if pair[0] > 0:
                limits.append(_Limit(f"least {name}", index, 1, pair[0], pair[0]))
            limits.append(_Limit(f"largest {name}", index, -1, pair[1], pair[1]))
    if stability is not None:
        name = f"stability ({stability.criterion})"
        count = 1 if stability.criterion == "heat" else _SOFT
        limits += [_Limit(name, 3 + soft, 1, least, 1.0) for soft in range(count)]
    return limits


def _solve(problem, theta, limits, max_steps) -> Design:
    count = problem.count
    low, high = problem.omega
    edges = np.array([(low, high)] * count + [(0.0, np.inf)] * count)

    def constraint(limit):
        index, scale = limit.index, limit.sign / limit.scale
        return {
            "type": "ineq",
            "fun": lambda x: scale * (problem.at(x)[0][index] - limit.bound),
            "jac": lambda x: scale * problem.at(x)[1][index],
        }

    constraints = [constraint(limit) for limit in limits]
    steps, theta = 0, np.clip(theta, *edges.T)
    # Near the optimum the line search may find nothing better within rounding and report a
    # failure, or stop short of it. So the conditions decide, and a new start forgets the
    # solver's estimate of curvature.
    for _ in range(4):
        found = minimize(
            lambda x: -problem.at(x)[0][0],
            theta,
            jac=lambda x: -problem.at(x)[1][0],
            method="SLSQP",
            bounds=edges,
            constraints=constraints,
            options={"maxiter": max_steps, "ftol": 1e-11},
        )
        steps += int(found.nit)
        theta = np.clip(found.x, *edges.T)
        if not np.all(np.isfinite(theta)) or np.max(np.abs(theta)) > _FAR:
            raise DesignError("no optimum was found: does every direction have a bound?")
        if problem.at(theta)[0][0] <= problem.nothing:
            # It has no slope there, which would pass for an optimum.
            raise DesignError("no optimum was found: the search ended where the objective is 0.")
        slack = np.array([c["fun"](theta) for c in constraints])
        price, left = _multipliers(problem, theta, edges, limits, constraints, slack)
        if np.all(slack > -_FEASIBLE) and left < _STATIONARY:
            break
    else:
        raise DesignError(
            f"no optimum was found ({found.message}; {left:.1e} of the gradient is left over); "
            "does every direction have a bound?"
        )
    best = problem.spectrum(jnp.asarray(theta))
    values = problem.at(theta)[0]
    return Design(
        spectrum=best,
        value=float(np.exp(values[0])),
        margin=None if problem.stability is None else float(values[3]),
        price=price,
        stationarity=left,
        steps=steps,
    )


def _multipliers(problem, theta, edges, limits, constraints, slack) -> tuple[dict, float]:
    """μ ≥ 0 of the active bounds that come closest to ∇ln Tc + Σ μ ∇c = 0, and what is left."""
    names, rows = [], []
    for limit, constraint, value in zip(limits, constraints, slack, strict=True):
        if abs(value) < _ACTIVE:
            names.append(limit.name)
            rows.append(constraint["jac"](theta))
    kinds = [("omega", peak) for peak in range(problem.count)]
    kinds += [("coupling", peak) for peak in range(problem.count)]
    for row, ((low, high), (kind, peak)) in enumerate(zip(edges, kinds, strict=True)):
        for word, edge, sign in (("least", low, 1), ("largest", high, -1)):
            if abs(theta[row] - edge) < 1e-8:
                names.append(f"{word} {kind} {peak + 1}")
                rows.append(sign * np.eye(len(theta))[row])
    mixed = problem.mixed_forms(theta, sum(name.startswith("stability") for name in names))
    names += [name for name in names if name.startswith("stability")][:1] * len(mixed)
    rows += list(mixed)
    gradient = problem.at(theta)[1][0]
    if not rows:
        return {}, float(np.linalg.norm(gradient))
    price, left = nnls(np.array(rows).T, -gradient)
    found: dict[str, float] = {}
    for name, value in zip(names, price.tolist(), strict=True):
        found[name] = found.get(name, 0.0) + value
    return found, float(left)
