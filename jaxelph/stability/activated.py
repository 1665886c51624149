r"""The slowest mode where every rate is activated: T far below the phonons' frequencies.

Rates then fall as e^{-ω/T}, and M̃ = Γ - C*, a difference of numbers of order one, has lost
them. What keeps their digits is its form as a sum of squares, in φ = ψ/h:

    ψ M̃ ψ = Σ_k c_k ∫ dE h(E) h(E+ω_k) [φ(E+ω_k) - φ(E)]²,      c_k = λ_k ω_k/(2 sinh(ω_k/2T)).

On the grid each square is a row of a matrix B with M̃ = BᵀB, to relative accuracy: φ, which is
as smooth as T allows and never exponentially small or large, is interpolated by a few points
on either side, and the thermal factors are products. With D = √Γ the columns of BD⁻¹ have
norm one, and the singular values of its triangular factor, which are what M̃'s least
eigenvalues are made of, are known to rounding of the largest: sixteen digits under a square root.

Of a smooth α²F only low energies matter: see `slow_grid`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..electrons.self_energy import scattering_rate
from ..grids.energies import EnergyGrid
from ..grids.sinc import HALF_WINDOW
from ..numerics.lapack import eigh, one_by_one, solve_symmetric
from ..numerics.special import sinc
from ..numerics.typed import jit
from ..spectra.moments import maximum_frequency
from ..spectra.panels import bucket
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..spectra.sums import sum_over_modes
from .pencil import stability_pencil

_triangle = one_by_one(lambda matrix: jnp.linalg.qr(matrix, mode="r"))
_svd = one_by_one(lambda matrix: tuple(jnp.linalg.svd(matrix)[1:]))

# Singular values of BD⁻¹ below this part of the largest belong to conserved quantities.
_CONSERVED = 1e-12
# Modes whose squares are added to the factor at once.
_AT_ONCE = 8
# Of δ modes: a finer step resolves deviations that oscillate faster than T and that ladders of
# nearly commensurable frequencies almost conserve. There are ever more of them, ever slower, so
# that the floor, in parts of T, decides which rate is found: it is a choice, and no limit of a
# refinement, unless all frequencies have a common divisor. Then what its ladders conserve is
# known, and a step that divides it, between these parts of T, tells it from what decays.
_FINEST = 0.55
_LATTICE = (0.2, 0.8)
# How many steps the top frequency may have on such a lattice, and how near to it all others
# have to be.
_STEPS, _NEAR = 512, 1e-6
# How far above the phonons that relax the metal energies matter, in T: what lies beyond changes
# the slowest rate by this power of 1/e.
_REACH = 40.0


def slow_grid(spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid) -> EnergyGrid:
    r"""What of a grid the slowest mode of a smooth spectrum needs, on the host.

    Far below the top of α²F the metal relaxes by the phonons that there are, those about the
    median ω* of α²F(ω) e^{-ω/T}. The slowest mode falls off with energy as h(E) does, and
    electrons well above ω* emit phonons at once: up to ω* + 40 T the rate is that of the whole
    grid to 1e-15, and M̃ spans fewer orders of magnitude.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0, not traced.
        grid: one that fits both.

    Returns:
        EnergyGrid: of the same step, and of few different sizes; the grid itself for δ modes, whose
        ladders reach the top.

    Example:
        >>> from jaxelph import example
        >>> slow_grid(example("niobium"), 0.1, EnergyGrid(0.04, 800)).size
        128
    """
    size = slow_size(spectrum, float(np.asarray(temperature)), float(grid.step), grid.size)
    return grid if size == grid.size else EnergyGrid(grid.step, size)


def slow_size(spectrum: EliashbergFunction, temperature: float, step: float, size: int) -> int:
    """How many energies `slow_grid` has, of a grid's step (energy) and size; nothing of JAX runs.

    Example:
        >>> from jaxelph import example
        >>> slow_size(example("niobium"), 0.1, 0.04, 800)
        128
    """
    if not spectrum.smooth:
        return size
    omega, coupling = (np.asarray(x, float) for x in spectrum.carriers())
    with np.errstate(divide="ignore"):
        log_weight = np.log(np.abs(omega * coupling)) - omega / temperature
    if not np.max(log_weight, initial=-np.inf) > -np.inf:
        return size
    order = np.argsort(omega)
    below = np.cumsum(np.exp(log_weight - np.max(log_weight))[order])
    median = omega[order][np.searchsorted(below, below[-1] / 2)]
    reach = median + _REACH * temperature
    return min(bucket(int(np.ceil(reach / step)), 64), size)


@jit
def activated_rate(
    spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid
) -> Float[Array, ""]:
    r"""The slowest rate 1/γ = max ψÃψ/ψM̃ψ to relative accuracy, from M̃ as a sum of squares.

    For δ modes a step finer than 0.55 T is replaced. Where all frequencies are multiples of one,
    ω/512 or more of the top ω, the step becomes a part of that, between 0.2 and 0.8 T: ladders
    conserve exactly what they do, and the rate has six digits. Else it becomes a part of the top
    frequency, no smaller than 0.55 T, and the rate is that of deviations that are smooth on this
    scale, an order of magnitude only: rougher ones, of which there is no end, decay more slowly.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0, below about a tenth of the lowest frequency that
            matters; above `slowest_rate` needs none of this.
        grid: see `EnergyGrid.suggest`.

    Returns:
        γ₁ (scalar, energy, rescaled time), with its first and second derivatives; inf where
        no mode decays.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0, 0.775], [0.003, 0.003])
        >>> print(f"{activated_rate(s, 1 / 40, EnergyGrid(0.025, 56)):.4e}")
        1.6805e-20
    """
    if not spectrum.smooth:
        # A lattice may be finer than the grid, and still has to reach its cutoff.
        size = max(grid.size, min(2 * grid.size, 512))
        fine = grid.step < _FINEST * temperature
        step = jnp.where(fine, _own_step(spectrum, temperature, size), grid.step)
        grid = EnergyGrid(step, size)
    grid = jax.lax.stop_gradient(grid)
    a, m, vectors = _modes(*jax.lax.stop_gradient((spectrum, temperature)), grid)
    inverse = jnp.where(m > 0, a, 0.0)
    slowest = jnp.argmax(inverse)  # of a NaN, if there is one
    mu, psi = inverse[slowest], vectors[:, slowest]

    # To first order in its change the mode follows from all the others, and from that the
    # quotient to second order.
    pencil = stability_pencil(spectrum, temperature, grid)
    flow = jax.grad(lambda v: 0.5 * _flow(spectrum, temperature, grid, v))(psi)
    force = vectors.T @ (pencil.multiply_A(psi) - mu * flow)
    force = force - jax.lax.stop_gradient(force)
    gap = mu * m - a
    distinct = jnp.abs(gap) > 1e-12 * mu
    psi = psi + vectors @ jnp.where(distinct, force / jnp.where(distinct, gap, 1.0), 0.0)
    quotient = _flow(spectrum, temperature, grid, psi) / (psi @ pencil.multiply_A(psi))
    return jnp.where(mu <= 0, jnp.inf, quotient)


def _own_step(spectrum, temperature, size):
    """Of δ modes: a part of all frequencies, the best of those there are, or of the top one."""
    omega, coupling = spectrum.modes()
    top = maximum_frequency(spectrum)
    count = jnp.arange(1.0, _STEPS + 1)
    step = top / count
    multiple = jnp.where(coupling != 0, omega / top, 1.0)[None, :] * count[:, None]

    def off(x):
        return jnp.max(jnp.abs(x - jnp.round(x)), axis=1)

    low, high = _LATTICE
    lattice = (off(multiple) < _NEAR) & (step >= low * temperature) & (step <= high * temperature)
    lattice = lattice & (step * size >= top + 14 * temperature)
    # Of the ladders that differ, the one half way between has the slowest rate: an even number
    # of steps includes it.
    cost = jnp.abs(jnp.log(step / (_FINEST * temperature))) + jnp.where(
        off(multiple / 2) < _NEAR, 0.0, 2.0
    )
    best = step[jnp.argmin(jnp.where(lattice, cost, jnp.inf))]
    smooth = top / jnp.maximum(jnp.floor(top / (_FINEST * temperature)), 1.0)
    return jnp.where(jnp.any(lattice), best, smooth)


def _modes(spectrum, temperature, grid):
    """vᵀÃv, vᵀM̃v (1, or 0 for what is conserved) and v of all modes; the slow ones are accurate."""
    scale = jnp.sqrt(scattering_rate(spectrum, temperature, grid.energies))
    scale = jnp.where(scale > 0, scale, 1.0)
    form = stability_pencil(spectrum, temperature, grid).A / (scale[:, None] * scale[None, :])
    singular, transposed = _svd(_factor(spectrum, temperature, grid, scale))
    transposed = transposed[:, ::-1]
    # Ã on the conserved quantities N, and the rest made Ã-orthogonal to them.
    conserved = singular < _CONSERVED * singular[0]
    form = transposed @ form @ transposed.T
    both = conserved[:, None] & conserved[None, :]
    block = jnp.where(both, form, jnp.diag(jnp.where(conserved, 0.0, 1.0)))
    crossing = jnp.where(conserved[:, None] & ~conserved[None, :], form, 0.0)
    elimination = solve_symmetric(block, crossing)
    root = jnp.where(conserved, 0.0, 1 / jnp.where(conserved, 1.0, singular))
    schur = root[:, None] * (form - crossing.T @ elimination) * root[None, :]
    # Conserved quantities and the others are blocks of one matrix: either set, diagonalised.
    a, mixed = eigh(jnp.where(both, form, schur))
    static = jnp.sum(jnp.where(conserved[:, None], mixed, 0.0) ** 2, axis=0) > 0.5
    moving = root[:, None] * mixed
    vectors = jnp.where(static[None, :], mixed, moving - elimination @ moving)
    return a, jnp.where(static, 0.0, 1.0), transposed.T @ vectors / scale[:, None]


def _log_window(energy, temperature):
    x = jnp.abs(energy) / temperature
    return -0.5 * x - jnp.log1p(jnp.exp(-x)) - 0.5 * jnp.log(temperature)


def _pairs(omega, coupling, temperature, grid):
    """Of the squares of one mode: ln √(c h h₊)/2 and the interpolation of φ(E+ω) on the grid."""
    energy = grid.step * jnp.arange(-grid.size, grid.size + 1)
    x = omega / temperature
    # 1/2sinh(x/2); the half is that of the axis E < 0, whose squares are the same.
    log_weight = 0.5 * (
        jnp.log(0.5 * coupling * omega / -jnp.expm1(-x))
        - 0.5 * x
        + _log_window(energy, temperature)
        + _log_window(energy + omega, temperature)
    )
    position = energy / grid.step + omega / grid.step
    # Nothing leaves the grid: what is conserved stays so.
    log_weight = jnp.where(position > grid.size + 1e-6, -jnp.inf, log_weight)
    near = jnp.round(position).astype(int)[:, None]
    n = near + jnp.arange(-HALF_WINDOW, HALF_WINDOW + 1)[None, :]
    distance = position[:, None] - n
    kernel = sinc(distance) * jnp.exp(-jnp.pi * distance**2 / (4 * HALF_WINDOW))
    # A constant is kept exactly. Beyond the grid φ is as at its end.
    kernel = kernel / jnp.sum(kernel, axis=1, keepdims=True)
    return log_weight, jnp.clip(n, -grid.size, grid.size), kernel


def _flow(spectrum, temperature, grid, psi):
    """ψM̃ψ as a sum of squares."""
    phi = psi * jnp.exp(-_log_window(grid.energies, temperature))
    phi = jnp.concatenate([-phi[::-1], jnp.zeros(1), phi])

    def term(omega, coupling):
        log_weight, n, kernel = _pairs(omega, jnp.ones_like(coupling), temperature, grid)
        difference = jnp.sum(kernel * phi[n + grid.size], axis=1) - phi
        return coupling * jnp.sum((jnp.exp(log_weight) * difference) ** 2)

    return sum_over_modes(term, spectrum)


def _factor(spectrum, temperature, grid, scale):
    """The triangular R with RᵀR = D⁻¹M̃D⁻¹, columns from high energies to low."""
    size = grid.size
    log_column = _log_window(grid.energies, temperature) + jnp.log(scale)
    index = jnp.arange(2 * size + 1)

    def rows(omega, coupling):
        log_weight, n, kernel = _pairs(omega, coupling, temperature, grid)
        full = jnp.zeros((2 * size + 1, 2 * size + 1)).at[index[:, None], n + size].add(kernel)
        full = full - jnp.eye(2 * size + 1)
        odd = full[:, size + 1 :] - full[:, size - 1 :: -1]
        scaled = odd * jnp.exp(log_weight[:, None] - log_column[None, :])
        return scaled[:, ::-1]

    def extend(triangle, modes):
        block = jax.vmap(rows)(*modes).reshape(-1, size)
        return _triangle(jnp.concatenate([triangle, block])), None

    def extend_if_any(triangle, modes):
        # Frequencies beyond the grid couple only what is thermally empty, see `slow_grid`.
        omega, coupling = modes
        matters = jnp.any((omega <= grid.cutoff) & (coupling != 0))
        return jax.lax.cond(matters, extend, lambda triangle, _: (triangle, None), triangle, modes)

    omega, coupling = spectrum.modes()
    padding = -omega.shape[0] % _AT_ONCE
    omega = jnp.append(omega, jnp.broadcast_to(omega[-1], (padding,)))
    modes = (x.reshape(-1, _AT_ONCE) for x in (omega, jnp.append(coupling, jnp.zeros(padding))))
    return jax.lax.scan(extend_if_any, jnp.zeros((size, size)), tuple(modes))[0]
