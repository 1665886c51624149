r"""f(E+ω) + f(E-ω) - 2f(E) for any ω up to a reach, and P(ω) = ∫f(E+ω)[1 - f(E)]dE.

Both are functions of ω that the grid knows at ω = nε and, as it does f, in between, by
`local_shift_weights`. What belongs to a phonon or a photon of energy ω is then a row of weights

    v_n = w(n - ω/ε) + w(n + ω/ε),  n = 0…reach,

and Σ_n v_n S_n f is the operator, with the energy moment ω², whose partner in P is Σ_n v_nP_n.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float
from scipy.fft import next_fast_len

from ..grids.convolution import FoldedConvolution
from ..grids.energies import EnergyGrid
from ..grids.sinc import SHIFT_REACH, local_shift_weights
from ..spectra.spectrum import Scalar


def reach_of(steps: float) -> int:
    """How far the weights of an energy of so many `steps` reach, in few numbers of them."""
    return int(-(-(steps + SHIFT_REACH) // 16) * 16)


def place_weights(omega: Float[Array, " mode"], step: Scalar, reach: int):
    """v_n for each ω (array of shape (mode, reach + 1))."""
    n, a = jnp.arange(reach + 1.0)[None, :], (omega / step)[:, None]
    weights = local_shift_weights(n, a) + local_shift_weights(n, -a)
    return weights.at[:, 0].divide(2)


class SymmetricShifts(eqx.Module):
    """S_n f = f(E+nε) + f(E-nε) - 2f(E) on a grid, f = f0 + δ, and P(nε) - P0(nε).

    Methods take δ as `deviation` (array of shape (energy,)), and one number for each
    n = 0…reach as `weights`.
    """

    energies: Float[Array, " energy"]
    half: Float[Array, " extended"]  # f0 - ½ on -L-reach…L+reach
    reach: int = eqx.field(static=True)

    @staticmethod
    def at(temperature: Scalar, grid: EnergyGrid, reach: int) -> "SymmetricShifts":
        """About the equilibrium of electrons at `temperature`."""
        i = jnp.arange(-grid.size - reach, grid.size + reach + 1.0)
        half = -0.5 * jnp.tanh(i * grid.step / (2 * temperature))
        return SymmetricShifts(grid.energies, half, reach)

    @property
    def size(self) -> int:
        return self.energies.shape[0]

    @property
    def _length(self) -> int:
        length: int = next_fast_len(self.half.shape[0], real=True)  # pyright: ignore[reportAssignmentType]
        return length

    def _transforms(self, deviation):
        """Of δ and of f0 - ½."""
        odd = jnp.concatenate([-deviation[::-1], jnp.zeros(1), deviation])
        changed = jnp.fft.rfft(jnp.pad(odd, self.reach), self._length)
        # It does not depend on δ: in a loop it is computed once.
        return changed, jnp.fft.rfft(self.half, self._length)

    def mix(
        self, weights: Float[Array, " reach"], deviation: Float[Array, " energy"]
    ) -> Float[Array, " energy"]:
        """Σ_n w_n S_n f."""
        changed, half = self._transforms(deviation)
        return self._middle(self._mixed(weights) * (changed + half))

    def excess(self, deviation: Float[Array, " energy"]) -> Float[Array, " reach"]:
        """P(nε) - P0(nε) = -2∫δ(E) [f0 + δ/2 - ½](E+nε) dE (energy)."""
        changed, half = self._transforms(deviation)
        product = jnp.fft.irfft(jnp.conj(changed) * (half + changed / 2), self._length)
        return -2 * self.energies[0] * product[: self.reach + 1]

    def _mixed(self, weights):
        """The transform of Σ_n w_n S_n."""
        length, n, kernel = self._length, self.reach, self._kernel(weights)
        circle = jnp.zeros(length).at[: n + 1].set(kernel).at[length - n :].set(kernel[:0:-1])
        return jnp.fft.rfft(circle)

    def _middle(self, product):
        first = self.reach + self.size + 1
        return jnp.fft.irfft(product, self._length)[first : first + self.size]

    def mix_matrix(self, weights: Float[Array, " reach"]) -> Float[Array, "energy energy"]:
        """The derivative of `mix` by δ."""
        kernel, twice = self._kernel(weights), 2 * self.size + 1
        kernel = jnp.pad(kernel, (0, max(0, twice - kernel.shape[0])))[:twice]
        return FoldedConvolution(kernel).as_matrix()

    def _kernel(self, weights):
        return weights.at[0].add(weights[0] - 2 * jnp.sum(weights))

    def table(self, deviation: Float[Array, " energy"]) -> Float[Array, "energy reach"]:
        """S_n f as a matrix."""
        odd = jnp.concatenate([-deviation[::-1], jnp.zeros(1), deviation])
        f = self.half + jnp.pad(odd, self.reach)
        middle = self.reach + self.size
        i = middle + jnp.arange(1, self.size + 1)[:, None]
        n = jnp.arange(self.reach + 1)[None, :]
        return f[i + n] + f[i - n] - 2 * f[i]

    def excess_matrix(
        self, deviation: Float[Array, " energy"], table: Float[Array, "energy reach"]
    ) -> Float[Array, "reach energy"]:
        """The derivative of `excess` by δ, 2ε[1 - f(E+nε) - f(E-nε)]; `table` is that of δ."""
        middle = self.reach + self.size
        half = self.half[middle + 1 : middle + 1 + self.size] + deviation
        return -2 * self.energies[0] * (table + 2 * half[:, None]).T
