r"""Whether B(f) is still positive, asked after every step and answered mostly by a comparison.

In its symmetric form B = a - √w κ √w with a = 1 - κ*f' and w = -f', on the diagonal. It is
positive together with a/w - κ, so that one state that is known to be positive vouches for all
others with a larger a/w at every energy. Only where this fails is a factorisation needed.

A state that is not finite says nothing about the metal: it counts as no loss of stability, and
is for the integrator to report.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .equation import Deviation, KineticEquation, KineticMatrices

# How much smaller than the least of both ends a/w of the state that vouches is.
_SLACK = 0.03
# Least w of that state over its largest.
_TAIL = 1e-2


class Positivity(eqx.Module):
    """The test for one run: `lost` tells of any δ whether B(f) is no longer positive."""

    operators: KineticEquation | KineticMatrices
    local: Float[Array, " energy"]  # a of the state that vouches
    window: Float[Array, " energy"]  # w of that state
    trusted: Bool[Array, ""]  # that state is positive

    @staticmethod
    def around(operators: KineticEquation | KineticMatrices, deviation: Deviation) -> "Positivity":
        """A test that is cheap between f0(T0) and f0(T0) + δ, and right everywhere."""
        operators, deviation = jax.lax.stop_gradient((operators, deviation))
        ends = operators.symmetric_parts(deviation), operators.symmetric_parts(0 * deviation)
        local = (1 - _SLACK) * jnp.minimum(ends[0][0], ends[1][0])
        window = jnp.maximum(ends[0][1], ends[1][1])
        # The tail far above T is no larger than the errors of a run; it must not decide.
        window = jnp.maximum(window, _TAIL * jnp.max(window))
        return Positivity(operators, local, window, operators.is_positive(local, window))

    def lost(self, deviation: Deviation) -> Bool[Array, ""]:
        """Whether B(f) has an eigenvalue that is not positive, by comparison where that decides
        it."""
        local, window = self.operators.symmetric_parts(jax.lax.stop_gradient(deviation))
        # An inverted energy, w ≤ 0, takes no part in the exchange.
        larger = (local * self.window >= self.local * window) & (local > 0)
        sure = self.trusted & jnp.all(larger)

        # A loop of one turn or none: in a batch, none unless a run asks for it. What it reads is
        # carried and changed, lest the compiler move the factorisation out of the loop.
        def ask(carry):
            _, _, local, window = carry
            answer = self.operators.least_curvature(local, window) <= 0
            return jnp.array(True), answer, 2 * local, 2 * window

        carry = sure, ~sure, local, window
        return jax.lax.while_loop(lambda carry: ~carry[0], ask, carry)[1]
