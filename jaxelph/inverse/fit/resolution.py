r"""What fine structure of α²F the data see: how broad a sharp line comes out of the fit.

Without noise a fit of a table is smooth, a = R a_true with the resolution matrix R. A line of unit
area at ω_j comes out as

    (R_ij / Δω_j) over ω_i,

whose full width at half maximum is the finest structure that the data, and not the prior, decide
there. Peaks closer than that are one peak to the fit.
"""

import numpy as np
from jaxtyping import ArrayLike, Float

from ...numerics.quadrature import trapezoid_weights

#: Where lines are put, in units of the last frequency.
LINES = (0.15, 0.35, 0.55, 0.8)


def line_response(
    omega: Float[ArrayLike, " row"],
    resolution: Float[ArrayLike, "row row"],
    line: float,
) -> tuple[float, np.ndarray]:
    """A line of unit area at the frequency of the table next to `line`, as the fit shows it.

    Args:
        omega (array of shape (row,), energy): frequencies of the table.
        resolution (array of shape (row, row)): R.
        line (scalar, energy): where the line is.

    Returns:
        (ω_j, response): the response (array of shape (row,), 1/energy) over ω.

    Example:
        >>> where, seen = line_response(np.arange(1.0, 6.0), np.eye(5), 3.2)
        >>> print(where, seen)
        3.0 [0. 0. 1. 0. 0.]
    """
    omega = np.asarray(omega, dtype=float)
    row = int(np.argmin(np.abs(omega - line)))
    return float(omega[row]), np.asarray(resolution)[:, row] / trapezoid_weights(omega)[row]


def full_width(omega: Float[ArrayLike, " row"], response: Float[ArrayLike, " row"]) -> float:
    """Full width at half maximum of the highest peak; inf where it ends outside the table.

    Example:
        >>> w = np.linspace(0, 10, 1001)
        >>> print(f"{full_width(w, np.exp(-((w - 5) ** 2) / 2)):.3f}")
        2.355
    """
    omega, response = np.asarray(omega, dtype=float), np.asarray(response, dtype=float)
    peak = int(np.argmax(response))
    above = response - 0.5 * response[peak]
    low, high = peak, peak
    while low > 0 and above[low - 1] > 0:
        low -= 1
    while high < len(omega) - 1 and above[high + 1] > 0:
        high += 1
    if high == len(omega) - 1:
        return float("inf")
    # α²F is zero at ω = 0, whether or not the table begins there.
    left = (0.0, -0.5 * response[peak]) if low == 0 else (omega[low - 1], above[low - 1])
    start = np.interp(0.0, (left[1], above[low]), (left[0], omega[low]))
    stop = np.interp(0.0, (above[high + 1], above[high]), (omega[high + 1], omega[high]))
    return float(stop - start)


def sharp_lines(
    omega: Float[ArrayLike, " row"], resolution: Float[ArrayLike, "row row"]
) -> list[tuple[float, np.ndarray, float]]:
    """(ω, response, full width) of lines at `LINES` across the table."""
    last = float(np.asarray(omega)[-1])
    lines = [line_response(omega, resolution, part * last) for part in LINES]
    return [(where, seen, full_width(omega, seen)) for where, seen in lines]


def line_widths(
    omega: Float[ArrayLike, " row"], resolution: Float[ArrayLike, "row row"]
) -> dict[float, float]:
    """{ω: full width} of `sharp_lines`, energies both."""
    return {where: width for where, _, width in sharp_lines(omega, resolution)}
