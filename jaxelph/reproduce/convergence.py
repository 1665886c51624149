"""λ_c(kinetic) against the energy grid: a smooth α²F, and δ modes."""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import eigh
from scipy.optimize import root_scalar

from ..grids.energies import EnergyGrid
from ..grids.refined import RefinedGrid
from ..presentation.finishing import finish
from ..presentation.plotting import BLUE, GREEN, GREY, ORANGE, STYLE, canvas
from ..spectra.peaks import GaussianPeaks
from ..stability.critical import critical_coupling
from ..stability.pencil import stability_pencil
from ..thermodynamics.strong_coupling import coupling_symbol
from .metal import G1, METAL
from .result import Reproduction, Table

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

_PEAK = GaussianPeaks([50.0], [5.0], [1.0])
_TEMPERATURES = (8.0, 12.0, 25.0, 41.0)
# What is left of an error where it is rounding alone.
_ROUNDING = 1e-15
_SIZES = (32, 45, 64, 91, 130, 184)
_SCALED = 0.278  # T0/g of the δ modes
_STEPS = {"1": 1.0, "1/2": 1 / 2, "1/3": 1 / 3}


def compute(progress) -> Reproduction:
    """λ_c of a Gaussian peak on ever larger grids, and of 21 modes on ever finer ones."""
    import xarray as xr

    t, size = (x.ravel() for x in np.meshgrid(_TEMPERATURES, _SIZES, indexing="ij"))
    # L energies up to 24 T and 75 beyond, exp(-24) being 4e-11. The grid goes on from there to
    # one size, so that there is one compilation; what lies beyond does not matter.
    step = (75 + 24 * t) / size
    sinc, refined = (np.asarray(x).reshape(len(_TEMPERATURES), -1) for x in _both(t, step))
    weight = np.asarray(_weight(np.array(_TEMPERATURES)))
    progress(1, 1 + len(_STEPS))
    modes, rough = {}, {}
    for k, (name, step) in enumerate(_STEPS.items()):
        modes[name] = modes_critical(step)
        rough[name] = rough_share(modes[name], step)
        progress(k + 2, 1 + len(_STEPS))
    # The finest grid is so far beyond the others that it is the limit for them.
    limit = refined[:, -1]
    q = np.linspace(0, 10, 2001)
    peak = GaussianPeaks([50.0], [5.0], [1.0], order=512)  # nodes dense enough for all q
    symbols = np.stack([np.asarray(coupling_symbol(s, jnp.asarray(q))) for s in (METAL, peak)])
    data = xr.Dataset(
        {
            "sinc": (("temperature", "size"), sinc, {"long_name": "λ_c(kinetic)", "units": "1"}),
            "refined": (
                ("temperature", "size"),
                refined,
                {"long_name": "λ_c(kinetic), refined grid", "units": "1"},
            ),
            "weight": ("temperature", weight, {"long_name": "λ_c(weight)", "units": "1"}),
            "modes": ("step", list(modes.values()), {"long_name": "λ_c of 21 modes", "units": "1"}),
            "symbol": (("spectrum", "q"), symbols, {"long_name": "Fourier transform of κ"}),
        },
        coords={
            "temperature": list(_TEMPERATURES),
            "size": list(_SIZES),
            "step": list(_STEPS.values()),
            "q": q,
            "spectrum": ["modes", "peak"],
        },
        attrs={"scaled_temperature": _SCALED},
    )
    heads = ("T", *(f"L = {n}" for n in _SIZES))
    return Reproduction(
        name="convergence",
        title="λ_c(kinetic) against the energy grid",
        comparisons=(),
        tables=(
            Table(
                "Gaussian peak, centre 50, width 5: sinc grid",
                (*heads, "weight"),
                ("g", *[".8f"] * (len(_SIZES) + 1)),
                tuple((t, *sinc[i], weight[i]) for i, t in enumerate(_TEMPERATURES)),
            ),
            Table(
                "The same with 96 nodes more about the least Z₀⁻¹",
                (*heads, "last change"),
                ("g", *[".8f"] * len(_SIZES), ".0e"),
                tuple(
                    (t, *refined[i], abs(limit[i] - refined[i, -2]))
                    for i, t in enumerate(_TEMPERATURES)
                ),
            ),
            Table(
                f"21 modes ω = 40…60, T0 = {_SCALED} g",
                ("ε", "λ_c", "band limit π/ε", "share of the softest mode at q > 2π"),
                ("", ".5f", ".3f", ".6f"),
                tuple(
                    (name, modes[name], np.pi / step, rough[name]) for name, step in _STEPS.items()
                ),
            ),
        ),
        remarks=(
            "The softest mode of a smooth α²F at low T is a spike at the least Z₀⁻¹, which no "
            "equidistant grid of this size resolves; nodes refined there settle λ_c to rounding. "
            "At T = 25 and 41 it is broad and both grids do.",
            "δ modes have no such limit. The exchange of a deviation that oscillates as e^{iqE} is "
            "κ's Fourier symbol, πΣλω sin ω|q|: of a smooth peak it dies out beyond the inverse "
            "width, of modes it goes on for ever. The 21 frequencies 40…60 are in phase again at "
            "q = 2π, with the largest values just above. Steps 1 and 1/2 admit |q| < π and 2π, "
            "which leave that out, 1/3 admits 3π: it finds rough modes there, and a lower λ_c.",
        ),
        dataset=data,
        plot=plot,
    )


