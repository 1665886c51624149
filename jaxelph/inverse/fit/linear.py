r"""Data that are linear in α²F, and the Bayesian inversion of them in closed form.

C_el(T)/T and Σ(E, T) are linear in α²F: with values a_j = α²F(ω_j) on a table,

    y = y_0 + K a + n,        n ~ N(0, diag σ²).

Under the prior of `inverse.fit.posterior` the posterior of a is Gaussian; λ, ω_log and λ⟨ω²⟩ are
estimated as in `inverse.fit.functionals`.
"""

import dataclasses
from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ...electrons.self_energy import self_energy
from ...numerics.blas import one_blas_thread
from ...numerics.typed import jit
from ...spectra.resolution import at_temperature
from ...spectra.spectrum import EinsteinModes, Scalar
from ...spectra.table import TabulatedSpectrum
from ...thermodynamics.specific_heat import stability_parameter
from .functionals import (
    TABLE_MOMENTS,
    TableEstimate,
    moment_estimates,
    moment_slopes,
)
from .posterior import Posterior, Whitened, decompose, gain_of, invert


@jit
def heat_design(
    omega: Float[Array, " row"], temperatures: Float[Array, " datum"]
) -> Float[Array, "datum row"]:
    r"""K of the specific-heat ratio less one: $-\partial\xi(T_i)/\partial\alpha^2F(\omega_j)$.

    Args:
        omega (array of shape (row,), energy): ascending frequencies of the table.
        temperatures (array of shape (datum,), energy): T > 0.

    Returns:
        K (array of shape (datum, row)).

    Example:
        >>> from jaxelph import TabulatedSpectrum, specific_heat_ratio
        >>> w = jnp.linspace(0.5, 10.0, 20)
        >>> K = heat_design(w, jnp.array([1.0]))
        >>> exact = specific_heat_ratio(TabulatedSpectrum(w, w / 20), 1.0) - 1
        >>> print(bool(abs((K @ (w / 20))[0] - exact) < 1e-14))
        True
    """

    def xi(a2f):  # linear in α²F: its derivative is all of it
        return jax.vmap(partial(stability_parameter, TabulatedSpectrum(omega, a2f)))(temperatures)

    return -jax.jacrev(xi)(jnp.zeros_like(omega))


def self_energy_design(
    omega: Float[Array, " row"], temperature: Scalar, energies: Float[Array, " datum"]
) -> tuple[Float[Array, "datum row"], Float[Array, "datum row"]]:
    """K of Re Σ(E) and of Im Σ(E) at one temperature.

    Args:
        omega (array of shape (row,), energy): ascending frequencies of the table.
        temperature (scalar, energy): T > 0.
        energies (array of shape (datum,), energy): E.

    Returns:
        K of the real and of the imaginary part (arrays of shape (datum, row), energy).

    Example:
        >>> from jaxelph import TabulatedSpectrum
        >>> w, E = jnp.linspace(0.5, 10.0, 20), jnp.array([3.0])
        >>> real, imaginary = self_energy_design(w, 1.0, E)
        >>> exact = self_energy(TabulatedSpectrum(w, w / 20), 1.0, E)
        >>> print(bool(abs((real + 1j * imaginary) @ (w / 20) - exact)[0] < 1e-13))
        True
    """
    ones = TabulatedSpectrum(omega, jnp.ones_like(omega))
    # The nodes that T needs and how each of their λ depends on the rows: what `self_energy` sums.
    table = at_temperature(ones, temperature, everywhere=True)
    by_rows = jax.jacfwd(lambda a2f: eqx.tree_at(lambda t: t.a2f, table, a2f).modes()[1])(
        jnp.zeros_like(omega)
    )
    node = table.modes()[0]

    kernel = _self_energy_sum(node, by_rows, temperature, energies)
    return kernel.real, kernel.imag


@jit
def _self_energy_sum(node, by_rows, temperature, energies):
    """Σ_j Σ(E) of a mode at ω_j times its row of `by_rows`, one after the other."""

    def add(total, each):
        frequency, slope = each
        sigma = self_energy(EinsteinModes(frequency, 1.0), temperature, energies)
        return total + sigma[:, None] * slope[None, :], None

    empty = jnp.zeros((energies.shape[0], by_rows.shape[1]), dtype=complex)
    return jax.lax.scan(add, empty, (node, by_rows))[0]


