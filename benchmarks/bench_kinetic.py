"""The kinetic equation from hot electrons to equilibrium, beside SUNDIALS IDA.

The metal of Table I of Yuzbashyan, Altshuler and Patra: 21 modes, λ = 1, T0 = 0.25 g, electrons at
1.1 T0, nine times up to when the deviation is 7e-9. IDA runs through scikit-sundae on the paper's
grid of 512 energies and on the small sinc grid that `evolve` needs; its residual is the same
discretised equation in NumPy, by real Fourier transforms on the large grid and by matrices on
the small one. All times are wall-clock seconds on one thread.

Errors are maxima over the saved times and the energies that the grids share, against IDA on the
512 energies at rtol 1e-11; energies above a grid's end count with f = f0.

    python benchmarks/bench_kinetic.py       prints, and writes benchmarks/tables/kinetic.txt
"""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import time  # noqa: E402

import equinox as eqx  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from _common import Table, timed  # noqa: E402
from scipy.fft import irfft, next_fast_len, rfft  # noqa: E402

from jaxelph import RESULTS, EnergyGrid, KineticEquation, evolve, example, fermi  # noqa: E402

TABLE = Table("kinetic")
SCALED_TIMES = np.array([0.0, 1.0, 5.0, 20.0, 50.0, 100.0, 200.0, 400.0, 800.0])  # in 1/g
METAL = example("table1")
G = float(np.sqrt(np.mean(np.arange(40.0, 61.0) ** 2)))
LARGE = (1.0, 512)
SMALL = (6.0, 75)
SMALLEST = (7.0, 36)


def folded_product(convolution, even=False):
    """v → the product with an odd (or even) function by a real transform of fixed length."""
    size, parity = convolution.size, convolution.parity
    kernel = np.asarray(convolution.kernel)
    length = next_fast_len(3 * size + 1, real=True)
    padded = np.zeros(length)
    padded[: 2 * size + 1] = kernel
    padded[length - size :] = parity * kernel[size:0:-1]
    transform = rfft(padded)
    mirror = 1 if even else -1

    def product(half):
        extended = np.zeros(length)
        extended[: size + 1] = half
        extended[length - size :] = mirror * half[:0:-1]
        return irfft(transform * rfft(extended), length)[: size + 1]

    return product


class Peer:
    """The kinetic equation in NumPy, as IDA asks for it."""

    def __init__(self, metal, temperature, step, size):
        self.grid = EnergyGrid(step, size)
        equation = KineticEquation.at(metal, temperature, self.grid)
        self.weight, self.window = np.asarray(equation.weight), np.asarray(equation.minus_slope)
        self.rate, self.half = map(np.asarray, (equation.phonons.rate, equation.phonons.half))
        self.dense = size <= 128
        self.products = [
            folded_product(equation.exchange),
            folded_product(equation.exchange, even=True),
            folded_product(equation.slope),
            folded_product(equation.phonons.even),
            folded_product(equation.phonons.odd),
        ]
        matrices = equation.matrices()
        names = ("exchange", "slope", "exchange_slope", "even", "odd")
        self.matrices = {name: np.asarray(getattr(matrices, name)) for name in names}

    def _parts(self, d, rate):
        if self.dense:
            m = self.matrices
            return (
                *(m[name] @ d for name in ("slope", "exchange_slope")),
                m["exchange"] @ rate,
                m["even"] @ d,
                m["odd"] @ d,
            )
        exchange, exchange_even, slope, even, odd = self.products
        padded = np.concatenate([[0.0], d])
        derivative = slope(padded)
        dragged = exchange_even(derivative)[1:]
        moved = exchange(np.concatenate([[0.0], rate]))[1:]
        return derivative[1:], dragged, moved, even(padded)[1:], odd(padded)[1:]

    def residual(self, t, d, rate, out):
        derivative, dragged, moved, even, odd = self._parts(d, rate)
        out[:] = (self.weight - dragged) * rate + (derivative - self.window) * moved
        out[:] -= even - self.rate * d - (self.half + d) * odd

    def mass(self, d):
        m = self.matrices
        local = self.weight - m["exchange_slope"] @ d
        return np.diag(local) + (m["slope"] @ d - self.window)[:, None] * m["exchange"]

    def symmetric_mass(self, d):
        m = self.matrices
        root = np.sqrt(np.maximum(self.window - m["slope"] @ d, 0.0))
        local = self.weight - m["exchange_slope"] @ d
        return np.diag(local) - root[:, None] * m["exchange"] * root[None, :]

    def jacobian(self, t, d, rate, residual, c, out):
        m = self.matrices
        out[:] = c * self.mass(d) + np.diag(self.rate + m["odd"] @ d) - m["even"]
        out += (self.half + d)[:, None] * m["odd"]
        out += (m["exchange"] @ rate)[:, None] * m["slope"] - rate[:, None] * m["exchange_slope"]

    def start(self, hot, temperature):
        energies = np.asarray(self.grid.energies)
        d = np.asarray(fermi(energies, hot) - fermi(energies, temperature))
        out = np.empty_like(d)
        self.residual(0.0, d, np.zeros_like(d), out)
        return d, np.linalg.solve(self.mass(d), -out)

    def preconditioner(self):
        """IDA's two callbacks for the diagonal of αB + Γ at equilibrium."""
        from sksundae.ida import IDAPrecond

        def solve(t, d, rate, residual, r, z, c, delta):
            z[:] = r / (c * self.weight + self.rate)

        return IDAPrecond(None, solve)


