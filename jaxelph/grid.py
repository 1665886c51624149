r"""The energy grid and the quadrature that is exact to rounding on it.

On E_n = nε a function that is analytic in a strip about the real axis is its own sinc
(Whittaker) series, and both operations of the kinetic theory act on that series exactly:

    PV ∫ u(s)/(s - a) ds  →  Σ_n u_n W(n - a/ε),      W(x) = (1 - cos πx)/x,
    u(E - ω)              →  Σ_n u_n sinc((E - ω)/ε - n),

for any real a and ω, on or off the grid. Dropping the pole instead, as the Supplement's
Eq. (22) does, is first order in ε. Fermi functions are analytic for |Im E| < πT, so the
error falls geometrically with T/ε.
"""

import functools
from collections.abc import Callable
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float
from scipy.fft import next_fast_len

from .bandwidth import needed_band
from .checks import checked
from .equilibrium import minimum_weight, sum_over_modes, thermal_window
from .spectrum import EliashbergFunction, Scalar, _as_float, maximum_frequency, resolving
from .typed import jit

_Function = TypeVar("_Function", bound=Callable)


def _split(n, a):
    """n - a with a split into its nearest integer and the rest, and (-1)^(n - nearest).

    Trigonometry is then done once a mode, and integers a give exact zeros and ones.
    """
    nearest = jax.lax.stop_gradient(jnp.round(a))
    rest = a - nearest
    integer = n - nearest
    sign = 1 - 2 * jnp.mod(integer, 2)
    return integer, rest, sign


def principal_value_weights(n: Float[Array, " n"], a: Scalar) -> Float[Array, " n"]:
    """W(n - a) = (1 - cos π(n - a))/(n - a): the weights of PV ∫ u(s)/(s - aε) ds."""
    integer, rest, sign = _split(n, a)
    hit = integer == 0
    away = (1 - sign * jnp.cos(jnp.pi * rest)) / jnp.where(hit, 1.0, integer - rest)
    at = -0.5 * jnp.pi**2 * rest * jnp.sinc(rest / 2) ** 2
    return jnp.where(hit, at, away)


def shift_weights(n: Float[Array, " n"], a: Scalar) -> Float[Array, " n"]:
    """sinc(n - a) = sin π(n - a)/π(n - a): the weights of a shift by aε."""
    integer, rest, sign = _split(n, a)
    hit = integer == 0
    away = -sign * jnp.sin(jnp.pi * rest) / (jnp.pi * jnp.where(hit, 1.0, integer - rest))
    return jnp.where(hit, jnp.sinc(rest), away)


# Of `local_shift_weights`: how far it reaches, in steps, and how little is left there, e^-28.
SHIFT_REACH = 60
_FALL = 28.0


def local_shift_weights(n: Float[Array, " n"], a: Scalar) -> Float[Array, " n"]:
    r"""The weights of a shift by aε that reach no further than 60 steps,

    $$\operatorname{sinc}(x)\,e^{28(\sqrt{1 - (x/60)^2} - 1)}, \qquad x = n - a.$$

    They serve √(-f0')φ, whose spectrum falls off as $e^{-\pi Tq}$, about as well as the sinc
    series does: the window is a Gaussian, 11 steps wide, and makes the error that is left at
    the end of the band larger by half. In return a factor that grows like $e^{E/2T}$ cannot
    carry what is far above E down to it, and that is what lets one kernel act on δf and on
    δf/√(-f0') alike.

    Example:
        >>> print(local_shift_weights(jnp.arange(3.0), 0.5).round(3))
        [ 0.636  0.636 -0.21 ]
    """
    distance = n - a
    inside = jnp.abs(distance) < SHIFT_REACH
    share = jnp.where(inside, distance, 0.0) / SHIFT_REACH
    window = jnp.exp(_FALL * (jnp.sqrt(1 - share**2) - 1))
    return jnp.where(inside, shift_weights(n, a) * window, 0.0)


# Of `interpolate_oversampled`: points on either side.
HALF_WINDOW = 36


