"""What makes a table suspicious by itself, whatever the layout: a sentence for each.

A file that was cut or edited is often still a table. What it loses shows in the steps of its
frequencies, in a row that stands out of its neighbours, or in an α²F that has not come down
to zero at the end; a quantity that is not α²F, or a wrong unit, shows in where λ comes from.
"""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float

from ...numerics.quadrature import trapezoid_weights

Vector = Float[np.ndarray, " row"]

#: Rows from which on the shape of a table can be judged.
ENOUGH = 20
#: Share of λ (or relative change of ω_log) that a person should hear of.
SHARE = 5e-4
#: Share of its maximum that α²F may have in the last row: what a smearing leaves there.
NOTHING = 1e-3
#: A row stands out if it does so this many times as much as any other.
OUTLIER = 4.0


def steps(omega: Vector, where: Callable[[int], str], even: float | None) -> Iterator[str]:
    """A row that is missing in a uniform grid, or a frequency that is not on it.

    Args:
        omega (array of shape (row,), meV): ascending frequencies.
        where: of a row, "line 7" say.
        even: the code's grid is uniform, and its frequencies are printed to this many meV;
            None where nothing is known of the grid.
    """
    apart = np.diff(omega)
    if len(apart) < 4:
        return
    usual = float(np.median(apart))
    odd = np.abs(apart - usual) > 0.02 * usual + 2.2 * (even or 0.0)
    if even is None:
        # Of columns from anywhere nothing is known, but that a grid all but uniform was meant so.
        if len(omega) < ENOUGH or np.mean(odd) > 0.1:
            return
        odd[[0, -1]] = False
    if np.any(odd):
        k = int(np.flatnonzero(odd)[0])
        yield (
            f"The frequencies are not evenly spaced: at {where(k + 1)} the step is "
            f"{apart[k]:.4g} meV, and {usual:.4g} meV elsewhere; a row is missing there, or a "
            "number is damaged."
        )


def end(omega: Vector, a2f: Vector, allowed: float | None) -> Iterator[str]:
    """An α²F that has not come down to zero in the last row.

    Args:
        omega (array of shape (row,), meV): frequencies ω > 0, ascending.
        a2f (array of shape (row,)): α²F at these.
        allowed: share of λ that may be missing behind the last row; None where the code's
            grid ends above the highest phonon, so that α²F is nothing there.
    """
    total = float(np.sum(trapezoid_weights(omega) * 2 * a2f / omega))
    if len(omega) < ENOUGH or not total > 0:
        return
    last, fall = float(a2f[-1]), float(a2f[-2] - a2f[-1])
    top = float(np.max(a2f))
    if last <= 0 or (last <= NOTHING * top and (allowed is None or fall <= 0)):
        return
    step = omega[-1] - omega[-2]
    # What a straight line to zero would add; without a fall, at least another fifth of the range.
    rows = last / fall / 2 if fall > 0 else np.inf
    missing = 2 * last * min(rows * step, 0.2 * omega[-1]) / omega[-1] / total
    if allowed is None or missing > allowed:
        yield (
            f"α²F is {last / top:.2g} of its maximum in the last row, and does not fall to zero: "
            f"the table may be cut short, by {min(missing, 1):.2g} of λ or more."
        )


