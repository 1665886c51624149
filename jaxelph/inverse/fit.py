r"""α²F from measured data, with error bars.

Peaks are fitted by Levenberg-Marquardt in the logarithms of their parameters, so that they stay
positive; a table in closed form (`fit_linear`) where all data are linear in α²F. Backgrounds
enter linearly. The covariance is that of Laplace's approximation,

$$C = (J^TJ)^{-1}, \qquad J_{ij} = \sigma_i^{-1}\,\partial y_i/\partial\theta_j,$$

and every derived number Q has the variance $\nabla Q\cdot C\nabla Q$.
"""

import dataclasses
import warnings
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
from jaxtyping import Array, Float

from ..spectrum import GaussianPeaks, TabulatedSpectrum, coupling_constant, log_frequency
from ..superconductivity import transition_temperature
from .data import SpectralData
from .linear import LinearFit, fit_linear
from .sensitivities import coupling_moment


class FitWarning(UserWarning):
    """Data that look odd, or a fit to be read with care."""


class FitError(RuntimeError):
    """A fit that did not converge."""


@dataclasses.dataclass(frozen=True, eq=False)
class Fit:
    """A spectrum fitted to data, with the errors of whatever follows from it."""

    spectrum: GaussianPeaks | TabulatedSpectrum
    data: tuple[SpectralData, ...]
    omega: np.ndarray
    a2f: np.ndarray
    covariance: np.ndarray  # of α²F on omega
    parameters: dict[str, tuple[float, float]]  # of peaks, and backgrounds: value, error
    moments: dict[str, tuple[float, float]]  # λ, ω_log, λ⟨ω²⟩, Tc: value, error
    fitted: tuple[np.ndarray, ...]  # of each data set, background included
    fitted_error: tuple[np.ndarray, ...]
    chi_square: float
    degrees: float  # of freedom: data less the parameters that they decide
    posterior: LinearFit | None = None  # of a table: evidence, resolution kernel, prior's share

    @property
    def error(self) -> np.ndarray:
        """One standard deviation of α²F at each frequency."""
        return np.sqrt(np.clip(np.diag(self.covariance), 0, None))


def peaks_a2f(
    peaks: GaussianPeaks, omega: Float[Array, " frequency"]
) -> Float[Array, " frequency"]:
    r"""α²F(ω) of Gaussian peaks, $\sum_p c_p \exp[-(\omega-\omega_p)^2/2w_p^2]$.

    Example:
        >>> w = jnp.linspace(1.0, 99.0, 2000)
        >>> a2f = peaks_a2f(GaussianPeaks([50.0], [5.0], [1.5]), w)
        >>> print(f"{jnp.trapezoid(2 * a2f / w, w):.8f}")
        1.50000000
    """
    node, coupling = (x.reshape(peaks.omega.shape[0], -1) for x in peaks.modes())
    # Each node carries λ_q = 2α²F(ω_q)Δω/ω_q.
    step = node[:, 1] - node[:, 0]
    shape = jnp.exp(-0.5 * ((node - peaks.omega[:, None]) / peaks.width[:, None]) ** 2) / node
    height = jnp.sum(coupling, axis=1) / (2 * step * jnp.sum(shape, axis=1))
    offset = (omega[:, None] - peaks.omega[None, :]) / peaks.width[None, :]
    inside = (jnp.abs(offset) < 8) & (omega[:, None] > 0)
    return jnp.where(inside, jnp.exp(-0.5 * offset**2), 0.0) @ height


