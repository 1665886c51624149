"""The margin of stability: the smallest eigenvalue of Ã, dense or by iteration."""

from typing import Literal, get_args

import jax
import jax.numpy as jnp
import lineax as lx
from jax.tree_util import Partial
from jaxtyping import Array, Float

from ..grids.energies import EnergyGrid, on_grid
from ..grids.refined import RefinedGrid
from ..numerics.checks import checked
from ..numerics.davidson import lowest_eigenpair
from ..numerics.eigenpairs import symmetric_eigenpair
from ..numerics.lapack import eigh
from ..numerics.tridiagonal import lowest_eigenvector, solve_beside
from ..numerics.typed import jit
from ..spectra.resolution import resolving
from ..spectra.spectrum import EliashbergFunction, Scalar
from .pencil import RefinedForm, StabilityPencil, margin_form, stability_pencil

Method = Literal["auto", "dense", "iterative"]


# Above this size no matrix is diagonalised unless asked for.
_DENSE = 2048


# The coarse grid on which the search starts.
COARSE = 256


@checked
@on_grid
@resolving
@jit(static_argnames="method")
def stability_margin(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    grid: EnergyGrid | RefinedGrid,
    *,
    method: Method = "auto",
) -> Float[Array, ""]:
    r"""The stability margin: the smallest eigenvalue of Ã. Negative: the metal is unstable.

    $$\min_\phi\ \phi A\phi\Big/\!\int(-f_0')\phi^2dE, \qquad \tilde A = Z_0^{-1} - h\kappa h,$$

    with the form φAφ of Supplement Eq. (18), see `stability_pencil`.
    It is 1 for a metal without coupling and differs from 1 linearly in α²F at fixed shape.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        grid: see `EnergyGrid.suggest`; `RefinedGrid.around` where the softest mode of a
            smooth α²F is a spike. The latter is always dense.
        method: "dense" diagonalises Ã; "iterative" forms no matrix, `search_softest_mode`;
            "auto" takes the second above 2048 energies.

    Returns:
        the margin (scalar).

    Raises:
        ValueError: unknown method.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([50.0], [1.0])
        >>> print(f"{stability_margin(s, 12.5, EnergyGrid.suggest(s, 12.5)):.6f}")
        0.301161
    """
    if method not in get_args(Method):
        told = ", ".join(repr(name) for name in get_args(Method))
        raise ValueError(f"method {method!r} is not known; use one of {told}.")
    dense = method == "dense" or (method == "auto" and grid.size <= _DENSE)
    return _softest(spectrum, temperature, grid, dense)[0]


def margin_and_mode(
    spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid | RefinedGrid
) -> tuple[Float[Array, ""], Float[Array, " node"]]:
    """`stability_margin` and its eigenvector on the grid's nodes."""
    return _softest(spectrum, temperature, grid, grid.size <= _DENSE)


def _softest(spectrum, temperature, grid, dense):
    if dense or isinstance(grid, RefinedGrid):
        return softest_mode(margin_form(spectrum, temperature, grid))
    return search_softest_mode(spectrum, temperature, grid)


@checked
@on_grid
@resolving
@jit
def search_softest_mode(
    spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid
) -> tuple[Float[Array, ""], Float[Array, " energy"]]:
    r"""`softest_mode` without a matrix, in O(L log L): Davidson's method from a coarse grid.

    The least $w$ of $\tilde A\psi = w\psi$ with derivatives as of `softest_mode`; their linear
    solve is by conjugate gradients.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        grid: of any size.

    Returns:
        (margin, ψ): a scalar and an array of shape (energy,), |ψ| = 1.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([50.0], [1.0])
        >>> print(f"{search_softest_mode(s, 12.5, EnergyGrid(0.5, 1200))[0]:.6f}")
        0.300751
    """
    pencil = stability_pencil(spectrum, temperature, grid)
    frozen = jax.lax.stop_gradient(pencil)
    coarse = EnergyGrid(grid.step * grid.size / min(COARSE, grid.size), min(COARSE, grid.size))
    coarse_pencil = stability_pencil(spectrum, temperature, coarse)
    smooth = eigh(jax.lax.stop_gradient(coarse_pencil).A)[1][:, :4]
    start = search_space(smooth, jax.lax.stop_gradient((coarse, grid)), frozen, frozen.diagonal_A)
    vector = lowest_eigenpair(frozen.multiply_A, frozen.diagonal_A, start)[1]

    return symmetric_eigenpair(pencil.multiply_A, Partial(_solve_by_products, pencil), vector)


def _solve_by_products(pencil, v, w, residual):
    # Positive definite, w being the lowest eigenvalue.
    shape = jax.ShapeDtypeStruct(v.shape, v.dtype)
    tag = lx.positive_semidefinite_tag
    shifted = lx.FunctionLinearOperator(
        lambda x: pencil.multiply_A(x) - w * x + v * (v @ x), shape, tag
    )
    diagonal = jax.lax.stop_gradient(jnp.maximum(pencil.diagonal_A - w, 0.0) + v**2 + 1e-12)
    inverse = lx.FunctionLinearOperator(lambda x: x / diagonal, shape, tag)
    solver = lx.CG(rtol=1e-12, atol=1e-14, max_steps=500)
    options = {"preconditioner": inverse}
    return lx.linear_solve(shifted, residual, solver, options=options, throw=False).value


def search_space(smooth, grids, pencil, diagonal):
    """Modes of a coarse grid, the spike where the diagonal is least, four random vectors."""
    coarse, grid = grids
    energies = jnp.append(0.0, coarse.energies)

    def interpolated(mode):
        return jnp.interp(grid.energies, energies, jnp.append(0.0, mode))

    spike = jnp.zeros((grid.size, 1)).at[jnp.argmin(diagonal), 0].set(1.0)
    random = jax.random.normal(jax.random.key(0), (grid.size, 4)) * pencil.window[:, None]
    return jnp.concatenate([jax.vmap(interpolated, 1, 1)(smooth), spike, random], axis=1)


@jit
def softest_mode(
    form: StabilityPencil | RefinedForm,
) -> tuple[Float[Array, ""], Float[Array, " energy"]]:
    r"""The smallest eigenvalue of $\tilde A\psi = w\psi$ and ψ, by dense diagonalisation.

    Args:
        form: Ã on a grid, by `stability_pencil` or `refined_form`.

    Returns:
        (w, ψ): a scalar and an array of shape (energy,), |ψ| = 1. As φ the mode is ψ/√(-f0').

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([50.0], [1.0])
        >>> value, mode = softest_mode(stability_pencil(s, 12.5, EnergyGrid.suggest(s, 12.5)))
        >>> print(f"{value:.6f} {mode @ mode:.6f}")
        0.301161 1.000000
    """
    vector = lowest_eigenvector(jax.lax.stop_gradient(form).A)
    # Derivatives go through products: their transpose is cheaper than a matrix's.
    return symmetric_eigenpair(form.multiply_A, Partial(_solve_by_matrix, form), vector)


def _solve_by_matrix(form, v, w, residual):
    return solve_beside(form.A, v, w, residual)
