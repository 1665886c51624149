r"""The energy grid and the quadrature that is exact to rounding on it.

On E_n = nε a function that is analytic in a strip about the real axis is its own sinc
(Whittaker) series, and both operations of the kinetic theory act on that series exactly:

    PV ∫ u(s)/(s - a) ds  →  Σ_n u_n W(n - a/ε),      W(x) = (1 - cos πx)/x,
    u(E - ω)              →  Σ_n u_n sinc((E - ω)/ε - n),

for any real a and ω, on or off the grid. Dropping the pole instead, as the Supplement's
Eq. (22) does, is first order in ε. Fermi functions are analytic for |Im E| < πT, so the
error falls geometrically with T/ε.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..numerics.special import sinc
from ..numerics.typed import jit
from ..spectra.spectrum import Scalar


def _split(n, a):
    """n - a with a split into its nearest integer and the rest, and (-1)^(n - nearest).

    Trigonometry is then done once a mode, and integers a give exact zeros and ones.
    """
    nearest = jax.lax.stop_gradient(jnp.round(a))
    rest = a - nearest
    integer = n - nearest
    sign = 1 - 2 * jnp.mod(integer, 2)
    return integer, rest, sign


@jit
def principal_value_weights(n: Float[Array, " n"], a: Scalar) -> Float[Array, " n"]:
    """W(n - a) = (1 - cos π(n - a))/(n - a): the weights of PV ∫ u(s)/(s - aε) ds."""
    integer, rest, sign = _split(n, a)
    hit = integer == 0
    away = (1 - sign * jnp.cos(jnp.pi * rest)) / jnp.where(hit, 1.0, integer - rest)
    at = -0.5 * jnp.pi**2 * rest * sinc(rest / 2) ** 2
    return jnp.where(hit, at, away)


@jit
def shift_weights(n: Float[Array, " n"], a: Scalar) -> Float[Array, " n"]:
    """sinc(n - a) = sin π(n - a)/π(n - a): the weights of a shift by aε."""
    integer, rest, sign = _split(n, a)
    hit = integer == 0
    away = -sign * jnp.sin(jnp.pi * rest) / (jnp.pi * jnp.where(hit, 1.0, integer - rest))
    return jnp.where(hit, sinc(rest), away)


# Of `local_shift_weights`: how far it reaches, in steps, and how little is left there, e^-28.
SHIFT_REACH = 60


_FALL = 28.0


@jit
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


@jit
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
    kernel = sinc(distance) * jnp.exp(-jnp.pi * distance**2 / (4 * HALF_WINDOW))
    return jnp.sum(kernel * jnp.take(values, jnp.abs(n), mode="clip"), axis=1)
