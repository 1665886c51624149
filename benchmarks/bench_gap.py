"""Δ(iω_n) below T_c: the compact solver against dense sums with mixing, at equal accuracy.

A curve of Δ over 100 temperatures from T_c/20 to T_c, of the niobium file where it is beside the
checkout and of a like table else. The peer is the textbook's: NumPy, dense Matsubara sums with
Anderson's mixing (`tests/plain_gap.py`), iterated to a tenth of the accuracy asked. Its only free
number is that of the frequencies. At the temperatures of a sample the fewest are sought with which
Δ_0 is that accurate; between them they follow a power of T. Then all 100 temperatures are run. The
compact solver has one accuracy, which dense sums of two lengths, with their end taken away, tell:
the row of equal accuracy is the last. Times are medians with compilation apart, of both on the
same cores. Run as

    python benchmarks/bench_gap.py
"""

import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from _common import Table, timed

import jaxelph
from jaxelph.superconductivity.gap import superconducting_state

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))
from plain_gap import extrapolated, plain_state  # noqa: E402

ACCURACIES = 1e-6, 1e-7, 1e-8, 1e-9
SAMPLE = (0, 5, 15, 40, 70, 85, 93, 97, 99)


def niobium():
    path = HERE.parents[1] / "shared" / "a2f" / "isome__Nb__Nb.a2F"
    if path.is_file():
        return "the Nb file", jaxelph.read_a2f(path, column=15)
    omega = jnp.linspace(0.1, 30.0, 301)
    a2f = 0.5 * jnp.exp(-(((omega - 16) / 4) ** 2)) + 0.3 * jnp.exp(-(((omega - 24) / 2) ** 2))
    return "a table of 301 rows", jaxelph.TabulatedSpectrum(omega, a2f)


def fewest(omega, coupling, temperature, exact, accuracy):
    """The frequencies that dense sums need."""
    count = 32
    while True:
        gap = plain_state(omega, coupling, temperature, count, tolerance=accuracy / 100)[1][0]
        error = abs(gap / exact - 1)
        if error < accuracy:
            return count
        # The error falls as count⁻⁴.
        count = int(count * np.clip(1.02 * (error / accuracy) ** 0.25, 1.05, 2))


def plain_curve(omega, coupling, temperatures, counts, exact, accuracy):
    """Seconds of the dense solver for all temperatures, and its largest error."""
    errors, start = [], time.perf_counter()
    for t, count, gap in zip(temperatures, counts, exact, strict=True):
        found = plain_state(omega, coupling, float(t), int(count), tolerance=accuracy / 10)[1][0]
        errors.append(abs(found / gap - 1))
    return time.perf_counter() - start, max(errors)


def main() -> None:
    table = Table("gap")
    name, spectrum = niobium()
    critical = float(jaxelph.transition_temperature(spectrum, 0.0))
    temperatures = jnp.linspace(critical / 20, critical, 101)[:-1]

    def gap(scale, temperature):
        state = superconducting_state(
            spectrum.scaled(scale), temperature, mu_star=0.0, index=np.arange(1)
        )
        return state.gap[0]

    curve = jax.jit(jax.vmap(gap, (None, 0)))
    both = jax.jit(jax.vmap(jax.value_and_grad(gap, argnums=(0, 1)), (None, 0)))
    one = jnp.asarray(1.0)
    table.say(f"Delta_0 of {name}, mu* = 0, 100 temperatures from Tc/20 to Tc")
    rows = []
    for label, f in (("curve", curve), ("curve and gradients", both)):
        result, first, median = timed(f, one, temperatures)
        rows.append((label, result, first, median))
        table.say(f"{label:>22}: first call {first:6.2f} s, median {1e3 * median:8.1f} ms")
    solves = rows[1][3] / rows[0][3]
    table.say(f"{'gradient':>22}: {solves:.2f} solves (value and both derivatives)")
    exact = np.asarray(rows[0][1])
    omega, coupling = (np.asarray(x) for x in spectrum.coarse_modes())
    cold, warm = float(temperatures[0]), float(temperatures[40])
    for t, gap, count in ((cold, exact[0], 1500), (warm, exact[40], 300)):
        limit = extrapolated(omega, coupling, t, count)[0]
        table.say(
            f"{'accuracy':>22}: {abs(gap / limit - 1):.1e} at T/Tc = {t / critical:.2f}, by dense "
            f"sums of {count} and {2 * count}"
        )
    sample = np.array(SAMPLE)
    for accuracy in ACCURACIES:
        needed = [
            fewest(omega, coupling, float(temperatures[i]), exact[i], accuracy) for i in sample
        ]
        log = np.interp(np.log(temperatures), np.log(temperatures[sample]), np.log(needed))
        counts = np.ceil(1.05 * np.exp(log))
        seconds, error = plain_curve(omega, coupling, temperatures, counts, exact, accuracy)
        table.say(
            f"{f'dense, {accuracy:g}':>22}: {seconds:8.2f} s, {counts.max():.0f} to "
            f"{counts.min():.0f} frequencies, largest error {error:.1e}; ratio "
            f"{seconds / rows[0][3]:.0f}"
        )
    table.write()


if __name__ == "__main__":
    main()
