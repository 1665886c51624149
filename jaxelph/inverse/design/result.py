"""A design: the spectrum that was found and what limits it."""

import dataclasses

from ...presentation.notebook import html_table
from ...spectra.peaks import GaussianPeaks


@dataclasses.dataclass(frozen=True, eq=False)
class Design:
    """The optimum, and what stops it from being better.

    Args:
        spectrum: the peaks found.
        value (scalar): of the objective.
        margin (scalar): by the stability bound's criterion; None without one.
        price: μ of each bound that holds with equality, by its name.
        stationarity (scalar): |∇ln Tc + Σ μ ∇c|, what the multipliers leave of the gradient.
        steps: of SLSQP.
        grid_error (scalar): how much the margin moves on a grid of half the step, for "kinetic".

    Example:
        >>> from jaxelph.inverse import maximise
        >>> from jaxelph import allen_dynes
        >>> limits = {"coupling": (0.1, 2.0), "omega": (5.0, 20.0)}
        >>> found = maximise(GaussianPeaks([10.0], [0.5], [1.0]), objective=allen_dynes, **limits)
        >>> print(found.spectrum.omega.round(4), found.stationarity < 1e-4)
        [20.] True
    """

    spectrum: GaussianPeaks
    value: float
    margin: float | None
    price: dict[str, float]
    stationarity: float
    steps: int
    grid_error: float = 0.0

    @property
    def active(self) -> tuple[str, ...]:
        """Bounds that hold with equality."""
        return tuple(self.price)

    def _repr_html_(self) -> str:
        rows = [
            ("objective", self.value),
            ("margin", self.margin),
            ("spectrum", repr(self.spectrum)),
            *((f"price of {name}", price) for name, price in self.price.items()),
        ]
        return html_table("Design", rows)


class DesignError(ValueError):
    """An optimum that was not found."""
