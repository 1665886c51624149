r"""Where a metal loses its stability, by three criteria.

All three are values of the same quadratic form φAφ/∫(-f0')φ² of Supplement Eq. (18):

    "weight":  min_E Z0⁻¹(E)        φ concentrated at one energy,
    "heat":    C_el/(2π²ν0T/3)      φ = E, a change of the electronic temperature,
    "kinetic": min over all φ       the linear stability analysis itself.

The first two are variational bounds of the third, so that

    λ_c(kinetic) ≤ min[λ_c(weight), λ_c(heat)]

for every spectrum and temperature. At fixed T and shape of α²F each form is 1 + λ·(number):
the critical coupling follows from the margin without a search.
"""

import warnings
from functools import partial
from typing import Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from ..electrons.occupations import thermal_window
from ..electrons.weight import minimum_weight
from ..grids.bandwidth import END, node_spacing
from ..grids.energies import LARGEST, EnergyGrid, check_grid, on_grid
from ..grids.kernels import minimum_weight_on_grid
from ..grids.refined import RefinedGrid
from ..numerics.checks import checked
from ..numerics.roots import falling_root
from ..spectra.moments import coupling_constant, moment
from ..spectra.panels import NODES_PER_STEP, NODES_PER_T
from ..spectra.resolution import at_temperature
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..spectra.table import TabulatedSpectrum
from ..thermodynamics.specific_heat import specific_heat_ratio, stability_parameter
from .margin import margin_and_mode, stability_margin
from .pencil import coupling_symbol, edge_of_band

Criterion = Literal["weight", "heat", "kinetic"]
CRITERIA: tuple[Criterion, ...] = get_args(Criterion)

# The least λ that `critical_coupling_scaled` looks at.
_LEAST = 1e-2


@checked
def margin(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    *,
    criterion: Criterion = "kinetic",
    grid: EnergyGrid | RefinedGrid | None = None,
) -> Float[Array, ""]:
    r"""How far the metal is from instability by one criterion: 1 without coupling, 0 at the edge.

    The value of $\phi A\phi/\int(-f_0')\phi^2dE$, Supplement Eq. (18), for φ at one energy
    ("weight"), for φ = E ("heat"), or the least of all φ ("kinetic").

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        criterion: "weight" (min Z0⁻¹), "heat" (the specific-heat ratio) or "kinetic" (the
            smallest eigenvalue of Ã).
        grid: for "kinetic" (required where T or the spectrum is traced) and "weight" (optional).
            Without it a smooth α²F gets a `RefinedGrid` and, where the grid is finer than its
            quadrature nodes, more of these; δ modes get an `EnergyGrid.suggest`.

    Returns:
        the margin (scalar).

    Raises:
        ValueError: unknown criterion, or a temperature that is not positive.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{margin(EinsteinModes([1.0], [1.0]), 0.25, criterion='heat'):.6f}")
        1.359530
    """
    _check_criterion(criterion)
    if grid is not None and criterion != "heat":
        check_grid(spectrum, temperature, grid.base if isinstance(grid, RefinedGrid) else grid)
    spectrum = at_temperature(spectrum, temperature)
    if criterion == "kinetic" and grid is None:
        spectrum, grid = suited(spectrum, temperature)
    return _margin(spectrum, temperature, criterion, grid)


def suited(
    spectrum: EliashbergFunction, temperature: Scalar, rtol: float = 1e-9
) -> tuple[EliashbergFunction, EnergyGrid | RefinedGrid]:
    """The grid on which the margin is right to rtol, and the spectrum with nodes as fine as it.

    Args:
        spectrum: an Eliashberg function, not traced.
        temperature (scalar, energy): T > 0, not traced.
        rtol: see `EnergyGrid.suggest`.

    Warns:
        UserWarning: that would take too many energies; the error of λ_c is told.
    """
    grid = EnergyGrid.suggest(spectrum, temperature, rtol)
    if not spectrum.smooth:
        return spectrum, grid
    # Sharper features come to light where there are more nodes, but only few times.
    for _ in range(4):
        finer = spectrum.resolved(float(grid.step) / NODES_PER_STEP)
        if np.array_equal(finer.modes()[0], spectrum.modes()[0]):
            break
        spectrum = finer
        grid = EnergyGrid.suggest(spectrum, temperature, rtol)
    refined = RefinedGrid.around(spectrum, temperature, grid)
    if grid.size > 0.98 * LARGEST:
        coupling = critical_coupling(spectrum, temperature, grid=refined)
        error = grid_error(spectrum, temperature, refined)
        if error > rtol * coupling:
            warnings.warn(
                f"the kinetic λ_c = {coupling:.6g} is known to {error:.1g} only: α²F is so "
                f"narrow against T that {grid.size} energies do not resolve it. Give a finer "
                "grid= for more.",
                stacklevel=4,
            )
    return spectrum, refined


