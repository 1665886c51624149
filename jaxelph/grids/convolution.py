"""Convolutions on the grid, folded onto E > 0: as matrices and by Fourier transform."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float
from scipy.fft import next_fast_len

from ..numerics.typed import jit


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

    @jit(static_argnames="first")
    def as_matrix(self, first: int = 1) -> Float[Array, "row energy"]:
        """The matrix on odd functions, rows E = first·ε…Lε."""
        return self._fold(first, 1, -1)

    @jit
    def as_even_matrix(self) -> Float[Array, "energy energy_and_zero"]:
        """The matrix on even functions given on E = 0, ε…Lε."""
        matrix = self._fold(1, 0, 1)
        return matrix.at[:, 0].divide(2)  # E = 0 has no mirror image

    def _fold(self, first_row, first_column, mirror):
        i = jnp.arange(first_row, self.size + 1)[:, None]
        j = jnp.arange(first_column, self.size + 1)[None, :]
        direct = self.kernel[jnp.abs(i - j)] * jnp.where(i < j, self.parity, 1)
        return direct + mirror * self.kernel[i + j]

    @jit(static_argnames="first")
    def mv(self, vector: Float[Array, " energy"], first: int = 1) -> Float[Array, " row"]:
        """The product with an odd function given on E = ε…Lε, on E = first·ε…Lε."""
        return self._convolve(jnp.concatenate([jnp.zeros(1), vector]), -1)[first:]

    @jit(static_argnames="first")
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
