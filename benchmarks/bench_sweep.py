"""Sweeps: points per second of margin, λ_c and their gradient, beside a loop in NumPy and SciPy.

A point is a temperature and the couplings of the 21 modes of the Supplement's Table I. At each
the least eigenvalue of Ã on 128 energies and λ_c are computed, and the gradient of λ_c with
respect to T and all couplings: here in reverse, in the loop by central differences (44 more
values). The loop computes Ã with NumPy from the same formulas and its least eigenvalue with
LAPACK's `syevr`. Weak scaling keeps the points of each virtual device: on as many cores as
devices, and no more, the points per second may grow with their number. A screen reads 256
files of 100 to 400 rows and computes what `jaxelph sweep` does by default. Run as

    python benchmarks/bench_sweep.py
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# A device for each core, or LAPACK would leave all but one idle. Before JAX starts.
os.environ.setdefault("XLA_FLAGS", f"--xla_force_host_platform_device_count={os.cpu_count() or 1}")

import jax
import numpy as np
import scipy.linalg
from _common import Table

import jaxelph as jx
from jaxelph.sweeps import points
from jaxelph.sweeps.chunks import evaluate_chunks
from jaxelph.sweeps.screen import screen
from jaxelph.units import KELVIN

OMEGA = np.arange(40.0, 61.0)
STEP, SIZE = 1.6, 128
GRID = jx.EnergyGrid(STEP, SIZE)
# What `jaxelph sweep` computes if nothing is said.
DEFAULT = ("lambda", "omega-log", "tc", "lambda_c", "xi", "margin")


def drawn(count):
    random = np.random.default_rng(0)
    return random.uniform(10.0, 20.0, count), random.uniform(0.02, 0.2, (count, 21))


def values(temperature, coupling):
    spectrum = jx.EinsteinModes(OMEGA, coupling)
    margin = jx.margin(spectrum, temperature, grid=GRID)
    return margin, jax.numpy.sum(coupling) / (1 - margin)


def with_gradient(temperature, coupling):
    def critical(*at):
        margin, found = values(*at)
        return found, margin

    (found, margin), gradient = jax.value_and_grad(critical, (0, 1), has_aux=True)(
        temperature, coupling
    )
    return margin, found, *gradient


def rate(function, count, chunk):
    """Points per second after compilation."""
    temperature, coupling = drawn(count + chunk)
    space = points(temperature=temperature, coupling=coupling)
    start = 0.0
    for which, _ in evaluate_chunks(function, space, chunk):
        if which == 0:
            start = time.perf_counter()  # the first one compiles
    return count / (time.perf_counter() - start)


class Loop:
    """Ã = 1 + Σ_q λ_q (…): the same numbers without JAX, all that can be kept precomputed."""

    def __init__(self):
        n = np.arange(2 * SIZE + 1.0)
        a = OMEGA[:, None] / STEP

        def weight(x):
            return np.pi * np.sin(np.pi * x / 2) * np.sinc(x / 2)

        self.kernels = OMEGA[:, None] / 2 * (weight(n + a) - weight(n - a))
        i = np.arange(SIZE + 1)
        self.difference = np.abs(i[1:, None] - i[None, 1:])
        self.sum = i[1:, None] + i[None, 1:]
        self.energy = STEP * i

    def values(self, temperature, coupling):
        kernel = coupling @ self.kernels
        window = 0.25 / temperature / np.cosh(self.energy / (2 * temperature)) ** 2
        odd = kernel[self.difference] - kernel[self.sum]
        even = kernel[self.difference] + kernel[self.sum]
        weight = 1 + even @ window[1:] + kernel[1 : SIZE + 1] * window[0]
        root = np.sqrt(window[1:])
        matrix = np.diag(weight) - root[:, None] * odd * root[None, :]
        margin = scipy.linalg.eigh(matrix, eigvals_only=True, subset_by_index=[0, 0])[0]
        return margin, np.sum(coupling) / (1 - margin)

    def with_gradient(self, temperature, coupling):
        at = np.append(temperature, coupling)
        gradient = np.empty_like(at)
        for k in range(len(at)):
            h = 1e-5 * at[k]
            low, high = at.copy(), at.copy()
            low[k], high[k] = at[k] - h, at[k] + h
            up, down = (self.values(x[0], x[1:])[1] for x in (high, low))
            gradient[k] = (up - down) / (2 * h)
        return *self.values(temperature, coupling), gradient[0], gradient[1:]


def loop_rate(function, count):
    temperature, coupling = drawn(count)
    function(temperature[0], coupling[0])
    start = time.perf_counter()
    found = [function(t, c) for t, c in zip(temperature, coupling, strict=True)]
    return count / (time.perf_counter() - start), [np.stack(x) for x in zip(*found, strict=True)]


def screen_rate(count):
    """Files per second, compiled before."""
    omega = [np.linspace(0.5, 40 + 20 * k / count, 100 * (1 + k % 4)) for k in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{k:05d}.dat" for k in range(count)]
        for file, w in zip(files, omega, strict=True):
            a2f = 0.4 * np.exp(-(((w - 15) / 4) ** 2)) + 0.5 * np.exp(-(((w - 30) / 4) ** 2))
            rows = "\n".join(f"{x:.6f} {y:.6e}" for x, y in zip(w, a2f, strict=True))
            file.write_text(f"# omega [meV]   alpha2F\n{rows}\n")
        seconds = []
        for _ in range(2):
            start = time.perf_counter()
            screen(files, DEFAULT, 60 * KELVIN)
            seconds.append(time.perf_counter() - start)
    return count / seconds[1]


def share(devices, *arguments):
    """What a process of its own with so many virtual devices prints."""
    flags = f"--xla_force_host_platform_device_count={devices}"
    done = subprocess.run(
        [sys.executable, __file__, *map(str, arguments)],
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def main() -> None:
    table = Table("sweep")
    loop = Loop()
    table.say(f"{'':>24} {'points/s':>10} {'loop':>10} {'ratio':>7}   largest difference")
    for name, ours, theirs, count in (
        ("margin and λ_c", values, loop.values, 200),
        ("and gradient in T, 21 λ", with_gradient, loop.with_gradient, 8),
    ):
        here = rate(ours, 256, 64)
        there, expected = loop_rate(theirs, count)
        same = jax.vmap(ours)(*drawn(count))
        difference = max(
            float(np.max(np.abs(a - b) / np.max(np.abs(b))))
            for a, b in zip(same, expected, strict=True)
        )
        table.say(f"{name:>24} {here:10.1f} {there:10.1f} {here / there:7.1f}   {difference:.1e}")
    if jax.default_backend() == "cpu":
        first = 0.0
        table.say()
        cores = os.cpu_count() or 1
        table.say(f"weak scaling with the gradient, 64 points a virtual device, {cores} cores")
        for devices in (1, 2, 4, 8):
            found = share(devices, 64 * devices, 16 * devices)
            first = found if devices == 1 else first
            ideal = min(devices, cores)
            table.say(
                f"{devices:3d} devices {found:10.1f} points/s, {found / first:.2f} of 1 device "
                f"(cores allow {ideal})"
            )
        table.say()
        table.say(f"screen of 256 files: {', '.join(DEFAULT)}")
        for devices in sorted({1, cores}):
            table.say(f"{devices:3d} devices {share(devices, 256):10.1f} files/s")
    table.write()


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(rate(with_gradient, int(sys.argv[1]), int(sys.argv[2])))
    elif len(sys.argv) == 2:
        print(screen_rate(int(sys.argv[1])))
    else:
        main()
