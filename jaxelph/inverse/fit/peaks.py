r"""Gaussian peaks fitted by Levenberg-Marquardt in the logarithms of their parameters."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
from jaxtyping import Array, Float

from ...spectra.moments import coupling_constant, log_frequency
from ...spectra.peaks import GaussianPeaks
from ...spectra.spectrum import EliashbergFunction
from ..data.spectral import SpectralData, pulls_of_unknowns
from ..sensitivities.derivatives import coupling_moment
from .errors import FitError
from .prediction import (
    background_columns,
    predict,
    propagated,
    split,
    unknowns,
    with_errors,
)
from .result import Fit
from .transport import ratio_slopes, the_ratio, transport_curve

#: λ, ω_log, λ⟨ω²⟩ and Tc, in the order of `derived`; λ_tr comes behind where there is a ratio.
MOMENTS = ("lambda", "omega-log", "lambda-omega2", "tc")


def peaks_a2f(
    peaks: GaussianPeaks, omega: Float[Array, " frequency"]
) -> Float[Array, " frequency"]:
    r"""α²F(ω) of Gaussian peaks, see `GaussianPeaks`.

    Source: the formula stands in `GaussianPeaks`.

    Args:
        peaks: centres, widths and couplings.
        omega (array of shape (frequency,), energy): where.

    Returns:
        α²F (array of shape (frequency,)).

    Example:
        >>> w = jnp.linspace(1.0, 99.0, 2000)
        >>> a2f = peaks_a2f(GaussianPeaks([50.0], [5.0], [1.5]), w)
        >>> print(f"{jnp.trapezoid(2 * a2f / w, w):.8f}")
        1.50000000
    """
    return peaks.a2f(omega)


# A step of the logarithms that counts as none, beside a tenth of their errors.
_STILL = 1e-4


def derived(
    spectrum: EliashbergFunction, transition: Callable | None, **given: Array
) -> Float[Array, " moment"]:
    """λ, ω_log, λ⟨ω²⟩ and, with a function for it, Tc, at the μ* that is given."""
    rows = [coupling_constant(spectrum), log_frequency(spectrum), coupling_moment(spectrum)]
    if transition is not None:
        rows.append(transition(spectrum, **given))
    return jnp.stack(rows)


def _peaks(theta, order):
    omega, width, coupling = jnp.exp(theta).reshape(3, -1)
    return GaussianPeaks(omega, width, coupling, order)


def _residual(theta, args):
    """Data first, then the prior's pull of each logarithm to the start."""
    data, target, error, columns, start, pulls, order, names = args
    size = start.shape[0] - len(names)
    shapes, amplitudes, logs = jnp.split(theta, [size, len(theta) - len(names)])
    values = dict(zip(names, jnp.exp(logs), strict=True))
    value = predict(_peaks(shapes, order), data, values) + columns @ amplitudes
    return jnp.append((value - target) / error, pulls @ (jnp.append(shapes, logs) - start))


def _residual_with_jacobian(theta, args):
    """The residual with its Jacobian as a matrix, both of which the solver sees.

    One program gives both, in forward mode. Left to itself the solver would differentiate the
    residual at several places, and compile the kinetic equation at each of them.
    """

    def twice(x):
        residual = _residual(x, args)
        return residual, residual

    here = jax.lax.stop_gradient(theta)
    jacobian, residual = jax.jacfwd(twice, has_aux=True)(here)
    return residual + jacobian @ (theta - here), (residual, jacobian)


@eqx.filter_jit
def _solve(theta, args, max_steps):
    found = optx.least_squares(
        _residual_with_jacobian,
        optx.LevenbergMarquardt(rtol=1e-10, atol=1e-10),
        theta,
        args,
        has_aux=True,
        max_steps=max_steps,
        throw=False,
    )
    return found.value, found.result == optx.RESULTS.successful, *found.aux


