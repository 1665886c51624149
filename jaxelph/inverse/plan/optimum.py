r"""Optimal design of a measurement, by the Fisher information about α²F.

Of a measuring time shared out as w_i, Σ w_i = 1, over points i, n of them, the errors are
σ_i/√(n w_i), with σ_i those of equal shares. Data linearised about the spectrum that is expected
leave of a functional c·a the variance

    V(w) = c·C(w) c,    C(w)⁻¹ = P⁻¹ + Σ_i n w_i k_i k_iᵀ/σ_i²,    k_i = ∂y_i/∂a,

a convex function of w, with P the prior of α²F before any data and wide ones of backgrounds and of
what else is fitted along. It is least where, by the equivalence theorem (Kiefer and Wolfowitz;
Whittle 1973), no point has a gradient d_i = -∂V/∂w_i above the mean Σ w_j d_j. The steps
w_i → w_i √d_i/Σ w_j √d_j lower V each time (Torsney 1983) and w stays a share.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ...numerics.quadrature import trapezoid_weights
from ...spectra.moments import maximum_frequency
from ...spectra.peaks import GaussianPeaks
from ...spectra.spectrum import EliashbergFunction
from ...spectra.table import TabulatedSpectrum
from ...superconductivity.transition import transition_under
from ..data.axis import axis_of
from ..data.spectral import SpectralData, prior_of_unknowns
from ..fit.descent import linearised
from ..fit.functionals import TABLE_MOMENTS, moment_slopes
from ..fit.posterior import typical_prior
from ..fit.prediction import background_columns, unknowns
from .result import Plan

#: What may be asked for.
TARGETS = (*TABLE_MOMENTS, "tc", "a2f")

# Of the table of α²F; steps, and how far from the equivalence theorem they may end.
_ROWS, _STEPS, _CLOSE = 120, 5_000, 3e-3
# Variance of a background's amplitude, in units of what one datum says of it.
_WIDE = 1e6
#: Errors of the data, over those stated, at which the target's error is told.
FACTORS = np.geomspace(0.03, 10.0, 11)


def plan(
    spectrum: EliashbergFunction,
    data: SpectralData,
    target: str = "lambda",
    *,
    mu_star: float = 0.1,
    omega_ph: float | None = None,
    name: str = "",
) -> Plan:
    """Which of the points of a measurement decide a number of α²F best, and how well.

    Args:
        spectrum: what is expected, in meV.
        data: of `jaxelph.inverse.data`, at all points that could be measured, with the errors that
            equal shares of the time would give; their values do not count. See `made_data`.
        target: "lambda", "omega-log", "lambda-omega2", "tc", or "a2f", all of α²F(ω).
        mu_star, omega_ph: of T_c, unless the data have a μ* that is fitted along.
        name: of the metal, for figures.

    Returns:
        `Plan`: shares of the time, and the errors of all numbers before, with equal shares and
        with these.

    Raises:
        ValueError: an unknown target, or data that the spectrum cannot predict.

    Example:
        >>> from jaxelph import GaussianPeaks
        >>> from jaxelph.inverse import made_data
        >>> metal, t = GaussianPeaks([10.0], [2.0], [0.8]), np.linspace(0.2, 8.0, 12)
        >>> found = plan(metal, made_data("heat", metal, t, 0.01), "lambda")
        >>> best, equal = found.optimal["lambda"], found.equal["lambda"]
        >>> print(found.points[np.argmax(found.share)].round(1), best < equal)
        2.3 True
    """
    if target not in TARGETS:
        raise ValueError(f"target {target!r} is not known; use one of {', '.join(TARGETS)}.")
    top = 1.02 * float(maximum_frequency(spectrum))
    if isinstance(spectrum, GaussianPeaks):
        top = float(jnp.max(spectrum.omega + 4 * spectrum.width))
    omega = top * np.arange(1, _ROWS + 1) / _ROWS
    a2f = np.asarray(on_table(spectrum, omega))
    along = unknowns([data])
    names = tuple(one.name for one in along)
    logs = np.log([one.start for one in along])
    value, by_a2f, beside = (
        np.asarray(x)
        for x in linearised(jnp.asarray(omega), jnp.asarray(a2f), jnp.asarray(logs), (data,), names)
    )
    if not all(np.all(np.isfinite(x)) for x in (value, by_a2f, beside)):
        raise ValueError("the expected spectrum does not predict these data at all points.")
    columns = background_columns([data])[1]
    seen = np.hstack([by_a2f, columns, beside]) / data.error[:, None]
    scale = np.mean((columns / data.error[:, None]) ** 2, axis=0)
    count = seen.shape[1]
    prior = np.zeros((count, count))
    prior[:_ROWS, :_ROWS] = typical_prior(jnp.asarray(omega), top)
    apart = _ROWS + columns.shape[1]
    backgrounds = range(_ROWS, apart)
    prior[backgrounds, backgrounds] = _WIDE / np.maximum(scale, 1e-300)
    prior[apart:, apart:] = prior_of_unknowns(along)
    slopes = _slopes(omega, a2f, names, logs, count, mu_star, omega_ph)
    whole = np.zeros((_ROWS, count))
    whole[:, :_ROWS] = np.diag(np.sqrt(trapezoid_weights(omega)))
    wanted = whole if target == "a2f" else slopes[target][1][None, :]
    axis = axis_of(data)
    points = axis.values[: len(axis.values) // len(axis.parts)]
    place = np.tile(np.arange(len(points)), len(axis.parts))
    variance = _variance_of(seen, prior, place)
    share = optimal_shares(lambda w: variance(wanted, w), len(points))
    equal = np.full(len(points), 1 / len(points))
    errors = [
        {name: float(np.sqrt(variance(c[None, :], w)[0])) for name, (_, c) in slopes.items()}
        for w in (0 * equal, equal, share)
    ]
    over = [
        [float(np.sqrt(variance(wanted, w / factor**2)[0])) for factor in FACTORS]
        for w in (equal, share)
    ]
    return Plan(
        kind=data.name,
        target=target,
        points=points,
        axis=axis.long_name,
        units=axis.units,
        share=share,
        values={name: float(v) for name, (v, _) in slopes.items()},
        before=errors[0],
        equal=errors[1],
        optimal=errors[2],
        factors=FACTORS,
        target_equal=np.array(over[0]),
        target_optimal=np.array(over[1]),
        name=name,
    )


def on_table(spectrum: EliashbergFunction, omega: np.ndarray):
    """α²F at the rows of a table; of δ modes the area of each in the row next to it."""
    if isinstance(spectrum, TabulatedSpectrum):
        return np.interp(omega, spectrum.omega, spectrum.a2f, left=0.0, right=0.0)
    if isinstance(spectrum, GaussianPeaks):
        return spectrum.a2f(jnp.asarray(omega))
    modes, coupling = (np.asarray(x) for x in spectrum.modes())
    found = np.zeros(len(omega))
    nearest = np.argmin(np.abs(modes[:, None] - omega[None, :]), axis=1)
    np.add.at(found, nearest, modes * coupling / 2)
    return found / np.asarray(trapezoid_weights(omega))


def _slopes(omega, a2f, names, logs, count, mu_star, omega_ph):
    """{moment: (value, gradient by all parameters)}."""
    values, rows = (np.asarray(x) for x in moment_slopes(jnp.asarray(omega), jnp.asarray(a2f)))
    padded = np.zeros((len(rows), count))
    padded[:, : len(omega)] = rows
    found = dict(zip(TABLE_MOMENTS, zip(values, padded, strict=True), strict=True))
    transition = transition_under(mu_star, omega_ph=omega_ph)

    def critical(a, t):
        told = dict(zip(names, jnp.exp(t), strict=True))
        given = {"mu_star": told["mu_star"]} if "mu_star" in told else {}
        return transition(TabulatedSpectrum(omega, a), **given)

    value, slopes = jax.value_and_grad(critical, argnums=(0, 1))(
        jnp.asarray(a2f), jnp.asarray(logs)
    )
    own = np.zeros(count)
    own[: len(omega)] = slopes[0]
    own[count - len(logs) :] = slopes[1]
    return found | {"tc": (float(value), own)}


def _variance_of(seen, prior, place) -> Callable[..., tuple[float, np.ndarray]]:
    """(c, w) → V(w) and -∂V/∂w, from matrices that w does not change."""
    points = place.max() + 1
    covered = seen @ prior
    among = covered @ seen.T

    def variance(wanted, share):
        root = np.sqrt(points * share)[place]
        before = np.sum((wanted @ prior) * wanted)
        along = covered @ wanted.T
        matrix = root[:, None] * among * root[None, :] + np.eye(len(root))
        answer = root[:, None] * np.linalg.solve(matrix, root[:, None] * along)
        left = along - among @ answer
        slope = points * np.bincount(place, np.sum(left**2, axis=1), points)
        return max(float(before - np.sum(along * answer)), 0.0), slope

    return variance


def optimal_shares(
    variance: Callable[[np.ndarray], tuple[float, np.ndarray]], points: int
) -> np.ndarray:
    """Shares of the least variance.

    Args:
        variance: w → V(w) and -∂V/∂w.
        points: how many shares there are.

    Returns:
        w (array of shape (points,)), V within 0.3 % of the least by the equivalence theorem.

    Example:
        >>> def variance(w):  # two numbers, each measured by itself; the sum of variances
        ...     return float(np.sum([1, 4] / w)), [1, 4] / w**2
        >>> print(optimal_shares(variance, 2).round(3))
        [0.333 0.667]
    """
    share = np.full(points, 1 / points)
    for _ in range(_STEPS):
        slope = variance(share)[1]
        mean = share @ slope
        if not mean > 0 or np.max(slope) <= (1 + _CLOSE) * mean:
            break
        share = share * np.sqrt(slope)
        share = share / np.sum(share)
    return share
