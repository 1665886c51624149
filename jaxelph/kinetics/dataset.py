"""An evolution as a labelled dataset, in any units."""

from typing import TYPE_CHECKING

import numpy as np

from ..units import KELVIN
from .run import Run, outcome

if TYPE_CHECKING:
    import xarray as xr


def evolution_dataset(
    evolution: Run,
    *,
    per_time: float = 1.0,
    per_temperature: float = 1.0,
    time_unit: str = "1/energy, rescaled by π",
    energy_unit: str = "energy",
    temperature_unit: str = "energy",
) -> "xr.Dataset":
    """The run with dimensions time and energy and units in the attributes.

    Args:
        evolution: one run.
        per_time, per_temperature: what one unit of the run's time and temperature is in
            the units of the dataset.
        time_unit, energy_unit, temperature_unit: their names.
    """
    import xarray as xr

    if evolution.f.ndim != 2:
        raise ValueError(
            "a dataset holds one run; of a batch, take one with "
            "jax.tree.map(lambda leaf: leaf[k], batch)."
        )
    temperature = np.asarray(evolution.temperature) * per_temperature
    data = xr.Dataset(
        {
            "f": (
                ("time", "energy"),
                np.asarray(evolution.f),
                {"long_name": "electron distribution", "units": "1"},
            ),
            "deviation": (
                ("time", "energy"),
                np.asarray(evolution.deviation),
                {"long_name": "f - f0(T0)", "units": "1"},
            ),
            "electron_temperature": (
                "time",
                temperature,
                {
                    "long_name": "temperature of a Fermi distribution with the same kinetic energy",
                    "units": temperature_unit,
                },
            ),
            "electron_energy": (
                "time",
                np.asarray(evolution.energy),
                {
                    "long_name": "energy above equilibrium over twice the density of states, "
                    "interaction included",
                    "units": f"({energy_unit})^2",
                },
            ),
            "energy_error": (
                "time",
                np.asarray(evolution.energy_error),
                {"long_name": "energy balance error over the largest energy", "units": "1"},
            ),
        },
        coords={
            "time": (
                "time",
                np.asarray(evolution.times) * per_time,
                {"long_name": "time", "units": time_unit},
            ),
            "energy": (
                "energy",
                np.asarray(evolution.energies),
                {"long_name": "energy from the Fermi level", "units": energy_unit},
            ),
        },
        attrs={
            "kind": "evolution",
            "equation": "(1 - Σ'[f]) ∂f/∂t + f' ∂Σ[f]/∂t = I[f], phonons in equilibrium at T0",
            "phonon_temperature": float(evolution.equation.temperature) * per_temperature,
            "phonon_temperature_as_energy": float(evolution.equation.temperature),
            "result": outcome(evolution),
            "reached": float(evolution.reached) * per_time,
            "grid_step": float(evolution.grid.step),
            "grid_size": int(evolution.grid.size),
            "steps_accepted": int(evolution.stats["num_accepted_steps"]),
            "electron_collisions": collisions_told(evolution),
            "steps_rejected": int(evolution.stats["num_rejected_steps"]),
        },
    )
    if evolution.lattice is not None:
        data = _with_lattice(data, evolution, per_temperature, energy_unit, temperature_unit)
    return data


def collisions_told(evolution: Run) -> str:
    """Which collisions between electrons there were."""
    electrons = evolution.equation.electrons
    return "none" if electrons is None else electrons.kind


def _with_lattice(data, evolution, per_temperature, energy_unit, temperature_unit):
    """The phonons that move, and where the energy is."""
    told = {"units": f"({energy_unit})^2"}
    energies = {
        "phonon_energy": (evolution.phonon_energy, "energy of the phonons above equilibrium"),
        "escaped_energy": (evolution.escaped, "energy lost to the bath of the phonons"),
        "absorbed_energy": (evolution.absorbed, "energy brought by the pulse"),
    }
    temperature = np.asarray(evolution.phonon_temperature) * per_temperature
    lattice = lattice_temperature(evolution) * per_temperature
    return (
        data.assign(
            phonon_occupation=(
                ("time", "mode"),
                np.asarray(evolution.phonons),
                {"long_name": "phonon occupation N_k", "units": "1"},
            ),
            phonon_temperature=(
                ("time", "mode"),
                temperature,
                {"long_name": "temperature at which N_k is that of equilibrium"}
                | {"units": temperature_unit},
            ),
            lattice_temperature=(
                "time",
                lattice,
                {
                    "long_name": "temperature of phonons with the same energy",
                    "units": temperature_unit,
                },
            ),
            **{
                name: (
                    "time",
                    np.asarray(values),
                    {"long_name": f"{text} over twice the density of states"} | told,
                )
                for name, (values, text) in energies.items()
            },
        )
        .assign_coords(
            frequency=(
                "mode",
                np.asarray(evolution.lattice.omega),
                {"long_name": "frequency of the mode", "units": energy_unit},
            ),
            # F_k/2ν0: what a mode counts.
            weight=(
                "mode",
                phonon_weights(evolution),
                {"long_name": "F_k/2ν0, what a mode counts", "units": energy_unit},
            ),
        )
        .assign_attrs(equation="(1 - Σ'[f]) ∂f/∂t + f' ∂Σ[f]/∂t = I[f, N], phonons that move")
    )


def phonon_weights(evolution: Run) -> np.ndarray:
    """F_k/2ν0 of each mode, 0 where the phonons keep their occupation."""
    assert evolution.lattice is not None
    coupling = np.asarray(evolution.lattice.coupling)
    return np.where(coupling > 0, 1 / np.where(coupling > 0, coupling, 1.0), 0.0)


def lattice_temperature(evolution: Run) -> np.ndarray:
    """T_l at which phonons in equilibrium have the energy that they have, time by time."""
    assert evolution.lattice is not None
    omega = np.asarray(evolution.lattice.omega)
    energy = phonon_weights(evolution) * omega
    bath = float(evolution.equation.temperature)
    if not np.any(energy > 0):
        return np.full(evolution.times.shape, bath)
    stored = np.asarray(evolution.phonon_energy)

    def total(temperature):
        return (1 / np.expm1(np.minimum(omega / temperature[:, None], 700.0))) @ energy

    wanted = stored + total(np.array([bath]))
    low, high = np.full(stored.shape, np.log(bath) - 3), np.full(stored.shape, np.log(bath) + 7)
    for _ in range(60):
        middle = (low + high) / 2
        above = total(np.exp(middle)) > wanted
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.where(np.isfinite(stored), np.exp((low + high) / 2), np.nan)


def lattice_numbers(evolution: Run) -> dict:
    """What the phonons add to a result's plain numbers, temperatures in K of a run in meV."""
    return {
        "lattice_temperatures_K": lattice_temperature(evolution) / KELVIN,
        "phonon_energies_meV2": np.asarray(evolution.phonon_energy),
        "electron_energies_meV2": np.asarray(evolution.energy),
        "escaped_energies_meV2": np.asarray(evolution.escaped),
        "absorbed_energies_meV2": np.asarray(evolution.absorbed),
    }
