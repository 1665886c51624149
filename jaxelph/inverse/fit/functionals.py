r"""λ, ω_log, λ⟨ω²⟩ and other functionals of α²F, estimated so that their error bars hold.

The posterior mean is the best guess of α²F(ω), but integrals of it inherit a bias of the size of
their error bar: the prior pulls each of them the same way in every repetition of the experiment,
and a 68 % interval may cover the truth always or never. So each functional w·a has an estimate of
its own, w·a ≈ g·t from whitened data t = K a + n, with

    error² = s² + b²,    s² = |g|²,    b² = (w - Kᵀg)·P(w - Kᵀg),

s the scatter by noise and b the bias, as large as the prior P expects it. The least s for each
b has g = κKP w/(κKPKᵀ + 1): the prior wider by κ ≥ 1. κ is the least at which

    b ≤ ρ s,    ρ = 1/10,

so that noise decides the error and its distribution is known; a bias five times what the prior
expects, as a few sharp lines have it, would make 68 % into 62 %. κ = 1 gives the posterior's
estimate, whose error is the least. A larger one may cost up to twice that error, and where no such
κ meets the bound it is the largest of them. This is the trade between resolution and error of
Backus and Gilbert (1970), with the bias held below the noise as undersmoothing does for unfolded
spectra (Kuusela and Panaretos, Ann. Appl. Stat. 9, 1671, 2015).

Where b would be above s/2 even so, κ stays at 1: ±√(s² + b²) then holds the truth of a spectrum
without that bias in more than 74 %, and of one with twice it in less than 53 % of all repetitions.
There the prior decides the error, which is said.

A functional with [error²/(w·P w)] above a tenth is hardly better known than before the data, and
one with an error above an eighth of itself is beyond what a linear estimate can say of a positive
number. P is here the wide prior of `inverse.fit.posterior`; where the narrow one would move the
value by more than a tenth, the prior decides. All three are called undecided, and so is one that
may move by what the fit presupposes, see `inverse.fit.curvature` and `Fit.presumed`.
"""

import dataclasses
from functools import cached_property
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...numerics.quadrature import trapezoid_weights

#: The largest bias in units of the scatter by noise.
BIAS = 0.1
#: The bias in units of the scatter above which the prior decides the error.
LEANING = 0.5
#: The largest error in units of the least possible.
PRICE = 2.0
#: The share of the prior's variance above which a functional counts as undecided.
UNDECIDED = 0.1
#: The error, as a share of the value, above which a functional counts as undecided.
UNCERTAIN = 0.125
#: How much the choice between the narrow and the wide prior may move a decided one, relative.
MOVED = 0.1
_WIDEST = 1e10


class Estimates(NamedTuple):
    """Linear functionals of α²F with their errors."""

    value: Float[Array, " functional"]
    scatter: Float[Array, " functional"]  # s, by noise
    bias: Float[Array, " functional"]  # b, what the prior expects of it
    widening: Float[Array, " functional"]  # κ
    before: Float[Array, " functional"]  # the prior's own standard deviation

    @property
    def error(self):
        """One standard deviation."""
        return jnp.hypot(self.scatter, self.bias)

    @property
    def leaning(self):
        """b/s, how far the error is what the prior expects and not noise."""
        return self.bias / jnp.maximum(self.scatter, 1e-300)

    @property
    def share(self):
        """What is left of the variance that the prior has."""
        return jnp.clip((self.error / self.before) ** 2, 0.0, 1.0)


def estimates(
    prior: Float[Array, "row row"],
    design: Float[Array, "datum row"],
    target: Float[Array, " datum"],
    slopes: Float[Array, "functional row"],
) -> Estimates:
    """Each w·a by the estimate whose bias stays below the noise.

    Args:
        prior (array of shape (row, row)): P.
        design (array of shape (datum, row)): K of whitened data.
        target (array of shape (datum,)): t.
        slopes (array of shape (functional, row)): w, one row each.

    Example:
        >>> prior, design = jnp.eye(2), jnp.array([[3.0, 0.0]])
        >>> found = estimates(prior, design, jnp.array([6.0]), jnp.eye(2))
        >>> print(found.value.round(2), found.widening.round(2), found.share.round(2))
        [1.94 0.  ] [3.33 1.  ] [0.11 1.  ]
    """
    covered = design @ prior
    values, vectors = jnp.linalg.eigh(covered @ design.T)
    # Below rounding of the largest an eigenvector is noise; what it sees counts as unseen.
    floor = len(design) * jnp.finfo(values.dtype).eps * values[-1]
    along = jnp.where((values > floor)[None, :], slopes @ (covered.T @ vectors), 0.0)
    values = jnp.maximum(values, floor)[None, :]
    before = jnp.maximum(jnp.einsum("fi,ij,fj->f", slopes, prior, slopes), 0.0)

    def two(log_widening):
        k = jnp.exp(log_widening)[:, None]
        scatter = jnp.sum((k * along / (k * values + 1)) ** 2, axis=1)
        seen = jnp.sum(along**2 * k * (k * values + 2) / (k * values + 1) ** 2, axis=1)
        return scatter, jnp.maximum(before - seen, 0.0)

    none, widest = jnp.zeros(len(slopes)), jnp.full(len(slopes), jnp.log(_WIDEST))
    affordable = PRICE**2 * sum(two(none))

    def biased(log_widening):
        scatter, bias = two(log_widening)
        return (bias > BIAS**2 * scatter) & (scatter + bias < affordable)

    def bisect(_, bracket):
        low, high = bracket
        middle = 0.5 * (low + high)
        more = biased(middle)
        return jnp.where(more, middle, low), jnp.where(more, high, middle)

    _, log_widening = jax.lax.fori_loop(0, 50, bisect, (none, widest))
    scatter, bias = two(log_widening)
    log_widening = jnp.where(bias <= LEANING**2 * scatter, log_widening, none)
    scatter, bias = (jnp.sqrt(x) for x in two(log_widening))
    k = jnp.exp(log_widening)[:, None]
    gain = (k * along / (k * values + 1)) @ vectors.T
    return Estimates(gain @ target, scatter, bias, k[:, 0], jnp.sqrt(before))


