r"""Data that are linear in α²F, and the Bayesian inversion of them in closed form.

C_el(T)/T and Σ(E, T) are linear in α²F: with values a_j = α²F(ω_j) on a table,

    y = y_0 + K a + n,        n ~ N(0, diag σ²).

The prior is a Gaussian process for α²F = ω²/(ω² + ω_l²) s(ω)·u(ω), where s → 0 at ω_max: α²F ~ ω²
at small ω and zero above ω_max by construction. u is smooth over a length ℓ where α²F begins, and
over ℓ(1 + ω/ω_l) at higher ω. The amplitude, ℓ and the onset ω_l are those that maximise the
evidence p(y | A, ℓ, ω_l). The posterior of a is then Gaussian too, and so is that of any linear
functional (λ, λ⟨ω²⟩, λ⟨ln ω⟩), without any further step.
"""

import dataclasses
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
from jaxtyping import Array, ArrayLike, Float

from ..equilibrium import self_energy
from ..spectrum import EinsteinModes, Scalar
from ..thermodynamics import stability_parameter


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


def prior_covariance(
    omega: Float[Array, " row"], top: Scalar, amplitude: Scalar, length: Scalar, onset: Scalar
) -> Float[Array, "row row"]:
    r"""Covariance of a before any data: $A^2 e(\omega)e(\omega')k(|x-x'|/\ell)$.

    k is the Matérn kernel of order 5/2, whose functions bend smoothly twice; the envelope
    e(ω) is ω²/(ω² + ω_l²) below ω_max and falls to zero there. With x = ω_l ln(1 + ω/ω_l)
    features grow wider with their frequency: an α²F that rises abruptly near ω_l, as that of a
    soft metal does, asks for a short length there only.
    """
    onset = jnp.asarray(onset)
    x = onset * jnp.log1p(omega / onset)
    distance = jnp.abs(x[:, None] - x[None, :]) * jnp.sqrt(5.0) / length
    kernel = (1 + distance + distance**2 / 3) * jnp.exp(-distance)
    edge = jnp.clip((top - omega) / (0.05 * top), 0.0, 1.0)
    envelope = omega**2 / (omega**2 + onset**2) * edge
    return jnp.asarray(amplitude) ** 2 * envelope[:, None] * envelope[None, :] * kernel


@dataclasses.dataclass(frozen=True, eq=False)
class LinearFit:
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

    @property
    def error(self) -> np.ndarray:
        """One standard deviation of α²F at each frequency."""
        return np.sqrt(np.clip(np.diag(self.covariance), 0, None))

    @property
    def moments(self) -> dict[str, tuple[float, float]]:
        """λ, ω_log and λ⟨ω²⟩ with one standard deviation, by the posterior's covariance."""
        return _moments(self.omega, self.a2f, self.covariance)


def _functionals(omega):
    weight = np.asarray(table_weights(jnp.asarray(omega)))
    return {"lambda": weight, "log": weight * np.log(omega), "omega2": weight * omega**2}


def _moments(omega, a2f, covariance):
    rows = _functionals(omega)
    coupling = rows["lambda"] @ a2f
    log = np.exp(rows["log"] @ a2f / coupling)
    gradients = {
        "lambda": (coupling, rows["lambda"]),
        # dω_log = ω_log (d∫ln ω - ln ω_log dλ)/λ.
        "omega-log": (log, log / coupling * (rows["log"] - np.log(log) * rows["lambda"])),
        "lambda-omega2": (rows["omega2"] @ a2f, rows["omega2"]),
    }
    return {
        name: (float(value), float(np.sqrt(row @ covariance @ row)))
        for name, (value, row) in gradients.items()
    }


def _check(omega, design, data, noise):
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


# Hyperpriors of A, ℓ/ω_max and ω_l/ω_max: the middle and the standard deviation, of the
# logarithm. They matter where data leave the evidence flat: those that see nothing of low
# frequencies in ω_l, and those that decide one number, T_e(t) say, in all three. Two decades
# from the middle cost less than a fit that misses one datum by five σ.
_MIDDLE = np.array([0.5, 0.15, 0.05])
_WIDTH = np.array([1.5, 1.0, 1.5])


