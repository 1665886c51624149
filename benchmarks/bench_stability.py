"""Linear stability: a scan in λ beside LAPACK, batches of gradients, products, large grids.

(a) All rates at 101 couplings, λ = 0.9788 … 1.9788, T0 = 0.2 g, 21 modes: the scan of the
    paper's Fig. 2. The peer is `scipy.linalg` on the paper's grid of 1000 energies, ε = 1 in units
    of the mode spacing, once with the pole dropped as in Supplement Eq. (22) and once with
    this package's quadrature. Its time is for the eigenvalues alone, no assembly, measured on a
    few λ and scaled to 101; ours is for everything from the spectrum to rates and
    eigenvectors. `eigh` (with eigenvectors) is also shown on our small grids: there the
    gain is the quadrature's.
(b) Margin and critical coupling by three criteria, with their gradients in T and 21 couplings,
    at 1,000 temperatures in one call.
(c) Products with the pencil by fast Fourier transform and by matrices.
(d) The margin by Davidson's method without a matrix and by dense diagonalisation.

One thread each, unless the environment says otherwise.

    python benchmarks/bench_stability.py     prints, and writes benchmarks/tables/stability.txt
"""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import time  # noqa: E402

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import scipy.linalg  # noqa: E402
from _common import Table, timed  # noqa: E402

from jaxelph import (
    CRITERIA,
    EinsteinModes,
    EnergyGrid,
    critical_coupling,
    example,
    margin,
    normal_modes,
    stability_margin,
    stability_pencil,
)

TABLE = Table("stability")
METAL = example("table1")
G = float(np.sqrt(np.mean(np.arange(40.0, 61.0) ** 2)))  # g at λ = 1
COUPLINGS = 0.9788 + 0.01 * np.arange(101)
SAMPLES = (0, 48, 100)  # the λ at which LAPACK is timed and γ₁ compared
PAPER = EnergyGrid(1.0, 1000)


def temperature_at(coupling):
    """T0 = 0.2 g, g² = λ⟨ω²⟩."""
    return 0.2 * G * np.sqrt(coupling)


def pole_dropped(pencil, coupling, temperature):
    """Ã with the kernel of Supplement Eq. (22): the rectangle rule without its pole."""
    n = np.arange(2 * PAPER.size + 1.0)
    squares = np.arange(40.0, 61.0)[:, None] ** 2
    pole = squares == n**2
    kernel = np.sum(np.where(pole, 0.0, squares / np.where(pole, 1.0, squares - n**2)), axis=0)
    kernel *= coupling / 21
    i = np.arange(PAPER.size)
    h = np.asarray(pencil.window)
    folded = kernel[abs(i[:, None] - i[None, :])] - kernel[i[:, None] + i[None, :] + 2]
    return np.diag(np.asarray(pencil.weight)) - h[:, None] * folded * h[None, :]


def slowest(inverse_rates):
    return 1 / np.max(np.real(inverse_rates))


