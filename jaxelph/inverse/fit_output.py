"""A fit in the units of people: a labelled dataset and a figure, for spectra in meV."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib import rc_context
from matplotlib.figure import Figure

from ..plotting import BLUE, GREEN, GREY, ORANGE, STYLE
from ..spectrum import GaussianPeaks
from ..units import HBAR, KELVIN, kelvin
from .data import HeatData, RelaxationData, SelfEnergyData, SpectralData, WeightData
from .resolution import sharp_lines

if TYPE_CHECKING:
    from .fit import Fit

#: Label, what it is multiplied by, unit.
MOMENTS = {
    "lambda": ("λ", 1.0, ""),
    "omega-log": ("ω_log", 1.0, "meV"),
    "lambda-omega2": ("λ⟨ω²⟩", 1.0, "meV²"),
    "tc": ("Tc", 1 / KELVIN, "K"),
}


def parameter_unit(name: str) -> tuple[float, str]:
    """What a parameter is multiplied by, and its unit then."""
    if name.startswith(("omega", "width", "impurity")):
        return 1.0, "meV"
    return (1.0, "1/meV") if name.startswith("electron-electron") else (1.0, "")


def picoseconds(time):
    """A rescaled time, 1/meV, in ps: the kinetic equation's t is πt/ħ."""
    return np.asarray(time) * HBAR / np.pi


def fit_dataset(fit: "Fit") -> xr.Dataset:
    """α²F with its covariance, the moments, and data beside fit, one group of names a data set."""
    data: dict[str, tuple] = {
        "a2f": ("frequency", fit.a2f, {"long_name": "α²F(ω)", "units": "1"}),
        "a2f_error": ("frequency", fit.error, {"long_name": "standard deviation", "units": "1"}),
        "a2f_covariance": (
            ("frequency", "frequency_2"),
            fit.covariance,
            {"long_name": "covariance of α²F(ω) and α²F(ω')", "units": "1"},
        ),
    }
    for name, (value, error) in fit.moments.items():
        label, factor, unit = MOMENTS[name]
        key = name.replace("-", "_")
        data[key] = ((), factor * value, {"long_name": label, "units": unit or "1"})
        data[f"{key}_error"] = ((), factor * error, {"units": unit or "1"})
        if name in fit.prior_share:
            told = {"long_name": "what is left of the prior's variance", "units": "1"}
            data[f"{key}_prior_share"] = ((), fit.prior_share[name], told)
    for name, (value, error) in fit.parameters.items():
        factor, unit = parameter_unit(name)
        key = name.replace(" ", "_").replace("-", "_")
        data[key] = ((), factor * value, {"units": unit or "1"})
        data[f"{key}_error"] = ((), factor * error, {"units": unit or "1"})
    for number, (item, fitted, error) in enumerate(
        zip(fit.data, fit.fitted, fit.fitted_error, strict=True), 1
    ):
        row = f"datum_{number}"
        told = {"kind": item.name}
        data[f"measured_{number}"] = (row, item.values, told)
        data[f"measured_error_{number}"] = (row, item.error, told)
        data[f"fitted_{number}"] = (row, fitted, told)
        data[f"fitted_error_{number}"] = (row, error, told)
    if fit.posterior is not None:
        data["resolution"] = (
            ("frequency", "frequency_2"),
            fit.posterior.resolution,
            {"long_name": "mean of the fit = resolution · true α²F, without noise"},
        )
    frequency = {"long_name": "phonon frequency", "units": "meV"}
    return xr.Dataset(
        data,
        coords={
            "frequency": ("frequency", fit.omega, frequency),
            "frequency_2": ("frequency_2", fit.omega, frequency),
        },
        attrs={
            "model": type(fit.spectrum).__name__,
            "chi_square": fit.chi_square,
            "degrees_of_freedom": fit.degrees,
            "undecided": ", ".join(fit.undecided),
        },
    )


def fit_figure(fit: "Fit") -> Figure:
    """Each data set with the fit and its band; below, α²F with its band, and of a table how
    sharp lines would look."""
    count = len(fit.data)
    below = 1 if fit.posterior is None else 2
    with rc_context(STYLE):
        figure = Figure(figsize=(4.6, 2.5 * (count + below)), layout="constrained")
        panels = figure.subplots(count + below, 1)
        for axes, item, fitted, error in zip(
            panels, fit.data, fit.fitted, fit.fitted_error, strict=False
        ):
            _draw_data(axes, item, fitted, error)
        axes = panels[count]
        low = fit.a2f - fit.error
        if isinstance(fit.spectrum, GaussianPeaks):
            low = np.maximum(low, 0)  # Peaks are positive, whatever the linearised band says.
        axes.fill_between(fit.omega, low, fit.a2f + fit.error, color=BLUE, alpha=0.25, lw=0)
        axes.plot(fit.omega, fit.a2f, color=BLUE, label=r"fit, $\pm 1\sigma$")
        axes.axhline(0, color=GREY, linewidth=0.7, linestyle=":")
        axes.set_xlim(0, fit.omega[-1])
        axes.set_xlabel(r"phonon energy $\omega$ (meV)")
        axes.set_ylabel(r"$\alpha^2F(\omega)$")
        axes.set_title(_told(fit), loc="left", fontsize=7)
        axes.legend(loc="best")
        if fit.posterior is not None:
            _draw_lines(panels[-1], fit.omega, fit.posterior.resolution)
    return figure