def ida(peer, times, start, rtol, runs=3, max_num_steps=20000, **options):
    """Solution and median wall seconds."""
    from sksundae.ida import IDA

    taken = []
    for _ in range(runs):
        solver = IDA(
            peer.residual, rtol=rtol, atol=1e-2 * rtol, max_num_steps=max_num_steps, **options
        )
        begin = time.perf_counter()
        solution = solver.solve(times, *start)
        taken.append(time.perf_counter() - begin)
    return solution, float(np.median(taken))


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


def compiled_evolve(step, size, times, temperature):
    """T_in, rtol → (δ, steps), one jit."""

    def run(hot, rtol):
        result = evolve(METAL, hot, temperature, EnergyGrid(step, size), times, rtol=rtol)
        return result.deviation, result.stats["num_accepted_steps"]

    return eqx.filter_jit(run)


def single(reference):
    """One trajectory: IDA on either grid, then `evolve`."""
    temperature, times = 0.25 * G, SCALED_TIMES / G
    header("One trajectory; compare at equal error, 2e-7")
    for step, size in (LARGE, SMALL, SMALLEST):
        peer = Peer(METAL, temperature, step, size)
        start = peer.start(1.1 * temperature, temperature)
        cases = [
            ("dense, difference Jacobian", {}),
            ("LAPACK, analytic Jacobian", dict(linsolver="lapackdense", jacfn=peer.jacobian)),
            ("GMRES, diagonal preconditioner",)
            + (dict(linsolver="gmres", precond=peer.preconditioner()),),
        ]
        for name, options in cases:
            for rtol in (1e-5, 1e-6):
                runs = 3 if options or size < 512 else 1  # that one takes seconds
                solution, seconds = ida(peer, times, start, rtol, runs, **options)
                error = error_of(solution.y, step, reference)
                label = f"IDA, L = {size}, {name}"
                row(label, rtol, int(np.max(solution.nfev)), error, seconds)
    TABLE.say("(for IDA the column of steps counts residuals)")
    for step, size in (SMALL, SMALLEST):
        solve = compiled_evolve(step, size, times, temperature)
        for k, rtol in enumerate(10.0 ** -np.arange(3, 10)):
            done = timed(solve, jnp.asarray(1.1 * temperature), jnp.asarray(rtol))
            deviation, steps = done.result
            first = None if k else done.first
            error = error_of(deviation, step, reference)
            row(f"evolve, L = {size}", rtol, int(steps), error, done.median, first)