@dataclasses.dataclass(frozen=True, eq=False)
class LinearFit(TableEstimate):
    """The Gaussian posterior of α²F on a table.

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
        top (scalar, energy): ω_max.
        amplitude (scalar): of the prior, its geometric mean.
        length (scalar): of the prior at ω → 0.
        onset (scalar): of the prior.

    Example:
        >>> w = np.linspace(0.5, 20.0, 30)
        >>> K = np.asarray(heat_design(jnp.asarray(w), jnp.linspace(0.5, 8.0, 20)))
        >>> fit = fit_linear(w, K, K @ np.full(30, 0.3), np.full(20, 1e-2))
        >>> print(fit.a2f.shape, fit.resolution.shape, list(fit.moments))
        (30,) (30, 30) ['lambda', 'omega-log', 'lambda-omega2']
    """

    top: float
    amplitude: float
    length: float
    onset: float

    def bootstrap(self, draws: int = 200, seed: int = 0) -> dict[str, "Bootstrap"]:
        """What fits of this α²F with fresh noise give: are the errors those that it says?

        Args:
            draws: of the noise.
            seed: of the draws.
        """
        problem = Whitened(jnp.asarray(self.omega), jnp.asarray(self.top), jnp.asarray(self.design))
        drawn = redraw(problem, self.design @ self.a2f, draws, seed)
        true = np.asarray(moment_slopes(problem.omega, jnp.asarray(self.a2f))[0])
        found = {}
        for name, one in zip(TABLE_MOMENTS, true.tolist(), strict=True):
            value, error = drawn[name]
            covered = float(np.mean(np.abs(value - one) < error))
            found[name] = Bootstrap(float(np.mean(value)) - one, float(np.std(value)), covered)
        return found


class Bootstrap(NamedTuple):
    """Of one moment over fits with fresh noise."""

    bias: float  # their mean less the value that they were made from
    spread: float  # their standard deviation
    covered: float  # the share of those whose 68 % interval holds that value


def check_linear(omega, design, data, noise):
    omega, design, data, noise = (np.asarray(x, dtype=float) for x in (omega, design, data, noise))
    if omega.ndim != 1 or len(omega) < 3 or not np.all(np.diff(omega) > 0) or omega[0] <= 0:
        raise ValueError("omega must be at least three ascending frequencies, all positive.")
    if data.ndim != 1 or noise.shape != data.shape or design.shape != (len(data), len(omega)):
        raise ValueError(
            f"data {data.shape}, noise {noise.shape} and design {design.shape} do not fit: "
            f"(datum,), (datum,) and (datum, {len(omega)}) are needed."
        )
    for name, values in (("data", data), ("noise", noise), ("design", design)):
        if not np.all(np.isfinite(values)):
            row = int(np.argwhere(~np.isfinite(values))[0][0])
            raise ValueError(f"{name} holds a number that is not finite, in row {row}; remove it.")
    if not np.all(noise > 0):
        row = int(np.argmin(noise))
        raise ValueError(f"noise must be positive standard deviations; row {row} is {noise[row]}.")
    return omega, design, data, noise


# Whitened singular values below this are data that see nothing of any α²F of order one.
_BLIND = 1e-6


