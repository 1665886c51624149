"""Programs compiled for an H100 on a machine without one: how often they launch, what they move.

XLA compiles for a device that is only described. From the text of the compiled program every
instruction that is a launch is counted, with the bytes that it reads and writes; loops whose
turns XLA knows are multiplied out. Needs the wheels of the extra `gpu-guard`, and has to be
imported before JAX is.
"""

import importlib.util
import os
import re
from typing import NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_SKIP_CUDA_CONSTRAINTS_CHECK", "1")
# diffrax checks its arguments by calls to the host, which are not what is counted.
os.environ.setdefault("EQX_ON_ERROR", "nan")
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_gpu_autotune_level=0"

H100 = """
gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152
  shared_memory_per_core: 233472 threads_per_core_limit: 2048 core_count: 132 fpus_per_core: 128
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
  memory_bandwidth: 3352320000000 l2_cache_size: 52428800 clock_rate_ghz: 1.98
  device_memory_size: 84942979072 shared_memory_per_block_optin: 232448
  cuda_compute_capability { major: 9 } registers_per_core_limit: 65536
  registers_per_block_limit: 65536 driver_version: "13.0.0" runtime_version: "13.0.0"
  compile_time_toolkit_version: "13.0.0" dnn_version: "9.10.0" name: "NVIDIA H100 80GB HBM3"
  device_vendor: "NVIDIA Corporation"
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 10 patch: 0 }
runtime_version { major: 13 minor: 0 patch: 0 }
device_description_str: "NVIDIA H100 80GB HBM3"
"""
# No launches: names for what is there already.
FREE = {
    "parameter", "tuple", "get-tuple-element", "bitcast", "constant", "copy-done", "after-all",
    "partition-id", "opt-barrier", "while", "conditional", "call", "async-start", "async-done",
}  # fmt: skip
BYTES = {"pred": 1, "s8": 1, "u8": 1, "s32": 4, "u32": 4, "f32": 4, "s64": 8, "u64": 8, "f64": 8}
BYTES |= {"c64": 8, "c128": 16}
TURNS = r'"known_trip_count":\{"n":"(\d+)"'


def missing() -> str | None:
    """Why nothing can be compiled for a GPU here; None where it can."""
    plugins = ("jax_cuda13_plugin", "jax_cuda12_plugin")
    if any(importlib.util.find_spec(name) for name in plugins):
        return None
    return "no CUDA plugin of JAX is installed: pip install 'jaxelph[gpu-guard]'"


class Cost(NamedTuple):
    """Launches of a program, the bytes that they move, the libraries' routines among them; and
    the same of one turn of that loop of unknown length which launches most, a step of a run."""

    launches: int
    bytes: float
    calls: dict[str, int]
    step_launches: int
    step_bytes: float


def cost(function, *arguments) -> Cost:
    """What a function of arrays costs on an H100."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax._src import xla_bridge
    from jax.experimental import topologies
    from jax.sharding import SingleDeviceSharding

    known = xla_bridge.canonicalize_platform

    def canonical(platform):  # of a plugin that found no device JAX knows no platform
        return "cuda" if platform in ("gpu", "cuda") else known(platform)

    xla_bridge.canonicalize_platform = canonical
    try:
        there = topologies.get_topology_desc(
            platform="cuda", target_config=H100, topology="1x1x1"
        ).devices[0]
        place = SingleDeviceSharding(there)
        shapes = [
            jax.ShapeDtypeStruct(np.shape(a), jnp.result_type(a), sharding=place) for a in arguments
        ]
        return counted(jax.jit(function).lower(*shapes).compile().as_text())
    finally:
        xla_bridge.canonicalize_platform = known


def counted(text: str) -> Cost:
    """The cost of a compiled program from its text."""
    bodies, entry = _computations(text)
    total = _once(bodies, entry)
    steps = [_once(bodies, body) for body in _loops_of_unknown_length(bodies, entry)]
    step = max(steps, default=(0, 0.0))
    found = re.findall(r'custom_call_target="([^"]+)"', text)
    return Cost(*total, {name: found.count(name) for name in sorted(set(found))}, *step)


def _computations(text):
    bodies, entry, current = {}, "", None
    for line in text.splitlines():
        if head := re.match(r"^(ENTRY )?%?([\w.\-]+) \(.*\) -> .* \{$", line):
            current = bodies.setdefault(head[2], [])
            entry = head[2] if head[1] else entry
        elif line.startswith("}"):
            current = None
        elif current is not None and (
            row := re.match(r"^\s+(?:ROOT )?%?([\w.\-]+) = (.*?) ([\w\-]+)\((.*)$", line)
        ):
            current.append(row.groups())
    return bodies, entry


def _size(shape):
    return sum(
        BYTES.get(kind, 4) * int(_product(extent))
        for kind, extent in re.findall(r"\b([a-z]+\d*)\[([\d,]*)\]", shape)
    )


def _product(extent):
    product = 1
    for length in filter(None, extent.split(",")):
        product *= int(length)
    return product


def _once(bodies, name):
    shapes = {row[0]: row[1] for row in bodies[name]}
    launches, moved = 0, 0.0
    for _, shape, operation, rest in bodies[name]:
        inside = re.search(r"(?:to_apply|calls)=%?([\w.\-]+)", rest)
        turns = re.search(TURNS, rest)
        if operation == "while" and turns:
            body = re.search(r"body=%?([\w.\-]+)", rest)[1]
            once = _once(bodies, body)
            launches, moved = launches + int(turns[1]) * once[0], moved + int(turns[1]) * once[1]
        elif operation in ("call", "async-start") and inside:
            once = _once(bodies, inside[1])
            launches, moved = launches + once[0], moved + once[1]
        elif operation not in FREE:
            read = re.findall(r"%([\w.\-]+)", rest.split("), ")[0])
            launches += 1
            moved += _size(shape) + sum(_size(shapes[name]) for name in read if name in shapes)
    return launches, moved


def _loops_of_unknown_length(bodies, name):
    for _, _, operation, rest in bodies[name]:
        if operation == "while":
            body = re.search(r"body=%?([\w.\-]+)", rest)[1]
            if not re.search(TURNS, rest):
                yield body
            yield from _loops_of_unknown_length(bodies, body)
        elif operation == "call":
            inside = re.search(r"to_apply=%?([\w.\-]+)", rest)[1]
            yield from _loops_of_unknown_length(bodies, inside)
