"""Δ(iω_n) below T_c: the compact solver against dense sums with mixing, at equal accuracy.

A curve of Δ over 100 temperatures from T_c/20 to T_c, of the niobium file where it is beside the
checkout and of a like table else. The peer is the textbook's: NumPy, dense Matsubara sums with
Anderson's mixing (`tests/plain_gap.py`), whose number of frequencies is chosen at each
temperature such that Δ_0 is as accurate as asked. A sample of its temperatures is timed and the
rest interpolated; said beside it. Times are medians with compilation apart. Run as

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
from plain_gap import plain_state  # noqa: E402

ACCURACY = 1e-6
SAMPLE = 5


def niobium():
    path = HERE.parents[1] / "shared" / "a2f" / "isome__Nb__Nb.a2F"
    if path.is_file():
        return "the Nb file", jaxelph.read_a2f(path, column=15)
    omega = jnp.linspace(0.1, 30.0, 301)
    a2f = 0.5 * jnp.exp(-(((omega - 16) / 4) ** 2)) + 0.3 * jnp.exp(-(((omega - 24) / 2) ** 2))
    return "a table of 301 rows", jaxelph.TabulatedSpectrum(omega, a2f)


def plain_time(omega, coupling, temperature, exact):
    """Seconds of the dense solver with the fewest frequencies that reach the accuracy."""
    count = 64
    while True:
        start = time.perf_counter()
        gap = plain_state(omega, coupling, temperature, count, tolerance=1e-8)[1][0]
        seconds = time.perf_counter() - start
        if abs(gap / exact - 1) < ACCURACY or count > 6000:
            return seconds, count, abs(gap / exact - 1)
        count = int(count * 1.3)


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
    sample = np.linspace(0, 95, SAMPLE).astype(int)
    seconds = []
    for i in sample:
        spent, count, error = plain_time(omega, coupling, float(temperatures[i]), exact[i])
        seconds.append(spent)
        table.say(
            f"{'dense':>22}: T/Tc = {temperatures[i] / critical:.3f}, {count:5d} frequencies,"
            f" {1e3 * spent:9.1f} ms, error {error:.1e}"
        )
    total = float(np.sum(np.interp(np.arange(100), sample, seconds)))
    table.say(f"{'dense, 100 of them':>22}: {total:8.2f} s by interpolation of these")
    table.say(f"{'ratio':>22}: {total / rows[0][3]:8.1f}")
    table.write()


if __name__ == "__main__":
    main()
