"""Which energies: equally spaced ones, chosen for a temperature and a spectrum."""

import functools
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from ..electrons.weight import minimum_weight
from ..numerics.checks import checked
from ..spectra.moments import maximum_frequency
from ..spectra.panels import NODES_PER_STEP, NODES_PER_T
from ..spectra.spectrum import EliashbergFunction, Scalar, as_float
from .bandwidth import needed_band

_Function = TypeVar("_Function", bound=Callable)

_LOGGER = logging.getLogger(__name__)

# Of grids whose step α²F's width sets: the energies of a matrix that takes seconds.
LARGEST = 2048


class EnergyGrid(eqx.Module):
    """Energies E = ε, 2ε, …, Lε: the positive half of a grid that is symmetric about 0.

    Args:
        step (scalar, energy): ε > 0.
        size: L, a Python integer.

    Raises:
        ValueError: fewer than two energies, or a step that is no positive, finite scalar.

    Example:
        >>> grid = EnergyGrid(0.5, 4)
        >>> print(grid.energies)
        [0.5 1.  1.5 2. ]
    """

    step: Float[Array, ""] = eqx.field(converter=as_float)
    size: int = eqx.field(static=True)

    def __check_init__(self):
        if self.size < 2:
            raise ValueError(f"EnergyGrid: size must be at least 2, got {self.size}.")
        if getattr(self.step, "shape", ()) != ():
            raise ValueError(f"EnergyGrid: step must be a scalar, got shape {self.step.shape}.")
        if not isinstance(self.step, Tracer) and not 0 < self.step < np.inf:
            raise ValueError(f"EnergyGrid: step must be positive and finite, got {self.step}.")

    @property
    def energies(self) -> Float[Array, " energy"]:
        """The energies ε, 2ε, …, Lε (array of shape (energy,), energy)."""
        return self.step * jnp.arange(1, self.size + 1)

    @property
    def cutoff(self) -> Float[Array, ""]:
        """The last energy, Lε (scalar, energy)."""
        return self.step * self.size

    def aligned(self, energy: Scalar) -> "EnergyGrid":
        """The same size with the step made smaller, just so that `energy` is a grid point.

        Example:
            >>> print(EnergyGrid(0.5, 4).aligned(1.2).energies)
            [0.4 0.8 1.2 1.6]
        """
        return EnergyGrid(energy / jnp.ceil(energy / self.step - 1e-9), self.size)

    @staticmethod
    @checked
    def suggest(
        spectrum: EliashbergFunction,
        temperature: Scalar,
        rtol: float = 1e-9,
        *,
        hottest: Scalar | None = None,
        size_multiple: int = 8,
    ) -> "EnergyGrid":
        r"""A grid on which the pencil of `spectrum` at `temperature` is right to about `rtol`.

        The step follows from the analyticity of $\sqrt{-f_0'}$ in |Im E| < πT, error
        exp(-π²T/ε), and for a smooth α²F also from the band of its softest mode, wider where
        α²F is narrow against T, see `grid_extent`. The cutoff follows from the thermal factor
        exp(-E/T) above the energies where Z0⁻¹ is least, which lie below the top of the
        spectrum plus a few T. The step is then adjusted so that the least Z0⁻¹ is on the grid:
        at low T the softest mode is a spike there.

        Args:
            spectrum: an Eliashberg function.
            temperature (scalar, energy): the lowest temperature that the grid is to serve.
            rtol: relative accuracy wanted, between 1e-14 and 0.1.
            hottest (scalar, energy): the highest temperature that it is to serve, if another.
            size_multiple: the size is rounded up to a multiple of this, so that a loop over
                temperatures compiles for a few sizes only.

        Raises:
            ValueError: the temperature or rtol is out of range.
            TypeError: called with traced values: a grid's size is static.

        Example:
            >>> from jaxelph import EinsteinModes
            >>> EnergyGrid.suggest(EinsteinModes([50.0], [1.0]), 12.5, 1e-9).size
            80
        """
        if np.ndim(temperature) > 0:
            raise ValueError(f"temperature must be one number, got shape {np.shape(temperature)}.")
        try:
            temperature = float(np.asarray(temperature))
            hottest = temperature if hottest is None else float(np.asarray(hottest))
            jax.tree.map(np.asarray, spectrum)
        except (
            jax.errors.ConcretizationTypeError,
            jax.errors.TracerArrayConversionError,
        ) as error:
            raise TypeError(
                "EnergyGrid.suggest sets an array size and cannot be traced: call it outside "
                "of jit, vmap and grad, and pass the grid in."
            ) from error
        if not 1e-14 <= rtol <= 0.1:
            raise ValueError(f"rtol must lie between 1e-14 and 0.1, got {rtol}.")
        # Known also where something else is being traced.
        with jax.ensure_compile_time_eval():
            step, cutoff = grid_extent(spectrum, temperature, rtol, hottest)
            step = EnergyGrid(step, 2).aligned(minimum_weight(spectrum, temperature)[1]).step
            size = int(np.ceil(cutoff / float(step) / size_multiple)) * size_multiple
            _LOGGER.info(
                "grid: %d energies up to %.4g in steps of %.4g, for temperatures from %.4g",
                size, size * float(step), float(step), temperature,
            )  # fmt: skip
            return EnergyGrid(step, size)


# Electrons so many times as hot as the phonons, and the largest step over T. They cool so fast
# that the drift of energies Σ̇ lets waves as short as two steps grow which finer grids do not
# know: the shifts by a phonon's energy, a window of σ = 11 steps weighted with e^{E/2T}, carry
# e^{(σε/2T)²/2} times too much down from far above E: 16 at ε = 0.43 T, 4 at 0.3, 2 at 0.2.
_HOT_STEPS = ((2.0, 0.3), (8.0, 0.2))


