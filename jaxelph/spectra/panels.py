r"""Quadrature nodes of a piecewise-linear density, whatever its rows.

The density of coupling ρ = 2α²F/ω of a table is linear between rows. Cut into panels, each
with nodes x_j, it is integrated against a kernel k by

    ∫ ρ k dω = Σ_j w_j k(x_j),        w_j = ∫ ρ L_j dω,

with L_j the Lagrange polynomials of the panel's nodes: k is interpolated, ρ is integrated
exactly. So rows far finer than a panel are merged without loss, rows far coarser are resolved,
and what remains, the interpolation of k, converges geometrically: with n nodes on a panel of
half-width a, and k's nearest singularity at distance d from its centre across it, as

    [d/a + √(1 + d²/a²)]⁻ⁿ.

Fermi functions have d = πT. Bose functions, Matsubara sums, powers and logarithms are singular
on the imaginary axis only, and panels as wide as their distance to ω = 0 serve them at any T.
"""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

# Nodes on a panel: fewer would need narrower panels, more of them in all.
ORDER = 24
_NODE, _WEIGHT = np.polynomial.legendre.leggauss(ORDER)
# A panel's width over the largest distance of its nodes.
WIDTH = 2 / float(np.max(np.diff(_NODE)))
# Each panel ends at no more than this many times its beginning: 1e-13 for functions that are
# singular on the imaginary axis.
_RATIO = 3.0
#: Nodes of which the widest gap is T over this: panels as wide as 4 T. The error is 1e-10 and
#: less for Fermi functions, and an energy grid for T has no finer step.
NODES_PER_T = 4.0
#: As many nodes as lie on a step of an energy grid: sin ωq, q up to the end of its band, then turns
#: by no more than π/2 from one node to the next, and Gauss's rule has it to 1e-10. With one node
#: it would not see the fastest q at all, and the grid grow modes of nodes rather than of α²F.
NODES_PER_STEP = 2.0
#: The largest number of panels; beyond it memory and time have no bound.
MOST = 1 << 14


def _legendre(x) -> Iterator[Any]:
    """P_0(x) … P_(n-1)(x), one after the other: of long tables two at a time are enough."""
    before, value = 0 * x, 0 * x + 1
    for k in range(ORDER):
        yield value
        before, value = value, ((2 * k + 1) * x * value - k * before) / (k + 1)


