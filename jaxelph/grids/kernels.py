"""The kernels of the kinetic theory on the grid, and Z0⁻¹ by quadrature."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..electrons.occupations import thermal_window
from ..electrons.weight import minimum_weight
from ..numerics.typed import jit
from ..spectra.resolution import resolving
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..spectra.sums import sum_over_modes
from .convolution import FoldedConvolution
from .energies import EnergyGrid
from .sinc import SHIFT_REACH, local_shift_weights, principal_value_weights


@jit
def coupling_kernel(spectrum: EliashbergFunction, grid: EnergyGrid) -> Float[Array, " n"]:
    r"""The kernel κ of the self-energy on the grid, n = 0…2L, quadrature weights included:

    $$(\kappa * u)(E_i) = \mathrm{PV}\!\int \kappa(E_i - s)\,u(s)\,ds = \sum_j w_{i-j}u_j, \quad
      \kappa(s) = \sum_k \frac{\lambda_k\omega_k^2}{\omega_k^2 - s^2},$$
    $$w_n = \sum_k \tfrac12\lambda_k\omega_k\,[W(n + \omega_k/ε) - W(n - \omega_k/ε)].$$
    """
    n = jnp.arange(2.0 * grid.size + 1)

    def term(omega, coupling):
        a = omega / grid.step
        weights = principal_value_weights(n, -a) - principal_value_weights(n, a)
        return 0.5 * coupling * omega * weights

    return sum_over_modes(term, spectrum)


@jit(static_argnames="first")
def weight_on_grid(
    exchange: FoldedConvolution, temperature: Scalar, grid: EnergyGrid, first: int = 1
) -> Float[Array, " row"]:
    """Z0⁻¹(E) = 1 - κ*f0' by quadrature, on E = first·ε…Lε; `exchange` is κ."""
    window = thermal_window(jnp.append(0.0, grid.energies), temperature)
    return 1 + exchange.mv_even(window**2, first)


@resolving
@jit
def minimum_weight_on_grid(
    spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """`minimum_weight` with a scan of the grid, whose convolutions cost far less than ψ₁."""
    exchange = FoldedConvolution(coupling_kernel(spectrum, grid))
    values = weight_on_grid(exchange, temperature, grid)
    return minimum_weight(spectrum, temperature, grid.energies, values)


@jit
def transfer_kernel(
    spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid
) -> Float[Array, " n"]:
    r"""The in-scattering kernel C of M in its symmetric form on the grid, n = 0…2L:

    $$C(s) = \sum_k \frac{\lambda_k\omega_k}{2\sinh(\omega_k/2T)}
      [\delta(s-\omega_k) + \delta(s+\omega_k)],$$

    with `local_shift_weights` for δ(s ∓ ω).
    """
    n = jnp.arange(2.0 * grid.size + 1)

    def term(omega, coupling):
        a = omega / grid.step
        x = omega / (2 * temperature)
        # 1/2sinh x without overflow.
        weight = coupling * omega * jnp.exp(-x) / -jnp.expm1(-2 * x)
        return weight * (local_shift_weights(n, a) + local_shift_weights(n, -a))

    return sum_over_modes(term, spectrum)


@jit
def collision_kernels(
    spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid
) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    r"""The two kernels of the electron-phonon collision integral on the grid, n = 0…2L:

    $$c(s) = \sum_k\lambda_k\omega_k(N_k + \tfrac12)[\delta(s+\omega_k) + \delta(s-\omega_k)],
      \qquad o(s) = \sum_k\lambda_k\omega_k[\delta(s+\omega_k) - \delta(s-\omega_k)],$$

    even and odd, with phonons at `temperature`. They are the `transfer_kernel` C once more,

    $$c = C\cosh(s/2T), \qquad o = -2\,C\sinh(s/2T),$$

    also between the points of the grid, where $\cosh\frac{E+s}{2T} = \cosh\frac{E}{2T}
    (\cosh\frac{s}{2T} + \tanh\frac{E}{2T}\sinh\frac{s}{2T})$ makes hCh⁻¹ of them.
    """
    n = jnp.arange(2.0 * grid.size + 1)
    furthest = SHIFT_REACH * grid.step / (2 * temperature)

    def term(omega, coupling):
        a = omega / grid.step
        x = omega / (2 * temperature)
        shift = local_shift_weights(n, a) + local_shift_weights(n, -a)
        shift = coupling * omega / -jnp.expm1(-2 * x) * shift
        s = n * grid.step / (2 * temperature)
        # Where the shift reaches no exponent is above `furthest`.
        gain, loss = jnp.exp(jnp.minimum(s - x, furthest)) * shift, jnp.exp(-s - x) * shift
        return jnp.stack([0.5 * (gain + loss), loss - gain])

    even, odd = sum_over_modes(term, spectrum)
    return even, odd


@jit
def slope_kernel(grid: EnergyGrid) -> Float[Array, " n"]:
    """The derivative d/dE of a sinc series on the grid: (-1)ⁿ/(nε), odd, n = 0…2L."""
    n = jnp.arange(2.0 * grid.size + 1)
    sign = 1 - 2 * jnp.mod(n, 2)
    return jnp.where(n == 0, 0.0, sign / (jnp.where(n == 0, 1.0, n) * grid.step))
