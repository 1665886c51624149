"""The columns of one α²F file side by side: how λ, ω_log, Tc and the margin depend on a smearing.

It is by this table that people choose a column. Energies are in meV, temperatures in K.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ..critical import margin
from ..files import json_text
from ..readers import SpectrumFileError, summarise
from ..spectrum import (
    TabulatedSpectrum,
    coupling_constant,
    log_frequency,
    maximum_frequency,
)
from ..superconductivity import transition_temperature
from ..units import KELVIN

#: Each quantity: its name in files, what it is, its unit, how a figure calls it.
QUANTITIES = {
    "lambda": ("electron-phonon coupling", "1", r"$\lambda$"),
    "omega_log": ("logarithmic frequency ω_log", "K", r"$\omega_{\log}$ (K)"),
    "Tc": ("transition temperature (Eliashberg)", "K", r"$T_c$ (K)"),
    "margin": ("stability margin (kinetic)", "1", "margin (kinetic)"),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Columns:
    """What `compare_columns` found; arrays over the columns, NaN where one cannot be read."""

    name: str
    source: str
    temperature: float  # K, of the margins
    mu_star: float
    default: int  # the column that is read where none is asked for, from 1
    labels: tuple[str, ...]
    smearing: np.ndarray  # NaN where the file does not say
    smearing_kind: str
    values: dict[str, np.ndarray]  # by `QUANTITIES`
    errors: tuple[str, ...]  # why a column cannot be read, empty where it can
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings."""
        rows = [
            {
                "column": k + 1,
                "label": self.labels[k],
                "smearing": self.smearing[k],
                "lambda": self.values["lambda"][k],
                "omega_log_K": self.values["omega_log"][k],
                "Tc_K": self.values["Tc"][k],
                "margin": self.values["margin"][k],
                "error": self.errors[k] or None,
            }
            for k in range(len(self.labels))
        ]
        return {
            "name": self.name,
            "source": self.source,
            "temperature_K": self.temperature,
            "mu_star": self.mu_star,
            "default_column": self.default,
            "smearing_kind": self.smearing_kind,
            "columns": rows,
            "warnings": list(self.warnings),
        }

    def to_json(self) -> str:
        """`to_dict` as valid JSON: null stands for what is not defined."""
        return json_text(self.to_dict())

    def to_xarray(self) -> xr.Dataset:
        """The table as a labelled `xarray.Dataset` over the dimension column."""
        data: dict[str, Any] = {
            name: ("column", self.values[name], {"long_name": text, "units": unit})
            for name, (text, unit, _) in QUANTITIES.items()
        }
        data["margin"][2]["temperature_K"] = self.temperature
        data["Tc"][2]["mu_star"] = self.mu_star
        kind = {"long_name": self.smearing_kind or "not stated"}
        data["smearing"] = ("column", self.smearing, kind)
        data["label"] = ("column", np.array(self.labels, dtype=object))
        data["error"] = ("column", np.array(self.errors, dtype=object))
        attributes = {
            "title": f"jaxelph columns {self.name}".strip(),
            "source": self.source,
            "default_column": self.default,
            "warnings": "; ".join(self.warnings),
        }
        return xr.Dataset(data, {"column": np.arange(1, len(self.labels) + 1)}, attributes)

    def plot(self):
        """The figure, a `matplotlib.figure.Figure` that no global state knows of."""
        return _plot(self)


