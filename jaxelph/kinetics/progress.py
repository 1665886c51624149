"""A progress meter that tells a function of the caller's how far an integration is."""

from collections.abc import Callable

import diffrax
import equinox as eqx
import equinox.internal as eqxi
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class ProgressMeter(diffrax.AbstractProgressMeter):
    """Calls `report(share)` with the share of the time span that is done, 0 to 1.

    Args:
        report: called on the host, at most once for each `every` of progress.
        every: the least progress worth a call.

    Example:
        >>> meter = ProgressMeter(lambda share: None)
        >>> meter.every
        0.02
    """

    report: Callable[[float], object] = eqx.field(static=True)
    every: float = eqx.field(static=True, default=0.02)

    def init(self) -> Float[Array, ""]:
        return jnp.asarray(0.0)

    def step(self, state, progress):
        # In a batch the slowest run counts.
        slowest = -eqxi.unvmap_max(-progress)
        due = (slowest - state > self.every) | (slowest >= 1)

        def tell(share):
            jax.debug.callback(self._tell, share)
            return share

        return jax.lax.cond(
            eqxi.nonbatchable(eqxi.unvmap_any(due)), tell, lambda _: jnp.asarray(state), slowest
        )

    def _tell(self, share) -> None:
        self.report(float(share))

    def close(self, state):
        del state
