"""What phonons that move cost: a run with them beside the same run without.

A spectrum of so many δ modes between 20 and 60 at λ = 1, T0 = 12.6, electrons at 1.2 T0, from t = 0
to where one per cent of the excess is left; both at rtol 1e-6. The last column is milliseconds a
step over those of the plain run; a run that has another temperature to end at takes other steps.
Dense matrices up to 400 energies, products alone above.

Then the gradient of two temperatures in all couplings, T_in, T0 and 2ν0/F by the reverse pass, and
256 runs at once that differ in T_in, in runs. Times are CPU seconds on one thread, the least of
seven calls, which a busy machine leaves as they are; "first s" is by the clock, with compilation.

    python benchmarks/bench_phonons.py          prints, and writes benchmarks/tables/phonons.txt
    python benchmarks/bench_phonons.py batch    one part or several, printed only
"""

import os
import sys
import time
from functools import partial

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from _common import Table  # noqa: E402

from jaxelph import EinsteinModes, EnergyGrid, MovingPhonons, evolve  # noqa: E402
from jaxelph.stability.rates import two_temperature_rate  # noqa: E402

TABLE = Table("phonons")
COLD = 12.6
SIZES, MODES = (100, 200, 400, 1024), (3, 192, 1000)
# Energies and modes of gradients and batches.
MORE = (100, 3), (100, 192), (200, 192), (512, 3)
BATCH = 256


def metal(size, count):
    """Grid, frequencies, couplings, 2ν0/F and times of a run."""
    grid = EnergyGrid(36 * COLD / min(size, 144), size)
    omega, coupling = np.linspace(20.0, 60.0, count), np.full(count, 1 / count)
    last = 4.6 / float(two_temperature_rate(EinsteinModes(omega, coupling), COLD))
    # So many modes as hold the heat of three branches.
    return grid, omega, coupling, np.full(count, 0.004 * count / 3), np.linspace(0, last, 20)


def least(function, *arguments, calls=7):
    """CPU seconds of a call, the least of several; seconds of the first; what it returned."""
    start = time.perf_counter()
    result = jax.block_until_ready(function(*arguments))
    first, found = time.perf_counter() - start, []
    for _ in range(calls):
        start = time.process_time()
        jax.block_until_ready(function(*arguments))
        found.append(time.process_time() - start)
    return min(found), first, result


def cost(spectrum, grid, times, **options):
    """Seconds of a run and of the first, and attempted steps."""
    run = partial(evolve, spectrum, 1.2 * COLD, COLD, grid, times, **options)
    seconds, first, result = least(run)
    return seconds, first, int(result.stats["num_steps"])


def runs():
    """A run with phonons that move beside one without."""
    head = f"{'energies':>9}{'modes':>7}{'plain ms':>10}{'steps':>7}{'moving ms':>11}{'steps':>7}"
    head += f"{'first s':>9}{'run':>7}{'step':>7}"
    TABLE.say(f"{head}\n{'-' * len(head)}")
    for size in SIZES:
        for count in MODES:
            grid, omega, coupling, per_mode, times = metal(size, count)
            spectrum, phonons = EinsteinModes(omega, coupling), MovingPhonons(per_mode)
            plain, _, steps = cost(spectrum, grid, times)
            moving, first, more = cost(spectrum, grid, times, phonons=phonons)
            run, step = moving / plain, moving / more / (plain / steps)
            line = (
                f"{size:>9}{count:>7}{1e3 * plain:>10.2f}{steps:>7}{1e3 * moving:>11.2f}{more:>7}"
            )
            TABLE.say(f"{line}{first:>9.1f}{run:>7.2f}{step:>7.2f}")


def loss(size, count, moving):
    """What is differentiated, and where: couplings, T_in, T0, 2ν0/F."""
    grid, omega, coupling, per_mode, times = metal(size, count)

    def value(coupling, hot, cold, per_mode):
        phonons = MovingPhonons(per_mode) if moving else None
        spectrum = EinsteinModes(omega, coupling)
        run = evolve(spectrum, hot, cold, grid, times, phonons=phonons, throw=False)
        return run.temperature[-1] + run.temperature[5]

    point = (coupling, 1.2 * COLD, COLD, per_mode)
    return value, tuple(jnp.asarray(x) for x in point)


def gradient():
    """The reverse pass, in runs."""
    head = f"{'energies':>9}{'modes':>7}{'phonons':>10}{'run ms':>9}{'gradient ms':>13}{'runs':>6}"
    TABLE.say(f"\nGradient, CPU time\n{head}\n{'-' * len(head)}")
    for size, count in MORE:
        for moving in (False, True):
            value, point = loss(size, count, moving)
            run, *_ = least(jax.jit(value), *point)
            slopes, *_ = least(jax.jit(jax.grad(value, (0, 1, 2, 3))), *point)
            name = "move" if moving else "at rest"
            line = f"{size:>9}{count:>7}{name:>10}{1e3 * run:>9.2f}{1e3 * slopes:>13.2f}"
            TABLE.say(f"{line}{slopes / run:>6.1f}")


def batch():
    """256 runs at once, per run."""
    head = f"{'energies':>9}{'modes':>7}{'phonons':>10}{'one ms':>9}{'of 256, ms':>12}{'ratio':>7}"
    TABLE.say(f"\n{BATCH} runs at once, T_in from 1.05 to 1.3 T0, CPU time of one of them")
    TABLE.say(f"{head}\n{'-' * len(head)}")
    for size, count in MORE[:2]:
        for moving in (False, True):
            value, (coupling, hot, cold, per_mode) = loss(size, count, moving)
            one = jax.jit(lambda h, f=value, a=(coupling, cold, per_mode): f(a[0], h, *a[1:]))
            alone, *_ = least(one, hot)
            hots = COLD * jnp.linspace(1.05, 1.3, BATCH)
            together = jax.jit(jax.vmap(one))
            seconds, _, found = least(together, hots, calls=2)
            each = seconds / BATCH
            assert np.all(np.isfinite(found)) and abs(found[0] - one(hots[0])) < 1e-8 * found[0]
            name = "move" if moving else "at rest"
            line = f"{size:>9}{count:>7}{name:>10}{1e3 * alone:>9.2f}{1e3 * each:>12.3f}"
            TABLE.say(f"{line}{each / alone:>7.2f}")


PARTS = {"runs": runs, "gradient": gradient, "batch": batch}


def main() -> None:
    wanted = sys.argv[1:] or list(PARTS)
    for name in wanted:
        PARTS[name]()
    if not sys.argv[1:]:
        TABLE.write()


if __name__ == "__main__":
    main()
