"""Small numerical tools that several rooms share."""

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
    slope = jax.grad(function)
    curvature = jax.grad(slope)

    def newton(x):
        bend = jax.lax.stop_gradient(curvature(x))
        # Downhill where the function is not convex, by a fraction of the bracket.
        convex = bend > 0
        ratio = slope(x) / jnp.where(convex, bend, 1.0)
        return x - jnp.where(convex, ratio, 0.1 * (high - low) * jnp.sign(slope(x)))

    def body(_, x):
        return jax.lax.stop_gradient(jnp.clip(newton(x), low, high))

    x = jax.lax.fori_loop(0, steps, body, jax.lax.stop_gradient(points[best]))
    return jnp.clip(newton(x), low, high)


def symmetric_eigenpair_derivatives(
    multiply: Callable[[Float[Array, " n"]], Float[Array, " n"]],
    solve: Callable[[Float[Array, " n"], Float[Array, ""], Float[Array, " n"]], Float[Array, " n"]],
    vector: Float[Array, " n"],
) -> tuple[Float[Array, ""], Float[Array, " n"]]:
    """An eigenpair with its derivatives, from an eigenvector found by any means.

    One step of Newton's method on (A - w)v = 0, |v| = 1 from the given vector, whose own
    derivative is not used: the eigenvalue's first and second derivatives and the
    eigenvector's first are exact, and no other eigenvector enters.

    Args:
        multiply: v → A v, carrying A's derivatives.
        solve: (v, w, r) → x with (A - w + v vᵀ) x = r.
        vector (array of shape (n,)): the eigenvector.
    """
    v = jax.lax.stop_gradient(vector / jnp.linalg.norm(vector))
    product = multiply(v)
    w = v @ product
    residual = product - w * v
    improved = v - solve(v, jax.lax.stop_gradient(w), residual)
    improved = improved / jnp.linalg.norm(improved)
    return improved @ multiply(improved), improved
