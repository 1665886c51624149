r"""The linear stability analysis of the normal metal: the pencil (A, M), its modes, its edge.

A small deviation δf = -f0' φ e^{-γt} from equilibrium obeys γ A φ = M φ, Supplement
Eqs. (18)-(21). With ψ = √(-f0') φ both operators are symmetric and well conditioned:

    Ã = Z0⁻¹(E) - h κ h,      M̃ = Γ(E) - C*,      h = √(-f0').

M̃ ≥ 0 is entropy production. The metal is stable as long as Ã > 0; each negative eigenvalue
of Ã is a mode that grows. Time is rescaled, t → πt, as in the kinetic equation (29).
"""

from typing import Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jax.tree_util import Partial
from jaxtyping import Array, Float

from .bandwidth import END
from .checks import checked
from .davidson import lowest_eigenpair
from .dissipation import PhononDissipation
from .equilibrium import bose, sum_over_modes, thermal_window
from .grid import (
    EnergyGrid,
    FoldedConvolution,
    coupling_kernel,
    interpolate_oversampled,
    on_grid,
    weight_on_grid,
)
from .numerics import eigh, symmetric_eigenpair
from .refined import RefinedGrid
from .spectrum import EliashbergFunction, Scalar, resolving
from .thermodynamics import specific_heat_ratio
from .tridiagonal import lowest_eigenvector, solve_beside
from .typed import jit


class StabilityPencil(eqx.Module):
    r"""The pencil of $\gamma\tilde A\psi = \tilde M\psi$ on the odd functions of a grid.

    $$\tilde A = Z_0^{-1}(E) - h\kappa h, \qquad \tilde M = \Gamma(E) - C*, \qquad
      h = \sqrt{-f_0'}, \qquad \psi = h\phi.$$

    `A` and `M` are the dense matrices; `multiply_A`, `multiply_M` apply them to `psi` (array of
    shape (energy,)) by fast Fourier transform in O(L log L), and `operators` hands both to lineax.
    Made by `stability_pencil`.

    Args:
        energies (array of shape (energy,), energy): E = ε…Lε.
        weight (array of shape (energy,)): Z0⁻¹(E).
        window (array of shape (energy,), energy^(-1/2)): h(E).
        exchange: κ.
        phonons: M̃ of collisions with phonons.
        electrons (array of shape (energy, energy), energy): M̃ of electron-electron collisions.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> pencil = stability_pencil(EinsteinModes([50.0], [1.0]), 12.5, EnergyGrid(5.0, 72))
        >>> product, mode = pencil.multiply_A(pencil.window), pencil.A @ pencil.window
        >>> print(pencil.M.shape, bool(jnp.max(jnp.abs(product - mode)) < 1e-12))
        (72, 72) True
    """

    energies: Float[Array, " energy"]
    weight: Float[Array, " energy"]
    window: Float[Array, " energy"]
    exchange: FoldedConvolution
    phonons: PhononDissipation
    electrons: Float[Array, "energy energy"] | None = None

    @property
    def A(self) -> Float[Array, "energy energy"]:
        """Ã (array of shape (energy, energy)), symmetric."""
        h = self.window
        return jnp.diag(self.weight) - h[:, None] * self.exchange.as_matrix() * h[None, :]

    @property
    def M(self) -> Float[Array, "energy energy"]:
        """M̃ (array of shape (energy, energy), energy), symmetric and positive semidefinite."""
        phonons = self.phonons.as_matrix()
        return phonons if self.electrons is None else phonons + self.electrons

    def multiply_A(self, psi: Float[Array, " energy"]) -> Float[Array, " energy"]:
        """The product Ã ψ with `psi`."""
        return self.weight * psi - self.window * self.exchange.mv(self.window * psi)

    def multiply_M(self, psi: Float[Array, " energy"]) -> Float[Array, " energy"]:
        """The product M̃ ψ with `psi` (energy)."""
        product = self.phonons.mv(psi)
        return product if self.electrons is None else product + self.electrons @ psi

    @property
    def diagonal_A(self) -> Float[Array, " energy"]:
        """The diagonal of Ã (array of shape (energy,))."""
        return self.weight - self.window**2 * self.exchange.diagonal

    @property
    def diagonal_M(self) -> Float[Array, " energy"]:
        """The diagonal of M̃ (array of shape (energy,), energy)."""
        diagonal = self.phonons.diagonal
        return diagonal if self.electrons is None else diagonal + jnp.diag(self.electrons)

    def operators(self) -> tuple[lx.FunctionLinearOperator, lx.FunctionLinearOperator]:
        """Ã and M̃ as symmetric matrix-free operators."""
        shape = jax.ShapeDtypeStruct(self.weight.shape, self.weight.dtype)
        return (
            lx.FunctionLinearOperator(self.multiply_A, shape, lx.symmetric_tag),
            lx.FunctionLinearOperator(self.multiply_M, shape, lx.positive_semidefinite_tag),
        )

    def energy_form(self) -> tuple[Float[Array, ""], Float[Array, ""]]:
        r"""$\iint E A \tilde E$ and $\iint E M \tilde E$ over the whole axis.

        The first is (π²T²/3) times the specific-heat ratio, the second
        $\sum_k\lambda_k\omega_k^4N_k(N_k+1)/T$; both closed forms test the grid.
        """
        step = self.energies[0]
        trial = self.window * self.energies
        return (
            2 * step * trial @ self.multiply_A(trial),
            2 * step * trial @ self.multiply_M(trial),
        )


