"""Work against precision of the implicit solvers, beside SUNDIALS IDA and diffrax's Kvaerno5.

Two problems:

- a kinetic model B(u) u' = I(u) on 75 unknowns: electrons relaxing on a ladder of 21 modes,
  rates spread over 0.9 to 137, from t = 0 to 14 times the slowest relaxation time;
- Robertson's differential-algebraic equation to t = 4e10.

Errors are maxima over the saved times against an integration with tolerances of 1e-12 by another
code. Times are medians of repeated runs, after compilation, on one core unless told otherwise.

    python benchmarks/bench_dae.py            prints, and writes benchmarks/tables/dae.txt
"""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import functools as ft  # noqa: E402
import time  # noqa: E402

import diffrax  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import scipy.integrate  # noqa: E402
import scipy.linalg  # noqa: E402
from _common import Table, timed  # noqa: E402

jax.config.update("jax_enable_x64", True)

from jaxelph.dae import (  # noqa: E402
    BDF,
    ImplicitTerm,
    Krylov,
    MassMatrixTerm,
    Rodas5P,
    StepController,
)

TABLE = Table("dae")
say = TABLE.say


# The kinetic model, on odd functions u of energy at E = eps, 2 eps, ..., by sinc quadrature.


def kinetic_model(size=75, eps=6.0, modes=21, hot=1.1):
    omega = np.arange(40.0, 40.0 + modes)
    weight = np.full(modes, 1.0 / modes)
    temperature = 0.25 * np.sqrt((weight * omega**2).sum())
    i = np.arange(1, size + 1)
    energy = eps * i
    minus, plus = np.subtract.outer(i, i), np.add.outer(i, i)

    def pv(x):
        return np.where(x == 0, 0.0, (1 - np.cos(np.pi * x)) / np.where(x == 0, 1, x))

    def kernel(d):
        pairs = zip(weight, omega, strict=True)
        return sum(w * o / 2 * (pv(d + o / eps) - pv(d - o / eps)) for w, o in pairs)

    def slope(d):
        return np.where(d == 0, 0.0, np.cos(np.pi * d) / np.where(d == 0, 1, d)) / eps

    def fermi(e, t=temperature):
        return 0.5 * (1 - np.tanh(e / (2 * t)))

    def fermi_slope(e):
        return -1 / (4 * temperature * np.cosh(np.clip(e / (2 * temperature), -300, 300)) ** 2)

    derivative = slope(minus) - slope(plus)
    at_zero = slope(-i) - slope(i)
    far = np.arange(-6 * size, 6 * size + 1)
    c = weight * omega
    bose = 1 / np.expm1(omega / temperature)
    up = [np.sinc(minus + o / eps) - np.sinc(plus + o / eps) for o in omega]
    down = [np.sinc(minus - o / eps) - np.sinc(plus - o / eps) for o in omega]
    table = zip(c, bose, omega, up, down, strict=True)
    gain, exchange, source, drift = 0.0, 0.0, 0.0, 0.0
    for ck, nk, o, u, d in table:
        gain = gain + ck * nk * (u + d) + ck * u
        exchange = exchange + ck * (u - d)
        source = source + ck * nk * (fermi(energy + o) + fermi(energy - o)) + ck * fermi(energy + o)
        drift = drift + ck * (fermi(energy + o) - fermi(energy - o))
    p = dict(
        kappa=kernel(minus) - kernel(plus),
        kappa_d=(kernel(minus) + kernel(plus)) @ derivative + np.outer(kernel(i), at_zero),
        kappa_0=kernel(np.subtract.outer(i, far)) @ fermi_slope(eps * far),
        d=derivative,
        f0=fermi(energy),
        f0_slope=fermi_slope(energy),
        gain=gain,
        exchange=exchange,
        source=source,
        drift=drift,
        loss=float(2 * (c * bose).sum() + c.sum()),
    )
    start = fermi(energy, hot * temperature) - fermi(energy)
    return {k: np.asarray(v) for k, v in p.items()}, start


def product(t, u, v, p):
    return (1 - p["kappa_0"] - p["kappa_d"] @ u) * v + (p["f0_slope"] + p["d"] @ u) * (
        p["kappa"] @ v
    )


def collisions(t, u, p):
    f = p["f0"] + u
    return p["gain"] @ u + p["source"] - p["loss"] * f - f * (p["exchange"] @ u + p["drift"])


def mass(t, u, p, xp=jnp):
    return (
        xp.diag(1 - p["kappa_0"] - p["kappa_d"] @ u)
        + (p["f0_slope"] + p["d"] @ u)[:, None] * p["kappa"]
    )


