"""`sweep`: one function at many points, labelled, resumable, on all devices and processes."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from ..numerics.precision import check_precision
from .chunks import chunk_count, device_memory, evaluate_chunks, fitting_chunk
from .space import Space
from .store import STATUS, Plan, Store, Variable, create

if TYPE_CHECKING:
    import xarray as xr

#: What `status` says of a point, apart from the reasons that `failures` adds.
STATUSES = ("not_done", "finished", "not_a_number")
FINISHED, NOT_A_NUMBER = 1, 2

_BUDGET = 2**30  # bytes that the intermediate values of one chunk may take


def sweep(
    function: Callable[..., Any],
    space: Space,
    *,
    store: str | os.PathLike[str] | None = None,
    chunk: int | None = None,
    failures: Mapping[str, Callable[[Any], Any]] | None = None,
    units: Mapping[str, str] | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> "xr.Dataset":
    """Values of a function at every point of a space.

    The points are computed in chunks, each under `vmap` and shared out over all local devices;
    on a processor `jax.config.update("jax_num_cpu_devices", cores)` right after the imports
    makes as many of it, without which LAPACK's work stays on one core.
    With a store finished chunks are on disk at once; the same call after a crash or kill goes
    on with the rest. Where `jax.distributed` is initialised each process computes its share
    of the chunks, and the store must be one folder that all of them see.

    Args:
        function: of one point, called with the parameters of the space as keywords. Jittable.
            It returns an array, or a pytree of arrays such as a dict of named ones.
        space: from `product`, `points` or `samples`.
        store: a folder for the results, a Zarr group. One that holds another sweep is
            refused: the function's trace and the points are compared with those stored.
        chunk: how many points at once; by default what fits in a gibibyte, 4096 at most, and on
            a GPU in a third of its memory, two chunks being there at a time.
        failures: reason → a jittable condition on what `function` returned. A point is marked
            with the first reason whose condition holds; "not_a_number" comes before these.
        units: name of a result → its unit.
        progress: called with the number of points done and that of all.

    Returns:
        A dataset on the axes of the space with the results and `status`, whose attributes
        `flag_values` and `flag_meanings` tell why a point failed. ∞ is a value, NaN a failure,
        in a result and in a parameter of the point: what is made of NaN may not show it.

    Raises:
        ValueError: the store holds something else, or was begun with other chunks.
        OSError: the store cannot be written to; finished chunks are kept.

    Example:
        >>> import jaxelph as jx
        >>> metal = jx.example("table1")
        >>> found = sweep(
        ...     lambda coupling, T: jx.specific_heat_ratio(metal.scaled(coupling), T),
        ...     jx.sweeps.product(coupling=[1.0, 10.0], T=[10.0, 20.0], units={"T": "meV"}),
        ... )
        >>> print(found["value"].dims, f"{found['value'].sel(coupling=10, T=10).item():.6f}")
        ('coupling', 'T') 9.470406
    """
    check_precision()
    reasons = dict(failures or {})
    name = f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', '?')}"

    def with_status(**point):
        values = function(**point)
        named = _named(values)
        if STATUS in named:
            raise ValueError(
                f"{name} returns {STATUS!r}, which is what the sweep says of each point; give "
                "that result another name."
            )
        return named | {STATUS: _status(point, values, reasons)}

    point = jax.eval_shape(lambda: jax.tree.map(lambda leaf: leaf[0], space.take(np.arange(1))))
    closed, shapes = jax.make_jaxpr(lambda p: with_status(**p), return_shape=True)(point)
    clash = set(shapes) & set(space.values)
    if clash:
        raise ValueError(
            f"{name} returns {min(clash)!r}, which is also a parameter of the space; rename one."
        )
    if store is None and jax.process_count() > 1:
        raise ValueError("a sweep by several processes needs store=, where their results meet.")
    variables = {key: _variable(key, leaf, reasons, units or {}) for key, leaf in shapes.items()}
    size = _default_chunk(function, closed, space) if chunk is None else chunk
    if size < 1:
        raise ValueError(f"chunk must be at least 1, got {chunk}.")
    flat = {
        key: (numbers[np.unravel_index(np.arange(space.count), space.shape)[axis]], attributes)
        for key, (axis, numbers, attributes) in space.coordinates().items()
    }
    if store is None:
        parts = {}
        for which, values in _counted(with_status, space, size, None, progress):
            parts[which] = values
        whole = {key: np.concatenate([parts[k][key] for k in sorted(parts)]) for key in variables}
        return _labelled(space, variables, whole)

    plan = Plan(
        name,
        _function_fingerprint(closed),
        _points_fingerprint(space),
        space.count,
        size,
        variables,
        {key: Variable((), a.dtype, (), attributes) for key, (a, attributes) in flat.items()},
        {"dims": list(space.dims), "shape": list(space.shape)},
    )
    opened = _open_together(store, plan, {key: numbers for key, (numbers, _) in flat.items()})
    if chunk is not None and opened.chunk != chunk:
        raise ValueError(
            f"{store}: this sweep was begun with chunk={opened.chunk}; leave chunk= out."
        )
    mine = set(
        range(jax.process_index(), chunk_count(space.count, opened.chunk), jax.process_count())
    )
    left = sorted(mine - opened.finished(mine))
    for which, values in _counted(with_status, space, opened.chunk, left, progress):
        opened.write(which, values)
    _barrier("finished")
    return _labelled(space, variables, opened.read())


def _counted(function, space, chunk, wanted, progress) -> Iterator[tuple[int, Any]]:
    total = space.count
    done = 0 if wanted is None else total - sum(min(chunk, total - k * chunk) for k in wanted)
    if progress is not None:
        progress(done, total)
    for which, values in evaluate_chunks(function, space, chunk, wanted):
        yield which, values
        done += len(values[STATUS])
        if progress is not None:
            progress(done, total)


def _open_together(path, plan: Plan, fill) -> Store:
    """One process makes the store. If it cannot, the others find out for themselves."""
    error = None
    if jax.process_index() == 0:
        try:
            create(path, plan, fill)
        except (OSError, ValueError) as caught:
            error = caught
    _barrier("created")
    if error is not None:
        raise error
    return Store(path, plan)


def _barrier(name: str) -> None:
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(f"jaxelph sweep {name}")


def _named(values) -> dict[str, jax.Array]:
    leaves = jax.tree_util.tree_flatten_with_path(values)[0]
    named = {jax.tree_util.keystr(path, simple=True, separator="_"): x for path, x in leaves}
    return {key or "value": x for key, x in named.items()}


def _status(point, values, reasons) -> jax.Array:
    # Whole numbers and verdicts cannot be NaN; so what they were made of counts, too.
    floats = [
        x
        for x in jax.tree.leaves((point, values))
        if jax.numpy.issubdtype(jax.numpy.result_type(x), np.inexact)
    ]
    undefined = jax.numpy.array([jax.numpy.any(jax.numpy.isnan(x)) for x in floats]).any()
    status = jax.numpy.asarray(FINISHED, dtype=np.uint8)
    for code, condition in reversed([*enumerate(reasons.values(), len(STATUSES))]):
        status = jax.numpy.where(condition(values), np.uint8(code), status)
    return jax.numpy.where(undefined, np.uint8(NOT_A_NUMBER), status)


def _variable(name: str, leaf, reasons, units) -> Variable:
    if name == STATUS:
        meanings = [*STATUSES, *("_".join(reason.split()) for reason in reasons)]
        attributes = {"flag_values": [*range(len(meanings))], "flag_meanings": " ".join(meanings)}
    else:
        attributes = {"units": units[name]} if name in units else {}
    dims = tuple(f"{name}_{k}" for k in range(len(leaf.shape)))
    return Variable(tuple(leaf.shape), np.dtype(leaf.dtype), dims, attributes)


def _labelled(space: Space, variables: Mapping[str, Variable], flat) -> "xr.Dataset":
    import xarray as xr

    data = {
        key: (
            (*space.dims, *variable.dims),
            flat[key].reshape(*space.shape, *variable.shape),
            variable.attributes,
        )
        for key, variable in variables.items()
    }
    coordinates = {
        key: (space.dims[axis], numbers, attributes)
        for key, (axis, numbers, attributes) in space.coordinates().items()
    }
    return xr.Dataset(data, coordinates)


def _equations(jaxpr) -> Iterator[Any]:
    """Every equation of a trace, inner ones included."""
    for equation in jaxpr.eqns:
        yield equation
        for inner in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda x: hasattr(x, "eqns")
        ):
            if hasattr(inner, "eqns"):
                yield from _equations(getattr(inner, "jaxpr", inner))


def _default_chunk(function, closed, space: Space) -> int:
    """A power of two for which all intermediate values fit in the budget."""
    count, memory = space.count, device_memory()
    if memory is not None:
        return fitting_chunk(function, space, memory // 3) * len(jax.local_devices())
    outputs = (v.aval for equation in _equations(closed.jaxpr) for v in equation.outvars)
    point = sum(a.size * a.dtype.itemsize for a in outputs if hasattr(a, "size"))
    fits = max(1, _BUDGET // max(1, point))
    return min(2 ** (fits.bit_length() - 1), 4096, 2 ** (count - 1).bit_length())


def _function_fingerprint(closed) -> str:
    """Of what is computed: the trace and the numbers in it, whatever the function's name."""
    digest = hashlib.sha256(re.sub(r"0x[0-9a-f]+", "", str(closed.jaxpr)).encode())
    constants = list(closed.consts)
    for equation in _equations(closed.jaxpr):
        constants += [v.val for v in equation.invars if hasattr(v, "val")]
        for value in equation.params.values():
            constants += getattr(value, "consts", [])
    for constant in constants:
        if hasattr(constant, "dtype") and isinstance(constant.dtype, np.dtype):
            digest.update(np.asarray(constant).tobytes())
    return digest.hexdigest()


def _points_fingerprint(space: Space) -> str:
    digest = hashlib.sha256(repr((space.dims, space.shape, sorted(space.axis.items()))).encode())
    for name, value in sorted(space.values.items()):
        digest.update(name.encode())
        for leaf in jax.tree.leaves(value):
            leaf = np.ascontiguousarray(leaf)
            digest.update(f"{leaf.dtype}{leaf.shape}".encode() + leaf.tobytes())
    return digest.hexdigest()