# Moments ∫ρ P_k of a panel → its weights: the nodes are Gauss's, on which P_k are orthogonal.
_TO_WEIGHTS = (np.stack(list(_legendre(_NODE))) * _WEIGHT) * (np.arange(ORDER) + 0.5)[:, None]
# Exact for a linear density times P_(n-1).
_INNER_NODE, _INNER_WEIGHT = np.polynomial.legendre.leggauss(ORDER // 2 + 1)


def panel_nodes(
    omega: Float[Array | np.ndarray, " row"],
    density: Float[Array | np.ndarray, " row"],
    edges: Float[Array | np.ndarray, " edge"],
) -> tuple[Any, Any]:
    """Nodes and weights for a density that is linear between rows; NumPy's or JAX's.

    Linear in the density. Derivatives by ω, too, are those of the exact integrals, as far as
    the kernel is interpolated.

    Args:
        omega (array of shape (row,)): ascending.
        density (array of shape (row,)): at these.
        edges (array of shape (edge,)): of the panels, from omega[0] to omega[-1], ascending.
            Where two coincide the panel's nodes have no weight.

    Returns:
        (nodes, weights): arrays of shape (panel * ORDER,).

    Example:
        >>> rows = np.linspace(1.0, 2.0, 1001)
        >>> x, w = panel_nodes(rows, rows, np.array([1.0, 2.0]))
        >>> print(len(x), f"{w @ np.sin(x):.12f}")  # ∫ x sin x
        24 1.440422420980
    """
    xp = np if isinstance(density, np.ndarray) and isinstance(omega, np.ndarray) else jnp
    points = xp.sort(xp.concatenate([omega, edges]))
    middle, half = (points[1:] + points[:-1]) / 2, (points[1:] - points[:-1]) / 2
    frozen = middle if xp is np else jax.lax.stop_gradient(middle)

    def interval(ends):  # in which each piece lies
        ends = ends if xp is np else jax.lax.stop_gradient(ends)
        return xp.clip(xp.searchsorted(ends, frozen, side="right") - 1, 0, ends.shape[0] - 2)

    row, panel = interval(omega), interval(edges)
    count = edges.shape[0] - 1
    span = omega[row + 1] - omega[row]
    slope = (density[row + 1] - density[row]) / xp.where(span > 0, span, 1.0)
    centre, reach = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    # Points of every piece, (inner node, piece).
    x = middle[None, :] + half[None, :] * _INNER_NODE[:, None]
    weight = half[None, :] * _INNER_WEIGHT[:, None]
    value = (density[row][None, :] + slope[None, :] * (x - omega[row][None, :])) * weight
    inside = (x - centre[panel][None, :]) / xp.where(reach > 0, reach, 1.0)[panel][None, :]
    moments = xp.stack([xp.sum(value * p, axis=0) for p in _legendre(inside)], axis=1)
    if xp is np:
        total = np.stack([np.bincount(panel, m, count) for m in moments.T], axis=1)
    else:
        total = jax.ops.segment_sum(moments, panel, count, indices_are_sorted=True)
    nodes = centre[:, None] + reach[:, None] * _NODE[None, :]
    return nodes.ravel(), (total @ _TO_WEIGHTS).ravel()


def geometric_edges(omega: Float[Array | np.ndarray, " row"], panels: int = 12) -> Any:
    """Edges in one ratio from the first row to the last, which may be traced.

    For functions of ω that are singular on the imaginary axis only: twelve panels give 1e-12
    for ranges up to 1e6, and lose few digits beyond.
    """
    xp = np if isinstance(omega, np.ndarray) else jnp
    first, last = omega[0], omega[-1]
    inner = first * (last / first) ** (np.arange(1, panels) / panels)
    return xp.concatenate([first[None], inner, last[None]])


def thermal_edges(
    omega: np.ndarray, carries: Bool[np.ndarray, " interval"], spacing: float
) -> np.ndarray:
    """Edges with nodes no further apart than `spacing` where the table carries coupling.

    Elsewhere, and near ω = 0, the panels widen in proportion to ω.

    Args:
        omega (array of shape (row,)): ascending, > 0.
        carries (array of shape (row - 1,)): which intervals do.
        spacing (scalar): > 0.

    Raises:
        ValueError: more than `MOST` panels would be needed.
    """
    width, carries = WIDTH * spacing, carries.copy()
    # Gaps narrower than a panel are none: as many panels would be needed as there are gaps.
    ends = np.flatnonzero(np.diff(np.concatenate([[True], carries, [True]]).astype(int)))
    for a, b in zip(ends[::2], ends[1::2], strict=True):
        if a < b and omega[b] - omega[a] < width:
            carries[a:b] = True
    # Stretches of one kind: where `carries` changes.
    change = np.flatnonzero(np.diff(carries.astype(int))) + 1
    starts, stops = np.append(0, change), np.append(change, len(carries))
    needed = float(np.sum((omega[stops] - omega[starts])[carries[starts]])) / width
    if not needed <= MOST:
        raise ValueError(
            f"spacing {spacing:.3g} is too fine for a table up to {omega[-1]:.4g}: it would take "
            f"{needed * ORDER:.2g} quadrature nodes, and {MOST * ORDER} are the limit; the lowest "
            f"temperature that is possible is about {needed / MOST * spacing * NODES_PER_T:.2g}."
        )
    pieces = []
    for a, b in zip(starts, stops, strict=True):
        low, high = omega[a], omega[b]
        at = [low]
        # Geometric up to where a panel is as wide as may be, equidistant from there on.
        bound = high if not carries[a] else min(high, max(low, width / (_RATIO - 1)))
        if bound > low:
            steps = int(np.ceil(np.log(bound / low) / np.log(_RATIO) - 1e-9))
            at += list(low * (bound / low) ** (np.arange(1, steps + 1) / steps))
        if high > bound:
            steps = int(np.ceil((high - bound) / width - 1e-9))
            at += list(bound + (high - bound) * np.arange(1, steps + 1) / steps)
        pieces.append(at[:-1])
    return np.append(np.concatenate(pieces), omega[-1])


def panels_below(omega: np.ndarray) -> int:
    """How many panels more a table would have that began at 1e-4 of its last row.

    Tables of one metal begin anywhere above ω = 0, the finer ones lower. With room for these
    panels they all have nodes of one number, and share what is compiled for it.

    Example:
        >>> panels_below(np.array([0.3, 30.0])), panels_below(np.array([1e-3, 30.0]))
        (5, 0)
    """
    return max(0, int(np.ceil(np.log(1e4 * omega[0] / omega[-1]) / np.log(_RATIO))))


def widest_panel(
    omega: np.ndarray, carries: Bool[np.ndarray, " interval"], edges: np.ndarray
) -> float:
    """The width of the widest panel that any coupling lies in."""
    count = np.append(0, np.cumsum(carries))
    first = np.searchsorted(omega, edges[:-1], side="right") - 1
    last = np.searchsorted(omega, edges[1:], side="left")
    return float(np.max(np.diff(edges), initial=0.0, where=count[last] > count[first]))


def cumulative_integral(
    omega: Float[Array | np.ndarray, " row"],
    density: Float[Array | np.ndarray, " row"],
    at: Float[Array | np.ndarray, " point"],
) -> Any:
    """The integral of a density that is linear between rows, from the first row to `at`.

    Example:
        >>> rows = np.array([0.0, 1.0, 3.0])
        >>> print(cumulative_integral(rows, rows, np.array([-1.0, 1.0, 2.0, 9.0])))
        [0.  0.5 2.  4.5]
    """
    xp = np if all(isinstance(x, np.ndarray) for x in (omega, density, at)) else jnp
    step = xp.diff(omega)
    total = xp.append(0.0, xp.cumsum(step * (density[1:] + density[:-1]) / 2))
    at = xp.clip(at, omega[0], omega[-1])
    row = xp.clip(xp.searchsorted(omega, at, side="right") - 1, 0, omega.shape[0] - 2)
    slope = (density[row + 1] - density[row]) / xp.where(step > 0, step, 1.0)[row]
    beyond = at - omega[row]
    return total[row] + beyond * (density[row] + slope * beyond / 2)


def bucket(count: int, least: int = 8) -> int:
    """`count` rounded up to one of few: 8, 12, 16, 24, 32, 48 …

    Arrays of few lengths are what keeps the number of compiled functions small.

    Example:
        >>> [bucket(n) for n in (3, 9, 13, 17, 33)]
        [8, 12, 16, 24, 48]
    """
    size = least
    while size < count:
        size = size * 3 // 2 if size & (size - 1) == 0 else size * 4 // 3
    return size
