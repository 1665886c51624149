"""λ → ∞ with classical phonons: Supplement Eqs. (39)-(41)."""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from ..electrons.occupations import fermi
from ..grids.energies import EnergyGrid
from ..kinetics.collisions import PhononCollisions
from ..presentation.finishing import finish
from ..presentation.plotting import BLUE, CRITERION_STYLE, SHADE, STYLE, canvas, plain_ticks
from ..spectra.moments import moment
from ..spectra.peaks import GaussianPeaks
from ..spectra.spectrum import EinsteinModes
from ..stability.critical import CRITERIA, Criterion, critical_coupling
from ..superconductivity.transition import transition_temperature
from ..thermodynamics.strong_coupling import (
    ClassicalCollisions,
    classical_inverse_weight,
    classical_weight_threshold,
    classical_weight_zeros,
    coupling_symbol,
    energy_uncertainty,
)
from .result import Comparison, Reproduction, Table

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

#: Where the normal state of λ → ∞ gives way to superconductivity: Tc = 0.1827 g.
TEMPERATURE = 0.1827


def compute(progress) -> Reproduction:
    """(39)-(41): the zeros, the uncertainty of energy, the limits of the criteria."""
    import xarray as xr

    low, high = (float(e) for e in classical_weight_zeros(1.0, TEMPERATURE))
    uncertainty = float(energy_uncertainty(1.0, TEMPERATURE))
    progress(1, 4)
    collisions = _collision_limit()
    progress(2, 4)
    peak = GaussianPeaks([1.0], [0.1], [1.0])
    g1 = float(jnp.sqrt(moment(peak, 2)))
    temperatures = np.geomspace(0.6, 12.0, 12)
    size = 256
    found: dict[Criterion, list[float]] = {name: [] for name in CRITERIA}
    for k, t in enumerate(temperatures):
        grid = EnergyGrid(max(1 / 2, 24 * t / size), size)
        for name in found:
            found[name].append(float(critical_coupling(peak, float(t), criterion=name, grid=grid)))
        progress(2 + k / len(temperatures), 4)
    critical = np.array([found[name] for name in CRITERIA])
    edges = temperatures[None, :] / (g1 * np.sqrt(critical))
    symbol = float(np.max(coupling_symbol(peak, jnp.linspace(0.5, 3.0, 501))))
    energies = np.linspace(0, 3, 601)
    data = xr.Dataset(
        {
            "inverse_weight": (
                "energy",
                np.asarray(classical_inverse_weight(1.0, TEMPERATURE, energies)),
                {"long_name": "inverse quasiparticle weight, T >> omega", "units": "1"},
            ),
            "critical_coupling": (
                ("criterion", "temperature"),
                critical,
                {"long_name": "critical coupling of a Gaussian peak", "units": "1"},
            ),
            "edge": (
                ("criterion", "temperature"),
                edges,
                {"long_name": "T/g at that coupling", "units": "1"},
            ),
        },
        coords={
            "energy": ("energy", energies, {"units": "g"}),
            "temperature": ("temperature", temperatures, {"units": "omega"}),
            "criterion": list(CRITERIA),
        },
        attrs={
            "zeros": [low, high],
            "uncertainty": uncertainty,
            "temperature": TEMPERATURE,
            "weight_limit": float(classical_weight_threshold()),
            "heat_limit": float(np.sqrt(1.5) / np.pi),
            "symbol_maximum": symbol,
            "g_at_unit_coupling": g1,
        },
    )
    limits = Table(
        "Upper edge of instability T/g of a Gaussian peak (width ω/10), λ → ∞",
        ("λ_c", "T/ω", "weight", "λ_c", "heat", "λ_c", "kinetic", "kinetic, 4T/max κ̂"),
        (".4g", ".3f", ".5f", ".4g", ".5f", ".4g", ".5f", ".4g"),
        tuple(
            (
                critical[0, k], t, edges[0, k], critical[1, k], edges[1, k], critical[2, k],
                edges[2, k], 4 * t / symbol,
            )
            for k, t in list(enumerate(temperatures))[::2]
        ),
    )  # fmt: skip
    return Reproduction(
        name="strong-coupling",
        title="Supplement Eqs. (39)-(41): λ → ∞ at fixed g² = λ⟨ω²⟩, T ≫ ω",
        comparisons=(
            Comparison("lower zero of Z₀⁻¹, E/g", "0.40", low, "0.39 at two digits, 0.4 at one"),
            Comparison("upper zero of Z₀⁻¹, E/g", "1.16", high),
            Comparison("Tc/g of an Einstein mode, λ = 10⁶", "0.1827", _transition(1e6)),
        ),
        tables=(
            Table(
                "The range of negative Z₀⁻¹ and the uncertainty of energy at T = 0.1827 g",
                ("δE/g", "(g²T)^(1/3)/g", "their ratio"),
                (".5f", ".5f", ".3f"),
                ((high - low, uncertainty, (high - low) / uncertainty),),
            ),
            Table(
                "Collision integral at T₀ = 0.25 g: full Eq. (30) against its limit "
                "g² d/dE[T₀f' + f(1-f)]",
                ("ω/g", "largest difference / largest value", "ratio"),
                (".3f", ".3e", ".3f"),
                collisions,
            ),
            limits,
        ),
        remarks=(
            "Two criteria have a limit: Z₀⁻¹ < 0 somewhere for T < "
            f"{data.attrs['weight_limit']:.5f} g, C_el < 0 for T < {data.attrs['heat_limit']:.5f} "
            "g. The kinetic one has none: κ's Fourier symbol tends to πg²|q|, which is unbounded. "
            "For a finite width of α²F its edge grows as T = λ_c max κ̂/4, so that T/g grows as √λ.",
        ),
        dataset=data,
        plot=plot,
    )