def _margin(spectrum, temperature, criterion, grid):
    if criterion == "heat":
        return specific_heat_ratio(spectrum, temperature)
    if criterion == "weight":
        if grid is None:
            return minimum_weight(spectrum, temperature)[0]
        base = grid.base if isinstance(grid, RefinedGrid) else grid
        return minimum_weight_on_grid(spectrum, temperature, base)[0]
    return stability_margin(spectrum, temperature, grid)


@checked
def critical_coupling(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    *,
    criterion: Criterion = "kinetic",
    grid: EnergyGrid | RefinedGrid | None = None,
) -> Float[Array, ""]:
    r"""The total λ at which the spectrum, scaled as a whole, reaches the threshold at fixed T.

    $$\lambda_c = \frac{\lambda}{1 - \mathrm{margin}},$$

    since each margin is 1 + λ·(number). Exact derivatives with respect to T and to every
    parameter of the spectrum; ∂λ_c/∂ω_k and dλ_c/dT come from the eigenvector alone.

    Args:
        spectrum: an Eliashberg function; only its shape matters, not its λ.
        temperature (scalar, energy): T > 0.
        criterion: see `margin`.
        grid: see `margin`. For spectra of δ modes the kinetic λ_c belongs to its grid, see
            `grid_error`.

    The bound λ_c(kinetic) ≤ λ_c(weight) holds to the last digit on a grid that contains the
    energy of the least Z0⁻¹, as those of `EnergyGrid.suggest` do.

    Returns:
        λ_c (scalar), inf if the threshold is never reached.

    Raises:
        ValueError: unknown criterion, or a temperature that is not positive.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [1.0])
        >>> print(f"{critical_coupling(s, 0.486234, criterion='heat'):.4f}")
        3.6915
    """
    if criterion == "heat":  # 1 - C_el would cancel for T ≫ ω
        gain = stability_parameter(spectrum, temperature)
    else:
        gain = 1 - margin(spectrum, temperature, criterion=criterion, grid=grid)
    never = gain <= 0  # NaN stays NaN
    return jnp.where(never, jnp.inf, coupling_constant(spectrum) / jnp.where(never, 1.0, gain))


@checked
@on_grid
def grid_error(
    spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid | RefinedGrid
) -> Float[Array, ""]:
    r"""A bound of the grid error of λ_c(kinetic), in practice.

    The sum of four: the change on a coarser grid, `coarsened`; for a smooth α²F, of which two
    grids may agree and both be wrong, also what the end of the band adds, `edge_of_band`,

    $$λ_c\,|Fψ|^2/(1 - \mathrm{margin}),$$

    and by how much $\hatκ$ is larger beyond the band, where another mode may be softer; and
    `node_error`, that of a table's quadrature nodes. For δ modes, whose softest mode may be as
    rough as the grid, it is the first alone and tells by how much λ_c depends on the grid at all.

    Args:
        spectrum: an Eliashberg function; a smooth one with nodes as fine as the grid.
        temperature (scalar, energy): T > 0.
        grid: that of λ_c.

    Returns:
        the bound (scalar), inf where there is no λ_c.

    Example:
        >>> from jaxelph import GaussianPeaks
        >>> s = GaussianPeaks([50.0], [5.0], [1.0])
        >>> bool(grid_error(s, 41.0, EnergyGrid.suggest(s, 41.0)) < 1e-5)
        True
    """
    spectrum = at_temperature(spectrum, temperature)
    base = grid.base if isinstance(grid, RefinedGrid) else grid
    coarse = EnergyGrid(coarsened(spectrum) * base.step, base.size)
    if isinstance(grid, RefinedGrid):
        coarse = RefinedGrid.around(spectrum, temperature, coarse, extra=grid.extra)
    else:
        coarse = coarse.aligned(minimum_weight_on_grid(spectrum, temperature, base)[1])

    # Of one size, though a smaller one would do: compiled once, and one after the other.
    both = jax.tree.map(lambda *step: jnp.stack(step), grid, coarse)
    gain, edge = _gain_and_edge(spectrum, temperature, both)
    reachable = gain > 0
    gain = jnp.where(reachable, gain, 1.0)
    fine, rough = jnp.where(reachable, coupling_constant(spectrum) / gain, jnp.inf)
    missed = edge[0]
    if spectrum.smooth:
        missed = missed + _hidden(spectrum, temperature, jnp.pi / base.step)
    nodes = node_error(spectrum, temperature, grid, fine)
    return jnp.abs(fine - rough) + fine * missed / gain[0] + nodes


