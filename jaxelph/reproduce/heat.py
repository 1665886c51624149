"""The electronic specific heat by three routes, its sign, and the phonons' beside it."""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import brentq

from ..electrons.weight import minimum_weight
from ..presentation.finishing import finish
from ..presentation.plotting import BLUE, GREEN, GREY, ORANGE, STYLE, canvas
from ..spectra.peaks import GaussianPeaks
from ..spectra.spectrum import EinsteinModes
from ..spectra.table import TabulatedSpectrum
from ..thermodynamics.potential import (
    electron_potential,
    heat_capacity,
    potential_cut_at_energy,
    potential_cut_at_number,
    specific_heat_from_potential,
    zeta_sums,
)
from ..thermodynamics.specific_heat import (
    maximum_stability_parameter,
    phonon_heat_debye,
    specific_heat_double_integral,
    specific_heat_ratio,
)
from .metal import METAL
from .result import Comparison, Reproduction, Table

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

_COUPLINGS = (1.0, 2.0, 3.6914923657, 6.0, 10.0)
_FERMI = 100.0  # E_F/Ω of the figure


def compute(progress) -> Reproduction:
    """C_el by (5), (13) and (8); where it turns negative; cutoffs; C_el + C_ph."""
    import xarray as xr

    mode = EinsteinModes([1.0], [1.0])
    xi, t_xi = (float(x) for x in maximum_stability_parameter(mode))
    least = _weight_threshold(mode, 0.2)
    progress(1, 4)
    routes = _three_routes()
    progress(2, 4)
    cut = _cutoffs(mode, 0.25)
    progress(3, 4)
    temperatures = np.geomspace(0.05, 3.0, 120)
    # C_el is linear in λ.
    per_coupling = 1 - np.asarray(_ratios(mode, temperatures))
    ratio = 1 - np.outer(_COUPLINGS, per_coupling)
    strong = mode.scaled(_COUPLINGS[-1])
    heat = _heat_capacities(strong, temperatures, _FERMI)
    scale = np.array([10.0, 100.0, 1000.0])
    at = heat_capacity(strong, 0.486, scale)
    progress(4, 4)
    data = xr.Dataset(
        {
            "ratio": (
                ("coupling", "temperature"),
                ratio,
                {"long_name": "C_el/(2π²ν₀T/3)", "units": "1"},
            ),
            "electrons": ("temperature", np.asarray(heat.electrons), {"units": "k_B per ion"}),
            "phonons": ("temperature", np.asarray(heat.phonons), {"units": "k_B per ion"}),
            "total": ("temperature", np.asarray(heat.total), {"units": "k_B per ion"}),
        },
        coords={
            "coupling": list(_COUPLINGS),
            "temperature": ("temperature", temperatures, {"units": "Ω"}),
        },
        attrs={"fermi_energy": _FERMI, "xi": xi, "temperature_of_xi": t_xi},
    )
    zeta = zeta_sums()
    return Reproduction(
        name="specific-heat",
        title="Specific heat of the electrons: three routes, its sign, the phonons' share",
        comparisons=(
            Comparison("λ_c of an Einstein mode by C_el < 0", "3.7", 1 / xi),
            Comparison("λ_c by Z₀⁻¹ < 0 at T0 = 0.2 g", "1.27", least),
            Comparison(
                "Debye's C_ph per ion (of 3) at T = 0.18 Θ",
                "0.92",
                float(phonon_heat_debye(1, 0.18)),
            ),
        ),
        tables=(
            Table(
                "C_el/(2π²ν₀T/3) by (13), digamma functions, and how far the others are from it",
                ("spectrum", "T", "Eq. (13)", "double integral (5)", "−T ∂²f/∂T² of (8)"),
                ("", ".3g", ".12f", "+.1e", "+.1e"),
                routes,
            ),
            Table(
                "Eqs. (9)-(12): the divergent sums and what the zeta function makes of them",
                ("sum", "becomes", "closed form"),
                ("", ".12f", ""),
                (
                    ("Σ (n + ½), n ≥ 0", zeta.frequencies, "ζ(-1, ½) = 1/24"),
                    ("Σ 1 over all n", zeta.count, "1 + 2ζ(0) = 0"),
                    ("f of free electrons/(ν₀T²)", zeta.free, "-π²/3"),
                ),
            ),
            Table(
                "The same specific heat with a cutoff, Ω = 1, λ = 1, T = 0.25",
                ("cutoff", "C_el/(2π²ν₀T/3)", "less Eq. (13)"),
                ("", ".8f", "+.1e"),
                cut,
            ),
            Table(
                "|C_el|/C_ph of an Einstein mode, λ = 10, T = 0.486 Ω",
                ("E_F/Ω", "C_el per ion/k_B", "C_ph per ion/k_B", "|C_el|/C_ph"),
                (".0f", ".6f", ".6f", ".2e"),
                tuple(
                    (float(e), float(c), float(p), abs(float(c) / float(p)))
                    for e, c, p in zip(
                        scale, at.electrons, np.broadcast_to(at.phonons, scale.shape), strict=True
                    )
                ),
            ),
        ),
        remarks=(
            f"C_el is least at T = {t_xi:.6f} Ω, where λ_c = {1 / xi:.10f}. The heat capacity of "
            "electrons and phonons together stays positive there: |C_el|/C_ph falls as Ω/E_F.",
        ),
        dataset=data,
        plot=plot,
    )