def fit_peaks(
    data: tuple[SpectralData, ...],
    model: GaussianPeaks,
    transition: Callable | None,
    spread: float | None,
    max_steps: int,
) -> Fit:
    """See `fit_spectrum`; `transition` is Tc of a spectrum."""
    names, columns = background_columns(data)
    scale = np.max(np.abs(columns), axis=0, initial=0.0)
    target = np.concatenate([item.values for item in data])
    error = np.concatenate([item.error for item in data])
    shapes = np.stack([np.asarray(x) for x in (model.omega, model.width, model.coupling)])
    if not np.all(np.isfinite(shapes)) or not np.all(shapes > 0):
        raise ValueError("the peaks to start from must have positive ω, width and coupling.")
    if spread is not None and not 0 < spread < np.inf:
        raise ValueError(f"spread must be a positive number, got {spread:g}.")
    along, ratio = unknowns(data), the_ratio(data)
    size, total = shapes.size, shapes.size + len(names) + len(along)
    if spread is None and len(target) < total - len(along):
        raise ValueError(
            f"{len(target)} data cannot decide {total} parameters without a prior; take fewer "
            "peaks, a prior on them (spread=), or a table, whose prior makes up for what the data "
            "lack."
        )
    start = np.append(np.log(shapes.ravel()), np.log([one.start for one in along]))
    inverse_spread = 0.0 if spread is None else 1 / spread
    pulls = np.zeros((size + len(along), size + len(along)))
    pulls[range(size), range(size)] = inverse_spread
    pulls[size:, size:] = pulls_of_unknowns(along)
    args = (
        tuple(data),
        jnp.asarray(target),
        jnp.asarray(error),
        jnp.asarray(columns / scale),
        jnp.asarray(start),
        jnp.asarray(pulls),
        model.order,
        tuple(one.name for one in along),
    )
    begin = np.concatenate([start[:size], np.zeros(len(names)), start[size:]])
    theta, converged, residual, jacobian = _solve(jnp.asarray(begin), args, max_steps)
    if not bool(converged) or not bool(jnp.all(jnp.isfinite(theta))):
        raise FitError(
            f"the fit did not converge in {max_steps} steps; start from peaks that are closer, "
            "take fewer of them or a prior (spread=), or allow more steps (max_steps=)."
        )
    jacobian, all_pulls = np.asarray(jacobian), np.asarray(residual)
    residual = all_pulls[: len(target)]
    strength = np.linalg.svd(jacobian, compute_uv=False)
    if not np.all(np.isfinite(strength)) or strength[-1] < 1e-10 * strength[0]:
        raise FitError(
            "the data do not decide all parameters: a combination of them leaves the fit as it "
            "is. Take fewer peaks, a prior on them (spread=), or fit a table."
        )
    covariance = np.linalg.inv(jacobian.T @ jacobian)
    # The conditions decide, not the solver: at a least χ² a step of Gauss and Newton stays at home.
    left = np.abs(covariance @ jacobian.T @ all_pulls)
    if np.any((left > _STILL) & (left > 0.1 * np.sqrt(np.diag(covariance)))):
        raise FitError(
            f"the fit did not converge: χ² = {residual @ residual:.3g} is not the least, a step of "
            f"{np.max(left):.2g} in the logarithms of the peaks would lower it; start closer, or "
            "check that the errors of the data are not far too small."
        )
    jacobian = jacobian[: len(target)]
    found = _peaks(theta[:size], model.order)
    inner = covariance[:size, :size]
    top = float(jnp.max(found.omega + 4 * found.width))
    omega = np.linspace(0, top, 401)[1:]
    curve = np.asarray(
        jax.jacfwd(lambda x: peaks_a2f(_peaks(x, model.order), jnp.asarray(omega)))(theta[:size])
    )

    def told(x):
        logs = x[size + len(names) :]
        values = dict(zip([one.name for one in along], jnp.exp(logs), strict=True))
        given = {"mu_star": values["mu_star"]} if "mu_star" in values else {}
        peaks = _peaks(x[:size], model.order)
        rows = derived(peaks, transition, **given)
        if ratio is None:
            return rows
        return jnp.append(rows, coupling_constant(ratio.transported(peaks, values)))

    told_of = MOMENTS[: 3 if transition is None else 4]
    if ratio is not None:
        told_of = (*told_of, "lambda-tr")
    slopes = np.asarray(jax.jacfwd(told)(theta))
    errors = propagated(slopes, covariance)
    ends = size, size + len(names)
    parts = np.split(np.asarray(theta), ends)
    values = np.concatenate([np.exp(parts[0]), parts[1] / scale, np.exp(parts[2])])
    labels = [
        f"{kind} {peak + 1}"
        for kind in ("omega", "width", "coupling")
        for peak in range(shapes.shape[1])
    ]
    deviation = np.sqrt(np.diag(covariance))
    turned = np.concatenate([values[:size], 1 / scale, values[ends[1] :]]) * deviation
    share, kept = {}, np.r_[:size, ends[1] : total]
    if spread is not None:
        before = np.linalg.norm(np.linalg.solve(pulls.T, slopes[:, kept].T), axis=0)
        share = {n: float((e / b) ** 2) for n, e, b in zip(told_of, errors, before, strict=True)}
    # What the prior decides is the trace of C S⁻¹, the data decide the rest of the parameters.
    of_prior = covariance[np.ix_(kept, kept)]
    decided = total - float(np.trace(pulls.T @ pulls @ of_prior))
    a2f, transport = np.asarray(peaks_a2f(found, jnp.asarray(omega))), None
    if ratio is not None:
        labels_along = [one.name for one in along]
        tied, by_theta = ratio_slopes(ratio, omega, np.asarray(theta)[ends[1] :], labels_along)
        transport = transport_curve(tied, by_theta, a2f, curve, of_prior)
    return Fit(
        spectrum=found,
        data=data,
        omega=omega,
        a2f=a2f,
        covariance=curve @ inner @ curve.T,
        parameters=with_errors([*labels, *names, *(one.name for one in along)], values, turned),
        moments=with_errors(told_of, np.asarray(told(theta)), errors),
        fitted=split(data, residual * error + target),
        fitted_error=split(data, propagated(jacobian * error[:, None], covariance)),
        chi_square=float(residual @ residual),
        degrees=float(len(target) - decided),
        prior_share=share,
        parameter_share={
            one.name: float((deviation[ends[1] + place] / one.spread) ** 2)
            for place, one in enumerate(along)
        },
        transport=transport,
    )
