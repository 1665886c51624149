"""What χ² and the signs of the residuals say against a fit, in sentences."""

import numpy as np
from scipy.stats import chi2, norm

# Remarks are made where chance alone would make them once in so many fits.
_CHANCE = 1e-6


def chi_square_remarks(chi_square: float, degrees: float) -> list[str]:
    """A sentence where χ² has a chance below 1e-6, either way.

    Example:
        >>> print(chi_square_remarks(31.0, 28.0), chi_square_remarks(0.3, 28.0)[0][:36])
        [] χ² is 0.3 for 28 degrees of freedom:
    """
    if not degrees > 0:
        return []
    told = f"χ² is {chi_square:.4g} for {degrees:.4g} degrees of freedom"
    factor = np.sqrt(chi_square / degrees)
    if chi2.sf(chi_square, degrees) < _CHANCE:
        return [f"{told}: the errors look {factor:.2g} times too small, or the model is wrong"]
    if chi2.cdf(chi_square, degrees) < _CHANCE:
        larger = f"{1 / factor:.2g} times" if factor > 0 else "far"
        return [f"{told}: the errors look {larger} too large"]
    return []


def runs_remarks(name: str, residual: np.ndarray) -> list[str]:
    """A sentence where the signs come in fewer runs than chance makes (Wald, Wolfowitz 1940)."""
    sign = residual[residual != 0] > 0
    up, down = int(np.sum(sign)), int(np.sum(~sign))
    total = up + down
    if min(up, down) < 5:
        return []
    runs = 1 + int(np.sum(sign[1:] != sign[:-1]))
    mean = 1 + 2 * up * down / total
    spread = np.sqrt((mean - 1) * (mean - 2) / (total - 1))
    if norm.cdf((runs - mean) / spread) > _CHANCE:
        return []
    return [
        f"{name} data: {total} residuals have {runs} runs of one sign where chance makes "
        f"{mean:.0f} ± {spread:.0f}: the model does not follow them"
    ]