def interpolate_oversampled(
    values: Float[Array, " n"], position: Float[Array, " point"]
) -> Float[Array, " point"]:
    """An even function between the points of a grid whose step is half of what it needs.

    Half of the band is empty, so that the sinc series may be cut by a Gaussian window and the
    function need not decay. The error is 1e-12, but within 36 points of the end.

    Args:
        values (array of shape (n,)): the function at 0, 1, 2 … steps.
        position (array of shape (point,)): where it is wanted, in steps.

    Example:
        >>> values = 1 / jnp.cosh(jnp.arange(100) / 8)
        >>> print(f"{interpolate_oversampled(values, jnp.array([3.3]))[0] * jnp.cosh(3.3 / 8):.9f}")
        1.000000000
    """
    offset = jnp.arange(-HALF_WINDOW, HALF_WINDOW + 1)[None, :]
    n = jnp.round(position).astype(int)[:, None] + offset
    distance = position[:, None] - n
    # The Gaussian has the empty half of the band, π/2, to fall off in.
    kernel = jnp.sinc(distance) * jnp.exp(-jnp.pi * distance**2 / (4 * HALF_WINDOW))
    return jnp.sum(kernel * jnp.take(values, jnp.abs(n), mode="clip"), axis=1)


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

    step: Float[Array, ""] = eqx.field(converter=_as_float)
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
        step, cutoff = grid_extent(spectrum, temperature, rtol, hottest)
        step = EnergyGrid(step, 2).aligned(minimum_weight(spectrum, temperature)[1]).step
        size = int(np.ceil(cutoff / float(step) / size_multiple)) * size_multiple
        return EnergyGrid(step, size)


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
    # Two decades of prefactor were measured; see tests/test_grid.py.
    step = temperature * np.pi**2 / (digits + np.log(1e2))
    hottest = temperature if hottest is None else max(float(hottest), temperature)
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


def size_for(top: float, step: float, cutoff: float) -> float:
    """How many energies an aligned grid needs; step and cutoff are from `grid_extent`.

    Example:
        >>> size_for(50.0, 5.0, 100.0)
        22.0
    """
    # Aligned to the least Z0⁻¹, at about the top of the spectrum, the step shrinks a little.
    return cutoff / step * (1 + step / top)


class FoldedConvolution(eqx.Module):
    """Convolution with a kernel c(n) of definite parity, folded onto E = ε…Lε.

    On odd functions it is the Toeplitz and Hankel matrix c(i-j) - c(i+j). The dense matrix
    and the product by fast Fourier transform are one and the same operator.
    """

    kernel: Float[Array, " twice_size_and_one"]  # c(0), c(1), …, c(2L)
    parity: int = eqx.field(static=True, default=1)  # of the kernel, c(-n) = parity c(n)

    @property
    def size(self) -> int:
        """How many energies there are, L."""
        return (self.kernel.shape[0] - 1) // 2

    @property
    def diagonal(self) -> Float[Array, " energy"]:
        """Of the matrix on odd functions."""
        return self.kernel[0] - self.kernel[2::2]

    def as_matrix(self, first: int = 1) -> Float[Array, "row energy"]:
        """The matrix on odd functions, rows E = first·ε…Lε."""
        return self._fold(first, 1, -1)

    def as_even_matrix(self) -> Float[Array, "energy energy_and_zero"]:
        """The matrix on even functions given on E = 0, ε…Lε."""
        matrix = self._fold(1, 0, 1)
        return matrix.at[:, 0].divide(2)  # E = 0 has no mirror image

    def _fold(self, first_row, first_column, mirror):
        i = jnp.arange(first_row, self.size + 1)[:, None]
        j = jnp.arange(first_column, self.size + 1)[None, :]
        direct = self.kernel[jnp.abs(i - j)] * jnp.where(i < j, self.parity, 1)
        return direct + mirror * self.kernel[i + j]

    def mv(self, vector: Float[Array, " energy"], first: int = 1) -> Float[Array, " row"]:
        """The product with an odd function given on E = ε…Lε, on E = first·ε…Lε."""
        return self._convolve(jnp.concatenate([jnp.zeros(1), vector]), -1)[first:]

    def mv_even(
        self, vector: Float[Array, " energy_and_zero"], first: int = 1
    ) -> Float[Array, " row"]:
        """The product with an even function given on E = 0, ε…Lε, on E = first·ε…Lε."""
        return self._convolve(vector, 1)[first:]

    def _convolve(self, half, mirror):
        # Lags i - j run from -L to 2L: a circular convolution of 3L+1 points has no overlap.
        size = self.size
        length: int = next_fast_len(3 * size + 1, real=True)  # pyright: ignore[reportAssignmentType]
        extended = jnp.zeros(length).at[: size + 1].set(half)
        extended = extended.at[length - size :].set(mirror * half[:0:-1])
        kernel = jnp.zeros(length).at[: 2 * size + 1].set(self.kernel)
        kernel = kernel.at[length - size :].set(self.parity * self.kernel[size:0:-1])
        # The kernel's transform does not depend on the vector: in a loop it is computed once.
        product = jnp.fft.irfft(jnp.fft.rfft(kernel) * jnp.fft.rfft(extended), length)
        return product[: size + 1]


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


def slope_kernel(grid: EnergyGrid) -> Float[Array, " n"]:
    """The derivative d/dE of a sinc series on the grid: (-1)ⁿ/(nε), odd, n = 0…2L."""
    n = jnp.arange(2.0 * grid.size + 1)
    sign = 1 - 2 * jnp.mod(n, 2)
    return jnp.where(n == 0, 0.0, sign / (jnp.where(n == 0, 1.0, n) * grid.step))
