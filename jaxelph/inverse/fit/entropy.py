r"""Maximum entropy: a positive α²F that departs from a default model only as data ask for it.

$$Q[a] = \tfrac12\chi^2[a] + \alpha\sum_j w_j\left(a_j\ln\frac{a_j}{D_j} - a_j + D_j\right)$$

is least, with the trapezoidal weights w_j. The solution is $a_j = D_j\exp[(K^Tx)_j/w_j]$ with as
many unknowns x as data, those of αx = t - K a(x) for whitened data t, a convex problem (Bryan
1990). The strength α is that of the largest evidence, or at the kink of ln χ²(ln α) between
overfitting and the default model (Bergeron and Tremblay 2016; the sigmoid of Kaufmann and Held
2023).

Entropy knows nothing of smoothness: under it alone an integral of α²F would be far less certain
than data leave it. So λ, ω_log, λ⟨ω²⟩ and Tc are estimated under the smooth prior
(`inverse.fit.functionals`), whatever the curve.
"""

import dataclasses
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
from jaxtyping import Array, ArrayLike, Float
from scipy.optimize import curve_fit

from ...numerics.quadrature import trapezoid_weights
from .errors import FitError
from .functionals import TableEstimate
from .linear import check_linear, invert_whitened, whitened
from .posterior import gain_of

Strength = Literal["evidence", "kink"]

# α from "the default model alone" down to fits of the noise, in units of the data's own scale.
_STEPS, _DECADES = 49, 12.0


@dataclasses.dataclass(frozen=True, eq=False)
class EntropyFit(TableEstimate):
    """A positive α²F with Laplace's covariance, and the path over α that it was chosen from.

    Args:
        omega (array of shape (row,), energy): frequencies of the table.
        a2f (array of shape (row,)): α²F there.
        covariance (array of shape (row, row)): of α²F.
        resolution (array of shape (row, row)): R, change of the fit = R · change of the true α²F.
        chi_square (scalar): χ².
        degrees (scalar): of freedom that the data decide, the trace of R.
        log_evidence (scalar): ln of the evidence.
        prior (array of shape (row, row)): P, the covariance of the smooth prior.
        wide (array of shape (row, row)): P_w, the wider one of functionals.
        middle (array of shape (row,)): its posterior mean, about which functionals are linear.
        design (array of shape (datum, row)): K of whitened data.
        target (array of shape (datum,)): whitened data t.
        default (array of shape (row,)): the default model D.
        alpha (scalar): the strength α that was chosen.
        alphas (array of shape (step,)): all of the path.
        chi_squares (array of shape (step,)): χ² at each α.
        log_evidences (array of shape (step,)): ln p(α | y) up to a constant, at each α.

    Example:
        >>> from jaxelph.inverse import heat_design
        >>> w = np.linspace(0.5, 20.0, 12)
        >>> K = np.asarray(heat_design(jnp.asarray(w), jnp.linspace(0.5, 8.0, 6)))
        >>> fit = fit_entropy(w, K, K @ np.full(12, 0.3), np.full(6, 1e-2))
        >>> print(bool(np.all(fit.a2f > 0)), fit.alphas.shape == fit.chi_squares.shape)
        True True
    """

    default: np.ndarray  # D
    alpha: float
    alphas: np.ndarray
    chi_squares: np.ndarray
    log_evidences: np.ndarray  # ln p(α | y) up to a constant, at each α


class _Solved(eqx.Module):
    x: Float[Array, " datum"]
    a2f: Float[Array, " row"]
    chi_square: Float[Array, ""]
    log_evidence: Float[Array, ""]
    degrees: Float[Array, ""]
    converged: Array


@eqx.filter_jit
def _path(design, target, default, weight, alphas) -> _Solved:
    """The solution at each α, from the one before."""

    def spectrum(x):
        return default * jnp.exp(jnp.clip(design.T @ x / weight, -300.0, 100.0))

    def residual(x, alpha):
        # Of order one, so that one tolerance serves all α.
        return (alpha * x - target + design @ spectrum(x)) / (1 + jnp.linalg.norm(target))

    def step(x, alpha):
        found = optx.root_find(
            residual, optx.Dogleg(rtol=1e-6, atol=1e-8), x, alpha, max_steps=200, throw=False
        )
        x = found.value
        a = spectrum(x)
        chi_square = jnp.sum((target - design @ a) ** 2)
        entropy = jnp.sum(weight * (a * (design.T @ x) / weight - a + default))
        scaled = design * jnp.sqrt(a / weight)[None, :]
        s = jnp.clip(jnp.linalg.eigvalsh(scaled @ scaled.T), 0.0)
        # Jeffreys' prior of α is flat in ln α, over which the evidence is compared.
        log_evidence = -0.5 * chi_square - alpha * entropy - 0.5 * jnp.sum(jnp.log1p(s / alpha))
        done = found.result == optx.RESULTS.successful
        solved = _Solved(x, a, chi_square, log_evidence, jnp.sum(s / (alpha + s)), done)
        return x, solved

    return jax.lax.scan(step, jnp.zeros_like(target), alphas)[1]