def fit_spectrum(
    data: SpectralData | Sequence[SpectralData],
    model: GaussianPeaks | Float[Array, " row"],
    *,
    mu_star: float | None = 0.1,
    top: float | None = None,
    max_steps: int = 200,
) -> Fit:
    """Fit α²F to one kind of data or several together.

    Args:
        data: of `jaxelph.inverse.data`, all in the model's unit of energy.
        model: peaks to start from, or the frequencies (array of shape (row,), energy, > 0,
            ascending) of a table. A table takes data that are linear in α²F (heat, self-energy,
            weight) and needs no start.
        mu_star: for the Tc among the moments; None leaves it out.
        top (scalar, energy): ω_max of a table, by default 5 % above its last frequency.
        max_steps: of Levenberg-Marquardt.

    Raises:
        ValueError: no data, fewer data than the parameters of peaks, or data for which a table
            cannot be fitted.
        FitError: the fit did not converge, or the data do not decide its parameters.

    Warns:
        FitWarning: numbers whose order of magnitude points to another unit, or a fit whose χ²
            is far from its degrees of freedom.

    Example:
        >>> from jaxelph.inverse.data import HeatData
        >>> truth, t = GaussianPeaks([10.0], [2.0], [0.8]), np.linspace(0.5, 6.0, 12)
        >>> exact = HeatData(t, np.ones(12), np.full(12, 1e-3)).predict(truth)
        >>> data = HeatData(t, exact, np.full(12, 1e-3))
        >>> fit = fit_spectrum(data, GaussianPeaks([9.0], [1.5], [0.6]), mu_star=None)
        >>> print(fit.spectrum.coupling.round(6), fit.moments["lambda"][1] < 0.01)
        [0.8] True
    """
    data = (data,) if isinstance(data, SpectralData) else tuple(data)
    if not data or not all(isinstance(item, SpectralData) for item in data):
        raise ValueError("fit_spectrum needs data of jaxelph.inverse.data, HeatData for example.")
    if isinstance(model, GaussianPeaks):
        last = float(jnp.max(model.omega + 3 * model.width))
    else:
        last = float(np.max(np.asarray(model)))
    for item in data:
        told = item.suspicion(last)
        if told is not None:
            warnings.warn(f"{item.name} data: {told}", FitWarning, stacklevel=2)
    if isinstance(model, GaussianPeaks):
        fit = _fit_peaks(data, model, mu_star, max_steps)
    else:
        fit = _fit_table(data, np.asarray(model, dtype=float), mu_star, top)
    # Five standard deviations of χ², and half a unit a datum for few data.
    if fit.degrees > 0 and fit.chi_square > 1.5 * fit.degrees + 5 * np.sqrt(2 * fit.degrees):
        warnings.warn(
            f"χ² is {fit.chi_square:.4g} for {fit.degrees:.4g} degrees of freedom: the model does "
            "not describe the data within their errors, and its error bars are too small.",
            FitWarning,
            stacklevel=2,
        )
    return fit


def _columns(data: tuple[SpectralData, ...]) -> tuple[list[str], np.ndarray]:
    """Names and columns of all backgrounds over all data."""
    names, columns, start = [], [], 0
    total = sum(len(item.values) for item in data)
    for number, item in enumerate(data):
        for name, column in item.background.items():
            names.append(name if len(data) == 1 else f"{name} of data set {number + 1}")
            whole = np.zeros(total)
            whole[start : start + len(column)] = column
            columns.append(whole)
        start += len(item.values)
    return names, np.array(columns).reshape(len(columns), total).T


@eqx.filter_jit
def _predict(spectrum, data):
    return jnp.concatenate([item.predict(spectrum) for item in data])


def _derived(spectrum, mu_star):
    """λ, ω_log, λ⟨ω²⟩ and Tc."""
    rows = [coupling_constant(spectrum), log_frequency(spectrum), coupling_moment(spectrum)]
    if mu_star is not None:
        rows.append(transition_temperature(spectrum, mu_star))
    return jnp.stack(rows)


_MOMENTS = ("lambda", "omega-log", "lambda-omega2", "tc")


def _with_errors(names, values, jacobian, covariance):
    errors = np.sqrt(np.einsum("ij,jk,ik->i", jacobian, covariance, jacobian))
    return {n: (float(v), float(e)) for n, v, e in zip(names, values, errors, strict=False)}


