r"""What a fit of curved data presupposes: that they are straight over what is left open.

Estimates are linear in data that are linearised about the fit, y ≈ y(a) + K δa. For a spectrum
a + δa that the data allow as well, they are off by

    e = g·[y(a + δa) - y(a) - Kδa]/σ - [f(a + δa) - f(a) - w·δa],

what the data bend, as the estimate g sees it, less what the functional f itself does. δa are drawn
from the posterior; where the data are bent far, δa is moved by steps of Gauss and Newton until
y(a + δa) is where the straight line had it. What stays further off than three errors the data do
not allow, and is left out. The root of the mean square of e is one more error of f beside noise
and prior. It is not Gaussian, and where it is not small the interval's coverage is not known.
"""

from collections.abc import Callable

import numpy as np

from .functionals import TableEstimate, wide_estimates

#: Spectra that are drawn.
DRAWS = 16
# Steps of a draw, and how far from the straight line its data may be, in errors.
_STEPS, _ALLOWED = 3, 3.0


class Curvature:
    """Draws of α²F and of the logarithms of what is fitted along, and what their data bend.

    Args:
        posterior: of the last step.
        covariance (array): of α²F and the logarithms together.
        exact: whitened data of a departure from the fit, array of shape (datum,).
        slopes (array of shape (datum, row + logarithm)): what multiplies a departure.
        scaled (array of shape (datum, column)): backgrounds, then logarithms, projected out.
        seed: of the draws.
    """

    def __init__(
        self,
        posterior: TableEstimate,
        covariance: np.ndarray,
        exact: Callable[[np.ndarray], np.ndarray],
        slopes: np.ndarray,
        scaled: np.ndarray,
        seed: int = 0,
    ):
        values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
        half = vectors * np.sqrt(np.clip(values, 0.0, None))
        origin = np.random.default_rng(seed).normal(size=(DRAWS, len(values))) @ half.T

        def bent_by(moves):
            return np.array([exact(one) for one in moves]) - moves @ slopes.T

        # The gain with backgrounds projected out: they follow whatever the data do.
        beside = scaled[:, : scaled.shape[1] - (len(values) - len(posterior.omega))]
        seen_by = np.eye(len(slopes)) - beside @ np.linalg.pinv(beside)
        gain = covariance @ slopes.T @ seen_by
        drawn, bent = origin.copy(), bent_by(origin)
        for _ in range(_STEPS):
            off = np.linalg.norm((bent + (drawn - origin) @ slopes.T) @ seen_by, axis=1)
            far = np.isfinite(off) & ~(off < _ALLOWED)
            if not np.any(far):
                break
            drawn[far] = origin[far] - bent[far] @ gain.T
            bent[far] = bent_by(drawn[far])
        off = np.linalg.norm((bent + (drawn - origin) @ slopes.T) @ seen_by, axis=1)
        self.sound, computed = off < _ALLOWED, np.isfinite(off)
        # Without enough that the data allow, the others tell at least how large it may be.
        kept = self.sound if 2 * np.sum(self.sound) >= DRAWS else computed
        self.drawn, self.bent = drawn[kept], bent[kept]
        self._posterior = posterior
        left = self.bent - self.bent @ np.linalg.pinv(scaled).T @ scaled.T
        # g is in the span of K, so KᵀMb is all it sees, M that which whitens.
        seen = slopes[:, : len(posterior.omega)].T @ left.T
        self._seen = np.linalg.lstsq(posterior.design.T, seen, rcond=1e-12)[0]

    @property
    def lost(self) -> bool:
        """Whether most draws are spectra whose data are elsewhere, or cannot be computed."""
        return bool(2 * np.sum(self.sound) < DRAWS)

    def error(self, slope: np.ndarray, gain: np.ndarray, beyond: np.ndarray | float) -> float:
        """Root of the mean square of e.

        Args:
            slope (array of shape (row,)): of the functional by α²F.
            gain (array of shape (datum,)): what else it takes from the data.
            beyond (array of shape (draw,)): f of each of `drawn` less its linear part.
        """
        found = wide_estimates(self._posterior, self._seen, slope) + self.bent @ gain - beyond
        found = found[np.isfinite(found)]
        return float(np.sqrt(np.mean(found**2))) if len(found) else 0.0
