r"""Spectra made to order: the largest Tc that bounds and the stability of the normal metal allow.

$$\max_\theta\ T_c[\alpha^2F_\theta] \quad\text{subject to}\quad
  \mathrm{margin}[\alpha^2F_\theta](T) \ge m,\quad \text{bounds on } \lambda, \omega, \text{area},$$

by SLSQP (Kraft 1988) with exact gradients of the objective and of every constraint. Without the
stability bound Tc grows for ever, as $0.1827\sqrt{\lambda\langle\omega^2\rangle}$ (Allen and Dynes
1975, for μ* = 0).
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.optimize import minimize

from ..critical import Criterion, margin
from ..grid import EnergyGrid
from ..spectrum import (
    EliashbergFunction,
    GaussianPeaks,
    coupling_constant,
    spectral_area,
)
from ..superconductivity import transition_temperature


@dataclasses.dataclass(frozen=True)
class StabilityBound:
    """margin ≥ least by a criterion at a temperature; see `jaxelph.margin`."""

    criterion: Criterion
    temperature: float
    least: float = 0.0
    grid: EnergyGrid | None = None  # needed for "kinetic"

    def __post_init__(self):
        if self.criterion == "kinetic" and self.grid is None:
            raise ValueError("StabilityBound: criterion 'kinetic' needs grid=, the same for all λ.")


@dataclasses.dataclass(frozen=True, eq=False)
class Design:
    """The optimum, and what stops it from being better."""

    spectrum: GaussianPeaks
    value: float  # of the objective
    margin: float | None  # by the stability bound's criterion
    active: tuple[str, ...]  # constraints that hold with equality
    steps: int


class DesignError(RuntimeError):
    """An optimum that was not found."""


def maximise(
    start: GaussianPeaks,
    *,
    stability: StabilityBound | None = None,
    coupling: tuple[float, float] | None = None,
    area: tuple[float, float] | None = None,
    omega: tuple[float, float] | None = None,
    objective: Callable[[EliashbergFunction], Float[Array, ""]] | None = None,
    mu_star: float = 0.1,
    max_steps: int = 200,
) -> Design:
    """The peaks of the largest Tc, or other scalar, that the constraints allow.

    Peaks keep their relative widths w/ω; their frequencies and couplings change.

    Args:
        start: peaks to start from.
        stability: the bound by one criterion, if any.
        coupling (pair of scalars): least and largest total λ.
        area (pair of scalars, energy): least and largest ∫α²F dω.
        omega (pair of scalars, energy): least and largest frequency of each peak.
        objective: a differentiable function of a spectrum, by default Tc of the Eliashberg
            equation at `mu_star`.
        max_steps: of SLSQP.

    Raises:
        ValueError: bounds in the wrong order, or a start that is not positive.
        DesignError: SLSQP did not converge, or nothing bounds the objective.

    Example:
        >>> from jaxelph import allen_dynes
        >>> limits = {"coupling": (0.1, 2.0), "omega": (5.0, 20.0)}
        >>> start = GaussianPeaks([10.0], [0.5], [1.0])
        >>> found = maximise(start, objective=allen_dynes, **limits)
        >>> found.active
        ('largest coupling', 'largest omega 1')
    """
    for name, pair in (("coupling", coupling), ("area", area), ("omega", omega)):
        if pair is not None and not 0 <= pair[0] < pair[1]:
            raise ValueError(f"{name} must be a pair 0 ≤ least < largest, got {pair}.")
    shapes = np.stack([np.asarray(x) for x in (start.omega, start.width, start.coupling)])
    if not np.all(np.isfinite(shapes)) or not np.all(shapes > 0):
        raise ValueError("the peaks to start from must have positive ω, width and coupling.")
    count = shapes.shape[1]
    relative, order = jnp.asarray(shapes[1] / shapes[0]), start.order

    def spectrum(theta):
        frequency, strength = jnp.exp(theta).reshape(2, count)
        return GaussianPeaks(frequency, relative * frequency, strength, order)

    def tc(s):
        return transition_temperature(s, mu_star)

    wanted = tc if objective is None else objective
    first = float(wanted(start))
    if not np.isfinite(first) or first <= 0:
        raise ValueError(f"the objective is {first:g} at the start; it must be positive there.")

    # Constraints c(θ) ≥ 0, of order one.
    named: dict[str, Callable] = {}
    for name, pair, function in (
        ("coupling", coupling, coupling_constant),
        ("area", area, spectral_area),
    ):
        if pair is not None:
            if pair[0] > 0:
                named[f"least {name}"] = _above(function, pair[0])
            named[f"largest {name}"] = _below(function, pair[1])
    if stability is not None:
        bound = stability

        def stable(s):
            value = margin(s, bound.temperature, criterion=bound.criterion, grid=bound.grid)
            return value - bound.least

        named[f"stability ({bound.criterion})"] = stable
    low, high = (-np.inf, np.inf) if omega is None else np.log(np.maximum(omega, 1e-300))
    bounds = [(low, high)] * count + [(-np.inf, np.inf)] * count

    def compiled(function):
        pair = jax.jit(jax.value_and_grad(lambda theta: function(spectrum(theta))))
        return (
            lambda theta: float(pair(theta)[0]),
            lambda theta: np.asarray(pair(theta)[1], dtype=float),
        )

    # ln of the objective: its slopes are of order one whatever its unit.
    value, gradient = compiled(lambda s: -jnp.log(jnp.maximum(wanted(s), 1e-12 * first)))
    constraints = {name: compiled(function) for name, function in named.items()}
    theta = np.log(np.concatenate([shapes[0], shapes[2]]))
    found = minimize(
        value,
        np.clip(theta, *np.array(bounds).T),
        jac=gradient,
        method="SLSQP",
        bounds=bounds,
        constraints=[{"type": "ineq", "fun": f, "jac": g} for f, g in constraints.values()],
        options={"maxiter": max_steps, "ftol": 1e-10},
    )
    if not found.success or not np.all(np.isfinite(found.x)) or np.max(np.abs(found.x)) > 30:
        raise DesignError(
            f"no optimum was found ({found.message}); does every direction have a bound?"
        )
    active = [name for name, (f, _) in constraints.items() if abs(f(found.x)) < 1e-6]
    for peak in range(count):
        for word, edge in (("least", low), ("largest", high)):
            if abs(found.x[peak] - edge) < 1e-8:
                active.append(f"{word} omega {peak + 1}")
    best = spectrum(jnp.asarray(found.x))
    reached = None
    if stability is not None:
        reached = constraints[f"stability ({stability.criterion})"][0](found.x) + stability.least
    return Design(best, float(wanted(best)), reached, tuple(active), int(found.nit))


def _above(function, least):
    return lambda s: function(s) / least - 1


def _below(function, largest):
    return lambda s: 1 - function(s) / largest
