r"""Derivatives where eigenvalues meet.

A sorted eigenvalue has a kink where it meets another one: its derivative depends on the direction
in which the spectrum is changed. First-order degenerate perturbation theory gives the one-sided
slopes. For γ A v = M v and a cluster of equal γ with vectors V,

    slopes γ̇ = eigenvalues of Vᵀ(Ṁ - γȦ)V against VᵀAV,

sorted. Sums over a cluster are differentiable in the ordinary sense: the sum of the slopes is
the derivative which `jax.grad` gives of the sum.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import ArrayLike, Float

from ...grids.energies import EnergyGrid
from ...spectra.spectrum import EliashbergFunction, Scalar
from ...stability.modes import pencil_modes
from ...stability.pencil import stability_pencil


def pencil_slopes(
    A: Float[ArrayLike, "n n"],
    M: Float[ArrayLike, "n n"],
    dA: Float[ArrayLike, "n n"],
    dM: Float[ArrayLike, "n n"],
    rates: Float[ArrayLike, " mode"],
    vectors: Float[ArrayLike, "n mode"],
    *,
    tolerance: float = 1e-7,
) -> tuple[np.ndarray, np.ndarray]:
    """One-sided slopes of the sorted γ of γ A v = M v along (dA, dM), crossings included.

    Args:
        A, M (arrays of shape (n, n)): symmetric, M positive semidefinite or A definite.
        dA, dM (arrays of shape (n, n)): their derivatives along the direction.
        rates (array of shape (mode,)): γ, ascending: all of them, or a complete cluster.
        vectors (array of shape (n, mode)): V, one column a mode.
        tolerance: rates this close, relative to the larger, count as equal.

    Returns:
        (slopes, cluster): arrays of shape (mode,); slopes ascend within each cluster, the
        number of which `cluster` holds.

    Example:
        >>> one, none = np.eye(2), np.zeros((2, 2))
        >>> change = np.array([[0.0, 1.0], [1.0, 0.0]])
        >>> print(pencil_slopes(one, one, none, change, np.ones(2), one)[0])
        [-1.  1.]
    """
    metric, dA, dM = np.asarray(A), np.asarray(dA), np.asarray(dM)
    rates, vectors = np.array(rates), np.array(vectors)
    slopes, cluster = np.empty_like(rates), np.zeros(rates.shape, dtype=int)
    start = 0
    for stop in range(1, len(rates) + 1):
        inside = stop < len(rates) and abs(rates[stop] - rates[stop - 1]) <= tolerance * max(
            abs(rates[stop]), abs(rates[stop - 1])
        )
        if inside:
            continue
        v = vectors[:, start:stop]
        force = v.T @ (dM - np.mean(rates[start:stop]) * dA) @ v
        form = v.T @ metric @ v
        # A may be negative on a growing cluster; mixed signs never share one finite rate.
        sign = np.sign(form[0, 0])
        slopes[start:stop] = scipy.linalg.eigh(sign * force, sign * form, eigvals_only=True)
        cluster[start:stop] = cluster[start - 1] + 1 if start else 0
        start = stop
    return slopes, cluster


@eqx.filter_jit
def _matrices_along(spectrum, direction, temperature, change, grid):
    def matrices(spectrum, temperature):
        pencil = stability_pencil(spectrum, temperature, grid)
        return pencil.A, pencil.M

    return jax.jvp(matrices, (spectrum, temperature), (direction, change))


def rate_slopes(
    spectrum: EliashbergFunction,
    direction: EliashbergFunction,
    temperature: Scalar,
    grid: EnergyGrid,
    *,
    temperature_change: Scalar = 0.0,
    tolerance: float = 1e-7,
) -> tuple[np.ndarray, np.ndarray]:
    """Rates of the normal modes and their one-sided slopes as the spectrum is changed.

    Args:
        spectrum: an Eliashberg function.
        direction: of the same kind; its numbers are the rates of change of the spectrum's. As
            these may be zero or negative, it is made by `jax.tree`, as tangents are.
        temperature (scalar, energy): T > 0.
        grid: see `EnergyGrid.suggest`.
        temperature_change (scalar, energy): rate of change of T.
        tolerance: see `pencil_slopes`.

    Returns:
        (rates, slopes): arrays of shape (mode,), rates ascending.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([40.0, 60.0], [0.5, 0.5])
        >>> warmer = jax.tree.map(jnp.zeros_like, s)
        >>> grid = EnergyGrid(5.0, 72)
        >>> rates, slopes = rate_slopes(s, warmer, 12.5, grid, temperature_change=1.0)
        >>> print(rates.shape, slopes.shape)
        (72,) (72,)
    """
    change = jnp.asarray(temperature_change, dtype=float)
    (A, M), (dA, dM) = _matrices_along(
        spectrum, direction, jnp.asarray(temperature, dtype=float), change, grid
    )
    modes = pencil_modes(stability_pencil(spectrum, temperature, grid))
    slopes, _ = pencil_slopes(A, M, dA, dM, modes.rates, modes.vectors, tolerance=tolerance)
    return np.asarray(modes.rates), slopes


def margin_slopes(
    spectrum: EliashbergFunction,
    direction: EliashbergFunction,
    temperature: Scalar,
    grid: EnergyGrid,
    *,
    temperature_change: Scalar = 0.0,
    tolerance: float = 1e-9,
) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues of Ã, the stability margin first, and their one-sided slopes.

    Args:
        spectrum, direction, temperature, grid, temperature_change: see `rate_slopes`.
        tolerance: eigenvalues this close, relative to the larger, count as equal.

    Returns:
        (values, slopes): arrays of shape (energy,), values ascending.

    Example:
        >>> from jaxelph import EinsteinModes, stability_margin
        >>> s = EinsteinModes([50.0], [1.0])
        >>> grid = EnergyGrid.suggest(s, 12.5)
        >>> bare = s.scaled(0.0)
        >>> up = jax.tree.unflatten(jax.tree.structure(s), [jnp.zeros(1), jnp.ones(1)])
        >>> slope = margin_slopes(bare, up, 12.5, grid)[1][0]
        >>> print(f"{slope:.6f} {stability_margin(s, 12.5, grid) - 1:.6f}")
        -0.698839 -0.698839
    """
    change = jnp.asarray(temperature_change, dtype=float)
    (A, _), (dA, _) = _matrices_along(
        spectrum, direction, jnp.asarray(temperature, dtype=float), change, grid
    )
    values, vectors = np.linalg.eigh(np.asarray(A))
    one, none = np.eye(len(values)), np.zeros_like(A)
    slopes, _ = pencil_slopes(one, A, none, dA, values, vectors, tolerance=tolerance)
    return values, slopes