def batch_and_gradient():
    temperature, times = 0.25 * G, SCALED_TIMES / G
    header("256 electron temperatures from 1.01 to 1.2 T0 under vmap: ms per trajectory")
    hot = temperature * jnp.linspace(1.01, 1.2, 256)
    for step, size in (SMALL, SMALLEST):
        solve = jax.jit(jax.vmap(compiled_evolve(step, size, times, temperature), (0, None)))
        for k, rtol in enumerate((1e-4, 1e-5, 1e-6)):
            done = timed(solve, hot, jnp.asarray(rtol))
            steps = int(done.result[1].max())
            first = None if k else done.first
            row(f"evolve, L = {size}", rtol, steps, None, done.median / 256, first)

    header("Gradient of the last temperature in T_in, T0 and 21 couplings")

    def loss(parameters):
        coupling, hot, temperature = parameters
        spectrum = eqx.tree_at(lambda s: s.coupling, METAL, coupling)
        grid = EnergyGrid(SMALL[0], SMALL[1])
        return evolve(spectrum, hot, temperature, grid, times[:7], rtol=1e-6).temperature[-1]

    at = (METAL.coupling, jnp.asarray(1.1 * temperature), jnp.asarray(temperature))
    forward = timed(jax.jit(loss), at)
    row("the run alone", 1e-6, "", None, forward.median, forward.first)
    gradient = timed(jax.jit(jax.grad(loss)), at)
    ratio = gradient.median / forward.median
    row(f"gradient, {ratio:.1f} times the run", 1e-6, "", None, gradient.median, gradient.first)


def sizes():
    """Cost against L; beyond the dense sizes no matrix is formed."""
    temperature, times = 0.25 * G, SCALED_TIMES[[0, 4, 7]] / G
    header("Cost against the number of energies at fixed cutoff, rtol 1e-4")
    seen = []
    for size in (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384):
        solve = compiled_evolve(512.0 / size, size, times, temperature)
        done = timed(solve, jnp.asarray(1.1 * temperature), jnp.asarray(1e-4), runs=1)
        steps = int(done.result[1])
        row(f"evolve, L = {size}", 1e-4, steps, None, done.median, done.first)
        seen.append((size, done.median))
    large = np.array([pair for pair in seen if pair[0] >= 1024])
    slope = np.polyfit(*np.log(large).T, 1)[0]
    TABLE.say(f"slope of log time against log L from 1024 on: {slope:.2f}")


def runaway():
    """A metal that loses its stability: who notices."""
    spectrum, g = METAL.scaled(1.3), G * np.sqrt(1.3)
    temperature, times = 0.18 * g, np.linspace(0.0, 400.0, 41) / g
    TABLE.say("\nλ = 1.3, T0 = 0.18 g, T_in = 1.1 T0, ε = 1, L = 512: the normal state is unstable")
    peer = Peer(spectrum, temperature, *LARGE)
    start = peer.start(1.1 * temperature, temperature)
    for rtol in (1e-4, 1e-6):
        # The weight of this metal changes sign: its diagonal preconditioner is of no use here.
        options = dict(linsolver="lapackdense", jacfn=peer.jacobian, max_num_steps=3000)
        solution, _ = ida(peer, times, start, rtol, runs=1, **options)
        last = solution.y[-1]
        negative = int(np.sum(np.linalg.eigvalsh(peer.symmetric_mass(last)) < 0))
        TABLE.say(
            f"IDA, rtol {rtol:.0e}: success {bool(solution.success)}, t = {g * solution.t[-1]:.3f}"
            f"/g, max|f - f0| = {np.max(np.abs(last)):.1e}, {negative} eigenvalues of B negative"
        )
    for rtol in 10.0 ** -np.arange(3, 11):
        run = evolve(
            spectrum, 1.1 * temperature, temperature, EnergyGrid(1.0, 400), times, rtol=rtol
        )
        told = "unstable" if run.result == RESULTS.unstable else "no instability reported"
        TABLE.say(f"evolve, rtol {rtol:.0e}: {told}, t = {g * float(run.reached):.4f}/g")


def main():
    peer = Peer(METAL, 0.25 * G, *LARGE)
    start = peer.start(1.1 * 0.25 * G, 0.25 * G)
    exact, _ = ida(
        peer,
        SCALED_TIMES / G,
        start,
        1e-11,
        runs=1,
        linsolver="lapackdense",
        jacfn=peer.jacobian,
    )
    single(exact.y)
    runaway()
    batch_and_gradient()
    sizes()
    TABLE.write()


if __name__ == "__main__":
    main()
