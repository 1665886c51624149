r"""Strong coupling: λ → ∞ and ω → 0 at fixed g² = λ⟨ω²⟩, where phonons are classical, T ≫ ω.

The kernel of the self-energy becomes a pole of second order, κ(s) → -g²/s² in the sense of
Hadamard's finite part, and the collision integral a diffusion along the energy axis,

    (1 - κ*f') ∂f/∂t + f' (κ*∂f/∂t) = g² ∂/∂E [T0 f' + f(1 - f)],

Supplement Eqs. (39)-(41). Only T/g is left. Of the three criteria of stability two survive
the limit: Z0⁻¹ < 0 somewhere for T < 0.2985 g, C_el < 0 for T < 0.3899 g. The Fourier symbol
of κ, πg²|q|, is unbounded, and with it the kinetic criterion: see `coupling_symbol`.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import optimistix as optx
from jaxtyping import Array, Float, Real
from jaxtyping import ArrayLike as _ArrayLike

from ..electrons.occupations import thermal_window
from ..grids.convolution import FoldedConvolution
from ..grids.energies import EnergyGrid
from ..grids.kernels import slope_kernel, weight_on_grid
from ..numerics.minima import refine_minimum
from ..numerics.special import polygamma
from ..numerics.tridiagonal import lowest_eigenvalue
from ..numerics.typed import jit
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..spectra.sums import sum_over_modes


def _re_tetragamma(x):
    return polygamma(2, 0.5 + 1j * jnp.asarray(x, dtype=float)).real


def classical_inverse_weight(
    g: Scalar, temperature: Scalar, energy: Real[_ArrayLike, "*energy"]
) -> Float[Array, "*energy"]:
    r"""Inverse quasiparticle weight for T ≫ ω, Supplement Eq. (41):

    $$Z_0^{-1}(E) = 1 - \frac{g^2}{4\pi^2T^2}\,
      \mathrm{Re}\,\psi_2\Bigl(\frac12 + \frac{iE}{2\pi T}\Bigr).$$

    Args:
        g (scalar, energy): $\sqrt{\lambda\langle\omega^2\rangle}$.
        temperature (scalar, energy): T > 0.
        energy (array of any shape, energy): E from the Fermi level.

    Example:
        >>> print(f"{classical_inverse_weight(1.0, 0.1827, 0.7):.6f}")
        -1.448017
    """
    unit = 2 * jnp.pi * jnp.asarray(temperature)
    return 1 - (g / unit) ** 2 * _re_tetragamma(jnp.asarray(energy) / unit)


def _softest_energy() -> Float[Array, ""]:
    """E/2πT at which the classical Z0⁻¹ is least: a number."""
    x = jnp.linspace(0.3, 1.2, 19)
    return refine_minimum(lambda y: -_re_tetragamma(y), x, -_re_tetragamma(x))


def classical_weight_threshold() -> Float[Array, ""]:
    r"""T/g below which the classical Z0⁻¹(E) is negative somewhere,
    $\sqrt{\max_x\mathrm{Re}\,\psi_2(\frac12+ix)}/2\pi$.

    Example:
        >>> print(f"{classical_weight_threshold():.8f}")
        0.29850882
    """
    return jnp.sqrt(_re_tetragamma(_softest_energy())) / (2 * jnp.pi)


@jit
def classical_weight_zeros(
    g: Scalar, temperature: Scalar
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The two energies between which the classical Z0⁻¹(E) is negative, after Eq. (41).

    Args:
        g (scalar, energy): √(λ⟨ω²⟩).
        temperature (scalar, energy): T > 0.

    Returns:
        (E₁, E₂): scalars, differentiable; NaN above `classical_weight_threshold`.

    Example:
        >>> low, high = classical_weight_zeros(1.0, 0.1827)
        >>> print(f"{low:.5f} {high:.5f}")  # printed: 0.40, 1.16
        0.38983 1.16060
    """
    unit = 2 * jnp.pi * jnp.asarray(temperature, dtype=float)
    soft = _softest_energy()
    exists = _re_tetragamma(soft) > jax.lax.stop_gradient(unit / g) ** 2

    # Re ψ₂ rises from below zero to its maximum and then falls as 1/x²: each zero lies in a
    # bracket of its own.
    def root(low, high):
        def excess(x, level):
            return _re_tetragamma(x) - level

        level = jnp.where(exists, (unit / g) ** 2, 0.5 * _re_tetragamma(soft))
        solver = optx.Bisection(rtol=1e-15, atol=1e-15, expand_if_necessary=True)
        start = jax.lax.stop_gradient(0.5 * (low + high))
        options = {"lower": low, "upper": high}
        rough = optx.root_find(
            excess, solver, start, jax.lax.stop_gradient(level), options, max_steps=128,
            throw=False,
        ).value  # fmt: skip
        # One step of Newton's method carries the derivative with respect to g and T.
        slope = jax.lax.stop_gradient(jax.grad(excess)(rough, level))
        return unit * jnp.where(exists, rough - excess(rough, level) / slope, jnp.nan)

    far = soft + 2 * jax.lax.stop_gradient(g / unit) + 1
    return root(jnp.zeros_like(soft), soft), root(soft, far)


