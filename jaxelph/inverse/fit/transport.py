"""α²_tr F(ω) and r(ω) of a fit of data of transport together with others."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ..data.ratio import TransportRatio
from ..data.spectral import SpectralData, pulls_of_unknowns

# By how much ln r(ω) may bend where a constant r is put to the test.
_BEND = 0.3


class TransportCurve(NamedTuple):
    """α²_tr F(ω) = r(ω) α²F(ω), and r(ω), with their standard deviations."""

    ratio: Float[np.ndarray, " row"]
    ratio_error: Float[np.ndarray, " row"]
    a2f: Float[np.ndarray, " row"]
    a2f_error: Float[np.ndarray, " row"]


def the_ratio(data: Sequence[SpectralData]) -> TransportRatio | None:
    """What ties the data of transport to α²F; None where they see the fitted curve itself.

    Raises:
        ValueError: some data of transport are tied in another way than others.
    """
    found = [getattr(item, "ratio", None) for item in data if item.transport]
    if any(one != found[0] for one in found):
        raise ValueError(
            "data of transport have different ratios of α²_trF to α²F; it is one curve, give all "
            "of them the same."
        )
    return found[0] if found else None


def mixed(data: Sequence[SpectralData]) -> bool:
    """Whether α²_tr F and α²F are fitted as one curve without a word of their ratio."""
    return len({item.transport for item in data}) > 1 and the_ratio(data) is None


def ratio_slopes(
    ratio: TransportRatio, omega: np.ndarray, theta: np.ndarray, labels: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """r(ω), and ∂ln r(ω)/∂θ by the logarithms θ of all that is fitted along."""
    values = dict(zip(labels, np.exp(theta), strict=True))
    slopes = np.zeros((len(omega), len(labels)))
    own = [labels.index(one.name) for one in ratio.unknown]
    slopes[:, own] = np.asarray(ratio.weights(omega))
    return np.asarray(ratio.at(omega, values)), slopes


def bending(
    ratio: TransportRatio, omega: np.ndarray, top: float | None, a2f: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What a constant r leaves out: ∂α²F_tr/∂ln r at six frequencies over r, and what whitens it.

    Args:
        ratio: a constant one.
        omega (array of shape (row,)): frequencies.
        top (scalar): ω_max, by default the last of them.
        a2f (array of shape (row,)): α²F.
    """
    free = TransportRatio(ratio.start, None, _BEND, omega[-1] if top is None else top)
    return a2f[:, None] * np.asarray(free.weights(omega)), pulls_of_unknowns(free.unknown)


def transport_curve(ratio, slopes, a2f, by_shape, covariance) -> TransportCurve:
    """The curves with their errors.

    Args:
        ratio (array of shape (row,)): r(ω).
        slopes (array of shape (row, unknown)): ∂ln r/∂θ.
        a2f (array of shape (row,)): α²F(ω).
        by_shape (array of shape (row, shape)): its derivatives by what makes it.
        covariance (array): of (shape, θ) together.
    """
    of_ratio = np.hstack([np.zeros(by_shape.shape), slopes])
    of_a2f = np.hstack([by_shape, a2f[:, None] * slopes])

    def error(x):
        return ratio * np.sqrt(np.clip(np.sum((x @ covariance) * x, axis=1), 0, None))

    return TransportCurve(ratio, error(of_ratio), ratio * a2f, error(of_a2f))
