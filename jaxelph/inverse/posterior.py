r"""The Gaussian posterior of α²F on a table, given data that are linear in it.

The prior is a Gaussian process for α²F = ω²/(ω² + ω_l²) s(ω)·u(ω), where s → 0 at ω_max: α²F ~ ω²
at small ω and zero above ω_max by construction. u is smooth over a length ℓ where α²F begins, and
over ℓ(1 + ω/ω_l) at higher ω. The amplitude A, ℓ and the onset ω_l, η = ln(A, ℓ, ω_l), are those
that maximise the evidence p(y | η) times weak hyperpriors. Where the data decide only a number or
two of α²F, and with them hardly η, its spread enters the error bars to first order,

$$C = C_{\hat\eta} + G H^{-1} G^T, \qquad G = \partial a/\partial\eta, \qquad
  H = -\partial^2\ln p/\partial\eta^2 .$$

Everything is a pure function of whitened data, for `vmap` over draws of the noise.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
from jaxtyping import Array, Bool, Float

from ..spectrum import Scalar

# Hyperpriors of A, ℓ/ω_max and ω_l/ω_max: the middle and the standard deviation, of the
# logarithm. Data that see nothing of low frequencies leave the evidence flat in ω_l; those that
# decide one number or two, as T_e(t), in all three.
_MIDDLE = np.array([0.5, 0.15, 0.05])
_WIDTH = {False: np.array([np.inf, np.inf, 1.5]), True: np.array([1.5, 1.0, 1.5])}
# A scan first: the evidence may have several maxima, one of them "all is noise".
_SCAN = np.array([[a, b, c] for a in (0.1, 0.5, 2.0) for b in (0.08, 0.25) for c in (0.01, 0.1)])


def prior_covariance(
    omega: Float[Array, " row"], top: Scalar, amplitude: Scalar, length: Scalar, onset: Scalar
) -> Float[Array, "row row"]:
    r"""Covariance of a before any data: $A^2 e(\omega)e(\omega')k(|x-x'|/\ell)$.

    k is the Matérn kernel of order 5/2, whose functions bend smoothly twice; the envelope
    e(ω) is ω²/(ω² + ω_l²) below ω_max and falls to zero there. With x = ω_l ln(1 + ω/ω_l)
    features grow wider with their frequency: an α²F that rises abruptly near ω_l, as that of a
    soft metal does, asks for a short length there only.

    Example:
        >>> print(prior_covariance(jnp.array([9.0]), 30.0, 0.5, 2.0, 3.0))
        [[0.2025]]
    """
    onset = jnp.asarray(onset)
    x = onset * jnp.log1p(omega / onset)
    distance = jnp.abs(x[:, None] - x[None, :]) * jnp.sqrt(5.0) / length
    kernel = (1 + distance + distance**2 / 3) * jnp.exp(-distance)
    edge = jnp.clip((top - omega) / (0.05 * top), 0.0, 1.0)
    envelope = omega**2 / (omega**2 + onset**2) * edge
    return jnp.asarray(amplitude) ** 2 * envelope[:, None] * envelope[None, :] * kernel


class Whitened(eqx.Module):
    """A linear problem t = K a + n with noise of unit variance, data that see nothing left out."""

    omega: Float[Array, " row"]
    top: Float[Array, ""]
    design: Float[Array, "datum row"]
    onset: Float[Array, ""] | None  # ω_l, where it is given
    few: bool = eqx.field(static=True, default=False)  # data that decide a number or two

    def prior(self, eta: Float[Array, " hyper"]) -> Float[Array, "row row"]:
        """P(η)."""
        onset = jnp.exp(eta[2]) if self.onset is None else self.onset
        return prior_covariance(self.omega, self.top, jnp.exp(eta[0]), jnp.exp(eta[1]), onset)

    @property
    def starts(self) -> Float[Array, "start hyper"]:
        """η to begin the search at."""
        eta = jnp.log(_SCAN * self._unit[None, :])
        return eta if self.onset is None else eta[:, :2]

    @property
    def _unit(self):
        return jnp.stack([jnp.ones_like(self.top), self.top, self.top])

    def log_evidence(self, eta, target) -> Float[Array, ""]:
        """ln p(t | η), without the constant of data that see nothing."""
        total = jnp.eye(len(target)) + self.design @ self.prior(eta) @ self.design.T
        factor = jnp.linalg.cholesky(total)
        whitened = jax.scipy.linalg.solve_triangular(factor, target, lower=True)
        half_determinant = jnp.sum(jnp.log(jnp.diag(factor)))
        constant = 0.5 * len(target) * jnp.log(2 * jnp.pi)
        return -(0.5 * whitened @ whitened + half_determinant + constant)

    def objective(self, eta, target) -> Float[Array, ""]:
        """-ln p(t | η) with the hyperpriors."""
        size = len(eta)
        distance = (eta - jnp.log(_MIDDLE * self._unit)[:size]) / _WIDTH[self.few][:size]
        return 0.5 * jnp.sum(distance**2) - self.log_evidence(eta, target)

    def gain(self, eta) -> Float[Array, "row datum"]:
        """P Kᵀ (K P Kᵀ + 1)⁻¹."""
        covered = self.design @ self.prior(eta)
        total = covered @ self.design.T + jnp.eye(len(self.design))
        return jnp.linalg.solve(total, covered).T


class Posterior(NamedTuple):
    """Mean and covariance of α²F, the prior's strength, and whether the search for it ended."""

    mean: Float[Array, " row"]
    covariance: Float[Array, "row row"]
    eta: Float[Array, " hyper"]
    converged: Bool[Array, ""]


def invert(problem: Whitened, target: Float[Array, " datum"]) -> Posterior:
    """The posterior of whitened data; pure, for `jit` and for `vmap` over `target`.

    Example:
        >>> w = jnp.linspace(1.0, 20.0, 20)
        >>> problem = Whitened(w, jnp.array(21.0), 100 * jnp.eye(20), jnp.array(1.0))
        >>> found = invert(problem, 100 * 0.5 * jnp.exp(-((w - 10) ** 2) / 18))
        >>> print(found.mean[9].round(2), bool(found.converged))
        0.5 True
    """

    def objective(eta, args):
        return args[0].objective(eta, args[1])

    starts = problem.starts
    scanned = jax.lax.map(lambda eta: problem.objective(eta, target), starts)
    solver = optx.BFGS(rtol=1e-6, atol=1e-6)
    found = optx.minimise(
        objective,
        solver,
        starts[jnp.argmin(scanned)],
        (problem, target),
        max_steps=200,
        throw=False,
    )
    eta = jax.lax.stop_gradient(found.value)
    prior, gain = problem.prior(eta), problem.gain(eta)
    covariance = prior - gain @ problem.design @ prior
    covariance = (covariance + covariance.T) / 2
    done = found.result == optx.RESULTS.successful
    if not problem.few:
        return Posterior(gain @ target, covariance, eta, done)
    slope = jax.jacfwd(lambda x: problem.gain(x) @ target)(eta)
    values, vectors = jnp.linalg.eigh(jax.hessian(problem.objective)(eta, target))
    # Flatter than three e-folds Laplace's approximation says nothing any more.
    spread = slope @ vectors / jnp.sqrt(jnp.maximum(values, 1 / 9))[None, :]
    return Posterior(gain @ target, covariance + spread @ spread.T, eta, done)
