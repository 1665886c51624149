"""The minimum of a smooth function of one variable, with its derivatives."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def refine_minimum(
    function: Callable[[Float[Array, ""]], Float[Array, ""]],
    points: Float[Array, " point"],
    values: Float[Array, " point"],
    steps: int = 8,
) -> Float[Array, ""]:
    """The minimiser of a smooth function of one variable, from its values on a grid.

    Newton's method from the least of `values`, kept between the neighbouring points. The
    last step is taken with its dependence on whatever `function` closes over, so that the
    minimiser's first derivatives, and the minimum's first and second, are exact.

    Args:
        function: smooth, of a scalar.
        points (array of shape (point,)): ascending.
        values (array of shape (point,)): the function there.
        steps: Newton steps.
    """
    best = jnp.argmin(values)
    last = points.shape[0] - 1
    low = jax.lax.stop_gradient(points[jnp.maximum(best - 1, 0)])
    high = jax.lax.stop_gradient(points[jnp.minimum(best + 1, last)])
    one = jnp.ones_like(low)

    def slope(x):
        return jax.jvp(function, (x,), (one,))[1]

    def newton(x):
        down, bend = jax.jvp(slope, (x,), (one,))
        bend = jax.lax.stop_gradient(bend)
        # Downhill where the function is not convex, by a fraction of the bracket.
        convex = bend > 0
        ratio = down / jnp.where(convex, bend, 1.0)
        return x - jnp.where(convex, ratio, 0.1 * (high - low) * jnp.sign(down))

    def body(_, x):
        return jax.lax.stop_gradient(jnp.clip(newton(x), low, high))

    x = jax.lax.fori_loop(0, steps, body, jax.lax.stop_gradient(points[best]))
    return jnp.clip(newton(x), low, high)


def global_minimum(
    function: Callable[[Float[Array, ""]], Float[Array, ""]],
    points: Float[Array, " point"],
    values: Float[Array, " point"],
    starts: int = 6,
) -> Float[Array, ""]:
    """`refine_minimum` from each of the lowest local minima of `values`, and the least of all.

    A scan orders minima that nearly tie by where its points happen to lie. NaN among the
    values gives NaN.

    Example:
        >>> x = jnp.linspace(-2.0, 2.0, 9)
        >>> def well(x):  # minima near -1.25 and 1.25, the second a little lower
        ...     return (x**2 - 1.5625) ** 2 - 0.001 * x
        >>> print(f"{global_minimum(well, x, well(x)):.4f}")
        1.2501
    """
    index = jnp.arange(points.shape[0])
    left = values <= jnp.append(jnp.inf, values[:-1])
    right = values <= jnp.append(values[1:], jnp.inf)
    lowest = jnp.argsort(jnp.where(left & right, values, jnp.inf))[:starts]

    def refined(start):
        found = refine_minimum(function, points, jnp.where(index == start, -jnp.inf, jnp.inf))
        return found, function(found)

    minimisers, minima = jax.lax.map(refined, lowest)
    best = minimisers[jax.lax.stop_gradient(jnp.argmin(minima))]
    return jnp.where(jnp.any(jnp.isnan(values)), jnp.nan, best)
