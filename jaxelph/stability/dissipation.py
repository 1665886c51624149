r"""M̃, entropy production in collisions with phonons, on a grid: never negative, for any function.

In the continuum M̃ = Γ - C* is a sum of squares over pairs of energies that a phonon connects,

    ψM̃ψ = Σ_k λ_kω_k/2sinh(ω_k/2T) ∫dE [√r_k ψ(E+ω_k) - ψ(E)/√r_k]²,    r_k = h(E)/h(E+ω_k).

With E on the grid and S_k ψ for ψ(E+ω_k), a shift by interpolation, it remains one: no mode can
grow in collisions, however rough. With Γ on the grid's energies in place of S_kᵀ r_k S_k rough
modes do grow where ω_k is not a multiple of ε and Γ has its steps, T wide, at E = ω_k.

S_kᵀ r_k S_k contains ω_k/ε = a_k in r_k and in phases e^{2πi l a_k}. They tell apart what the grid
confuses, waves 2πl/ε apart, so that l is 0 or ±1 up to e^{-2π²T/ε}, which is rounding. Hence three
places between the points of the grid serve all modes at once,

    Σ_k S_kᵀ r_k S_k = Σ_θ F_θᵀ g_θ F_θ,      θ = 0, ±⅓,

F_θ being the shift by θε and g_θ a sum over modes with the weights [1 + 2cos 2π(a_k - θ)]/3 of
trigonometric interpolation. Where ω_k is a multiple of ε only θ = 0 is left, M̃ = Γ - C*.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float
from scipy.fft import next_fast_len

from ..electrons.occupations import bose, fermi
from ..grids.convolution import FoldedConvolution
from ..grids.energies import EnergyGrid
from ..grids.kernels import transfer_kernel
from ..grids.sinc import SHIFT_REACH, local_shift_weights
from ..numerics.typed import jit
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..spectra.sums import sum_over_modes


class PhononDissipation(eqx.Module):
    """M̃ on the odd functions of a grid: `as_matrix`, `mv`, and both for δf = hψ.

    Example:
        >>> import numpy as np
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([10.0, 7.3], [0.5, 0.5])
        >>> matrix = PhononDissipation.at(s, 1.0, EnergyGrid(0.43, 90)).as_matrix()
        >>> print(bool(np.linalg.eigvalsh(matrix)[0] > -1e-14))
        True
    """

    energies: Float[Array, " energy"]
    temperature: Float[Array, ""]
    local: Float[Array, " energy"]  # Γ where all ω_k are on the grid
    between: Float[Array, " third"]  # g at E = (m + ⅓)ε, m = -L-60…L+60
    transfer: FoldedConvolution  # C

    @staticmethod
    @jit
    def at(
        spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid
    ) -> "PhononDissipation":
        """M̃ of a spectrum at `temperature`."""
        energies, third = grid.energies, (_points(grid.size) + 1 / 3) * grid.step

        def scattering(omega, coupling):
            here, up, down = _places(omega / grid.step)

            def rates(energy):
                """Of emission and of absorption, without a difference."""
                occupied = bose(omega, temperature)
                emission = occupied + fermi(omega - energy, temperature)
                return emission, occupied + fermi(omega + energy, temperature)

            emission, absorption = rates(energies)
            emission_between, absorption_between = rates(third)
            local = (1 + here) * (emission + absorption)
            # An odd function has the same part in both directions of E.
            between = up * emission_between + down * absorption_between
            return 0.5 * coupling * omega * jnp.concatenate([local, between])

        both = sum_over_modes(scattering, spectrum)
        return PhononDissipation(
            energies=energies,
            temperature=jnp.asarray(temperature, dtype=float),
            local=both[: grid.size],
            between=both[grid.size :],
            transfer=FoldedConvolution(transfer_kernel(spectrum, temperature, grid)),
        )

    @property
    def size(self) -> int:
        return self.energies.shape[0]

    @jit
    def as_matrix(self) -> Float[Array, "energy energy"]:
        """M̃, symmetric."""
        place = _interpolation(self.size)
        return (
            jnp.diag(self.local)
            - self.transfer.as_matrix()
            + place.T @ (self.between[:, None] * place)
        )

    @property
    @jit
    def diagonal(self) -> Float[Array, " energy"]:
        """Of `as_matrix`."""
        place = _interpolation(self.size)
        return self.local - self.transfer.diagonal + self.between @ place**2

    @jit
    def mv(self, psi: Float[Array, " energy"]) -> Float[Array, " energy"]:
        """M̃ψ, by Fourier transforms."""
        taps = _taps()
        between = self.between * _spread(psi, taps)
        return self.local * psi - self.transfer.mv(psi) + _gather(between, taps)

    @jit
    def of_deviation_matrix(self) -> Float[Array, "energy energy"]:
        """hM̃h⁻¹, which acts on δf, to rounding in every element."""
        n = jnp.arange(1 - self.size, self.size)
        # Beyond the limit M̃ is zero.
        exponent = jnp.minimum(n * self.energies[0] / (2 * self.temperature), 700.0)
        i = jnp.arange(self.size)
        ratio = jnp.exp(exponent)[i[None, :] - i[:, None] + self.size - 1]
        flat = 1 + jnp.exp(-self.energies / self.temperature)
        return self.as_matrix() * ratio * (flat[None, :] / flat[:, None])

    @jit
    def off_lattice(self, deviation: Float[Array, " energy"]) -> Float[Array, " energy"]:
        """The part of hM̃h⁻¹ δf that is no convolution and not diagonal, Σ hF_θᵀ g_θ F_θ h⁻¹ δf.

        As cosh(E+s)/cosh(E) is cosh s + tanh(E) sinh(s), h enters through two sets of taps.
        """
        taps = _taps()
        s = (jnp.arange(-SHIFT_REACH, SHIFT_REACH + 1.0) + 1 / 3) / (2 * self.temperature)
        s = s * self.energies[0]
        even, odd = taps * jnp.cosh(s), taps * jnp.sinh(s)
        scaled = self.energies / (2 * self.temperature)
        third = (_points(self.size) + 1 / 3) * self.energies[0] / (2 * self.temperature)
        between = self.between * (
            _spread(deviation, even) - jnp.tanh(third) * _spread(deviation, odd)
        )
        return _gather(between, even) + jnp.tanh(scaled) * _gather(between, odd, 1)


def _places(a):
    """[1 + 2cos 2π(a - θ)]/3 for θ = 0, ⅓, -⅓: where a mode is between the points."""
    rest = a - jax.lax.stop_gradient(jnp.round(a))
    cosine, sine = jnp.cos(2 * jnp.pi * rest), jnp.sqrt(3.0) * jnp.sin(2 * jnp.pi * rest)
    return (1 + 2 * cosine) / 3, (1 - cosine + sine) / 3, (1 - cosine - sine) / 3


def _points(size):
    """Every m for which a function on -L…L is felt at m + ⅓."""
    return jnp.arange(-size - SHIFT_REACH, size + SHIFT_REACH + 1.0)


def _interpolation(size):
    """F: odd functions from E = ε…Lε to all (m + ⅓)ε."""
    m, i = _points(size)[:, None], jnp.arange(1.0, size + 1)[None, :]
    return local_shift_weights(m - i, -1 / 3) - local_shift_weights(m + i, -1 / 3)


def _taps():
    """`_interpolation` on the whole axis, as a function of m - j = -60…60."""
    return local_shift_weights(jnp.arange(-SHIFT_REACH, SHIFT_REACH + 1.0), -1 / 3)


def _length(size):
    length: int = next_fast_len(2 * (size + SHIFT_REACH) + 1, real=True)  # pyright: ignore[reportAssignmentType]
    return length


def _spread(values, taps):
    """An odd function's convolution with taps, at all (m + ⅓)ε."""
    size = values.shape[0]
    length = _length(size)
    whole = jnp.concatenate([-values[::-1], jnp.zeros(1), values])
    product = jnp.fft.rfft(whole, length) * jnp.fft.rfft(taps, length)
    return jnp.fft.irfft(product, length)[: 2 * (size + SHIFT_REACH) + 1]


def _gather(values, taps, mirror=-1):
    """The transpose of `_spread`: z(E) + mirror z(-E) at E = ε…Lε."""
    size = values.shape[0] // 2 - SHIFT_REACH
    length = _length(size)
    product = jnp.fft.rfft(values, length) * jnp.conj(jnp.fft.rfft(taps, length))
    whole = jnp.fft.irfft(product, length)[: 2 * size + 1]
    return whole[size + 1 :] + mirror * whole[:size][::-1]
