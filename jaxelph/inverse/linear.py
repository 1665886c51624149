r"""Data that are linear in α²F, and the Bayesian inversion of them in closed form.

C_el(T)/T and Σ(E, T) are linear in α²F: with values a_j = α²F(ω_j) on a table,

    y = y_0 + K a + n,        n ~ N(0, diag σ²).

Under the prior of `inverse.posterior` the posterior of a is Gaussian, and so is that of any linear
functional (λ, λ⟨ω²⟩, λ⟨ln ω⟩), without any further step.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..equilibrium import self_energy
from ..spectrum import EinsteinModes, Scalar
from ..thermodynamics import stability_parameter
from .fit_result import FitError
from .posterior import Whitened, invert


def table_weights(omega: Float[Array, " row"]) -> Float[Array, " row"]:
    """λ_j per α²F(ω_j): 2/ω_j times the trapezoidal weight, as `TabulatedSpectrum` has it.

    Example:
        >>> print(table_weights(jnp.array([1.0, 2.0, 3.0])))
        [1.         1.         0.33333333]
    """
    half = jnp.diff(omega) / 2
    return (jnp.append(half, 0.0) + jnp.append(jnp.zeros(1), half)) * 2 / omega


@jax.jit
def heat_design(
    omega: Float[Array, " row"], temperatures: Float[Array, " datum"]
) -> Float[Array, "datum row"]:
    r"""K of the specific-heat ratio less one: $-(2\Delta\omega_j/\omega_j)\,g(\omega_j/2\pi T_i)$.

    Args:
        omega (array of shape (row,), energy): ascending frequencies of the table.
        temperatures (array of shape (datum,), energy): T > 0.

    Example:
        >>> from jaxelph import TabulatedSpectrum, specific_heat_ratio
        >>> w = jnp.linspace(0.5, 10.0, 20)
        >>> K = heat_design(w, jnp.array([1.0]))
        >>> exact = specific_heat_ratio(TabulatedSpectrum(w, w / 20), 1.0) - 1
        >>> print(f"{(K @ (w / 20))[0] - exact:.0e}")
        0e+00
    """

    def response(frequency):
        return jax.vmap(lambda t: stability_parameter(EinsteinModes(frequency, 1.0), t))(
            temperatures
        )

    return -(jax.vmap(response)(omega) * table_weights(omega)[:, None]).T


@jax.jit
def self_energy_design(
    omega: Float[Array, " row"], temperature: Scalar, energies: Float[Array, " datum"]
) -> tuple[Float[Array, "datum row"], Float[Array, "datum row"]]:
    """K of Re Σ(E) and of Im Σ(E) at one temperature.

    Args:
        omega (array of shape (row,), energy): ascending frequencies of the table.
        temperature (scalar, energy): T > 0.
        energies (array of shape (datum,), energy): E.

    Example:
        >>> from jaxelph import TabulatedSpectrum
        >>> w, E = jnp.linspace(0.5, 10.0, 20), jnp.array([3.0])
        >>> real, imaginary = self_energy_design(w, 1.0, E)
        >>> exact = self_energy(TabulatedSpectrum(w, w / 20), 1.0, E)
        >>> print(bool(abs((real + 1j * imaginary) @ (w / 20) - exact)[0] < 1e-13))
        True
    """
    sigma = jax.lax.map(
        lambda frequency: self_energy(EinsteinModes(frequency, 1.0), temperature, energies), omega
    )
    weighted = (sigma * table_weights(omega)[:, None]).T
    return weighted.real, weighted.imag


class TableEstimate:
    """What follows from α²F on a table and its covariance."""

    omega: np.ndarray
    a2f: np.ndarray
    covariance: np.ndarray  # of α²F

    @property
    def error(self) -> np.ndarray:
        """One standard deviation of α²F at each frequency."""
        return np.sqrt(np.clip(np.diag(self.covariance), 0, None))

    @property
    def moments(self) -> dict[str, tuple[float, float]]:
        """λ, ω_log and λ⟨ω²⟩ with one standard deviation, by the posterior's covariance."""
        return moments_with_errors(self.omega, self.a2f, self.covariance)


