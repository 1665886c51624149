"""Which column is read where nobody said: λ over the smearings, its plateau, its range.

Columns that are one quantity at several smearings should agree; where they do, the first is
as good as any. Where λ differs by more than `SPREAD` the choice decides the result, and is
made and told as a person would make it: the column at which λ changes least from its two
neighbours, if it is within `PLATEAU` of both, and the middle column if λ has no such plateau.
"""

from collections.abc import Sequence

import numpy as np

#: Range of λ over the columns, as a share of the largest, that a person should hear of.
SPREAD = 0.10
#: Change of λ from a column to its neighbours up to which it is on a plateau.
PLATEAU = 0.02


def choose(couplings: Sequence[float], smeared: bool) -> tuple[int, str]:
    """The place of the column to read, from 0, and the rule by which.

    Args:
        couplings: λ of each column, NaN where a column cannot be used.
        smeared: the columns go through smearings, so that a plateau and a middle mean something.

    Example:
        >>> choose([1.4, 1.1, 0.95, 0.94, 0.945, 1.0], smeared=True)
        (3, 'where λ changes least from column to column')
        >>> choose([1.0, 0.8, 0.6, 0.4], smeared=True)
        (1, 'the middle one, λ having no plateau')
    """
    values = np.asarray(couplings, float)
    good = np.flatnonzero(np.isfinite(values) & (values > 0))
    if good.size == 0 or not smeared:
        return 0, "the first"
    if good.size < 3 or spread(couplings) <= SPREAD:
        return int(good[0]), "the first" if good[0] == 0 else "the first that is all numbers"
    λ = values[good]
    step = np.abs(np.diff(λ)) / np.minimum(λ[1:], λ[:-1])
    change = np.maximum(step[1:], step[:-1])
    flat = int(np.argmin(change))
    if change[flat] <= PLATEAU:
        return int(good[flat + 1]), "where λ changes least from column to column"
    return int(good[(good.size - 1) // 2]), "the middle one, λ having no plateau"


def spread(couplings: Sequence[float]) -> float:
    """(max - min)/max of λ over the columns that have one.

    Example:
        >>> print(f"{spread([1.0, 0.8, float('nan')]):.2f}")
        0.20
    """
    values = np.asarray(couplings, float)
    values = values[np.isfinite(values)]
    if values.size < 2 or np.max(values) <= 0:
        return 0.0
    return float((np.max(values) - np.min(values)) / np.max(values))
