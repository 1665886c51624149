r"""The Gaussian posterior of α²F on a table, given data that are linear in it.

The prior is a Gaussian process for α²F = ω²/(ω² + ω_l²) s(ω)·u(ω), where s → 0 at ω_max: α²F ~ ω²
at small ω and zero above ω_max by construction. u is smooth over a length ℓ where α²F begins, and
over ℓ(1 + ω/ω_l) at higher ω. Data say too little of the amplitude A, of ℓ and of the onset ω_l
to fix them: noisy ones leave the evidence p(y | η), η = ln(A, ℓ, ω_l), flat over decades, and its
maximum may be a stiff power law that knows α²F far too well. So the prior is an average of all of
them, each as likely as the data make it,

$$P = \sum_\eta p(\eta | y)\,P_\eta, \qquad p(\eta | y) \propto p(y | \eta)\,p(\eta),$$

the covariance of the mixture, on a grid of η. What the data do not show, they cannot teach it: a
gap below a hard mode makes ω_l large, and P then denies a soft mode that the data hardly see.
Integrals of α²F are therefore estimated under a wider prior that does not learn,

$$P_w = P + A_w^2\,P_{\ell_w,\,\omega_w} + d\,\bar a(\omega)^2\,\delta(\omega - \omega'),$$

a little of everything down to a tenth of ω_max, and lines: what looks smooth, the positive part ā
of the posterior mean, may be sharp lines at random places a distance d apart, and an integral over
those has that variance (Campbell's theorem). Nothing is searched for, and nothing can fail
to converge. Everything is a pure function of whitened data, for `jit` and for `vmap` over draws of
the noise.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...numerics.quadrature import trapezoid_weights
from ...spectra.spectrum import Scalar

# A, ℓ/ω_max and ω_l/ω_max: the grid, and the middle and standard deviation of their logarithms.
# α²F of metals is of order one, within a factor e; of the other two hardly more than the order
# of magnitude is known before.
_GRID = (np.geomspace(0.02, 5.0, 13), np.geomspace(0.01, 0.6, 10), np.geomspace(0.005, 0.8, 9))
_MIDDLE, _WIDTH = (0.5, 0.1, 0.1), (1.0, 1.5, 1.5)
_AMPLITUDE2 = _GRID[0] ** 2
_SHAPES = np.stack([x.ravel() for x in np.meshgrid(*_GRID[1:], indexing="ij")], axis=1)
# What any α²F may hold beside what the data show: A² and ℓ, ω_l in units of ω_max.
_WATCH = (0.02, 0.03, 0.08)
# The distance of lines that may make up what looks smooth, in units of ω_max.
_APART = 0.02
# How far below ω_max α²F begins to vanish, in units of it.
_EDGE = 0.08
# Shapes that have less than this of the average are left out of it.
_NEGLIGIBLE = 1e-10
# Tables up to this long keep the prior of each shape, 60 MB; longer ones compute it again.
_KEPT_ROWS = 300


def _log_hyperprior() -> np.ndarray:
    """ln p(η) on (shape, amplitude), of sum one."""
    pull = [-0.5 * (np.log(x / m) / w) ** 2 for x, m, w in zip(_GRID, _MIDDLE, _WIDTH, strict=True)]
    log = (pull[1][:, None] + pull[2][None, :]).ravel()[:, None] + pull[0][None, :]
    return log - np.log(np.sum(np.exp(log)))


def prior_covariance(
    omega: Float[Array, " row"], top: Scalar, amplitude: Scalar, length: Scalar, onset: Scalar
) -> Float[Array, "row row"]:
    r"""Covariance of a before any data: $A^2 e(\omega)e(\omega')k(|x-x'|/\ell)$.

    k is the Matérn kernel of order 5/2, whose functions bend smoothly twice; the envelope
    e(ω) is ω²/(ω² + ω_l²) below ω_max and falls to zero over the last 8 % of it. With
    x = ω_l ln(1 + ω/ω_l) features grow wider with their frequency: an α²F that rises abruptly near
    ω_l, as that of a soft metal does, asks for a short length there only.

    Example:
        >>> print(prior_covariance(jnp.array([9.0]), 30.0, 0.5, 2.0, 3.0))
        [[0.2025]]
    """
    onset = jnp.asarray(onset)
    x = onset * jnp.log1p(omega / onset)
    distance = jnp.abs(x[:, None] - x[None, :]) * jnp.sqrt(5.0) / length
    kernel = (1 + distance + distance**2 / 3) * jnp.exp(-distance)
    # It begins without a kink, so that the fit has none there either.
    edge = 1 - jnp.clip(1 - (top - omega) / (_EDGE * top), 0.0, 1.0) ** 2
    envelope = omega**2 / (omega**2 + onset**2) * edge
    return jnp.asarray(amplitude) ** 2 * envelope[:, None] * envelope[None, :] * kernel


def typical_prior(omega: Float[Array, " row"], top: Scalar) -> Float[Array, "row row"]:
    """The prior of functionals before any data: of middling A, ℓ and ω_l, and what is watched."""
    middling = prior_covariance(omega, top, _MIDDLE[0], _MIDDLE[1] * top, _MIDDLE[2] * top)
    return middling + watched(omega, top, jnp.diag(middling))


def watched(
    omega: Float[Array, " row"], top: Scalar, square: Float[Array, " row"]
) -> Float[Array, "row row"]:
    """What P_w adds to the prior, square being ā² at each row.

    Example:
        >>> w = jnp.array([9.0, 10.0, 11.0])
        >>> print(jnp.diag(watched(w, 30.0, jnp.ones(3)) - watched(w, 30.0, jnp.zeros(3))))
        [1.2 0.6 1.2]
    """
    any_shape = prior_covariance(omega, top, 1.0, _WATCH[1] * top, _WATCH[2] * top)
    lines = _APART * top * square / trapezoid_weights(omega)
    return _WATCH[0] * any_shape + jnp.diag(lines)


class Whitened(eqx.Module):
    """A linear problem t = K a + n with noise of unit variance, data that see nothing left out."""

    omega: Float[Array, " row"]
    top: Float[Array, ""]
    design: Float[Array, "datum row"]

    def shape_prior(self, shape: Float[Array, "2"]) -> Float[Array, "row row"]:
        """P of unit amplitude, for (ℓ, ω_l) in units of ω_max."""
        return prior_covariance(self.omega, self.top, 1.0, shape[0] * self.top, shape[1] * self.top)


class Decomposed(NamedTuple):
    """K P Kᵀ of unit amplitude for each shape of the prior; the same for all draws of the noise."""

    values: Float[Array, "shape datum"]
    vectors: Float[Array, "shape datum datum"]
    priors: Float[Array, "shape row row"] | None  # where there is room for all of them


class Posterior(NamedTuple):
    """Mean and covariance of α²F under the averaged prior."""

    mean: Float[Array, " row"]
    covariance: Float[Array, "row row"]
    prior: Float[Array, "row row"]
    wide: Float[Array, "row row"]  # P_w, for integrals of α²F
    eta: Float[Array, "3"]  # the mean of ln(A, ℓ, ω_l)
    log_evidence: Float[Array, ""]  # ln p(t), averaged over η


def decompose(problem: Whitened) -> Decomposed:
    """See `Decomposed`."""
    keep = len(problem.omega) <= _KEPT_ROWS

    def one(shape):
        prior = problem.shape_prior(shape)
        found = jnp.linalg.eigh(problem.design @ prior @ problem.design.T)
        return *found, prior if keep else None

    values, vectors, priors = jax.lax.map(one, jnp.asarray(_SHAPES))
    return Decomposed(jnp.maximum(values, 0.0), vectors, priors)


def invert(problem: Whitened, decomposed: Decomposed, target: Float[Array, " datum"]) -> Posterior:
    """The posterior of whitened data; pure, for `jit` and for `vmap` over `target`.

    Example:
        >>> w = jnp.linspace(1.0, 20.0, 20)
        >>> problem = Whitened(w, jnp.array(21.0), 100 * jnp.eye(20))
        >>> found = invert(problem, decompose(problem), 50 * jnp.exp(-((w - 10) ** 2) / 18))
        >>> print(found.mean[9].round(2))
        0.5
    """
    along = jnp.einsum("sji,j->si", decomposed.vectors, target)
    variance = 1 + jnp.asarray(_AMPLITUDE2)[None, :, None] * decomposed.values[:, None, :]
    log = jnp.asarray(_log_hyperprior()) - 0.5 * jnp.sum(
        along[:, None, :] ** 2 / variance + jnp.log(2 * jnp.pi * variance), axis=2
    )
    weight = jax.nn.softmax(log.ravel()).reshape(log.shape)
    scale = weight @ jnp.asarray(_AMPLITUDE2)

    prior = _average(problem, decomposed, scale)
    gain = gain_of(problem.design, prior)
    covariance = prior - gain @ problem.design @ prior
    shapes = jnp.log(jnp.asarray(_SHAPES) * problem.top)
    eta = jnp.append(
        jnp.sum(weight @ jnp.log(jnp.asarray(_GRID[0])))[None], jnp.sum(weight, axis=1) @ shapes
    )
    mean = gain @ target
    return Posterior(
        mean=mean,
        covariance=(covariance + covariance.T) / 2,
        prior=prior,
        wide=prior + watched(problem.omega, problem.top, jnp.maximum(mean, 0.0) ** 2),
        eta=eta,
        log_evidence=jax.scipy.special.logsumexp(log),
    )


def _average(problem, decomposed, scale):
    """Σ scale P over the shapes."""
    if decomposed.priors is not None:
        return jnp.tensordot(scale, decomposed.priors, 1)

    def add(prior, one):
        shape, factor = one
        more = jax.lax.cond(
            factor > _NEGLIGIBLE * jnp.max(scale),
            lambda: prior + factor * problem.shape_prior(shape),
            lambda: prior,
        )
        return more, None

    start = jnp.zeros((len(problem.omega), len(problem.omega)))
    return jax.lax.scan(add, start, (jnp.asarray(_SHAPES), scale))[0]


def gain_of(
    design: Float[Array, "datum row"], prior: Float[Array, "row row"]
) -> Float[Array, "row datum"]:
    """P Kᵀ (K P Kᵀ + 1)⁻¹, which makes the mean of whitened data."""
    covered = design @ prior
    return jnp.linalg.solve(covered @ design.T + jnp.eye(len(design)), covered).T
