"""One eigenpair of a symmetric matrix, with its derivatives of any order."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

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
