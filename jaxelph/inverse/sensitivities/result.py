"""Derivatives of several quantities, as numbers and as a labelled dataset."""

import dataclasses
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import numpy as np

from ...grids.energies import EnergyGrid
from ...presentation.notebook import html_table
from ...spectra.moments import cumulative_coupling
from ...spectra.spectrum import EinsteinModes, EliashbergFunction
from ...units import KELVIN
from .output import per_mev, unit_of_quantity

if TYPE_CHECKING:
    import xarray as xr

# Fields of spectra that place nodes of the quadrature, and are no numbers of α²F.
_NODES = ("panels",)


@dataclasses.dataclass(frozen=True)
class Sensitivity:
    """One quantity with its derivatives. Units: the spectrum's energy unit throughout."""

    name: str
    label: str
    energy_power: int
    value: float
    spectrum: EliashbergFunction  # of the same kind, holding ∂Q/∂(each of its numbers)
    temperature: float  # ∂Q/∂T
    mu_star: float  # ∂Q/∂μ*
    functional: np.ndarray  # δQ/δα²F(ω)

    @property
    def shown(self) -> tuple[float, str]:
        """What its value is to be multiplied by to be in the units of people, and that unit."""
        return unit_of_quantity(self.name, self.energy_power)


@dataclasses.dataclass(frozen=True)
class Sensitivities:
    """Derivatives of several quantities at one spectrum and temperature.

    Args:
        at: the spectrum.
        temperature (scalar, energy): T.
        mu_star (scalar): μ*.
        grid: for the kinetic criterion and the rates.
        omega (array of shape (frequency,), energy): where δQ/δα²F is given.
        items: one `Sensitivity` a quantity; `found[name]` takes one.
        omega_ph (scalar, energy): the frequency that μ* refers to.
        cutoff (scalar, energy): ω_c of the Coulomb repulsion, inf for the limit.
        mu_star_at: see `transition_temperature`.
        metal: its name, for the figure.

    Example:
        >>> from jaxelph import sensitivities
        >>> s = EinsteinModes([1.0], [1.0])
        >>> found = sensitivities(s, 0.3, ["lambda"], omega=np.array([0.5, 1.0]))
        >>> print(found["lambda"].functional)
        [4. 2.]
    """

    at: EliashbergFunction
    temperature: float
    mu_star: float
    grid: EnergyGrid
    omega: np.ndarray
    items: tuple[Sensitivity, ...]
    omega_ph: float = np.nan  # the frequency that μ* refers to
    cutoff: float = np.inf
    mu_star_at: str = "omega-ph"
    metal: str = ""

    def __getitem__(self, name: str) -> Sensitivity:
        return next(item for item in self.items if item.name == name)

    def _repr_html_(self) -> str:
        rows = [(one.label, one.value, one.temperature, one.mu_star) for one in self.items]
        title = f"Sensitivities at T = {self.temperature:g}, μ* = {self.mu_star:g}"
        return html_table(title, rows, ("Q", "value", "∂Q/∂T", "∂Q/∂μ*"))

    def to_xarray(self) -> "xr.Dataset":
        """Values and derivatives, with dimensions frequency and one for each kind of parameter.

        For each quantity Q: its value, `dQ_da2f` over frequency, `dQ_dT`, and one array for each
        array of numbers that the spectrum holds (`dQ_domega`, `dQ_dcoupling`, say; `dQ_da2f_rows`
        of a table). Energies are in meV, Tc in K, rates in 1/ps.
        """
        import xarray as xr

        node, coupling = (np.asarray(x) for x in self.at.modes())
        data: dict[str, tuple] = {}
        for item in self.items:
            factor, unit = item.shown
            key, label = item.name.replace("-", "_"), item.label
            data[key] = ((), factor * item.value, {"long_name": label, "units": unit})
            data[f"d{key}_da2f"] = (
                "frequency",
                factor * item.functional,
                {"long_name": f"δ{label}/δα²F(ω)", "units": per_mev(unit)},
            )
            data[f"d{key}_dT"] = (
                (),
                factor * item.temperature * KELVIN,
                {"long_name": f"∂{label}/∂T", "units": f"{unit}/K"},
            )
            data[f"d{key}_dmu_star"] = (
                (),
                factor * item.mu_star,
                {"long_name": f"∂{label}/∂μ*", "units": unit},
            )
            for field in dataclasses.fields(item.spectrum):
                if field.name in _NODES:
                    continue
                values = getattr(item.spectrum, field.name)
                if not eqx.is_inexact_array(values) and not isinstance(values, jax.Array):
                    continue
                dimensionless = field.name in ("coupling", "a2f")
                # By the values in the rows of a table, each with the area around it.
                by = "a2f_rows" if field.name == "a2f" else field.name
                data[f"d{key}_d{by}"] = (
                    ("parameter",)[: np.ndim(values)],
                    factor * np.asarray(values),
                    {
                        "long_name": f"∂{label}/∂{field.name}",
                        "units": unit if dimensionless else per_mev(unit),
                    },
                )
        data["node"] = ("mode", node, {"long_name": "quadrature nodes of α²F", "units": "meV"})
        data["node_coupling"] = ("mode", coupling, {"long_name": "their couplings", "units": "1"})
        if not isinstance(self.at, EinsteinModes):
            told = {"long_name": "α²F(ω), mean from the frequency before", "units": "1"}
            data["a2f"] = ("frequency", self._drawn(), told)
        return xr.Dataset(
            data,
            coords={
                "frequency": (
                    "frequency",
                    self.omega,
                    {"long_name": "phonon frequency", "units": "meV"},
                )
            },
            attrs={
                "kind": "sensitivities",
                "name": self.metal,
                "quantities": ", ".join(item.name for item in self.items),
                "temperature_K": self.temperature / KELVIN,
                "mu_star": self.mu_star,
                "omega_ph_meV": self.omega_ph,
                "cutoff_meV": self.cutoff,
                "mu_star_at": self.mu_star_at,
                "spectrum": type(self.at).__name__,
                "grid_step_meV": float(self.grid.step),
                "grid_size": self.grid.size,
            },
        )

    def _drawn(self) -> np.ndarray:
        """α²F = (ω/2) dλ(ω)/dω, which holds for every kind, in bins between the frequencies."""
        edges = np.append(0.0, self.omega)
        fine = self.at.resolved(float(self.omega[-1]) / 4000)
        steps = np.diff(np.asarray(cumulative_coupling(fine, edges))) / np.diff(edges)
        return steps * (edges[1:] + edges[:-1]) / 4

    def plot(self, ax=None):
        """A figure of the functional derivatives above α²F; on `ax` if given."""
        from .figure import sensitivities_figure

        return sensitivities_figure(self.to_xarray(), ax)
