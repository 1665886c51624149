"""The problem of a design in the scaled variables of its solver, and one solution of it."""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import minimize, nnls

from ...spectra.moments import coupling_constant, spectral_area
from ...spectra.peaks import GaussianPeaks
from ...stability.pencil import stability_pencil
from .bound import SOFT, soft_values
from .result import Design, DesignError

Pair = tuple[float, float]


# Of the conditions at the optimum, in logarithms: the objective is then right to about 1e-8.
STATIONARY, _FEASIBLE, _ACTIVE = 1e-4, 1e-7, 1e-6


# Mixtures of two equal eigenvectors that stand for all of them.
_ANGLES = 64


# Where a parameter is taken to be on its way to infinity.
_FAR = 1e6


# The objective, in units of that at the start, below which it counts as zero and has no slope.
_NOTHING = 1e-12


class Limit(NamedTuple):
    """sign (value[index] - bound)/scale ≥ 0."""

    name: str
    index: int
    sign: int
    bound: float
    scale: float


class Problem:
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


def limits_of(coupling, area, omega, stability, least) -> list[Limit]:
    for name, pair in (("coupling", coupling), ("area", area), ("omega", omega)):
        if pair is not None and not 0 <= pair[0] < pair[1]:
            raise ValueError(f"{name} must be a pair 0 ≤ least < largest, got {pair}.")
    limits = []
    for index, (name, pair) in enumerate((("coupling", coupling), ("area", area)), 1):
        if pair is not None:
            if pair[0] > 0:
                limits.append(Limit(f"least {name}", index, 1, pair[0], pair[0]))
            limits.append(Limit(f"largest {name}", index, -1, pair[1], pair[1]))
    if stability is not None:
        name = f"stability ({stability.criterion})"
        count = 1 if stability.criterion == "heat" else SOFT
        limits += [Limit(name, 3 + soft, 1, least, 1.0) for soft in range(count)]
    return limits


def solve(problem, theta, limits, max_steps) -> Design:
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
        if np.all(slack > -_FEASIBLE) and left < STATIONARY:
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