def _draw_lines(axes, omega, resolution) -> None:
    """The response to a line of unit area at each of a few frequencies."""
    lines = sharp_lines(omega, resolution)
    for (where, seen, width), colour in zip(lines, (BLUE, ORANGE, GREEN, GREY), strict=True):
        told = f"{width:.2g} meV wide" if np.isfinite(width) else "not resolved"
        axes.axvline(where, color=colour, linewidth=0.7, linestyle=":")
        axes.plot(omega, seen, color=colour, label=f"{where:.3g} meV: {told}")
    axes.axhline(0, color=GREY, linewidth=0.7, linestyle=":")
    axes.set_xlim(0, float(omega[-1]))
    axes.set_xlabel(r"phonon energy $\omega$ (meV)")
    axes.set_ylabel(r"response (meV$^{-1}$)")
    axes.set_title("sharp lines as this fit would show them", loc="left")
    axes.legend(loc="best")


def _told(fit):
    names = {
        "lambda": r"$\lambda$",
        "omega-log": r"$\omega_\log$",
        "lambda-omega2": r"$\lambda\langle\omega^2\rangle$",
        "tc": "$T_c$",
    }
    parts = []
    for name, label in names.items():
        if name in fit.moments:
            value, error = (MOMENTS[name][1] * x for x in fit.moments[name])
            told = f"{label} = {value_with_error(value, error)} {MOMENTS[name][2]}".strip()
            parts.append(f"{told} (undecided)" if name in fit.undecided else told)
    # Two lines: four numbers with their errors are wider than the panel.
    return ",  ".join(parts[:2]) + "\n" + ",  ".join(parts[2:])


def value_with_error(value: float, error: float) -> str:
    """A number to the digits that its error leaves.

    Example:
        >>> print(value_with_error(1.61746, 0.0123), value_with_error(230.4, 17.0))
        1.617 ± 0.012 230 ± 17
    """
    if not np.isfinite(error) or error <= 0:
        return f"{value:.6g}"
    decimals = max(0, 1 - int(np.floor(np.log10(error))))
    return f"{value:.{min(decimals, 12)}f} ± {error:.{min(decimals, 12)}f}"


def _curves(item: SpectralData):
    """Abscissa, its label, the ordinate's label, and the rows of each curve with its name."""
    if isinstance(item, HeatData):
        return item.temperature / KELVIN, "T (K)", r"$C_{el}/C_{bare}$", {"": slice(None)}
    if isinstance(item, SelfEnergyData):
        given = [
            name
            for name, part in ((r"Re $\Sigma$", item.real), (r"Im $\Sigma$", item.imaginary))
            if part is not None
        ]
        size = len(item.energy)
        rows = {name: slice(i * size, (i + 1) * size) for i, name in enumerate(given)}
        return item.energy, "E (meV)", r"$\Sigma$ (meV)", rows
    if isinstance(item, WeightData):
        return item.energy, "E (meV)", "1/Z", {"": slice(None)}
    if isinstance(item, RelaxationData):
        return picoseconds(item.time), "t (ps)", r"$T_e$ (K)", {"": slice(None)}
    return np.zeros(1), "", r"$T_c$ (K)", {"": slice(None)}


def _draw_data(axes, item, fitted, error) -> None:
    x, below, beside, curves = _curves(item)
    factor = 1 / KELVIN if item.name in ("relaxation", "Tc") else 1.0
    for (name, rows), colour in zip(curves.items(), (ORANGE, GREEN), strict=False):
        order = np.argsort(x)
        middle, band = factor * fitted[rows][order], factor * error[rows][order]
        axes.errorbar(
            x,
            factor * item.values[rows],
            factor * item.error[rows],
            fmt="o",
            color=GREY,
            elinewidth=0.8,
            zorder=1,
            label=None if colour != ORANGE else "data",
        )
        axes.fill_between(x[order], middle - band, middle + band, color=colour, alpha=0.3, lw=0)
        axes.plot(x[order], middle, color=colour, label=f"fit {name}".strip(), zorder=3)
    if np.min(x) > 0 and np.max(x) > 50 * np.min(x) and item.name == "heat":
        axes.set_xscale("log")
    axes.set_xlabel(below)
    axes.set_ylabel(beside)
    if hasattr(item, "temperature") and np.ndim(item.temperature) == 0:
        axes.set_title(f"T = {kelvin(item.temperature / KELVIN)}", loc="left")
    axes.legend(loc="best")
