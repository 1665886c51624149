"""The published integration of the kinetic equation, Fig. 1 of the paper, as it was done.

One Einstein mode ω = r ε on E = ε…Lε, L = 10 r. f' and Σ' are forward differences. Each pole of
the folded kernel E/(E² - E~²) is dropped, and with it the finite half of the same term: Σ lacks a
part of relative order ε/E. So the equation is of first order in ε at fixed E, and off by a number
that does not fall at E = ε. Source: the authors' notebooks, doi:10.5281/zenodo.15751877.
"""

import dataclasses

import numpy as np
import scipy.sparse
from scipy.special import expit


@dataclasses.dataclass(frozen=True)
class PublishedEquation:
    """B(f) ∂f/∂t = I(f) for ω = λ = g = 1 on L energies; see `published_equation`."""

    energies: np.ndarray
    boson: float  # N at T0
    up: scipy.sparse.csr_array  # f(E + ω), 0 above the grid
    down: scipy.sparse.csr_array  # f(E - ω) less what is filled, by f(-E) = 1 - f(E)
    filled: np.ndarray
    exchange: np.ndarray  # Σ on L + 1 energies is exchange @ f + shift
    shift: np.ndarray

    def equilibrium(self, temperature: float) -> np.ndarray:
        return expit(-self.energies / temperature)

    def collide(self, f):
        """I(f) of Supplement Eq. (30)."""
        plus, minus = self.up @ f, self.down @ f + self.filled
        return self.boson * (plus + minus - 2 * f) + plus - f - f * (plus - minus)

    def parts(self, f):
        """1 - Σ' and f', forward differences both."""
        energy = np.diff(self.exchange @ f + self.shift)
        return 1 - energy / self.energies[0], np.diff(np.append(f, 0.0)) / self.energies[0]

    def residual(self, t, f, df, out):
        """I(f) - B(f) ∂f/∂t, as an implicit solver wants it."""
        del t
        local, slope = self.parts(f)
        out[:] = self.collide(f) - local * df - slope * (self.exchange[:-1] @ df)

    def rate(self, f):
        """∂f/∂t = B(f)⁻¹ I(f)."""
        local, slope = self.parts(f)
        return np.linalg.solve(
            np.diag(local) + slope[:, None] * self.exchange[:-1], self.collide(f)
        )


def published_equation(size: int, temperature: float) -> PublishedEquation:
    """The equation on `size` energies, with phonons at `temperature`."""
    r = size // 10
    i, m = np.arange(1, size + 2)[:, None], np.arange(1, size + 1)
    principal = np.where(i == m, 0.0, i / np.where(i == m, 1, i**2 - m**2))
    up = scipy.sparse.diags_array(np.ones(size - r), offsets=r).tocsr()
    mirror = np.zeros((size, size))
    mirror[np.arange(r - 1), np.arange(r - 2, -1, -1)] = 1
    down = (up.T - scipy.sparse.csr_array(mirror)).tocsr()
    filled = np.where(m < r, 1.0, np.where(m == r, 0.5, 0.0))
    exchange = principal @ (up - down).toarray()
    exchange[:, r - 1] += 1 / i[:, 0]
    return PublishedEquation(
        energies=m / r,
        boson=1 / np.expm1(1 / temperature),
        up=up,
        down=down,
        filled=filled,
        exchange=exchange,
        shift=-principal @ filled - 0.5 / i[:, 0],
    )


def published_sizes(
    size: int,
    hotter: float,
    temperature: float,
    times,
    *,
    rtol: float = 1e-3,
    own_steps: bool = True,
) -> np.ndarray | None:
    """sup|f - f0| of the run as published, by IDA.

    Args:
        size: number of energies.
        hotter, temperature: of electrons and phonons, in g.
        times: πgt, ascending from 0.
        rtol: relative tolerance, 1e-3 in the published run.
        own_steps: whether the step nearest to each time is taken, as in the published data.

    Returns:
        array of the shape of `times`, or None without scikit-sundae (extra `bench`).
    """
    try:
        from sksundae.ida import IDA
    except ImportError:
        return None
    equation = published_equation(size, temperature)
    start = equation.equilibrium(hotter)
    solver = IDA(equation.residual, rtol=rtol, atol=1e-3 * rtol)
    asked = np.array([0.0, max(times)] if own_steps else times)
    run = solver.solve(asked, start, equation.rate(start))
    nearest = [int(np.argmin(np.abs(run.t - t))) for t in times]
    return np.max(np.abs(run.y[nearest] - equation.equilibrium(temperature)), axis=1)
