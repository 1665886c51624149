r"""The conductance of a tunnel junction, from the equations on a line above the real axis.

dI/dV at temperature T sees the density of states N(E)/ν0 = Re n(E + i0), n = ω/√(ω² - Δ²),
through -f'. As n is analytic above the axis, and -f' up to πT from it, that is a sum over a line

    G(V) = 1 + Re ∫dE K(E + i(η-Γ) - V) [n(E + iη) - 1],      K(z) = 1/(4T cosh²(z/2T)),

exactly, with Dynes's broadening Γ for nothing. At η = πT/2 all functions are smooth on the
scale of η, and a uniform grid does: it loses e^{-2πη/h}. Of modes on the same grid the equations of
Marsiglio, Schossmann and Carbotte (PRB 37, 4965 (1988), see `superconductivity.continuation`)
hold differences and sums of the grid's energies alone,

    Z(ω_i)ω_i = ω_i + Σ_k a_k {2πT [D_{i+k} - D_{i-k}] - Ψ_{i-k} + Ψ_{i+k} + iπ coth(x_k/2T)
                + iπ [N_k (n_{i-k} + n_{i+k} - 2)
                      + f(-ω_{i-k}) (n_{i-k} - 1) + f(ω_{i+k}) (n_{i+k} - 1)]},

and the like for ZΔ, with a_k = α²F(x_k) h, D and S sums over the Matsubara axis and Ψ digammas: no
matrix of energies by energies by modes. Derivatives by α²F and μ* are those of the solution, by one
linear system for all of them.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from ...numerics.special import polygamma
from ...spectra.moments import phonon_edge
from ...spectra.peaks import GaussianPeaks
from ...spectra.spectrum import EinsteinModes, EliashbergFunction, Scalar
from ...spectra.table import TabulatedSpectrum
from ...superconductivity.condensate import Metal
from ...superconductivity.continuation import condensate_of, retarded_root
from ...superconductivity.gap import condensed, leading_gap, prepared, solution

# Rows between two x_k of α²F that is a formula.
_FINER = 8
# Of the iteration.
_STEPS, _RTOL = 600, 1e-12


class Line(NamedTuple):
    """A grid E_i + iη: its step, η, and how many energies and modes there are."""

    step: float
    height: float
    energies: int  # E_i = i h, i from 0 on
    modes: int  # x_k = k h, k from 1 on


class Sums(NamedTuple):
    """What the Matsubara axis gives, at ω_l of all differences and sums of the grid's energies."""

    odd: Complex[Array, " line"]  # 2πT D
    even: Complex[Array, " line"]  # 2πT ω S
    limit: Float[Array, ""]  # of ZΔ at ω → ∞


class Fixed(NamedTuple):
    """What neither α²F nor μ* changes, at the same ω_l, and by mode."""

    omega: Complex[Array, " line"]
    digamma: Complex[Array, " line"]
    filled: Complex[Array, " line"]  # f(-ω_l)
    empty: Complex[Array, " line"]  # f(ω_l)
    phonons: Float[Array, " mode"]  # N_k
    coth: Float[Array, " mode"]  # coth(x_k/2T)


def areas_on(line: Line, spectrum: EliashbergFunction) -> Float[Array, " mode"]:
    r"""a_k of a spectrum: shares of all of it, each frequency's to its two neighbours.

    Of a density they are integrals with hats, $b_k = \int d\omega\,\alpha^2F(1 - |\omega-x_k|/h)$,
    so that a step or a line between two x_k counts for all that it is; what a hat smears is taken
    back to the fourth order in h by $a_k = b_k - (b_{k-1} - 2b_k + b_{k+1})/12$.
    """
    if isinstance(spectrum, TabulatedSpectrum):
        return _hats(line, spectrum.omega, spectrum.a2f)
    if isinstance(spectrum, GaussianPeaks):
        # Straight lines between fine rows lose of what bends what a hat smears.
        fine = line.step / _FINER * jnp.arange(0.0, _FINER * line.modes + 2)
        a2f = spectrum.a2f(fine)
        return _hats(line, fine[1:-1], a2f[1:-1] - jnp.diff(a2f, 2) / 12)
    omega, coupling = spectrum.modes()
    place = jnp.clip(omega / line.step - 1, 0.0, line.modes - 1.0)
    near = jax.lax.stop_gradient(jnp.clip(jnp.floor(place), 0, line.modes - 2)).astype(int)
    area = omega * coupling / 2
    found = jnp.zeros(line.modes).at[near].add(area * (1 - (place - near)))
    return found.at[near + 1].add(area * (place - near))