def jacobian(t, u, v, p, xp=jnp):
    f = p["f0"] + u
    return (
        p["gain"]
        - xp.diag(p["loss"] + p["exchange"] @ u + p["drift"])
        - f[:, None] * p["exchange"]
        + v[:, None] * p["kappa_d"]
        - (p["kappa"] @ v)[:, None] * p["d"]
    )


def preconditioner(t, u, v, alpha, p):
    diagonal = alpha * (1 - p["kappa_0"] - p["kappa_d"] @ u) + p["loss"]
    return lambda r: r / diagonal


KINETIC = MassMatrixTerm(collisions, mass, product, jacobian)
KINETIC_ODE = diffrax.ODETerm(lambda t, u, p: jnp.linalg.solve(mass(t, u, p), collisions(t, u, p)))
TIMES = np.array([0.0, 0.02, 0.1, 0.4, 1.0, 2.0, 4.0, 8.0, 16.0])


def run(u0, p, rtol, *, term, solver, controller, times, scale=1e-2):
    return diffrax.diffeqsolve(
        term,
        solver,
        times[0],
        times[-1],
        None,
        u0,
        p,
        saveat=diffrax.SaveAt(ts=times),
        stepsize_controller=controller(rtol=rtol, atol=rtol * scale),
        max_steps=4096,
        throw=False,
    )


def ida(residual, times, y0, rate, rtol, atol, runs=3, **options):
    import sksundae

    taken = []
    for _ in range(runs):
        solver = sksundae.ida.IDA(residual, rtol=rtol, atol=atol, max_num_steps=100000, **options)
        start = time.perf_counter()
        solution = solver.solve(times, y0, rate)
        taken.append(time.perf_counter() - start)
    return solution, float(np.median(taken))


def row(name, rtol, steps, error, seconds, first=None):
    compiled = "" if first is None else f"{first:11.1f}"
    shown = "" if np.isnan(error) else f"{error:.1e}"
    say(f"{name:<36}{rtol:9.0e}{steps:>8}{shown:>11}{seconds * 1e3:11.2f}{compiled}")


def header(title):
    say()
    say(title)
    columns = f"{'method':<36}{'rtol':>9}{'steps':>8}{'error':>11}{'ms':>11}{'compile s':>11}"
    say(columns)
    say("-" * len(columns))


def kinetic():
    p, u0 = kinetic_model()
    times = jnp.asarray(TIMES)
    pj, uj = {k: jnp.asarray(v) for k, v in p.items()}, jnp.asarray(u0)

    def ode(t, u):
        return np.linalg.solve(mass(t, u, p, np), collisions(t, u, p))

    reference = scipy.integrate.solve_ivp(
        ode, (0, TIMES[-1]), u0, "DOP853", t_eval=TIMES, rtol=1e-12, atol=1e-14
    ).y.T
    header("Kinetic model, 75 unknowns, 9 saved times (error: largest in f, which is of order 1)")
    pid = diffrax.PIDController
    cases = [
        ("Rodas5P", KINETIC, Rodas5P(), StepController),
        ("BDF", KINETIC, BDF(), StepController),
        ("BDF, GMRES, diagonal preconditioner",)
        + (KINETIC, BDF(linear_solver=Krylov(preconditioner, rtol=1e-2)), StepController),
        ("diffrax Kvaerno5 on B^-1 I", KINETIC_ODE, diffrax.Kvaerno5(), pid),
    ]
    for name, term, solver, controller in cases:
        solve = jax.jit(
            ft.partial(run, term=term, solver=solver, controller=controller, times=times)
        )
        for k, rtol in enumerate(10.0 ** -np.arange(3, 11)):
            if controller is pid and rtol < 1e-8:
                continue
            sol, first, seconds = timed(solve, uj, pj, rtol, runs=3)
            error = np.abs(np.asarray(sol.ys) - reference).max()
            good = sol.result == diffrax.RESULTS.successful
            steps = int(sol.stats["num_accepted_steps"])
            row(name, rtol, steps if good else "failed", error, seconds, None if k else first)

    def residual(t, u, v, out):
        out[:] = product(t, u, v, p) - collisions(t, u, p)

    def jac(t, u, v, r, c, out):
        out[:] = c * mass(t, u, p, np) - jacobian(t, u, v, p, np)

    rate = ode(0.0, u0)
    variants = [
        ("IDA, dense, difference Jacobian", {}),
        ("IDA, LAPACK, analytic Jacobian", dict(linsolver="lapackdense", jacfn=jac)),
    ]
    for name, options in variants:
        for rtol in 10.0 ** -np.arange(4, 11, 2):
            try:
                sol, seconds = ida(residual, TIMES, u0, rate, rtol, rtol * 1e-2, **options)
            except Exception as error:  # a build of SUNDIALS without LAPACK
                say(f"{name:<36} not run: {error}")
                break
            error = np.abs(sol.y - reference).max()
            row(name, rtol, int(np.max(sol.nfev)), error, seconds)
    say("(for IDA the column of steps counts residuals)")

    header("The same, a batch of 256 initial states under vmap: ms per trajectory")
    batch = uj * jnp.linspace(0.5, 1.5, 256)[:, None]
    for name, solver in (("Rodas5P", Rodas5P()), ("BDF", BDF())):
        one = ft.partial(run, term=KINETIC, solver=solver, controller=StepController, times=times)
        many = jax.jit(jax.vmap(one, in_axes=(0, None, None)))
        # In groups that fit the processor's cache.
        grouped = jax.jit(
            lambda us, p, rtol, one=one: jax.lax.map(lambda u: one(u, p, rtol), us, batch_size=16)
        )
        for label, function in ((", one vmap", many), (", groups of 16", grouped)):
            for k, rtol in enumerate((1e-4, 1e-6)):
                sol, first, seconds = timed(function, batch, pj, rtol, runs=3)
                steps = int(sol.stats["num_steps"].max())
                row(name + label, rtol, steps, np.nan, seconds / 256, None if k else first)

    header("Gradient of sum(f^2) in all 75 initial values, rtol 1e-6")
    for name, solver in (("Rodas5P", Rodas5P()), ("BDF", BDF())):

        def loss(u, p, solver=solver):
            sol = run(
                u, p, 1e-6, term=KINETIC, solver=solver, controller=StepController, times=times
            )
            return jnp.sum(sol.ys**2)

        _, _, forward = timed(jax.jit(loss), uj, pj, runs=5)
        _, first, seconds = timed(jax.jit(jax.grad(loss)), uj, pj, runs=5)
        row(f"{name}, {seconds / forward:.1f} times the run", 1e-6, "", np.nan, seconds, first)


