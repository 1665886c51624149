"""Which reproductions there are, and running them."""

import importlib
from collections.abc import Callable

from .result import Reproduction

#: Name on the command line → module with a function `compute`.
_MODULES = {
    "table1": "table1",
    "fig-main-1": "trajectories",
    "fig-main-2": "rates",
    "fig-supp-1": "eigenvectors",
    "fig-supp-2": "thresholds",
    "specific-heat": "heat",
    "allen": "allen",
    "electron-electron": "electrons",
    "strong-coupling": "strong_coupling",
    "convergence": "convergence",
    "pairing": "pairing",
    "transport": "transport",
}

NAMES: tuple[str, ...] = tuple(_MODULES)


def reproduce(name: str, progress: Callable[[int, int], object] | None = None) -> Reproduction:
    """Compute one of the paper's results.

    Args:
        name: one of `NAMES`.
        progress: called with (steps done, steps in all) on the way.

    Returns:
        Reproduction: with `.print()`, `.figure()`, `.dataset` and `.to_json()`.

    Raises:
        ValueError: there is no result of this name.

    Example:
        >>> callable(reproduce), "strong-coupling" in NAMES
        (True, True)
    """
    if name not in _MODULES:
        raise ValueError(f"{name!r} is not one of the results: {', '.join(NAMES)}, or all.")
    module = importlib.import_module(f"jaxelph.reproduce.{_MODULES[name]}")
    return module.compute(progress or (lambda done, total: None))