def _split(data, values):
    ends = np.cumsum([len(item.values) for item in data])[:-1]
    return tuple(np.split(np.asarray(values), ends))


def _errors(jacobian, covariance):
    return np.sqrt(np.clip(np.einsum("ij,jk,ik->i", jacobian, covariance, jacobian), 0, None))


def _peaks(theta, order):
    omega, width, coupling = jnp.exp(theta).reshape(3, -1)
    return GaussianPeaks(omega, width, coupling, order)


@eqx.filter_jit
def _solve_peaks(start, args, max_steps):
    solver = optx.LevenbergMarquardt(rtol=1e-10, atol=1e-10)
    found = optx.least_squares(_residual, solver, start, args, max_steps=max_steps, throw=False)
    return (
        found.value,
        found.result == optx.RESULTS.successful,
        jax.jacfwd(_residual)(found.value, args),
    )


def _residual(theta, args):
    data, target, error, columns, order = args
    count = theta.shape[0] - columns.shape[1]
    value = _predict(_peaks(theta[:count], order), data) + columns @ theta[count:]
    return (value - target) / error


def _fit_peaks(data, model, mu_star, max_steps):
    names, columns = _columns(data)
    scale = np.max(np.abs(columns), axis=0, initial=0.0)
    target = np.concatenate([item.values for item in data])
    error = np.concatenate([item.error for item in data])
    shapes = np.stack([np.asarray(x) for x in (model.omega, model.width, model.coupling)])
    if not np.all(np.isfinite(shapes)) or not np.all(shapes > 0):
        raise ValueError("the peaks to start from must have positive ω, width and coupling.")
    count = shapes.size + len(names)
    if len(target) < count:
        raise ValueError(
            f"{len(target)} data cannot decide {count} parameters without a prior; take fewer "
            "peaks, or a table, whose prior makes up for what the data lack."
        )
    start = jnp.append(jnp.log(jnp.asarray(shapes.ravel())), jnp.zeros(len(names)))
    args = (
        data,
        jnp.asarray(target),
        jnp.asarray(error),
        jnp.asarray(columns / scale),
        model.order,
    )
    theta, converged, jacobian = _solve_peaks(start, args, max_steps)
    if not bool(converged) or not bool(jnp.all(jnp.isfinite(theta))):
        raise FitError(
            f"the fit did not converge in {max_steps} steps; start from peaks that are closer, "
            "take fewer of them, or allow more steps (max_steps=)."
        )
    jacobian = np.asarray(jacobian)
    strength = np.linalg.svd(jacobian, compute_uv=False)
    if not np.all(np.isfinite(strength)) or strength[-1] < 1e-10 * strength[0]:
        raise FitError(
            "the data do not decide all parameters: a combination of them leaves the fit as it "
            "is. Take fewer peaks, or fit a table."
        )
    covariance = np.linalg.inv(jacobian.T @ jacobian)
    size = shapes.size
    found = _peaks(theta[:size], model.order)
    inner = covariance[:size, :size]
    top = float(jnp.max(found.omega + 4 * found.width))
    omega = np.linspace(0, top, 401)[1:]
    curve = jax.jacfwd(lambda x: peaks_a2f(_peaks(x, model.order), jnp.asarray(omega)))(
        theta[:size]
    )
    derived = jax.jacfwd(lambda x: _derived(_peaks(x, model.order), mu_star))(theta[:size])
    values = np.append(np.exp(np.asarray(theta[:size])), np.asarray(theta[size:]) / scale)
    labels = [
        f"{kind} {peak + 1}"
        for kind in ("omega", "width", "coupling")
        for peak in range(shapes.shape[1])
    ]
    turned = np.diag(np.append(values[:size], 1 / scale))
    residual = np.asarray(_residual(theta, args))
    return Fit(
        spectrum=found,
        data=data,
        omega=omega,
        a2f=np.asarray(peaks_a2f(found, jnp.asarray(omega))),
        covariance=np.asarray(curve) @ inner @ np.asarray(curve).T,
        parameters=_with_errors(labels + names, values, turned, covariance),
        moments=_with_errors(
            _MOMENTS, np.asarray(_derived(found, mu_star)), np.asarray(derived), inner
        ),
        fitted=_split(data, residual * error + target),
        fitted_error=_split(data, _errors(jacobian * error[:, None], covariance)),
        chi_square=float(residual @ residual),
        degrees=float(len(target) - count),
    )