_ratios = jax.jit(jax.vmap(specific_heat_ratio, (None, 0)))
_heat_capacities = jax.jit(jax.vmap(heat_capacity, (None, 0, None)))


@jax.jit
def _routes(spectrum, temperature):
    return jnp.stack([
        specific_heat_ratio(spectrum, temperature),
        specific_heat_double_integral(spectrum, temperature),
        specific_heat_from_potential(spectrum, temperature),
    ])  # fmt: skip


def _three_routes():
    peaks = GaussianPeaks([20.0, 50.0], [3.0, 5.0], [1.0, 2.0])
    omega = np.linspace(0.5, 80.0, 160)
    shape = omega**2 * np.exp(-((omega / 30.0) ** 2))
    table = TabulatedSpectrum(omega, 0.9 * shape / shape.max())
    rows = []
    for name, spectrum, temperatures in (
        ("21 modes", METAL, (4.0, 12.5, 50.0)),
        ("two Gaussian peaks", peaks, (4.0, 12.0, 50.0)),
        ("a table of 160 points", table, (4.0, 9.0, 50.0)),
    ):
        for temperature in temperatures:
            closed, double, potential = (float(x) for x in _routes(spectrum, temperature))
            rows.append((name, temperature, closed, double - closed, potential - closed))
    return tuple(rows)


def _cutoffs(mode, temperature):
    closed = float(specific_heat_ratio(mode, temperature))
    numbers = (10, 100, 1000)
    # The same number of terms for every cutoff energy: more than enough costs nothing.
    cutoffs, terms = (30.0, 100.0, 300.0), int(4 * 300 / temperature)

    def potentials(t):
        return jnp.stack([
            electron_potential(mode, t),
            *(potential_cut_at_energy(mode, t, cutoff, terms=terms) for cutoff in cutoffs),
            *(potential_cut_at_number(mode, t, terms=n) for n in numbers),
        ])  # fmt: skip

    second = jax.jit(jax.jacfwd(jax.jacfwd(potentials)))(temperature)
    names = (
        "none: zeta function",
        *(f"energy Λ = {cutoff:.0f}" for cutoff in cutoffs),
        *(f"number N = {n}" for n in numbers),
    )
    values = -3 / (2 * np.pi**2) * np.asarray(second)
    return tuple((name, float(x), float(x) - closed) for name, x in zip(names, values, strict=True))


def _weight_threshold(mode, scaled):
    """λ_c by Z0⁻¹ of one mode ω = 1 at T = scaled·g, g = √λ."""

    def least(coupling):
        return float(minimum_weight(mode.scaled(coupling), scaled * np.sqrt(coupling))[0])

    return float(brentq(least, 1, 2, xtol=1e-9))  # pyright: ignore[reportArgumentType]


def plot(data: "xr.Dataset", ax: Any = None) -> "Figure":
    """C_el over its bare value against T, and C_el, C_ph and their sum per ion."""
    from matplotlib import rc_context

    t = data["temperature"]
    with rc_context(STYLE):
        drawn = canvas(ax, 1, 2, (7.2, 3.0))
        left, right = drawn.panels
        # Those that stay positive, the one that just touches zero, those that do not.
        styles = (
            (BLUE, "-"), (BLUE, "--"), ("black", "-"), (ORANGE, "--"), (ORANGE, "-"),
        )  # fmt: skip
        for coupling, (colour, line) in zip(data["coupling"].values, styles, strict=True):
            left.plot(
                t, data["ratio"].sel(coupling=coupling), line, color=colour,
                label=rf"$\lambda = {coupling:.4g}$",
            )  # fmt: skip
        left.axhline(0, color=GREY, linewidth=0.7)
        left.set(
            xscale="log", ylim=(-2, 6), xlabel=r"temperature $T/\Omega$",
            ylabel=r"$C_{el}/(2\pi^2\nu_0T/3)$",
        )  # fmt: skip
        left.legend()
        for name, colour, line, label in (
            ("electrons", BLUE, "-", "$C_{el}$"),
            ("phonons", GREEN, "-.", "$C_{ph}$, Debye"),
            ("total", ORANGE, "--", "both"),
        ):
            right.plot(t, data[name], line, color=colour, label=label)
        right.axhline(0, color=GREY, linewidth=0.7)
        right.set(
            xscale="log", xlabel=r"temperature $T/\Omega$", ylabel="heat capacity per ion / $k_B$"
        )
        right.legend()
        finish(
            drawn,
            (
                "one Einstein mode",
                rf"$\lambda = {_COUPLINGS[-1]:.0f}$, $E_F = {_FERMI:.0f}\,\Omega$",
            ),
        )
    return drawn.root
