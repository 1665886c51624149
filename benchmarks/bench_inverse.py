"""What a gradient costs in forward evaluations, and what a fit of α²F costs in seconds.

The first table takes λ_c by three criteria, Tc and C_el of a tabulated α²F of 200 rows. Beside
one reverse pass stands what the same gradient costs by central differences, two evaluations a
row, timed on every 50th of them in one program; and how far they are from it. The second
table is a whole fit of a table of 200 rows to 400 data with its error bars, beside the same
posterior by SciPy. Compilation is apart. Run as

    python benchmarks/bench_inverse.py
"""

import time

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
import scipy.special
from _common import Table, timed

from jaxelph import EnergyGrid, TabulatedSpectrum
from jaxelph.inverse import HeatData, SelfEnergyData, fit_linear, fit_spectrum
from jaxelph.inverse.fit.posterior import prior_covariance
from jaxelph.inverse.fit.prediction import predict
from jaxelph.inverse.sensitivities.derivatives import QUANTITIES, Setting

OMEGA = np.linspace(0.15, 30.0, 200)
A2F = (0.62 * np.exp(-((OMEGA - 13.2) ** 2) / 18) + 0.5 * np.exp(-((OMEGA - 21.5) ** 2) / 5)) * (
    OMEGA**2 / (OMEGA**2 + 2)
)
TEMPERATURE = 8.0
DIFFERENCES = 50  # Every 50th row is differenced, and the time multiplied.
NAMES = ("lambda-c-weight", "lambda-c-heat", "lambda-c-kinetic", "tc", "heat")


def gradient_table(table: Table) -> None:
    grid = EnergyGrid.suggest(TabulatedSpectrum(OMEGA, A2F), TEMPERATURE)
    setting = Setting(jnp.asarray(TEMPERATURE), jnp.asarray(0.1), grid, grid)
    table.say(f"gradient in {len(OMEGA)} rows of α²F, {grid.size} energies; passes in evaluations")
    table.say(
        f"{'quantity':>17} {'compile s':>10} {'value ms':>9} {'value+gradient ms':>18}"
        f" {'passes':>7} {'differences ms':>15} {'passes':>7} {'they differ':>12}"
    )
    for name in NAMES:
        compute = QUANTITIES[name].compute

        def quantity(a2f, compute=compute):
            return compute(TabulatedSpectrum(OMEGA, a2f), setting)

        def differences(a2f, quantity=quantity):
            step = 1e-4
            kicks = step * jnp.eye(len(a2f))[::DIFFERENCES]
            high = jax.lax.map(lambda kick: quantity(a2f + kick), kicks)
            low = jax.lax.map(lambda kick: quantity(a2f - kick), kicks)
            return (high - low) / (2 * step)

        a2f = jnp.asarray(A2F)
        value = timed(jax.jit(quantity), a2f)
        reverse = timed(jax.jit(jax.value_and_grad(quantity)), a2f)
        numeric = timed(jax.jit(differences), a2f, runs=1)
        numeric = numeric._replace(median=DIFFERENCES * numeric.median)
        exact = np.asarray(reverse.result[1])[::DIFFERENCES]
        miss = np.max(np.abs(np.asarray(numeric.result) - exact)) / np.max(np.abs(exact))
        table.say(
            f"{name:>17} {reverse.first:10.1f} {1e3 * value.median:9.2f}"
            f" {1e3 * reverse.median:18.2f} {reverse.median / value.median:7.1f}"
            f" {1e3 * numeric.median:15.1f} {numeric.median / value.median:7.0f} {miss:12.1e}"
        )


