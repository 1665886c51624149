r"""The Matsubara sums of the continuation, on a line ω = E + iη.

    πT Σ_m λ(ω-iω_m) s_m           = 2πT Σ_k a_k [y₋ S(y₋) + y₊ S(y₊)],
    iπT Σ_m λ(ω-iω_m) [c_m - sgn ω_m] = 2πT Σ_k a_k [D(y₊) - D(y₋)],   y∓ = ω_k ∓ ω,

with S(y) = Σ_n s_n/(y² + ω_n²) and D(y) = Σ_n ω_n (1 - c_n)/(y² + ω_n²), n ≥ 0, a_k the area of
mode k. Both are even and smooth on the scale of T at y = 0, and of y beyond: polynomials in
asinh(y/πT) have them.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from ..spectra.spectrum import EliashbergFunction, Scalar

_ORDER, _PIECES = 16, 16
_NODE, _WEIGHT = np.polynomial.legendre.leggauss(_ORDER)
# Values at Gauss's nodes → coefficients of powers of v.
_TO_POWERS = np.linalg.inv(np.vander(_NODE, increasing=True))
_BLOCK = 1 << 15


def line_sums(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    height: Scalar,
    condensate: tuple[Array, Array, Array],
    outputs: Float[Array, " output"],
) -> tuple[Complex[Array, " output"], Complex[Array, " output"]]:
    """(iπT Σ λ(c - sgn), πT Σ λ s) at E + iη.

    Args:
        spectrum: an Eliashberg function, of which `modes` is used.
        temperature (scalar, energy): T.
        height (scalar, energy): η.
        condensate: ω_n, and s_n and 1 - c_n with the weights of sums over n ≥ 0.
        outputs (array of shape (output,), energy): E > 0.
    """
    scale, (frequency, sine, versine) = jnp.pi * temperature, condensate
    omega, coupling = spectrum.modes()
    area = omega * coupling / 2
    reach = 1.01 * (jnp.max(omega) + jnp.max(jax.lax.stop_gradient(outputs)))
    width = jnp.arcsinh(reach / scale) / _PIECES
    width = jax.lax.stop_gradient(width)
    s = width * (jnp.arange(_PIECES)[:, None] + (jnp.asarray(_NODE)[None, :] + 1) / 2)
    y = scale * jnp.sinh(s) + 1j * height
    poles = 1 / (y[..., None] ** 2 + frequency[None, None, :] ** 2)
    values = jnp.stack([poles @ sine, poles @ (frequency * versine)])
    powers = values @ jnp.asarray(_TO_POWERS).T  # (function, piece, power)

    def function(x):
        """(S, D) at x + iη, arrays of shape (2, mode)."""
        place = jnp.arcsinh(jnp.abs(x) / scale) / width
        piece = jnp.clip(jax.lax.stop_gradient(place).astype(int), 0, _PIECES - 1)
        v = 2 * (place - piece) - 1

        def horner(found, power):
            return found * v[None, :] + power[:, piece], None

        start = jnp.zeros((2, *x.shape), powers.dtype)
        found = jax.lax.scan(horner, start, jnp.moveaxis(powers, 2, 0), reverse=True)[0]
        return jnp.where(x[None, :] < 0, jnp.conj(found), found)

    def output(x):
        near, far = x - omega, x + omega
        y_near, y_far = near + 1j * height, far + 1j * height
        (s_near, d_near), (s_far, d_far) = function(near), function(far)
        pairs = jnp.sum(area * (y_far * s_far - y_near * s_near))
        return jnp.sum(area * (d_far - d_near)), pairs

    size = max(1, _BLOCK // omega.shape[0])
    found = jax.lax.map(jax.checkpoint(output), outputs, batch_size=size)
    return 2 * scale * found[0], 2 * scale * found[1]