def debye_default(omega, design, data, noise, top) -> np.ndarray:
    """ω²/(ω² + (ω_max/20)²) with an edge at ω_max, of the strength that fits the data best."""
    shape = omega**2 / (omega**2 + (0.05 * top) ** 2)
    shape = shape * np.clip((top - omega) / (0.05 * top), 1e-3, 1.0)
    seen = design @ shape / noise
    return shape * max(float(seen @ (data / noise) / (seen @ seen)), 1e-3)


def fit_entropy(
    omega: Float[ArrayLike, " row"],
    design: Float[ArrayLike, "datum row"],
    data: Float[ArrayLike, " datum"],
    noise: Float[ArrayLike, " datum"],
    *,
    default: Float[ArrayLike, " row"] | None = None,
    strength: Strength = "evidence",
    top: float | None = None,
) -> EntropyFit:
    """α²F from data that are linear in it, by maximum entropy.

    Args:
        omega, design, data, noise, top: see `fit_linear`.
        default (array of shape (row,)): D > 0; by default a plateau that begins as ω².
        strength: how α is chosen.

    Raises:
        ValueError: as of `fit_linear`; a default model that is not positive.
        FitError: no α of the path was solved, or the kink was not found.

    Example:
        >>> w = np.linspace(0.5, 20.0, 40)
        >>> a = 0.6 * np.exp(-((w - 11.0) ** 2) / 18)
        >>> K = np.eye(40)
        >>> fit = fit_entropy(w, K, K @ a, np.full(40, 1e-3))
        >>> print(bool(np.all(fit.a2f > 0)), bool(np.max(np.abs(fit.a2f - a)) < 3e-3))
        True True
    """
    omega, design, data, noise = check_linear(omega, design, data, noise)
    highest = 1.05 * omega[-1] if top is None else float(top)
    if strength not in ("evidence", "kink"):
        raise ValueError(f"strength {strength!r} is not known; use 'evidence' or 'kink'.")
    if default is None:
        default = debye_default(omega, design, data, noise, highest)
    model = np.asarray(default, dtype=float)
    if model.shape != omega.shape or not np.all(np.isfinite(model)) or not np.all(model > 0):
        raise ValueError("default must be positive at each frequency; give it a small floor.")
    problem, left = whitened(omega, design, noise, highest)
    weight = trapezoid_weights(omega)
    scaled = np.asarray(problem.design)
    target = left.T @ (data / noise)
    # Above the largest eigenvalue of the data's information the entropy alone decides.
    largest = np.linalg.norm(scaled * np.sqrt(model / weight)[None, :], 2) ** 2
    alphas = 1e3 * largest * np.logspace(0, -_DECADES, _STEPS)
    path = _path(*(jnp.asarray(x) for x in (scaled, target, model, weight, alphas)))
    solved = np.asarray(path.converged) & np.isfinite(np.asarray(path.log_evidence))
    # The path is followed downwards; after a failure its starts are worth nothing.
    count = len(solved) if solved.all() else int(np.argmin(solved))
    if count < 5:
        raise FitError("the fit did not converge: no maximum of the entropy was found.")
    outside = data / noise - left @ target
    chi_squares = np.asarray(path.chi_square)[:count] + outside @ outside
    evidences = np.asarray(path.log_evidence)[:count]
    if strength == "evidence":
        best = int(np.argmax(evidences))
        if best == count - 1:
            raise FitError(
                "the evidence still rises where the search over α ended; check the noise, or take "
                "another default model."
            )
    else:
        best = _kink(np.log10(alphas[:count]), np.log10(chi_squares))
    alpha, a2f = alphas[best], np.asarray(path.a2f[best])
    # The entropy's second derivative α w/a is the inverse of a prior's covariance.
    width = np.diag(a2f / (alpha * weight))
    resolution = np.asarray(gain_of(problem.design, jnp.asarray(width))) @ scaled
    smooth = invert_whitened(problem, jnp.asarray(target))
    return EntropyFit(
        omega=omega,
        a2f=a2f,
        covariance=width - resolution @ width,
        resolution=resolution,
        chi_square=float(chi_squares[best]),
        degrees=float(path.degrees[best]),
        log_evidence=float(evidences[best]),
        prior=np.asarray(smooth.prior),
        wide=np.asarray(smooth.wide),
        middle=np.asarray(smooth.mean),
        design=scaled,
        target=target,
        default=model,
        alpha=float(alpha),
        alphas=alphas[:count],
        chi_squares=chi_squares,
        log_evidences=evidences,
    )


def _kink(log_alpha, log_chi) -> int:
    """Where ln χ² leaves its lower plateau: c - 2.5/d of a sigmoid a + b/(1 + e^{-d(x - c)})."""

    def sigmoid(x, a, b, c, d):
        return a + b / (1 + np.exp(-d * (x - c)))

    span = np.ptp(log_chi)
    middle = log_alpha[np.argmin(np.abs(log_chi - np.mean((log_chi.min(), log_chi.max()))))]
    try:
        (_, _, c, d), _ = curve_fit(
            sigmoid, log_alpha, log_chi, (log_chi.min(), span, middle, 1.0), maxfev=5000
        )
    except RuntimeError:
        raise FitError("χ² has no kink; choose the strength by evidence.") from None
    where = c - 2.5 / d
    if not log_alpha.min() < where < log_alpha.max():
        raise FitError("the kink of χ² lies off the path; choose the strength by evidence.")
    return int(np.argmin(np.abs(log_alpha - where)))
