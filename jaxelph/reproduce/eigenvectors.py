"""Growing modes at λ = 5 and where they live: Fig. 1 of the Supplement."""

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import brentq

from ..electrons.weight import inverse_quasiparticle_weight, minimum_weight
from ..grids.energies import EnergyGrid
from ..presentation.finishing import finish
from ..presentation.plotting import BLUE, GREEN, GREY, ORANGE, SHADE, STYLE, canvas
from ..stability.modes import normal_modes
from .metal import G1, METAL
from .result import Comparison, Reproduction, Table

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

_LAMBDA, _T0 = 5.0, 0.2
_SHOWN = 3


def compute(progress) -> Reproduction:
    """The pencil of (18) whole at T0 = 0.2 g, λ = 5, and the zeros of Z0⁻¹."""
    import xarray as xr

    metal, g = METAL.scaled(_LAMBDA), G1 * np.sqrt(_LAMBDA)
    temperature = _T0 * g
    low, high = zeros_of_weight(metal, temperature)
    progress(1, 2)
    # Up to 28 T with the paper's step: exp(-28) is 1e-12.
    grid = EnergyGrid(1.0, int(np.ceil(28 * temperature)))
    modes = normal_modes(metal, temperature, grid)
    rates = np.asarray(modes.rates)
    energies = np.asarray(grid.energies)
    # The largest 1/|γ| first: modes close to their pole, |γ| → ∞, belong to the grid.
    growing = np.flatnonzero(rates < 0)[::-1]
    decaying = np.flatnonzero(rates > 0)
    vectors = np.asarray(modes.vectors)
    weights = vectors**2 / np.sum(vectors**2, axis=0)
    inside = (energies > low) & (energies < high)
    share = weights[inside].sum(axis=0)
    chosen = [*growing[:_SHOWN], decaying[0]]
    shapes = np.asarray(modes.distributions(temperature))[:, chosen]
    shapes = shapes / np.max(np.abs(shapes), axis=0)
    progress(2, 2)
    data = xr.Dataset(
        {
            "inverse_weight": (
                "energy",
                np.asarray(inverse_quasiparticle_weight(metal, temperature, energies)),
                {"long_name": "inverse quasiparticle weight", "units": "1"},
            ),
            "mode": (
                ("rank", "energy"),
                shapes.T,
                {"long_name": "δf over its largest value", "units": "1"},
            ),
            "rate": ("rank", np.pi * rates[chosen] / g, {"long_name": "πγ/g", "units": "1"}),
        },
        coords={"energy": ("energy", energies / g, {"units": "g"})},
        attrs={
            "zeros": [low / g, high / g],
            "coupling": _LAMBDA,
            "scaled_temperature": _T0,
            "grid_step": 1.0,
            "grid_size": grid.size,
        },
    )
    return Reproduction(
        name="fig-supp-1",
        title="Supplement, Fig. 1: growing modes at λ = 5, T0 = 0.2 g",
        comparisons=(
            Comparison("lower zero of Z₀⁻¹, E/g", "0.69", low / g),
            Comparison("upper zero of Z₀⁻¹, E/g", "1.24", high / g),
        ),
        tables=(
            Table(
                f"Modes of (18) whole; {len(growing)} of {grid.size} grow",
                ("mode", "πγ/g", "share of ψ² where Z₀⁻¹ < 0"),
                ("", ".5g", ".6f"),
                tuple(
                    (name, float(np.pi * rates[k] / g), float(share[k]))
                    for name, k in zip(
                        (*(f"slowest growth {i + 1}" for i in range(_SHOWN)), "slowest decay"),
                        chosen,
                        strict=True,
                    )
                ),
            ),
            Table(
                "The same share over all modes",
                ("modes", "least", "median"),
                ("", ".6f", ".6f"),
                tuple(
                    (name, float(share[which].min()), float(np.median(share[which])))
                    for name, which in (("growing", growing), ("decaying", decaying))
                ),
            ),
        ),
        remarks=(
            "Z₀⁻¹ is negative between its two zeros, and there the growing modes have their "
            "weight. How many grow is a property of the grid too: each energy there is a mode.",
        ),
        dataset=data,
        plot=plot,
    )


def zeros_of_weight(metal, temperature: float) -> tuple[float, float]:
    """The two energies at which Z0⁻¹ changes its sign, by bisection on the closed form."""

    def weight(energy):
        return float(inverse_quasiparticle_weight(metal, temperature, energy))

    middle = float(minimum_weight(metal, temperature)[1])
    low = brentq(weight, 1e-3 * middle, middle, xtol=1e-9)
    high = brentq(weight, middle, 5 * middle, xtol=1e-9)
    return float(low), float(high)  # pyright: ignore[reportArgumentType]


def plot(data: "xr.Dataset", ax: Any = None) -> "Figure":
    """Z0⁻¹ above, the modes below, the range of negative Z0⁻¹ shaded in both."""
    from matplotlib import rc_context

    energies = data["energy"]
    with rc_context(STYLE):
        count = data.sizes["rank"]
        drawn = canvas(ax, count + 1, 1, (4.4, 4.6), sharex=True, height_ratios=[1.6] + count * [1])
        upper, *rows = drawn.panels
        upper.plot(energies, data["inverse_weight"], color=BLUE)
        upper.plot(data.attrs["zeros"], [0, 0], "o", color=ORANGE)
        upper.set(ylabel="$Z_0^{-1}$", xlim=(0, 2.2))
        for axes, rank in zip(rows, range(data.sizes["rank"]), strict=True):
            rate = float(data["rate"][rank])
            axes.plot(energies, data["mode"][rank], color=GREEN if rate > 0 else ORANGE, lw=1)
            axes.set(ylim=(-1.2, 1.2), ylabel=r"$\delta f$")
            told = "grows" if rate < 0 else "decays"
            axes.set_title(rf"{told}, $\pi\gamma/g = {rate:.3g}$", loc="right", fontsize=7.5)
        for axes in (upper, *rows):
            axes.axhline(0, color=GREY, linewidth=0.7)
            axes.axvspan(*data.attrs["zeros"], color=SHADE, alpha=0.1, linewidth=0)
        rows[-1].set_xlabel("energy $E/g$")
        finish(drawn, ("$Z_0^{-1} < 0$ where shaded",))
    return drawn.root