@jax.jit
def _gain_and_edge(spectrum, temperature, grids):
    """1 - margin and |Fψ|² on several grids of one size, one after the other."""

    def at(grid):
        value, mode = margin_and_mode(spectrum, temperature, grid)
        if not spectrum.smooth:
            return 1 - value, 0.0 * value
        edge = edge_of_band(spectrum, temperature, grid) @ mode
        return 1 - value, edge @ edge

    return jax.lax.map(at, grids)


def node_error(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    grid: EnergyGrid | RefinedGrid,
    fine: Scalar | None = None,
) -> Float[Array, ""]:
    """Estimate of what the quadrature nodes do to λ_c(kinetic): its change with coarser ones.

    Those of a table, 1.5 times as far apart. It is 0 for other kinds of spectra, and where
    anything is traced, so that the nodes are the caller's.

    Args:
        spectrum, temperature, grid: see `critical_coupling`.
        fine (scalar): λ_c itself, where it is known.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(node_error(EinsteinModes([1.0], [1.0]), 0.25, EnergyGrid(0.1, 80)))
        0.0
    """
    given = jax.tree.leaves((spectrum, temperature, grid))
    if not isinstance(spectrum, TabulatedSpectrum) or any(isinstance(x, Tracer) for x in given):
        return jnp.zeros(())
    base = grid.base if isinstance(grid, RefinedGrid) else grid
    spacing = float(np.asarray(temperature)) / NODES_PER_T
    spacing = min(spacing, float(base.step) / NODES_PER_STEP)
    # Nodes alone are not resolved again.
    rough = spectrum.sampled(1.5 * spacing)
    if fine is None:
        fine = critical_coupling(spectrum, temperature, grid=grid)
    return jnp.abs(fine - critical_coupling(rough, temperature, grid=grid))


def coarsened(spectrum: EliashbergFunction) -> float:
    """How much coarser the grid is that a grid is compared with: 1.5, or 1.2 for a smooth α²F.

    There convergence is geometric, and the lesser factor tells more closely.
    """
    return 1.2 if spectrum.smooth else 1.5


def _hidden(spectrum, temperature, band):
    """By how much 1 - margin may be larger for modes that the band of a grid does not hold."""
    # At the very end of the band a mode has no room: what has its maximum there counts as beyond.
    known = END * band
    # Eight bands, but no more than there are before the nodes show that they are δ modes.
    reach = jnp.pi / node_spacing(*spectrum.modes())
    inside, beyond = (
        jnp.max(coupling_symbol(spectrum, low + (high - low) * jnp.arange(n) / n))
        for low, high, n in (
            (0.0, known, 1024),
            (known, jnp.clip(reach, known, 8 * band), 1024),
        )
    )
    # Maxima that are equal to within the sampling are no news.
    return jnp.maximum(beyond - 1.001 * inside, 0.0) * thermal_window(0.0, temperature) ** 2


