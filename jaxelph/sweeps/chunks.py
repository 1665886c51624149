"""A function of one point, applied to many: in chunks, each shared out over all local devices."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec


def evaluate_chunks(
    function: Callable[[Any], Any],
    points: Any,
    chunk: int,
    skip: Collection[int] = (),
) -> Iterator[tuple[int, Any]]:
    """Values of `function` at the points, chunk by chunk.

    Chunks begin at multiples of `chunk` whatever the number of devices, and the last one is
    padded with copies of its last point, so that one compiled function serves all.

    Args:
        function: of one point, jittable; returns a pytree of arrays.
        points: a pytree of arrays whose first axis counts the points; spectra are such.
        chunk: how many points at once.
        skip: chunks that are not to be computed.

    Yields:
        (which chunk, values): NumPy arrays, the first axis counting the chunk's points.

    Raises:
        ValueError: there are no points, or the arrays do not count the same number of them.

    Example:
        >>> for which, values in evaluate_chunks(lambda x: x**2, np.arange(5.0), 2):
        ...     print(which, values)
        0 [0. 1.]
        1 [4. 9.]
        2 [16.]
    """
    counts = {np.shape(leaf)[:1] for leaf in jax.tree.leaves(points)}
    if len(counts) != 1 or counts <= {(), (0,)}:
        raise ValueError(
            "points: every array needs one first axis of the same length, which counts the "
            f"points; got {sorted(counts)}."
        )
    if chunk < 1:
        raise ValueError(f"chunk must be at least 1, got {chunk}.")
    ((count,),) = counts
    points = jax.tree.map(np.asarray, points)
    devices = np.array(jax.local_devices())
    width = -(-min(chunk, count) // len(devices)) * len(devices)
    mesh, axis = Mesh(devices, ("point",)), PartitionSpec("point")
    # Left to the compiler's own partitioning, LAPACK's eigenvalues would be computed on every
    # device for all points.
    share = jax.shard_map(
        jax.vmap(function), mesh=mesh, in_specs=axis, out_specs=axis, check_vma=False
    )
    compiled = jax.jit(share)
    for which in range(-(-count // chunk)):
        if which in skip:
            continue
        start, stop = which * chunk, min((which + 1) * chunk, count)
        index = np.minimum(np.arange(start, start + width), stop - 1)
        batch = jax.tree.map(lambda leaf, index=index: leaf[index], points)
        values = compiled(jax.device_put(batch, NamedSharding(mesh, axis)))
        size = stop - start
        yield which, jax.tree.map(lambda leaf, size=size: np.asarray(leaf)[:size], values)
