"""What all figures share: drawn on matplotlib's `Figure` itself, no pyplot, no global state.

Colours are those of Okabe and Ito, which people with any kind of colour vision tell apart;
line styles and markers tell the curves apart once more, for print in black and white.
"""

from typing import Any

import numpy as np

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
GREY = "#555555"
SHADE = "#D55E00"

#: Settings of every figure of the package: a column of a journal, seven inches for two.
STYLE: dict[Any, Any] = {
    "font.size": 8.5,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "axes.linewidth": 0.7,
    "legend.fontsize": 7.5,
    "legend.frameon": True,
    "legend.framealpha": 0.8,
    "legend.edgecolor": "none",
    "legend.fancybox": False,
    "legend.handlelength": 2.2,
    "lines.linewidth": 1.4,
    "lines.markersize": 3,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "mathtext.fontset": "dejavusans",
    "savefig.dpi": 200,
}

#: Colour, line, marker and label of each criterion.
CRITERION_STYLE = {
    "weight": (BLUE, "--", "s", "weight, min $Z_0^{-1}$"),
    "heat": (GREEN, "-.", "^", "heat, $C_{el}$"),
    "kinetic": (ORANGE, "-", "o", "kinetic, Eq. (18)"),
}


def is_plain_tick(value: float) -> bool:
    """Whether a minor tick gets a number: 2 and 5 in each decade."""
    digit = value / 10 ** np.floor(np.log10(value))
    return bool(np.isclose(digit, 2) or np.isclose(digit, 5))
