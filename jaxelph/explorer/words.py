"""The numbers of the page as text, to the digits that a report prints."""

import math

from ..presentation.terminal import number
from ..stability.critical import CRITERIA
from ..superconductivity.coulomb import describe_repulsion
from ..units import KELVIN, kelvin
from .numbers import Numbers


def rows(found: Numbers) -> dict[str, tuple[str, str, str]]:
    """Key → (label, value, unit or remark) of each number on the page.

    Args:
        found: the numbers.
    """
    at = kelvin(found.state.temperature)
    told = {
        "coupling": ("λ", f"{found.coupling:.4f}", ""),
        "omega-log": ("ω_log", f"{found.omega_log / KELVIN:.2f}", "K"),
        "tc": ("Tc", f"{found.tc['eliashberg']:.4g}", "K, Eliashberg"),
        "tc-allen-dynes": ("Tc", f"{found.tc['allen_dynes']:.4g}", "K, Allen-Dynes"),
        "gap-ratio": (
            "2Δ0/Tc",
            "–" if math.isnan(found.gap_ratio) else f"{found.gap_ratio:.4f}",
            "3.528 in weak coupling",
        ),
        "margin": (f"margin at {at}", f"{found.margins['kinetic']:.4f}", _standing(found)),
        "weight": ("min Z₀⁻¹", f"{found.margins['weight']:.4f}", "least inverse weight"),
        "heat": ("C_el ratio", f"{found.margins['heat']:.4f}", "C_el over bare electrons'"),
    }
    for name in CRITERIA:
        told[f"lambda-c-{name}"] = (f"λ_c, {name}", number(found.critical[name]), f"at {at}")
    return told


def _standing(found: Numbers) -> str:
    return "stable" if found.margins["kinetic"] > 0 else "unstable"


def conditions(found: Numbers, cutoff: float | None, mu_star_at: str) -> str:
    """What stands beside Tc: μ* and what it refers to."""
    return describe_repulsion(found.state.mu_star, found.omega_ph, cutoff, mu_star_at)