def measured():
    """200 numbers of C_el(T) and 200 of Σ(E), of 1 %."""
    rng = np.random.default_rng(0)
    temperatures, energies = np.linspace(0.4, 10.0, 200), np.linspace(0.5, 45.0, 100)
    metal = TabulatedSpectrum(OMEGA, A2F)
    blank = [
        HeatData(temperatures, np.ones(200), np.full(200, 0.01)),
        SelfEnergyData(1.0, energies, energies, energies, np.full(100, 0.2)),
    ]
    heat, sigma = (np.asarray(item.predict(metal)) for item in blank)
    heat = heat + 0.01 * rng.normal(size=200)
    sigma = sigma + 0.2 * rng.normal(size=200)
    return [
        HeatData(temperatures, heat, np.full(200, 0.01)),
        SelfEnergyData(1.0, energies, sigma[:100], sigma[100:], np.full(100, 0.2)),
    ]


def by_scipy(design, target, noise, top):
    """The same posterior in the space of all data, one (A, ℓ, ω_l) after the other."""
    scaled, whitened = design / noise[:, None], target / noise
    amplitude = np.geomspace(0.02, 5.0, 13)
    logs, priors = [], []
    for length in np.geomspace(0.01, 0.6, 10):
        for onset in np.geomspace(0.005, 0.8, 9):
            prior = np.asarray(
                prior_covariance(jnp.asarray(OMEGA), top, 1.0, top * length, top * onset)
            )
            values, vectors = scipy.linalg.eigh(scaled @ prior @ scaled.T)
            variance = 1 + amplitude[:, None] ** 2 * np.maximum(values, 0)[None, :]
            seen = vectors.T @ whitened
            pull = [np.log(length / 0.1) / 1.5, np.log(onset / 0.1) / 1.5]
            before = 0.5 * (np.log(amplitude / 0.5) ** 2 + np.sum(np.square(pull)))
            logs.append(-0.5 * np.sum(seen**2 / variance + np.log(variance), axis=1) - before)
            priors.append(prior)
    weight = scipy.special.softmax(np.array(logs))
    mixed = np.tensordot(weight @ amplitude**2, np.array(priors), 1)
    covered = scaled @ mixed
    gain = np.linalg.solve(covered @ scaled.T + np.eye(len(target)), covered).T
    return gain @ whitened


def fit_table(table: Table) -> None:
    data = measured()
    table.say()
    table.say(f"fit of {len(OMEGA)} rows of α²F to 400 data, error bars included")
    table.say(f"{'':>34} {'first s':>8} {'median s':>9} {'λ, true ' + truth():>22}")
    for label, options in (
        ("smooth prior", {}),
        ("the same with Tc", {"mu_star": 0.1}),
        ("maximum entropy, evidence", {"prior": "entropy"}),
    ):
        given = {"mu_star": None, **options}
        fit = timed(lambda given=given: fit_spectrum(data, OMEGA, **given), budget=2.0)
        value, error = fit.result.moments["lambda"]
        table.say(
            f"{label:>34} {fit.first:8.1f} {fit.median:9.2f} {f'{value:.4f} ± {error:.4f}':>22}"
        )
    zero = jnp.zeros(len(OMEGA))

    def model(a2f):
        return predict(TabulatedSpectrum(OMEGA, a2f), data)

    offset, design = np.asarray(model(zero)), np.asarray(jax.jit(jax.jacfwd(model))(zero))
    noise = np.concatenate([item.error for item in data])
    target = np.concatenate([item.values for item in data]) - offset
    start = time.perf_counter()
    peer = by_scipy(design, target, noise, 1.05 * OMEGA[-1])
    seconds = time.perf_counter() - start
    own = fit_linear(OMEGA, design, target, noise).a2f
    table.say(f"{'SciPy, K given':>34} {'':>8} {seconds:9.2f}")
    table.say(f"largest difference of α²F between the two: {np.max(np.abs(peer - own)):.1e}")


def truth() -> str:
    return f"{2 * np.trapezoid(A2F / OMEGA, OMEGA):.4f}"


def main() -> None:
    table = Table("inverse")
    gradient_table(table)
    fit_table(table)
    table.write()


if __name__ == "__main__":
    main()