def _hats(line: Line, omega, a2f) -> Float[Array, " mode"]:
    """a_k of α²F linear between its rows, exactly: second differences of its second integral."""
    omega, a2f = jnp.append(0.0, omega), jnp.append(0.0, a2f)
    gap = jnp.diff(omega)
    once = jnp.append(0.0, jnp.cumsum(gap * (a2f[1:] + a2f[:-1]) / 2))
    add = gap * once[:-1] + gap**2 * (2 * a2f[:-1] + a2f[1:]) / 6
    twice = jnp.append(0.0, jnp.cumsum(add))
    rise = jnp.append(jnp.diff(a2f) / jnp.where(gap > 0, gap, 1.0), 0.0)
    # Beyond the last row there is nothing.
    a2f = a2f.at[-1].set(0.0)
    x = line.step * jnp.arange(0.0, line.modes + 2)
    row = jnp.clip(jnp.searchsorted(omega, x, side="right") - 1, 0, len(omega) - 1)
    t = x - omega[row]
    there = twice[row] + t * (once[row] + t * (a2f[row] / 2 + t * rise[row] / 6))
    shares = jnp.diff(there, 2) / line.step
    # Nothing is carried beyond the first and the last: the sum stays.
    return shares - jnp.diff(jnp.pad(jnp.diff(shares), 1)) / 12


def _at(line: Line, values: Complex[Array, " line"]):
    """Of values at all ω_l those at ω_{i-k} and at ω_{i+k}, arrays of shape (energy, mode)."""
    i = np.arange(line.energies)[:, None]
    k = np.arange(1, line.modes + 1)[None, :]
    # The first is ω_{-modes}.
    return values[i - k + line.modes], values[i + k + line.modes]


def _everywhere(line: Line, values: Complex[Array, " energy"], sign: float):
    """Values at E_i + iη carried on to all ω_l: conjugate on the left, constant on the right."""
    left = sign * jnp.conj(values[1 : line.modes + 1][::-1])
    right = jnp.full(line.modes, values[-1])
    return jnp.concatenate([left, values, right])


def _fixed(line: Line, temperature) -> Fixed:
    energies = line.step * jnp.arange(-line.modes, line.energies + line.modes)
    omega = energies + 1j * line.height
    x = line.step * jnp.arange(1.0, line.modes + 1)

    def fermi(z):
        far = jnp.exp(-jnp.where(z.real > 0, z, -z) / temperature)
        return jnp.where(z.real > 0, far / (1 + far), 1 / (1 + far))

    return Fixed(
        omega,
        polygamma(0, 0.5 + (line.height - 1j * energies) / (2 * jnp.pi * temperature)),
        fermi(-omega),
        fermi(omega),
        1 / jnp.expm1(x / temperature),
        1 / jnp.tanh(x / (2 * temperature)),
    )


