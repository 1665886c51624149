"""A fitted spectrum with its errors, what it presupposes and what it says of itself."""

import dataclasses
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from ...presentation.notebook import html_table
from ...spectra.peaks import GaussianPeaks
from ...spectra.table import TabulatedSpectrum
from ...units import KELVIN
from ..data.axis import axis_of
from ..data.spectral import SpectralData
from .entropy import EntropyFit
from .functionals import LEANING, MOVED, UNCERTAIN, UNDECIDED
from .linear import Bootstrap, LinearFit
from .output import MOMENTS as UNITS_OF_MOMENTS
from .output import parameter_unit
from .prediction import forecast, split, unknowns
from .remarks import chi_square_remarks, runs_remarks
from .resolution import line_widths
from .transport import TransportCurve, mixed

if TYPE_CHECKING:
    import xarray as xr

# Said where nothing else is known of it.
_ONE_CURVE = (
    "α²_trF of resistivity or optics is taken to be α²F itself; a ratio of theirs, known or with "
    "an error, is fitted along where it is given"
)
#: By how much of its error what a fit presupposes may move a moment that is called decided.
PRESUMED = {"prior": LEANING, "straight": 1.0, "one spectrum": 1.0, "constant ratio": 1.0}
_PRESUMED_TOLD = {
    "prior": "the prior, not noise, decides the errors of {}: they are too small for a spectrum "
    "that it does not expect, and too large for others",
    "straight": "the data are curved over the spectra that they leave open, and how often the "
    "error bars hold is not known of {}",
    "one spectrum": "spectra far from each other describe the data, and their {} differ by more "
    "than the errors",
    "constant ratio": "α²_trF/α²F is taken to be one number; were it to bend by 30 %, as "
    "--ratio-bend 0.3 allows, these would move by more than their errors: {}",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Fit:
    """A spectrum fitted to data, with the errors of whatever follows from it.

    Args:
        spectrum: the fitted peaks or table.
        data: what was fitted.
        omega (array of shape (row,), energy): frequencies of the curve.
        a2f (array of shape (row,)): α²F there.
        covariance (array of shape (row, row)): of α²F.
        parameters: of peaks, and backgrounds: name → (value, error).
        moments: λ, ω_log, λ⟨ω²⟩, Tc, λ_tr: name → (value, error), energies in the data's unit.
        fitted (arrays of shape (datum,)): of each data set, background included.
        fitted_error (arrays of shape (datum,)): its standard deviation.
        chi_square (scalar): χ².
        degrees (scalar): of freedom: data less the parameters that they decide.
        prior_share: of each moment: what is left of the prior's variance.
        posterior: of a table: evidence and resolution kernel.
        parameter_share: of what was fitted along under a prior: what is left of its variance.
        transport: α²_tr F and its ratio to α²F, where data of transport are tied by one.
        presumed: what the fit presupposes: of each moment by how much of its error that may move
            it. "prior": that the prior knows the bias of the estimate, in units of the scatter by
            noise, see `inverse.fit.functionals`; "straight": that data and moments are linear over
            what is left open, see `inverse.fit.curvature`; "one spectrum": that no other start
            leads to another fit as likely; "constant ratio": that α²_tr F is one number times α²F.

    Example:
        >>> from jaxelph.inverse import HeatData, fit_spectrum
        >>> data = HeatData([1.0, 2.0, 3.0, 4.0], [1.2, 0.85, 0.84, 0.88], [0.1, 0.1, 0.1, 0.1])
        >>> fit = fit_spectrum(data, GaussianPeaks([9.0], [1.5], [0.6]), spread=0.5, mu_star=None)
        >>> print(list(fit.moments), fit.error.shape)
        ['lambda', 'omega-log', 'lambda-omega2'] (400,)
    """

    spectrum: GaussianPeaks | TabulatedSpectrum
    data: tuple[SpectralData, ...]
    omega: np.ndarray
    a2f: np.ndarray
    covariance: np.ndarray
    parameters: dict[str, tuple[float, float]]
    moments: dict[str, tuple[float, float]]
    fitted: tuple[np.ndarray, ...]
    fitted_error: tuple[np.ndarray, ...]
    chi_square: float
    degrees: float
    prior_share: dict[str, float]
    posterior: "LinearFit | EntropyFit | None" = None
    parameter_share: dict[str, float] = dataclasses.field(default_factory=dict)
    transport: TransportCurve | None = None
    presumed: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)

    @property
    def error(self) -> np.ndarray:
        """One standard deviation of α²F at each frequency."""
        return np.sqrt(np.clip(np.diag(self.covariance), 0, None))

    @property
    def undecided(self) -> tuple[str, ...]:
        """Moments that the data do not decide.

        They leave more than a tenth of the prior's variance; or of a table, whose moments are
        linear estimates of positive numbers, an error above an eighth of the value, or a value that
        another prior would move by more than a tenth, or what the fit presupposes by as much as
        `PRESUMED` says.
        """
        return tuple(
            name
            for name, share in self.prior_share.items()
            if share > UNDECIDED or (self.posterior is not None and self._uncertain(name))
        )

    def _uncertain(self, name: str) -> bool:
        assert self.posterior is not None
        value, error = self.moments[name]
        moved = self.posterior.prior_shift.get(name, 0.0)
        return name in self.doubted or not (error <= UNCERTAIN * value and moved <= MOVED)

    @property
    def doubted(self) -> dict[str, str]:
        """What the fit presupposes and may be wrong in: moment → why."""
        return {
            name: why
            for why, found in self.presumed.items()
            for name, size in found.items()
            if not size <= PRESUMED[why]
        }

    @property
    def remarks(self) -> tuple[str, ...]:
        """What χ² and the signs of the residuals say against the errors of the data.

        χ² far from its degrees of freedom is an error wrong by about √(χ²/degrees); residuals of
        one sign that come in far fewer runs than chance makes are a curve that the model does not
        follow.
        """
        return (
            *([_ONE_CURVE] if mixed(self.data) else []),
            *(
                told.format(", ".join(name for name, one in self.doubted.items() if one == why))
                for why, told in _PRESUMED_TOLD.items()
                if why in self.doubted.values()
            ),
            *chi_square_remarks(self.chi_square, self.degrees),
            *(
                remark
                for item, fitted in zip(self.data, self.fitted, strict=True)
                for remark in runs_remarks(item.name, item.values - fitted)
            ),
        )

    @property
    def line_widths(self) -> dict[float, float]:
        """{ω: full width at half maximum} of sharp lines as a table's fit shows them."""
        if self.posterior is None:
            return {}
        return line_widths(self.omega, self.posterior.resolution)

    def bootstrap(self, draws: int = 200, seed: int = 0) -> dict[str, Bootstrap]:
        """Fits of the fitted α²F with fresh noise: bias, spread and coverage of each moment.

        Args:
            draws: of the noise.
            seed: of the draws.

        Raises:
            ValueError: the fit is not one of a table under the smooth prior.
        """
        if not isinstance(self.posterior, LinearFit):
            raise ValueError("the bootstrap is of a table under the smooth prior.")
        return self.posterior.bootstrap(draws, seed)

    def _repr_html_(self) -> str:
        undecided = self.undecided
        rows = [
            (name, value, error, "undecided" if name in undecided else "")
            for name, (value, error) in self.moments.items()
        ]
        title = (
            f"Fit of {', '.join(item.name for item in self.data)} data: "
            f"χ² = {self.chi_square:.4g} for {self.degrees:.4g} degrees of freedom"
        )
        return html_table(title, rows, ("", "value", "error", ""))

    def curves(self) -> tuple[tuple[SpectralData, np.ndarray] | None, ...]:
        """Of each data set data like it at many points, and what the fit is there.

        None where the data are no curve, or the numbers of a background are not at hand.
        """
        # Of a type as the fit's own, for which `forecast` is compiled already.
        values = {
            one.name: jnp.asarray(self.parameters[one.name][0], dtype=float)
            for one in unknowns(self.data)
        }
        every = [item.dense() for item in self.data]
        counts = [0 if x is None else len(getattr(x, str(x.over))) for x in every]
        # As many points at a time as there are data: the program that fitted them serves again.
        sizes = [1 if x.over is None else len(getattr(x, x.over)) for x in self.data]
        pieces: list[list[np.ndarray]] = [[] for _ in every]
        for turn in range(max(-(-c // n) for c, n in zip(counts, sizes, strict=True))):
            places = [
                np.minimum(turn * n + np.arange(n), c - 1)
                for c, n in zip(counts, sizes, strict=True)
            ]
            items = tuple(
                item if dense is None else dense.rows(own)
                for item, dense, own in zip(self.data, every, places, strict=True)
            )
            told = split(items, forecast(self.spectrum, items, values))
            for piece, one in zip(pieces, told, strict=True):
                piece.append(np.asarray(one))
        found: list[tuple[SpectralData, np.ndarray] | None] = []
        for number, (dense, piece) in enumerate(zip(every, pieces, strict=True), 1):
            if dense is None:
                found.append(None)
                continue
            count, parts = counts[number - 1], len(axis_of(dense).parts)
            # Of several parts, one after the other in each piece.
            curve = np.hstack([np.reshape(one, (parts, -1)) for one in piece])[:, :count].ravel()
            for name, column in dense.background.items():
                key = name if len(self.data) == 1 else f"{name} of data set {number}"
                curve = curve + self.parameters[key][0] * column
            found.append((dense, curve))
        return tuple(found)

    def to_xarray(self) -> "xr.Dataset":
        """α²F with its covariance, the moments, and data beside fit, in meV, K and ps.

        Of the n-th data set, names that end in _n: the abscissa, what was measured with its
        error, and what was fitted with its own; and the fit between the data, `curve`.
        """
        import xarray as xr

        data: dict[str, tuple] = {
            "a2f": ("frequency", self.a2f, {"long_name": "α²F(ω)", "units": "1"}),
            "a2f_error": (
                "frequency",
                self.error,
                {"long_name": "standard deviation", "units": "1"},
            ),
            "a2f_covariance": (
                ("frequency", "frequency_2"),
                self.covariance,
                {"long_name": "covariance of α²F(ω) and α²F(ω')", "units": "1"},
            ),
        }
        if self.posterior is not None:
            told = {
                "long_name": "half width of the 68 % band by noise of all of R·α²F at once",
                "units": "1",
            }
            data["a2f_simultaneous"] = ("frequency", self.posterior.simultaneous(), told)
        if self.transport is not None:
            for key, label, values, error in (
                ("a2f_transport", "α²_trF(ω)", self.transport.a2f, self.transport.a2f_error),
                (
                    "transport_ratio",
                    "α²_trF/α²F",
                    self.transport.ratio,
                    self.transport.ratio_error,
                ),
            ):
                data[key] = ("frequency", values, {"long_name": label, "units": "1"})
                told = {"long_name": "standard deviation", "units": "1"}
                data[f"{key}_error"] = ("frequency", error, told)
        for name, (value, error) in self.moments.items():
            label, factor, unit = UNITS_OF_MOMENTS[name]
            key = name.replace("-", "_")
            data[key] = ((), factor * value, {"long_name": label, "units": unit or "1"})
            told = {"long_name": f"standard deviation of {label}", "units": unit or "1"}
            data[f"{key}_error"] = ((), factor * error, told)
            if name in self.prior_share:
                told = {"long_name": "what is left of the prior's variance", "units": "1"}
                data[f"{key}_prior_share"] = ((), self.prior_share[name], told)
        for name, (value, error) in self.parameters.items():
            factor, unit = parameter_unit(name)
            key = name.replace(" ", "_").replace("-", "_").replace(".", "_")
            told = {"long_name": f"{name}, fitted along", "units": unit or "1"}
            data[key] = ((), factor * value, told)
            told = {"long_name": f"standard deviation of {name}", "units": unit or "1"}
            data[f"{key}_error"] = ((), factor * error, told)
        for number, (item, fitted, error, between) in enumerate(
            zip(self.data, self.fitted, self.fitted_error, self.curves(), strict=True), 1
        ):
            row, axis = f"datum_{number}", axis_of(item)
            over = {"long_name": axis.long_name, "units": axis.units}
            data[f"abscissa_{number}"] = (row, axis.values, over)
            told: dict[str, str | float] = {
                "kind": item.name,
                "units": axis.data_units,
                "parts": ", ".join(axis.parts),
            }
            temperature = getattr(item, "temperature", None)
            if temperature is not None and np.ndim(temperature) == 0:
                told["temperature_K"] = float(temperature) / KELVIN
            columns = {
                "measured": (item.values, "what was measured"),
                "measured_error": (item.error, "its standard deviation"),
                "fitted": (fitted, "what the fit makes of it"),
                "fitted_error": (error, "standard deviation of the fit"),
            }
            for name, (values, words) in columns.items():
                data[f"{name}_{number}"] = (row, axis.factor * values, told | {"long_name": words})
            if between is not None:
                dense, curve = between
                row, values = f"point_{number}", axis_of(dense).values
                data[f"curve_abscissa_{number}"] = (row, values, over)
                data[f"curve_{number}"] = (
                    row,
                    axis.factor * curve,
                    told | {"long_name": "the fit between the data"},
                )
        if self.posterior is not None:
            data["resolution"] = (
                ("frequency", "frequency_2"),
                self.posterior.resolution,
                {
                    "long_name": "mean of the fit = resolution · true α²F, without noise",
                    "units": "1",
                },
            )
        frequency = {"long_name": "phonon frequency", "units": "meV"}
        return xr.Dataset(
            data,
            coords={
                "frequency": ("frequency", self.omega, frequency),
                "frequency_2": ("frequency_2", self.omega, frequency),
            },
            attrs={
                "kind": "fit",
                "data_sets": len(self.data),
                "model": type(self.spectrum).__name__,
                "chi_square": self.chi_square,
                "degrees_of_freedom": self.degrees,
                "undecided": ", ".join(self.undecided),
            },
        )

    def plot(self, ax=None):
        """A figure of data beside fit, and of α²F with its band; on `ax` if given."""
        from .figure import fit_figure

        return fit_figure(self.to_xarray(), ax)
