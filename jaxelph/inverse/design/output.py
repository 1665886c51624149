"""Trade-offs in the units of people, as a labelled dataset, for spectra in meV."""

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np
import xarray as xr

from ...grids.energies import EnergyGrid
from ...spectra.moments import coupling_constant, log_frequency, maximum_frequency, phonon_edge
from ...units import KELVIN
from ..fit.peaks import peaks_a2f
from ..sensitivities.derivatives import coupling_moment
from .result import Design

Curves = Mapping[str, Sequence[Design]]


def design_dataset(
    curves: Curves,
    margins: np.ndarray,
    temperature: float,
    mu_star: float,
    grid: EnergyGrid | None = None,
    **repulsion,
) -> xr.Dataset:
    """Tc and the optimal peaks over criterion and least margin; temperature in K.

    `repulsion` are the options of `transition_temperature` that Tc was computed with.
    """

    def table(function):
        return np.array([[np.asarray(function(one)) for one in row] for row in curves.values()])

    conditions = {
        "cutoff_meV": np.inf if repulsion.get("cutoff") is None else float(repulsion["cutoff"]),
        "mu_star_at": repulsion.get("mu_star_at", "omega-ph"),
    }
    if grid is not None:
        conditions |= {"grid_step_meV": float(grid.step), "grid_size": grid.size}
    least = int(np.argmin(margins))
    top = max(float(maximum_frequency(row[least].spectrum)) for row in curves.values())
    omega = np.linspace(0, 1.1 * top, 800)[1:]
    optimal = [peaks_a2f(row[least].spectrum, jnp.asarray(omega)) for row in curves.values()]
    two, three = ("criterion", "margin"), ("criterion", "margin", "peak")
    data = {
        "tc": (two, table(lambda d: d.value / KELVIN), {"long_name": "Tc", "units": "K"}),
        "coupling": (
            two,
            table(lambda d: coupling_constant(d.spectrum)),
            {"long_name": "λ", "units": "1"},
        ),
        "omega_log": (
            two,
            table(lambda d: log_frequency(d.spectrum)),
            {"long_name": "ω_log", "units": "meV"},
        ),
        "coupling_moment": (
            two,
            table(lambda d: coupling_moment(d.spectrum)),
            {"long_name": "λ⟨ω²⟩", "units": "meV^2"},
        ),
        "reached_margin": (
            two,
            table(lambda d: d.margin),
            {"long_name": "margin at the optimum", "units": "1"},
        ),
        "price": (
            two,
            table(lambda d: sum(v for k, v in d.price.items() if k.startswith("stability"))),
            {"long_name": "-d ln Tc / d(least margin)", "units": "1"},
        ),
        "omega_ph": (
            two,
            table(lambda d: repulsion.get("omega_ph") or phonon_edge(d.spectrum)),
            {"long_name": "frequency that μ* refers to", "units": "meV"},
        ),
        "peak_frequency": (
            three,
            table(lambda d: d.spectrum.omega),
            {"long_name": "centre of each peak", "units": "meV"},
        ),
        "peak_width": (
            three,
            table(lambda d: d.spectrum.width),
            {"long_name": "standard deviation of each peak", "units": "meV"},
        ),
        "peak_coupling": (
            three,
            table(lambda d: d.spectrum.coupling),
            {"long_name": "λ of each peak", "units": "1"},
        ),
        "a2f": (
            ("criterion", "frequency"),
            np.array(optimal),
            {"long_name": "optimal α²F(ω) at the least of the margins", "units": "1"},
        ),
    }
    return xr.Dataset(
        data,
        coords={
            "criterion": ("criterion", list(curves), {"long_name": "criterion of stability"}),
            "margin": ("margin", margins, {"long_name": "least margin", "units": "1"}),
            "frequency": ("frequency", omega, {"long_name": "phonon frequency", "units": "meV"}),
        },
        attrs={"kind": "design", "temperature_K": temperature, "mu_star": mu_star, **conditions},
    )
