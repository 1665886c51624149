"""The kinetic equation as SUNDIALS IDA asks for it, in NumPy, and IDA by scikit-sundae."""

import time

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from jaxelph import EnergyGrid, KineticEquation, fermi


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
    """B(f) ∂f/∂t - I(f) on a grid: by matrices up to 128 energies, by real transforms beyond."""

    def __init__(self, metal, temperature, step, size):
        self.grid = EnergyGrid(step, size)
        equation = KineticEquation.at(metal, temperature, self.grid)
        self.weight, self.window = np.asarray(equation.weight), np.asarray(equation.minus_slope)
        phonons = equation.phonons
        self.rate, self.half = np.asarray(phonons.rate), np.asarray(phonons.half)
        self.local = np.asarray(phonons.dissipation.local)
        self.dense = size <= 128
        # By real transforms only where every mode is on the grid: nothing is between its points.
        assert self.dense or np.max(np.abs(phonons.dissipation.between)) < 1e-12 * self.rate[0]
        self.products = [
            folded_product(equation.exchange),
            folded_product(equation.exchange, even=True),
            folded_product(equation.slope),
            folded_product(phonons.even),
            folded_product(phonons.odd),
        ]
        matrices = equation.matrices()
        names = ("exchange", "slope", "exchange_slope", "linear", "odd")
        self.matrices = {name: np.asarray(getattr(matrices, name)) for name in names}

    def _parts(self, d, rate):
        """f', κ*f', κ*∂f/∂t and both parts of I = -(hM̃h⁻¹)δ - δ(o*δ), each without its sign."""
        if self.dense:
            m = self.matrices
            return (
                *(m[name] @ d for name in ("slope", "exchange_slope")),
                m["exchange"] @ rate,
                m["linear"] @ d,
                m["odd"] @ d,
            )
        exchange, exchange_even, slope, even, odd = self.products
        padded = np.concatenate([[0.0], d])
        derivative = slope(padded)
        dragged = exchange_even(derivative)[1:]
        moved = exchange(np.concatenate([[0.0], rate]))[1:]
        turned = odd(padded)[1:]
        linear = self.local * d + self.half * turned - even(padded)[1:]
        return derivative[1:], dragged, moved, linear, turned

    def residual(self, t, d, rate, out):
        derivative, dragged, moved, linear, odd = self._parts(d, rate)
        out[:] = (self.weight - dragged) * rate + (derivative - self.window) * moved
        out[:] += linear + d * odd

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
        out[:] = c * self.mass(d) + np.diag(m["odd"] @ d) + m["linear"]
        out += d[:, None] * m["odd"]
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


def ida(peer, times, start, rtol, runs=3, atol=None, **options):
    """Solution and median wall seconds; atol is rtol/100 if left out, as in `evolve`."""
    atol = 1e-2 * rtol if atol is None else atol
    from sksundae.ida import IDA

    taken = []
    for _ in range(runs):
        solver = IDA(peer.residual, rtol=rtol, atol=atol, max_num_steps=20000, **options)
        begin = time.perf_counter()
        solution = solver.solve(times, *start)
        taken.append(time.perf_counter() - begin)
    return solution, float(np.median(taken))