@checked
@on_grid
@resolving
@jit
def stability_pencil(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    grid: EnergyGrid,
    *,
    electrons: Float[Array, "energy energy"] | None = None,
) -> StabilityPencil:
    r"""The pencil of Supplement Eq. (18) on a grid, in its symmetric form.

    $$\phi A\phi = \int(-f_0')\phi^2
       + \tfrac12\iint\kappa(E-\tilde E)f_0'\tilde f_0'(\phi-\tilde\phi)^2 ,$$
    $$\phi M\phi = \sum_k\frac{\lambda_k\omega_kN_k(N_k+1)}{T}
       \int[f_0(E)-f_0(E+\omega_k)][\phi(E+\omega_k)-\phi(E)]^2dE .$$

    The mode frequencies need not lie on the grid.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        grid: see `EnergyGrid.suggest`.
        electrons (array of shape (energy, energy), energy): M̃ of electron-electron collisions
            to be added, `ElectronCollisions.linearised`. It raises every decay rate and
            leaves Ã, and with it the number of growing modes, as they are.

    Returns:
        StabilityPencil: `.A` and `.M` are symmetric (L, L) matrices; A is dimensionless, M an
        energy.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([50.0], [1.0])
        >>> pencil = stability_pencil(s, 12.5, EnergyGrid.suggest(s, 12.5))
        >>> heat = pencil.energy_form()[0] / (jnp.pi**2 * 12.5**2 / 3)
        >>> print(f"{heat / specific_heat_ratio(s, 12.5):.9f}")
        1.000000000
    """
    energies = grid.energies
    exchange = FoldedConvolution(coupling_kernel(spectrum, grid))
    return StabilityPencil(
        energies=energies,
        weight=weight_on_grid(exchange, temperature, grid),
        window=thermal_window(energies, temperature),
        exchange=exchange,
        phonons=PhononDissipation.at(spectrum, temperature, grid),
        electrons=electrons,
    )


class RefinedForm(eqx.Module):
    """Ã on the nodes of a refined grid; see `refined_form`."""

    energies: Float[Array, " node"]
    weight: Float[Array, " node"]  # Z0⁻¹(E)
    window: Float[Array, "node energy"]  # √w h(E) and the interpolation, from the sinc grid
    exchange: FoldedConvolution  # κ

    @property
    def A(self) -> Float[Array, "node node"]:
        return jnp.diag(self.weight) - self.window @ self.exchange.as_matrix() @ self.window.T

    def multiply_A(self, psi: Float[Array, " node"]) -> Float[Array, " node"]:
        return self.weight * psi - self.window @ self.exchange.mv(psi @ self.window)


@checked
@on_grid
@resolving
@jit
def refined_form(
    spectrum: EliashbergFunction, temperature: Scalar, grid: RefinedGrid
) -> RefinedForm:
    r"""Ã on the nodes of a refined grid,

    $$\tilde A_{ij} = Z_0^{-1}(E_i)\,\delta_{ij} - \sqrt{w_i}\,(h\kappa h)(E_i, E_j)\sqrt{w_j},$$

    with hκh and Z0⁻¹ interpolated from the sinc grid that `grid` refines.

    Args:
        spectrum: an Eliashberg function, smooth on the scale of `grid.base.step`.
        temperature (scalar, energy): T > 0.
        grid: see `RefinedGrid.around`.

    Returns:
        RefinedForm: `.A` is symmetric, (node, node).
    """
    base = grid.base
    window = thermal_window(base.energies, temperature)
    energies, weights = grid.nodes()
    root = jnp.sqrt(weights / base.step)
    fine = grid.half_step
    fine_exchange = FoldedConvolution(coupling_kernel(spectrum, fine))
    return RefinedForm(
        energies=energies,
        weight=interpolate_oversampled(
            weight_on_grid(fine_exchange, temperature, fine, first=0), energies / fine.step
        ),
        window=root[:, None] * grid.interpolation(energies) * window[None, :],
        exchange=FoldedConvolution(coupling_kernel(spectrum, base)),
    )


def margin_form(
    spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid | RefinedGrid
) -> "StabilityPencil | RefinedForm":
    """Ã on a grid of either kind, whose smallest eigenvalue is the margin."""
    if isinstance(grid, RefinedGrid):
        return refined_form(spectrum, temperature, grid)
    return stability_pencil(spectrum, temperature, grid)


