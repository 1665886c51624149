r"""Panels of real energies on which the superconductor's Green's functions are smooth.

With an edge at e, the densities at low T have an inverse square root there, and what phonons make
of it at e + ω wherever α²F has a kink or a jump at ω. Nodes are Gauss's on panels

    E = middle + slope v + bend v²,   |v| ≤ 1,

which end at e, at e + top, and at e plus the frequencies of the spectrum; next to e and to
e + top the map is quadratic, which takes a square root away. Towards e panels shrink by 16, down
to 1e-10 of it: between T = 0 and T_c the singularity moves off the real axis by anything. How
many panels there are is fixed; where they lie follows the edge and the spectrum.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

ORDER = 12  # Gauss-Legendre nodes of a panel
NODE, WEIGHT = np.polynomial.legendre.leggauss(ORDER)
# Panels shrink by this in √(E - e).
_RATIO = 4.0
# Beyond the spectrum's top, in units of it. The gap is 1/E² from its limit there.
_FAR = np.array([2.5, 3, 4, 5, 7, 10, 15, 23, 35])
# What a jump of α²F makes at e + top comes again, weaker, at multiples of it.
_AGAIN = np.append(np.arange(0.06, 2.5, 0.06), _FAR)
_BEYOND = np.array([0.06, 0.12, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 5, 7, 10, 15, 23, 35])


class Panels(NamedTuple):
    """Maps of v to E, in ascending order, from E = 0 on without a gap between them."""

    middle: Float[Array, " panel"]
    slope: Float[Array, " panel"]
    bend: Float[Array, " panel"]

    def edges(self) -> Float[Array, " edge"]:
        """Ends of the panels."""
        low = self.middle - self.slope + self.bend
        return jnp.append(low, self.middle[-1] + self.slope[-1] + self.bend[-1])

    def nodes(self) -> Float[Array, " node"]:
        """Their energies, ascending."""
        v = jnp.asarray(NODE)[None, :]
        return (self.middle[:, None] + self.slope[:, None] * v + self.bend[:, None] * v**2).ravel()

    def weights(self) -> Float[Array, " node"]:
        """Of integrals over E up to the last edge."""
        v = jnp.asarray(NODE)[None, :]
        rise = self.slope[:, None] + 2 * self.bend[:, None] * v
        return (rise * jnp.asarray(WEIGHT)[None, :]).ravel()


def graded_panels(
    edge: Float[Array, ""],
    offsets: Float[Array, " offset"],
    levels: int,
    inner: int,
    jump: bool = False,
) -> Panels:
    """Panels for an edge and a spectrum.

    Args:
        edge (scalar, energy): e > 0, where they shrink.
        offsets (array of shape (offset,), energy): ascending frequencies, up to the top.
        levels: how often they shrink towards e.
        inner: panels of equal width from 0 to e/2, of which the first shrink towards 0.
        jump: whether α²F has one at its top.
    """
    half, top, ends = edge / 2, offsets[-1], edge + offsets
    # Towards 0, up to half of the edge.
    small = np.append(0.0, 2.0 ** np.arange(-5, 1)) / inner
    straight = half * jnp.asarray(np.append(small, np.arange(2, inner + 1) / inner))
    below = _straight(straight)
    # Towards the edge, where E = e ± c u².
    u = jnp.asarray(np.append(_RATIO ** -np.arange(levels + 1.0), 0.0))
    down, up = _curved(edge, -half, u), _curved(edge, offsets[0], u[::-1])
    # One more square root at the top, from both sides.
    beyond = top * jnp.asarray(_AGAIN if jump else _BEYOND)
    last, zero_one = ends[-1] - ends[-2], jnp.array([0.0, 1.0])
    pieces = [
        below,
        down,
        up,
        _straight(ends[:-1]),
        _curved(ends[-1], -last, zero_one[::-1]),
        _curved(ends[-1], beyond[0], zero_one),
        _straight(ends[-1] + beyond),
    ]
    return Panels(*(jnp.concatenate(x) for x in zip(*pieces, strict=True)))


def _straight(edges):
    zero = jnp.zeros_like(edges[1:])
    return Panels((edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2, zero)


def _curved(start, reach, u):
    """E = start + reach u², between each u and the next."""
    m, h = (u[:-1] + u[1:]) / 2, (u[1:] - u[:-1]) / 2
    return Panels(start + reach * m**2, 2 * reach * m * h, reach * h**2)
