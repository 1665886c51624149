"""A function of one point, applied to many: in chunks, each shared out over all local devices."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from .space import Space


def chunk_count(count: int, chunk: int) -> int:
    """How many chunks hold `count` points.

    Example:
        >>> chunk_count(5, 2)
        3
    """
    return -(-count // chunk)


def evaluate_chunks(
    function: Callable[..., Any], space: Space, chunk: int, wanted: Iterable[int] | None = None
) -> Iterator[tuple[int, Any]]:
    """Values of `function` at the points of a space, chunk by chunk.

    Chunks begin at multiples of `chunk` whatever the number of devices, and the last one is
    padded with copies of its last point, so that one compiled function serves all.

    Args:
        function: of one point, called with the space's parameters as keywords; jittable;
            returns a pytree of arrays.
        space: the points.
        chunk: how many points at once.
        wanted: the chunks to be computed, all by default.

    Yields:
        (which chunk, values): NumPy arrays, the first axis counting the chunk's points.

    Raises:
        ValueError: chunk is not positive.

    Example:
        >>> from jaxelph.sweeps.space import product
        >>> for which, values in evaluate_chunks(lambda x: x**2, product(x=np.arange(5.0)), 2):
        ...     print(which, values)
        0 [0. 1.]
        1 [4. 9.]
        2 [16.]
    """
    if chunk < 1:
        raise ValueError(f"chunk must be at least 1, got {chunk}.")
    count = space.count
    devices = np.array(jax.local_devices())
    width = -(-min(chunk, count) // len(devices)) * len(devices)
    mesh, axis = Mesh(devices, ("point",)), PartitionSpec("point")
    # Left to the compiler's own partitioning, LAPACK's eigenvalues would be computed on every
    # device for all points.
    compiled = jax.jit(
        jax.shard_map(
            jax.vmap(lambda point: function(**point)),
            mesh=mesh,
            in_specs=axis,
            out_specs=axis,
            check_vma=False,
        )
    )
    for which in range(chunk_count(count, chunk)) if wanted is None else wanted:
        start, stop = which * chunk, min((which + 1) * chunk, count)
        batch = space.take(np.minimum(np.arange(start, start + width), stop - 1))
        values = compiled(jax.device_put(batch, NamedSharding(mesh, axis)))
        size = stop - start
        yield which, jax.tree.map(lambda leaf, size=size: np.asarray(leaf)[:size], values)
