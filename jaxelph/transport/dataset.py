"""The labelled dataset of transport properties."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..units import KELVIN

if TYPE_CHECKING:
    import xarray as xr


def transport_dataset(found: Any) -> "xr.Dataset":
    """Scalars, and arrays over temperature, light and the phonons' frequency.

    Args:
        found: a `TransportProperties`.
    """
    import xarray as xr

    f = found
    told = "ρ(T)" if f.unit == "µΩ cm" else "ρ(T)·(ħω_p)²"
    over_t = {
        "rate": (f.rate, "transport scattering rate ħ/τ", "meV"),
        "exponent": (f.exponent, "d ln(1/τ)/d ln T", "1"),
        "bloch_rate": (f.bloch_rate, "ħ/τ of Bloch and Grüneisen, same λ and ⟨ω²⟩", "meV"),
        "linear_rate": (f.linear_rate, "2πλ_tr T", "meV"),
        "fifth_rate": (f.fifth_rate, "T⁵ law of Bloch and Grüneisen", "meV"),
        "resistivity": (f.resistivity, f"resistivity, {told}", f.unit),
        "lorenz_ratio": (f.lorenz, "Lorenz ratio L/L0, lowest order", "1"),
        "thermal_conductivity": (f.heat, "electronic thermal conductivity", "W/(K m)"),
    }
    over_light = {
        "optical_rate": (f.optical, "optical scattering rate ħ/τ(Ω), Shulga", "meV"),
        "drude_rate": (f.drude, "ħ/τ(Ω) of the extended Drude model", "meV"),
        "mass": (f.mass, "optical mass m*/m", "1"),
        "reflectivity": (f.reflectivity, "reflectivity R at normal incidence", "1"),
    }
    scalars = {
        "lambda_tr": (f.coupling, "transport coupling λ_tr", "1"),
        "omega_log": (f.omega_log / KELVIN, "logarithmic frequency", "K"),
        "bloch_temperature": (f.bloch / KELVIN, "Θ of Bloch and Grüneisen", "K"),
        "plasma": (f.plasma, "plasma energy ħω_p", "eV"),
        "residual": (f.residual, "residual resistivity ρ0", "µΩ cm"),
        "saturation": (f.saturation, "saturation resistivity", "µΩ cm"),
    }
    phonons = {"a2f": (f.a2f, f"{f.quantity}(ω)", "1")}
    if f.discrete:
        phonons = {"a2f_area": (f.a2f, f"area λ_k ω_k/2 of each δ mode of {f.quantity}", "meV")}
    data: dict[str, tuple] = {}
    for dimensions, values in (
        (("temperature",), over_t),
        (("shown", "light"), over_light),
        (("frequency",), phonons),
        ((), scalars),
    ):
        for key, (array, text, unit) in values.items():
            data[key] = (dimensions, np.asarray(array), {"long_name": text, "units": unit})
    kelvins = {"long_name": "temperature", "units": "K"}
    photon = {"long_name": "energy of light ħΩ", "units": "meV"}
    phonon = {"long_name": "phonon frequency", "units": "meV"}
    return xr.Dataset(
        data,
        {
            "temperature": ("temperature", f.temperatures, kelvins),
            "shown": ("shown", f.shown, kelvins),
            "light": ("light", f.light, photon),
            "frequency": ("frequency", f.frequencies, phonon),
        },
        {
            "kind": "transport",
            "name": f.name,
            "title": f"jaxelph transport {f.name}".strip(),
            "source": f.source,
            "quantity": f.quantity,
            "epsilon_infinity": f.background,
            "warnings": "; ".join(f.warnings),
        },
    )