def scan():
    TABLE.say("\n(a) All rates at 101 couplings\n")
    columns = f"{'':<46}{'L':>6}{'γ₁ error':>10}{'first s':>9}{'101 λ, s':>10}{'ratio':>8}"
    TABLE.say(f"{columns}\n{'-' * len(columns)}")
    exact, rows = {}, []
    for name in ("eigh, sinc quadrature", "eigh, pole dropped", "eig of A⁻¹M, pole dropped"):
        taken, errors = [], []
        for k in SAMPLES if name.startswith("eigh") else SAMPLES[1:2]:
            coupling, temperature = COUPLINGS[k], temperature_at(COUPLINGS[k])
            pencil = stability_pencil(METAL.scaled(coupling), temperature, PAPER)
            M = np.array(pencil.M)
            sinc = name.endswith("quadrature")
            A = np.array(pencil.A) if sinc else pole_dropped(pencil, coupling, temperature)
            start = time.perf_counter()
            if name.startswith("eigh"):
                found = scipy.linalg.eigh(A, M, eigvals_only=True)
            else:
                found = 1 / scipy.linalg.eigvals(scipy.linalg.solve(A, M, assume_a="sym"))
            taken.append(time.perf_counter() - start)
            value = slowest(found)
            exact.setdefault(k, value)
            errors.append(abs(value / exact[k] - 1))
        rows.append((f"scipy.linalg.{name}", PAPER.size, max(errors), None, 101 * np.median(taken)))
    peer = rows[0][-1]
    temperatures = temperature_at(COUPLINGS)
    for rtol in (1e-4, 1e-6, 1e-9):
        grids = [
            EnergyGrid.suggest(METAL.scaled(c), t, rtol)
            for c, t in zip(COUPLINGS, temperatures, strict=True)
        ]
        size = max(grid.size for grid in grids)
        steps = np.array([float(grid.step) for grid in grids])

        def rates(coupling, temperature, step, size=size):
            grid = EnergyGrid(step, size)
            return normal_modes(METAL.scaled(coupling), temperature, grid).rates

        done = timed(jax.jit(jax.vmap(rates)), COUPLINGS, temperatures, steps)
        found = {k: slowest(1 / np.asarray(done.result[k])) for k in SAMPLES}
        error = max(abs(found[k] / exact[k] - 1) for k in SAMPLES)
        rows.append((f"vmap(normal_modes), grid for {rtol:.0e}", size, error, *done[1:]))
        taken = []
        for k in SAMPLES:
            spectrum = METAL.scaled(COUPLINGS[k])
            pencil = stability_pencil(spectrum, temperatures[k], EnergyGrid(steps[k], size))
            A, M = np.array(pencil.A), np.array(pencil.M)
            taken.append(timed(scipy.linalg.eigh, A, M, budget=0.1).median)
        seconds = 101 * np.median(taken)
        rows.append((f"scipy.linalg.eigh, grid for {rtol:.0e}", size, error, None, seconds))
    for name, size, error, first, seconds in rows:
        shown = "" if first is None else f"{first:.1f}"
        told = "0" if error == 0 else f"{error:.1e}"
        TABLE.say(f"{name:<46}{size:>6}{told:>10}{shown:>9}{seconds:>10.3f}{peer / seconds:>8.1f}")
    TABLE.say(
        "γ₁ error: relative to the sinc quadrature on L = 1000, largest of "
        f"λ = {', '.join(f'{COUPLINGS[k]:.4f}' for k in SAMPLES)}"
    )
    TABLE.say("ratio: to scipy.linalg.eigh on the same quadrature, L = 1000")
    counts = [int(jnp.sum(done.result[k] < 0)) for k in (50, 51, 100)]
    TABLE.say(
        f"growing modes at λ = 1.4788, 1.4888, 1.9788 on the last grid: {counts}; "
        "on ε = 1: [1, 3, 21]"
    )
    TABLE.say("where Z0⁻¹ < 0 on an interval of energies their number grows with the grid's")


