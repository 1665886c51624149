"""Everything at one temperature but eigenvalues, one compiled program for each size of grid."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from ..grids.convolution import FoldedConvolution
from ..grids.energies import EnergyGrid
from ..grids.kernels import coupling_kernel, minimum_weight_on_grid, weight_on_grid
from ..grids.refined import RefinedGrid
from ..grids.sinc import HALF_WINDOW, interpolate_oversampled
from ..numerics.kept import kept
from ..stability.critical import coarsened
from ..stability.pencil import edge_of_band, margin_form, stability_pencil
from ..stability.rates import continuum_rate, two_temperature_rate
from ..thermodynamics.specific_heat import specific_heat_ratio

# What is compiled for a size of the grid and a number of nodes takes tens of megabytes, and file
# after file may ask for others: the last few are kept.
_KEPT = 6


def sample(spectra, coarse_spectrum, temperature, step, size, energies, whole=True):
    """`_everything`, compiled for this size and these shapes."""
    arguments = (spectra, coarse_spectrum, temperature, step, energies, np.bool_(whole))
    leaves, structure = jax.tree.flatten(arguments)
    return _compiled(size, structure, *(np.shape(leaf) for leaf in leaves))(*arguments)


@functools.lru_cache(maxsize=_KEPT)
def _compiled(size, *shapes):
    """A function of its own for each: what is dropped here gives its memory back."""

    def everything(*arguments):
        return _everything(*arguments, size=size)

    return kept(jax.jit(everything), size)


def _everything(spectra, coarse_spectrum, temperature, step, energies, whole, *, size):
    """Everything at one temperature but eigenvalues; Z0⁻¹ on `energies` up to 1.5 ω_max.

    Where it is not to be `whole`, only what the margins need, at a quarter of the time: the rest
    is 0. Both are one program.

    `spectra` are one with its nodes and with coarser ones, of one shape; of `coarse_spectrum`,
    whose nodes are those of the function itself, is the specific heat.
    """
    spectrum = spectra[0]
    grid = EnergyGrid(step, size)
    weight, energy = minimum_weight_on_grid(spectrum, temperature, grid)
    grid = grid.aligned(energy)

    def pencil():
        found = stability_pencil(spectrum, temperature, grid)
        return found.A, found.M

    matrix = jax.ShapeDtypeStruct((size, size), grid.step.dtype)
    a, m = _if(whole, pencil, (matrix, matrix))
    # For `grid_error`, whose grid this is but for a cutoff that is higher than need be.
    coarse = EnergyGrid(coarsened(spectrum) * grid.step, size).aligned(energy)

    def form(step, spectrum):
        """Whose lowest eigenvalue is the margin, and its energies."""
        grid = EnergyGrid(step, size)
        suited = RefinedGrid.if_smooth(spectrum, temperature, grid, centre=energy)
        found = margin_form(spectrum, temperature, suited)
        edge = edge_of_band(spectrum, temperature, suited) if spectrum.smooth else None
        return found.A, found.energies, edge

    # The grid reaches beyond the top of the spectrum, three times as many half-steps beyond 1.5.
    fine = EnergyGrid(0.5 * grid.step, 3 * size + HALF_WINDOW)

    def inverse_weight():
        exchange = FoldedConvolution(coupling_kernel(spectrum, fine))
        shown = weight_on_grid(exchange, temperature, fine, first=0)
        return interpolate_oversampled(shown, energies / fine.step)

    # One after the other: compiled once.
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *spectra)
    steps, asked = jnp.stack([grid.step, coarse.step]), jnp.stack([jnp.array(True), whole])
    kinds = jax.eval_shape(form, grid.step, spectrum)
    forms, nodes, edges = jax.lax.map(
        lambda each: _if(each[0], lambda: form(*each[1:]), kinds), (asked, steps, stacked)
    )
    matrices = {
        "A": (a, grid.energies),
        "M": (m, grid.energies),
        "form": (forms[0], nodes[0]),
        "coarse": (forms[1], nodes[1]),
    }
    heat = specific_heat_ratio(coarse_spectrum, temperature)
    numbers = {
        "inverse_weight": _if(whole, inverse_weight, energies),
        "weight": weight,
        "energy": energy,
        "step": grid.step,
        "heat": heat,
        # The nodes' own specific heat, which the rate is over, gives way to the function's.
        "flow": two_temperature_rate(spectrum, temperature)
        * specific_heat_ratio(spectrum, temperature)
        / heat,
        "continuum": continuum_rate(spectrum, temperature),
    }
    if edges is not None:
        numbers["edge"] = edges[0]
    return {"matrices": matrices, "numbers": numbers}


def _if(wanted, function, kinds):
    """What the function returns, or zeros of these shapes where it is not wanted."""

    def zeros():
        return jax.tree.map(lambda kind: jnp.zeros(kind.shape, kind.dtype), kinds)

    return jax.lax.cond(wanted, function, zeros)