def table_weights(omega: Float[Array, " row"]) -> Float[Array, " row"]:
    """λ_j per α²F(ω_j): 2/ω_j times the trapezoidal weight, as `TabulatedSpectrum` has it.

    Example:
        >>> print(table_weights(jnp.array([1.0, 2.0, 3.0])))
        [1.         1.         0.33333333]
    """
    return trapezoid_weights(omega) * 2 / omega


#: λ, ω_log and λ⟨ω²⟩, in the order of `moment_slopes`.
TABLE_MOMENTS = ("lambda", "omega-log", "lambda-omega2")


def moment_slopes(
    omega: Float[Array, " row"], a2f: Float[Array, " row"]
) -> tuple[Float[Array, "3"], Float[Array, "3 row"]]:
    """λ, ω_log and λ⟨ω²⟩ of a table, each with its gradient by the values.

    Example:
        >>> w = jnp.array([1.0, 2.0, 3.0])
        >>> print(moment_slopes(w, jnp.array([0.0, 0.5, 0.0]))[0])
        [0.5 2.  2. ]
    """
    weight = table_weights(omega)
    coupling = weight @ a2f
    log = jnp.exp((weight * jnp.log(omega)) @ a2f / coupling)
    # dω_log = ω_log (d∫ln ω - ln ω_log dλ)/λ.
    slopes = [weight, log / coupling * weight * jnp.log(omega / log), weight * omega**2]
    return jnp.stack([coupling, log, slopes[2] @ a2f]), jnp.stack(slopes)


def moment_estimates(
    omega: Float[Array, " row"],
    a2f: Float[Array, " row"],
    prior: Float[Array, "row row"],
    design: Float[Array, "datum row"],
    target: Float[Array, " datum"],
) -> Estimates:
    """λ, ω_log and λ⟨ω²⟩, the second linearised about the posterior mean a2f."""
    values, slopes = moment_slopes(omega, a2f)
    found = estimates(prior, design, target, slopes)
    return found._replace(value=values + found.value - slopes @ a2f)


_moment_estimates, _estimates = jax.jit(moment_estimates), jax.jit(estimates)


def wide_estimates(
    posterior: "TableEstimate", targets: np.ndarray, slope: np.ndarray
) -> np.ndarray:
    """g·t of one functional for each of several whitened data, the columns of `targets`."""
    found = _estimates(posterior.wide, posterior.design, targets, np.asarray(slope)[None, :])
    return np.asarray(found.value)[0]


def possible(value: float, error: float, shown: float, most: float = np.inf) -> tuple[float, float]:
    """A positive number up to `most` with its error: the estimate, or else what is shown.

    Example:
        >>> print(possible(0.5, 0.1, 0.4), possible(-3.0, 0.1, 1.0))
        (0.5, 0.1) (1.0, 4.001249804748511)
    """
    if 0 < value <= most:
        return value, error
    return shown, float(np.hypot(error, value - shown))


