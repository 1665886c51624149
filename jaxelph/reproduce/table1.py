"""The critical couplings of Table I of the Supplement, and what its columns are."""

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import eigh
from scipy.optimize import brentq

from ..electrons.occupations import thermal_window
from ..electrons.weight import inverse_quasiparticle_weight
from ..grids.energies import EnergyGrid
from ..presentation.finishing import finish
from ..presentation.plotting import CRITERION_STYLE, GREY, STYLE, canvas, is_plain_tick
from ..stability.critical import CRITERIA, critical_coupling
from .metal import G1, METAL, published_exchange, published_form
from .result import Comparison, Reproduction, Table

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

#: T0/g → the columns "Linear Analysis" and "Minimize Z0⁻¹", where they are at hand.
PRINTED = {
    0.180: ("1.1335", "1.1333"),
    0.192: None,
    0.204: ("1.5644", "1.5644"),
    0.217: None,
    0.229: ("2.3096", "2.3094"),
    0.241: None,
    0.253: ("3.7427", "3.7416"),
    0.266: None,
    0.278: ("8.6508", "8.6517"),
}
#: The paper's step, ε = 1 in units of it, up to 23 T at the hottest: exp(-23) is 1e-10.
GRID = EnergyGrid(1.0, 576)
#: Of the estimate of the grid's error; of the same size, so that nothing is compiled for it.
_COARSE = EnergyGrid(1.5, GRID.size)
#: Of the form as published, whose softest mode is a spike below E = 100 ε.
_PUBLISHED_GRID = EnergyGrid(1.0, 300)
COLUMNS = ("snapped", *CRITERIA)
#: Where Newton's method starts at the lowest temperature.
_STARTS = {"snapped": 1.0, "weight": 1.0, "heat": 3.7, "kinetic": 1.0}


def _snapped(temperature):
    """The λ at which Z0⁻¹ first vanishes at one of E = ε, 2ε, …"""
    energies = jnp.arange(1.0, 401)
    return 1 / (1 - jnp.min(inverse_quasiparticle_weight(METAL, temperature, energies)))


@partial(jax.jit, static_argnames="name")
def _value_and_slope(name, temperature, grid):
    """λ_c and dλ_c/dT; forward, which compiles faster than a reverse pass."""

    def value(t):
        if name == "snapped":
            return _snapped(t)
        return critical_coupling(METAL, t, criterion=name, grid=grid if name == "kinetic" else None)

    return jax.jvp(value, (temperature,), (jnp.ones(()),))


def scaled_root(name: str, scaled: float, start: float) -> tuple[float, float]:
    """λ = λ_c(T), T = (T0/g) g(λ), and dλ/d(T0/g), by Newton's method from `start`."""
    coupling, slope = start, np.nan
    for _ in range(20):
        temperature = scaled * G1 * np.sqrt(coupling)
        value, by_temperature = (float(x) for x in _value_and_slope(name, temperature, GRID))
        gain = 1 - by_temperature * temperature / (2 * coupling)
        slope = by_temperature * G1 * np.sqrt(coupling) / gain
        step = (value - coupling) / gain
        coupling += step
        # Quadratic convergence: the next step would be of the order of this one squared.
        if abs(step) < 1e-5 * coupling:
            return coupling, slope
    return float("nan"), float("nan")


def published_root(scaled: float, near: float) -> float:
    """The λ near `near` at which the form as published has its first negative eigenvalue."""
    energies = np.asarray(_PUBLISHED_GRID.energies)
    exchange = published_exchange(_PUBLISHED_GRID)

    def least(coupling):
        temperature = scaled * G1 * np.sqrt(coupling)
        weight = inverse_quasiparticle_weight(METAL.scaled(coupling), temperature, energies)
        form = published_form(coupling, weight, thermal_window(energies, temperature), exchange)
        return eigh(form, eigvals_only=True, subset_by_index=[0, 0])[0]

    root = brentq(least, 0.999 * near, 1.001 * near, xtol=1e-8)
    return float(root)  # pyright: ignore[reportArgumentType]


@cache
def _row(k: int) -> tuple[np.ndarray, np.ndarray, float, float]:
    """λ_c and dλ_c/d(T0/g) of each column at the k-th temperature, the change on 1.5 ε, and λ_c
    of the form as published."""
    t0 = list(PRINTED)[k]
    starts = dict(_STARTS)
    if k > 0:  # along the tangents
        before, by_t0, *_ = _row(k - 1)
        starts = dict(zip(COLUMNS, before + by_t0 * (t0 - list(PRINTED)[k - 1]), strict=True))
    values, slopes = np.array([scaled_root(name, t0, starts[name]) for name in COLUMNS]).T
    coarse = _value_and_slope("kinetic", t0 * G1 * np.sqrt(values[-1]), _COARSE)[0]
    published = published_root(t0, values[0])
    return values, slopes, abs(float(coarse) - values[-1]), published


