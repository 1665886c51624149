"""What the device at hand makes of large batches: solvers alone, λ_c, Tc, runs, a sweep, a report.

Every row computes in one call on JAX's default device, in batches that fill a GPU and in smaller
ones; a few lanes are computed again on the processor, and the table says how far they differ,
relative to the largest number. On a processor the batches are a hundredth as large, so that
throughputs (the time of one item) can be set beside each other. Programs are compiled beside each
other, on all cores. What a row needs that fails is said in its place. Run as

    python benchmarks/bench_device.py [PART OF THE ROWS' NAMES ...]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys  # noqa: E402
import time  # noqa: E402
from concurrent.futures import ThreadPoolExecutor, wait  # noqa: E402

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from _common import Table, timed  # noqa: E402

import jaxelph as jx  # noqa: E402
from jaxelph.numerics.elimination import invert_by_blocks  # noqa: E402
from jaxelph.numerics.tridiagonal import lowest_eigenvector  # noqa: E402

PARTS_OF_NAMES = sys.argv[1:]
TABLE = Table("device")
ON_CPU = jax.default_backend() == "cpu"
PROCESSOR = jax.devices("cpu")[0]
OMEGA, COUPLING = np.array([1.0, 1.7, 2.3]), np.array([0.4, 0.3, 0.5])
MODES, PARTS = np.arange(40.0, 61.0), np.full(21, 1 / 21)
GRID, TIMES = jx.EnergyGrid(6.0, 75), jnp.linspace(0.0, 5.0, 11)
# Lanes of each batch that the processor computes again.
CHECKED = 2
rng = np.random.default_rng(0)


def wanted(name: str) -> bool:
    return not PARTS_OF_NAMES or any(part in name for part in PARTS_OF_NAMES)


def sizes(*counts: int) -> list[int]:
    return sorted({max(1, count // 100) for count in counts}) if ON_CPU else list(counts)


def compiled(function, arguments):
    """The program, the seconds it took to trace and compile, and what the processor finds."""
    start = time.perf_counter()
    program = jax.jit(function).lower(*arguments).compile()
    seconds = time.perf_counter() - start
    few = [x[:CHECKED] for x in arguments]
    with jax.default_device(PROCESSOR):
        again = jax.block_until_ready(jax.jit(function)(*few))
    return program, seconds, again


def row(name, program, arguments) -> str:
    """The line of a function of a batch, whose first lanes are compared with the processor's."""
    count = len(arguments[0])
    program, compilation, again = program
    result, _, median = timed(program, *jax.device_put(arguments))
    worst = max(
        float(np.max(np.abs(np.asarray(a)[: len(b)] - b)) / max(np.max(np.abs(b)), 1e-300))
        for a, b in zip(
            jax.tree.leaves(result), map(np.asarray, jax.tree.leaves(again)), strict=True
        )
    )
    memory = program.memory_analysis().temp_size_in_bytes / 2**20
    return (
        f"{name:>26} {count:6d} {compilation:10.2f} {1e3 * median:10.2f} "
        f"{1e6 * median / count:11.2f} {memory:8.0f} {worst:9.1e}"
    )


def symmetric(count: int, size: int):
    """Positive matrices, as B(f) is."""
    a = rng.normal(size=(count, size, size)) / np.sqrt(size) / 4
    return a + a.transpose(0, 2, 1) + 2 * np.eye(size)


def critical(temperature, coupling, step):
    return jx.critical_coupling(
        jx.EinsteinModes(OMEGA, coupling), temperature, grid=jx.EnergyGrid(step, 128)
    )


def transition(coupling):
    return jx.transition_temperature(jx.EinsteinModes(OMEGA, coupling), 0.1)


def run(hot, coupling):
    metal = jx.EinsteinModes(MODES, coupling)
    return jx.evolve(metal, hot, 12.59, GRID, TIMES, throw=False).temperature


