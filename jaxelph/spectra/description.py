"""A spectrum in one line, by NumPy alone: to look at one compiles nothing and traces nothing."""

from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.core import Tracer

Nodes = tuple[np.ndarray, np.ndarray]


def concrete(tree: Any) -> bool:
    """Whether all leaves are numbers that can be looked at: no tracers, no placeholders.

    Example:
        >>> concrete({"omega": np.ones(2)}), concrete({"omega": jax.ShapeDtypeStruct((2,), float)})
        (True, False)
    """
    leaves = jax.tree.leaves(tree)
    return all(
        isinstance(leaf, np.ndarray | np.number | int | float | jax.Array)
        and not isinstance(leaf, Tracer | bool)
        and not (isinstance(leaf, jax.Array) and leaf.is_deleted())
        for leaf in leaves
    )


def numbers(nodes: Nodes) -> tuple[float, float, float, float] | None:
    """λ, ω_log, and the least and largest ω that carry coupling; None if these are no spectrum.

    Derivatives by a spectrum, batches and filtered trees have the type of one, and are none.

    Args:
        nodes (two arrays of shape (mode,), energy and 1): ω_q and λ_q.

    Example:
        >>> print(numbers((np.array([2.0, 8.0]), np.array([0.5, 0.5]))))
        (1.0, 4.0, 2.0, 8.0)
        >>> print(numbers((np.array([-2.0, 8.0]), np.array([0.5, 0.5]))))
        None
    """
    omega, coupling = nodes
    if omega.ndim != 1 or omega.shape != coupling.shape:
        return None
    if not (np.all(np.isfinite(coupling)) and np.all(np.isfinite(omega)) and np.all(omega > 0)):
        return None
    total = float(np.sum(coupling))
    carries = omega[coupling != 0]
    if carries.size == 0:
        return 0.0, 0.0, 0.0, 0.0
    if not total > 0:
        return None
    with np.errstate(over="ignore", under="ignore"):
        log_frequency = float(np.exp(np.sum(coupling * np.log(omega)) / total))
    return total, log_frequency, float(carries.min()), float(carries.max())


def line(kind: str, nodes: Nodes, unit: str, rest: str) -> str | None:
    """The kind with its λ, ω_log and range, to four digits; None if these are no spectrum.

    Args:
        kind: the name of the class.
        nodes: see `numbers`.
        unit: of the frequencies, empty where it is the caller's.
        rest: what else there is to say.

    Example:
        >>> nodes = np.array([2.0, 8.0]), np.array([0.5, 0.5])
        >>> print(line("EinsteinModes", nodes, "meV", "2 modes"))
        EinsteinModes(λ = 1, ω_log = 4 meV, ω from 2 to 8 meV, 2 modes)
    """
    found = numbers(nodes)
    if found is None:
        return None
    coupling, log_frequency, low, high = found
    unit = f" {unit}" if unit else ""
    if coupling == 0:
        return f"{kind}(λ = 0, {rest})"
    low = low if low > 1e-4 * high else 0.0
    span = f"ω from {low:.4g} to {high:.4g}{unit}" if low != high else f"ω = {low:.4g}{unit}"
    return f"{kind}(λ = {coupling:.4g}, ω_log = {log_frequency:.4g}{unit}, {span}, {rest})"


def counted(count: int, what: str) -> str:
    """ "1 mode", "2 modes".

    Example:
        >>> counted(1, "mode"), counted(2, "row")
        ('1 mode', '2 rows')
    """
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def describe(spectrum: Any) -> str:
    """`repr` of a spectrum: in one line, or as equinox has it where there are no numbers to tell.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(EinsteinModes([2.0, 8.0], [0.5, 0.5]))
        EinsteinModes(λ = 1, ω_log = 4, ω from 2 to 8, 2 modes)
    """
    told = None
    if concrete(spectrum):
        told = spectrum._in_numbers()
    return eqx.tree_pformat(spectrum) if told is None else told