def edge_of_band(
    spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid | RefinedGrid
) -> Float[Array, "time node"]:
    r"""F with |Fψ|² the part of ⟨ψ|hκh|ψ⟩ that comes from the end of the grid's band,

    $$|F\psi|^2 = \frac2\pi\int_{.9\pi/ε}^{\pi/ε}|\hatκ(q)|\,\hat u(q)^2\,dq, \qquad
      \hat u(q) = \int h\psi\,\sin qE\,dE,$$

    which bounds what lies beyond: û falls off geometrically there, see `bandwidth`.
    """
    base = grid.base if isinstance(grid, RefinedGrid) else grid
    weights = grid.weights if isinstance(grid, RefinedGrid) else jnp.full(grid.size, grid.step)
    share = END + (1 - END) * (jnp.arange(_TIMES) + 0.5) / _TIMES
    q = share * jnp.pi / base.step
    spread = 2 * (1 - END) / (_TIMES * base.step)
    root = jnp.sqrt(spread * jnp.abs(coupling_symbol(spectrum, q)))
    window = jnp.sqrt(weights) * thermal_window(grid.energies, temperature)
    return root[:, None] * jnp.sin(q[:, None] * grid.energies[None, :]) * window[None, :]


def coupling_symbol(
    spectrum: EliashbergFunction, q: Float[Array, " time"]
) -> Float[Array, " time"]:
    r"""$\hatκ(q) = \pi\sum_k\lambda_k\omega_k\sin\omega_k q$, q > 0, the transform of κ."""
    return jnp.pi * sum_over_modes(lambda w, c: c * w * jnp.sin(w * q), spectrum)


# How many q `edge_of_band` takes.
_TIMES = 128

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


@checked
@jit
def two_temperature_rate(spectrum: EliashbergFunction, temperature: Scalar) -> Float[Array, ""]:
    r"""The rate at which a slightly hotter Fermi distribution starts to cool,

    $$\gamma_T = \frac{\iint E M\tilde E}{\iint E A\tilde E}
      = \frac{\sum_k\lambda_k\omega_k^4N_k(N_k+1)/T}
             {(\pi^2T^2/3)\,C_{el}/(2\pi^2\nu_0T/3)},$$

    in the rescaled time. πγ_T is the rate of the two-temperature model with the true specific
    heat, and tends to Allen's 3λ⟨ω²⟩/(πT) for T ≫ ω.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.

    Returns:
        γ_T (scalar, energy).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{jnp.pi * two_temperature_rate(EinsteinModes([1.0], [1.0]), 50.0):.6f}")
        0.019099
    """
    omega, coupling = spectrum.coarse_modes()
    n = bose(omega, temperature)
    flow = jnp.sum(coupling * omega**4 * n * (n + 1)) / temperature
    heat = jnp.pi**2 * temperature**2 / 3 * specific_heat_ratio(spectrum, temperature)
    return flow / heat


@checked
@jit
def continuum_rate(spectrum: EliashbergFunction, temperature: Scalar) -> Float[Array, ""]:
    r"""Where the continuum of decay rates begins, that of electrons far from the Fermi level,

    $$\gamma_c = \sum_k\lambda_k\omega_k\tanh\frac{\omega_k}{4T},$$

    in the rescaled time. At |E| ≫ T, ω_k the pencil of Supplement Eq. (18) becomes one that
    does not depend on E: Ã is 1, and M̃ multiplies a wave $e^{i\tau E}$ by
    $\sum_k\lambda_k\omega_k[\coth(\omega_k/2T) - \cos(\omega_k\tau)/\sinh(\omega_k/2T)]$,
    least at τ = 0. Slower modes are discrete. Rates of a grid above γ_c are levels of the
    continuum, which the cutoff sets apart; the lowest lies too high by about 1/L². For T ≫ ω
    no mode is discrete, and the last to decay does so at πγ_c = πλ⟨ω²⟩/4T, π²/12 of Allen's rate.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.

    Returns:
        γ_c (scalar, energy).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [1.0])
        >>> print(f"{jnp.pi * continuum_rate(s, 50.0) / allen_rate(s, 50.0) * 12 / jnp.pi**2:.6f}")
        0.999992
    """
    omega, coupling = spectrum.coarse_modes()
    return jnp.sum(coupling * omega * jnp.tanh(omega / (4 * temperature)))


@checked
def allen_rate(spectrum: EliashbergFunction, temperature: Scalar) -> Float[Array, ""]:
    r"""Allen's relaxation rate of the electronic temperature,

    $$3\lambda\langle\omega^2\rangle/\pi T ,$$

    in unscaled time (energy). P. B. Allen, Phys. Rev. Lett. 59, 1460 (1987).

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.

    Returns:
        the rate (scalar, energy).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{allen_rate(EinsteinModes([1.0], [1.0]), 50.0):.6f}")
        0.019099
    """
    omega, coupling = spectrum.coarse_modes()
    return 3 * jnp.sum(coupling * omega**2) / (jnp.pi * temperature)