def classical_heat_ratio(g: Scalar, temperature: Scalar) -> Float[Array, ""]:
    r"""Specific-heat ratio for T ≫ ω: $1 - 3g^2/2\pi^2T^2$, negative for $T < \sqrt{3/2}\,g/\pi$.

    Example:
        >>> print(f"{classical_heat_ratio(1.0, 0.5):.6f}")
        0.392073
    """
    return 1 - 1.5 * (jnp.asarray(g) / (jnp.pi * jnp.asarray(temperature))) ** 2


def energy_uncertainty(g: Scalar, temperature: Scalar) -> Float[Array, ""]:
    r"""How far an electron diffuses in energy while that energy is being resolved.

    In a time t the diffusion g²T of `classical_collisions` spreads an energy by
    $\sqrt{g^2Tt}$; with t ~ 1/δE that is $\delta E = (g^2T)^{1/3}$. A range of negative Z0⁻¹ is
    meant literally if it is wider.

    Example:
        >>> print(f"{energy_uncertainty(1.0, 0.1827):.4f}")
        0.5674
    """
    return jnp.cbrt(jnp.asarray(g, dtype=float) ** 2 * temperature)


@jit
def classical_coupling_kernel(g: Scalar, grid: EnergyGrid) -> Float[Array, " n"]:
    r"""The kernel κ(s) = -g²/s² (finite part) on the grid, weights included, n = 0…2L:

    $$w_0 = \frac{\pi^2g^2}{2\varepsilon}, \qquad w_n = -\frac{g^2}{\varepsilon}\,
      \frac{1-(-1)^n}{n^2},$$

    the limit ω → 0 of `grids.kernels.coupling_kernel` at fixed g.

    Example:
        >>> print(classical_coupling_kernel(1.0, EnergyGrid(1.0, 2))[:4].round(4))
        [ 4.9348 -2.     -0.     -0.2222]
    """
    n = jnp.arange(2.0 * grid.size + 1)
    parity = 1 - 2 * jnp.mod(n, 2)
    away = -(1 - parity) / jnp.where(n == 0, 1.0, n) ** 2
    return jnp.asarray(g) ** 2 / grid.step * jnp.where(n == 0, jnp.pi**2 / 2, away)


