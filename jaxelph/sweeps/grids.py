"""Energy grids inside a traced function: one size for many spectra and temperatures."""

import jax.numpy as jnp

from ..grids.energies import EnergyGrid
from ..grids.kernels import minimum_weight_on_grid
from ..grids.refined import RefinedGrid
from ..spectra.spectrum import EliashbergFunction, Scalar


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
    start = EnergyGrid(jnp.maximum(step, cutoff / size), size)
    aligned = EnergyGrid(step, size).aligned(
        minimum_weight_on_grid(spectrum, temperature, start)[1]
    )
    return EnergyGrid(jnp.maximum(aligned.step, cutoff / size), size)


def margin_grid(
    spectrum: EliashbergFunction, temperature: Scalar, step: Scalar, cutoff: Scalar, size: int
) -> EnergyGrid | RefinedGrid:
    """The grid on which `margin` works without one: refined for a smooth α²F.

    Args:
        spectrum, temperature, step, cutoff, size: see `aligned_grid`.

    Example:
        >>> from jaxelph import GaussianPeaks, critical_coupling
        >>> s = GaussianPeaks([50.0], [5.0], [1.0])
        >>> grid = margin_grid(s, 12.0, 4.0, 360.0, 96)
        >>> print(f"{critical_coupling(s, 12.0, grid=grid):.5f}")
        1.44098
    """
    if not spectrum.smooth:
        return aligned_grid(spectrum, temperature, step, cutoff, size)
    # Its nodes are where they need be: the step is not adjusted.
    base = EnergyGrid(jnp.maximum(step, cutoff / size), size)
    return RefinedGrid.around(spectrum, temperature, base)
