r"""A table of α²F fitted to any data, by the Bayesian inversion of `inverse.fit.linear`.

`inverse.fit.descent` finds it. Here follow, from the closed form of its last step, the errors of
everything that is told of it, with what the curvature of data adds, and what else it presupposes.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ...numerics.blas import one_blas_thread
from ...spectra.table import TabulatedSpectrum
from ..data.spectral import SpectralData
from .curvature import Curvature
from .descent import Problem, descents
from .entropy import fit_entropy
from .errors import FitError
from .functionals import moment_slopes, possible, table_weights
from .linear import fit_linear
from .prediction import propagated, split, with_errors
from .result import Fit
from .transport import bending, ratio_slopes, the_ratio, transport_curve

#: How a table is kept from following the noise: by smoothness, or by maximum entropy.
PRIORS = {"smooth": fit_linear, "entropy": fit_entropy}
# By how much less likely than the best another spectrum still counts, in ln p.
_RIVAL = 10.0


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
    problem = Problem(data, omega, PRIORS[prior], top)
    found, *others = descents(problem, max_steps)
    invert, names, columns, target = problem.invert, problem.names, problem.columns, problem.target
    along, linear, nodes, labels = problem.along, problem.linear, problem.nodes, problem.labels
    pulls, count, rows, ratio = problem.pulls, problem.count, problem.rows, the_ratio(data)
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
        if not (np.any(positive > 0) and problem.follows(positive, theta)):
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
    curvature, straight, leaning = None, {}, posterior.leaning
    if not linear:
        here = offset + design @ a2f + beside @ theta

        def departed(move):
            value = problem.curve(a2f + move[:rows], theta + move[rows:])
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
        value, scatter, bias, left = posterior.functional(float(value), by_spectrum)
        scatter = float(np.hypot(scatter, np.linalg.norm(gain)))
        leaning[name] = bias / scatter
        wide = float(np.hypot(scatter, bias))
        return value, widened(name, wide, by_spectrum, gain, beyond), left

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
        presumed={"prior": {name: leaning[name] for name in moments}, **presumed},
    )
