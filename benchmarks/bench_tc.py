"""T_c from the compact Matsubara kernel against the dense one: time and accuracy.

Every row solves the same problem: the largest eigenvalue ρ(T) of the kernel of a metal
with modes at 0.2, 0.6 and 1 ω_ph, at one temperature. Dense sums run over n < 10 ω_c/2πT
frequencies: NumPy builds the matrix and SciPy finds one eigenvalue; JAX does the same under
jit with the full `eigh`. Times are medians with compilation apart. Run as

    python benchmarks/bench_tc.py
"""

import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from _common import Table, timed

import jaxelph
from jaxelph.superconductivity.matsubara import matsubara_basis
from jaxelph.superconductivity.transition import pairing_eigenvalue, transition_temperature

OMEGA, COUPLING = np.array([0.2, 0.6, 1.0]), np.array([0.3, 0.5, 0.4])
CUTOFF = 2.0  # of the dense sum's length only: μ* = 0, so T/ω_c says how long it is


def assemble(xp, w, n):
    lags, i = xp.arange(2 * n + 1.0), xp.arange(n)
    squares = w[:, None] ** 2
    couplings = xp.sum(COUPLING[:, None] * squares / (squares + lags[None, :] ** 2), axis=0)
    kernel = couplings[abs(i[:, None] - i[None, :])] + couplings[i[:, None] + i[None, :] + 1]
    inner = xp.concatenate([xp.zeros(1), xp.cumsum(couplings[1:n])])
    kernel = kernel / 2 - xp.diag(couplings[0] / 2 + inner)
    return kernel / xp.sqrt((i[:, None] + 0.5) * (i[None, :] + 0.5))


def dense_numpy(temperature, n):
    kernel = assemble(np, OMEGA / (2 * np.pi * temperature), n)
    return scipy.linalg.eigh(kernel, eigvals_only=True, subset_by_index=[n - 1, n - 1])[0]


def dense_jax(n):
    return jax.jit(lambda t: jnp.linalg.eigvalsh(assemble(jnp, OMEGA / (2 * jnp.pi * t), n))[-1])


def eigenvalue_table() -> list[str]:
    lines = [
        "rho(T), mu* = 0; error relative to a basis of reach 1e10 and tolerance 1e-8",
        f"{'T/w_c':>8} {'method':>14} {'size':>6} {'first ms':>10} {'median ms':>10} {'error':>9}",
    ]
    spectrum = jaxelph.EinsteinModes(OMEGA, COUPLING)
    fine = matsubara_basis(reach=1e10, tolerance=1e-8)
    for ratio in (1e-1, 1e-2, 3e-3, 1e-3, 3e-4, 1e-5, 1e-7):
        temperature = ratio * CUTOFF
        exact = float(pairing_eigenvalue(spectrum, temperature, 0.0, cutoff=CUTOFF, basis=fine))
        rows = []
        n = round(10 / (2 * np.pi * ratio))
        if n <= 6000:
            rows.append(("numpy dense", n, timed(lambda t=temperature, n=n: dense_numpy(t, n))))
        if n <= 2000:
            compiled = dense_jax(n)
            rows.append(("jax dense", n, timed(lambda f=compiled, t=temperature: f(t))))
        for tolerance in (1e-4, 1e-6):
            basis = matsubara_basis(tolerance=tolerance)
            # A fresh jit each time, so that "first" always includes compilation.
            compact = eqx.filter_jit(
                lambda t, basis=basis: pairing_eigenvalue(
                    spectrum, t, 0.0, cutoff=CUTOFF, basis=basis
                )
            )
            size = basis.tensor.shape[1]
            traced = jnp.asarray(temperature)
            rows.append((f"compact {tolerance:.0e}", size, timed(lambda f=compact, t=traced: f(t))))
        for name, size, (value, first, median) in rows:
            error = abs(float(value) / exact - 1)
            lines.append(
                f"{ratio:8.0e} {name:>14} {size:6d} {1e3 * first:10.2f} {1e3 * median:10.3f}"
                f" {error:9.1e}"
            )
    return lines


def temperature_table() -> list[str]:
    """T_c of a table of 2,000 rows: value, gradient in all of them, a batch of gradients."""
    omega = jnp.linspace(0.02, 30.0, 2000)
    a2f = 0.5 * jnp.exp(-(((omega - 16) / 4) ** 2)) + 0.3 * jnp.exp(-(((omega - 24) / 2) ** 2))

    def temperature(a2f, mu_star):
        return transition_temperature(jaxelph.TabulatedSpectrum(omega, a2f), mu_star)

    mu_star, batch = jnp.asarray(0.12), jnp.linspace(0.1, 0.2, 16)
    gradient = jax.grad(temperature)
    jobs = [
        ("T_c", temperature, mu_star),
        ("gradient, 2000 rows", gradient, mu_star),
        ("T_c, 16 values of mu*", jax.vmap(temperature, (None, 0)), batch),
        ("gradients, same 16", jax.vmap(gradient, (None, 0)), batch),
    ]
    lines = [
        "T_c of a tabulated spectrum, 2000 rows",
        f"{'':>22} {'compile s':>10} {'median ms':>10} {'temporary MB':>13}",
    ]
    for name, f, x in jobs:
        start = time.perf_counter()
        compiled = jax.jit(f).lower(a2f, x).compile()
        compile_time = time.perf_counter() - start
        analysis = compiled.memory_analysis()
        memory = analysis.temp_size_in_bytes / 1e6 if analysis else float("nan")
        median = timed(compiled, a2f, x).median
        lines.append(f"{name:>22} {compile_time:10.2f} {1e3 * median:10.2f} {memory:13.1f}")
    return lines


def basis_table() -> list[str]:
    lines = [
        "basis, NumPy, once for each process",
        f"{'reach':>8} {'tol':>6} {'shape':>14} {'ms':>6}",
    ]
    for reach, tolerance in ((1e7, 1e-6), (1e9, 1e-4), (1e9, 1e-6), (1e11, 1e-6)):
        start = time.perf_counter()
        basis = matsubara_basis.__wrapped__(reach, tolerance)
        seconds = time.perf_counter() - start
        shape = "x".join(str(k) for k in basis.tensor.shape)
        lines.append(f"{reach:8.0e} {tolerance:6.0e} {shape:>14} {1e3 * seconds:6.0f}")
    return lines


def main() -> None:
    table = Table("tc")
    for make in (basis_table, eigenvalue_table, temperature_table):
        table.say("\n" + "\n".join(make()))
    table.write()


if __name__ == "__main__":
    main()