@dataclasses.dataclass(frozen=True, eq=False)
class TableEstimate:
    """α²F on a table with its covariance, and what follows from the data and the prior."""

    omega: np.ndarray
    a2f: np.ndarray
    covariance: np.ndarray  # of α²F
    resolution: np.ndarray  # R: change of the fit = R · change of the true α²F, without noise
    chi_square: float
    degrees: float  # of freedom that the data decide, the trace of R
    log_evidence: float
    prior: np.ndarray  # P, the covariance of the smooth prior
    wide: np.ndarray  # P_w, the wider one of functionals
    middle: np.ndarray  # the mean of its posterior, about which functionals are linear
    design: np.ndarray  # K of whitened data
    target: np.ndarray  # whitened data t

    @property
    def error(self) -> np.ndarray:
        """One standard deviation of α²F at each frequency."""
        return np.sqrt(np.clip(np.diag(self.covariance), 0, None))

    def simultaneous(self, level: float = 0.68, draws: int = 4000) -> np.ndarray:
        r"""A band that holds all of α²F at once, as broadly as the fit sees it.

        Without noise the fit of a_true is R a_true, and noise adds what has the covariance
        $R\,C$, C that of α²F: $RC = G G^T$ with the gain G. So R a_true lies inside

        $$a \pm c\,\sqrt{\operatorname{diag} RC},$$

        at all frequencies together, with the probability `level`, c being that quantile of the
        largest of the correlated pulls. That holds whatever α²F is, narrow peaks included: what
        is finer than R is not in the band but in the resolution.

        Args:
            level (scalar): the probability, between 0 and 1.
            draws: of the noise, for the quantile c.

        Returns:
            the half width at each frequency (array of shape (row,)).

        Raises:
            ValueError: a level that is no probability.

        Example:
            >>> from jaxelph.inverse import fit_linear
            >>> w = np.linspace(1.0, 20.0, 20)
            >>> seen = 50 * np.exp(-((w - 10) ** 2) / 18)
            >>> fit = fit_linear(w, 100 * np.eye(20), seen, np.ones(20))
            >>> print(bool(np.all(fit.simultaneous(0.95) > fit.simultaneous(0.68))))
            True
        """
        if not 0 < level < 1:
            raise ValueError(f"level must be a probability between 0 and 1, got {level:g}.")
        noise = self.resolution @ self.covariance
        values, vectors = np.linalg.eigh((noise + noise.T) / 2)
        half = vectors * np.sqrt(np.clip(values, 0.0, None))
        spread = np.sqrt(np.sum(half**2, axis=1))
        seen = spread > 1e-9 * np.max(spread)
        pulls = half[seen] / spread[seen, None]
        normal = np.random.default_rng(0).normal(size=(draws, len(values)))
        largest = np.max(np.abs(normal @ pulls.T), axis=1)
        return float(np.quantile(largest, level)) * spread

    @cached_property
    def _moments(self) -> Estimates:
        return _moment_estimates(self.omega, self.middle, self.wide, self.design, self.target)

    @property
    def moments(self) -> dict[str, tuple[float, float]]:
        """λ, ω_log and λ⟨ω²⟩ with one standard deviation.

        Each has its own estimate from the data, see `inverse.fit.functionals`; within the errors it
        is that of the α²F shown. A moment of a positive α²F is positive, and ω_log lies below the
        last frequency: where data that contradict themselves, or errors that are far too small,
        give another estimate, the moment is that of the positive part of the α²F shown, with an
        error as large as the distance.
        """
        found = self._moments
        shown = np.asarray(moment_slopes(jnp.asarray(self.omega), jnp.clip(self.a2f, 0.0))[0])
        largest = (np.inf, self.omega[-1], np.inf)
        rows = zip(np.asarray(found.value), np.asarray(found.error), shown, largest, strict=True)
        pairs = [possible(float(v), float(e), float(s), most) for v, e, s, most in rows]
        return dict(zip(TABLE_MOMENTS, pairs, strict=True))

    @cached_property
    def prior_shift(self) -> dict[str, float]:
        """Of each moment: by how much of itself the narrow prior P would move it."""
        found = _moment_estimates(self.omega, self.middle, self.prior, self.design, self.target)
        moved = np.abs(np.asarray(found.value) - np.asarray(self._moments.value))
        value = [value for value, _ in self.moments.values()]
        return dict(zip(TABLE_MOMENTS, (moved / np.maximum(value, 1e-300)).tolist(), strict=True))

    @property
    def prior_share(self) -> dict[str, float]:
        """Of each moment: what is left of the prior's variance."""
        return dict(zip(TABLE_MOMENTS, np.asarray(self._moments.share).tolist(), strict=True))

    @property
    def leaning(self) -> dict[str, float]:
        """Of each moment: the bias that the prior expects, in units of the scatter by noise."""
        found = np.asarray(self._moments.leaning).tolist()
        return dict(zip(TABLE_MOMENTS, found, strict=True))

    def functional(self, value: float, slope: np.ndarray) -> tuple[float, float, float, float]:
        """Any functional of α²F as a moment is: value, scatter, bias and share of the prior.

        Args:
            value (scalar): of the α²F `middle`.
            slope (array of shape (row,)): its gradient by the values there.
        """
        slope = np.asarray(slope)[None, :]
        found = _estimates(self.wide, self.design, self.target, slope)
        moved = value + float(found.value[0] - slope[0] @ self.middle)
        return moved, float(found.scatter[0]), float(found.bias[0]), float(found.share[0])
