"""Sensitivities in the units of people: a labelled dataset and a figure.

The spectrum is taken to be in meV, as `read_a2f` gives it. Tc is then in K, and a rate in 1/ps.
"""

import dataclasses
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import numpy as np
import xarray as xr
from matplotlib import rc_context
from matplotlib.figure import Figure

from ..plotting import BLUE, GREY, ORANGE, STYLE
from ..spectrum import EinsteinModes, cumulative_coupling
from ..units import KELVIN, kelvin, mev_to_per_ps

if TYPE_CHECKING:
    from .sensitivities import Sensitivities, Sensitivity


def unit_of_quantity(name: str, energy_power: int) -> tuple[float, str]:
    """What the quantity is to be multiplied by, and the unit that it is then in.

    Tc and rates are energies inside, times their inverse; other energies stay in meV.
    """
    if name.startswith("tc"):
        return 1 / KELVIN, "K"
    if name.startswith("gamma"):
        return float(mev_to_per_ps(1.0)), "1/ps"
    if name.startswith("tau"):
        return 1 / float(mev_to_per_ps(1.0)), "ps"
    return 1.0, {0: "1", 1: "meV"}.get(energy_power, f"meV^{energy_power}")


def unit_of(item: "Sensitivity") -> tuple[float, str]:
    """`unit_of_quantity` for a quantity with its derivatives."""
    return unit_of_quantity(item.name, item.energy_power)


def _per_mev(unit: str) -> str:
    if unit == "1":
        return "1/meV"
    return {"meV": "1", "meV^2": "meV"}.get(unit, f"{unit}/meV")


def sensitivities_dataset(found: "Sensitivities") -> xr.Dataset:
    """Values and derivatives, with dimensions frequency and one for each kind of parameter.

    For each quantity Q: its value, `dQ_da2f` over frequency, `dQ_dT`, and one array for each
    array of numbers that the spectrum holds (`dQ_domega`, `dQ_dcoupling`, say).
    """
    node, coupling = (np.asarray(x) for x in found.at.modes())
    data: dict[str, tuple] = {}
    for item in found.items:
        factor, unit = unit_of(item)
        key, label = item.name.replace("-", "_"), item.label
        data[key] = ((), factor * item.value, {"long_name": label, "units": unit})
        data[f"d{key}_da2f"] = (
            "frequency",
            factor * item.functional,
            {"long_name": f"δ{label}/δα²F(ω)", "units": _per_mev(unit)},
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
            values = getattr(item.spectrum, field.name)
            if not eqx.is_inexact_array(values) and not isinstance(values, jax.Array):
                continue
            dimensionless = field.name in ("coupling", "a2f")
            data[f"d{key}_d{field.name}"] = (
                ("parameter",)[: np.ndim(values)],
                factor * np.asarray(values),
                {
                    "long_name": f"∂{label}/∂{field.name}",
                    "units": unit if dimensionless else _per_mev(unit),
                },
            )
    data["node"] = ("mode", node, {"long_name": "quadrature nodes of α²F", "units": "meV"})
    data["node_coupling"] = ("mode", coupling, {"long_name": "their couplings", "units": "1"})
    return xr.Dataset(
        data,
        coords={
            "frequency": (
                "frequency",
                found.omega,
                {"long_name": "phonon frequency", "units": "meV"},
            )
        },
        attrs={
            "temperature_K": found.temperature / KELVIN,
            "mu_star": found.mu_star,
            "omega_ph_meV": found.omega_ph,
            "cutoff_meV": found.cutoff,
            "mu_star_at": found.mu_star_at,
            "spectrum": type(found.at).__name__,
            "grid_step_meV": float(found.grid.step),
            "grid_size": found.grid.size,
        },
    )


def sensitivities_figure(found: "Sensitivities") -> Figure:
    """δQ/δα²F(ω), one panel a quantity, above the spectrum that it was taken at."""
    items = found.items
    with rc_context(STYLE):
        figure = Figure(figsize=(4.6, 1.2 + 1.25 * (len(items) + 1)), layout="constrained")
        panels = figure.subplots(len(items) + 1, 1, sharex=True)
        for axes, item in zip(panels, items, strict=False):
            factor, unit = unit_of(item)
            axes.axhline(0, color=GREY, linewidth=0.7, linestyle=":")
            axes.plot(found.omega, factor * item.functional, color=ORANGE)
            axes.set_ylabel(_panel_unit(_per_mev(unit)))
            told = "" if unit == "1" else f" {unit}"
            axes.set_title(
                f"δ {item.label} / δα²F(ω)      {item.label} = {factor * item.value:.4g}{told}",
                loc="left",
            )
            _leave_out_divergence(axes, found.omega, factor * item.functional)
        _draw_spectrum(panels[-1], found)
        panels[-1].set_xlabel(r"phonon energy $\omega$ (meV)")
        panels[-1].set_xlim(0, found.omega[-1])
        figure.suptitle(
            f"T = {kelvin(found.temperature / KELVIN)}, μ* = {found.mu_star:g}", fontsize=9
        )
    return figure


def _panel_unit(unit: str) -> str:
    return "dimensionless" if unit == "1" else {"1/meV": r"meV$^{-1}$"}.get(unit, f"{unit}")


def _leave_out_divergence(axes, omega, values) -> None:
    """The range of what lies above a twentieth of the axis: 2/ω would hide everything else."""
    seen = values[omega > 0.05 * omega[-1]]
    low, high = min(0.0, float(np.min(seen))), max(0.0, float(np.max(seen)))
    margin = 0.08 * (high - low) or 1.0
    axes.set_ylim(low - margin, high + margin)


def _draw_spectrum(axes, found: "Sensitivities") -> None:
    if isinstance(found.at, EinsteinModes):
        area = np.asarray(found.at.omega * found.at.coupling / 2)
        axes.vlines(np.asarray(found.at.omega), 0, area, color=BLUE)
        axes.set_ylabel("area (meV)")
    else:
        # α²F = (ω/2) dλ(ω)/dω holds for every kind; bins as wide as the frequencies are apart.
        edges = np.append(0.0, found.omega)
        fine = found.at.resolved(float(found.omega[-1]) / 4000)
        steps = np.diff(np.asarray(cumulative_coupling(fine, edges))) / np.diff(edges)
        axes.stairs(steps * (edges[1:] + edges[:-1]) / 4, edges, color=BLUE, fill=True, alpha=0.35)
        axes.set_ylabel(r"$\alpha^2F$")
    axes.set_ylim(bottom=0)
    axes.set_title("α²F(ω)", loc="left")
