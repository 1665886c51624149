"""Phonons that move: the claims of Supplement Secs. I and IV as numbers."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..electrons.occupations import bose
from ..grids.energies import EnergyGrid
from ..presentation.finishing import finish
from ..presentation.plotting import BLUE, GREY, ORANGE, STYLE, canvas
from ..spectra.examples import example
from ..spectra.peaks import GaussianPeaks
from ..spectra.resolution import at_temperature
from ..spectra.spectrum import EliashbergFunction
from ..stability.modes import pencil_modes
from ..stability.pencil import stability_pencil
from ..stability.phonons import MovingPhonons
from ..thermodynamics.specific_heat import specific_heat_ratio
from ..units import HBAR, KELVIN
from .metal import METAL
from .result import Comparison, Reproduction, Table

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


class _Metal(NamedTuple):
    """Energies in meV, ν0 per meV, spin and cell."""

    name: str
    spectrum: EliashbergFunction
    states: float
    temperature: float


# Bare densities of states of Nb, Pb and Hg, per eV, spin and atom: what bands give, without 1 + λ.
_NIOBIUM, _LEAD, _MERCURY = 0.75e-3, 0.25e-3, 0.145e-3
# Two peaks with the λ = 1.637, ω_log = 28.45 K, λ⟨ω²⟩ = 28.92 meV² of calculations for Hg, and
# their C_el at 37.4 K, where it is least against bare electrons.
_HG = GaussianPeaks([1.74697, 7.94480], [0.27952, 1.27117], [1.22524, 0.41176])
_COUPLINGS = np.geomspace(1e-5, 10.0, 25)
# C_el < 0: this times the 21 modes.
_STRONG, _AT = 6.0, 0.38985


def compute(progress) -> Reproduction:
    """The threshold with and without phonons, growth, C_ph/|C_el|, rates of both."""
    import xarray as xr

    cold = 0.25 * float(np.sqrt(np.mean(np.arange(40.0, 61.0) ** 2)))
    grid = EnergyGrid(4.07, 112)
    plain = pencil_modes(stability_pencil(METAL, cold, grid))
    moving = pencil_modes(stability_pencil(METAL, cold, grid, phonons=MovingPhonons(1e-3)))
    progress(1, 5)
    strong = METAL.scaled(_STRONG)
    hot = _AT * np.sqrt(_STRONG) * cold / 0.25
    coarse = EnergyGrid(hot / 3, 96)
    growing, electrons = _growth(strong, hot, coarse, _COUPLINGS)
    progress(3, 5)
    metals = (
        _Metal("21 modes, 146 K", METAL, _NIOBIUM, 146.0),
        _Metal("niobium, 300 K", example("niobium"), _NIOBIUM, 300.0),
        _Metal("niobium, 20 K", example("niobium"), _NIOBIUM, 20.0),
        _Metal("lead, 300 K", example("lead"), _LEAD, 300.0),
        _Metal("mercury, 37 K", _HG, _MERCURY, 37.0),
    )
    rows = tuple(_of_metal(metal) for metal in metals)
    progress(5, 5)
    data = xr.Dataset(
        {
            "growing": ("coupling", growing[0], {"long_name": "growing modes"}),
            "growth": (
                "coupling",
                growing[1],
                {"long_name": "growth of the total energy's mode", "units": "meV"},
            ),
            "heat_ratio": ("coupling", growing[2], {"long_name": "C_ph/|C_el|"}),
        },
        coords={"coupling": ("coupling", _COUPLINGS, {"units": "1/meV"})},
        attrs={"temperature": hot, "growing_without": electrons[0], "growth_without": electrons[1]},
    )
    return Reproduction(
        name="phonons",
        title="Supplement Secs. I and IV: phonons that move with the electrons",
        comparisons=(
            Comparison(
                "slowest rate with phonons", "0.0771289", float(moving.rates[1]), "21 modes"
            ),
            Comparison("the electrons' own, phonons moving", "0.885071", float(moving.rates[21])),
            Comparison("the electrons' own, phonons at rest", "0.884702", float(plain.rates[0])),
        ),
        tables=(
            Table(
                f"C_el < 0: 21 modes, λ = {_STRONG:g}, T = {_AT:g} g; without phonons "
                f"{electrons[0]} modes grow",
                ("2ν0/F (1/meV)", "C_ph/|C_el|", "C_el + C_ph", "growing modes"),
                (".1e", ".3g", "", "d"),
                tuple(
                    (float(c), float(h), "> 0" if h > 1 else "< 0", int(n))
                    for c, h, n in zip(
                        _COUPLINGS[::4], growing[2][::4], growing[0][::4], strict=True
                    )
                ),
            ),
            Table(
                "One atom per cell, F ∝ α²F",
                (
                    "metal",
                    "C_el ratio",
                    "C_ph/|C_el|",
                    "phonons' rate (1/ps)",
                    "electrons' (1/ps)",
                    "ratio",
                    "growing modes with, without",
                ),
                ("", ".4f", ".4g", ".4g", ".4g", ".4g", ""),
                rows,
            ),
        ),
        remarks=(
            "The phonons' part of A is positive and couples to nothing: as many modes grow with "
            "phonons as without, whatever heat they hold. A positive total specific heat does not "
            "make a metal with C_el < 0 stable.",
            "The phonons' rate is 4πν0 α²F(ω)ω/F(ω), its mean over modes; the electrons' is that "
            "of two temperatures.",
        ),
        dataset=data,
        plot=plot,
    )


def _growth(spectrum, temperature, grid, couplings):
    """How many modes grow, the least γ's size, and C_ph/|C_el|, for each 2ν0/F and without."""
    omega, _ = spectrum.modes()
    n = np.asarray(bose(omega, temperature))
    heat = np.pi**2 * temperature**2 / 3 * float(specific_heat_ratio(spectrum, temperature))
    lattice = float(np.sum(np.asarray(omega) ** 2 * n * (n + 1))) / temperature
    found = []
    for coupling in couplings:
        pencil = stability_pencil(spectrum, temperature, grid, phonons=MovingPhonons(coupling))
        modes = pencil_modes(pencil)
        # The mode that grows most slowly: those near the pole belong to the grid.
        growing = np.asarray(modes.rates)[np.asarray(modes.rates) < -1e-9]
        slowest = float(-growing.max()) if growing.size else 0.0
        found.append((growing.size, slowest, lattice / coupling / abs(heat)))
    alone = np.asarray(pencil_modes(stability_pencil(spectrum, temperature, grid)).rates)
    alone = alone[alone < -1e-9]
    return np.array(found).T, (int(alone.size), float(-alone.max()) if alone.size else 0.0)


