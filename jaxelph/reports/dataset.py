"""A report as a labelled dataset: what a later figure or calculation needs, with its units."""

import numpy as np
import xarray as xr

from ..stability.critical import CRITERIA
from .findings import Findings
from .verdict import label, paragraph


def report_dataset(report: Findings) -> xr.Dataset:
    """The arrays of a report with dimensions temperature, energy, frequency and criterion.

    λ_c is inf where a criterion cannot be violated at any coupling, and an edge of stability
    is NaN where there is none in the range examined. Conditions (μ*, cutoffs, grid) are
    attributes.
    """
    r = report
    over_t = {
        "specific_heat_ratio": (r.specific_heat, "C_el over 2π²ν₀T/3", "1"),
        "inverse_weight_min": (r.weight_minimum, "least inverse quasiparticle weight", "1"),
        "energy_of_min": (r.weight_energy, "energy of the least inverse weight", "meV"),
        "margin": (r.margin, "stability margin, smallest eigenvalue of A", "1"),
        "growing_modes": (r.growing, "number of growing modes (on the grid)", "1"),
        "lambda_c_kinetic_grid_error": (r.grid_error, "grid error of λ_c(kinetic)", "1"),
        "slowest_rate": (r.slowest_rate, "slowest decay rate", "1/ps"),
        "two_temperature_rate": (r.two_temperature_rate, "two-temperature rate", "1/ps"),
        "grid_step": (r.grid_step, "step of the energy grid", "meV"),
        "grid_size": (r.grid_size, "points of the energy grid", "1"),
    }
    data: dict[str, tuple] = {
        name: ("temperature", values, {"long_name": text, "units": unit})
        for name, (values, text, unit) in over_t.items()
    }
    data["inverse_weight"] = (
        ("temperature", "energy"),
        r.inverse_weight,
        {"long_name": "inverse quasiparticle weight Z₀⁻¹(E)", "units": "1"},
    )
    data["lambda_c"] = (
        ("criterion", "temperature"),
        np.stack([r.critical[name] for name in CRITERIA]),
        {"long_name": "critical coupling", "units": "1"},
    )
    edges = [r.unstable_below[name] for name in CRITERIA]
    data["unstable_below"] = (
        "criterion",
        np.array([np.nan if edge is None else edge for edge in edges]),
        {
            "long_name": "highest temperature of instability",
            "units": "K",
            "scanned_from_K": r.scanned[0],
            "scanned_to_K": r.scanned[1],
        },
    )
    curve = (
        {"long_name": "area λ_k ω_k/2 of each δ mode of α²F", "units": "meV"}
        if r.discrete
        else {"long_name": "Eliashberg function α²F(ω)", "units": "1"}
    )
    data["a2f_area" if r.discrete else "a2f"] = ("frequency", r.a2f, curve)
    data["cumulative_coupling"] = (
        "frequency",
        r.cumulative,
        {"long_name": "cumulative coupling λ(ω)", "units": "1"},
    )
    scalars = {
        "lambda": (r.coupling, "electron-phonon coupling λ", "1", {}),
        "omega_log": (r.omega_log, "logarithmic frequency", "meV", {}),
        "omega_2": (r.omega_2, "root mean square frequency", "meV", {}),
        "xi": (r.xi, "stability parameter ξ", "1", {"temperature_K": r.xi_temperature}),
    }
    conditions = {
        "mu_star": r.mu_star,
        "omega_ph_meV": r.omega_ph,
        "cutoff_meV": r.cutoff,
        "mu_star_at": r.mu_star_at,
    }
    for method, tc in r.tc.items():
        scalars[f"Tc_{method}"] = (tc, f"transition temperature ({method})", "K", conditions)
    scalars["gap_ratio"] = (r.gap_ratio, "2Δ0/T_c", "1", conditions)
    if r.stated_coupling is not None:
        scalars["lambda_of_file"] = (r.stated_coupling, "λ as the file states it", "1", {})
    for name, (value, text, unit, extra) in scalars.items():
        data[name] = ((), value, {"long_name": text, "units": unit, **extra})
    return xr.Dataset(
        data,
        coords={
            "temperature": (
                "temperature",
                r.temperatures,
                {"long_name": "temperature", "units": "K"},
            ),
            "energy": (
                "energy",
                r.energies,
                {"long_name": "energy from the Fermi level", "units": "meV"},
            ),
            "frequency": (
                "frequency",
                r.frequencies,
                {"long_name": "phonon frequency", "units": "meV"},
            ),
            "criterion": ("criterion", list(CRITERIA), {"long_name": "criterion of stability"}),
        },
        attrs={
            "kind": "report",
            "name": r.name,
            "title": f"jaxelph report {r.name}".strip(),
            "source": r.source,
            "grid": "sinc quadrature, odd functions on E = step…size·step",
            "grid_rtol": r.rtol,
            "label": label(r),
            "verdict": f"{label(r)}. {paragraph(r)}",
            "warnings": "; ".join(r.warnings),
            **conditions,
        },
    )
