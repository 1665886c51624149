"""`plot`: the figure of any result, from the result itself or from what was saved of it."""

import importlib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: What a dataset calls itself (its attribute `kind`) → the module and function that draw it.
FIGURES = {
    "report": ("reports.figure", "report_figure"),
    "columns": ("reports.columns_figure", "columns_figure"),
    "evolution": ("kinetics.figure", "evolution_figure"),
    "relaxation": ("kinetics.figure", "evolution_figure"),
    "lattice": ("kinetics.lattice_figure", "lattice_figure"),
    "sensitivities": ("inverse.sensitivities.figure", "sensitivities_figure"),
    "fit": ("inverse.fit.figure", "fit_figure"),
    "plan": ("inverse.plan.figure", "plan_figure"),
    "design": ("inverse.design.figure", "design_figure"),
    "superconductor": ("superconductivity.figure", "superconductor_figure"),
    "transport": ("transport.figure", "transport_figure"),
    "map": ("sweeps.figure", "map_figure"),
    "real axis": ("superconductivity.real_axis_figure", "real_axis_figure"),
}


def plot(result: Any, ax: Any = None) -> "Figure":
    """The figure of a result or of its dataset, a saved and loaded one as well.

    Args:
        result: whatever has `to_xarray`, or the `xarray.Dataset` of it. The dataset's attribute
            `kind` says which figure it is: one of `FIGURES`.
        ax: what to draw on: a matplotlib `Figure` or `SubFigure`, which is filled; one `Axes` of
            `plt.subplots`, whose place is taken by the panels; or a sequence of as many `Axes` as
            there are panels, to which no title of the whole is added. By default a new `Figure`
            that no global state knows of.

    Returns:
        The figure that was drawn on.

    Raises:
        ValueError: not a result, a dataset of no known kind or without the variables of its
            kind, or an `ax` that cannot hold the figure.

    Example:
        >>> from jaxelph import EinsteinModes, sensitivities
        >>> found = sensitivities(EinsteinModes([3.0], [0.5]), 1.0, ["lambda"])
        >>> len(plot(found).axes), len(plot(found.to_xarray()).axes)
        (2, 2)
    """
    import xarray as xr

    data = result.to_xarray() if hasattr(result, "to_xarray") else result
    if not isinstance(data, xr.Dataset):
        raise ValueError(
            f"plot draws results and their datasets, not {type(data).__name__}; give a report, "
            "say, or xarray.load_dataset of a file that was saved of one."
        )
    kind = data.attrs.get("kind")
    if not isinstance(kind, str) or kind not in FIGURES:
        known = ", ".join(FIGURES)
        told = "says nothing of what it holds" if kind is None else f"calls itself {kind!r}"
        raise ValueError(f"the dataset {told}, for which there is no figure; known are {known}.")
    module, name = FIGURES[kind]
    draw = getattr(importlib.import_module(f"jaxelph.{module}"), name)
    try:
        return draw(data, ax)
    except KeyError as error:
        # The key itself, or xarray's sentence that quotes it.
        told = str(error.args[0])
        quoted = re.search(r"'([^']+)'", told)
        missing = quoted[1] if quoted else told
        raise ValueError(
            f"the dataset calls itself {kind!r} and lacks {missing!r}: it is damaged, or of "
            "another version; compute the result again."
        ) from error
