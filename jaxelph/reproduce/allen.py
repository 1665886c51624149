"""Rates of cooling against Allen's: Supplement §V."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..electrons.occupations import fermi
from ..grids.energies import EnergyGrid
from ..kinetics.equation import KineticEquation
from ..presentation.finishing import finish
from ..presentation.plotting import BLUE, GREEN, ORANGE, STYLE, canvas
from ..spectra.peaks import GaussianPeaks
from ..stability.modes import slowest_rate
from ..stability.rates import allen_rate, two_temperature_rate
from .result import Reproduction, Table

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

_PEAK = GaussianPeaks([1.0], [0.1], [1.0])
_SIZE = 200
_HOTTER = 1e-4


def compute(progress) -> Reproduction:
    """Four rates of one metal against T: Allen's, its own heat flow, two closed forms."""
    import xarray as xr

    temperatures = np.geomspace(0.2, 20.0, 25)
    columns = ("allen", "two_temperature", "flow", "slowest")
    rates = np.empty((len(columns), len(temperatures)))
    for k, t in enumerate(temperatures):
        grid = EnergyGrid(max(28 * t, 1.5 + 20 * t) / _SIZE, _SIZE)
        rates[:, k] = (
            float(allen_rate(_PEAK, t)),
            np.pi * float(two_temperature_rate(_PEAK, t)),
            np.pi * _initial_rate(float(t), grid),
            np.pi * float(slowest_rate(_PEAK, t, grid)),
        )
        progress(k + 1, len(temperatures))
    data = xr.Dataset(
        {
            "rate": (
                ("route", "temperature"),
                rates,
                {"long_name": "rate of cooling, unscaled time", "units": "omega"},
            )
        },
        coords={
            "route": list(columns),
            "temperature": ("temperature", temperatures, {"units": "omega"}),
        },
    )
    return Reproduction(
        name="allen",
        title="Supplement §V: rates of cooling of a Gaussian peak, λ = 1, width ω/10",
        comparisons=(),
        tables=(
            Table(
                "Rates over ω; the last two columns over Allen's 3λ⟨ω²⟩/πT",
                (
                    "T/ω",
                    "Allen",
                    "two temperatures",
                    "heat flow",
                    "slowest mode",
                    "two/Allen",
                    "slowest/Allen",
                ),
                (".3f", ".6f", ".6f", ".6f", ".6f", ".5f", ".5f"),
                tuple(
                    (float(t), *column, column[1] / column[0], column[3] / column[0])
                    for t, column in list(zip(temperatures, rates.T, strict=True))[::2]
                ),
            ),
        ),
        remarks=(
            "The column of two temperatures is the closed form ∬EMẼ/∬EAẼ; “heat flow” is the "
            "collision integral of electrons hotter by 1e-4, over the change of their energy, "
            "interaction included. Both tend to Allen's rate for T ≫ ω. The slowest mode is what "
            "the metal does in the end; it is not a change of temperature.",
        ),
        dataset=data,
        plot=plot,
    )


def _initial_rate(temperature: float, grid: EnergyGrid) -> float:
    """-(dU/dt)/U at f = f0(T + δT), from the full collision integral and energy."""
    equation = KineticEquation.at(_PEAK, temperature, grid)
    hot = fermi(grid.energies, temperature * (1 + _HOTTER)) - fermi(grid.energies, temperature)
    return float(-equation.heat_flow(hot) / equation.energy(hot))


def plot(data: "xr.Dataset", ax: Any = None) -> "Figure":
    """The rates against T, and their ratios to Allen's."""
    from matplotlib import rc_context
    from scipy.interpolate import PchipInterpolator

    with rc_context(STYLE):
        drawn = canvas(ax, 1, 2, (7.2, 2.8))
        left, right = drawn.panels
        allen = data["rate"].sel(route="allen")
        temperature = data["temperature"].values
        dense = np.geomspace(temperature[0], temperature[-1], 301)

        def smooth(values):
            """Powers of T at both ends: in logarithms, and without a bend of its own."""
            curve = PchipInterpolator(np.log(temperature), np.log(values))
            return np.exp(curve(np.log(dense)))

        for route, colour, line, marker, label in (
            ("allen", "black", ":", "", "Allen"),
            ("two_temperature", BLUE, "-", "", "two temperatures"),
            ("flow", GREEN, "", "o", "collision integral"),
            ("slowest", ORANGE, "--", "", "slowest mode"),
        ):
            rate = data["rate"].sel(route=route)
            style = {"color": colour, "linestyle": line or "none", "marker": marker or None}
            for axes, values in ((left, rate), (right, rate / allen)):
                x, y = (temperature, values) if marker else (dense, smooth(values))
                axes.plot(x, y, label=label, **style)
        for axes in (left, right):
            axes.set(xscale="log", xlabel=r"temperature $T/\omega$")
            axes.set_xlim(temperature[0] / 1.1, temperature[-1] * 1.1)
        left.set(yscale="log", ylabel=r"rate of cooling$\,/\,\omega$")
        right.set(ylabel="over Allen's rate", ylim=(0, None))
        left.legend()
        finish(drawn)
    return drawn.root
