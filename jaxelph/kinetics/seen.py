"""What experiments see of a run, computed once and put beside the run in its dataset."""

from typing import NamedTuple

import numpy as np

from .observables import energy_flow, optical_rate_change, photoemission
from .run import Run

#: Of photoemission, in meV, full width at half maximum: a good apparatus with short pulses.
RESOLUTION = 10.0
# Photon energies of the optical rate, up to so many times the highest phonon energy.
_LIGHT = np.linspace(0.125, 3.0, 24)
# Bare band energies of the lines, in units of the highest phonon energy: at the Fermi momentum,
# and where the line lies below the kink.
_BANDS = np.array([0.0, -2.0])
# Energies of photoemission: up to so many highest phonon energies and temperatures.
_PHONONS, _TEMPERATURES = 3.0, 8.0
# Lines are made as wide as so many steps of the grid, by elastic scattering.
_STEPS = 3.0


class Seen(NamedTuple):
    """Observables of a run in its own units; rows after its end are NaN.

    Args:
        energies (array of shape (seen,), energy): of photoemission, on both sides of E_F.
        bands (array of shape (band,), energy): ξ of the lines.
        light (array of shape (light,), energy): Ω of the optical rate.
        omega (array of shape (mode,), energy): of the modes of the flow.
        occupation (array of shape (time, seen)): f(E, t) with the resolution.
        lines (array of shape (time, band, seen), 1/energy): A(ξ, E) f(E, t) with the resolution.
        optical (array of shape (time, light), energy): change of the scattering rate.
        flow (array of shape (time, mode), energy³): from electrons to each mode.
        resolution, impurity (scalar, energy): full width at half maximum, elastic 1/τ.
    """

    energies: np.ndarray
    bands: np.ndarray
    light: np.ndarray
    omega: np.ndarray
    occupation: np.ndarray
    lines: np.ndarray
    optical: np.ndarray
    flow: np.ndarray
    resolution: float
    impurity: float


def what_is_seen(run: Run, resolution: float) -> Seen:
    """The observables of one run.

    Args:
        run: in meV, say.
        resolution (scalar, energy): of photoemission, full width at half maximum; lines have
            elastic scattering of the same width, at least three steps of the grid, since one that
            is narrower than the grid's step is not resolved.

    Example:
        >>> from jaxelph import EinsteinModes, EnergyGrid, evolve
        >>> run = evolve(EinsteinModes([2.0], [0.4]), 1.2, 1.0, EnergyGrid(0.4, 80), [0.0, 1.0])
        >>> seen = what_is_seen(run, 0.5)
        >>> print(seen.occupation.shape, seen.lines.shape, seen.optical.shape, seen.flow.shape)
        (2, 79) (2, 2, 79) (2, 24) (2, 1)
    """
    lattice, grid = run.lattice, run.grid
    omega = np.asarray(run.spectrum.modes()[0] if lattice is None else lattice.omega)
    step, top = float(grid.step), float(np.max(omega))
    hottest = float(np.nanmax(np.asarray(run.temperature)))
    most = (_PHONONS * top + _TEMPERATURES * hottest) / step
    reach = int(np.clip(np.ceil(most), 1, grid.size))
    impurity = max(resolution, _STEPS * step)
    bands, light = top * _BANDS, top * _LIGHT
    near = slice(grid.size - reach, grid.size + reach + 1)
    lines = photoemission(run, resolution, band_energy=bands, impurity=impurity)
    return Seen(
        energies=step * np.arange(-reach, reach + 1),
        bands=bands,
        light=light,
        omega=omega,
        occupation=np.asarray(photoemission(run, resolution))[:, near],
        lines=np.asarray(lines)[..., near],
        optical=np.asarray(optical_rate_change(run, light)),
        flow=np.asarray(energy_flow(run)),
        resolution=resolution,
        impurity=impurity,
    )


def with_observables(data, seen: Seen, per_time: float):
    """A dataset in meV and ps with the observables of its run.

    Args:
        data (xarray.Dataset): of `evolution_dataset`.
        seen: of the same run.
        per_time (scalar, ps meV): one unit of the run's time in ps.
    """
    told = {"resolution": seen.resolution}
    new = data.assign(
        photoemission=(
            ("time", "seen_energy"),
            seen.occupation,
            {"long_name": "f(E, t) of all momenta together with the resolution", "units": "1"}
            | told,
        ),
        photoemission_lines=(
            ("time", "band_energy", "seen_energy"),
            seen.lines,
            {"long_name": "A(ξ, E) f(E, t) with the resolution", "units": "1/meV"}
            | told
            | {"impurity_rate": seen.impurity},
        ),
        optical_rate_change=(
            ("time", "light_energy"),
            seen.optical,
            {"long_name": "change of the scattering rate 1/τ(Ω) that light sees", "units": "meV"},
        ),
        energy_flow=(
            ("time", "mode"),
            seen.flow / per_time,
            {
                "long_name": "energy from electrons to phonons, mode by mode, over twice the "
                "density of states",
                "units": "(meV)^2/ps",
            },
        ),
    )
    axis = {"units": "meV"}
    return new.assign_coords(
        seen_energy=("seen_energy", seen.energies, axis | {"long_name": "E of photoemission"}),
        band_energy=("band_energy", seen.bands, axis | {"long_name": "ξ of the bare band"}),
        light_energy=("light_energy", seen.light, axis | {"long_name": "Ω of the light"}),
        frequency=("mode", seen.omega, axis | {"long_name": "ω of the phonon"}),
    )
