"""What every public function refuses before it computes: values that cannot be meant.

The checks are by a parameter's name, so that a temperature is one thing everywhere. Values that
are traced, by `jit`, `vmap` or `grad`, cannot be seen and pass.
"""

import functools
import inspect
from collections.abc import Callable
from typing import TypeVar

import jax
import numpy as np
from jax.core import Tracer

from .precision import check_precision

Function = TypeVar("Function", bound=Callable)


def concrete(value) -> np.ndarray | None:
    """The numbers in `value`, or None where they are traced or no numbers at all."""
    if value is None or isinstance(value, Tracer):
        return None
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError, jax.errors.TracerArrayConversionError):
        return None


def refuse(
    name: str,
    value,
    *,
    positive: bool = False,
    not_negative: bool = False,
    ascending: bool = False,
) -> None:
    """Numbers must be finite, and positive, not negative or ascending where that is asked.

    Raises:
        ValueError: one sentence with the first value that is not, and its place in an array.

    Example:
        >>> refuse("omega", np.array([1.0, 2.0]), positive=True, ascending=True)
        >>> refuse("temperature", -3.0, positive=True)
        Traceback (most recent call last):
        ValueError: temperature must be positive, got -3.
    """
    if isinstance(value, str):
        raise ValueError(f"{name} must be a number, got the text {value!r}.")
    known = concrete(value)
    if known is None:
        return
    wrong, need = ~np.isfinite(known), "be finite"
    if not np.any(wrong) and positive:
        wrong, need = known <= 0, "be positive"
    if not np.any(wrong) and not_negative:
        wrong, need = known < 0, "not be negative"
    if not np.any(wrong) and ascending and known.ndim == 1:
        wrong, need = np.append(False, np.diff(known) <= 0), "ascend, each above the one before"
    if np.any(wrong):
        place = int(np.flatnonzero(wrong)[0])
        where = "" if known.ndim == 0 else f" at place {place + 1} of {known.size}"
        raise ValueError(f"{name} must {need}, got {known.ravel()[place]:g}{where}.")


def check_spectrum(name: str, value) -> None:
    """Something with quadrature nodes.

    Raises:
        ValueError: it is something else.
    """
    if not hasattr(value, "modes"):
        raise ValueError(
            f"{name} must be an Eliashberg function, as EinsteinModes(omega, coupling) or "
            f"read_a2f(file) return, not {type(value).__name__}."
        )


def _positive(name, value):
    refuse(name, value, positive=True)


_RULES: dict[str, Callable] = {
    "spectrum": check_spectrum,
    "temperature": _positive,
    "scaled_temperature": _positive,
    "debye": _positive,
    "fermi_energy": _positive,
    "electrons_per_ion": _positive,
    "energy": refuse,
    "energies": refuse,
    "band_energy": refuse,
}


def checked(function: Function) -> Function:
    """The function, whose spectrum, temperature and energies are looked at first.

    So is the mode of 64 bits, without which its digits are not those that are promised.

    Example:
        >>> @checked
        ... def half(temperature):
        ...     return temperature / 2
        >>> half(float("nan"))
        Traceback (most recent call last):
        ValueError: temperature must be finite, got nan.
    """
    names = list(inspect.signature(function).parameters)
    rules = [(i, name, _RULES[name]) for i, name in enumerate(names) if name in _RULES]

    @functools.wraps(function)
    def inner(*args, **kwargs):
        check_precision()
        for place, name, rule in rules:
            if place < len(args):
                rule(name, args[place])
            elif name in kwargs:
                rule(name, kwargs[name])
        return function(*args, **kwargs)

    return inner  # pyright: ignore
