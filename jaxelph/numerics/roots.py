"""The root of a function of one variable, with its derivatives."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

# After a step as short as this one, what Newton's method leaves is below rounding.
_SHORT = 1e-8


def falling_root(
    function: Callable[[Float[Array, ""]], Float[Array, ""]],
    low: Float[Array, ""],
    high: Float[Array, ""],
    start: Float[Array, ""],
    steps: int = 100,
) -> Float[Array, ""]:
    """x between `low` and `high` where a smooth function falls through zero.

    Newton's method, and a halving of what is left of the bracket where it would leave that. The
    root has derivatives of every order with respect to whatever `function` closes over, by the
    implicit function theorem. All that is compiled is free of calls to the host, so nothing
    raises: where a value is not a number the root is none.

    Args:
        function: of a scalar, positive at `low` and negative at `high`.
        low, high (scalars): the bracket; x is of order one or `function` of its logarithm.
        start (scalar): where to begin, in the bracket.
        steps: at most.

    Example:
        >>> square = lambda a: falling_root(lambda x: a - x**2, 0.0, 4.0, 4.0)
        >>> print(f"{square(2.0):.6f} {jax.grad(square)(2.0):.6f}")
        1.414214 0.353553
    """
    low, high, start = (
        jax.lax.stop_gradient(jnp.asarray(x, dtype=float)) for x in (low, high, start)
    )

    def solve(function, start):
        def undecided(state):
            step, _, _, _, shift = state
            return (step < steps) & (jnp.abs(shift) > _SHORT)

        def narrow(state):
            step, low, high, x, _ = state
            value, slope = jax.jvp(function, (x,), (jnp.ones_like(x),))
            low, high = jnp.where(value > 0, x, low), jnp.where(value > 0, high, x)
            shift = -value / slope
            # A short step ends the search, on whichever side of the bracket's end.
            leaves = (x + shift <= low) | (x + shift >= high)
            shift = jnp.where(leaves & (jnp.abs(shift) > _SHORT), (low + high) / 2 - x, shift)
            return step + 1, low, high, x + shift, shift

        first = jnp.asarray(0), low, high, start, jnp.asarray(jnp.inf)
        step, _, _, x, shift = jax.lax.while_loop(undecided, narrow, first)
        return jnp.where(jnp.abs(shift) <= _SHORT, x, jnp.nan)

    return jax.lax.custom_root(function, start, solve, lambda g, y: y / g(jnp.ones_like(y)))