@dataclasses.dataclass(frozen=True, eq=False)
class LinearFit(TableEstimate):
    """The Gaussian posterior of α²F on a table."""

    omega: np.ndarray
    a2f: np.ndarray  # posterior mean
    covariance: np.ndarray  # of α²F
    amplitude: float  # of the prior, by evidence
    length: float  # of the prior at ω → 0, by evidence
    onset: float  # of the prior, by evidence unless given
    log_evidence: float
    chi_square: float
    degrees: float  # of freedom that the data decide, Σ s/(1 + s)
    resolution: np.ndarray  # R: mean of the fit = R (true α²F), without noise
    signal: np.ndarray  # s: eigenvalues of data information against the prior's, descending
    prior_share: dict[str, float]  # of each moment: posterior over prior variance


def _moment_rows(omega, a2f):
    """λ, ω_log and λ⟨ω²⟩, each with its gradient by the values of the table."""
    weight = np.asarray(table_weights(jnp.asarray(omega)))
    coupling = weight @ a2f
    log = np.exp((weight * np.log(omega)) @ a2f / coupling)
    return {
        "lambda": (coupling, weight),
        # dω_log = ω_log (d∫ln ω - ln ω_log dλ)/λ.
        "omega-log": (log, log / coupling * weight * np.log(omega / log)),
        "lambda-omega2": (weight * omega**2 @ a2f, weight * omega**2),
    }


def moments_with_errors(omega, a2f, covariance) -> dict[str, tuple[float, float]]:
    """λ, ω_log and λ⟨ω²⟩ of a table, each with one standard deviation."""
    return {
        name: (float(value), float(np.sqrt(row @ covariance @ row)))
        for name, (value, row) in _moment_rows(omega, a2f).items()
    }


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


