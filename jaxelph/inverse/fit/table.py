r"""A table of α²F fitted to any data, by the Bayesian inversion of `inverse.fit.linear`.

Where data depend on α²F in a curved way, Tc or T_e(t), they are linearised about the last fit,
$y \approx y(a_k) + J_k(a - a_k)$, and the closed form is applied again until a stands still: the
steps of Gauss and Newton, with Laplace's covariance at the end.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ...spectra.spectrum import EinsteinModes
from ...spectra.table import TabulatedSpectrum
from ..data.spectral import SpectralData
from ..sensitivities.derivatives import Functional
from .entropy import fit_entropy
from .functionals import moment_slopes, possible, table_weights
from .linear import fit_linear
from .result import Fit, FitError, background_columns, predict, propagated, split, with_errors

#: How a table is kept from following the noise: by smoothness, or by maximum entropy.
PRIORS = {"smooth": fit_linear, "entropy": fit_entropy}

# Shapes to start from where nothing is linear: ω² up to ω_max, λ from weak to very strong.
_START_COUPLINGS = np.geomspace(0.05, 12.8, 9)


@eqx.filter_jit
def _predicted(omega, a2f, data):
    return predict(TabulatedSpectrum(omega, a2f), data)


# Numbers that differentiating all data by all rows at once may hold, 2 GB, and the matrix K itself.
_AT_ONCE, _MOST = 250_000_000, 100_000_000


@eqx.filter_jit
def _affine(omega, data):
    """The same of data that are linear in α²F, one row after the other: each is a mode."""
    none = predict(EinsteinModes(omega[:1], jnp.zeros(1)), data)

    def column(mode):
        frequency, weight = mode
        return predict(EinsteinModes(frequency[None], weight[None]), data) - none

    return none, jax.lax.map(column, (omega, table_weights(omega))).T


@eqx.filter_jit
def _linearised(omega, a2f, data):
    def value(a):
        return predict(TabulatedSpectrum(omega, a), data)

    return value(a2f), jax.jacfwd(value)(a2f)


def fit_table(
    data: tuple[SpectralData, ...],
    omega: np.ndarray,
    transition: Functional | None,
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
    error = np.concatenate([item.error for item in data])
    if len(target) <= len(names):
        raise ValueError(f"{len(target)} data cannot decide {len(names)} backgrounds and α²F.")
    linear = all(item.linear for item in data)
    size = len(target) * len(omega)
    blocks = size * len(omega) > _AT_ONCE
    if size > _MOST or (blocks and not linear):
        raise ValueError(
            f"{len(target)} data and {len(omega)} rows of α²F are more than memory holds; take the "
            "mean of neighbouring data, with an error that is smaller by the root of their number."
        )
    scaled = columns / error[:, None]
    traced, nodes = tuple(data), jnp.asarray(omega)
    # Backgrounds of any amplitude: what they can describe is projected out of whitened data.
    along = np.linalg.qr(scaled)[0]
    a2f = np.zeros(len(omega)) if linear else _start(nodes, traced, along, target, error)
    for _ in range(max_steps):
        found = _affine(nodes, traced) if blocks else _linearised(nodes, jnp.asarray(a2f), traced)
        value, design = (np.asarray(x) for x in found)
        if not np.all(np.isfinite(value)) or not np.all(np.isfinite(design)):
            raise FitError(
                "the fit did not converge: it came to a spectrum for which the data cannot be "
                "computed. Fit peaks, or give the data errors that are not too small."
            )
        offset = value - design @ a2f
        whitened = np.column_stack([scaled, design, target - offset])
        whitened[:, len(names) :] /= error[:, None]
        # Rotated onto R of QR: the rows below the backgrounds hold all that is left of the data.
        rotated = np.asarray(np.linalg.qr(whitened, mode="r"))[len(names) :, len(names) :]
        posterior = invert(omega, rotated[:, :-1], rotated[:, -1], np.ones(len(rotated)), top=top)
        step = np.max(np.abs(posterior.a2f - a2f)) / np.max(posterior.error)
        a2f = posterior.a2f
        if linear or step < 1e-3:
            break
    else:
        raise FitError(
            f"the fit did not converge in {max_steps} steps; allow more (max_steps=), or fit peaks."
        )
    # ln p of the rotated data lacks the norm of those that came out as zeros.
    dropped = len(target) - len(names) - len(rotated)
    evidence = posterior.log_evidence - 0.5 * dropped * np.log(2 * np.pi)
    posterior = dataclasses.replace(posterior, log_evidence=float(evidence))
    coupling, log = (float(x) for x in np.asarray(moment_slopes(nodes, jnp.asarray(a2f))[0][:2]))
    if not (coupling > 0 and omega[0] <= log <= omega[-1]):
        raise FitError(
            f"no positive α²F describes the data: the fit has λ = {coupling:.3g}, and χ² = "
            f"{posterior.chi_square:.3g} for {len(target)} data; check their unit and sign."
        )
    # Given α²F the backgrounds follow; b = (CᵀC)⁻¹Cᵀ(y - y₀ - K a), whose error adds to that of a.
    inverse = np.linalg.pinv(scaled) if names else np.zeros((0, len(target)))
    background = inverse @ ((target - offset - design @ a2f) / error)
    by_a2f = inverse @ (design / error[:, None])
    spread = inverse @ inverse.T + by_a2f @ posterior.covariance @ by_a2f.T
    # The joint covariance of (a, b) turns into that of the fitted values.
    cross = -posterior.covariance @ by_a2f.T
    joint = np.block([[posterior.covariance, cross], [cross.T, spread]])
    table = TabulatedSpectrum(omega, a2f)
    moments, share = posterior.moments, posterior.prior_share
    if transition is not None:
        tc, slope = jax.value_and_grad(lambda a: transition(TabulatedSpectrum(omega, a)))(
            jnp.asarray(posterior.middle)
        )
        value, spread_tc, share["tc"] = posterior.functional(float(tc), slope)
        moments["tc"] = possible(value, spread_tc, max(float(tc), 0.0))
    return Fit(
        spectrum=table,
        data=data,
        omega=omega,
        a2f=a2f,
        covariance=posterior.covariance,
        parameters=with_errors(names, background, np.sqrt(np.diag(spread))),
        moments=moments,
        fitted=split(data, offset + design @ a2f + columns @ background),
        fitted_error=split(data, propagated(np.hstack([design, columns]), joint)),
        chi_square=posterior.chi_square,
        degrees=float(len(target) - len(names) - posterior.degrees),
        prior_share=share,
        posterior=posterior,
    )


def _start(nodes, data, along, target, error) -> np.ndarray:
    """Of shapes ~ ω² the one whose strength fits the data best."""
    shape = np.asarray(nodes / nodes[-1]) ** 2
    best, found = np.inf, None
    for coupling in _START_COUPLINGS:
        value = np.asarray(_predicted(nodes, jnp.asarray(coupling * shape), data))
        pull = (value - target) / error
        miss = float(np.sum((pull - along @ (along.T @ pull)) ** 2))
        if miss < best:
            best, found = miss, coupling * shape
    if found is None:
        raise FitError("the data cannot be computed for any spectrum up to ω_max; is it too low?")
    return found
