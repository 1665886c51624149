"""Prange and Kadanoff: which currents see the quasiparticle weight, and which do not."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..electrons.weight import inverse_quasiparticle_weight
from ..grids.energies import EnergyGrid
from ..presentation.finishing import finish
from ..presentation.plotting import BLUE, GREEN, GREY, ORANGE, STYLE, canvas
from ..spectra.peaks import GaussianPeaks
from ..transport.optics import extended_drude
from ..transport.thermal import boltzmann_rates
from .result import Comparison, Reproduction, Table

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

#: λ = 1, frequencies in units of the peak's.
METAL = GaussianPeaks([1.0], [0.1], [1.0])
COUPLINGS = np.array([0.25, 0.5, 1.0, 2.0, 4.0])
#: Of the static rates, where 1 - Σ'(0) is still near 1 + λ; of the last temperature.
WARM, COLD = 0.1, 0.005
_TEMPERATURES = np.geomspace(COLD, 1.0, 61)


def compute(progress) -> Reproduction:
    """The static rate with and without Σ', and 1 - Σ'(0) over λ and T."""
    import xarray as xr

    grid = EnergyGrid.suggest(METAL, WARM)
    static, mass, boltzmann, heat = (np.zeros(COUPLINGS.size) for _ in range(4))
    for k, coupling in enumerate(COUPLINGS):
        metal = METAL.scaled(coupling)
        static[k], mass[k] = extended_drude(metal, WARM, 0.0)
        boltzmann[k], heat[k] = boltzmann_rates(metal, WARM, grid)
        progress(k + 1, COUPLINGS.size + 1)
    # Σ is linear in λ.
    bare = [float(inverse_quasiparticle_weight(METAL, t, 0.0)) - 1 for t in _TEMPERATURES]
    enhancement = 1 + np.outer(COUPLINGS, bare)
    warm = 1 + COUPLINGS * (float(inverse_quasiparticle_weight(METAL, WARM, 0.0)) - 1)
    progress(COUPLINGS.size + 1, COUPLINGS.size + 1)
    told = {"long_name": "1/τ at Ω = 0", "units": "Ω"}
    data = xr.Dataset(
        {
            "static": ("coupling", static, told | {"route": "Kubo, with Σ'"}),
            "boltzmann": ("coupling", boltzmann, told | {"route": "Boltzmann, without Σ'"}),
            "weight": ("coupling", warm, {"long_name": "1 - Σ'(0)", "units": "1"}),
            "mass": ("coupling", mass, {"long_name": "optical mass m*/m, Ω → 0", "units": "1"}),
            "enhancement": (
                ("coupling", "temperature"),
                enhancement,
                {"long_name": "Nernst-Ettingshausen coefficient over its bare value", "units": "1"},
            ),
        },
        {
            "coupling": ("coupling", COUPLINGS, {"long_name": "λ"}),
            "temperature": ("temperature", _TEMPERATURES, {"units": "Ω"}),
        },
        {"temperature_of_rates": WARM},
    )
    last = int(np.flatnonzero(COUPLINGS == 4.0)[0])
    one = int(np.flatnonzero(COUPLINGS == 1.0)[0])
    return Reproduction(
        name="transport",
        title="Prange and Kadanoff: static currents do not see the weight, Nernst-Ettingshausen's "
        "does",
        comparisons=(
            Comparison(
                "1/τ at Ω = 0 with Σ' over that without, λ = 4",
                "1.00000000",
                float(static[last] / boltzmann[last]),
            ),
            Comparison(
                f"1 - Σ'(0) at T = {COLD:g} Ω, λ = 1: 1 + λ", "2.000", float(enhancement[one, 0])
            ),
        ),
        tables=(
            Table(
                f"The static rate at T = {WARM:g} Ω: the Kubo bubble has Σ', Boltzmann's has not",
                ("λ", "1 - Σ'(0)", "m*/m", "1/τ, Kubo", "1/τ, Boltzmann", "Kubo/Boltzmann - 1"),
                (".3g", ".6f", ".6f", ".10f", ".10f", "+.1e"),
                tuple(
                    (*map(float, row), float(row[3] / row[4] - 1))
                    for row in zip(COUPLINGS, warm, mass, static, boltzmann, strict=True)
                ),
            ),
            Table(
                "1 - Σ'(0), by which the high-field Nernst-Ettingshausen coefficient is enhanced",
                ("T/Ω", *(f"λ = {c:g}" for c in COUPLINGS)),
                (".3g", *(".6f" for _ in COUPLINGS)),
                tuple(
                    (float(_TEMPERATURES[k]), *map(float, enhancement[:, k]))
                    for k in range(0, _TEMPERATURES.size, 12)
                ),
            ),
        ),
        remarks=(
            "At Ω = 0 Re Σ drops out of the bubble, whatever λ is. What it is seen by is light of "
            "Ω > 0: the mass of the extended Drude model, which for T, Ω → 0 and 1/τ ≪ Ω is 1 + λ.",
            f"Resistivity and heat current at T = {WARM:g} Ω both go as λ itself: 1/τ_κ over 1/τ "
            f"is {heat[one] / boltzmann[one]:.6f} for all of them.",
        ),
        dataset=data,
        plot=plot,
    )


def plot(data: "xr.Dataset", ax: Any = None) -> "Figure":
    """Static rates and the weight over λ; the enhancement over T."""
    from matplotlib import rc_context
    from scipy.interpolate import PchipInterpolator

    coupling = data["coupling"].values
    with rc_context(STYLE):
        drawn = canvas(ax, 1, 2, (7.2, 3.0))
        left, right = drawn.panels
        left.plot(coupling, data["boltzmann"], color=BLUE, label=r"$1/\tau$, Boltzmann")
        left.plot(coupling, data["static"], "o", color=ORANGE, label=r"$1/\tau$, Kubo")
        seen = data["static"] / data["weight"]
        dense = np.linspace(coupling[0], coupling[-1], 201)
        left.plot(dense, PchipInterpolator(coupling, seen)(dense), "--", color=GREY)
        left.plot(coupling, seen, "s", color=GREY)
        told = r"$1/\tau$, were it to see $Z$"
        left.plot([], [], "--", marker="s", color=GREY, label=told)
        left.set(xlabel=r"coupling $\lambda$", ylabel=r"$1/\tau$ at $\Omega = 0$, over $\omega$")
        left.set_xlim(left=0)
        left.set_ylim(bottom=0)
        left.legend(loc="upper left")
        styles = zip((BLUE, GREEN, ORANGE), ("-", "--", "-."), (0.5, 1.0, 2.0), strict=True)
        for colour, line, c in styles:
            curve = data["enhancement"].sel(coupling=c)
            right.plot(data["temperature"], curve, line, color=colour, label=rf"$\lambda$ = {c:g}")
            right.axhline(1 + c, color=colour, linewidth=0.7, linestyle=":")
        right.set(xscale="log", xlabel=r"temperature $T/\omega$", ylabel=r"$1 - \Sigma'(0)$")
        right.set_ylim(bottom=0)
        right.set_xlim(data["temperature"].values[0], data["temperature"].values[-1])
        right.legend(loc="lower left")
        finish(drawn)
    return drawn.root
