"""The kinetic equation from hot electrons to equilibrium, beside SUNDIALS IDA and Kvaerno5.

The metal of Table I of Yuzbashyan, Altshuler and Patra: 21 modes, λ = 1, T0 = 0.25 g, electrons at
1.1 T0, nine times up to when the deviation is 7e-9. IDA runs through scikit-sundae on the paper's
grid of 512 energies and on the small sinc grids that `evolve` needs; its residual is the same
discretised equation in NumPy, by real Fourier transforms on the large grid and by matrices on
the small ones. Times are wall-clock, on one thread but for the batches that say otherwise.

Errors are maxima over the saved times and the energies that the grids share, against IDA on the
512 energies at rtol 1e-11; energies above a grid's end count with f = f0.

    python benchmarks/bench_kinetic.py            prints, and writes benchmarks/tables/kinetic.txt
    python benchmarks/bench_kinetic.py batch      one part or several, printed only
"""

import os

FLAGS = (
    f"--xla_cpu_multi_thread_eigen=false --xla_force_host_platform_device_count={os.cpu_count()}"
)
os.environ.setdefault("XLA_FLAGS", FLAGS)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import diffrax  # noqa: E402
import equinox as eqx  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from _common import Table, timed  # noqa: E402
from _ida import Peer, ida  # noqa: E402
from jax.sharding import Mesh, PartitionSpec  # noqa: E402

from jaxelph import RESULTS, EnergyGrid, KineticEquation, evolve, example, fermi  # noqa: E402
from jaxelph.dae import BDF  # noqa: E402

TABLE = Table("kinetic")
FIGURE = Path(__file__).parents[1] / "docs" / "work-precision.png"
METAL = example("table1")
G = float(np.sqrt(np.mean(np.arange(40.0, 61.0) ** 2)))
COLD = 0.25 * G
TIMES = np.array([0.0, 1.0, 5.0, 20.0, 50.0, 100.0, 200.0, 400.0, 800.0]) / G
LARGE, SMALL, SMALLEST = (1.0, 512), (6.0, 75), (7.0, 36)
BATCH = 256


def row(name, rtol, steps, error, seconds, first=None):
    shown = "" if error is None else f"{error:.1e}"
    compiled = "" if first is None else f"{first:10.1f}"
    TABLE.say(f"{name:<46}{rtol:8.0e}{steps:>7}{shown:>10}{1e3 * seconds:11.3f}{compiled}")


def header(title):
    columns = f"{'method':<46}{'rtol':>8}{'steps':>7}{'error':>10}{'ms':>11}{'first s':>10}"
    TABLE.say(f"\n{title}\n{columns}\n{'-' * len(columns)}")


def error_of(deviation, step, reference):
    """Against the reference on every energy that the grids share; beyond the grid f is f0."""
    stride = round(step)
    expected = reference[:, stride - 1 :: stride]
    got = np.zeros_like(expected)
    count = min(expected.shape[1], deviation.shape[1])
    got[:, :count] = np.asarray(deviation)[:, :count]
    return float(np.max(np.abs(got - expected)))


def reference_solution():
    """δ on 512 energies, by IDA at rtol 1e-11 with a dense analytic Jacobian."""
    peer = Peer(METAL, COLD, *LARGE)
    options = dict(linsolver="lapackdense", jacfn=peer.jacobian)
    return ida(peer, TIMES, peer.start(1.1 * COLD, COLD), 1e-11, runs=1, **options)[0].y


def trajectory(grid, times=TIMES, **options):
    """(T_in, rtol) → (δ, steps), to be compiled."""

    def run(hot, rtol):
        on = EnergyGrid(*grid)
        result = evolve(METAL, hot, COLD, on, times, rtol=rtol, throw=False, **options)
        return result.deviation, result.stats["num_accepted_steps"]

    return run


HOT = jnp.asarray(1.1 * COLD)


