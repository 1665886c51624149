r"""The linear stability analysis of the normal metal: the pencil (A, M), its modes, its edge.

A small deviation δf = -f0' φ e^{-γt} from equilibrium obeys γ A φ = M φ, Supplement
Eqs. (18)-(21). With ψ = √(-f0') φ both operators are symmetric and well conditioned:

    Ã = Z0⁻¹(E) - h κ h,      M̃ = Γ(E) - C*,      h = √(-f0').

M̃ ≥ 0 is entropy production. The metal is stable as long as Ã > 0; each negative eigenvalue
of Ã is a mode that grows. Time is rescaled, t → πt, as in the kinetic equation (29).
"""

from typing import overload

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float

from ..electrons.occupations import bose, thermal_window
from ..grids.bandwidth import END
from ..grids.convolution import FoldedConvolution
from ..grids.energies import EnergyGrid, on_grid
from ..grids.kernels import coupling_kernel, weight_on_grid
from ..grids.refined import RefinedGrid
from ..grids.sinc import interpolate_oversampled
from ..numerics.checks import checked
from ..numerics.typed import jit
from ..spectra.resolution import resolving
from ..spectra.spectrum import EinsteinModes, EliashbergFunction, Scalar
from ..spectra.sums import sum_over_modes
from .dissipation import PhononDissipation
from .phonons import MovingPhonons


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
    @jit
    def A(self) -> Float[Array, "energy energy"]:
        """Ã (array of shape (energy, energy)), symmetric."""
        h = self.window
        return jnp.diag(self.weight) - h[:, None] * self.exchange.as_matrix() * h[None, :]

    @property
    @jit
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

    @jit
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


# Branches of which the collisions are taken at once.
_BLOCK = 32