def robertson():
    def function(t, y, v, args):
        a = 0.04 * y[0] - 1e4 * y[1] * y[2]
        b = 3e7 * y[1] ** 2
        return jnp.stack([v[0] + a, v[1] - a + b, y[0] + y[1] + y[2] - 1])

    def residual(t, y, v, out):
        a = 0.04 * y[0] - 1e4 * y[1] * y[2]
        b = 3e7 * y[1] ** 2
        out[:] = [v[0] + a, v[1] - a + b, y[0] + y[1] + y[2] - 1]

    def ode(t, y):
        a, b = 0.04 * y[0] - 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
        return [-a, a - b, b]

    times = np.concatenate([[0.0], 0.4 * 10.0 ** np.arange(12)])
    y0 = np.array([1.0, 0.0, 0.0])
    reference = scipy.integrate.solve_ivp(
        ode, (0, times[-1]), y0, "Radau", t_eval=times, rtol=1e-12, atol=1e-20
    ).y.T
    header("Robertson's equation to t = 4e10 (error: largest |error|/(|y| + 1e-7))")
    floor = 1e-7

    def error_of(ys):
        return np.max(np.abs(ys[1:] - reference[1:]) / (np.abs(reference[1:]) + floor))

    mask = jnp.array([True, True, False])
    for name, solver in (
        ("Rodas5P", Rodas5P(differential=mask)),
        ("BDF", BDF(differential=mask)),
    ):
        solve = jax.jit(
            ft.partial(
                run,
                term=ImplicitTerm(function),
                solver=solver,
                controller=StepController,
                times=jnp.asarray(times),
                scale=1e-6,
            )
        )
        for k, rtol in enumerate((1e-4, 1e-6, 1e-8)):
            sol, first, seconds = timed(solve, jnp.asarray(y0), None, rtol, runs=5)
            steps = int(sol.stats["num_accepted_steps"])
            row(name, rtol, steps, error_of(np.asarray(sol.ys)), seconds, None if k else first)
    for rtol in (1e-4, 1e-6, 1e-8):
        sol, seconds = ida(
            residual, times, y0, np.array([-0.04, 0.04, 0.0]), rtol, rtol * 1e-6, algebraic_idx=[2]
        )
        row("IDA", rtol, int(np.max(sol.nfev)), error_of(sol.y), seconds)


def main():
    say("one core, float64")
    kinetic()
    robertson()
    TABLE.write()


if __name__ == "__main__":
    main()
