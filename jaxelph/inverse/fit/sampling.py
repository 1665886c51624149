r"""The posterior of a table of α²F by Hamiltonian Monte Carlo, with α²F ≥ 0: extra `bayes`.

The prior's Gaussian process u is made positive by α²F = δ ln(1 + e^{u/δ}), which is u itself where
u ≫ δ. In the coordinates z in which the posterior without positivity is a unit normal,

$$u = L(\hat\zeta + H^{-1/2}z), \qquad LL^T = P, \qquad H = 1 + L^TK^TKL,$$

the sampler of numpyro (NUTS, Hoffman and Gelman 2014) meets nothing stiff. The moments are those
of the posterior, which the prior biases; for error bars that hold in repeated experiments take
`Fit.moments`.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .errors import FitError
from .functionals import TABLE_MOMENTS, moment_slopes
from .linear import LinearFit
from .result import Fit

# δ in units of the fit's largest α²F: how softly the rectifier bends.
_SOFTNESS = 0.02
# Directions of the prior with less than this of its largest variance are left out.
_FLAT = 1e-12
# Chains that differ by more than this have not mixed (Gelman and Rubin; Vehtari et al. 2021).
_MIXED = 1.05


class Problem(NamedTuple):
    """What the density needs: t = K a + n with unit noise, u = origin + turn z."""

    design: Float[Array, "datum row"]
    target: Float[Array, " datum"]
    root: Float[Array, "row latent"]  # L
    origin: Float[Array, " latent"]  # ζ̂
    turn: Float[Array, "latent latent"]  # H^{-1/2}
    softness: Float[Array, ""] | None  # δ, None without positivity


def problem_of(fit: LinearFit, positive: bool) -> Problem:
    """See `Problem`."""
    values, vectors = np.linalg.eigh(fit.prior)
    kept = values > _FLAT * values[-1]
    root = vectors[:, kept] * np.sqrt(values[kept])
    seen = fit.design @ root
    information, axes = np.linalg.eigh(np.eye(root.shape[1]) + seen.T @ seen)
    turn = axes / np.sqrt(information) @ axes.T
    softness = jnp.asarray(_SOFTNESS * float(np.max(fit.a2f))) if positive else None
    return Problem(
        jnp.asarray(fit.design),
        jnp.asarray(fit.target),
        jnp.asarray(root),
        jnp.asarray(turn @ turn @ seen.T @ fit.target),
        jnp.asarray(turn),
        softness,
    )


def spectrum_at(z: Float[Array, " latent"], problem: Problem) -> Float[Array, " row"]:
    """α²F of latent coordinates."""
    u = problem.root @ (problem.origin + problem.turn @ z)
    if problem.softness is None:
        return u
    return problem.softness * jax.nn.softplus(u / problem.softness)


def log_density(z: Float[Array, " latent"], problem: Problem) -> Float[Array, ""]:
    r"""$-\tfrac12|t - K a(z)|^2 - \tfrac12|\zeta(z)|^2$, ln of the posterior up to a constant.

    Example:
        >>> one = jnp.eye(1)
        >>> problem = Problem(one, jnp.array([2.0]), one, jnp.zeros(1), one, None)
        >>> print(log_density(jnp.array([1.0]), problem))
        -1.0
    """
    latent = problem.origin + problem.turn @ z
    miss = problem.target - problem.design @ spectrum_at(z, problem)
    return -0.5 * (miss @ miss + latent @ latent)


@dataclasses.dataclass(frozen=True, eq=False)
class Samples:
    """Draws from the posterior, all chains one after the other.

    Args:
        omega (array of shape (row,), energy): frequencies of the table.
        a2f (array of shape (draw, row)): α²F of each draw.
        moments (arrays of shape (draw,)): λ, ω_log, λ⟨ω²⟩ of each draw.
        agreement (scalar): the largest R̂ of the latent coordinates: 1 where chains agree.
        effective (scalar): the least effective number of draws among them.
        divergent: trajectories that broke off.

    Example:
        >>> drawn = Samples(np.ones(1), np.ones((3, 1)), {"lambda": np.ones(3)}, 1.0, 3.0, 0)
        >>> print(drawn.a2f.mean(axis=0))
        [1.]
    """

    omega: np.ndarray
    a2f: np.ndarray
    moments: dict[str, np.ndarray]
    agreement: float
    effective: float
    divergent: int


def sample_posterior(
    fit: Fit | LinearFit,
    *,
    positive: bool = True,
    draws: int = 1000,
    warmup: int = 500,
    chains: int = 2,
    seed: int = 0,
) -> Samples:
    """Draw α²F from the posterior of a table's fit.

    Args:
        fit: of a table under the smooth prior; of data that are not linear in α²F the
            linearisation at the fit is sampled.
        positive: whether α²F ≥ 0 is imposed.
        draws: of each chain, after those that tune the sampler.
        warmup: draws that tune the sampler and are not kept.
        chains: two or more, so that their agreement can be judged.
        seed: of the chains.

    Raises:
        ImportError: numpyro is not installed.
        ValueError: the fit is not one of a table under the smooth prior.
        FitError: the chains do not agree.

    Example:
        >>> from jaxelph.inverse import fit_linear
        >>> fit = fit_linear([1.0, 2.0, 3.0], np.eye(3), [0.2, 0.4, 0.2], [0.1, 0.1, 0.1])
        >>> sample_posterior(fit, chains=1)
        Traceback (most recent call last):
        ValueError: chains must be two or more, got 1.
    """
    posterior = fit.posterior if isinstance(fit, Fit) else fit
    if not isinstance(posterior, LinearFit):
        raise ValueError("sample_posterior is of a table under the smooth prior.")
    if chains < 2:
        raise ValueError(f"chains must be two or more, got {chains}.")
    try:
        from numpyro.diagnostics import effective_sample_size, gelman_rubin  # pyright: ignore
        from numpyro.infer import MCMC, NUTS  # pyright: ignore
    except ImportError:
        raise ImportError(
            "sample_posterior needs numpyro: install the extra, pip install 'jaxelph[bayes]'."
        ) from None
    problem = problem_of(posterior, positive)
    size = problem.root.shape[1]
    starts = jax.random.normal(jax.random.key(seed + 1), (chains, size))
    sampler = MCMC(
        NUTS(potential_fn=lambda z: -log_density(z, problem)),
        num_warmup=warmup,
        num_samples=draws,
        num_chains=chains,
        chain_method="vectorized",
        progress_bar=False,
    )
    sampler.run(jax.random.key(seed), init_params=starts, extra_fields=("diverging",))
    latent = np.asarray(sampler.get_samples(group_by_chain=True))
    agreement = float(np.max(gelman_rubin(latent)))
    if not agreement < _MIXED:
        raise FitError(
            f"the chains do not agree (R̂ = {agreement:.3f}): take more draws or more warmup."
        )
    omega = jnp.asarray(posterior.omega)
    a2f = jax.vmap(lambda z: spectrum_at(z, problem))(jnp.asarray(latent.reshape(-1, size)))
    values = np.asarray(jax.vmap(lambda a: moment_slopes(omega, a)[0])(a2f))
    return Samples(
        omega=posterior.omega,
        a2f=np.asarray(a2f),
        moments={name: values[:, i] for i, name in enumerate(TABLE_MOMENTS)},
        agreement=agreement,
        effective=float(np.min(effective_sample_size(latent))),
        divergent=int(np.sum(sampler.get_extra_fields()["diverging"])),
    )
