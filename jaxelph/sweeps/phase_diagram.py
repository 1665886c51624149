r"""Stability over coupling and temperature, for one shape of α²F.

At fixed T and shape every margin is 1 + λ·(number), so that one sweep over T gives the whole
plane: margin(λ, T) = 1 + λ s(T), and λ_c(T) = -1/s(T) where s < 0. Tc is a sweep over λ.
"""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from ..grids.energies import grid_extent, size_for
from ..spectra.moments import coupling_constant, maximum_frequency, phonon_edge
from ..spectra.resolution import at_temperature
from ..spectra.spectrum import EliashbergFunction
from ..stability.critical import CRITERIA, margin
from ..superconductivity.transition import check_repulsion, transition_under
from ..units import KELVIN
from .chunks import device_memory, padded_width
from .grids import margin_grid
from .space import points
from .sweep import sweep

_LARGEST_GRID = 3000

_LOGGER = logging.getLogger(__name__)


def phase_diagram(
    spectrum: EliashbergFunction,
    couplings: np.ndarray,
    temperatures: np.ndarray,
    *,
    mu_star: float = 0.1,
    omega_ph: float | None = None,
    cutoff: float | None = None,
    mu_star_at: str = "omega-ph",
    progress: Callable[[int, int], object] | None = None,
) -> xr.Dataset:
    """Margins by the three criteria over (λ, T), the critical lines, and Tc(λ).

    Args:
        spectrum: an Eliashberg function in meV; its λ does not matter.
        couplings (array of shape (coupling,)): λ ≥ 0.
        temperatures (array of shape (temperature,), K): T > 0.
        mu_star (scalar): μ* of Tc.
        omega_ph (meV), cutoff (meV), mu_star_at: of Tc, see `transition_temperature`.
        progress: called with (points done, points in all).

    Returns:
        A dataset: `margin_weight`, `margin_heat` (which is C_el over that of bare electrons)
        and `margin_kinetic` over (coupling, temperature), `lambda_c_…` over temperature,
        ∞ where there is none, and `tc` (K) over coupling.

    Raises:
        ValueError: an option of Tc cannot be meant, or a temperature is so low that its energy
            grid would be too large.
    """
    check_repulsion(spectrum, mu_star, cutoff, omega_ph, mu_star_at)
    transition = transition_under(mu_star, omega_ph=omega_ph, cutoff=cutoff, mu_star_at=mu_star_at)
    couplings, temperatures = (np.asarray(x, dtype=float) for x in (couplings, temperatures))
    own, top = float(coupling_constant(spectrum)), float(maximum_frequency(spectrum))
    low = KELVIN * float(np.min(temperatures))
    fine = at_temperature(spectrum, low)
    extents = np.array([grid_extent(fine, KELVIN * t) for t in temperatures])
    size = int(np.ceil(max(size_for(top, *extent) for extent in extents)))
    if size > _LARGEST_GRID:
        raise ValueError(
            f"temperature {low / KELVIN:g} K would take {size} energies, and {_LARGEST_GRID} are "
            "the limit; start from a higher temperature."
        )

    _LOGGER.info("grid: %d energies for each of %d temperatures", size, len(temperatures))

    def margins(temperature, step, cutoff):
        grid = margin_grid(fine, temperature, step, cutoff, size)
        return {name: margin(fine, temperature, criterion=name, grid=grid) for name in CRITERIA}

    def tc(coupling):
        return transition(spectrum.scaled(coupling / own))

    total = len(temperatures) + len(couplings)

    def after(start):
        def told(done, _):
            if progress is not None:
                progress(start + done, total)

        return told

    # On a processor few, so that progress is told often.
    at_once = padded_width(8) if device_memory() is None else None
    found = sweep(
        margins,
        points(temperature=KELVIN * temperatures, step=extents[:, 0], cutoff=extents[:, 1]),
        chunk=at_once,
        progress=after(0),
    )
    critical = sweep(
        tc, points(coupling=couplings), chunk=at_once, progress=after(len(temperatures))
    )
    data: dict[str, Any] = {
        "tc": ("coupling", critical["value"].values / KELVIN, {"long_name": "Tc", "units": "K"})
    }
    for name in CRITERIA:
        slope = (found[name].values - 1) / own
        lost = slope < 0
        line = np.where(lost, -1 / np.where(lost, slope, -1.0), np.inf)
        data[f"lambda_c_{name}"] = (
            "temperature",
            line,
            {"long_name": f"λ_c ({name})", "units": "1"},
        )
        plane = 1 + couplings[:, None] * slope[None, :]
        data[f"margin_{name}"] = (
            ("coupling", "temperature"),
            plane,
            {"long_name": f"margin ({name})", "units": "1"},
        )
    coordinates = {
        "coupling": ("coupling", couplings, {"long_name": "λ", "units": "1"}),
        "temperature": ("temperature", temperatures, {"long_name": "T", "units": "K"}),
    }
    conditions = {
        "mu_star": float(mu_star),
        "omega_ph_meV": float(phonon_edge(spectrum) if omega_ph is None else omega_ph),
        "cutoff_meV": np.inf if cutoff is None else float(cutoff),
        "mu_star_at": mu_star_at,
    }
    return xr.Dataset(data, coordinates, {"kind": "map", **conditions, "energies": size})
