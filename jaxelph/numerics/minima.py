"""The minimum of a smooth function of one variable, with its derivatives."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def refine_minimum(
    function: Callable[[Float[Array, ""]], Float[Array, ""]],
    points: Float[Array, " point"],
    values: Float[Array, " point"],
    steps: int = 9,
) -> Float[Array, ""]:
    """The minimiser of a smooth function of one variable, from its values on a grid.

    Newton's method from the least of `values`, kept between the neighbouring points. The
    minimiser has derivatives of every order with respect to whatever `function` closes over, by
    the implicit function theorem; at a neighbouring point it is held there, and has none.

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

    def solve(slope, start):
        def newton(_, x):
            down, bend = jax.jvp(slope, (x,), (one,))
            # Downhill where the function is not convex, by a fraction of the bracket.
            convex = bend > 0
            ratio = down / jnp.where(convex, bend, 1.0)
            step = jnp.where(convex, ratio, 0.1 * (high - low) * jnp.sign(down))
            return jnp.clip(x - step, low, high)

        return jax.lax.fori_loop(0, steps, newton, start)

    def shift(product, y):
        bend = product(one)
        return y / jnp.where(bend == 0, 1.0, bend)  # of a constant function any x is a minimum

    x = jax.lax.custom_root(slope, jax.lax.stop_gradient(points[best]), solve, shift)
    return jnp.where((low < x) & (x < high), x, jax.lax.stop_gradient(x))


def global_minimum(
    function: Callable[[Float[Array, ""]], Float[Array, ""]],
    points: Float[Array, " point"],
    values: Float[Array, " point"],
    starts: int = 6,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """`refine_minimum` from each of the lowest local minima of `values`, and the least of all.

    A scan orders minima that nearly tie by where its points happen to lie. NaN among the
    values gives NaN.

    Returns:
        (x, the function there): scalars.

    Example:
        >>> x = jnp.linspace(-2.0, 2.0, 9)
        >>> def well(x):  # minima near -1.25 and 1.25, the second a little lower
        ...     return (x**2 - 1.5625) ** 2 - 0.001 * x
        >>> print(*(f"{number:.4f}" for number in global_minimum(well, x, well(x))))
        1.2501 -0.0013
    """
    index = jnp.arange(points.shape[0])
    left = values <= jnp.append(jnp.inf, values[:-1])
    right = values <= jnp.append(values[1:], jnp.inf)
    lowest = jnp.argsort(jnp.where(left & right, values, jnp.inf))[:starts]

    def refined(start):
        found = refine_minimum(function, points, jnp.where(index == start, -jnp.inf, jnp.inf))
        return found, function(found)

    minimisers, minima = jax.lax.map(refined, lowest)
    best = jax.lax.stop_gradient(jnp.argmin(minima))
    lost = jnp.any(jnp.isnan(values))
    x, value = (jnp.where(lost, jnp.nan, found[best]) for found in (minimisers, minima))
    return x, value
