"""The quadrature nodes that a temperature needs, asked for by every function that knows it."""

import functools
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import numpy as np
from jax.core import Tracer

from .panels import (
    NODES_PER_T,
)
from .spectrum import EliashbergFunction
from .table import TabulatedSpectrum

_Function = TypeVar("_Function", bound=Callable)

_LOGGER = logging.getLogger(__name__)


def at_temperature(
    spectrum: EliashbergFunction, temperature: Any, *, everywhere: bool = False
) -> EliashbergFunction:
    """The spectrum with the quadrature nodes that a temperature needs.

    Every function of a spectrum and a temperature that has electron energies in it calls this.
    How many nodes there are must be known before anything is traced: where the temperature or
    the frequencies are (under `jit`, `vmap`, or `grad` by them) the spectrum is taken as the
    caller gives it. So resolve it outside, for the lowest temperature that matters.

    Args:
        spectrum: an Eliashberg function; one that is resolved better already returns itself.
        temperature (scalar or array, energy): T > 0; the lowest counts.
        everywhere: of a table also where α²F is zero, for derivatives by its rows there.

    Example:
        >>> s = at_temperature(TabulatedSpectrum([1.0, 2.0, 3.0], [0.1, 0.4, 0.2]), 0.1)
        >>> s.modes()[0].size
        192
    """
    if not spectrum.smooth:
        return spectrum
    table = isinstance(spectrum, TabulatedSpectrum)
    if any(
        isinstance(x, Tracer)
        for x in jax.tree.leaves((temperature, spectrum.omega if table else spectrum))
    ):
        return spectrum
    spacing = float(np.min(temperature)) / NODES_PER_T
    if not (np.isfinite(spacing) and spacing > 0):
        return spectrum  # to be refused where it is used
    if isinstance(spectrum, TabulatedSpectrum):
        fine = spectrum.resolved(spacing, everywhere=everywhere)
    else:
        # Rules of one analytic piece need fewer. In few steps: every number of them is compiled
        # for.
        spacing *= NODES_PER_T / 3
        fine = spectrum.resolved(2 ** (np.floor(2 * np.log2(spacing)) / 2))
    if _LOGGER.isEnabledFor(logging.INFO):
        told = "grid: α²F on %d quadrature nodes, for temperatures from %.4g"
        _LOGGER.info(told, fine.modes()[0].size, float(np.min(temperature)))
    return fine


def resolving(function: _Function) -> _Function:
    """`function` of a spectrum, a temperature and more, given the nodes of `at_temperature`."""

    @functools.wraps(function)
    def resolved(spectrum, temperature, *args, **options):
        return function(at_temperature(spectrum, temperature), temperature, *args, **options)

    return resolved  # pyright: ignore[reportReturnType]