@checked
def critical_coupling_scaled(
    spectrum: EliashbergFunction,
    scaled_temperature: Scalar,
    *,
    criterion: Criterion = "kinetic",
    grid: EnergyGrid | RefinedGrid | None = None,
    largest: float = 1e3,
) -> Float[Array, ""]:
    r"""λ_c at fixed T/g, $g^2 = \lambda\langle\omega^2\rangle$: the axis of the paper's Table I.

    Scaling α²F changes g, hence T, so this is a root λ = λ_c(T(λ)), T = (T/g) g(λ): the
    smallest for "weight" and "heat", and for "kinetic" the one below the lesser of these.
    Derivatives follow from the implicit function theorem.

    Args:
        spectrum: an Eliashberg function; only its shape matters.
        scaled_temperature (scalar): T/g.
        criterion: see `margin`.
        grid: for "kinetic": required, the same for all λ; its step must resolve the smallest
            temperature that matters.
        largest: where the scan ends.

    Returns:
        λ_c (scalar), inf if there is none below `largest`, NaN where the search fails.

    Raises:
        ValueError: unknown criterion, a temperature that is not positive, or no grid for "kinetic".

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [1.0])
        >>> print(f"{critical_coupling_scaled(s, 0.2, criterion='weight'):.6f}")
        1.271594
    """
    _check_criterion(criterion)
    if criterion == "kinetic" and grid is None:
        raise ValueError("critical_coupling_scaled needs grid= with criterion='kinetic'.")
    # For the lowest temperature of the search.
    g = jnp.sqrt(moment(spectrum, 2))
    spectrum = at_temperature(spectrum, scaled_temperature * g * _LEAST**0.5)
    return _critical_coupling_scaled(spectrum, scaled_temperature, criterion, grid, largest)


@partial(jax.jit, static_argnames="criterion")
def _critical_coupling_scaled(spectrum, scaled_temperature, criterion, grid, largest):
    # Without coupling there is no shape: inf, and no derivatives.
    coupling = coupling_constant(spectrum)
    absent = coupling == 0
    unit = spectrum.scaled(1 / jnp.where(absent, 1.0, coupling))
    omega, part = unit.modes()
    g = jnp.sqrt(jnp.where(absent, 1.0, jnp.sum(part * omega**2)))
    args = (unit, g, jnp.asarray(scaled_temperature, dtype=float))
    frozen = jax.lax.stop_gradient(args)

    def distance(log_coupling, args):
        """Of the metal from the edge: positive where it is stable, of order one everywhere."""
        unit, g, scaled_temperature = args
        coupling = jnp.exp(log_coupling)
        temperature = scaled_temperature * g * jnp.sqrt(coupling)
        value = _margin(unit, temperature, criterion, grid)
        return (1 + coupling * (value - 1)) / (1 + coupling)

    if criterion == "kinetic":
        # The variational bounds are cheap and lie above: the search starts from the lower one.
        bounds = [
            _critical_coupling_scaled(*frozen[::2], bound, None, largest)
            for bound in ("weight", "heat")
        ]
        lower, upper = jnp.log(_LEAST), jnp.log(jnp.minimum(largest, jnp.minimum(*bounds)))
        reached = distance(upper, frozen)
        found = reached <= 0
        start = upper
    else:
        scan = jnp.linspace(jnp.log(_LEAST), jnp.log(largest), 48)
        reached = jax.lax.map(lambda x: distance(x, frozen), scan, batch_size=8)
        found = jnp.any(reached < 0)
        first = jnp.argmax(reached < 0)
        upper, lower = scan[first], scan[jnp.maximum(first - 1, 0)]
        # The chord through the bracket's ends is a good start for Newton's method.
        below, above = reached[jnp.maximum(first - 1, 0)], reached[first]
        start = lower + (upper - lower) * below / jnp.where(found, below - above, 1.0)

    # Where there is no root the search is for that of a harmless line instead.
    def guarded(x):
        value = distance(jnp.where(found, x, 0.0), args)
        return jnp.where(found, value, -x)

    lower, upper, start = (
        jnp.where(found, x, y) for x, y in ((lower, -1.0), (upper, 1.0), (start, 0.0))
    )
    root = jnp.exp(falling_root(guarded, lower, upper, start))
    # Where the search failed the derivatives are no numbers either.
    lost = jnp.any(jnp.isnan(reached) | jnp.isnan(root))
    return jnp.where(found, root, jnp.inf) + jnp.where(lost, jnp.nan, 0.0) * (args[1] + args[2])


def _check_criterion(criterion: str) -> None:
    if criterion not in CRITERIA:
        told = ", ".join(repr(name) for name in CRITERIA)
        raise ValueError(f"criterion {criterion!r} is not known; use one of {told}.")


def check_temperature(temperature: Scalar, name: str = "temperature") -> None:
    """Refuse a concrete temperature that is not positive; traced values pass."""
    if isinstance(temperature, Tracer):
        return
    # By NumPy: inside a caller's jit even a constant would be traced.
    if not np.all(np.asarray(temperature) > 0):
        raise ValueError(f"{name} must be positive, got {temperature}.")
