"""Small numerical tools that several rooms share."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def trapezoid_weights(x: Float[Array | np.ndarray, " row"]) -> Any:
    """Weights of the trapezoidal rule at ascending x: NumPy's for an array of NumPy, else JAX's.

    Example:
        >>> print(trapezoid_weights(np.array([0.0, 1.0, 3.0])))
        [0.5 1.5 1. ]
    """
    xp = np if isinstance(x, np.ndarray) else jnp
    half = xp.diff(x) / 2
    return xp.append(half, 0.0) + xp.append(0.0, half)


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


def one_by_one(function: Callable) -> Callable:
    """`function` of arrays, under `vmap` on a CPU applied to one lane after the other.

    For LAPACK: JAX hands the lanes of a batch to the threads that its programs run on, and
    waits for them on one of these threads. As many such calls at a time as there are threads,
    on several devices say, would wait for ever. Not to be differentiated through.

    Example:
        >>> trace = one_by_one(jnp.trace)
        >>> print(jax.vmap(trace)(jnp.ones((3, 2, 2))))
        [2. 2. 2.]
    """
    # Without `function`'s own defaults, which would count among its arguments.
    call = jax.custom_batching.custom_vmap(lambda *arguments: function(*arguments))

    @call.def_vmap
    def _(axis_size, in_batched, *arguments):
        lanes = [
            x if batched else jnp.broadcast_to(x, (axis_size, *jnp.shape(x)))
            for x, batched in zip(arguments, in_batched, strict=True)
        ]
        if jax.default_backend() == "cpu":
            result = jax.lax.map(lambda lane: call(*lane), tuple(lanes))
        else:
            result = jax.vmap(function)(*lanes)
        return result, jax.tree.map(lambda _: True, result)

    return call


#: Eigenvalues, ascending, and eigenvectors of a symmetric matrix; not differentiable.
eigh = one_by_one(lambda matrix: tuple(jnp.linalg.eigh(matrix)))
#: The factors of a matrix in one, its pivots, its permutation; not differentiable.
lu = one_by_one(lambda matrix: tuple(jax.lax.linalg.lu(matrix)))
_solve = one_by_one(jnp.linalg.solve)


def solve(matrix: Float[Array, "n n"], right: Float[Array, " n"]) -> Float[Array, " n"]:
    """The solution of a linear system, with its derivatives.

    Example:
        >>> print(solve(jnp.array([[0.0, 2.0], [1.0, 0.0]]), jnp.array([2.0, 4.0])))
        [4. 1.]
    """
    frozen = jax.lax.stop_gradient(matrix)
    return jax.lax.custom_linear_solve(
        lambda x: matrix @ x,
        right,
        lambda _, b: _solve(frozen, b),
        lambda _, b: _solve(frozen.T, b),
    )


def solve_symmetric(
    matrix: Float[Array, "n n"], right: Float[Array, "n *column"]
) -> Float[Array, "n *column"]:
    """The solution of a linear system with a symmetric matrix, with its derivatives.

    Example:
        >>> print(solve_symmetric(jnp.array([[0.0, 2.0], [2.0, 0.0]]), jnp.array([2.0, 4.0])))
        [2. 1.]
    """
    frozen = jax.lax.stop_gradient(matrix)
    return jax.lax.custom_linear_solve(
        lambda x: matrix @ x, right, lambda _, b: _solve(frozen, b), symmetric=True
    )


Multiply = Callable[[Float[Array, " n"]], Float[Array, " n"]]
Solve = Callable[[Float[Array, " n"], Float[Array, ""], Float[Array, " n"]], Float[Array, " n"]]


def symmetric_eigenpair(
    multiply: Multiply, solve: Solve, vector: Float[Array, " n"]
) -> tuple[Float[Array, ""], Float[Array, " n"]]:
    """An eigenpair with its derivatives of any order, from an eigenvector found by any means.

    For a simple eigenvalue dw = v·dA v and dv = -(A - w + v vᵀ)⁻¹ (dA - dw) v: no other
    eigenvector enters, and the gradient of w alone takes no solve.

    Args:
        multiply: v → A v, a pytree that carries A's derivatives.
        solve: (v, w, r) → x with (A - w + v vᵀ) x = r, a pytree likewise.
        vector (array of shape (n,)): the eigenvector. Its own derivative is not used.

    Example:
        >>> matrix = jnp.array([[0.0, 1.0], [1.0, 0.0]])
        >>> def shifted(matrix, v, w, r):
        ...     return jnp.linalg.solve(matrix - w * jnp.eye(2) + jnp.outer(v, v), r)
        >>> def lowest(matrix):
        ...     parts = (jax.tree_util.Partial(f, matrix) for f in (jnp.matmul, shifted))
        ...     return symmetric_eigenpair(*parts, jnp.array([1.0, -1.0]))[0]
        >>> print(f"{lowest(matrix):.6f}", jax.grad(lowest)(matrix)[0])
        -1.000000 [ 0.5 -0.5]
    """
    vector = jax.lax.stop_gradient(vector / jnp.linalg.norm(vector))
    return _eigenvalue(multiply, solve, vector), _eigenvector(multiply, solve, vector)


@eqx.filter_custom_jvp
def _eigenvalue(multiply, solve, vector):
    return vector @ multiply(vector)


@_eigenvalue.def_jvp
def _eigenvalue_jvp(primals, tangents):
    multiply, solve, vector = primals
    v = _eigenvector(multiply, solve, vector)
    _, change = eqx.filter_jvp(lambda m: m(v), (multiply,), (tangents[0],))
    return _eigenvalue(multiply, solve, vector), v @ change


@eqx.filter_custom_jvp
def _eigenvector(multiply, solve, vector):
    del multiply, solve
    return vector


@_eigenvector.def_jvp
def _eigenvector_jvp(primals, tangents):
    multiply, solve, vector = primals
    v, w = _eigenvector(multiply, solve, vector), _eigenvalue(multiply, solve, vector)
    _, change = eqx.filter_jvp(lambda m: m(v), (multiply,), (tangents[0],))
    return v, -solve(v, w, change - (v @ change) * v)
