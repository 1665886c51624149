"""The bound that the stability of the normal metal sets to a design, and its smooth form."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...electrons.weight import inverse_quasiparticle_weight
from ...grids.energies import EnergyGrid
from ...numerics.minima import refine_minimum
from ...spectra.moments import maximum_frequency
from ...spectra.spectrum import EliashbergFunction, Scalar
from ...stability.critical import Criterion
from ...stability.pencil import stability_pencil
from ...thermodynamics.specific_heat import specific_heat_ratio


@dataclasses.dataclass(frozen=True)
class StabilityBound:
    """margin ≥ least by a criterion at a temperature; see `jaxelph.margin`.

    The kinetic margin of narrow peaks, like that of δ modes, belongs to its grid.

    Args:
        criterion: "weight", "heat" or "kinetic".
        temperature (scalar, energy): T > 0.
        least (scalar): the margin that is kept.
        grid: for "kinetic", which needs one: the same for all λ.

    Raises:
        ValueError: the kinetic criterion without a grid.

    Example:
        >>> bound = StabilityBound("heat", 10.0, least=0.2)
        >>> print(bound.criterion, bound.least)
        heat 0.2
    """

    criterion: Criterion
    temperature: float
    least: float = 0.0
    grid: EnergyGrid | None = None

    def __post_init__(self):
        if self.criterion == "kinetic" and self.grid is None:
            raise ValueError("StabilityBound: criterion 'kinetic' needs grid=, the same for all λ.")


# Soft modes that are kept above the bound together: at an optimum several tend to touch it.
SOFT = 4


# The value of one that does not exist; it bounds nothing.
_ABSENT = 10.0


def soft_values(
    spectrum: EliashbergFunction,
    criterion: Criterion,
    temperature: Scalar,
    grid: EnergyGrid | None = None,
) -> Float[Array, " soft"]:
    """The least values of one criterion's form, ascending, of which the first is its `margin`.

    They are the deepest minima of Z0⁻¹(E), the lowest eigenvalues of Ã, or the one ratio of
    specific heats. Two of them meet where an optimum presses both against one bound; the least
    of them has a kink there, while each by itself is smooth.

    Args:
        spectrum: an Eliashberg function.
        criterion: see `jaxelph.margin`.
        temperature (scalar, energy): T > 0.
        grid: for "kinetic".

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(soft_values(EinsteinModes([1.0, 3.0], [0.6, 0.6]), "weight", 0.2).round(4))
        [-0.9452  1.2474 10.     10.    ]
    """
    if criterion == "heat":
        return specific_heat_ratio(spectrum, temperature)[None]
    if criterion == "kinetic":
        assert grid is not None
        return jnp.linalg.eigvalsh(stability_pencil(spectrum, temperature, grid).A)[:SOFT]

    def weight(energy):
        return inverse_quasiparticle_weight(spectrum, temperature, energy)

    top = jax.lax.stop_gradient(maximum_frequency(spectrum) + 12 * temperature)
    energies = top * jnp.arange(1, 513) / 512
    values = jax.lax.stop_gradient(weight(energies))
    lowest = (values[1:-1] < values[:-2]) & (values[1:-1] < values[2:])
    lowest = jnp.concatenate([jnp.zeros(1, bool), lowest, jnp.zeros(1, bool)])
    depth, where = jax.lax.top_k(jnp.where(lowest, -values, -_ABSENT), SOFT)

    def refined(index):
        near = jnp.abs(jnp.arange(512) - index) <= 1
        return weight(refine_minimum(weight, energies, jnp.where(near, values, _ABSENT)))

    return jnp.where(depth > -_ABSENT, jax.vmap(refined)(where), _ABSENT)
