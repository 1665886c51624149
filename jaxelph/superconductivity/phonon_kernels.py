r"""What phonons do to functions on panels of real energies: ∫dE α²F(ω-E) k(ω-E) S(E), as matrices.

S is a polynomial on each panel, and α²F is smooth between its breaks: rows of a table, the top of
a Debye spectrum. Cut at both, the integral is exact up to rounding; a quadrature whose nodes are
the panels' would miss what lies between rows. Of δ modes it is S itself, interpolated.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from ..spectra.peaks import GaussianPeaks
from ..spectra.spectrum import DebyeSpectrum, EliashbergFunction, Scalar
from ..spectra.table import TabulatedSpectrum
from .real_grid import NODE, ORDER, WEIGHT, Panels

# Of a table no more rows than these break its integrals: with eight points in a piece, which may
# hold several rows, what is left of them is below what any table's values mean.
_MOST_BREAKS = 256
_INNER_NODE, _INNER_WEIGHT = np.polynomial.legendre.leggauss(8)


# Moments ∫ S P_k of a panel → weights of its nodes, on which P_k are orthogonal.
_TO_WEIGHTS = np.stack(
    [(k + 0.5) * WEIGHT * np.polynomial.legendre.Legendre.basis(k)(NODE) for k in range(ORDER)]
)


class Density(NamedTuple):
    """α²F(ω)/ω and where it is not smooth."""

    breaks: Float[Array, " break"]  # ≥ 0, ascending
    at: Callable  # ω > 0 → α²F(ω)/ω


def coupling_density(spectrum: EliashbergFunction) -> Density:
    """α²F/ω of a smooth spectrum at any frequency, as the spectrum has it between its rows.

    Raises:
        ValueError: the spectrum is not one whose α²F is known between its nodes.
    """
    if isinstance(spectrum, TabulatedSpectrum):
        rows = spectrum.omega.shape[0]
        chosen = np.arange(0, rows, -(-rows // _MOST_BREAKS))
        breaks = spectrum.omega[np.append(chosen[chosen < rows - 1], rows - 1)]
        values = spectrum.a2f / spectrum.omega
        return Density(
            jnp.append(0.0, breaks),
            lambda x: jnp.interp(x, spectrum.omega, values, left=0.0, right=0.0),
        )
    if isinstance(spectrum, DebyeSpectrum):
        top, slope = spectrum.cutoff, spectrum.coupling / spectrum.cutoff**2
        return Density(
            jnp.stack([jnp.zeros_like(top), top]), lambda x: jnp.where(x < top, slope * x, 0.0)
        )
    if isinstance(spectrum, GaussianPeaks):
        at = spectrum.omega[:, None] + spectrum.width[:, None] * jnp.arange(-8.0, 9.0)[None, :]
        breaks = jnp.sort(jnp.append(0.0, jnp.maximum(at.ravel(), 0.0)))
        return Density(breaks, lambda x: spectrum.a2f(x.ravel()).reshape(x.shape) / x)
    raise ValueError(
        f"α²F of a {type(spectrum).__name__} is known at its nodes only; give the table, or the "
        "peaks, that it was made from."
    )


class Kernels(NamedTuple):
    """Matrices, output by node, on functions at E > 0 and at -E.

    `boson` is with ω_ph [N(ω_ph)], `phonon` with ω_ph alone: the latter is to be multiplied by
    the Fermi functions at the nodes, which the integrand is then interpolated with.
    """

    boson: Float[Array, "2 output node"]
    phonon: Float[Array, "2 output node"]


def kernels(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    panels: Panels,
    outputs: Float[Array, " output"],
) -> Kernels:
    """∫dE α²F(ω-E) [N(ω-E) + …] on the panels, for each output ω.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): of N.
        panels: where the functions of E are polynomials. Those of the last go on beyond it.
        outputs (array of shape (output,), energy): ω > 0.
    """
    edges = panels.edges()
    count = panels.middle.shape[0]

    def bose(x):
        """x N(x), smooth."""
        ratio = x / temperature
        small = jnp.abs(ratio) < 1e-5
        exact = x / jnp.expm1(jnp.clip(jnp.where(small, 1.0, ratio), -300.0, 300.0))
        return jnp.where(small, temperature - x / 2, exact)

    def panel_of(energy):
        frozen = jax.lax.stop_gradient(energy)
        inner = jax.lax.stop_gradient(edges[1:-1])
        return jnp.searchsorted(inner, frozen, side="right")

    def place(energy, panel):
        """v of an energy on its panel; the last goes on."""
        slope, bend = panels.slope[panel], panels.bend[panel]
        above = energy - panels.middle[panel]
        square = slope**2 + 4 * bend * above
        # The root's slope is infinite at e, where an innermost panel ends.
        root = jnp.sqrt(jnp.where(square > 0, square, 1.0))
        v = 2 * above / (slope + jnp.where(square > 0, root, 0.0))
        return jnp.maximum(jnp.where(panel < count - 1, jnp.minimum(v, 1.0), v), -1.0)

    def weights_of(v, panel, negative, values):
        """Sums of values·ℓ_j(v) by panel and sign of E; arrays of shape (inner, piece)."""

        def legendre(state, k):
            before, value = state
            after = ((2 * k + 1) * v * value - k * before) / (k + 1)
            return (value, after), jnp.sum(values * value[None], 1)

        start = jnp.zeros_like(v), jnp.ones_like(v)
        moments = jax.lax.scan(legendre, start, jnp.arange(float(ORDER)))[1]  # (order, 2, piece)
        where = panel + count * negative
        total = jax.ops.segment_sum(jnp.moveaxis(moments, 2, 0), where, 2 * count)
        weights = jnp.einsum("pkf,kn->fpn", total, jnp.asarray(_TO_WEIGHTS))
        return weights.reshape(2, 2, count * ORDER)

    if spectrum.smooth:
        density = coupling_density(spectrum)
        top = density.breaks[-1]
        # The polynomials of the last panel go on as far as outputs on it ask for them.
        ends = edges.at[-1].add(1.5 * top)
        signed = jnp.concatenate([-ends[:0:-1], ends])

        def output(omega):
            cuts = jnp.concatenate([signed, omega - density.breaks, omega + density.breaks])
            cuts = jnp.sort(cuts)
            middle = (cuts[1:] + cuts[:-1]) / 2
            negative = middle < 0
            sign = jnp.where(negative, -1.0, 1.0)
            panel = panel_of(jnp.abs(middle))
            low, high = place(sign * cuts[:-1], panel), place(sign * cuts[1:], panel)
            half = (high - low) / 2
            inner = jnp.asarray(_INNER_NODE)[:, None]
            v = (high + low)[None, :] / 2 + half[None, :] * inner
            slope, bend = panels.slope[panel][None, :], panels.bend[panel][None, :]
            energy = panels.middle[panel][None, :] + slope * v + bend * v**2
            measure = jnp.abs(half)[None, :] * jnp.asarray(_INNER_WEIGHT)[:, None]
            measure = measure * (slope + 2 * bend * v)
            x = omega - sign[None, :] * energy
            size = jnp.abs(x)
            inside = (size < top) & (size > 0)
            measure = jnp.where(inside, measure * density.at(jnp.where(inside, size, top / 2)), 0.0)
            return weights_of(v, panel, negative, measure[None] * jnp.stack([bose(x), x]))

    else:
        modes, coupling = spectrum.modes()

        def output(omega):
            x = jnp.concatenate([modes, -modes])
            energy = omega - x
            negative = energy < 0
            panel = panel_of(jnp.abs(energy))
            v = place(jnp.abs(energy), panel)
            weight = jnp.concatenate([coupling, coupling]) / 2
            values = weight[None, :] * jnp.stack([bose(x), x])
            return weights_of(v[None, :], panel, negative, values[:, None, :])

    found = jax.lax.map(jax.checkpoint(output), outputs, batch_size=16)
    return Kernels(*jnp.moveaxis(found, 0, 2))  # (function, sign, output, node)


def occupied(
    nodes: Float[Array, " node"], height: Scalar, temperature: Scalar
) -> Complex[Array, "2 node"]:
    """f(-E) at E + iη, and at -E + iη."""
    x = (nodes + 1j * height) / temperature
    # Beyond this e^x is all there is.
    deep = jnp.exp(-jnp.where(x.real > 500, 500.0, x))
    return jnp.stack([1 / (1 + deep), jnp.conj(deep / (1 + deep))])
