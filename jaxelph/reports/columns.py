"""The columns of one α²F file side by side: how λ, ω_log, Tc and the margin depend on a smearing.

It is by this table that people choose a column. Energies are in meV, temperatures in K.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from ..presentation.result import Result
from ..spectra.moments import coupling_constant, log_frequency, maximum_frequency
from ..spectra.readers import SpectrumFileError, summarise
from ..spectra.table import TabulatedSpectrum
from ..stability.critical import margin
from ..superconductivity.transition import transition_temperature
from ..units import KELVIN

#: Each quantity: its name in files, what it is, its unit.
QUANTITIES = {
    "lambda": ("electron-phonon coupling", "1"),
    "omega_log": ("logarithmic frequency ω_log", "K"),
    "Tc": ("transition temperature (Eliashberg)", "K"),
    "margin": ("stability margin (kinetic)", "1"),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Columns(Result):
    """What `compare_columns` found; arrays over the columns, NaN where one cannot be read."""

    files: ClassVar[str] = "columns"

    name: str
    source: str
    temperature: float  # K, of the margins
    mu_star: float
    default: int  # the column that is read where none is asked for, from 1
    labels: tuple[str, ...]
    smearing: np.ndarray  # NaN where the file does not say
    smearing_kind: str
    values: dict[str, np.ndarray]  # by `QUANTITIES`
    stated: np.ndarray  # λ as the file states it, NaN where it does not
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
                "lambda_of_file": self.stated[k],
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

    def to_xarray(self) -> xr.Dataset:
        """The table as a labelled `xarray.Dataset` over the dimension column."""
        data: dict[str, Any] = {
            name: ("column", self.values[name], {"long_name": text, "units": unit})
            for name, (text, unit) in QUANTITIES.items()
        }
        data["margin"][2]["temperature_K"] = self.temperature
        data["Tc"][2]["mu_star"] = self.mu_star
        unit = self.smearing_kind.rpartition(", ")[2] if ", " in self.smearing_kind else "1"
        kind = {"long_name": self.smearing_kind or "not stated", "units": unit}
        told = {"long_name": "λ as the file states it", "units": "1"}
        data["lambda_of_file"] = ("column", self.stated, told)
        data["smearing"] = ("column", self.smearing, kind)
        for key, texts, words in (
            ("label", self.labels, "the file's name of the column"),
            ("error", self.errors, "why there are no numbers"),
        ):
            data[key] = ("column", np.array(texts, dtype=object), {"long_name": words})
        attributes = {
            "kind": "columns",
            "name": self.name,
            "title": f"jaxelph columns {self.name}".strip(),
            "source": self.source,
            "default_column": self.default,
            "warnings": "; ".join(self.warnings),
        }
        number = {"long_name": "number of the α²F column, from 1", "units": "1"}
        column = ("column", np.arange(1, len(self.labels) + 1), number)
        return xr.Dataset(data, {"column": column}, attributes)

    def plot(self, ax=None):
        """The figure, a `matplotlib.figure.Figure` that no global state knows of.

        On `ax` if given, see `jaxelph.plot`.
        """
        from .columns_figure import columns_figure

        return columns_figure(self.to_xarray(), ax)


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
        source=summarise(own, float(values["lambda"][own.column - 1])),
        temperature=temperature,
        mu_star=mu_star,
        default=own.column,
        labels=tuple(_label(item) for item in columns),
        smearing=smearing,
        smearing_kind=own.smearing_kind,
        values=values,
        stated=np.array([_stated(item) for item in columns], dtype=float),
        errors=tuple(str(e) if isinstance(e, SpectrumFileError) else "" for e in columns),
        warnings=own.warnings,
    )


def _label(column: TabulatedSpectrum | SpectrumFileError) -> str:
    known = isinstance(column, TabulatedSpectrum) and column.provenance
    return known.label if known else ""


def _stated(column: TabulatedSpectrum | SpectrumFileError) -> float | None:
    known = isinstance(column, TabulatedSpectrum) and column.provenance
    return known.stated_coupling if known else None
