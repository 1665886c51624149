r"""Where a design is sought from: peaks spread over the bounds, each scaled onto its limits.

SLSQP finds a local optimum, or none where the start allows no step. So shapes (ω_p, λ_p/λ) are
taken from a sequence that fills the bounds evenly (Sobol 1967), and for each of them the total
strength s is known in closed form: λ and ∫α²F dω are proportional to s, and every stability
criterion is 1 - s·g, so that

    s ≤ (1 - m)/g  where g > 0,        s ≥ (m - 1)/|g|  where g < 0,

keeps the margin m. What is left is a list of peaks that keep all bounds, the best of which are
starts, and none of which may be better than the optimum that is found.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import qmc

# Shapes that are tried: a power of two for each peak beyond the first, from 32 to 256.
_LEAST, _MOST = 5, 8
# Without bounds on ω: within this factor of the start.
_FACTOR = 3.0
# Without an upper bound on the strength, in units of the start's.
_STRONG = 8.0


class Scan(NamedTuple):
    """Shapes θ (array of shape (shape, parameter)) with what bounds their strength."""

    theta: np.ndarray
    values: np.ndarray  # λ, area and the margin at s = 1, as far as they are bounded


class Candidate(NamedTuple):
    """Peaks that keep all bounds, with the logarithm of the objective."""

    theta: np.ndarray
    objective: float


def shapes(start: np.ndarray, count: int, omega: tuple[float, float] | None) -> np.ndarray:
    """θ = (ln ω, λ_p/λ) that fill the bounds evenly, the same in each run.

    Args:
        start (array of shape (2 count,)): θ of the peaks to start from.
        count: of peaks.
        omega (pair of scalars, energy): bounds on ω; a lower one of 0 counts as a tenth of the
            upper one here.

    Example:
        >>> theta = shapes(np.array([0.0, 1.0]), 1, (1.0, 100.0))
        >>> print(theta.shape, bool(np.all(theta[:, 1] == 1)), np.exp(theta[:, 0]).max() < 100)
        (32, 2) True True
    """
    power = min(_LEAST + count - 1, _MOST)
    drawn = qmc.Sobol(2 * count - 1, scramble=False).random_base2(power)
    # The first point is the corner 0; half a cell on, all are inside.
    drawn = drawn + 0.5 ** (power + 1)
    if omega is None:
        low, high = start[:count] - np.log(_FACTOR), start[:count] + np.log(_FACTOR)
    else:
        low, high = np.log(max(omega[0], 0.1 * omega[1])), np.log(omega[1])
    log = low + (high - low) * drawn[:, :count]
    # Shares of λ, uniform on the simplex: the gaps between sorted numbers.
    cuts = np.sort(drawn[:, count:], axis=1)
    ends = np.zeros((len(cuts), 1)), np.ones((len(cuts), 1))
    return np.hstack([log, np.diff(np.hstack([ends[0], cuts, ends[1]]), axis=1)])


def scan(problem, omega) -> Scan:
    """All shapes with their λ, area and margin."""
    theta = shapes(problem.start, problem.count, omega)
    rows = np.array([problem.at(one)[0] for one in theta])
    return Scan(theta, rows[:, 1:4])


def strength(values, limits) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest strength s that keep all limits, for each shape.

    Args:
        values (array of shape (shape, bounded)): λ, area and the margin at s = 1.
        limits: with `index` 1, 2 and 3 for these, `sign` +1 for lower bounds, and `bound`.
    """
    low, high = np.zeros(len(values)), np.full(len(values), np.inf)
    for limit in limits:
        if limit.index > 3:
            continue
        value = values[:, limit.index - 1]
        if limit.index < 3:
            edge = limit.bound / value
            lower, upper = (edge, np.inf) if limit.sign > 0 else (0.0, edge)
        else:
            gain = 1 - value
            with np.errstate(divide="ignore", invalid="ignore"):
                edge = (1 - limit.bound) / gain
            lower, upper = np.where(gain < 0, edge, 0.0), np.where(gain < 0, np.inf, edge)
        low, high = np.maximum(low, lower), np.minimum(high, upper)
    return low, high


def candidates(problem, found: Scan, limits) -> list[Candidate]:
    """Shapes that can keep all limits, as strong as these allow, the best first."""
    low, high = strength(found.values, limits)
    s = np.where(np.isfinite(high), high, np.maximum(_STRONG, 2 * low))
    listed = []
    for theta, strong in zip(found.theta[low <= high], s[low <= high], strict=True):
        scaled = theta.copy()
        scaled[problem.count :] *= strong
        value = float(problem.at(scaled)[0][0])
        if np.isfinite(value) and value > problem.nothing:
            listed.append(Candidate(scaled, value))
    return sorted(listed, key=lambda one: -one.objective)
