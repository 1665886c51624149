"""Does pairing pre-empt the instability? T_c beside the three criteria, C_S beside C_N."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from ..presentation.finishing import finish
from ..presentation.plotting import BLUE, CRITERION_STYLE, GREEN, GREY, STYLE, canvas
from ..reports.report import report
from ..spectra.examples import example
from ..spectra.moments import coupling_constant
from ..spectra.spectrum import EliashbergFunction
from ..stability.critical import CRITERIA
from ..superconductivity.free_energy import specific_heat_jump, superconducting_heat_ratio
from ..superconductivity.transition import transition_temperature
from ..thermodynamics.specific_heat import specific_heat_ratio
from ..units import KELVIN
from .metal import METAL
from .result import Reproduction, Table

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

#: Each metal and its values of μ*.
METALS: dict[str, tuple[EliashbergFunction, tuple[float, ...]]] = {
    "niobium": (example("niobium"), (0.1, 0.12)),
    "lead": (example("lead"), (0.1,)),
    "21 modes, λ = 1": (METAL, (0.1, 0.0)),
    "21 modes, λ = 3.9": (METAL.scaled(3.9), (0.1, 0.0)),
    "21 modes, λ = 6": (METAL.scaled(6.0), (0.1, 0.0)),
}
#: T/T_c of the curves; one of them is T_c itself, in the normal state.
REDUCED = np.concatenate([np.linspace(0.05, 0.95, 37), [0.98, 0.995], np.linspace(1.0, 2.6, 65)])
#: As T → 0 C_S vanishes, and the second derivative that it is has a rounding error: what is closer
#: to 0 than this, in units of 2π²ν0T/3, has no sign.
ROUNDING = 1e-5
# Room for as many edges of instability, so that all metals are compiled for once.
_MOST_EDGES = 8
_TRANSITION = int(np.searchsorted(REDUCED, 1.0))

_normal = jax.jit(jax.vmap(specific_heat_ratio, (None, 0)))
_realised = jax.jit(
    jax.vmap(
        lambda s, t, mu_star: superconducting_heat_ratio(s, t, mu_star=mu_star), (None, 0, None)
    )
)


class Heats(NamedTuple):
    """Specific heats over 2π²ν0T/3 of a metal at one μ*."""

    tc: float  # meV
    at_transition: float  # the limit of C_S at T_c
    curves: np.ndarray  # (reduced, 2): C_N and that of the state realised, at `REDUCED`
    at_edges: np.ndarray  # (edge, 2): the same at the temperatures asked for


def heats(spectrum: EliashbergFunction, mu_star: float, edges: Sequence[float] = ()) -> Heats:
    """C_N and C_S over T/T_c and at some temperatures.

    Args:
        spectrum: an Eliashberg function in meV.
        mu_star: μ*.
        edges (K): no more than eight temperatures.
    """
    tc = float(transition_temperature(spectrum, mu_star))
    room = np.full(_MOST_EDGES, 0.5 * tc)
    room[: len(edges)] = KELVIN * np.asarray(edges)
    temperatures = np.append(tc * REDUCED, room)
    normal = np.asarray(_normal(spectrum, temperatures))
    # Not at T_c itself, where the equations of the gap take long to say that there is none.
    realised = normal.copy()
    chosen = np.append(REDUCED < 1, np.ones(_MOST_EDGES, bool))
    realised[chosen] = _realised(spectrum, temperatures[chosen], mu_star)
    both = np.stack([normal, realised], axis=-1)
    below = float(specific_heat_jump(spectrum, mu_star=mu_star))
    below *= 1 + float(coupling_constant(spectrum))
    count = REDUCED.size
    return Heats(tc, float(normal[_TRANSITION]) + below, both[:count], both[count:][: len(edges)])


def compute(progress) -> Reproduction:
    """T_c, the windows of instability by three criteria, C_N and C_S at their edges and between."""
    windows, cases, rows = {}, [], []
    for name, (spectrum, strengths) in METALS.items():
        tc = float(transition_temperature(spectrum, strengths[0])) / KELVIN
        # What a smooth α²F makes of its grid is soon exact; the modes have a sharp edge to find.
        rtol = 1e-6 if spectrum.smooth else 1e-12
        found = report(spectrum, np.array([tc]), mu_star=strengths[0], rtol=rtol)
        windows[name] = found.unstable_windows
        edges = edges_of(windows[name])
        for mu_star in strengths:
            found = heats(spectrum, mu_star, list(edges))
            cases.append((name, mu_star, found))
            for (t, criteria), (normal, realised) in zip(
                edges.items(), found.at_edges, strict=True
            ):
                over = t * KELVIN / found.tc
                state = "normal" if over >= 1 else "superconducting"
                rows.append(
                    (name, mu_star, criteria, t, over, _signed(normal), _signed(realised), state)
                )
        progress(len(windows), len(METALS))
    data = _dataset(cases, windows)
    where = Table(
        "Where the normal state is unstable, in K",
        ("metal", "λ", "min Z₀⁻¹ < 0", "C_N < 0", "kinetic"),
        ("", ".2f", "", "", ""),
        tuple(
            (name, float(coupling_constant(METALS[name][0])), *(_told(w[c]) for c in CRITERIA))
            for name, w in windows.items()
        ),
    )
    least = Table(
        "C/(2π²ν₀T/3) at Tc, and the least of it, for T > Tc up to 2.6 Tc and for T < Tc",
        ("metal", "μ*", "Tc/K", "C_N(Tc)", "C_S(Tc)", "C_N, T > Tc", "C_S, T < Tc", "C_N, T < Tc"),
        ("", "g", ".2f", ".3f", ".3f", ".3f", ".3f", ".3f"),
        tuple(_row(data.isel(case=case)) for case in range(len(cases))),
    )
    at_edges = Table(
        "C/(2π²ν₀T/3) at the edges of instability; C_S is C_N in the normal state",
        ("metal", "μ*", "edge", "T/K", "T/Tc", "C_N", "C_S", "state"),
        ("", "g", "", ".4g", ".3f", ".3f", ".3f", ""),
        tuple(rows),
    )
    return Reproduction(
        name="pairing",
        title="Does pairing pre-empt the instability of the normal state?",
        comparisons=(),
        tables=(where, least, at_edges),
        remarks=_remarks(data),
        dataset=data,
        plot=plot,
    )


def edges_of(windows) -> dict[float, str]:
    """Each edge of instability (K) with its criteria; edges that agree to 1e-3 are one."""
    named: dict[float, list[str]] = {}
    for criterion in CRITERIA:
        for edge in (t for window in windows[criterion] for t in window if t is not None):
            near = [t for t in named if abs(t / edge - 1) < 1e-3]
            named.setdefault(near[0] if near else edge, []).append(criterion)
    return {t: ", ".join(named[t]) for t in sorted(named)}


def _signed(value: float) -> float:
    """Without a sign that is rounding."""
    return float(value) if abs(value) > ROUNDING else 0.0


def _dataset(cases, windows) -> "xr.Dataset":
    import xarray as xr

    count = max(len(w) for found in windows.values() for w in found.values())
    edges = np.full((len(cases), len(CRITERIA), count, 2), np.nan)
    for i, (name, _, _) in enumerate(cases):
        for j, criterion in enumerate(CRITERIA):
            for k, (low, high) in enumerate(windows[name][criterion]):
                edges[i, j, k] = 0.0 if low is None else low, high
    ratio = np.stack([found.curves for *_, found in cases])
    over = "over 2π²ν0T/3"
    return xr.Dataset(
        {
            "Tc": ("case", [found.tc / KELVIN for *_, found in cases], {"units": "K"}),
            "normal": (
                ("case", "reduced"),
                ratio[..., 0],
                {"long_name": f"C_N {over}", "units": "1"},
            ),
            "realised": (
                ("case", "reduced"),
                ratio[..., 1],
                {"long_name": f"specific heat {over}, C_S below T_c", "units": "1"},
            ),
            "at_transition": (
                "case",
                [found.at_transition for *_, found in cases],
                {"long_name": f"C_S {over} at T_c", "units": "1"},
            ),
            "unstable": (
                ("case", "criterion", "window", "end"),
                edges,
                {"long_name": "where the normal state is unstable", "units": "K"},
            ),
        },
        {
            "metal": ("case", [name for name, _, _ in cases]),
            "mu_star": ("case", [mu_star for _, mu_star, _ in cases]),
            "reduced": ("reduced", REDUCED, {"long_name": "T/T_c", "units": "1"}),
            "criterion": list(CRITERIA),
            "end": ["low", "high"],
        },
    )


def _told(windows) -> str:
    parts = [f"< {high:.4g}" if low is None else f"{low:.4g} … {high:.4g}" for low, high in windows]
    return ", ".join(parts) or "nowhere"


def _row(one: "xr.Dataset"):
    below = one["reduced"].values < 1
    normal, realised = one["normal"].values, one["realised"].values
    return (
        str(one["metal"].values),
        float(one["mu_star"]),
        float(one["Tc"]),
        float(normal[_TRANSITION]),
        float(one["at_transition"]),
        float(np.min(normal[~below])),
        _signed(np.min(realised[below])),
        float(np.min(normal[below])),
    )


def _remarks(data: "xr.Dataset") -> tuple[str, ...]:
    above, first, negative = [], [], []
    for case in range(data.sizes["case"]):
        one = data.isel(case=case)
        tc, high = float(one["Tc"]), one["unstable"].sel(end="high").max("window")
        name = f"{one['metal'].values} (μ* = {float(one['mu_star']):g})"
        if criteria := [str(c) for c in CRITERIA if float(high.sel(criterion=c)) > tc]:
            above.append(f"{name}: {', '.join(criteria)}")
        else:
            first.append(name)
        if float(one["normal"][_TRANSITION]) < 0:
            negative.append(f"{name}, where C_S(Tc) = {float(one['at_transition']):.1f}")
    least = float(data["realised"].where(data["reduced"] < 1).min())
    below = (
        f"not negative anywhere from Tc/20 to Tc, but for a rounding error of {-least:.0e}"
        if least > -ROUNDING
        else f"negative, down to {least:.3g}"
    )
    return (
        "Unstable above Tc, where the normal state is the one that is realised, by these "
        f"criteria: {'; '.join(above) or 'none'}.",
        f"Tc comes before all three criteria: {'; '.join(first) or 'nowhere'}.",
        f"C_N(Tc) < 0: {'; '.join(negative) or 'nowhere'}. Below Tc C_S is {below}.",
        "The 21 are δ modes, whose kinetic edge belongs to its grid, and whose weight turns "
        "negative wherever T is far below their spacing.",
    )


def plot(data: "xr.Dataset", ax: Any = None) -> "Figure":
    """C_N and C_S over T, one panel a metal, the windows of instability as bars beneath."""
    from matplotlib import rc_context

    names = list(dict.fromkeys(str(name) for name in data["metal"].values))
    with rc_context(STYLE):
        drawn = canvas(ax, 2, 3, (7.2, 4.6))
        panels = drawn.panels
        for axes, name in zip(panels, names, strict=False):
            _panel(axes, data.isel(case=np.flatnonzero(data["metal"].values == name)))
            axes.set_xlabel("temperature $T$ (K)")
        for axes in panels[:-1]:
            axes.set_ylabel(r"$C/(2\pi^2\nu_0T/3)$")
        finish(drawn, names)
        # The last place is the legend's.
        panels[-1].set_axis_off()
        panels[-1].set_title("", loc="left")
        handles, labels = panels[-2].get_legend_handles_labels()
        panels[-1].legend(handles, labels, loc="center left")
    return drawn.root


def _panel(axes, cases: "xr.Dataset") -> None:
    reduced = cases["reduced"].values
    below = reduced < 1
    end = 2.4 * float(cases["Tc"].max())
    for k, style in zip(range(cases.sizes["case"]), ("-", "--"), strict=False):
        one = cases.isel(case=k)
        tc = float(one["Tc"])
        peak, normal = float(one["at_transition"]), float(one["normal"][_TRANSITION])
        x = np.append(tc * reduced[below], [tc, tc])
        y = np.append(one["realised"].values[below], [peak, normal])
        axes.plot(x, y, style, color=BLUE, label="$C_S$" if k == 0 else None)
        # The higher T_c's is on the right of it.
        right = tc == float(cases["Tc"].max())
        axes.annotate(
            rf"$\mu^* = {float(one['mu_star']):g}$", (tc, peak), (3 if right else -3, -1),
            textcoords="offset points", ha="left" if right else "right", fontsize=7,
        )  # fmt: skip
        axes.axvline(tc, color=GREY, linewidth=0.7, linestyle=":")
    wide = cases.isel(case=int(np.argmax(cases["Tc"].values)))
    axes.plot(float(wide["Tc"]) * reduced, wide["normal"], "-.", color=GREEN, label="$C_N$")
    axes.axhline(0, color=GREY, linewidth=0.7)
    top = 1.1 * float(cases["at_transition"].max())
    for row, (criterion, (colour, *_)) in enumerate(CRITERION_STYLE.items()):
        low = -0.06 * top * (row + 1.5)
        for start, stop in cases["unstable"].isel(case=0).sel(criterion=criterion).values:
            if np.isfinite(stop):
                axes.axvspan(start, min(stop, end), color=colour, alpha=0.06, linewidth=0)
                axes.fill_between(
                    [start, min(stop, end)], low, low + 0.05 * top, color=colour, linewidth=0
                )
        axes.fill_between([], [], [], color=colour, label=f"unstable: {criterion}")
    axes.set(xlim=(0, end), ylim=(-0.3 * top, top))
    axes.set_yticks([y for y in axes.get_yticks() if 0 <= y < top])