def _fit_table(data, omega, mu_star, top):
    curved = [item.name for item in data if not item.linear]
    if curved:
        raise ValueError(
            f"{curved[0]} data are not linear in α²F, which the fit of a table needs; fit "
            "GaussianPeaks, or leave them out."
        )
    if omega.ndim != 1 or len(omega) < 3 or not np.all(np.diff(omega) > 0) or not omega[0] > 0:
        raise ValueError("the model's frequencies must be at least three, positive and ascending.")
    names, columns = _columns(data)
    target = np.concatenate([item.values for item in data])
    error = np.concatenate([item.error for item in data])
    if len(target) <= len(names):
        raise ValueError(f"{len(target)} data cannot decide {len(names)} backgrounds and α²F.")

    def predict(a2f):
        return _predict(TabulatedSpectrum(omega, a2f), data)

    zero = jnp.zeros(len(omega))
    offset = np.asarray(predict(zero))
    design = np.asarray(jax.jit(jax.jacfwd(predict))(zero))
    # Backgrounds of any amplitude: what they can describe is projected out of whitened data.
    whole, _ = np.linalg.qr(columns / error[:, None], mode="complete")
    free = whole[:, len(names) :].T
    posterior = fit_linear(
        omega,
        free @ (design / error[:, None]),
        free @ ((target - offset) / error),
        np.ones(len(free)),
        top=top,
    )
    # Given α²F the backgrounds follow; b = (CᵀC)⁻¹Cᵀ(y - y₀ - K a), whose error adds to that of a.
    inverse = np.linalg.pinv(columns / error[:, None]) if names else np.zeros((0, len(target)))
    background = inverse @ ((target - offset - design @ posterior.a2f) / error)
    by_a2f = inverse @ (design / error[:, None])
    own = inverse @ inverse.T
    spread = own + by_a2f @ posterior.covariance @ by_a2f.T
    # The joint covariance of (a, b) turns into that of the fitted values.
    joint = np.block(
        [
            [posterior.covariance, -posterior.covariance @ by_a2f.T],
            [-by_a2f @ posterior.covariance, spread],
        ]
    )
    table = TabulatedSpectrum(omega, posterior.a2f)
    moments = dict(posterior.moments)
    if mu_star is not None:
        slope = jax.grad(lambda a: transition_temperature(TabulatedSpectrum(omega, a), mu_star))(
            jnp.asarray(posterior.a2f)
        )
        slope = np.asarray(slope)
        tc = float(transition_temperature(table, mu_star))
        moments["tc"] = (tc, float(np.sqrt(slope @ posterior.covariance @ slope)))
    return Fit(
        spectrum=table,
        data=data,
        omega=omega,
        a2f=posterior.a2f,
        covariance=posterior.covariance,
        parameters={
            name: (float(b), float(np.sqrt(spread[i, i])))
            for i, (name, b) in enumerate(zip(names, background, strict=True))
        },
        moments=moments,
        fitted=_split(data, offset + design @ posterior.a2f + columns @ background),
        fitted_error=_split(data, _errors(np.hstack([design, columns]), joint)),
        chi_square=posterior.chi_square,
        degrees=float(len(target) - len(names) - posterior.degrees),
        posterior=posterior,
    )
