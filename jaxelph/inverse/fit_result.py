"""A fitted spectrum, and what the fits of peaks and of tables share."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..spectrum import (
    EliashbergFunction,
    GaussianPeaks,
    TabulatedSpectrum,
    coupling_constant,
    log_frequency,
)
from .data import SpectralData
from .functionals import UNDECIDED
from .resolution import line_widths
from .sensitivities import Functional, coupling_moment

if TYPE_CHECKING:
    from .entropy import EntropyFit
    from .linear import Bootstrap, LinearFit

#: λ, ω_log, λ⟨ω²⟩ and Tc, in the order of `derived`.
MOMENTS = ("lambda", "omega-log", "lambda-omega2", "tc")


class FitWarning(UserWarning):
    """Data that look odd, or a fit to be read with care."""


class FitError(ValueError):
    """A fit that did not converge, or that the data do not decide."""


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
    prior_share: dict[str, float]  # of each moment: what is left of the prior's variance
    posterior: "LinearFit | EntropyFit | None" = None  # of a table: evidence, resolution kernel

    @property
    def error(self) -> np.ndarray:
        """One standard deviation of α²F at each frequency."""
        return np.sqrt(np.clip(np.diag(self.covariance), 0, None))

    @property
    def undecided(self) -> tuple[str, ...]:
        """Moments of which the data leave more than a tenth of the prior's variance."""
        return tuple(name for name, share in self.prior_share.items() if share > UNDECIDED)

    @property
    def line_widths(self) -> dict[float, float]:
        """{ω: full width at half maximum} of sharp lines as a table's fit shows them."""
        if self.posterior is None:
            return {}
        return line_widths(self.omega, self.posterior.resolution)

    def bootstrap(self, draws: int = 200, seed: int = 0) -> "dict[str, Bootstrap]":
        """Fits of the fitted α²F with fresh noise: bias, spread and coverage of each moment.

        Args:
            draws: of the noise.
            seed: of the draws.

        Raises:
            ValueError: the fit is not one of a table under the smooth prior.
        """
        from .linear import LinearFit

        if not isinstance(self.posterior, LinearFit):
            raise ValueError("the bootstrap is of a table under the smooth prior.")
        return self.posterior.bootstrap(draws, seed)

    def to_xarray(self):
        """A labelled dataset, in meV and K; see `inverse.fit_output`."""
        from .fit_output import fit_dataset

        return fit_dataset(self)

    def plot(self):
        """A figure of data beside fit, and of α²F with its band."""
        from .fit_output import fit_figure

        return fit_figure(self)


def predict(spectrum: EliashbergFunction, data: Sequence[SpectralData]) -> Float[Array, " datum"]:
    """What all data sets would be, one after the other.

    Sets of one kind and shape, T_e(t) at several temperatures for example, go through one
    program in turn: compiling takes far longer than running it.
    """
    traced = [jax.tree.map(jnp.asarray, item) for item in data]
    groups: dict = {}
    for number, item in enumerate(traced):
        leaves, structure = jax.tree.flatten(item)
        groups.setdefault((structure, *(x.shape for x in leaves)), []).append(number)
    values: dict[int, Array] = {}
    for numbers in groups.values():
        if len(numbers) == 1:
            values[numbers[0]] = traced[numbers[0]].predict(spectrum)
            continue
        stacked = jax.tree.map(lambda *x: jnp.stack(x), *(traced[i] for i in numbers))
        rows = jax.lax.map(lambda item: item.predict(spectrum), stacked)
        values.update(zip(numbers, rows, strict=True))
    return jnp.concatenate([values[i] for i in range(len(traced))])


def derived(spectrum: EliashbergFunction, transition: Functional | None) -> Float[Array, " moment"]:
    """λ, ω_log, λ⟨ω²⟩ and, with a function for it, Tc."""
    rows = [coupling_constant(spectrum), log_frequency(spectrum), coupling_moment(spectrum)]
    if transition is not None:
        rows.append(transition(spectrum))
    return jnp.stack(rows)


def background_columns(data: Sequence[SpectralData]) -> tuple[list[str], np.ndarray]:
    """Names and columns (array of shape (datum, background)) of all backgrounds."""
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


def split(data: Sequence[SpectralData], values) -> tuple[np.ndarray, ...]:
    """A vector over all data, cut into one for each set."""
    ends = np.cumsum([len(item.values) for item in data])[:-1]
    return tuple(np.split(np.asarray(values), ends))


def propagated(jacobian, covariance) -> np.ndarray:
    """√diag(J C Jᵀ), one standard deviation of each row."""
    return np.sqrt(np.clip(np.einsum("ij,jk,ik->i", jacobian, covariance, jacobian), 0, None))


def with_errors(names, values, errors) -> dict[str, tuple[float, float]]:
    """{name: (value, error)}, for as many names as there are values."""
    return {n: (float(v), float(e)) for n, v, e in zip(names, values, errors, strict=False)}