@eqx.filter_jit
def _evidence(log_parameters, args):
    """-ln p(y | A, ℓ, ω_l) of whitened data."""
    omega, top, design, data, onset = args
    amplitude, length = jnp.exp(log_parameters[:2])
    onset = jnp.exp(log_parameters[2]) if onset is None else onset
    prior = prior_covariance(omega, top, amplitude, length, onset)
    covariance = jnp.eye(len(data)) + design @ prior @ design.T
    factor = jnp.linalg.cholesky(covariance)
    whitened = jax.scipy.linalg.solve_triangular(factor, data, lower=True)
    half_determinant = jnp.sum(jnp.log(jnp.diag(factor)))
    return 0.5 * whitened @ whitened + half_determinant + 0.5 * len(data) * jnp.log(2 * jnp.pi)


def _penalised(log_parameters, args):
    """`_evidence` with the weak hyperpriors."""
    count = len(log_parameters)
    unit = jnp.array([1.0, args[1], args[1]])
    distance = (log_parameters - jnp.log(_MIDDLE * unit)[:count]) / _WIDTH[:count]
    return _evidence(log_parameters, args) + 0.5 * jnp.sum(distance**2)


def fit_linear(
    omega: Float[ArrayLike, " row"],
    design: Float[ArrayLike, "datum row"],
    data: Float[ArrayLike, " datum"],
    noise: Float[ArrayLike, " datum"],
    *,
    top: float | None = None,
    onset: float | None = None,
) -> LinearFit:
    r"""α²F from data that are linear in it, with a prior of evidence-chosen strength.

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
        onset (scalar, energy): ω_l below which α²F ~ ω², by default chosen by the evidence.

    Raises:
        ValueError: shapes that do not fit, numbers that are not finite, σ that is not positive.
        RuntimeError: the search for the largest evidence did not converge.

    Example:
        >>> w = np.linspace(0.5, 20.0, 40)
        >>> a = 0.6 * np.exp(-((w - 11.0) ** 2) / 8)
        >>> K = np.asarray(heat_design(jnp.asarray(w), jnp.linspace(0.5, 8.0, 30)))
        >>> fit = fit_linear(w, K, K @ a, np.full(30, 1e-3))
        >>> value, error = fit.moments["lambda"]
        >>> print(bool(abs(value - 2 * np.trapezoid(a / w, w)) < 3 * error))
        True
    """
    omega, design, data, noise = _check(omega, design, data, noise)
    highest = 1.05 * omega[-1] if top is None else float(top)
    scaled, target = design / noise[:, None], data / noise
    args = tuple(jnp.asarray(x) for x in (omega, highest, scaled, target))
    args = (*args, None if onset is None else jnp.asarray(float(onset)))
    # A scan first: the evidence may have several maxima, one of them "all is noise".
    best = None
    for amplitude, length, low in itertools.product((0.1, 0.5, 2.0), (0.08, 0.25), (0.01, 0.1)):
        start = jnp.log(jnp.array([amplitude, length * highest, low * highest]))
        start = start if onset is None else start[:2]
        value = float(_penalised(start, args))
        if best is None or value < best[0]:
            best = (value, start)
    assert best is not None
    solver = optx.BFGS(rtol=1e-6, atol=1e-6)
    found = optx.minimise(_penalised, solver, best[1], args, max_steps=200, throw=False)
    if found.result != optx.RESULTS.successful:
        raise RuntimeError(
            "the search for the largest evidence did not converge; check the noise, which may be "
            "given far too small or too large."
        )
    amplitude, length, *rest = (float(x) for x in np.exp(np.asarray(found.value)))
    onset = rest[0] if onset is None else float(onset)
    prior = np.asarray(prior_covariance(jnp.asarray(omega), highest, amplitude, length, onset))
    covered = scaled @ prior
    total = covered @ scaled.T + np.eye(len(target))
    gain = np.linalg.solve(total, covered).T  # P Kᵀ (K P Kᵀ + 1)⁻¹
    mean = gain @ target
    covariance = prior - gain @ covered
    covariance = (covariance + covariance.T) / 2
    signal = np.clip(np.linalg.eigvalsh(covered @ scaled.T)[::-1], 0, None)
    share = {
        name: float(np.clip(row @ covariance @ row / (row @ prior @ row), 0, 1))
        for name, row in _functionals(omega).items()
    }
    return LinearFit(
        omega=omega,
        a2f=mean,
        covariance=covariance,
        amplitude=amplitude,
        length=length,
        onset=onset,
        log_evidence=-float(_evidence(found.value, args)),
        chi_square=float(np.sum((scaled @ mean - target) ** 2)),
        degrees=float(np.sum(signal / (1 + signal))),
        resolution=gain @ scaled,
        signal=signal,
        prior_share=share,
    )