def whitened(omega, design, noise, top=None) -> tuple[Whitened, np.ndarray]:
    """The problem in as few data as it has, and U with t = Uᵀ(y - y₀)/σ.

    Singular vectors of K/σ that the data see nothing along are left out, and the rest padded
    to a multiple of 16, so that problems alike share a compiled program.
    """
    top = 1.05 * omega[-1] if top is None else float(top)
    left, strength, right = np.linalg.svd(design / noise[:, None], full_matrices=False)
    kept = max(1, int(np.sum(strength > _BLIND)))
    size = min(-(-kept // 16) * 16, len(strength))
    left, strength, right = left[:, :size], strength[:size], right[:size]
    return Whitened(
        jnp.asarray(omega), jnp.asarray(top), jnp.asarray(strength[:, None] * right)
    ), left


@eqx.filter_jit
def invert_whitened(problem: Whitened, target: Float[Array, " datum"]) -> Posterior:
    """The posterior of one set of whitened data, compiled."""
    return invert(problem, decompose(problem), target)


@one_blas_thread()
def fit_linear(
    omega: Float[ArrayLike, " row"],
    design: Float[ArrayLike, "datum row"],
    data: Float[ArrayLike, " datum"],
    noise: Float[ArrayLike, " datum"],
    *,
    top: float | None = None,
) -> LinearFit:
    r"""α²F from data that are linear in it, with a prior whose strength the data decide.

    $$C = (K^T\sigma^{-2}K + P^{-1})^{-1} = P - PK^T(KPK^T + \sigma^2)^{-1}KP, \qquad
      a = PK^T(KPK^T + \sigma^2)^{-1}(y - y_0).$$

    Positivity is not imposed on the Gaussian posterior, whose intervals are then those of a
    linear estimate; where a value comes out below zero by more than its error the model or the
    noise is wrong.

    Args:
        omega (array of shape (row,), energy): ascending frequencies of the table.
        design (array of shape (datum, row)): K, by `heat_design` or `self_energy_design`.
        data (array of shape (datum,)): y - y_0.
        noise (array of shape (datum,)): σ > 0, the unit of the data.
        top (scalar, energy): ω_max, by default 5 % above the last frequency.

    Raises:
        ValueError: shapes that do not fit, numbers that are not finite, σ that is not positive.

    Example:
        >>> w = np.linspace(0.5, 20.0, 30)
        >>> a = 0.6 * np.exp(-((w - 11.0) ** 2) / 8)
        >>> K = np.asarray(heat_design(jnp.asarray(w), jnp.linspace(0.5, 8.0, 20)))
        >>> fit = fit_linear(w, K, K @ a, np.full(20, 1e-3))
        >>> value, error = fit.moments["lambda"]
        >>> print(bool(abs(value - 2 * np.trapezoid(a / w, w)) < 3 * error))
        True
    """
    omega, design, data, noise = check_linear(omega, design, data, noise)
    problem, left = whitened(omega, design, noise, top)
    scaled, target = design / noise[:, None], data / noise
    seen = left.T @ target
    found = invert_whitened(problem, jnp.asarray(seen))
    amplitude, length, onset = (float(x) for x in np.exp(np.asarray(found.eta)))
    mean, prior = np.asarray(found.mean), np.asarray(found.prior)
    resolution = np.asarray(gain_of(problem.design, found.prior) @ problem.design)
    # What lies outside the span of K is noise under any prior.
    outside = target - left @ seen
    unseen = 0.5 * (outside @ outside + (len(target) - left.shape[1]) * np.log(2 * np.pi))
    return LinearFit(
        omega=omega,
        a2f=mean,
        covariance=np.asarray(found.covariance),
        resolution=resolution,
        chi_square=float(np.sum((scaled @ mean - target) ** 2)),
        degrees=float(np.trace(resolution)),
        log_evidence=float(found.log_evidence - unseen),
        prior=prior,
        wide=np.asarray(found.wide),
        middle=mean,
        design=np.asarray(problem.design),
        target=seen,
        top=float(problem.top),
        amplitude=amplitude,
        length=length,
        onset=onset,
    )


def noise_draws(
    omega: Float[ArrayLike, " row"],
    design: Float[ArrayLike, "datum row"],
    exact: Float[ArrayLike, " datum"],
    noise: Float[ArrayLike, " datum"],
    *,
    draws: int = 200,
    seed: int = 0,
    top: float | None = None,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Fits of the same data with fresh noise: does the 68 % interval cover in 68 % of them?

    With `exact` from a known α²F it measures coverage; with the K a of a fit it is the
    parametric bootstrap of that fit.

    Args:
        omega, design, noise, top: see `fit_linear`.
        exact (array of shape (datum,)): y - y_0 without noise.
        draws: of the noise.
        seed: of the draws.

    Returns:
        for λ, ω_log and λ⟨ω²⟩ and for α²F: values and errors, arrays of shape (draw,) or
        (draw, row).

    Raises:
        ValueError: see `fit_linear`.

    Example:
        >>> w = np.linspace(0.5, 20.0, 30)
        >>> a = 0.6 * np.exp(-((w - 11.0) ** 2) / 8)
        >>> K = np.asarray(heat_design(jnp.asarray(w), jnp.linspace(0.5, 8.0, 20)))
        >>> value, error = noise_draws(w, K, K @ a, np.full(20, 1e-2), draws=8)["lambda"]
        >>> print(np.abs(value - 2 * np.trapezoid(a / w, w)).max() < 4 * error.max())
        True
    """
    omega, design, exact, noise = check_linear(omega, design, exact, noise)
    problem, left = whitened(omega, design, noise, top)
    return redraw(problem, left.T @ (exact / noise), draws, seed)


def redraw(
    problem: Whitened, exact: np.ndarray, draws: int, seed: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """`noise_draws` of whitened data."""
    kicks = np.random.default_rng(seed).normal(size=(draws, len(exact)))
    a2f, spread, value, error = (np.asarray(x) for x in _redraw(problem, exact + kicks))
    moments = {name: (value[:, i], error[:, i]) for i, name in enumerate(TABLE_MOMENTS)}
    return {**moments, "a2f": (a2f, spread)}


@eqx.filter_jit
def _redraw(problem, targets):
    decomposed = decompose(problem)

    def one(target):
        found = invert(problem, decomposed, target)
        told = moment_estimates(problem.omega, found.mean, found.wide, problem.design, target)
        spread = jnp.sqrt(jnp.maximum(jnp.diag(found.covariance), 0.0))
        return found.mean, spread, told.value, told.error

    return jax.lax.map(one, targets)
