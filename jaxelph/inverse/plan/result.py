"""A plan of a measurement."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ...presentation.notebook import html_table
from ..fit.functionals import UNCERTAIN
from ..fit.output import MOMENTS

if TYPE_CHECKING:
    import xarray as xr

# Shares below this are left out of what is told.
_SMALL = 0.01
# Of what error, in words.
_WHEN = {"before": "before", "equal": "equal shares", "optimal": "this plan"}


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """Shares of the measuring time, and what they decide.

    Args:
        kind: of the data.
        target: what was asked for.
        points (array of shape (point,)): temperatures in K, energies in meV.
        axis, units: of the points.
        share (array of shape (point,)): of the measuring time.
        values: λ, ω_log, λ⟨ω²⟩ and Tc of the spectrum expected, in meV.
        before: their errors before the measurement.
        equal: their errors with equal shares.
        optimal: their errors with these shares.
        factors (array of shape (factor,)): of all errors of the data.
        target_equal, target_optimal (arrays of shape (factor,)): error of the target at each.
        name: of the metal.

    Example:
        >>> from jaxelph import GaussianPeaks
        >>> from jaxelph.inverse import made_data, plan
        >>> metal = GaussianPeaks([10.0], [2.0], [0.8])
        >>> found = plan(metal, made_data("heat", metal, [1.0, 2.0, 4.0], 0.01))
        >>> print(found.share.sum().round(9), found.before["lambda"] > found.equal["lambda"])
        1.0 True
    """

    kind: str
    target: str
    points: np.ndarray
    axis: str
    units: str
    share: np.ndarray
    values: dict[str, float]
    before: dict[str, float]
    equal: dict[str, float]
    optimal: dict[str, float]
    factors: np.ndarray
    target_equal: np.ndarray
    target_optimal: np.ndarray
    name: str = ""

    @property
    def clusters(self) -> list[tuple[float, float, float]]:
        """(first, last, share) of runs of neighbouring points that are worth measuring."""
        order = np.argsort(self.points)
        points, share = self.points[order], self.share[order]
        found: list[tuple[float, float, float]] = []
        open_run = False
        for point, part in zip(points.tolist(), share.tolist(), strict=True):
            if part < _SMALL / 4:
                open_run = False
                continue
            if open_run:
                first, _, total = found.pop()
                found.append((first, point, total + part))
            else:
                found.append((point, point, part))
            open_run = True
        return [one for one in found if one[2] >= _SMALL]

    @property
    def decided_below(self) -> float | None:
        """The factor on all errors of the data below which the target is decided; None for α²F."""
        if self.target not in self.values:
            return None
        wanted = UNCERTAIN * abs(self.values[self.target])
        if wanted < self.target_optimal[0]:
            return 0.0
        if wanted > self.target_optimal[-1]:
            return float("inf")
        logs = np.interp(np.log(wanted), np.log(self.target_optimal), np.log(self.factors))
        return float(np.exp(logs))

    def _repr_html_(self) -> str:
        rows = [
            (name, self.values[name], self.before[name], self.equal[name], self.optimal[name])
            for name in self.values
        ]
        title = f"Plan of {self.kind} data for {self.target}"
        return html_table(title, rows, ("", "expected", "before", "equal shares", "this plan"))

    def to_xarray(self) -> "xr.Dataset":
        """Shares over the points, errors of the numbers, and the target's over noise."""
        import xarray as xr

        told = {"long_name": "share of the measuring time", "units": "1"}
        data: dict[str, tuple] = {"share": ("point", self.share, told)}
        for name, value in self.values.items():
            label, factor, unit = MOMENTS[name]
            key = name.replace("-", "_")
            data[key] = ((), factor * value, {"long_name": label, "units": unit or "1"})
            for when in ("before", "equal", "optimal"):
                error = factor * getattr(self, when)[name]
                data[f"{key}_error_{when}"] = (
                    (),
                    error,
                    {"long_name": f"error of {label}, {_WHEN[when]}", "units": unit or "1"},
                )
        factor = MOMENTS[self.target][1] if self.target in MOMENTS else 1.0
        unit = (MOMENTS[self.target][2] if self.target in MOMENTS else "") or "1"
        for when in ("equal", "optimal"):
            told = {"long_name": f"error of {self.target}, {_WHEN[when]}", "units": unit}
            error = factor * getattr(self, f"target_{when}")
            data[f"target_error_{when}"] = ("factor", error, told)
        over = {"long_name": self.axis, "units": self.units}
        return xr.Dataset(
            data,
            coords={
                "point": ("point", self.points, over),
                "factor": (
                    "factor",
                    self.factors,
                    {"long_name": "errors over those stated", "units": "1"},
                ),
            },
            attrs={"kind": "plan", "name": self.name, "data": self.kind, "target": self.target},
        )

    def plot(self, ax=None):
        """Where to measure, and how well what is asked for is then known; on `ax` if given."""
        from .figure import plan_figure

        return plan_figure(self.to_xarray(), ax)