def batches():
    TABLE.say("\n(b) Values and gradients in T and 21 couplings at 1,000 temperatures, one call\n")
    columns = f"{'':<34}{'L':>6}{'first s':>9}{'value ms':>10}{'+ grad ms':>11}{'check':>12}"
    TABLE.say(f"{columns}\n{'-' * len(columns)}")
    temperatures = np.linspace(9.0, 27.0, 1000)
    suggested = EnergyGrid.suggest(METAL, 9.0, 1e-6)
    size, per_temperature = suggested.size, float(suggested.step) / 9.0

    def on_grid(function, criterion):
        def value(temperature, coupling):
            grid = EnergyGrid(jax.lax.stop_gradient(per_temperature * temperature), size)
            spectrum = EinsteinModes(METAL.omega, coupling)
            return function(spectrum, temperature, criterion=criterion, grid=grid)

        return value

    for name, function in (("margin", margin), ("critical_coupling", critical_coupling)):
        for criterion in CRITERIA:
            value = on_grid(function, criterion)
            both = jax.value_and_grad(value, argnums=(0, 1))
            args = (temperatures, METAL.coupling)
            plain = timed(jax.jit(jax.vmap(value, (0, None))), *args)
            full = timed(jax.jit(jax.vmap(both, (0, None))), *args)
            # On one temperature the grid is held, as the gradient holds it.
            k, h = 900, 1e-4
            at = temperatures[k]
            grid = EnergyGrid(per_temperature * at, size)
            ends = [
                float(function(METAL, at + s * h, criterion=criterion, grid=grid)) for s in (1, -1)
            ]
            numeric = (ends[0] - ends[1]) / (2 * h)
            difference = abs(float(full.result[1][0][k]) / numeric - 1)
            TABLE.say(
                f"{f'{name}, {criterion}':<34}{size:>6}{full.first:>9.1f}"
                f"{1e3 * plain.median:>10.1f}{1e3 * full.median:>11.1f}{difference:>12.1e}"
            )
    TABLE.say("last column: ∂/∂T against a central difference at one temperature, relative")


def products():
    TABLE.say("\n(c) One product with Ã, kernels ready\n")
    columns = f"{'L':>8}{'matrix ms':>12}{'FFT ms':>10}{'ratio':>8}{'largest difference':>20}"
    TABLE.say(f"{columns}\n{'-' * len(columns)}")
    temperature, largest_dense = 12.5, 8192
    multiply = jax.jit(lambda pencil, v: pencil.multiply_A(v))
    dense = jax.jit(lambda A, v: A @ v)
    for size in 2 ** np.arange(6, 17):
        grid = EnergyGrid(500.0 / size, int(size))
        pencil = stability_pencil(METAL, temperature, grid)
        vector = jnp.asarray(np.random.default_rng(0).normal(size=size))
        fast = timed(multiply, pencil, vector, budget=0.5)
        line = f"{size:>8}"
        if size <= largest_dense:
            A = pencil.A
            slow = timed(dense, A, vector, budget=0.5)
            difference = float(jnp.max(jnp.abs(slow.result - fast.result)))
            line += f"{1e3 * slow.median:>12.4f}{1e3 * fast.median:>10.4f}"
            line += f"{slow.median / fast.median:>8.2f}{difference:>20.1e}"
        else:
            line += f"{'':>12}{1e3 * fast.median:>10.4f}"
        TABLE.say(line)


def margins():
    TABLE.say("\n(d) The margin, 21 modes, λ = 4.5, T0 = 0.278 g, cutoff 1024, ms\n")
    columns = f"{'L':>8}{'matrix':>10}{'search':>10}{'first s':>9}{'margin':>20}{'difference':>12}"
    TABLE.say(f"{columns}\n{'-' * len(columns)}")
    spectrum, temperature = METAL.scaled(4.5), 0.278 * G * np.sqrt(4.5)
    for size in (256, 512, 1024, 2048, 4096, 16384, 65536):
        grid = EnergyGrid(1024 / size, size)
        search = timed(
            lambda g: stability_margin(spectrum, temperature, g, method="iterative"), grid
        )
        slow, difference = "", ""
        if size <= 2048:
            dense = timed(lambda g: stability_margin(spectrum, temperature, g), grid)
            slow = f"{1e3 * dense.median:.1f}"
            difference = f"{abs(float(dense.result - search.result)):.1e}"
        TABLE.say(
            f"{size:>8}{slow:>10}{1e3 * search.median:>10.1f}{search.first:>9.1f}"
            f"{float(search.result):>20.14f}{difference:>12}"
        )
    TABLE.say("an ε below the spacing of the δ modes lets rougher modes in: the margin moves")


def main():
    scan()
    batches()
    products()
    margins()
    TABLE.write()


if __name__ == "__main__":
    main()