class MovingPencil(eqx.Module):
    r"""The pencil of $\gamma A v = M v$ for electrons and phonons, v = (ψ, ζ).

    δN_k = N_k(N_k+1) η_k/T. A phonon branch that is out of equilibrium by η_k is seen by the
    electrons as a shift of φ by -η_kE/ω_k, since E gains ω_k where a phonon is absorbed. So with
    M̃ = Σ_k M̃_k

        M = Σ_k (φ - η_kE/ω_k) M_k (φ - η_kE/ω_k),      A = φAφ + Σ_k (F_k/2ν0) [N_k(N_k+1)/T] η_k²,

    positive on every grid, as each M_k is, with the null vector φ = E, η_k = ω_k, the total
    energy. The new part of A is positive and by itself: it has as many negative eigenvalues as
    without phonons.

    $$\psi = h\phi, \qquad \zeta_k = \eta_k/s_k, \qquad s_k^2 = 2ε\,(2\nu_0/F_k)\,T/N_k(N_k+1),$$

    in which A is Ã beside the identity. Made by `stability_pencil` with `phonons`; `A` and `M`
    are symmetric, (energy + mode, energy + mode), and `multiply_A`, `multiply_M` take v.

    Args:
        electrons: the pencil without phonons.
        omega (array of shape (mode,), energy): ω_k.
        scale (array of shape (mode,)): s_k.
        border (array of shape (energy, mode), energy): minus what couples ψ to ζ in M.
        corner (array of shape (mode,), energy): the diagonal of M for ζ.
        mixing (array of shape (mode,), energy^½): what phonons share by collisions among
            themselves is its square, to be taken from there.

    Example:
        >>> from jaxelph import EinsteinModes, MovingPhonons, stability_pencil
        >>> s, grid = EinsteinModes([40.0, 60.0], [0.5, 0.5]), EnergyGrid(5.0, 72)
        >>> pencil = stability_pencil(s, 12.5, grid, phonons=MovingPhonons(0.01))
        >>> print(pencil.A.shape, bool(jnp.max(jnp.abs(pencil.M @ pencil.energy)) < 1e-11))
        (74, 74) True
    """

    electrons: StabilityPencil
    omega: Float[Array, " mode"]
    scale: Float[Array, " mode"]
    border: Float[Array, "energy mode"]
    corner: Float[Array, " mode"]
    mixing: Float[Array, " mode"]

    @staticmethod
    def at(
        electrons: StabilityPencil,
        spectrum: EliashbergFunction,
        temperature: Scalar,
        grid: EnergyGrid,
        phonons: MovingPhonons,
    ) -> "MovingPencil":
        """Phonons beside a pencil.

        Args:
            electrons: the pencil.
            spectrum: of the same Eliashberg function,
            temperature (scalar, energy): T,
            grid: and grid.
            phonons: see `MovingPhonons`.
        """
        branches = phonons.on(spectrum)
        _, coupling = spectrum.modes()
        trial = electrons.window * electrons.energies

        def pushed(mode):
            omega, strength = mode
            one = EinsteinModes(omega[None], strength[None])
            return PhononDissipation.at(one, temperature, grid).mv(trial) / omega

        size = min(_BLOCK, branches.omega.shape[0])
        rows = jax.lax.map(pushed, (branches.omega, coupling), batch_size=size)
        n = bose(branches.omega, temperature)
        scale = jnp.sqrt(2 * grid.step * branches.coupling * temperature / (n * (n + 1)))
        mixing = branches.mixing_rate
        shared = jnp.where(scale > 0, branches.omega / jnp.where(scale > 0, scale, 1.0), 0.0)
        norm = jnp.sqrt(shared @ shared)
        return MovingPencil(
            electrons=electrons,
            omega=branches.omega,
            scale=scale,
            border=(rows * scale[:, None]).T,
            corner=scale**2 * (rows @ trial) / branches.omega + branches.escape + mixing,
            mixing=jnp.sqrt(mixing) * shared / jnp.where(norm > 0, norm, 1.0),
        )

    @property
    def energies(self) -> Float[Array, " energy"]:
        """E = ε…Lε (array of shape (energy,), energy)."""
        return self.electrons.energies

    @property
    @jit
    def A(self) -> Float[Array, "all all"]:
        """A (array of shape (energy + mode, energy + mode)), symmetric."""
        return jax.scipy.linalg.block_diag(self.electrons.A, jnp.eye(self.omega.shape[0]))

    @property
    @jit
    def M(self) -> Float[Array, "all all"]:
        """M (array of shape (energy + mode, energy + mode), energy), positive semidefinite."""
        corner = jnp.diag(self.corner) - self.mixing[:, None] * self.mixing[None, :]
        return jnp.block([[self.electrons.M, -self.border], [-self.border.T, corner]])

    def multiply_A(self, v: Float[Array, " all"]) -> Float[Array, " all"]:
        """The product A v with `v` = (ψ, ζ) (array of shape (energy + mode,))."""
        psi, zeta = self._split(v)
        return jnp.concatenate([self.electrons.multiply_A(psi), zeta])

    def multiply_M(self, v: Float[Array, " all"]) -> Float[Array, " all"]:
        """The product M v (energy) with `v` = (ψ, ζ) (array of shape (energy + mode,))."""
        psi, zeta = self._split(v)
        first = self.electrons.multiply_M(psi) - self.border @ zeta
        rest = self.corner * zeta - self.mixing * (self.mixing @ zeta)
        return jnp.concatenate([first, rest - psi @ self.border])

    @property
    def energy(self) -> Float[Array, " all"]:
        """The total energy, φ = E and η_k = ω_k: a null vector of M, without a bath."""
        psi = self.electrons.window * self.electrons.energies
        return jnp.concatenate([psi, self.omega / self.scale])

    @jit
    def energy_form(self) -> tuple[Float[Array, ""], Float[Array, ""]]:
        r"""The forms of A and M for the total energy, over the whole axis.

        The first is $T(C_{el}+C_{ph})/2\nu_0$, the second 0 to rounding without a bath.
        """
        step, trial = self.electrons.energies[0], self.energy
        return 2 * step * trial @ self.multiply_A(trial), 2 * step * trial @ self.multiply_M(trial)

    def _split(self, v):
        size = self.electrons.energies.shape[0]
        return v[:size], v[size:]


