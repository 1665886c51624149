r"""A table of α²F fitted to any data, by the Bayesian inversion of `inverse.fit.linear`.

Where data depend on α²F in a curved way, Tc or T_e(t), they are linearised about the last fit,
$y \approx y(a_k) + J_k(a - a_k)$, and the closed form is applied again until a stands still: the
steps of Gauss and Newton, with Laplace's covariance at the end.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import nnls

from ...numerics.blas import one_blas_thread
from ...spectra.spectrum import EinsteinModes
from ...spectra.table import TabulatedSpectrum
from ..data.spectral import SpectralData, pulls_of_unknowns
from .curvature import Curvature
from .entropy import fit_entropy
from .functionals import moment_slopes, possible, table_weights
from .linear import fit_linear
from .result import (
    Fit,
    FitError,
    background_columns,
    forecast,
    predict,
    propagated,
    split,
    unknowns,
    with_errors,
)
from .transport import bending, ratio_slopes, the_ratio, transport_curve

#: How a table is kept from following the noise: by smoothness, or by maximum entropy.
PRIORS = {"smooth": fit_linear, "entropy": fit_entropy}

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
# what is found already, in its errors, they end; and by how much less likely than the best what
# they come to still counts.
_OTHER_PLACES, _PATIENCE, _SAME, _RIVAL = (0.35, 0.55, 0.75), 100, 0.1, 10.0


class _Descent(NamedTuple):
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


@one_blas_thread()
def fit_table(
    data: tuple[SpectralData, ...],
    omega: np.ndarray,
    transition: Callable | None,
    top: float | None,
    prior: str,
    max_steps: int,
) -> Fit:
    """See `fit_spectrum`; `transition` is Tc of a spectrum."""
    if omega.ndim != 1 or len(omega) < 3 or not np.all(np.diff(omega) > 0) or not omega[0] > 0:
        raise ValueError("the model's frequencies must be at least three, positive and ascending.")
    if prior not in PRIORS:
        raise ValueError(f"prior {prior!r} is not known; use one of {', '.join(PRIORS)}.")
    invert = PRIORS[prior]
    names, columns = background_columns(data)
    target = np.concatenate([item.values for item in data])
    stated = error = np.concatenate([item.error for item in data])
    if len(target) <= len(names):
        raise ValueError(f"{len(target)} data cannot decide {len(names)} backgrounds and α²F.")
    along, ratio = unknowns(data), the_ratio(data)
    linear = all(item.linear for item in data) and not along
    size = len(target) * len(omega)
    blocks = size * len(omega) > _AT_ONCE
    if size > _MOST or (blocks and not linear):
        raise ValueError(
            f"{len(target)} data and {len(omega)} rows of α²F are more than memory holds; take the "
            "mean of neighbouring data, with an error that is smaller by the root of their number."
        )
    traced, nodes = tuple(data), jnp.asarray(omega)
    labels = tuple(one.name for one in along)
    middle = np.log([one.start for one in along])
    # A prior on what is fitted along is one more datum for each.
    pulls = pulls_of_unknowns(along)
    theta, count, rows = middle.copy(), len(target), len(omega)

    def curve(a2f, theta):
        values = dict(zip(labels, jnp.exp(jnp.asarray(theta)), strict=True))
        return np.asarray(forecast(TabulatedSpectrum(nodes, a2f), traced, values))

    def misfit(value):
        """χ² of a curve with the best backgrounds, infinite where it cannot be computed."""
        pull, along = (value - target) / stated, columns / stated[:, None]
        if not np.all(np.isfinite(pull)):
            return np.inf
        return float(np.sum((pull - along @ np.linalg.lstsq(along, pull, rcond=None)[0]) ** 2))

    def descend(a2f, theta, steps=max_steps, known=(), patient=False) -> _Descent | None:
        """From a start to where the fit of the linearised data is itself.

        None where that is what is known already.
        """
        # Far from the data steps of Gauss and Newton lead anywhere: errors are as large as what the
        # curve lacks first, and shrink to their own from step to step.
        level, last, length, step_before = None, np.inf, 1.0, np.inf
        for _ in range(steps):
            if blocks:
                value, design = (np.asarray(x) for x in _affine(nodes, traced))
                beside = np.zeros((count, 0))
            else:
                found = linearised(nodes, jnp.asarray(a2f), jnp.asarray(theta), traced, labels)
                value, design, beside = (np.asarray(x) for x in found)
            if not all(np.all(np.isfinite(x)) for x in (value, design, beside)):
                raise FitError(
                    "the fit did not converge: it came to a spectrum for which the data cannot be "
                    "computed. Fit peaks, or give the data errors that are not too small."
                )
            offset = value - design @ a2f - beside @ theta
            if level is None:
                last = misfit(value)
                level = 1.0 if linear else max(1.0, _SHARE * np.sqrt(last / count))
                before = last
            error = level * stated
            # Whitened; amplitudes of backgrounds, then logarithms, then α²F.
            scaled = np.zeros((count + len(along), len(names) + len(along)))
            scaled[:count] = np.column_stack([columns, beside]) / error[:, None]
            scaled[count:, len(names) :] = pulls
            by_a2f = np.vstack([design / error[:, None], np.zeros((len(along), len(omega)))])
            seen = np.append((target - offset) / error, pulls @ middle)
            whole, skipped = np.column_stack([scaled, by_a2f, seen]), scaled.shape[1]
            # Rotated onto R of QR: the rows below what is projected out hold all that is left.
            rotated = np.asarray(np.linalg.qr(whole, mode="r"))[skipped:, skipped:]
            posterior = invert(
                omega, rotated[:, :-1], rotated[:, -1], np.ones(len(rotated)), top=top
            )
            inverse = np.linalg.pinv(scaled) if skipped else np.zeros((0, len(seen)))
            beside_a2f = inverse @ (seen - by_a2f @ posterior.a2f)
            moved = posterior.a2f - a2f, beside_a2f[len(names) :] - theta
            step = np.max(np.abs(moved[0])) / np.max(posterior.error)
            spread = np.sqrt(np.sum(inverse[len(names) :] ** 2, axis=1))
            if len(along):
                step = max(step, np.max(np.abs(moved[1]) / spread))
            if linear:
                a2f, theta = posterior.a2f, beside_a2f[len(names) :]
                break
            if level == 1 and any(
                np.max(np.abs(posterior.a2f - one.a2f)) < _SAME * np.max(posterior.error)
                and np.all(np.abs(beside_a2f[len(names) :] - one.theta) < _SAME * spread)
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
                chi_square = misfit(curve(*trial))
                if chi_square < 1.1 * last + count * level**2:
                    last = chi_square
                    break
            else:
                level *= 10
                continue
            a2f, theta = trial
            if level == 1 and step < 1e-3:
                break
            # As far as the curve has come; further where it comes no nearer.
            reached = _SHARE * np.sqrt(last / count)
            stuck = level if last < 0.8 * before else _SHARE * level
            lower = max(1.0, min(reached, stuck))
            if patient:
                lower = level if step > _STEADY else max(1.0, _SLOWER * level)
            level, before = lower, last
        else:
            raise FitError(
                f"the fit did not converge in {steps} steps; allow more (max_steps=), or fit peaks."
            )
        return _Descent(
            a2f, theta, posterior, error, offset, design, beside, scaled, by_a2f, seen, inverse
        )

    def described(one: _Descent) -> bool:
        """Whether the positive α²F that the linearised data and the prior like best describes them.

        Such a fit goes below zero by noise, and does not live on it.
        """
        prior = one.posterior.prior
        held = np.linalg.inv(np.linalg.cholesky(prior + _ROUNDED * np.max(prior) * np.eye(rows)))
        wanted = np.append(one.posterior.target, np.zeros(rows))
        positive = nnls(np.vstack([one.posterior.design, held]), wanted)[0]
        beside_it = one.inverse @ (one.seen - one.by_a2f @ positive)
        return misfit(curve(positive, beside_it[len(names) :])) < _DESCRIBED * count

    def miss(a2f):
        return misfit(curve(a2f, theta))

    every, failure = [], None

    def attempt(start, steps=max_steps, **options):
        nonlocal failure
        try:
            one = descend(start, theta, steps, every, **options)
            every.extend([] if one is None else [one])
        except (FitError, np.linalg.LinAlgError) as told:
            failure = told if isinstance(told, FitError) else failure

    if linear:
        attempt(np.zeros(rows))
    else:
        start, few = _start(nodes, miss, count), min(max_steps, _PATIENCE)
        attempt(start, few)
        if not (every and described(every[0])):
            # It is not the only one: what do others come to?
            for other in _other_starts(nodes, miss):
                attempt(other, few, patient=True)
    if not every:
        raise failure or FitError("the fit did not converge; check the errors of the data.")
    every.sort(key=lambda one: -one.posterior.log_evidence)
    found, *others = every
    a2f, theta, posterior, error, offset, design, beside, scaled, by_a2f, seen, inverse = found
    skipped = scaled.shape[1]
    # ln p of the rotated data lacks the norm of those that came out as zeros.
    dropped = len(seen) - skipped - min(len(seen) - skipped, rows + 1)
    evidence = posterior.log_evidence - 0.5 * dropped * np.log(2 * np.pi)
    posterior = dataclasses.replace(posterior, log_evidence=float(evidence))
    coupling, log = (float(x) for x in np.asarray(moment_slopes(nodes, jnp.asarray(a2f))[0][:2]))
    if not (coupling > 0 and omega[0] <= log <= omega[-1]):
        # Where data say little, at small ω beside impurities say, α²F may go below zero by noise:
        # that is undecided, unless what is positive of it leaves the data behind.
        positive = np.clip(a2f, 0.0, None)
        if not (np.any(positive > 0) and misfit(curve(positive, theta)) < _DESCRIBED * count):
            raise FitError(
                f"no positive α²F describes the data: the fit has λ = {coupling:.3g}, and χ² = "
                f"{posterior.chi_square:.3g} for {len(target)} data; check their unit and sign."
            )
    # Given α²F what is fitted along follows, b = (CᵀC)⁻¹Cᵀ(y - y₀ - K a), and its error adds to
    # that of a.
    beside_a2f = inverse @ (seen - by_a2f @ a2f)
    carried = inverse @ by_a2f
    spread = inverse @ inverse.T + carried @ posterior.covariance @ carried.T
    # The joint covariance of (a, b) turns into that of the fitted values.
    cross = -posterior.covariance @ carried.T
    joint = np.block([[posterior.covariance, cross], [cross.T, spread]])
    parameters = with_errors(names, beside_a2f[: len(names)], np.sqrt(np.diag(spread)))
    moments, share = posterior.moments, posterior.prior_share
    kept = np.r_[:rows, rows + len(names) : len(joint)]
    curvature, straight = None, {}
    if not linear:
        here = offset + design @ a2f + beside @ theta

        def departed(move):
            value = curve(a2f + move[:rows], theta + move[rows:])
            return np.append((value - here) / error, pulls @ move[rows:])

        slopes = np.column_stack([by_a2f, scaled[:, len(names) :]])
        curvature = Curvature(posterior, joint[np.ix_(kept, kept)], departed, slopes, scaled)

    def widened(name, error, by_spectrum, gain, beyond: np.ndarray | float = 0.0):
        """With what the curvature of data and functional adds to an error."""
        if curvature is None:
            return error
        bent = curvature.error(by_spectrum, gain, beyond)
        straight[name] = np.inf if curvature.lost else bent / error
        return float(np.hypot(error, bent))

    def functional(name, value, by_spectrum, by_theta, beyond: np.ndarray | float = 0.0):
        """Of α²F and what is fitted along: as a moment is, with the noise of the latter."""
        gain = by_theta @ inverse[len(names) :]
        # The logarithms at the α²F that functionals are linear about.
        there = inverse[len(names) :] @ (seen - by_a2f @ posterior.middle)
        value = value + by_theta @ (there - theta)
        by_spectrum = by_spectrum - gain @ by_a2f
        found = posterior.functional(float(value), by_spectrum)
        wide = float(np.hypot(found[1], np.linalg.norm(gain)))
        return found[0], widened(name, wide, by_spectrum, gain, beyond), found[2]

    if curvature is not None:
        values, slopes = (np.asarray(x) for x in moment_slopes(nodes, jnp.asarray(a2f)))
        drawn = a2f + curvature.drawn[:, :rows]
        of_draws = np.array([moment_slopes(nodes, jnp.asarray(one))[0] for one in drawn])
        beyond = of_draws.reshape(-1, len(values)) - values - (drawn - a2f) @ slopes.T
        nothing = np.zeros(len(seen))
        for (name, (value, wide)), slope, own in zip(
            moments.items(), slopes, beyond.T, strict=True
        ):
            moments[name] = value, widened(name, wide, slope, nothing, own)

    parameter_share = {}
    for place, one in enumerate(along):
        unit = np.eye(len(along))[place]
        value, wide, _ = functional(one.name, theta[place], np.zeros(len(omega)), unit)
        parameters[one.name] = float(np.exp(value)), float(np.exp(value) * wide)
        parameter_share[one.name] = min(1.0, (wide / one.spread) ** 2)
    if transition is not None:

        def critical(a, t):
            told = dict(zip(labels, jnp.exp(t), strict=True))
            given = {"mu_star": told["mu_star"]} if "mu_star" in told else {}
            return transition(TabulatedSpectrum(omega, a), **given)

        # One program, for the values of draws too.
        with_slopes = jax.jit(jax.value_and_grad(critical, argnums=(0, 1)))
        tc, slopes = with_slopes(jnp.asarray(posterior.middle), jnp.asarray(theta))
        slopes, beyond = [np.asarray(x) for x in slopes], 0.0
        if curvature is not None:
            moves = curvature.drawn
            each = [
                float(with_slopes(jnp.asarray(a2f + x[:rows]), jnp.asarray(theta + x[rows:]))[0])
                for x in moves
            ]
            here = float(with_slopes(jnp.asarray(a2f), jnp.asarray(theta))[0])
            beyond = np.array(each) - here - moves @ np.append(*slopes)
        value, spread_tc, share["tc"] = functional("tc", float(tc), slopes[0], slopes[1], beyond)
        moments["tc"] = possible(value, spread_tc, max(float(tc), 0.0))
    presumed = {"straight": straight} if straight else {}
    rivals = [x for x in others if x.posterior.log_evidence > found.posterior.log_evidence - _RIVAL]
    if rivals:
        presumed["one spectrum"] = {
            name: max(abs(x.posterior.moments[name][0] - moments[name][0]) for x in rivals)
            / moments[name][1]
            for name in posterior.moments
        }
    if ratio is not None and ratio.bend is None and not all(item.transport for item in data):
        # The same data, r(ω) of the transport among them free to bend.
        by_bend, held = bending(ratio, omega, top, a2f)
        moving = np.repeat([item.transport for item in data], [len(x.values) for x in data])
        more = np.where(moving[:, None], design @ by_bend, 0.0) / error[:, None]
        size = count + len(along)
        free = np.zeros((size + len(held), skipped + len(held)))
        free[:size, :skipped], free[:count, skipped:], free[size:, skipped:] = scaled, more, held
        grown = np.pad(np.column_stack([by_a2f, seen]), ((0, len(held)), (0, 0)))
        rotated = np.linalg.qr(np.column_stack([free, grown]), mode="r")[free.shape[1] :]
        rotated = np.asarray(rotated)[:, free.shape[1] :]
        other = invert(omega, rotated[:, :-1], rotated[:, -1], np.ones(len(rotated)), top=top)
        presumed["constant ratio"] = {
            name: abs(other.moments[name][0] - posterior.moments[name][0]) / moments[name][1]
            for name in other.moments
        }
    transport = None
    if ratio is not None:
        tied, by_theta = ratio_slopes(ratio, omega, theta, labels)
        transport = transport_curve(
            tied, by_theta, a2f, np.eye(len(omega)), joint[np.ix_(kept, kept)]
        )
        by_a2f_tr = np.asarray(table_weights(nodes)) * tied
        weighted = by_a2f_tr * posterior.middle
        beyond = 0.0
        if curvature is not None:  # r is exponential in the logarithms, and multiplies α²F
            by_row, by_log = curvature.drawn[:, :rows], curvature.drawn[:, rows:]
            whole = np.sum(np.exp(by_log @ by_theta.T) * (a2f + by_row) * by_a2f_tr, axis=1)
            straight_part = by_row @ by_a2f_tr + by_log @ (weighted @ by_theta)
            beyond = whole - a2f @ by_a2f_tr - straight_part
        value, error_tr, share["lambda-tr"] = functional(
            "lambda-tr", float(np.sum(weighted)), by_a2f_tr, weighted @ by_theta, beyond
        )
        moments["lambda-tr"] = possible(value, error_tr, float(np.sum(np.clip(weighted, 0, None))))
    fitted = offset + design @ a2f + np.column_stack([columns, beside]) @ beside_a2f
    slopes = np.hstack([design, columns, beside])
    return Fit(
        spectrum=TabulatedSpectrum(omega, a2f),
        data=data,
        omega=omega,
        a2f=a2f,
        covariance=posterior.covariance,
        parameters=parameters,
        moments=moments,
        fitted=split(data, fitted),
        fitted_error=split(data, propagated(slopes, joint)),
        chi_square=posterior.chi_square,
        degrees=float(len(target) - len(names) - posterior.degrees),
        prior_share=share,
        posterior=posterior,
        parameter_share=parameter_share,
        transport=transport,
        presumed=presumed,
    )


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
