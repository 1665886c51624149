"""An evolution as a labelled dataset, in any units."""

from typing import TYPE_CHECKING

import numpy as np

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
            "time": ("time", np.asarray(evolution.times) * per_time, {"units": time_unit}),
            "energy": ("energy", np.asarray(evolution.energies), {"units": energy_unit}),
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
            "steps_rejected": int(evolution.stats["num_rejected_steps"]),
        },
    )
    return data
