"""Energy grids inside a traced function: one size for many spectra and temperatures."""

import jax.numpy as jnp

from ..equilibrium import minimum_weight
from ..grid import EnergyGrid
from ..spectrum import EliashbergFunction, Scalar


def size_for(top: float, step: float, cutoff: float) -> float:
    """How many energies `aligned_grid` needs at least; step and cutoff are from `grid_extent`.

    Example:
        >>> size_for(50.0, 5.0, 100.0)
        22.0
    """
    # Aligned to the least Z0⁻¹, at about the top of the spectrum, the step shrinks a little.
    return cutoff / step * (1 + step / top)


def aligned_grid(
    spectrum: EliashbergFunction, temperature: Scalar, step: Scalar, cutoff: Scalar, size: int
) -> EnergyGrid:
    """The grid of `EnergyGrid.suggest` with a size that was set before.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        step, cutoff (scalars, energy): from `grid_extent`.
        size: a static integer, at least `size_for(...)`.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> grid = aligned_grid(EinsteinModes([50.0], [1.0]), 12.5, 4.87, 360.0, 82)
        >>> print(f"{grid.step:.4f}")
        4.6717
    """
    aligned = EnergyGrid(step, size).aligned(minimum_weight(spectrum, temperature)[1]).step
    return EnergyGrid(jnp.maximum(aligned, cutoff / size), size)
