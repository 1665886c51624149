"""Polygamma functions of complex argument, and sinc, with derivatives of every order.

JAX has them for real arguments only. Both recurrence and asymptotic series are elementary
and smooth, so the same code serves CPU and GPU, under `jit`, `vmap` and `grad`.
"""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact
from scipy.special import bernoulli

from .typed import jit

# ψₙ(z) is shifted to ψₙ(z + 12), where eleven Bernoulli terms reach rounding for any Re z ≥ 0
# and n ≤ 4.
_SHIFT = 12
_TERMS = 11
# Below it a few terms of the series of sinc are all of it, and of its first derivatives.
_NEAR_ZERO = 0.03
_BERNOULLI = np.asarray(bernoulli(40))[2::2]  # B₂, B₄, …


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def polygamma(order: int, z: Inexact[Array, "*shape"]) -> Inexact[Array, "*shape"]:
    r"""Polygamma function $\psi_n(z) = d^{n+1}\ln\Gamma(z)/dz^{n+1}$ for Re z ≥ 0, z ≠ 0.

    n = 0 is the digamma function, n = 1 the trigamma function. Relative accuracy is a few
    1e-15, as a complex number. Its derivative is ψ_{n+1}(z), to any order.

    Args:
        order: n ≥ 0, a Python integer.
        z (array, complex or real): the argument, Re z ≥ 0.

    Returns:
        ψₙ(z), of the shape and dtype of z.

    Example:
        >>> print(f"{polygamma(1, jnp.asarray(0.5 + 1.0j)):.12f}")
        0.036724551941-1.117068657830j
    """
    z = jnp.asarray(z)
    shifted = z + _SHIFT
    inverse = 1 / shifted
    square = inverse * inverse
    # B₂ₖ (2k+n-1)!/(2k)! z^-(2k+n), by Horner in 1/z².
    series = jnp.zeros_like(z)
    for k in range(_TERMS, 0, -1):
        coefficient = _BERNOULLI[k - 1] * math.factorial(2 * k + order - 1) / math.factorial(2 * k)
        series = (series + coefficient) * square
    # One fused reduction: unrolled, it is what compile times are made of.
    steps = jnp.arange(_SHIFT, dtype=z.dtype).reshape((_SHIFT,) + (1,) * z.ndim)
    recurrence = jnp.sum((1 / (z[None] + steps)) ** (order + 1), axis=0)
    if order == 0:
        return jnp.log(shifted) - inverse / 2 - series - recurrence
    sign = (-1) ** (order + 1)
    leading = math.factorial(order - 1) + math.factorial(order) / 2 * inverse + series
    return sign * (leading * inverse**order + math.factorial(order) * recurrence)


@polygamma.defjvp
def _polygamma_jvp(order, primals, tangents):
    (z,), (dz,) = primals, tangents
    return polygamma(order, z), polygamma(order + 1, z) * dz


@jit
def sinc(x: Float[Array | np.ndarray, "*shape"]) -> Float[Array, "*shape"]:
    r"""$\operatorname{sinc}(x) = \sin(\pi x)/\pi x$, with derivatives to all digits beside x = 0.

    Those of the quotient are differences of what is nearly equal, and at |x| = 1e-16, where a
    frequency is a multiple of the grid's step but for rounding, nothing else.

    Args:
        x (array of any shape): the argument.

    Returns:
        sinc(x) (array of the same shape).

    Example:
        >>> print(f"{jax.grad(sinc)(1e-12) / 1e-12:.6f}")  # -π²/3
        -3.289868
    """
    near = jnp.abs(x) < _NEAR_ZERO
    square = (jnp.pi * jnp.where(near, x, 0.0)) ** 2
    series = jnp.ones_like(square)
    for k in (5, 4, 3, 2, 1):
        series = 1 - square / (2 * k * (2 * k + 1)) * series
    away = jnp.pi * jnp.where(near, 1.0, x)
    return jnp.where(near, series, jnp.sin(away) / away)


@jit
def heat_function(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""The function that turns a mode into electronic heat, Supplement Eqs. (14)-(16):

    $$g(x) = 6x^2 + 12x^3\,\mathrm{Im}\,\psi_1(ix) + 6x^4\,\mathrm{Re}\,\psi_2(ix),$$

    with x = ω/2πT. It is 6x² near 0, has its maximum 0.27089 at x = 0.32732 and tends to -1.

    Args:
        x (array, real): x ≥ 0.

    Returns:
        g(x) (array of the same shape).

    Example:
        >>> print(f"{heat_function(jnp.asarray(0.327321483)):.10f}")
        0.2708931513
    """
    # The three terms cancel to one part in x² for large x; there the Bernoulli series of the
    # whole is used. Each branch is fed a harmless argument where the other one is taken.
    large = x > 9.0
    near = jnp.where(large, 1.0, x)
    far = jnp.where(large, x, 10.0)
    # ψ₁(ix) and ψ₁(1+ix) differ by a real number, ψ₂'s by an imaginary one: no pole at 0.
    z = 1 + 1j * near
    direct = 6 * near**2 * (1 + 2 * near * polygamma(1, z).imag + near**2 * polygamma(2, z).real)
    square = 1 / far**2
    series = jnp.zeros_like(far)
    for k in range(20, 0, -1):
        series = series * square + (-1) ** k * _BERNOULLI[k - 1] * (12 * k - 6)
    return jnp.where(large, series, direct)
