"""Sums over a spectrum's quadrature nodes, in blocks that bound memory."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .spectrum import EliashbergFunction

# Spectra read from files have thousands of nodes: their sum is taken in blocks of this many,
# and of fewer where terms are long, so that memory stays at this many numbers, or at one term.
_BLOCK, _NUMBERS = 128, 1 << 22


def sum_over_modes(
    term: Callable[[Float[Array, ""], Float[Array, ""]], Array],
    spectrum: EliashbergFunction,
    *,
    coarse: bool = False,
) -> Array:
    """Σ_q term(ω_q, λ_q), in blocks: `term` maps one mode to an array.

    With `coarse` the nodes are those of `EliashbergFunction.coarse_modes`.
    """
    omega, coupling = spectrum.coarse_modes() if coarse else spectrum.modes()

    def block_sum(omega, coupling):
        return jnp.sum(jax.vmap(term)(omega, coupling), axis=0)

    total = jax.eval_shape(term, omega[0], coupling[0])
    size = min(_BLOCK, max(1, _NUMBERS // max(1, total.size)))
    if omega.shape[0] <= size:
        return block_sum(omega, coupling)
    # Pad with decoupled copies of the last mode.
    padding = -omega.shape[0] % size
    omega = jnp.append(omega, jnp.broadcast_to(omega[-1], (padding,))).reshape(-1, size)
    coupling = jnp.append(coupling, jnp.zeros(padding)).reshape(-1, size)
    blocks = (omega, coupling)

    @jax.checkpoint
    def step(carry, block):
        return carry + block_sum(*block), None

    return jax.lax.scan(step, jnp.zeros(total.shape, total.dtype), blocks)[0]
