"""A superconductor as a labelled dataset: its numbers, and its curves over T."""

from typing import Any

import numpy as np
import xarray as xr

from ..units import KELVIN


def superconductor_dataset(found: Any) -> xr.Dataset:
    """Scalars, and arrays over temperature and frequency; conditions (μ*, ω_c) are attributes.

    Args:
        found: a `Superconductor`.
    """
    f = found
    curves = {
        "gap": (f.leading_gap, "gap at the first Matsubara frequency, Δ(iπT)", "meV"),
        "gap_edge": (f.edge, "gap edge Δ0(T), up to T_c/2", "meV"),
        "heat": (f.heat, "specific heat C_S/γ0T_c", "1"),
        "normal_heat": (f.normal_heat, "specific heat of the normal metal, C_N/γ0T_c", "1"),
        "reduced_field": (f.reduced_field, "critical field H_c(T)/H_c(0)", "1"),
        "deviation": (f.deviation, "D = H_c(T)/H_c(0) - 1 + (T/T_c)²", "1"),
    }
    scalars = {
        "lambda": (f.coupling, "electron-phonon coupling λ", "1"),
        "omega_log": (f.omega_log / KELVIN, "logarithmic frequency", "K"),
        "Tc": (f.tc, "transition temperature (Eliashberg)", "K"),
        "gap_zero": (f.gap, "gap edge Δ0 at T_c/10", "meV"),
        "gap_ratio": (f.gap_ratio, "2Δ0/T_c", "1"),
        "jump": (f.jump, "ΔC/γ0T_c, γ0 = (2π²/3)ν0(1+λ)", "1"),
        "jump_over_normal": (f.jump_over_normal, "ΔC/C_N(T_c)", "1"),
        "condensation_energy": (f.energy, "(E_N - E_S)/ν0, ν0 states per energy and spin", "meV^2"),
        "field_ratio": (f.field_ratio, "γ0T_c²/H_c(0)²", "1"),
        "field_slope": (f.field_slope, "H_c(0)/(T_c |dH_c/dT|)", "1"),
        "field_zero": (f.field, "critical field H_c(0)", "T"),
        "isotope": (f.isotope, "isotope coefficient β = -d ln T_c/d ln M", "1"),
    }
    data = {
        name: ("temperature", values, {"long_name": text, "units": unit})
        for name, (values, text, unit) in curves.items()
    }
    data |= {
        name: ((), np.float64(value), {"long_name": text, "units": unit})
        for name, (value, text, unit) in scalars.items()
    }
    area = ("area λ_k ω_k/2 of each δ mode of α²F", "meV")
    phonons = {
        "a2f_area" if f.discrete else "a2f": (
            f.a2f,
            *(area if f.discrete else ("Eliashberg function α²F(ω)", "1")),
        ),
        "isotope_weight": (f.isotope_weight, "R(ω) with β = ∫α²F R dω", "1/meV"),
    }
    data |= {
        name: ("frequency", values, {"long_name": text, "units": unit})
        for name, (values, text, unit) in phonons.items()
    }
    kelvins = {"long_name": "temperature", "units": "K"}
    return xr.Dataset(
        data,
        {
            "temperature": ("temperature", f.temperatures, kelvins),
            "frequency": (
                "frequency",
                f.frequencies,
                {"long_name": "phonon frequency", "units": "meV"},
            ),
        },
        {
            "kind": "superconductor",
            "name": f.name,
            "title": f"jaxelph gap {f.name}".strip(),
            "source": f.source,
            "mu_star": f.mu_star,
            "omega_ph_meV": f.omega_ph,
            "cutoff_meV": f.cutoff,
            "mu_star_at": f.mu_star_at,
            "warnings": "; ".join(f.warnings),
        },
    )
