r"""Steps of Gauss and Newton to a table of α²F that curved data and their prior like best.

Data that depend on α²F in a curved way are linearised about the last table,
$y \approx y(a_k) + J_k(a - a_k)$, and inverted in closed form, again and again until a stands
still. Where they lead to from one start need not be the best: others are tried where the positive
part of what is found does not describe the data.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import nnls

from ...spectra.spectrum import EinsteinModes
from ...spectra.table import TabulatedSpectrum
from ..data.spectral import SpectralData, pulls_of_unknowns
from .errors import FitError
from .functionals import table_weights
from .prediction import background_columns, forecast, predict, unknowns

# Of what a curve lacks so much is taken as the error of the first step, and of each error so much
# as that of the next.
_SHARE = 0.3
# A patient descent lowers them by so much, once a step is below so many errors of α²F; and halves
# its steps, down to the last, where the next does not shrink by this share of what it should.
_SLOWER, _STEADY, _SHRINKS, _SHORTEST = 0.6, 0.3, 0.5, 0.1

# Shapes to start from where nothing is linear: ω² up to ω_max, λ from weak to very strong.
_START_COUPLINGS = np.geomspace(0.05, 12.8, 9)
# χ² a datum above which other shapes are tried, and where they have their maxima, over ω_max.
_NEAR, _START_PLACES = 100.0, (0.25, 0.4, 0.6, 0.8)

# A positive α²F describes the data if χ² is below so many times their number.
_DESCRIBED = 4.0
# Of the prior's variance what is rounding, where its inverse is asked for.
_ROUNDED = 1e-6

# Numbers that differentiating all data by all rows at once may hold, 2 GB, and the matrix K itself.
_AT_ONCE, _MOST = 250_000_000, 100_000_000

# Of further starts: where they have their maxima, over ω_max; how many steps they have; how near to
# what is found already, in its errors, they end.
_OTHER_PLACES, _PATIENCE, _SAME = (0.35, 0.55, 0.75), 100, 0.1


class Descent(NamedTuple):
    """Where steps of Gauss and Newton came to, and the last of them."""

    a2f: np.ndarray
    theta: np.ndarray  # logarithms of what is fitted along
    posterior: Any
    error: np.ndarray
    offset: np.ndarray
    design: np.ndarray
    beside: np.ndarray
    scaled: np.ndarray  # what is projected out, whitened
    by_a2f: np.ndarray
    seen: np.ndarray
    inverse: np.ndarray


@eqx.filter_jit
def _affine(omega, data):
    """The same of data that are linear in α²F, one row after the other: each is a mode."""
    none = predict(EinsteinModes(omega[:1], jnp.zeros(1)), data)

    def column(mode):
        frequency, weight = mode
        return predict(EinsteinModes(frequency[None], weight[None]), data) - none

    return none, jax.lax.map(column, (omega, table_weights(omega))).T


@eqx.filter_jit
def linearised(omega, a2f, log_values, data, names):
    """The data with their derivatives by α²F and by the logarithms of what is fitted along."""

    def value(x):
        values = dict(zip(names, jnp.exp(x[len(omega) :]), strict=True))
        return predict(TabulatedSpectrum(omega, x[: len(omega)]), data, values)

    def twice(x):
        found = value(x)
        return found, found

    slopes, found = jax.jacfwd(twice, has_aux=True)(jnp.append(a2f, log_values))
    return found, slopes[:, : len(omega)], slopes[:, len(omega) :]


class Problem:
    """What is fitted, the same from step to step: data, what is fitted along, rows of α²F.

    Args:
        data: the sets.
        omega (array of shape (row,), energy): frequencies of the table.
        invert: the closed form, `fit_linear` say.
        top (scalar, energy): ω_max, see `fit_linear`.

    Raises:
        ValueError: too few data for their backgrounds, or more than memory holds.
    """

    def __init__(
        self,
        data: tuple[SpectralData, ...],
        omega: np.ndarray,
        invert: Callable[..., Any],
        top: float | None,
    ):
        self.traced, self.omega, self.nodes = tuple(data), omega, jnp.asarray(omega)
        self.invert, self.top = invert, top
        self.names, self.columns = background_columns(data)
        self.target = np.concatenate([item.values for item in data])
        self.stated = np.concatenate([item.error for item in data])
        self.count, self.rows = len(self.target), len(omega)
        if self.count <= len(self.names):
            raise ValueError(
                f"{self.count} data cannot decide {len(self.names)} backgrounds and α²F."
            )
        self.along = unknowns(data)
        self.linear = all(item.linear for item in data) and not self.along
        size = self.count * self.rows
        self.blocks = size * self.rows > _AT_ONCE
        if size > _MOST or (self.blocks and not self.linear):
            raise ValueError(
                f"{self.count} data and {self.rows} rows of α²F are more than memory holds; take "
                "the mean of neighbouring data, with an error that is smaller by the root of "
                "their number."
            )
        self.labels = tuple(one.name for one in self.along)
        self.middle = np.log([one.start for one in self.along])
        # A prior on what is fitted along is one more datum for each.
        self.pulls = pulls_of_unknowns(self.along)

    def curve(self, a2f, theta) -> np.ndarray:
        """The data of a table and of logarithms, without backgrounds."""
        values = dict(zip(self.labels, jnp.exp(jnp.asarray(theta)), strict=True))
        return np.asarray(forecast(TabulatedSpectrum(self.nodes, a2f), self.traced, values))

    def misfit(self, value) -> float:
        """χ² of a curve with the best backgrounds, infinite where it cannot be computed."""
        pull, beside = (value - self.target) / self.stated, self.columns / self.stated[:, None]
        if not np.all(np.isfinite(pull)):
            return np.inf
        return float(np.sum((pull - beside @ np.linalg.lstsq(beside, pull, rcond=None)[0]) ** 2))

    def descend(self, a2f, theta, steps, known=(), patient=False) -> Descent | None:
        """From a start to where the fit of the linearised data is itself.

        None where that is what is known already.
        """
        # Far from the data steps of Gauss and Newton lead anywhere: errors are as large as what the
        # curve lacks first, and shrink to their own from step to step.
        level, last, length, step_before = None, np.inf, 1.0, np.inf
        for _ in range(steps):
            if self.blocks:
                value, design = (np.asarray(x) for x in _affine(self.nodes, self.traced))
                beside = np.zeros((self.count, 0))
            else:
                found = linearised(
                    self.nodes, jnp.asarray(a2f), jnp.asarray(theta), self.traced, self.labels
                )
                value, design, beside = (np.asarray(x) for x in found)
            if not all(np.all(np.isfinite(x)) for x in (value, design, beside)):
                raise FitError(
                    "the fit did not converge: it came to a spectrum for which the data cannot be "
                    "computed. Fit peaks, or give the data errors that are not too small."
                )
            offset = value - design @ a2f - beside @ theta
            if level is None:
                last = self.misfit(value)
                level = 1.0 if self.linear else max(1.0, _SHARE * np.sqrt(last / self.count))
                before = last
            error = level * self.stated
            # Whitened; amplitudes of backgrounds, then logarithms, then α²F.
            scaled = np.zeros((self.count + len(self.along), len(self.names) + len(self.along)))
            scaled[: self.count] = np.column_stack([self.columns, beside]) / error[:, None]
            scaled[self.count :, len(self.names) :] = self.pulls
            by_a2f = np.vstack(
                [design / error[:, None], np.zeros((len(self.along), len(self.omega)))]
            )
            seen = np.append((self.target - offset) / error, self.pulls @ self.middle)
            whole, skipped = np.column_stack([scaled, by_a2f, seen]), scaled.shape[1]
            # Rotated onto R of QR: the rows below what is projected out hold all that is left.
            rotated = np.asarray(np.linalg.qr(whole, mode="r"))[skipped:, skipped:]
            posterior = self.invert(
                self.omega, rotated[:, :-1], rotated[:, -1], np.ones(len(rotated)), top=self.top
            )
            inverse = np.linalg.pinv(scaled) if skipped else np.zeros((0, len(seen)))
            beside_a2f = inverse @ (seen - by_a2f @ posterior.a2f)
            moved = posterior.a2f - a2f, beside_a2f[len(self.names) :] - theta
            step = np.max(np.abs(moved[0])) / np.max(posterior.error)
            spread = np.sqrt(np.sum(inverse[len(self.names) :] ** 2, axis=1))
            if len(self.along):
                step = max(step, np.max(np.abs(moved[1]) / spread))
            if self.linear:
                a2f, theta = posterior.a2f, beside_a2f[len(self.names) :]
                break
            if level == 1 and any(
                np.max(np.abs(posterior.a2f - one.a2f)) < _SAME * np.max(posterior.error)
                and np.all(np.abs(beside_a2f[len(self.names) :] - one.theta) < _SAME * spread)
                for one in known
            ):
                return None
            if patient:
                shrinks = step < (1 - _SHRINKS * length) * step_before
                length = min(1.0, 1.3 * length) if shrinks else max(_SHORTEST, 0.5 * length)
                step_before = step
            # Shorter where the data cannot be computed, or are further off than before.
            for share in (1.0, 0.5, 0.25, 0.1, 0.03):
                part = length * share
                trial = a2f + part * moved[0], theta + part * moved[1]
                if level == 1 and step < 1e-3:
                    break
                chi_square = self.misfit(self.curve(*trial))
                if chi_square < 1.1 * last + self.count * level**2:
                    last = chi_square
                    break
            else:
                level *= 10
                continue
            a2f, theta = trial
            if level == 1 and step < 1e-3:
                break
            # As far as the curve has come; further where it comes no nearer.
            reached = _SHARE * np.sqrt(last / self.count)
            stuck = level if last < 0.8 * before else _SHARE * level
            lower = max(1.0, min(reached, stuck))
            if patient:
                lower = level if step > _STEADY else max(1.0, _SLOWER * level)
            level, before = lower, last
        else:
            raise FitError(
                f"the fit did not converge in {steps} steps; allow more (max_steps=), or fit peaks."
            )
        return Descent(
            a2f, theta, posterior, error, offset, design, beside, scaled, by_a2f, seen, inverse
        )

    def described(self, one: Descent) -> bool:
        """Whether the positive α²F that the linearised data and the prior like best describes them.

        Such a fit goes below zero by noise, and does not live on it.
        """
        prior = one.posterior.prior
        held = np.linalg.inv(
            np.linalg.cholesky(prior + _ROUNDED * np.max(prior) * np.eye(self.rows))
        )
        wanted = np.append(one.posterior.target, np.zeros(self.rows))
        positive = nnls(np.vstack([one.posterior.design, held]), wanted)[0]
        beside_it = one.inverse @ (one.seen - one.by_a2f @ positive)
        return self.follows(positive, beside_it[len(self.names) :])

    def follows(self, a2f, theta) -> bool:
        """Whether a table's χ² says that it is of these data."""
        return self.misfit(self.curve(a2f, theta)) < _DESCRIBED * self.count


