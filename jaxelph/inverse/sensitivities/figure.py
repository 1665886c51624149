"""The figure of sensitivities, drawn from their dataset."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from ...presentation.finishing import finish, heading
from ...presentation.plotting import BLUE, GREY, ORANGE, STYLE, canvas
from ...units import kelvin
from .output import most_sensitive

if TYPE_CHECKING:
    import xarray as xr


def sensitivities_figure(data: "xr.Dataset", ax: Any = None) -> Figure:
    """δQ/δα²F(ω), one panel a quantity, above the spectrum that it was taken at.

    A quantity that is infinite or undefined, or whose derivatives are, gets no panel, but a line
    that says so.

    Args:
        data: of `Sensitivities`.
        ax: what to draw on, see `plotting.canvas`; a new figure if left out.
    """
    every = [name.replace("-", "_") for name in data.attrs["quantities"].split(", ")]
    keys = [key for key in every if _has_derivative(data, key)]
    omega, words = data["frequency"].values, []
    with rc_context(STYLE):
        drawn = canvas(ax, len(keys) + 1, 1, (4.6, 1.2 + 1.25 * (len(keys) + 1)), sharex=True)
        panels = drawn.panels
        for axes, key in zip(panels, keys, strict=False):
            quantity, slope = data[key], data[f"d{key}_da2f"]
            label = quantity.attrs["long_name"]
            axes.axhline(0, color=GREY, linewidth=0.7, linestyle=":")
            axes.plot(omega, slope.values, color=ORANGE)
            axes.set_ylabel(_panel_unit(slope.attrs["units"]))
            axes.set_ylim(*_range(omega, slope.values))
            name = in_mathematics(label)
            varied = f"({name})" if "/" in name else name
            words.append(
                rf"$\delta\,${varied}$/\delta\alpha^2F(\omega)$,  {name} = {_value(quantity)}"
            )
        _draw_spectrum(panels[-1], data)
        panels[-1].set_xlabel(r"phonon energy $\omega$ (meV)")
        panels[-1].set_xlim(0, omega[-1])
        if drawn.figure is not None:
            name = data.attrs.get("name", "")
            told = rf"$T$ = {kelvin(data.attrs['temperature_K'])}, "
            told += rf"$\mu^*$ = {data.attrs['mu_star']:g}"
            heading(drawn, name, f", {told}" if name else told)
            left_out = "\n".join(_why_left_out(data[key]) for key in every if key not in keys)
            if left_out:
                drawn.figure.supxlabel(left_out, fontsize=8, color=GREY)
        finish(drawn, (*words, r"$\alpha^2F(\omega)$ itself"))
    return drawn.root


def _has_derivative(data: "xr.Dataset", key: str) -> bool:
    return bool(np.isfinite(float(data[key])) and np.all(np.isfinite(data[f"d{key}_da2f"].values)))


def _why_left_out(quantity: "xr.DataArray") -> str:
    label = in_mathematics(quantity.attrs["long_name"])
    if np.isfinite(float(quantity)):
        return f"{label} = {_value(quantity)} has no derivatives here"
    if np.isinf(float(quantity)):
        return rf"{label} is infinite: no $\lambda$ is large enough, and nothing changes it"
    return f"{label} is not defined here"


def _value(quantity: "xr.DataArray") -> str:
    value = f"{float(quantity):.4g}".replace("-", "\N{MINUS SIGN}")
    unit = quantity.attrs["units"].replace("^2", "²")
    return value if unit == "1" else f"{value} {unit}"


def in_mathematics(label: str) -> str:
    r"""A quantity's name as it is set: subscripts and Greek by matplotlib's own.

    Example:
        >>> print(in_mathematics("λ_c (kinetic)"), in_mathematics("2Δ0/Tc"))
        $\lambda_c$ (kinetic) 2$\Delta_0$/$T_c$
    """
    for plain, told in _MATHEMATICS.items():
        label = label.replace(plain, told)
    return label


_MATHEMATICS = {
    "λ⟨ω²⟩": r"$\lambda\langle\omega^2\rangle$",
    "λ_c": r"$\lambda_c$",
    "ω_log": r"$\omega_{\log}$",
    "ω_ph": r"$\omega_{ph}$",
    "μ*": r"$\mu^*$",
    "γ0Tc": r"$\gamma_0T_c$",
    "Δ0": r"$\Delta_0$",
    "ΔC": r"$\Delta C$",
    "(E_N - E_S)/ν0": r"$(E_N - E_S)/\nu_0$",
    "Z₀⁻¹": "$Z_0^{-1}$",
    "C_el ratio": r"$C_{el}$ ratio",
    "γ₁": r"$\gamma_1$",
    "γ_T": r"$\gamma_T$",
    "τ₁": r"$\tau_1$",
    "τ_T": r"$\tau_T$",
    "Tc": "$T_c$",
}


def _panel_unit(unit: str) -> str:
    if unit == "1":
        return "dimensionless"
    return {"1/meV": r"meV$^{-1}$"}.get(unit, unit.replace("^2", "²"))


def _range(omega, values) -> tuple[float, float]:
    """Of all; of what grows for ω → 0, as 2/ω does, what lies above a twentieth of the axis."""
    seen = values if most_sensitive(omega, values) > 0 else values[omega > 0.05 * omega[-1]]
    low, high = min(0.0, float(np.min(seen))), max(0.0, float(np.max(seen)))
    margin = 0.08 * (high - low) or 1.0
    return low - margin, high + margin


def _draw_spectrum(axes, data: "xr.Dataset") -> None:
    if "a2f" in data:
        edges = np.append(0.0, data["frequency"].values)
        middle, a2f = 0.5 * (edges[1:] + edges[:-1]), data["a2f"].values  # means of the bins
        axes.fill_between(middle, a2f, color=BLUE, alpha=0.2, linewidth=0)
        axes.plot(middle, a2f, color=BLUE)
        axes.set_ylabel(r"$\alpha^2F$")
    else:
        node, coupling = data["node"].values, data["node_coupling"].values
        axes.vlines(node, 0, node * coupling / 2, color=BLUE)
        axes.set_ylabel("area (meV)")
    axes.set_ylim(bottom=0)
