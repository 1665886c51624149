r"""Fits of a measurement with fresh noise, whatever it is linear in: do its error bars hold?

Data of any kind are linearised about a spectrum that is known,

    y = y_0 + K a + B b + C θ + n,

with backgrounds b and what else is fitted along, θ, projected out as a fit does. Each draw of the
noise is then inverted in closed form, for λ, ω_log, λ⟨ω²⟩, each of θ and further functionals. What
is known of θ before is a measurement like others: the middle of its prior is drawn about the truth,
for an interval that counts the prior's width holds in 68 % of such draws, not at one middle.
"""

from collections.abc import Mapping
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from ...spectra.spectrum import EliashbergFunction
from ..data.spectral import SpectralData, pulls_of_unknowns
from .descent import linearised
from .functionals import TABLE_MOMENTS, estimates, moment_slopes
from .linear import whitened
from .posterior import Whitened, decompose, gain_of, invert
from .prediction import background_columns, unknowns


class Draws(NamedTuple):
    """Of each number its values and errors, of α²F both over the table: arrays (draw, …)."""

    numbers: dict[str, tuple[np.ndarray, np.ndarray]]
    a2f: np.ndarray
    error: np.ndarray
    #: Of what is seen of the true α²F the largest pull over all frequencies.
    largest: np.ndarray
    #: Of each number the bias that the prior expects, in units of the scatter by noise.
    leaning: dict[str, np.ndarray]


def coverage_draws(
    data: SpectralData,
    metal: EliashbergFunction,
    omega: Float[ArrayLike, " row"],
    a2f: Float[ArrayLike, " row"],
    *,
    truth: Mapping[str, float] | None = None,
    slopes: Mapping[str, tuple[float, np.ndarray, np.ndarray]] | None = None,
    draws: int = 300,
    seed: int = 0,
    top: float | None = None,
) -> Draws:
    """Fits of a table to draws of the noise about what a metal makes.

    Args:
        data: points and errors; its values do not count.
        metal: what makes the data.
        omega (array of shape (row,), meV): frequencies of the table that is fitted.
        a2f (array of shape (row,)): α²F of the metal there, about which data are linear.
        truth: of what is fitted along, by name; by default where it starts.
        slopes: of further functionals: name → (value, gradient by α²F, by the logarithms).
        draws, seed: of the noise; 0 are the data without any.
        top (scalar, meV): ω_max, see `fit_linear`.

    Example:
        >>> from jaxelph import GaussianPeaks
        >>> from jaxelph.inverse import made_data
        >>> metal, w = GaussianPeaks([10.0], [2.0], [0.8]), np.linspace(0.5, 20.0, 40)
        >>> data = made_data("heat", metal, np.linspace(0.3, 8.0, 20), 0.02)
        >>> value, error = coverage_draws(data, metal, w, metal.a2f(w), draws=20).numbers["lambda"]
        >>> print(bool(np.mean(np.abs(value - 0.8) < 2 * error) > 0.7))
        True
    """
    omega, a2f = np.asarray(omega, dtype=float), np.asarray(a2f, dtype=float)
    along = unknowns([data])
    names = tuple(one.name for one in along)
    true = np.array([(truth or {}).get(one.name, one.start) for one in along])
    logs = np.log(true)
    found = linearised(jnp.asarray(omega), jnp.asarray(a2f), jnp.asarray(logs), (data,), names)
    value, design, beside = (np.asarray(x) for x in found)
    told = dict(zip(names, true.tolist(), strict=True))
    exact = np.asarray(jax.jit(lambda s: data.predict(s, **told))(metal)) - value + design @ a2f
    backgrounds = background_columns([data])[1]
    count, before = len(exact), backgrounds.shape[1]
    # Logarithms are counted from the true ones.
    pulls = pulls_of_unknowns(along)
    columns = np.zeros((count + len(along), before + len(along)))
    columns[:count] = np.hstack([backgrounds, beside]) / data.error[:, None]
    columns[count:, before:] = pulls
    by_a2f = np.vstack([design / data.error[:, None], np.zeros((len(along), len(omega)))])
    left = np.linalg.qr(columns, mode="complete")[0][:, columns.shape[1] :]
    inverse = np.linalg.pinv(columns)[before:] if columns.size else np.zeros((0, len(by_a2f)))
    problem, own = whitened(omega, left.T @ by_a2f, np.ones(left.shape[1]), top)
    # What θ of a given α²F is, and with it every functional of both.
    functionals = {
        name: (0.0, 0 * omega, unit) for name, unit in zip(names, np.eye(len(names)), strict=True)
    }
    functionals |= dict(slopes or {})
    size = len(functionals)
    by_theta = np.reshape([one[2] for one in functionals.values()], (size, len(names))) @ inverse
    direct = np.reshape([one[1] for one in functionals.values()], (size, len(omega)))
    constant = np.array([one[0] for one in functionals.values()]) - direct @ a2f
    noise = np.random.default_rng(seed).normal(size=(draws, count + len(along)))
    noise = noise if draws else np.zeros((1, count + len(along)))
    seen = np.append(exact / data.error, np.zeros(len(along)))[None, :] + noise
    drawn = _inverted(
        problem,
        jnp.asarray(seen @ left @ own),
        jnp.asarray(direct - by_theta @ by_a2f),
        jnp.asarray(a2f),
    )
    values, scatter, bias, means, spreads, largest = (np.array(x) for x in drawn)
    values[:, 3:] += constant + seen @ by_theta.T
    scatter[:, 3:] = np.hypot(scatter[:, 3:], np.linalg.norm(by_theta, axis=1))
    leaning, errors = bias / scatter, np.hypot(scatter, bias)
    for place, name in enumerate(names, 3):  # of the logarithm, from the true one
        values[:, place] = told[name] * np.exp(values[:, place])
        errors[:, place] *= values[:, place]
    labels = (*TABLE_MOMENTS, *functionals)
    numbers = {name: (values[:, i], errors[:, i]) for i, name in enumerate(labels)}
    leans = {name: leaning[:, i] for i, name in enumerate(labels)}
    return Draws(numbers, means, spreads, largest, leans)


@eqx.filter_jit
def _inverted(problem: Whitened, targets, slopes, true):
    decomposed = decompose(problem)

    def one(target):
        found = invert(problem, decomposed, target)
        moments, by_a2f = moment_slopes(problem.omega, found.mean)
        told = estimates(found.wide, problem.design, target, jnp.vstack([by_a2f, slopes]))
        linear = jnp.append(moments - by_a2f @ found.mean, jnp.zeros(len(slopes)))
        gain = gain_of(problem.design, found.prior)
        noise = jnp.sqrt(jnp.sum(gain**2, axis=1))
        pull = (found.mean - gain @ (problem.design @ true)) / jnp.maximum(noise, 1e-300)
        spread = jnp.sqrt(jnp.maximum(jnp.diag(found.covariance), 0.0))
        seen = noise > 1e-9 * jnp.max(noise)
        largest = jnp.max(jnp.where(seen, jnp.abs(pull), 0.0))
        return told.value + linear, told.scatter, told.bias, found.mean, spread, largest

    return jax.lax.map(one, targets)