def single():
    """One trajectory: IDA on the large grid and on the small ones, then `evolve`."""
    reference = reference_solution()
    header("One trajectory; compare at equal error, 2e-7")
    best = {}
    for grid in (LARGE, SMALL, SMALLEST):
        peer = Peer(METAL, COLD, *grid)
        start = peer.start(1.1 * COLD, COLD)
        gmres = dict(linsolver="gmres", precond=peer.preconditioner())
        analytic = dict(linsolver="lapackdense", jacfn=peer.jacobian)
        cases = [
            ("dense, difference Jacobian", {}, 1 if grid == LARGE else 5),
            ("LAPACK, analytic Jacobian", analytic, 5),
            ("GMRES, diagonal preconditioner", gmres, 5),
        ]
        for name, options, runs in cases:
            for rtol in (1e-5, 1e-6):
                solution, seconds = ida(peer, TIMES, start, rtol, runs, **options)
                error = error_of(solution.y, grid[0], reference)
                count = int(np.max(solution.nfev))
                row(f"IDA, L = {grid[1]}, {name}", rtol, count, error, seconds)
                # At the looser one IDA's error is 2e-7.
                best.setdefault((grid[1], name), seconds)
    TABLE.say("(for IDA the column of steps counts residuals)")
    for grid in (SMALL, SMALLEST):
        solve = jax.jit(trajectory(grid))
        for k, rtol in enumerate((1e-4, 1e-5, 1e-6)):
            done = timed(solve, HOT, jnp.asarray(rtol))
            error = error_of(done.result[0], grid[0], reference)
            first = None if k else done.first
            row(f"evolve, L = {grid[1]}", rtol, int(done.result[1]), error, done.median, first)
            if not k:
                ours = done.median
                on_ours = min(value for (size, _), value in best.items() if size == grid[1])
        parts = [
            f"{best[512, 'dense, difference Jacobian'] / ours:.0f} times the paper's way",
            f"{best[512, 'GMRES, diagonal preconditioner'] / ours:.1f} times IDA's best",
            f"{on_ours / ours:.1f} times IDA's best on the same energies",
        ]
        TABLE.say(f"at 2e-7, L = {grid[1]}: " + ", ".join(parts))


def precision():
    """Work against precision on 75 energies, error of the integration in time alone."""
    peer = Peer(METAL, COLD, *SMALL)
    start = peer.start(1.1 * COLD, COLD)
    analytic = dict(linsolver="lapackdense", jacfn=peer.jacobian)
    exact = ida(peer, TIMES, start, 1e-12, runs=1, **analytic)[0].y
    header("Work against precision, L = 75; error against IDA at rtol 1e-12 on the same energies")
    matrices = KineticEquation.at(METAL, COLD, EnergyGrid(*SMALL)).matrices()

    def kvaerno(hot, rtol):
        def rate(t, d, args):
            return jnp.linalg.solve(matrices.mass(d), matrices.collide(d))

        energies = matrices.equation.energies
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(rate),
            diffrax.Kvaerno5(),
            0.0,
            TIMES[-1],
            None,
            fermi(energies, hot) - fermi(energies, COLD),
            saveat=diffrax.SaveAt(ts=jnp.asarray(TIMES)),
            stepsize_controller=diffrax.PIDController(rtol=rtol, atol=1e-2 * rtol),
            max_steps=4096,
        )
        return solution.ys, solution.stats["num_accepted_steps"]

    solvers = {
        "evolve, Rodas5P": jax.jit(trajectory(SMALL)),
        "evolve, BDF": jax.jit(trajectory(SMALL, solver=BDF())),
        "diffrax Kvaerno5 on B⁻¹I": jax.jit(kvaerno),
    }
    curves = {name: [] for name in (*solvers, "IDA, LAPACK, analytic Jacobian")}
    for k, rtol in enumerate(10.0 ** -np.arange(3, 10)):
        for name, solve in solvers.items():
            done = timed(solve, HOT, jnp.asarray(rtol), budget=1.0)
            error = float(np.max(np.abs(done.result[0] - exact)))
            row(name, rtol, int(done.result[1]), error, done.median, None if k else done.first)
            curves[name].append((error, done.median))
        solution, seconds = ida(peer, TIMES, start, rtol, 5, **analytic)
        error = float(np.max(np.abs(solution.y - exact)))
        name = "IDA, LAPACK, analytic Jacobian"
        row(name, rtol, int(np.max(solution.nfev)), error, seconds)
        curves[name].append((error, seconds))
    for name, points in curves.items():
        errors = np.log10([error for error, _ in points])
        slope = np.polyfit(-np.arange(3.0, 10.0), errors, 1)[0]
        TABLE.say(f"{name}: error ~ rtol^{slope:.2f}")
    draw(curves)