def whitened(omega, design, noise, top=None, onset=None, few=False) -> tuple[Whitened, np.ndarray]:
    """The problem in as few data as it has, and U with t = Uᵀ(y - y₀)/σ.

    Singular vectors of K/σ that the data see nothing along are left out, and the rest padded
    to a multiple of 16, so that problems alike share a compiled program.
    """
    top = 1.05 * omega[-1] if top is None else float(top)
    left, strength, right = np.linalg.svd(design / noise[:, None], full_matrices=False)
    kept = max(1, int(np.sum(strength > _BLIND)))
    size = min(-(-kept // 16) * 16, len(strength))
    left, strength, right = left[:, :size], strength[:size], right[:size]
    problem = Whitened(
        jnp.asarray(omega),
        jnp.asarray(top),
        jnp.asarray(strength[:, None] * right),
        None if onset is None else jnp.asarray(float(onset)),
        few,
    )
    return problem, left


_invert = eqx.filter_jit(invert)


def fit_linear(
    omega: Float[ArrayLike, " row"],
    design: Float[ArrayLike, "datum row"],
    data: Float[ArrayLike, " datum"],
    noise: Float[ArrayLike, " datum"],
    *,
    top: float | None = None,
    onset: float | None = None,
    few: bool = False,
) -> LinearFit:
    r"""α²F from data that are linear in it, with a prior of evidence-chosen strength.

    $$C = (K^T\sigma^{-2}K + P^{-1})^{-1} = P - PK^T(KPK^T + \sigma^2)^{-1}KP, \qquad
      a = PK^T(KPK^T + \sigma^2)^{-1}(y - y_0),$$

    at the strength of the prior with the largest evidence.

    Positivity is not imposed on the Gaussian posterior, whose intervals are then those of a
    linear estimate; where a value comes out below zero by more than its error the model or the
    noise is wrong.

    Args:
        omega (array of shape (row,), energy): ascending frequencies of the table.
        design (array of shape (datum, row)): K, by `heat_design` or `self_energy_design`.
        data (array of shape (datum,)): y - y_0.
        noise (array of shape (datum,)): σ > 0, the unit of the data.
        top (scalar, energy): ω_max, by default 5 % above the last frequency.
        onset (scalar, energy): ω_l below which α²F ~ ω², by default chosen by the evidence.
        few: whether the data decide only a number or two of α²F. The prior's own strength is
            then held by hyperpriors, and its uncertainty added to the covariance.

    Raises:
        ValueError: shapes that do not fit, numbers that are not finite, σ that is not positive.
        FitError: the search for the largest evidence did not converge.

    Example:
        >>> w = np.linspace(0.5, 20.0, 40)
        >>> a = 0.6 * np.exp(-((w - 11.0) ** 2) / 8)
        >>> K = np.asarray(heat_design(jnp.asarray(w), jnp.linspace(0.5, 8.0, 30)))
        >>> fit = fit_linear(w, K, K @ a, np.full(30, 1e-3))
        >>> value, error = fit.moments["lambda"]
        >>> print(bool(abs(value - 2 * np.trapezoid(a / w, w)) < 3 * error))
        True
    """
    omega, design, data, noise = check_linear(omega, design, data, noise)
    problem, left = whitened(omega, design, noise, top, onset, few)
    scaled, target = design / noise[:, None], data / noise
    found = _invert(problem, jnp.asarray(left.T @ target))
    if not bool(found.converged):
        raise FitError(
            "the fit did not converge: the search for the largest evidence went on and on; check "
            "the noise, which may be given far too small or too large."
        )
    eta = found.eta
    amplitude, length, *rest = (float(x) for x in np.exp(np.asarray(eta)))
    prior, covariance = np.asarray(problem.prior(eta)), np.asarray(found.covariance)
    mean, gain = np.asarray(found.mean), np.asarray(problem.gain(eta)) @ left.T
    signal = np.linalg.eigvalsh(problem.design @ prior @ problem.design.T)[::-1]
    signal = np.clip(signal, 0, None)
    share = {
        name: float(np.clip(row @ covariance @ row / (row @ prior @ row), 0, 1))
        for name, (_, row) in _moment_rows(omega, mean).items()
    }
    # What lies outside the span of K is noise under any prior.
    outside = target - left @ (left.T @ target)
    unseen = 0.5 * (outside @ outside + (len(target) - left.shape[1]) * np.log(2 * np.pi))
    return LinearFit(
        omega=omega,
        a2f=mean,
        covariance=covariance,
        amplitude=amplitude,
        length=length,
        onset=rest[0] if onset is None else float(onset),
        log_evidence=float(problem.log_evidence(eta, jnp.asarray(left.T @ target)) - unseen),
        chi_square=float(np.sum((scaled @ mean - target) ** 2)),
        degrees=float(np.sum(signal / (1 + signal))),
        resolution=gain @ scaled,
        signal=signal,
        prior_share=share,
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
    onset: float | None = None,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Fits of the same data with fresh noise: does the 68 % interval cover in 68 % of them?

    With `exact` from a known α²F it measures coverage; with the K a of a fit it is the
    parametric bootstrap of that fit.

    Args:
        omega, design, noise, top, onset: see `fit_linear`.
        exact (array of shape (datum,)): y - y_0 without noise.
        draws: of the noise.
        seed: of the draws.

    Returns:
        for λ, ω_log and λ⟨ω²⟩ and for α²F: values and errors, arrays of shape (draw,) or
        (draw, row). Draws whose search for the evidence did not converge are NaN.

    Example:
        >>> w = np.linspace(0.5, 20.0, 30)
        >>> a = 0.6 * np.exp(-((w - 11.0) ** 2) / 8)
        >>> K = np.asarray(heat_design(jnp.asarray(w), jnp.linspace(0.5, 8.0, 20)))
        >>> value, error = noise_draws(w, K, K @ a, np.full(20, 1e-2), draws=8)["lambda"]
        >>> print(np.abs(value - 2 * np.trapezoid(a / w, w)).max() < 4 * error.max())
        True
    """
    omega, design, exact, noise = check_linear(omega, design, exact, noise)
    problem, left = whitened(omega, design, noise, top, onset)
    # Noise of unit variance in the whitened data, whatever their number.
    kicks = np.random.default_rng(seed).normal(size=(draws, left.shape[1]))
    targets = left.T @ (exact / noise) + kicks
    found = _invert_many(problem, jnp.asarray(targets))
    bad = ~np.asarray(found.converged)
    means, covariances = np.array(found.mean), np.asarray(found.covariance)
    means[bad] = np.nan
    rows = [moments_with_errors(omega, a, c) for a, c in zip(means, covariances, strict=True)]
    result = {
        name: (np.array([row[name][0] for row in rows]), np.array([row[name][1] for row in rows]))
        for name in rows[0]
    }
    spread = np.sqrt(np.clip(np.diagonal(covariances, axis1=1, axis2=2), 0, None))
    return {**result, "a2f": (means, spread)}


@eqx.filter_jit
def _invert_many(problem, targets):
    return jax.lax.map(lambda target: invert(problem, target), targets)
