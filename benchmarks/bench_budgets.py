"""What batches cost on an H100, by compilation alone: launches, bytes moved, libraries' routines.

Nothing is executed on a GPU. Bytes are those of all operands and results of every launch, as if
nothing stayed in a cache; what a routine or a kernel moves beyond these is not seen. Each number
is held to a budget, and stands beside that of before these programs were written for GPUs. Needs
the wheels of the extra `gpu-guard`. Run as

    python benchmarks/bench_budgets.py
"""

import sys

import _h100

if reason := _h100.missing():
    print(reason)
    sys.exit(0)

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from _common import Table  # noqa: E402

import jaxelph as jx  # noqa: E402

KERNEL = "__gpu$xla.gpu.triton"
OMEGA, COUPLING = np.array([1.0, 1.7, 2.3]), np.array([0.4, 0.3, 0.5])
MODES, PARTS = np.arange(40.0, 61.0), np.full(21, 1 / 21)
GRID, TIMES = jx.EnergyGrid(6.0, 75), jnp.linspace(0.0, 5.0, 11)


def critical(temperature, step):
    metal, grid = jx.EinsteinModes(OMEGA, COUPLING), jx.EnergyGrid(step, 128)
    return jx.critical_coupling(metal, temperature, grid=grid)


def transition(coupling):
    return jx.transition_temperature(jx.EinsteinModes(OMEGA, coupling), 0.1)


def run(hot):
    metal = jx.EinsteinModes(MODES, PARTS)
    return jx.evolve(metal, hot, 12.59, GRID, TIMES, throw=False).temperature


many = 10_000
# Function, arguments; launches, GB, launches a step, GB a step: before, and at most.
CASES = {
    "lambda_c with gradient, 10,000": (
        jax.vmap(jax.value_and_grad(critical)),
        (np.linspace(0.3, 1, many), np.linspace(0.1, 0.3, many)),
        ((36, 7.12, 0, 0), (40, 5.0, 0, 0)),
    ),
    "Tc with gradient, 10,000": (
        jax.vmap(jax.value_and_grad(transition)),
        (np.tile(COUPLING, (many, 1)),),
        ((38, 7.04, 16, 3.06), (45, 7.0, 18, 3.0)),
    ),
    "evolve, 75 energies, 1": (run, (13.0,), ((1108, 0.014, 443, 0.007), (80, 0.01, 35, 0.002))),
    "evolve, 75 energies, 4096": (
        jax.vmap(run),
        (np.linspace(13, 14, 4096),),
        ((1445, 43.8, 583, 18.8), (80, 3.0, 40, 1.5)),
    ),
}


def main() -> int:
    table = Table("budgets")
    table.say("Compiled for an NVIDIA H100 without one; nothing was executed on a GPU.\n")
    table.say(
        f"{'':32} {'launches':>9} {'GB':>7} {'a step':>7} {'GB':>7}  "
        f"{'before':>29}   libraries' routines"
    )
    exceeded = []
    for name, (function, arguments, (before, most)) in CASES.items():
        cost = _h100.cost(function, *arguments)
        numbers = cost.launches, cost.bytes / 1e9, cost.step_launches, cost.step_bytes / 1e9
        routines = {call: count for call, count in cost.calls.items() if call != KERNEL}
        row, old = (
            f"{n:>{w}} {gb:7.3g} {s:7d} {sgb:7.2g}"
            for w, (n, gb, s, sgb) in ((9, numbers), (6, before))
        )
        table.say(f"{name:32} {row}  {old}   {', '.join(routines) or 'none'}")
        if routines or any(is_ > may for is_, may in zip(numbers, most, strict=True)):
            exceeded.append(f"{name}: {numbers} of {most}, {routines}")
    table.write()
    print(*exceeded, sep="\n")
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
