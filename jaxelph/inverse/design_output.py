"""Trade-offs in the units of people: a labelled dataset and a figure, for spectra in meV."""

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np
import xarray as xr
from matplotlib import rc_context
from matplotlib.figure import Figure

from ..grid import EnergyGrid
from ..plotting import CRITERION_STYLE, STYLE
from ..spectrum import coupling_constant, log_frequency, maximum_frequency, phonon_edge
from ..units import KELVIN, kelvin
from .design import Design
from .fit_peaks import peaks_a2f
from .sensitivities import coupling_moment

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
        "peak_frequency": (three, table(lambda d: d.spectrum.omega), {"units": "meV"}),
        "peak_width": (three, table(lambda d: d.spectrum.width), {"units": "meV"}),
        "peak_coupling": (three, table(lambda d: d.spectrum.coupling), {"units": "1"}),
    }
    return xr.Dataset(
        data,
        coords={
            "criterion": list(curves),
            "margin": ("margin", margins, {"long_name": "least margin", "units": "1"}),
        },
        attrs={"temperature_K": temperature, "mu_star": mu_star, **conditions},
    )


def design_figure(
    curves: Curves, margins: np.ndarray, temperature: float, mu_star: float
) -> Figure:
    """Tc against the least margin, and the α²F of the least one, by each criterion."""
    order = np.argsort(margins)
    with rc_context(STYLE):
        figure = Figure(figsize=(7.0, 2.9), layout="constrained")
        left, right = figure.subplots(1, 2)
        top = max(float(maximum_frequency(row[order[0]].spectrum)) for row in curves.values())
        omega = np.linspace(0, 1.1 * top, 800)[1:]
        for criterion, row in curves.items():
            colour, line, marker, label = CRITERION_STYLE[criterion]
            tc = np.array([one.value for one in row]) / KELVIN
            left.plot(
                margins[order], tc[order], line, color=colour, marker=marker, label=label, ms=4
            )
            a2f = peaks_a2f(row[order[0]].spectrum, jnp.asarray(omega))
            right.plot(omega, a2f, line, color=colour, label=criterion)
        left.set_xlabel(f"least margin at {kelvin(temperature)}")
        left.set_ylabel(rf"largest $T_c$ (K), $\mu^*$ = {mu_star:g}")
        left.set_ylim(bottom=0)
        left.legend(loc="best")
        right.set_xlabel(r"phonon energy $\omega$ (meV)")
        right.set_ylabel(r"optimal $\alpha^2F(\omega)$")
        right.set_title(f"least margin {margins[order[0]]:g}", loc="left")
        right.set_xlim(0, omega[-1])
        right.set_ylim(bottom=0)
        right.legend(loc="best")
    return figure
