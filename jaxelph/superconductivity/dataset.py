"""Labelled datasets: of a superconductor its numbers and curves over T, and of its real axis."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..units import KELVIN

if TYPE_CHECKING:
    import xarray as xr


def superconductor_dataset(found: Any) -> "xr.Dataset":
    """Scalars, and arrays over temperature and frequency; conditions (μ*, ω_c) are attributes.

    Args:
        found: a `Superconductor`.
    """
    import xarray as xr

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
    data: dict[str, tuple] = {
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
    data["density_of_states"] = (
        ("shown", "energy"),
        f.density,
        {
            "long_name": "density of states over the normal one, N(E)/ν0",
            "units": "1",
            "broadening_meV": f.broadening,
        },
    )
    energies = {"long_name": "energy from the Fermi level", "units": "meV"}
    kelvins = {"long_name": "temperature", "units": "K"}
    return xr.Dataset(
        data,
        {
            "temperature": ("temperature", f.temperatures, kelvins),
            "shown": ("shown", f.shown, kelvins),
            "energy": ("energy", f.energies, energies),
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


def real_axis_dataset(
    state: Any,
    *,
    mu_star: float | None = None,
    broadening: float = 0.0,
    name: str = "",
    energy_unit: str = "energy",
    per_temperature: float = 1.0,
    temperature_unit: str = "energy",
) -> "xr.Dataset":
    """Δ(E), Z(E) and N(E)/ν0 with the dimension energy and units in the attributes.

    Args:
        state: a `RealAxisState` at one temperature.
        mu_star (scalar): μ* that it was computed with.
        broadening (scalar, energy): η that it was computed with.
        name: of the metal.
        energy_unit: the unit of the state's energies.
        per_temperature (scalar): what one unit of the state's temperature is in the dataset's.
        temperature_unit: the latter's name.
    """
    import xarray as xr

    if np.ndim(state.temperature) != 0:
        raise ValueError(
            "a dataset holds one temperature; of a batch, take one with "
            "jax.tree.map(lambda leaf: leaf[k], batch)."
        )
    gap, weight = np.asarray(state.gap), np.asarray(state.renormalisation)
    over_energy = {
        "density_of_states": (
            np.asarray(state.density_of_states),
            "density of states over the normal one",
            "1",
        ),
        "gap_real": (np.real(gap), "Re Δ(E)", energy_unit),
        "gap_imag": (np.imag(gap), "Im Δ(E)", energy_unit),
        "renormalisation_real": (np.real(weight), "Re Z(E)", "1"),
        "renormalisation_imag": (np.imag(weight), "Im Z(E)", "1"),
    }
    data: dict[str, tuple] = {
        key: ("energy", values, {"long_name": text, "units": unit})
        for key, (values, text, unit) in over_energy.items()
    }
    data["edge"] = (
        (),
        float(state.edge),
        {"long_name": "gap edge, Re Δ(E) = E", "units": energy_unit},
    )
    energies = {"long_name": "energy from the Fermi level", "units": energy_unit}
    return xr.Dataset(
        data,
        coords={"energy": ("energy", np.asarray(state.energies), energies)},
        attrs={
            "kind": "real axis",
            "name": name,
            "equation": "isotropic Eliashberg equations, exact continuation to E + iη",
            "temperature": float(state.temperature) * per_temperature,
            "temperature_unit": temperature_unit,
            "mu_star": np.nan if mu_star is None else float(mu_star),
            "broadening": float(broadening),
        },
    )
