"""The real axis of a superconductor as a labelled dataset, in any units."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr


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
