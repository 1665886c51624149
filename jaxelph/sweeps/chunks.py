"""A function of one point, applied to many: in chunks, each shared out over all local devices."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import numpy as np
from jax.extend.core import jaxpr_as_fun
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ..numerics.blas import one_blas_thread
from .space import Space


def chunk_count(count: int, chunk: int) -> int:
    """How many chunks hold `count` points.

    Example:
        >>> chunk_count(5, 2)
        3
    """
    return -(-count // chunk)


def shared_out(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`function` over the first axis of its argument's arrays, shared out over local devices.

    The axis has to be a multiple of the number of devices. Compiled once for each shape. While
    it runs LAPACK has one thread: devices that each have as many as cores stand in each other's
    way, and on a single one small matrices are done before a second thread wakes up.

    Example:
        >>> count = 2 * len(jax.local_devices())
        >>> float(shared_out(lambda x: x**2)(np.full(count, 3.0))[-1])
        9.0
    """
    devices = jax.local_devices()
    if len(devices) == 1:
        return _on_one_thread(jax.jit(jax.vmap(function)))
    axis = PartitionSpec("point")
    mesh = Mesh(np.array(devices), ("point",))

    def outside(batch):
        shares = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(
                (leaf.shape[0] // len(devices), *leaf.shape[1:]), leaf.dtype
            ),
            batch,
        )
        # Traced apart: within `shard_map` arrays carry the mesh in their types, which the
        # closure conversion of Equinox, in root finders say, does not put up with.
        closed, result = jax.make_jaxpr(jax.vmap(function), return_shape=True)(shares)

        def share(part):
            values = jaxpr_as_fun(closed)(*jax.tree.leaves(part))
            return jax.tree.unflatten(jax.tree.structure(result), values)

        # Left to the compiler's own partitioning, LAPACK's eigenvalues would be computed on
        # every device for all points.
        return jax.shard_map(share, mesh=mesh, in_specs=axis, out_specs=axis, check_vma=False)(
            batch
        )

    compiled = jax.jit(outside)
    return _on_one_thread(lambda batch: compiled(jax.device_put(batch, NamedSharding(mesh, axis))))


def _on_one_thread(compiled):
    if device_memory() is not None:  # no LAPACK; results are waited for when they are read
        return compiled

    def run(batch):
        with one_blas_thread():
            return jax.block_until_ready(compiled(batch))

    return run


def device_memory() -> int | None:
    """Bytes that a program may take on each local device; None on a processor.

    Example:
        >>> memory = device_memory()
        >>> memory is None or memory > 0
        True
    """
    told = [device.memory_stats() for device in jax.local_devices() if device.platform != "cpu"]
    return min((stats["bytes_limit"] for stats in told if stats), default=None)


def fitting_chunk(
    function: Callable[..., Any], space: Space, budget: int, most: int = 2**16, probe: int = 64
) -> int:
    """How many points of a space fit into memory at once, a power of two: as many as `budget`
    bytes hold by what the compiler says of a few, and no more than there are.

    Args:
        function: of one point, called with the space's parameters as keywords.
        space: the points.
        budget: bytes.
        most: at most.
        probe: how many are compiled for.

    Example:
        >>> from jaxelph.sweeps.space import product
        >>> fitting_chunk(lambda x: x + np.ones(1000), product(x=np.arange(1e4)), 2**20)
        128
    """
    batch = space.take(np.minimum(np.arange(probe), space.count - 1))
    compiled = jax.jit(jax.vmap(lambda point: function(**point))).lower(batch).compile()
    told = compiled.memory_analysis()
    if told is None:  # a device that does not say
        return min(4096, most, 2 ** (space.count - 1).bit_length())
    taken = told.temp_size_in_bytes + told.output_size_in_bytes + told.argument_size_in_bytes
    fits = max(1, budget * probe // max(1, taken))
    return min(2 ** (fits.bit_length() - 1), most, 2 ** (space.count - 1).bit_length())


def padded_width(size: int) -> int:
    """`size` points made a multiple of the number of local devices."""
    devices = len(jax.local_devices())
    return -(-size // devices) * devices


def evaluate_chunks(
    function: Callable[..., Any],
    space: Space,
    chunk: int,
    wanted: Iterable[int] | None = None,
    ahead: int | None = None,
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
        ahead: chunks that are begun before one is read; by default one, so that a GPU does not
            wait for the host, and none on a processor, which would not be done sooner.

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
    width = padded_width(min(chunk, count))
    compiled = shared_out(lambda point: function(**point))
    if ahead is None:
        ahead = 0 if device_memory() is None else 1
    begun = deque()

    def read():
        which, size, values = begun.popleft()
        return which, jax.tree.map(lambda leaf: np.asarray(leaf)[:size], values)

    for which in range(chunk_count(count, chunk)) if wanted is None else wanted:
        start, stop = which * chunk, min((which + 1) * chunk, count)
        batch = space.take(np.minimum(np.arange(start, start + width), stop - 1))
        begun.append((which, stop - start, compiled(batch)))
        if len(begun) > ahead:
            yield read()
    while begun:
        yield read()