def compare_columns(
    default: TabulatedSpectrum,
    columns: Sequence[TabulatedSpectrum | SpectrumFileError],
    temperature: float | None = None,
    *,
    mu_star: float = 0.1,
    omega_ph: float | None = None,
    cutoff: float | None = None,
    mu_star_at: str = "omega-ph",
    name: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> Columns:
    """λ, ω_log, Tc and the kinetic margin of every column.

    Args:
        default, columns: from `read_all_columns`.
        temperature (K): of the margins; by default that at which a report of the default column
            begins, its Tc or 1/200 of the top of its spectrum, whichever is higher.
        mu_star: Coulomb pseudopotential μ*.
        omega_ph, cutoff (meV), mu_star_at: where it is quoted, as in `transition_temperature`.
        name: of the metal, for figures.
        progress: called with (columns done, columns in all).

    Example:
        >>> import numpy as np
        >>> from jaxelph import Provenance, TabulatedSpectrum
        >>> w = np.linspace(0.1, 10, 100)
        >>> at = [Provenance("a2f", "columns", "columns", "meV", k, 2) for k in (1, 2)]
        >>> two = [TabulatedSpectrum(w, c * w**2 / 100, provenance=p) for c, p in zip((1, 2), at)]
        >>> print(compare_columns(two[0], two, 5.0).values["lambda"].round(3))
        [1. 2.]
    """

    def tc(spectrum: TabulatedSpectrum) -> float:
        repulsion = {"cutoff": cutoff, "omega_ph": omega_ph, "mu_star_at": mu_star_at}
        return float(transition_temperature(spectrum, mu_star, **repulsion)) / KELVIN

    if temperature is None:
        top = float(maximum_frequency(default)) / KELVIN
        temperature = min(max(tc(default), top / 200), top / 2)
    values = {key: np.full(len(columns), np.nan) for key in QUANTITIES}
    for k, spectrum in enumerate(columns):
        if isinstance(spectrum, TabulatedSpectrum):
            values["lambda"][k] = coupling_constant(spectrum)
            values["omega_log"][k] = float(log_frequency(spectrum)) / KELVIN
            values["Tc"][k] = tc(spectrum)
            values["margin"][k] = margin(spectrum, temperature * KELVIN)
        if progress is not None:
            progress(k + 1, len(columns))
    own = default.provenance
    assert own is not None
    smearing = np.full(len(columns), np.nan)
    smearing[: len(own.smearings)] = own.smearings[: len(columns)]
    return Columns(
        name=name,
        source=summarise(own),
        temperature=temperature,
        mu_star=mu_star,
        default=own.column,
        labels=tuple(_label(item) for item in columns),
        smearing=smearing,
        smearing_kind=own.smearing_kind,
        values=values,
        errors=tuple(str(e) if isinstance(e, SpectrumFileError) else "" for e in columns),
        warnings=own.warnings,
    )


def _label(column: TabulatedSpectrum | SpectrumFileError) -> str:
    known = isinstance(column, TabulatedSpectrum) and column.provenance
    return known.label if known else ""


def _plot(columns: Columns):
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from ..plotting import BLUE, GREY, ORANGE, SHADE, STYLE

    number = np.arange(1, len(columns.labels) + 1)
    known = bool(np.all(np.isfinite(columns.smearing)))
    x = columns.smearing if known else number
    with rc_context(STYLE):
        figure = Figure(figsize=(7.2, 4.6), layout="constrained")
        panels = figure.subplots(2, 2, sharex=True)
        for axes, (key, (_, _, label)), letter in zip(
            panels.ravel(), QUANTITIES.items(), "abcd", strict=True
        ):
            y = columns.values[key]
            axes.plot(x, y, "-", color=BLUE, linewidth=1)
            axes.plot(x, y, "o", color=BLUE)
            at = columns.default - 1
            axes.plot(
                x[at],
                y[at],
                "o",
                color=ORANGE,
                markersize=8,
                markerfacecolor="none",
                label=f"column {columns.default}, the default",
            )
            axes.set_ylabel(label)
            axes.set_title(f"({letter})", loc="left", fontweight="bold")
            axes.margins(y=0.15)
            if key == "margin":
                axes.set_title(f"at T = {columns.temperature:.4g} K", fontsize=8, color=GREY)
                low, high = axes.get_ylim()
                if low < 0:
                    axes.axhspan(low, min(0.0, high), color=SHADE, alpha=0.13, linewidth=0)
                    axes.set_ylim(low, high)
                    at = (0.98, 0.04)
                    axes.annotate("unstable", at, xycoords="axes fraction", ha="right", color=SHADE)
            if key == "Tc":
                axes.set_title(rf"$\mu^*$ = {columns.mu_star:g}", fontsize=8, color=GREY)
        panels[0, 0].legend(loc="best")
        for axes in panels[1]:
            axes.set_xlabel(f"smearing ({columns.smearing_kind})" if known else "column")
        figure.suptitle(columns.name, fontsize=9.5, parse_math=False)
    return figure
