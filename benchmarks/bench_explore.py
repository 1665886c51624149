"""A move on the page of `jaxelph explore`: from a state to all of its numbers and curves.

What is dragged: a peak's centre and height, a width, a table's factor and its stretch, T, μ*. Each
row is twenty states along the way, none of which is compiled for: the wall time, and beside it the
time on the processor, which other programs on the machine hardly change. Run as

    python benchmarks/bench_explore.py
"""

import dataclasses
import statistics
import time

import numpy as np
from _common import Table

import jaxelph as jx
from jaxelph.explorer.explore import start_of
from jaxelph.explorer.numbers import Model
from jaxelph.explorer.state import Peak

MOVES = 20


def along(model, states):
    """Medians of wall and processor time in ms, and the longest wall time."""
    walls, busy = [], []
    for state in states:
        wall, processor = time.perf_counter(), time.process_time()
        assert not model.needs_compiling(state)
        model.numbers(state)
        walls.append(1e3 * (time.perf_counter() - wall))
        busy.append(1e3 * (time.process_time() - processor))
    return statistics.median(walls), max(walls), statistics.median(busy)


def peak_ways(start):
    first = start.peaks[0]
    x = np.linspace(0.0, 1.0, MOVES)

    def moved(**changes):
        return start.with_peak(0, dataclasses.replace(first, **changes))

    yield (
        "a peak, sideways and up",
        [
            moved(omega=first.omega * (0.8 + 0.3 * s), coupling=first.coupling * (1 + 0.3 * s))
            for s in x
        ],
    )
    yield "its width", [moved(width=first.width * (0.9 + 0.3 * s)) for s in x]
    yield "a third peak, up", [start.with_peak(2, Peak(8.0, 1.0, 0.3 * s + 0.01)) for s in x]


def other_ways(start):
    x = np.linspace(0.0, 1.0, MOVES)
    for field, low, high in (("factor", 0.8, 1.4), ("stretch", 0.9, 1.1)):
        yield field, [dataclasses.replace(start, **{field: low + (high - low) * s}) for s in x]


def every_way(start):
    x = np.linspace(0.0, 1.0, MOVES)
    yield "T", [dataclasses.replace(start, temperature=start.temperature * (1 + s)) for s in x]
    yield "μ*", [dataclasses.replace(start, mu_star=0.08 + 0.08 * s) for s in x]


def main():
    omega = np.linspace(0.2, 30.0, 500)
    a2f = 0.6 * np.exp(-(((omega - 15) / 4) ** 2)) + 0.4 * np.exp(-(((omega - 23) / 1.5) ** 2))
    metals = {
        "two peaks (niobium), T = Tc": jx.example("niobium"),
        "a table of 500 rows, T = Tc": jx.TabulatedSpectrum(omega, a2f),
        "21 δ modes (table1), T = Tc": jx.example("table1"),
    }
    table = Table("explore")
    table.say("what is moved                      wall, median   longest   processor (ms)")
    for name, metal in metals.items():
        model, start = Model(metal), start_of(metal)
        begun = time.perf_counter()
        model.numbers(start)
        first = time.perf_counter() - begun
        nodes = model._nodes(start)[0]
        table.say(f"{name}: {nodes.omega.size} nodes, {nodes.size} energies; first {first:.1f} s")
        ways = [*(peak_ways if start.peaks else other_ways)(start), *every_way(start)]
        for way, states in ways:
            wall, longest, busy = along(model, states)
            table.say(f"  {way:<32s} {wall:12.1f} {longest:9.1f} {busy:11.1f}")
    table.write()


if __name__ == "__main__":
    main()