class ClassicalCollisions(eqx.Module):
    r"""Electron-phonon collisions for T ≫ ω, Supplement Eq. (40):

    $$I[f] = g^2\,\frac{\partial}{\partial E}\Bigl[T_0\frac{\partial f}{\partial E} + f(1-f)\Bigr]$$

    in the rescaled time: electrons diffuse in energy, drawn down by the phonons they emit.
    With δ = f - f0(T0), odd in E, the flux is T0 δ' + (1 - 2f0)δ - δ².

    Args:
        g (scalar, energy): √(λ⟨ω²⟩).
        temperature (scalar, energy): T0 of the phonons.
        grid: the energy grid.

    Example:
        >>> from jaxelph import fermi
        >>> grid = EnergyGrid(0.5, 80)
        >>> hot = fermi(grid.energies, 1.1) - fermi(grid.energies, 1.0)
        >>> flow = ClassicalCollisions(1.0, 1.0, grid).integral(hot)
        >>> print(f"{2 * grid.step * grid.energies @ flow:.6f}")  # g²(T0 - T)
        -0.100000
    """

    g: Scalar
    temperature: Scalar
    grid: EnergyGrid

    @jit
    def integral(self, deviation: Float[Array, " energy"]) -> Float[Array, " energy"]:
        """I[f0 + δ] on the grid."""
        slope = FoldedConvolution(slope_kernel(self.grid), -1)
        drift = jnp.tanh(self.grid.energies / (2 * self.temperature)) * deviation - deviation**2
        # The flux is even in E and the deviation zero at E = 0.
        diffusion = jnp.asarray(self.temperature) * slope.mv(deviation, first=0)
        flux = diffusion + jnp.append(0.0, drift)
        return jnp.asarray(self.g) ** 2 * slope.mv_even(flux)


@jit
def classical_margin(g: Scalar, temperature: Scalar, grid: EnergyGrid) -> Float[Array, ""]:
    r"""The smallest eigenvalue of Ã with the classical kernel on a grid: it has no limit.

    As ε → 0 it falls like $-\pi^2g^2/4T\varepsilon$: the symbol πg²|q| of κ is cut by the grid at
    q = π/ε and nowhere else. The kinetic criterion needs phonons of finite frequency.

    Args:
        g (scalar, energy): √(λ⟨ω²⟩).
        temperature (scalar, energy): T > 0.
        grid: the energy grid.

    Example:
        >>> values = [classical_margin(1.0, 1.0, EnergyGrid(e, int(30 / e))) for e in (0.5, 0.25)]
        >>> print([f"{v:.2f}" for v in values])
        ['-1.78', '-6.05']
    """
    exchange = FoldedConvolution(classical_coupling_kernel(g, grid))
    weight = weight_on_grid(exchange, temperature, grid)
    h = thermal_window(grid.energies, temperature)
    matrix = jnp.diag(weight) - h[:, None] * exchange.as_matrix() * h[None, :]
    return lowest_eigenvalue(matrix)


def coupling_symbol(
    spectrum: EliashbergFunction, q: Real[_ArrayLike, "*wavenumber"]
) -> Float[Array, "*wavenumber"]:
    r"""Fourier symbol of κ, $\hat\kappa(q) = \pi\sum_k\lambda_k\omega_k\sin(\omega_k|q|)$ (energy).

    Its maximum decides about the kinetic criterion where T ≫ ω: there Z0⁻¹ → 1 and
    h² → 1/4T over a range far wider than ω, so that Ã's lowest value is 1 - max κ̂/4T and

    $$\lambda_c(\mathrm{kinetic}) \simeq \frac{4T}{\max_q\hat\kappa(q)/\lambda}
      \approx \frac{4T}{\pi\omega},$$

    linear in T where weight and heat grow as T². For a smooth α²F the symbol decays beyond
    1/(width of α²F): one wavelength, about 4ω, is the softest. The symbol of a few δ modes does
    not decay, and with equal spacings it is periodic: every period brings an equally soft, and
    rougher, mode, as many as the grid admits. That is why the kinetic threshold of δ modes
    depends on the grid.

    Args:
        spectrum: an Eliashberg function.
        q (array, 1/energy): wavenumbers of φ(E).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> symbol = coupling_symbol(EinsteinModes([1.0], [1.0]), jnp.asarray(jnp.pi / 2))
        >>> print(f"{symbol / jnp.pi:.6f}")
        1.000000
    """
    q = jnp.abs(jnp.asarray(q, dtype=float))
    return jnp.pi * sum_over_modes(lambda w, c: c * w * jnp.sin(w * q), spectrum)