def cases():
    """(name, function of a batch, its arguments) of every row."""
    for size, count in ((63, 10_000), (76, 4096), (128, 10_000)):
        (batch,) = sizes(count)
        arguments = (symmetric(batch, size),)
        yield f"eigenvalues {size}", jnp.linalg.eigvalsh, arguments
        # A vector has a sign of its own.
        yield (
            f"lowest eigenvector {size}",
            jax.vmap(lambda m: jnp.abs(lowest_eigenvector(m))),
            arguments,
        )
        yield f"inverse {size}", jax.vmap(lambda m: invert_by_blocks(m)[0]), arguments
        yield f"LU inverse {size}", jnp.linalg.inv, arguments
        yield f"product {size}", lambda m: m @ m, arguments
    for count in sizes(1000, 10_000):
        batch = np.linspace(0.3, 1, count), np.tile(COUPLING, (count, 1))
        yield (
            "kinetic lambda_c, gradient",
            jax.vmap(jax.value_and_grad(critical, (0, 1))),
            (*batch, np.linspace(0.1, 0.3, count)),
        )
    for count in sizes(1000, 10_000):
        strengths = np.tile(COUPLING, (count, 1)) * np.linspace(0.7, 2, count)[:, None]
        yield "Tc, gradient", jax.vmap(jax.value_and_grad(transition)), (strengths,)
    yield "evolve, 75, one run", lambda hot, c: run(hot[0], c[0])[None], hot_metals(1)
    for count in sizes(256, 4096):
        yield "evolve, 75 energies", jax.vmap(run), hot_metals(count)
    (count,) = sizes(256)
    last = jax.vmap(jax.grad(lambda hot, c: run(hot, c)[-1], 1))
    yield "evolve, its gradient", last, hot_metals(count)


def hot_metals(count: int):
    return np.linspace(12.8, 26, count), np.tile(PARTS, (count, 1))


def first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"


def ceilings() -> None:
    """What of the device's memory and of its products is there to be had."""
    if ON_CPU:
        return
    x = jnp.ones(2**28)
    _, _, seconds = timed(jax.jit(lambda x: x + 1), x)
    TABLE.say(f"a sum of {x.size} numbers and 1: {2 * x.nbytes / seconds / 1e9:.0f} GB/s")
    a = jax.random.normal(jax.random.key(0), (8192, 8192))
    _, _, seconds = timed(jax.jit(lambda a: a @ a), a)
    TABLE.say(f"a product of 8192 x 8192: {2 * 8192**3 / seconds / 1e12:.1f} TFLOP/s")


def main() -> None:
    TABLE.say(f"XLA_FLAGS={os.environ.get('XLA_FLAGS', '')}")
    ceilings()
    TABLE.say(
        f"{'':>26} {'batch':>6} {'compile s':>10} {'median ms':>10} {'us an item':>11} "
        f"{'MB':>8} {'differs':>9}"
    )
    chosen = [case for case in cases() if wanted(case[0])]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        programs = [pool.submit(compiled, function, args) for _, function, args in chosen]
        wait(programs)  # nothing is timed while others are compiled
        for (name, _, arguments), program in zip(chosen, programs, strict=True):
            try:
                TABLE.say(row(name, program.result(), arguments))
            except Exception as error:
                TABLE.say(f"{name:>26} {len(arguments[0]):6d} {first_line(error)}")

    TABLE.say()
    metal = jx.EinsteinModes(OMEGA, COUPLING)
    (points,) = sizes(20_000)
    space = jx.sweeps.product(T=np.linspace(0.3, 1, points))

    def at(T):  # one function, which is compiled once
        return jx.critical_coupling(metal, T, grid=jx.EnergyGrid(0.2, 128))

    def swept():
        return jx.sweep(at, space)

    def reported():
        return jx.report(jx.example("niobium"), [10.0, 20.0], mu_star=0.12).to_xarray().sizes

    for name, whole in (
        (f"sweep of {points} points", lambda: swept()["value"].values),
        ("report of niobium", reported),
    ):
        if not wanted(name):
            continue
        try:
            _, first, again = timed(whole)
            TABLE.say(f"{name}: {first:.2f} s, compilation included; again {again:.2f} s")
        except Exception as error:
            TABLE.say(f"{name}: {first_line(error)}")
    TABLE.write()


if __name__ == "__main__":
    main()
