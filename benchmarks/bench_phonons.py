"""What phonons that move cost: a run with them beside the same run without.

A spectrum of so many δ modes between 20 and 60 at λ = 1, T0 = 12.6, electrons at 1.2 T0, from t = 0
to where one per cent of the excess is left; both at rtol 1e-6, on one thread. The last column is
milliseconds a step over those of the plain run; a run that has another temperature to end at takes
other steps. Dense matrices up to 400 energies, products alone above.

    python benchmarks/bench_phonons.py       prints, and writes benchmarks/tables/phonons.txt
"""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from _common import Table, timed  # noqa: E402

from jaxelph import EinsteinModes, EnergyGrid, MovingPhonons, evolve  # noqa: E402
from jaxelph.stability.rates import two_temperature_rate  # noqa: E402

TABLE = Table("phonons")
COLD = 12.6
SIZES, MODES = (100, 200, 400, 1024), (3, 192, 1000)


def cost(spectrum, grid, **options):
    """Seconds and attempted steps of a run."""
    last = 4.6 / float(two_temperature_rate(spectrum, COLD))
    times = np.linspace(0, last, 20)

    def run():
        return evolve(spectrum, 1.2 * COLD, COLD, grid, times, **options)

    timing = timed(run)
    return timing.median, int(timing.result.stats["num_steps"]), timing.first


def main() -> None:
    head = f"{'energies':>9}{'modes':>7}{'plain ms':>10}{'steps':>7}{'moving ms':>11}{'steps':>7}"
    head += f"{'first s':>9}{'run':>7}{'step':>7}"
    TABLE.say(f"{head}\n{'-' * len(head)}")
    for size in SIZES:
        grid = EnergyGrid(36 * COLD / min(size, 144), size)
        for count in MODES:
            omega = np.linspace(20.0, 60.0, count)
            spectrum = EinsteinModes(omega, np.full(count, 1 / count))
            # So many modes as hold the heat of three branches.
            phonons = MovingPhonons(0.004 * count / 3)
            plain, steps, _ = cost(spectrum, grid)
            moving, more, first = cost(spectrum, grid, phonons=phonons)
            run, step = moving / plain, moving / more / (plain / steps)
            line = (
                f"{size:>9}{count:>7}{1e3 * plain:>10.2f}{steps:>7}{1e3 * moving:>11.2f}{more:>7}"
            )
            TABLE.say(f"{line}{first:>9.1f}{run:>7.2f}{step:>7.2f}")
    TABLE.write()


if __name__ == "__main__":
    main()