def _transition(coupling):
    """Tc/g without a pseudopotential, by the linearised Eliashberg equation."""
    tc = transition_temperature(EinsteinModes([1.0], [coupling]), 0.0)
    return float(tc) / float(np.sqrt(coupling))


def _collision_limit():
    grid = EnergyGrid(0.05, 300)
    hot = fermi(grid.energies, 0.27) - fermi(grid.energies, 0.25)
    limit = ClassicalCollisions(1.0, 0.25, grid).integral(hot)
    rows, before = [], None
    for omega in (0.08, 0.04, 0.02):
        modes = EinsteinModes([omega], [omega**-2])
        full = jax.jit(lambda s: PhononCollisions.at(s, 0.25, grid).integral(hot))(modes)
        error = float(np.max(np.abs(full - limit)) / np.max(np.abs(limit)))
        rows.append((omega, error, None if before is None else before / error))
        before = error
    return tuple(rows)


def plot(data: "xr.Dataset", ax: Any = None) -> "Figure":
    """Z0⁻¹(E) with its zeros, and the edges by the three criteria against λ."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        drawn = canvas(ax, 1, 2, (7.2, 2.9))
        left, right = drawn.panels
        energies, weight = data["energy"].values, data["inverse_weight"].values
        left.plot(energies, weight, color=BLUE)
        left.axhline(0, color="black", linewidth=0.7)
        left.fill_between(energies, weight, 0, where=weight < 0, color=SHADE, alpha=0.2, lw=0)
        for zero, mark in zip(data.attrs["zeros"], "os", strict=True):
            left.plot([zero], [0], mark, color="black", label=f"zero at {zero:.4f}")
        left.set(xlim=(0, 3), xlabel="energy $E/g$", ylabel=r"$Z_0^{-1}(E)$")
        left.legend()
        for name, (colour, line, marker, text) in CRITERION_STYLE.items():
            one = data.sel(criterion=name)
            right.plot(
                one["critical_coupling"], one["edge"], line, marker=marker, color=colour, label=text
            )
        for name in ("weight", "heat"):
            told = rf"its limit, $\lambda \to \infty$, {name}"
            colour, limit = CRITERION_STYLE[name][0], data.attrs[f"{name}_limit"]
            right.axhline(limit, color=colour, linewidth=0.7, linestyle=":", label=told)
        right.set(
            xscale="log", yscale="log", xlabel=r"coupling $\lambda$",
            ylabel="edge of instability $T/g$",
        )  # fmt: skip
        plain_ticks(right.yaxis)
        right.legend()
        finish(drawn, (rf"$T = {TEMPERATURE}\,g \gg \omega$", r"a peak of width $\omega/10$"))
    return drawn.root