def _of_metal(metal: _Metal):
    """A row of the table of metals."""
    temperature = metal.temperature * KELVIN
    spectrum = at_temperature(metal.spectrum, temperature)
    phonons = MovingPhonons.like_coupling(metal.states, 3.0)
    branches = phonons.on(spectrum)
    omega, coupling = np.asarray(branches.omega), np.asarray(branches.coupling)
    weight = np.where(coupling > 0, 1 / np.where(coupling > 0, coupling, 1.0), 0.0)
    n = np.asarray(bose(omega, temperature))
    ratio = float(specific_heat_ratio(spectrum, temperature))
    electrons = np.pi**2 * temperature**2 / 3 * ratio
    lattice = float(np.sum(weight * omega**2 * n * (n + 1))) / temperature
    moved = float(weight @ np.asarray(branches.relaxation) / np.sum(weight))
    flow = float(np.sum(np.asarray(branches.strength) * omega**3 * n * (n + 1))) / temperature
    cooling = flow / electrons
    grid = EnergyGrid.suggest(spectrum, temperature)
    with_phonons = stability_pencil(spectrum, temperature, grid, phonons=phonons)
    alone = stability_pencil(spectrum, temperature, grid)
    counts = [int(np.sum(np.linalg.eigvalsh(p.A) < 0)) for p in (with_phonons, alone)]
    return (
        metal.name,
        ratio,
        lattice / abs(electrons),
        np.pi * moved / HBAR,
        np.pi * cooling / HBAR,
        moved / cooling,
        f"{counts[0]}, {counts[1]}",
    )


def plot(data: "xr.Dataset", ax: Any = None) -> "Figure":
    """Growth and number of growing modes against the phonons' heat."""
    from matplotlib import rc_context
    from scipy.interpolate import PchipInterpolator

    with rc_context(STYLE):
        drawn = canvas(ax, 1, 2, (7.2, 2.8))
        left, right = drawn.panels
        heat = data["heat_ratio"].values
        left.plot(heat, data["growing"], "o", color=ORANGE, label="phonons that move")
        left.axhline(data.attrs["growing_without"], color=GREY, ls=":", label="at rest")
        most = int(np.max(data["growing"]))
        left.set(ylabel="growing modes", ylim=(0, 1.6 * most), yticks=range(most + 2))
        dense = np.geomspace(np.min(heat), np.max(heat), 301)
        order = np.argsort(heat)
        growth = PchipInterpolator(np.log(heat[order]), data["growth"].values[order])
        curve = growth(np.log(dense))
        right.plot(dense, curve, color=BLUE, label="phonons that move")
        right.axhline(data.attrs["growth_without"], color=GREY, ls=":", label="at rest")
        right.set(ylabel="growth of the slowest (meV)", ylim=(0, None))
        for axes in (left, right):
            axes.set(xscale="log", xlabel=r"heat of the phonons $C_{ph}/|C_{el}|$")
            axes.axvline(1.0, color="black", linewidth=0.7, label=r"$C_{ph} = -C_{el}$")
            axes.legend()
        finish(drawn)
    return drawn.root
