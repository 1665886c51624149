"""What the device at hand makes of large batches: solvers alone, λ_c, Tc, runs, a sweep, a report.

Every row computes in one call on JAX's default device, in batches that fill a GPU and in smaller
ones; a few lanes are computed again on the processor, and the table says how far they differ,
relative to the largest number. On a processor the batches are a hundredth as large, so that
throughputs (the time of one item) can be set beside each other. Run as

    python benchmarks/bench_device.py
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import time  # noqa: E402

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from _common import Table, timed  # noqa: E402

import jaxelph as jx  # noqa: E402
from jaxelph.numerics.elimination import invert_by_blocks  # noqa: E402

TABLE = Table("device")
ON_CPU = jax.default_backend() == "cpu"
PROCESSOR = jax.devices("cpu")[0]
OMEGA, COUPLING = np.array([1.0, 1.7, 2.3]), np.array([0.4, 0.3, 0.5])
MODES, PARTS = np.arange(40.0, 61.0), np.full(21, 1 / 21)
GRID, TIMES = jx.EnergyGrid(6.0, 75), jnp.linspace(0.0, 5.0, 11)
rng = np.random.default_rng(0)


def sizes(*counts: int) -> list[int]:
    return sorted({max(1, count // 100) for count in counts}) if ON_CPU else list(counts)


def row(name: str, function, *arguments, checked: int = 2) -> None:
    """Time a function of a batch, and compare its first lanes with the processor's."""
    count = len(jax.tree.leaves(arguments)[0])
    start = time.perf_counter()
    compiled = jax.jit(function).lower(*arguments).compile()
    compilation = time.perf_counter() - start
    result, _, median = timed(compiled, *arguments)
    few = jax.tree.map(lambda a: a[: min(checked, count)], arguments)
    with jax.default_device(PROCESSOR):
        again = function(*few)
    worst = max(
        float(np.max(np.abs(np.asarray(a)[: len(b)] - b)) / max(np.max(np.abs(b)), 1e-300))
        for a, b in zip(
            jax.tree.leaves(result), map(np.asarray, jax.tree.leaves(again)), strict=True
        )
    )
    memory = compiled.memory_analysis().temp_size_in_bytes / 2**20
    TABLE.say(
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


def main() -> None:
    TABLE.say(
        f"{'':>26} {'batch':>6} {'compile s':>10} {'median ms':>10} {'us an item':>11} "
        f"{'MB':>8} {'differs':>9}"
    )
    for size, count in ((63, 10_000), (76, 4096), (128, 10_000)):
        (batch,) = sizes(count)
        matrices = symmetric(batch, size)
        row(f"eigenvalues {size}", jnp.linalg.eigvalsh, matrices)
        row(f"inverse by blocks {size}", jax.vmap(lambda m: invert_by_blocks(m)[0]), matrices)
        row(f"LU inverse {size}", jnp.linalg.inv, matrices)
        row(f"product {size}", lambda m: m @ m, matrices)
    for count in sizes(100, 1000, 10_000):
        batch = np.linspace(0.3, 1, count), np.tile(COUPLING, (count, 1))
        row(
            "kinetic lambda_c, gradient",
            jax.vmap(jax.value_and_grad(critical, (0, 1))),
            *batch,
            np.linspace(0.1, 0.3, count),
        )
    for count in sizes(100, 1000, 10_000):
        strengths = np.tile(COUPLING, (count, 1)) * np.linspace(0.7, 2, count)[:, None]
        row("Tc, gradient", jax.vmap(jax.value_and_grad(transition)), strengths)
    for count in sizes(100, 256, 4096):
        batch = np.linspace(12.8, 26, count), np.tile(PARTS, (count, 1))
        row("evolve, 75 energies", jax.vmap(run), *batch)
    (count,) = sizes(256)
    last = jax.vmap(jax.grad(lambda hot, c: run(hot, c)[-1], 1))
    row("its gradient", last, np.linspace(12.8, 26, count), np.tile(PARTS, (count, 1)))

    TABLE.say()
    metal = jx.EinsteinModes(OMEGA, COUPLING)
    (points,) = sizes(20_000)
    space = jx.sweeps.product(T=np.linspace(0.3, 1, points))

    def swept():
        grid = jx.EnergyGrid(0.2, 128)
        return jx.sweep(lambda T: jx.critical_coupling(metal, T, grid=grid), space)

    _, first, again = timed(lambda: swept()["value"].values)
    TABLE.say(f"sweep of {points} points: {first:.2f} s, compilation included; again {again:.2f} s")
    niobium = jx.example("niobium")
    _, first, again = timed(
        lambda: jx.report(niobium, [10.0, 20.0], mu_star=0.12).to_xarray().sizes
    )
    TABLE.say(f"report of niobium: {first:.2f} s, compilation included; again {again:.2f} s")
    TABLE.write()


if __name__ == "__main__":
    main()