def _sums(line: Line, fixed: Fixed, basis, at: Metal, unknown, temperature) -> Sums:
    c = condensate_of(basis, at, unknown, temperature)
    # Both are of one half line: ω_{-l} = -conj(ω_l).
    half = fixed.omega[line.modes :]
    poles = 1 / (half[:, None] ** 2 + c.frequency[None, :] ** 2)
    scale = 2 * jnp.pi * temperature
    odd, even = scale * (poles @ (c.frequency * c.versine)), scale * half * (poles @ c.sine)
    left = slice(line.modes, 0, -1)
    return Sums(
        jnp.concatenate([jnp.conj(odd[left]), odd]),
        jnp.concatenate([-jnp.conj(even[left]), even]),
        c.limit,
    )


def _matrices(line: Line, fixed: Fixed, normal, anomalous):
    """What multiplies a_k in the equations, given n - 1 and p at E_i + iη."""
    found = []
    for values, sign in ((normal, 1.0), (anomalous, -1.0)):
        full = _everywhere(line, values, sign)
        before, after = _at(line, full)
        filled, _ = _at(line, fixed.filled * full)
        _, empty = _at(line, fixed.empty * full)
        found.append(1j * jnp.pi * (fixed.phonons[None, :] * (before + after) + filled + empty))
    before, after = _at(line, fixed.digamma)
    found[0] = found[0] - before + after + 1j * jnp.pi * fixed.coth[None, :]
    return found


def _right(line: Line, fixed: Fixed, area, sums: Sums, normal, anomalous):
    """The right-hand sides for Zω and ZΔ."""
    total, pair = _matrices(line, fixed, normal, anomalous)
    odd, even = _at(line, sums.odd), _at(line, sums.even)
    own = fixed.omega[line.modes : line.modes + line.energies]
    return (
        own + (total + odd[1] - odd[0]) @ area,
        sums.limit + (pair + even[1] - even[0]) @ area,
    )


def _densities(total, pair):
    root = retarded_root(total, pair)
    return total / root - 1, pair / root


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _solved(line: Line, fixed: Fixed, area, sums: Sums, guess):
    """Zω and ZΔ at E_i + iη, by iterating the equations as they stand."""
    own = fixed.omega[line.modes : line.modes + line.energies]
    top = line.step * line.modes

    def body(state):
        total, pair, _, count = state
        new = _right(line, fixed, area, sums, *_densities(total, pair))
        size = jnp.max(jnp.abs(jnp.stack([new[0] - total, new[1] - pair])))
        return *new, size, count + 1

    def unfinished(state):
        return (state[2] > _RTOL * top) & (state[3] < _STEPS)

    start = own, jnp.full(own.shape, guess + 0j), jnp.inf, 0
    total, pair, size, _ = jax.lax.while_loop(unfinished, body, start)
    sound = size < 1e-7 * top
    return jnp.where(sound, total, jnp.nan), jnp.where(sound, pair, jnp.nan)


@_solved.defjvp
def _solved_jvp(line, primals, tangents):
    fixed, area, sums, guess = primals
    total, pair = _solved(line, fixed, area, sums, guess)
    normal, anomalous = _densities(total, pair)
    _, change = jax.jvp(
        lambda area, sums: _right(line, fixed, area, sums, normal, anomalous),
        (area, sums),
        tangents[1:3],
    )
    matrix = _jacobian(line, fixed, area, total, pair)
    right = jnp.concatenate([*change])
    answer = jnp.linalg.solve(matrix, jnp.concatenate([right.real, right.imag]))
    count = line.energies
    parts = answer[: 2 * count] + 1j * answer[2 * count :]
    return (total, pair), (parts[:count], parts[count:])