@jax.jit
@jax.vmap
def _both(temperature, step):
    """λ_c on a sinc grid and on its refinement."""
    grid = EnergyGrid(step, max(_SIZES))
    return (
        critical_coupling(_PEAK, temperature, grid=grid),
        critical_coupling(_PEAK, temperature, grid=RefinedGrid.around(_PEAK, temperature, grid)),
    )


@jax.jit
@jax.vmap
def _weight(temperature):
    return critical_coupling(_PEAK, temperature, criterion="weight")


def softest_of_modes(coupling: float, step: float) -> tuple[float, np.ndarray]:
    """The least eigenvalue of Ã of 21 modes at T0 = 0.278 g, and its vector, on one step."""
    temperature = _SCALED * G1 * np.sqrt(coupling)
    # Up to 14 T at the threshold, where h² is 1e-6.
    grid = EnergyGrid(step, int(14 * _SCALED * G1 * np.sqrt(3.15) / step))
    form = np.asarray(stability_pencil(METAL.scaled(coupling), temperature, grid).A)
    values, vectors = eigh(form, subset_by_index=[0, 0])
    return float(values[0]), vectors[:, 0]


def modes_critical(step: float) -> float:
    """λ_c of the 21 modes at fixed T0/g on a grid of this step."""
    found = root_scalar(
        lambda c: softest_of_modes(c, step)[0], method="secant", x0=3.0, x1=3.15, xtol=1e-7
    )
    return float(found.root)


def rough_share(coupling: float, step: float) -> float:
    """The share of the softest mode's norm at |q| > 2π."""
    _, vector = softest_of_modes(coupling, step)
    odd = np.concatenate([-vector[::-1], [0.0], vector])
    power = np.abs(np.fft.rfft(odd)) ** 2
    q = 2 * np.pi * np.fft.rfftfreq(odd.size, step)
    return float(power[q > 2 * np.pi].sum() / power.sum())


def plot(data: "xr.Dataset", ax: Any = None) -> "Figure":
    """Errors against the number of energies, and what of κ̂ each step admits."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        drawn = canvas(ax, 1, 2, (7.2, 3.0))
        left, right = drawn.panels
        limit = data["refined"].values[:, -1]
        colours, marks = (ORANGE, BLUE, GREEN, GREY), "os^d"
        for i, (t, colour, mark) in enumerate(
            zip(data["temperature"].values, colours, marks, strict=True)
        ):
            for name, line in (("sinc", "--"), ("refined", "-")):
                error = np.abs(data[name].values[i, :-1] / limit[i] - 1)
                # Below, nothing but rounding is left.
                left.plot(
                    data["size"][:-1], np.maximum(error, _ROUNDING), line, marker=mark,
                    color=colour, label=f"$T = {t:g}$" if name == "refined" else None,
                )  # fmt: skip
        left.plot([], [], "--", color="black", label="sinc grid")
        left.plot([], [], "-", color="black", label="refined grid")
        left.set(xlabel="energies $L$", ylabel=r"error of $\lambda_c$", yscale="log")
        left.set_ylim(_ROUNDING / 3, 1)
        left.legend(ncols=3, columnspacing=1.0)
        q = data["q"].values
        for name, colour, line, label in (
            ("modes", BLUE, "-", "21 modes"),
            ("peak", ORANGE, "--", "Gaussian peak"),
        ):
            right.plot(
                q, data["symbol"].sel(spectrum=name), line, color=colour, lw=0.9, label=label
            )
        steps = ((1.0, "1", ":"), (1 / 2, "1/2", "-."), (1 / 3, "1/3", "--"))
        for step, label, line in steps:
            told = rf"$\pi/\varepsilon$, $\varepsilon = {label}$"
            right.axvline(np.pi / step, color=GREY, linewidth=0.8, linestyle=line, label=told)
        right.set(xlabel="$q$", ylabel=r"$\hat\kappa(q)$", xlim=(0, q[-1]))
        right.legend()
        finish(
            drawn,
            ("Gaussian peak, centre 50, width 5", r"a step admits $q < \pi/\varepsilon$"),
        )
    return drawn.root
