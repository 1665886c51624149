r"""α²F from measured data, with error bars.

Peaks are fitted by Levenberg-Marquardt in the logarithms of their parameters, so that they stay
positive; a table in closed form (`fit_linear`), repeated where data are not linear in α²F.
Backgrounds enter linearly. The covariance is that of Laplace's approximation,

$$C = (J^TJ + S^{-1})^{-1}, \qquad J_{ij} = \sigma_i^{-1}\,\partial y_i/\partial\theta_j,$$

with S the covariance of the prior, and every derived number Q has the variance
$\nabla Q\cdot C\nabla Q$.
"""

import warnings
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from ...numerics.precision import check_precision
from ...spectra.peaks import GaussianPeaks
from ...spectra.spectrum import EliashbergFunction
from ...superconductivity.transition import transition_under
from ..data.spectral import SpectralData
from .errors import FitWarning
from .peaks import fit_peaks
from .prediction import unknowns
from .result import Fit
from .table import fit_table

# Errors in units of the largest value below which no prediction is that exact.
_EXACT = 1e-10


def fit_spectrum(
    data: SpectralData | Sequence[SpectralData],
    model: GaussianPeaks | Float[ArrayLike, " row"],
    *,
    mu_star: float | None = 0.1,
    omega_ph: float | None = None,
    cutoff: float | None = None,
    mu_star_at: str = "omega-ph",
    top: float | None = None,
    spread: float | None = None,
    prior: str = "smooth",
    max_steps: int = 200,
) -> Fit:
    r"""Fit α²F to one kind of data or several together.

    Least is χ² with the pull of the prior S,

    $$\sum_i[y_i(\theta) - y_i]^2/\sigma_i^2 + (\theta-\theta_0)\cdot S^{-1}(\theta-\theta_0),$$

    and the covariance is Laplace's, $C = (J^TJ + S^{-1})^{-1}$ with
    $J_{ij} = \sigma_i^{-1}\partial y_i/\partial\theta_j$; θ are the logarithms of the peaks'
    parameters, or α²F on a table, whose S is that of `fit_linear`.

    Args:
        data: of `jaxelph.inverse.data`, all in the model's unit of energy.
        model (`GaussianPeaks`, or array of shape (row,), energy): peaks to start from, or the
            ascending frequencies > 0 of a table, which needs no start.
        mu_star: for the Tc among the moments, which has the fitted one where data fit a μ* along;
            None leaves Tc out.
        omega_ph, cutoff, mu_star_at: of this Tc, see `transition_temperature`.
        top (scalar, energy): ω_max of a table, by default 5 % above its last frequency.
        spread: a prior on peaks: the standard deviation of the logarithm of each parameter
            about that of the start. Data that cannot decide all parameters, as the cooling of
            hot electrons that knows little more than λ⟨ω²⟩, need one.
        prior: on a table: "smooth", a Gaussian process (`fit_linear`), or "entropy", positive
            (`fit_entropy`).
        max_steps: of Levenberg-Marquardt, or of Gauss and Newton for a table.

    Raises:
        ValueError: no data, fewer data than the parameters of peaks without a prior, more than
            memory holds, or errors below rounding.
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
    check_precision()
    transition = None
    if mu_star is not None:
        transition = transition_under(
            mu_star, omega_ph=omega_ph, cutoff=cutoff, mu_star_at=mu_star_at
        )
    data = (data,) if isinstance(data, SpectralData) else tuple(data)
    if not data or not all(isinstance(item, SpectralData) for item in data):
        raise ValueError("fit_spectrum needs data of jaxelph.inverse.data, HeatData for example.")
    fitted = any(one.name == "mu_star" for one in unknowns(data))
    if transition is not None and fitted and mu_star_at == "cutoff":
        raise ValueError(
            "mu_star_at (--mu-star-at): the μ* that these data fit along refers to ω_ph, and Tc is "
            "that of this μ*; leave it at omega-ph."
        )
    if not isinstance(model, GaussianPeaks) and isinstance(model, EliashbergFunction):
        raise ValueError(
            f"fit_spectrum: the model is {type(model).__name__}; give GaussianPeaks to start from, "
            "or the frequencies of a table."
        )
    for item in data:
        largest = np.max(np.abs(item.values))
        row = int(np.argmin(item.error))
        if item.error[row] < _EXACT * largest:
            raise ValueError(
                f"{item.name} data: the error of row {row + 1}, {item.error[row]:g}, is below what "
                f"can be computed for values up to {largest:.3g}; give standard deviations of the "
                "measurement."
            )
    if isinstance(model, GaussianPeaks):
        last = float(jnp.max(model.omega + 3 * model.width))
    else:
        last = float(np.max(np.asarray(model)))
    for item in data:
        told = item.suspicion(last)
        if told is not None:
            warnings.warn(f"{item.name} data: {told}", FitWarning, stacklevel=2)
    if isinstance(model, GaussianPeaks):
        fit = fit_peaks(data, model, transition, spread, max_steps)
    else:
        fit = fit_table(data, np.asarray(model, dtype=float), transition, top, prior, max_steps)
    # Five standard deviations of χ², and half a unit a datum for few data.
    if fit.degrees > 0 and fit.chi_square > 1.5 * fit.degrees + 5 * np.sqrt(2 * fit.degrees):
        warnings.warn(
            f"χ² is {fit.chi_square:.4g} for {fit.degrees:.4g} degrees of freedom: the model does "
            "not describe the data within their errors, and its error bars are too small.",
            FitWarning,
            stacklevel=2,
        )
    return fit