def _jacobian(line, fixed, area, total, pair):
    """1 less the derivative of the right-hand sides by Zω and ZΔ, as real numbers."""
    count = line.energies
    padded = jnp.concatenate([jnp.zeros(1), area, jnp.zeros(2 * count + line.modes)])
    bosons = jnp.concatenate(
        [jnp.zeros(1), area * fixed.phonons, jnp.zeros(2 * count + line.modes)]
    )
    i, j = np.arange(count)[:, None], np.arange(count)[None, :]
    own = slice(line.modes, line.modes + count)
    # To the left of ω_{-modes} there is nothing that a mode could reach.
    mirror = line.modes - np.arange(count)
    filled_left = jnp.where(mirror >= 0, fixed.filled[np.maximum(mirror, 0)], 0.0)
    f = jnp.where(j < i, fixed.filled[own][None, :], fixed.empty[own][None, :])
    above = 1j * jnp.pi * (bosons[np.abs(i - j)] + padded[np.abs(i - j)] * f)
    # The last energy stands for all beyond it.
    k = np.arange(1, line.modes + 1)[None, :]
    beyond = (i + k) >= count
    after = fixed.empty[line.modes + np.minimum(i + k, count + line.modes - 1)]
    extra = jnp.where(beyond, area[None, :] * (fixed.phonons[None, :] + after), 0.0)
    above = above.at[:, -1].add(1j * jnp.pi * jnp.sum(extra, axis=1))
    below = 1j * jnp.pi * (bosons[i + j] + padded[i + j] * filled_left[None, :])
    below = jnp.where(j == 0, 0.0, below)
    root = retarded_root(total, pair)
    cube = root**3
    slopes = jnp.stack([-(pair**2), total * pair, -total * pair, total**2]) / cube[None, :]

    def block(matrix, slope):
        return matrix * slope[None, :]

    a = jnp.block(
        [
            [block(above, slopes[0]), block(above, slopes[1])],
            [block(above, slopes[2]), block(above, slopes[3])],
        ]
    )
    b = jnp.block(
        [
            [block(below, jnp.conj(slopes[0])), block(below, jnp.conj(slopes[1]))],
            [-block(below, jnp.conj(slopes[2])), -block(below, jnp.conj(slopes[3]))],
        ]
    )
    linear = jnp.block([[(a + b).real, (b - a).imag], [(a + b).imag, (a - b).real]])
    return jnp.eye(4 * count) - linear


def line_densities(
    line: Line,
    spectrum: EliashbergFunction,
    temperature: Scalar,
    mu_star: Scalar,
    omega_ph: Scalar | None,
) -> Complex[Array, " energy"]:
    """n(E_i + iη) - 1; 0 in the normal state."""
    area = areas_on(line, spectrum)
    x = line.step * jnp.arange(1.0, line.modes + 1)
    reference = phonon_edge(spectrum) if omega_ph is None else omega_ph
    comb: Any = EinsteinModes(x, 2 * area / x)
    problem = prepared(comb, temperature, mu_star, None, reference, "omega-ph", None)
    found = solution(problem)
    at, unknown = condensed(problem, found)
    guess = jax.lax.stop_gradient(leading_gap(problem, found))
    fixed = jax.lax.stop_gradient(_fixed(line, temperature))
    sums = _sums(line, fixed, problem.basis, at, unknown, temperature)
    return _densities(*_solved(line, fixed, area, sums, guess))[0]


def conductance(
    line: Line,
    normal: Complex[Array, " energy"],
    temperature: Scalar,
    broadening: Scalar,
    bias: Float[Array, " datum"],
) -> Float[Array, " datum"]:
    """G(V) over that of the normal junction.

    Args:
        line: the grid.
        normal (complex array of shape (energy,)): n(E_i + iη) - 1.
        temperature (scalar, energy): T.
        broadening (scalar, energy): Γ, below η + πT.
        bias (array of shape (datum,), energy): eV, of either sign.
    """
    whole = jnp.concatenate([jnp.conj(normal[:0:-1]), normal])
    energies = line.step * jnp.arange(1.0 - line.energies, line.energies)
    z = energies[None, :] + 1j * (line.height - broadening) - bias[:, None]
    y = jnp.where(z.real > 0, z, -z) / temperature
    small = jnp.exp(-y)
    kernel = small / (temperature * (1 + small) ** 2)
    return 1 + line.step * (kernel @ whole).real