def thermal_extent(
    top: float, temperature: float, rtol: float = 1e-9, hottest: float | None = None
) -> tuple[float, float]:
    """The step and the cutoff that T asks for; `top` is that of α²F.

    Example:
        >>> step, cutoff = thermal_extent(50.0, 12.5)
        >>> print(f"{step:.3f} {cutoff:.1f}")
        4.871 359.0
    """
    digits = -np.log(rtol)
    # Two decades of prefactor were measured; see tests/grids/test_energies.py.
    step = temperature * np.pi**2 / (digits + np.log(1e2))
    hottest = temperature if hottest is None else max(float(hottest), temperature)
    for ratio, finest in _HOT_STEPS:
        if hottest > ratio * temperature:
            step = min(step, finest * temperature)
    return step, max(hottest * (digits + 8), top + hottest * (digits / 2 + 4))


def check_grid(spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid) -> None:
    """Refuse a concrete grid that misses what it is to show; traced values pass.

    Raises:
        ValueError: the step is above T, or the grid ends below 8 T or the dips of Z0⁻¹, which reach
            2 T above the top of α²F.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> check_grid(EinsteinModes([1.0], [1.0]), 0.25, EnergyGrid(0.1, 10))
        Traceback (most recent call last):
            ...
        ValueError: the grid ends at 1 and should reach 2 at least; see EnergyGrid.suggest.
    """
    if any(isinstance(x, Tracer) for x in jax.tree.leaves((spectrum, temperature, grid))):
        return
    # Known also where something else is being traced.
    with jax.ensure_compile_time_eval():
        values = (grid.step, grid.cutoff, temperature)
        step, cutoff, temperature = (float(np.asarray(x)) for x in values)
    if not step <= temperature:
        raise ValueError(
            f"the grid is too coarse: its step {step:.4g} should be at most half of the "
            f"temperature {temperature:.4g}; see EnergyGrid.suggest."
        )
    needed = max(8 * temperature, float(maximum_frequency(spectrum)) + 2 * temperature)
    if not cutoff >= needed:
        raise ValueError(
            f"the grid ends at {cutoff:.4g} and should reach {needed:.4g} at least; see "
            "EnergyGrid.suggest."
        )


def on_grid(function: _Function) -> _Function:
    """`function` of a spectrum, a temperature, a grid and more, after `check_grid`."""

    @functools.wraps(function)
    def looked_at(spectrum, temperature, grid, *args, **options):
        check_grid(spectrum, temperature, getattr(grid, "base", grid))  # a RefinedGrid has one
        return function(spectrum, temperature, grid, *args, **options)

    return looked_at  # pyright: ignore[reportReturnType]


def grid_extent(
    spectrum: EliashbergFunction,
    temperature: float,
    rtol: float = 1e-9,
    hottest: float | None = None,
    *,
    largest: int = LARGEST,
) -> tuple[float, float]:
    """The step and the cutoff of every grid that is chosen by default.

    Those of `thermal_extent`, and for a smooth α²F a step so fine that the softest mode is
    resolved, see `needed_band`. Of δ modes λ_c(kinetic) has no limit of small steps.

    Args:
        spectrum: an Eliashberg function, not traced.
        temperature, rtol, hottest: see `EnergyGrid.suggest`.
        largest: the step that a narrow α²F asks for is made no finer than this many energies
            allow; `grid_error` tells what that costs.

    Example:
        >>> from jaxelph import GaussianPeaks
        >>> for width in (20.0, 2.0):
        ...     print(f"{grid_extent(GaussianPeaks([100.0], [width], [1.0]), 20.0)[0]:.1f}")
        7.8
        1.4
    """
    top = float(maximum_frequency(spectrum))
    step, cutoff = thermal_extent(top, temperature, rtol, hottest)
    if not spectrum.smooth:
        return step, cutoff
    omega, coupling = (np.asarray(x) for x in spectrum.modes())
    _, end = thermal_extent(top, temperature, rtol)
    band = needed_band(omega, coupling, temperature, rtol, np.pi / step, end)
    # Aligned it shrinks, see `size_for`.
    finest = cutoff / max(largest - cutoff / top, largest / 2)
    return min(step, max(np.pi / band, finest)), cutoff


def nodes_for_grid(
    take: Callable[[float], Any], temperature: float, rtol: float = 1e-9
) -> tuple[Any, float, float, float]:
    """The quadrature nodes that a temperature and its grid need: each asks for the other.

    Args:
        take: spectrum with nodes at most a spacing (scalar, energy) apart.
        temperature (scalar, energy): T > 0.
        rtol: see `grid_extent`.

    Returns:
        (spectrum, spacing, step, cutoff): with the nodes, how far apart these are, and what
        `grid_extent` says of it.
    """
    spacing = temperature / NODES_PER_T
    # Sharper features come to light where there are more nodes, but only few times.
    for _ in range(4):
        found = take(spacing)
        step, cutoff = grid_extent(found, temperature, rtol)
        if step >= NODES_PER_STEP * spacing:
            break
        spacing = step / NODES_PER_STEP
    return found, spacing, step, cutoff


def size_for(top: float, step: float, cutoff: float) -> float:
    """How many energies an aligned grid needs; step and cutoff are from `grid_extent`.

    Example:
        >>> size_for(50.0, 5.0, 100.0)
        22.0
    """
    # Aligned to the least Z0⁻¹, at about the top of the spectrum, the step shrinks a little.
    return cutoff / step * (1 + step / top)