def draw(curves):
    """Work against precision as a figure."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from jaxelph.presentation.plotting import BLUE, GREEN, GREY, ORANGE, STYLE

    with rc_context(STYLE):
        figure = Figure(figsize=(4.4, 3.3), layout="constrained")
        axes = figure.subplots()
        for (name, points), color, mark in zip(
            curves.items(), (ORANGE, BLUE, GREEN, GREY), "osd^", strict=True
        ):
            error, seconds = np.array(points).T
            axes.loglog(error, 1e3 * seconds, color=color, marker=mark, markersize=4, label=name)
        axes.set(xlabel="largest error of $f$", ylabel="time of a run (ms)")
        axes.invert_xaxis()
        figure.legend(loc="outside upper center", ncols=2)
        FIGURE.parent.mkdir(exist_ok=True)
        figure.savefig(FIGURE, dpi=150)


def batch():
    """256 runs at once, per run."""
    reference = reference_solution()
    peer = Peer(METAL, COLD, *LARGE)
    start, precond = peer.start(1.1 * COLD, COLD), peer.preconditioner()
    _, best = ida(peer, TIMES, start, 1e-5, 5, linsolver="gmres", precond=precond)
    devices = jax.devices()
    mesh = Mesh(np.array(devices), ("batch",))
    each, alike = PartitionSpec("batch"), PartitionSpec()
    # The one at 1.1 T0 is compared with the reference.
    hot = COLD * jnp.linspace(1.0, 1.2, BATCH + 1)[1:]
    middle = BATCH // 2 - 1
    cold, scale = COLD * jnp.linspace(0.95, 1.05, BATCH), jnp.linspace(0.8, 1.2, BATCH)

    def across(function, count):
        """The function of batches, shared out among the devices."""
        shared = dict(mesh=mesh, in_specs=(each,) * count + (alike,), out_specs=each)
        return jax.jit(jax.shard_map(function, check_vma=False, **shared))

    def varied(hot, cold, scale, rtol):
        spectrum, grid = METAL.scaled(scale), EnergyGrid(*SMALLEST)
        run = evolve(spectrum, hot * cold / COLD, cold, grid, TIMES, rtol=rtol, throw=False)
        return run.deviation, run.stats["num_accepted_steps"]

    smallest = jax.vmap(trajectory(SMALLEST), (0, None))
    on_small = trajectory(SMALL)

    def grouped(hot, rtol):
        return jax.lax.map(lambda h: on_small(h, rtol), hot, batch_size=32)

    cores = f"{len(devices)} devices"
    cases = [
        ("L = 36, 256 T_in, one vmap, one device", jax.jit(smallest), (hot,), 7.0),
        (f"L = 36, 256 T_in, {cores}", across(smallest, 1), (hot,), 7.0),
        (f"L = 36, T_in, T0, λ differ, {cores}",)
        + (across(jax.vmap(varied, (0, 0, 0, None)), 3), (hot, cold, scale), None),
        (f"L = 75, groups of 32, {cores}", across(grouped, 1), (hot,), 6.0),
    ]
    header(f"{BATCH} runs at once: ms of each; IDA's best alone takes {1e3 * best:.1f} ms")
    for name, solve, arguments, step in cases:
        done = timed(solve, *arguments, jnp.asarray(1e-4), budget=2.0)
        error = error_of(done.result[0][middle], step, reference) if step else None
        seconds = done.median / BATCH
        row(f"evolve, {name}", 1e-4, int(done.result[1].max()), error, seconds, done.first)
        TABLE.say(f"{'':<46}{best / seconds:.0f} times IDA's best")


def gradient():
    """What the reverse pass costs in time and in memory."""
    header("Gradient of the last temperature in T_in, T0 and 21 couplings, L = 75")

    def loss(parameters, checkpoints=None):
        coupling, hot, temperature = parameters
        spectrum = eqx.tree_at(lambda s: s.coupling, METAL, coupling)
        adjoint = diffrax.RecursiveCheckpointAdjoint(checkpoints)
        grid, times = EnergyGrid(*SMALL), TIMES[:7]
        run = evolve(spectrum, hot, temperature, grid, times, rtol=1e-6, adjoint=adjoint)
        return run.temperature[-1]

    at = (METAL.coupling, HOT, jnp.asarray(COLD))

    def compiled(function):
        start = time.perf_counter()
        built = jax.jit(function).lower(at).compile()
        return built, time.perf_counter() - start

    def say(name, built, first, note=""):
        done = timed(built, at)
        megabytes = built.memory_analysis().temp_size_in_bytes / 2**20
        row(name + note, 1e-6, "", None, done.median, first)
        return done.median, megabytes

    base, memory = say("the run alone", *compiled(loss))
    TABLE.say(f"{'':<46}{memory:.2f} MiB of temporaries")
    for checkpoints in (None, 4):
        built, first = compiled(jax.grad(lambda p, c=checkpoints: loss(p, c)))
        label = "default" if checkpoints is None else str(checkpoints)
        seconds, memory = say(f"gradient, checkpoints: {label}", built, first)
        TABLE.say(f"{'':<46}{seconds / base:.1f} times the run, {memory:.2f} MiB of temporaries")


def sizes():
    """Cost against L; beyond the dense sizes no matrix is formed.

    The step becomes far finer than T asks for. There is a limit to that: f' multiplies what
    the linear solver leaves of the highest harmonics by π/ε, and below T/200 `evolve` refuses.
    """
    header("Cost against the number of energies at fixed cutoff, to t = 20/g, rtol 1e-4")
    seen = []
    for size in (64, 512, 1024, 2048, 4096):
        solve = jax.jit(trajectory((512.0 / size, size), TIMES[[0, 2, 3]]))
        done = timed(solve, HOT, jnp.asarray(1e-4), runs=1)
        row(f"evolve, L = {size}", 1e-4, int(done.result[1]), None, done.median, done.first)
        seen.append((size, done.median))
    large = np.array([pair for pair in seen if pair[0] >= 512])
    slope = np.polyfit(*np.log(large).T, 1)[0]
    TABLE.say(f"slope of log time against log L from 512 on: {slope:.2f}")


def runaway():
    """A metal that loses its stability: who notices."""
    spectrum, g = METAL.scaled(1.3), G * np.sqrt(1.3)
    temperature, times = 0.18 * g, np.linspace(0.0, 400.0, 41) / g
    TABLE.say("\nλ = 1.3, T0 = 0.18 g, T_in = 1.1 T0, ε = 1, L = 200: unstable")
    grid = (1.0, 200)
    peer = Peer(spectrum, temperature, *grid)
    start = peer.start(1.1 * temperature, temperature)
    for rtol in (1e-4, 1e-6):
        # The weight of this metal changes sign: its diagonal preconditioner is of no use here.
        options = dict(linsolver="lapackdense", jacfn=peer.jacobian)
        solution, _ = ida(peer, times, start, rtol, runs=1, atol=rtol, **options)
        last = solution.y[-1]
        negative = int(np.sum(np.linalg.eigvalsh(peer.symmetric_mass(last)) < 0))
        TABLE.say(
            f"IDA, rtol = atol = {rtol:.0e}: success {bool(solution.success)}, t = "
            f"{g * solution.t[-1]:.3f}/g, max|f - f0| = {np.max(np.abs(last)):.1e}, {negative} "
            "eigenvalues of B negative there"
        )

    @jax.jit
    def solve(rtol):
        on = EnergyGrid(*grid)
        run = evolve(spectrum, 1.1 * temperature, temperature, on, times, rtol=rtol, throw=False)
        return run.result, run.reached, run.stats["num_accepted_steps"]

    for rtol in 10.0 ** -np.arange(3, 11):
        result, reached, steps = solve(jnp.asarray(rtol))
        told = "unstable" if result == RESULTS.unstable else "no instability reported"
        TABLE.say(
            f"evolve, rtol {rtol:.0e}: {told}, t = {g * float(reached):.4f}/g, {int(steps)} steps"
        )


PARTS = [single, precision, batch, gradient, runaway, sizes]


def main(chosen):
    unknown = set(chosen) - {part.__name__ for part in PARTS}
    if unknown:
        sys.exit(f"no part {', '.join(unknown)}; parts: {', '.join(p.__name__ for p in PARTS)}")
    for part in PARTS:
        if not chosen or part.__name__ in chosen:
            part()
    if not chosen:
        TABLE.write()


if __name__ == "__main__":
    main(sys.argv[1:])