def outlier(
    omega: Vector, a2f: Vector, like: Vector | None, where: Callable[[int], str]
) -> Iterator[str]:
    """One row that stands out of its neighbours, as a damaged number does.

    Only redundancy can tell damage from a sharp peak: where the file states λ that is better
    evidence. The effect on λ and ω_log of replacing a row by what its neighbours suggest is
    compared with that of all other rows. Where α²F begins and where it ends it may do so at
    once, and the outermost row that is not zero has its neighbours within only: there what is
    larger than these suggest stands out, what is less does not.

    Args:
        omega (array of shape (row,), meV): frequencies ω > 0, ascending.
        a2f (array of shape (row,)): α²F at these.
        like (array of shape (row,)): a phonon density of states, whose van Hove singularities
            α²F has as well: then their ratio is what should be smooth.
        where: of a row, "line 7" say.
    """
    weight, density = trapezoid_weights(omega), 2 * a2f / omega
    total = float(np.sum(weight * density))
    if len(omega) < ENOUGH or not total > 0:
        return
    scale = np.ones_like(omega) if like is None else np.abs(like)
    some = scale > 1e-100 * np.max(scale)  # what is next to nothing has no ratio
    ratio = np.divide(density, scale, out=np.zeros_like(omega), where=some)
    x = np.concatenate([[0.0], omega, [2 * omega[-1] - omega[-2]]])

    def across(ratio):
        """What the two neighbours of a row suggest for it."""
        y = np.concatenate([ratio[1:2], ratio, [0.0]])  # below the first row as above it
        return scale * (y[:-2] + (y[2:] - y[:-2]) * (x[1:-1] - x[:-2]) / (x[2:] - x[:-2]))

    # Where α²F is smooth 2α²F/ω is too, but may be bent at low ω, and the other way round.
    beside = np.abs(density - across(ratio))
    beside = np.minimum(beside, np.abs(density - across(ratio * omega) / omega))
    used = np.flatnonzero(a2f)
    beside[: used[0]] = beside[used[-1] + 1 :] = 0.0
    for row, inward in ((int(used[0]), 1), (int(used[-1]), -1)):
        beside[row] = 0.0
        if used[-1] - used[0] >= 2:
            most = _outwards(omega, ratio * omega, row, inward) / omega[row]
            most = scale[row] * max(most, _outwards(omega, ratio, row, inward))
            beside[row] = max(density[row] - most, -density[row], 0.0)
    mean = float(np.sum(weight * density * np.log(omega)) / total)
    effect = weight * beside * (1 + np.abs(np.log(omega) - mean)) / total
    effect[-1] = 0.0  # has one neighbour only, and is `end`'s to judge
    k = int(np.argmax(effect))
    others = np.delete(effect, [i for i in (k - 1, k, k + 1) if 0 <= i < len(effect)])
    if effect[k] > max(SHARE, OUTLIER * float(np.max(others))):
        share = float(weight[k] * density[k] / total)
        alone = f"with {share:.2g} of λ alone" if share else "with an α²F of 0"
        yield (
            f"One row stands out of its neighbours, {where(k)}, {alone}: its number may be damaged."
        )


def _outwards(omega: Vector, values: Vector, row: int, inward: int) -> float:
    """The most that two rows further in (towards `inward`, 1 or -1) let expect in a row."""
    near, far = row + inward, row + 2 * inward
    slope = (values[near] - values[far]) / (omega[near] - omega[far])
    return max(float(values[near]), float(values[near] + slope * (omega[row] - omega[near])))


def origin(omega: Vector, a2f: Vector) -> Iterator[str]:
    """Where λ comes from, and whether phonons can be there."""
    used = omega[np.flatnonzero(a2f)]
    top = float(used[-1])
    share = trapezoid_weights(omega) * 2 * a2f / omega
    total = float(np.sum(share))
    if top > 1000:
        yield (
            f"α²F reaches to {top / 1000:.4g} eV, where there are no phonons: the unit of the "
            "frequencies may be another (pass unit=), or this is no α²F."
        )
    low = float(np.sum(share[omega < top / 20]))
    if total > 0 and low > total / 3:
        yield (
            f"{low / total:.0%} of λ lies below {top / 20:.3g} meV, a twentieth of the highest "
            "frequency: often the smearing of acoustic modes, which puts α²F where there are no "
            "phonons; try a smaller smearing."
        )
    if 0 < total < 1e-3:
        yield (
            f"λ = {total:.2g} is smaller than that of any metal: the table may be cut short, or "
            "this is no α²F."
        )
    if total > 10:
        yield f"λ = {total:.4g} is larger than that of any metal: check the file and its columns."