def descents(problem: Problem, max_steps: int) -> list[Descent]:
    """What steps from one start come to, from others too where that is in doubt; likeliest first.

    Raises:
        FitError: none of them converges.
    """
    every, failure = [], None

    def attempt(start, steps=max_steps, **options):
        nonlocal failure
        try:
            one = problem.descend(start, problem.middle.copy(), steps, every, **options)
            every.extend([] if one is None else [one])
        except (FitError, np.linalg.LinAlgError) as told:
            failure = told if isinstance(told, FitError) else failure

    def miss(a2f):
        return problem.misfit(problem.curve(a2f, problem.middle))

    if problem.linear:
        attempt(np.zeros(problem.rows))
    else:
        few = min(max_steps, _PATIENCE)
        attempt(_start(problem.nodes, miss, problem.count), few)
        if not (every and problem.described(every[0])):
            # It is not the only one: what do others come to?
            for other in _other_starts(problem.nodes, miss):
                attempt(other, few, patient=True)
    if not every:
        raise failure or FitError("the fit did not converge; check the errors of the data.")
    return sorted(every, key=lambda one: -one.posterior.log_evidence)


def _start(nodes, misfit, count) -> np.ndarray:
    """Of shapes ~ ω² the one whose strength fits best, of others too if that is far off."""
    shape = np.asarray(nodes / nodes[-1]) ** 2
    misses = [misfit(coupling * shape) for coupling in _START_COUPLINGS]
    best = int(np.argmin(misses))
    if not np.isfinite(misses[best]):
        raise FitError("the data cannot be computed for any spectrum up to ω_max; is it too low?")
    least, found = misses[best], _START_COUPLINGS[best] * shape
    if least < _NEAR * count:
        return found
    for place in _START_PLACES:
        bent = (shape / place**2) * np.exp(1 - shape / place**2)
        low, high = np.log(_START_COUPLINGS[[0, -1]])
        # Thrice of nine strengths, each time about the best before.
        for _ in range(3):
            strengths = np.linspace(low, high, 9)
            misses = [misfit(np.exp(x) * bent) for x in strengths]
            best, width = int(np.argmin(misses)), (high - low) / 8
            if misses[best] < least:
                least, found = misses[best], np.exp(strengths[best]) * bent
            low, high = strengths[best] - width, strengths[best] + width
    return found


def _other_starts(nodes, misfit) -> Iterator[np.ndarray]:
    """Shapes with a maximum inside, each of the strength that fits best."""
    shape = np.asarray(nodes / nodes[-1]) ** 2
    for place in _OTHER_PLACES:
        bent = (shape / place**2) * np.exp(1 - shape / place**2)
        misses = [misfit(x * bent) for x in _START_COUPLINGS]
        if np.isfinite(np.min(misses)):
            yield _START_COUPLINGS[int(np.argmin(misses))] * bent