@overload
def stability_pencil(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    grid: EnergyGrid,
    *,
    electrons: Float[Array, "energy energy"] | None = None,
    phonons: None = None,
) -> StabilityPencil: ...
@overload
def stability_pencil(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    grid: EnergyGrid,
    *,
    electrons: Float[Array, "energy energy"] | None = None,
    phonons: MovingPhonons,
) -> MovingPencil: ...
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
    phonons: MovingPhonons | None = None,
) -> StabilityPencil | MovingPencil:
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
        phonons: those that move with the electrons. They change the rates; the number of growing
            modes remains, whatever the phonons' specific heat is.

    Returns:
        StabilityPencil, or `MovingPencil` with phonons: `.A` and `.M` are symmetric matrices,
        (L, L) or (L + mode, L + mode); A is dimensionless, M an energy.

    Example:
        >>> from jaxelph import specific_heat_ratio
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([50.0], [1.0])
        >>> pencil = stability_pencil(s, 12.5, EnergyGrid.suggest(s, 12.5))
        >>> heat = pencil.energy_form()[0] / (jnp.pi**2 * 12.5**2 / 3)
        >>> print(f"{heat / specific_heat_ratio(s, 12.5):.9f}")
        1.000000000
    """
    energies = grid.energies
    exchange = FoldedConvolution(coupling_kernel(spectrum, grid))
    pencil = StabilityPencil(
        energies=energies,
        weight=weight_on_grid(exchange, temperature, grid),
        window=thermal_window(energies, temperature),
        exchange=exchange,
        phonons=PhononDissipation.at(spectrum, temperature, grid),
        electrons=electrons,
    )
    if phonons is None:
        return pencil
    return MovingPencil.at(pencil, spectrum, temperature, grid, phonons)


class RefinedForm(eqx.Module):
    """Ã on the nodes of a refined grid; see `refined_form`."""

    energies: Float[Array, " node"]
    weight: Float[Array, " node"]  # Z0⁻¹(E)
    window: Float[Array, "node energy"]  # √w h(E) and the interpolation, from the sinc grid
    exchange: FoldedConvolution  # κ

    @property
    @jit
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
    kernels = coupling_kernel(spectrum, grid.base), coupling_kernel(spectrum, grid.half_step)
    return refined_form_of(kernels, temperature, grid)


def refined_form_of(
    kernels: tuple[Float[Array, " n"], Float[Array, " fine"]],
    temperature: Scalar,
    grid: RefinedGrid,
) -> RefinedForm:
    """`refined_form` of an α²F of which the `coupling_kernel` is known, and linear in it.

    Args:
        kernels: on `grid.base` and on `grid.half_step`.
        temperature (scalar, energy): T > 0.
        grid: see `refined_form`.
    """
    base, fine = grid.base, grid.half_step
    window = thermal_window(base.energies, temperature)
    energies, weights = grid.nodes()
    root = jnp.sqrt(weights / base.step)
    return RefinedForm(
        energies=energies,
        weight=interpolate_oversampled(
            weight_on_grid(FoldedConvolution(kernels[1]), temperature, fine, first=0),
            energies / fine.step,
        ),
        window=root[:, None] * grid.interpolation(energies) * window[None, :],
        exchange=FoldedConvolution(kernels[0]),
    )


def margin_form(
    spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid | RefinedGrid
) -> "StabilityPencil | RefinedForm":
    """Ã on a grid of either kind, whose smallest eigenvalue is the margin."""
    if isinstance(grid, RefinedGrid):
        return refined_form(spectrum, temperature, grid)
    return stability_pencil(spectrum, temperature, grid)


@jit
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


@jit
def coupling_symbol(
    spectrum: EliashbergFunction, q: Float[Array, " time"]
) -> Float[Array, " time"]:
    r"""$\hatκ(q) = \pi\sum_k\lambda_k\omega_k\sin\omega_k q$, q > 0, the transform of κ."""
    return jnp.pi * sum_over_modes(lambda w, c: c * w * jnp.sin(w * q), spectrum)


# How many q `edge_of_band` takes.
_TIMES = 128