def critical_couplings(progress) -> "xr.Dataset":
    """Nine temperatures, four columns, each with its derivative."""
    import xarray as xr

    scaled = np.array(list(PRINTED))
    values, slopes = np.empty((2, len(COLUMNS), len(scaled)))
    errors, published = np.empty((2, len(scaled)))
    for k in range(len(scaled)):
        values[:, k], slopes[:, k], errors[k], published[k] = _row(k)
        progress(k + 1, len(scaled))
    return xr.Dataset(
        {
            "critical_coupling": (("column", "T0"), values, {"long_name": "λ_c", "units": "1"}),
            "slope": (("column", "T0"), slopes, {"long_name": "dλ_c/d(T0/g)", "units": "1"}),
            "as_published": (
                "T0",
                published,
                {"long_name": "λ_c of (18), second term times 1/400", "units": "1"},
            ),
            "grid_error": ("T0", errors, {"long_name": "of the kinetic λ_c", "units": "1"}),
            "printed": (
                ("printed_column", "T0"),
                [[float(p[i]) if p else np.nan for p in PRINTED.values()] for i in (0, 1)],
            ),
        },
        coords={
            "column": list(COLUMNS),
            "printed_column": ["linear", "weight"],
            "T0": ("T0", scaled, {"units": "g"}),
        },
        attrs={"grid_step": float(GRID.step), "grid_size": GRID.size},
    )


def compute(progress) -> Reproduction:
    """Table I beside what is printed, with the derivative of each number."""
    data = critical_couplings(progress)
    values, slopes = data["critical_coupling"].values, data["slope"].values
    errors, published = data["grid_error"].values, data["as_published"].values
    comparisons = []
    for k, (t0, printed) in enumerate(PRINTED.items()):
        if printed:
            comparisons += [
                Comparison(f"T0 = {t0:.3f} g, linear", printed[0], scanned(published[k])),
                Comparison(f"T0 = {t0:.3f} g, Z₀⁻¹", printed[1], scanned(values[1, k])),
            ]
    tables = (
        Table(
            "Critical couplings",
            ("T0/g", "paper linear", "paper Z₀⁻¹", "as published", "Z₀⁻¹ on grid", "Z₀⁻¹",
             "C_el = 0", "(18) whole", "at 1.5 ε"),
            (".3f", "", "", ".5f", ".5f", ".7f", ".7f", ".7f", "+.0e"),
            tuple(
                (t0, *(printed or (None, None)), published[k], *values[:, k], errors[k])
                for k, (t0, printed) in enumerate(PRINTED.items())
            ),
        ),
        Table(
            "Their derivatives dλ_c/d(T0/g)",
            ("T0/g", "Z₀⁻¹ on grid", "Z₀⁻¹", "C_el = 0", "(18) whole"),
            (".3f", ".3f", ".3f", ".3f", ".3f"),
            tuple((t0, *slopes[:, k]) for k, t0 in enumerate(PRINTED)),
        ),
    )  # fmt: skip
    return Reproduction(
        name="table1",
        title="Supplement, Table I: critical couplings of 21 modes",
        comparisons=tuple(comparisons),
        tables=tables,
        remarks=(
            "All printed numbers are the first unstable ones of a scan of λ by 1e-4: rounded up. "
            "The comparison above is with the same scan.",
            "The printed column “Linear Analysis” is that of (18) with its second term multiplied "
            "by ε² = 1/400 (“as published”), as are the published rates. What is left is close to "
            "the first sign change of Z₀⁻¹ on the grid E = ε, 2ε, …. With the whole term the "
            "threshold is lower, and at T0 = 0.278 g even C_el = 0 lies lower than what is "
            "printed.",
            "“at 1.5 ε” is the change of (18) whole on a grid 1.5 times coarser. It is no bound of "
            "the error: the grid of discrete phonons decides which rough modes there are, and a "
            "finer one may have lower ones.",
        ),
        dataset=data,
        plot=plot,
    )


def scanned(critical: float) -> float:
    """The first λ beyond a critical one, in steps of 1e-4."""
    return float(np.ceil(1e4 * critical) / 1e4)


def plot(data: "xr.Dataset", ax: Any = None) -> "Figure":
    """λ_c against T0/g by each criterion with the printed points, and the slopes."""
    from matplotlib import rc_context
    from scipy.interpolate import CubicHermiteSpline

    with rc_context(STYLE):
        drawn = canvas(ax, 1, 2, (7.2, 3.1))
        left, right = drawn.panels
        scaled = data["T0"].values
        dense = np.linspace(scaled[0], scaled[-1], 301)
        for name, (colour, line, marker, text) in CRITERION_STYLE.items():
            one = data.sel(column=name)
            critical, slope = one["critical_coupling"].values, one["slope"].values
            # Values and slopes are exact: between them the curve is that of both.
            curve = CubicHermiteSpline(scaled, critical, slope)
            for axes, values, smooth in (
                (left, critical, curve(dense)), (right, slope, curve(dense, 1)),
            ):  # fmt: skip
                axes.plot(dense, smooth, line, color=colour)
                axes.plot(scaled, values, marker, color=colour)
                axes.plot([], [], line, marker=marker, color=colour, label=text)
        left.plot(
            data["T0"], data["printed"].sel(printed_column="linear"), "x", color=GREY,
            markersize=7, label="printed, Linear Analysis",
        )  # fmt: skip
        left.set(
            yscale="log", xlabel="temperature $T_0/g$", ylabel=r"critical coupling $\lambda_c$"
        )
        left.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        left.yaxis.set_minor_formatter(
            lambda value, _: f"{value:g}" if is_plain_tick(value) or value < 9 else ""
        )
        right.axhline(0, color=GREY, linewidth=0.7)
        right.set(xlabel="temperature $T_0/g$", ylabel=r"$d\lambda_c/d(T_0/g)$")
        right.legend()
        left.legend()
        finish(drawn)
    return drawn.root
