r"""Normal modes of the linearised kinetic equation, γ Ã ψ = M̃ ψ: all of them, or the extreme ones.

What is computed is μ = 1/γ, which passes smoothly through 0 where Ã loses its sign and γ has
its poles.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..electrons.occupations import thermal_window
from ..electrons.self_energy import scattering_rate
from ..grids.energies import EnergyGrid, check_grid
from ..numerics.checks import checked
from ..numerics.davidson import lowest_eigenpair
from ..numerics.lapack import eigh, solve_symmetric
from ..numerics.typed import jit
from ..spectra.description import concrete
from ..spectra.moments import maximum_frequency
from ..spectra.resolution import resolving
from ..spectra.spectrum import EliashbergFunction, Scalar
from .activated import activated_rate, slow_grid
from .margin import COARSE, search_space
from .pencil import MovingPencil, StabilityPencil, stability_pencil
from .rates import continuum_rate


class NormalModes(eqx.Module):
    r"""The normal modes of the linearised kinetic equation, $\gamma\tilde A\psi = \tilde M\psi$.

    Rates are sorted ascending: growing modes (γ < 0) first, then those that do not move
    (γ = 0: distributions that keep the particle number of each ladder of a single Einstein
    mode), then the decaying ones, slowest first; from `continuum_rate` on these stand for a
    continuum. Made by `normal_modes` or `pencil_modes`.

    Args:
        rates (array of shape (mode,), energy): γ in the rescaled time.
        vectors (array of shape (energy, mode)): ψ = √(-f0') φ, one column a mode.
        energies (array of shape (energy,), energy): E = ε…Lε.
        phonons (array of shape (phonon, mode)): η_k of δN_k = N_k(N_k+1)η_k/T beside φ, of a
            pencil with phonons that move.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> modes = normal_modes(EinsteinModes([50.0], [1.0]), 12.5, EnergyGrid(5.0, 72))
        >>> print(modes.unstable, modes.vectors.shape, modes.distributions(12.5).shape)
        0 (72, 72) (72, 72)
    """

    rates: Float[Array, " mode"]
    vectors: Float[Array, "energy mode"]
    energies: Float[Array, " energy"]
    phonons: Float[Array, "phonon mode"] | None = None

    @property
    def unstable(self) -> Int[Array, ""]:
        """How many modes grow; -1 where the rates are NaN."""
        return jnp.where(jnp.any(jnp.isnan(self.rates)), -1, jnp.sum(self.rates < 0))

    @property
    def slowest(self) -> Float[Array, ""]:
        """The smallest γ > 0 of the grid; of the metal itself, see `slowest_rate`."""
        return jnp.min(jnp.where(self.rates <= 0, jnp.inf, self.rates))

    @property
    def fastest_growth(self) -> Float[Array, ""]:
        """The largest growth rate max(-γ), 0 for a stable metal."""
        return jnp.maximum(-self.rates[0], 0.0)

    def distributions(self, temperature: Scalar) -> Float[Array, "energy mode"]:
        """δf(E) = √(-f0') ψ of each mode, on E = ε…Lε.

        Args:
            temperature (scalar, energy): T > 0, that of the modes.
        """
        return thermal_window(self.energies, temperature)[:, None] * self.vectors


@checked
def normal_modes(
    spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid
) -> NormalModes:
    r"""All rates and eigenvectors of γ Ã ψ = M̃ ψ: stable, unstable, and with semidefinite M̃.

    Where Ã is indefinite γ has poles and only 1/γ is continuous: magnitudes of diverging
    rates belong to the grid. So does the number of growing modes once Z0⁻¹ < 0 on an interval
    of energies: each energy of the grid there adds one. That there is one belongs to the metal.

    What is computed to rounding of its largest is 1/γ, so that a rate γ is known to a part of
    about $10^{-16}γ/γ_1$ of itself: of activated rates, $e^{-ω/T}$, see `slowest_rate`, and for
    the fastest beside them `extreme_rates`.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        grid: see `EnergyGrid.suggest`.

    Raises:
        ValueError: the grid does not fit the spectrum and the temperature, see `check_grid`.

    Example:
        >>> import numpy as np
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes(np.arange(40.0, 61.0), np.full(21, 1 / 21))
        >>> temperature = 0.25 * 50.36533199202271
        >>> modes = normal_modes(s, temperature, EnergyGrid.suggest(s, temperature))
        >>> print(f"{modes.slowest:.6f}")
        0.884702
    """
    check_grid(spectrum, temperature, grid)
    return pencil_modes(stability_pencil(spectrum, temperature, grid))


@jit
def pencil_modes(pencil: StabilityPencil | MovingPencil) -> NormalModes:
    """`normal_modes` of a pencil that is already there.

    Args:
        pencil: Ã and M̃, by `stability_pencil`, with collisions between electrons and phonons that
            move if it has them.

    Returns:
        NormalModes: all rates (energy, rescaled time) and eigenvectors.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([40.0, 60.0], [0.5, 0.5])
        >>> pencil = stability_pencil(s, 12.5, EnergyGrid(5.0, 72))
        >>> modes = pencil_modes(pencil)
        >>> v = modes.vectors[:, 3]
        >>> residual = modes.rates[3] * pencil.multiply_A(v) - pencil.multiply_M(v)
        >>> bool(jnp.max(jnp.abs(residual)) < 1e-9)
        True
    """
    rates, vectors = _generalised_eigh(pencil.A, pencil.M)
    if isinstance(pencil, StabilityPencil):
        return NormalModes(rates, vectors, pencil.energies)
    size = pencil.energies.shape[0]
    phonons = pencil.scale[:, None] * vectors[size:]
    return NormalModes(rates, vectors[:size], pencil.energies, phonons)


# Eigenvalues of M below this fraction of the largest belong to conserved quantities. On a
# resolved grid those come out below 1e-13, and the slowest true rates well above.
_NULL = 1e-11


@jax.custom_jvp
def _generalised_eigh(A, M):
    """γ (ascending) and V of M V = A V diag(γ), M ≥ 0, A indefinite.

    V is normalised to vᵀMv = 1, and to |vᵀAv| = 1 where Mv = 0.
    """
    # Work with 1/γ, which passes smoothly through 0 where A loses its sign: A u = μ M u on the
    # range of M. Vectors of the null space are eliminated by a Schur complement.
    m, basis = eigh(M)
    null = m <= _NULL * m[-1]
    A = basis.T @ A @ basis
    in_null = null[:, None] & null[None, :]
    crossing = null[:, None] & ~null[None, :]
    block = jnp.where(in_null, A, jnp.diag(jnp.where(null, 0.0, 1.0)))
    elimination = solve_symmetric(block, jnp.where(crossing, A, 0.0))
    schur = A - jnp.where(crossing, A, 0.0).T @ elimination
    root = jnp.where(null, 0.0, 1 / jnp.sqrt(jnp.where(null, 1.0, m)))
    # The Schur form's own null space (one zero for each null vector) is replaced by the
    # vectors that diagonalise A there.
    mu, u = eigh(root[:, None] * schur * root[None, :])
    a, n = eigh(block)
    static_u = jnp.sum(jnp.where(null[:, None], u, 0.0) ** 2, axis=0) > 0.5
    static_n = jnp.sum(jnp.where(null[:, None], n, 0.0) ** 2, axis=0) > 0.5
    moving = root[:, None] * u
    moving = moving - elimination @ moving
    resting = n / jnp.sqrt(jnp.where(static_n, jnp.abs(a), 1.0))[None, :]
    # The k-th static column of u takes the k-th null vector.
    source = jnp.argsort(~static_n, stable=True)[jnp.cumsum(static_u) - 1]
    vectors = jnp.where(static_u[None, :], resting[:, source], moving)
    rates = jnp.where(static_u, 0.0, 1 / jnp.where(static_u, 1.0, mu))
    order = jnp.argsort(rates)
    return rates[order], (basis @ vectors)[:, order]


@_generalised_eigh.defjvp
def _generalised_eigh_jvp(primals, tangents):
    (A, M), (dA, dM) = primals, tangents
    rates, v = _generalised_eigh(A, M)
    a = jnp.sum(v * (A @ v), axis=0)
    m = jnp.sum(v * (M @ v), axis=0)
    va, vm = v.T @ dA @ v, v.T @ dM @ v
    force = vm - va * rates[None, :]  # vⱼᵀ (dM - γᵢ dA) vᵢ
    drates = jnp.diag(force) / a
    # Mixing with mode j is -vⱼᵀ(dM - γᵢdA)vᵢ / vⱼᵀ(M - γᵢA)vⱼ; degenerate modes do not mix.
    gap = m[:, None] - a[:, None] * rates[None, :]
    scale = jnp.abs(m)[:, None] + jnp.abs(a[:, None] * rates[None, :])
    distinct = jnp.abs(gap) > 1e-12 * scale
    mixing = jnp.where(distinct, -force / jnp.where(distinct, gap, 1.0), 0.0)
    moving = jnp.abs(rates) > 0
    norm = jnp.where(moving, jnp.diag(vm), jnp.diag(va) / jnp.where(moving, 1.0, a))
    mixing = jnp.where(jnp.eye(len(rates), dtype=bool), -0.5 * norm[:, None], mixing)
    return (rates, v), (drates, v @ mixing)


@checked
def slowest_rate(
    spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid
) -> Float[Array, ""]:
    r"""The slowest decay rate of the metal: of a discrete mode, or the edge of the continuum.

    The least γ > 0 of $\gamma\tilde A\psi = \tilde M\psi$, or that of `continuum_rate`, to which
    levels of a grid come down as its step becomes finer.

    Where T is so low that rates are activated, e^{-ω/T}, the mode is that of `activated_rate`,
    which keeps their digits; of δ modes whose frequencies have no common divisor, though, the
    slowest rate depends on how rough a deviation may be, and is an order of magnitude.
    At λ = 0 nothing decays, and the derivative is that of the edge.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        grid: see `EnergyGrid.suggest`.

    Returns:
        γ₁ (scalar, energy, rescaled time).

    Raises:
        ValueError: the grid does not fit the spectrum and the temperature, see `check_grid`.

    Example:
        >>> from jaxelph import example
        >>> s = example("table1")
        >>> for t in (12.6, 50.0):  # discrete, continuous
        ...     grid = EnergyGrid(t / 3, 104)
        ...     print(f"{slowest_rate(s, t, grid):.3f} {normal_modes(s, t, grid).slowest:.3f}")
        0.887 0.887
        12.408 12.731
    """
    check_grid(spectrum, temperature, grid)
    if concrete((spectrum, jax.tree.map(jnp.asarray, (temperature, grid)))):
        grid = slow_grid(spectrum, temperature, grid)
    return _slowest_rate(spectrum, temperature, grid)


@resolving
@jax.jit
def _slowest_rate(spectrum, temperature, grid):
    pencil = stability_pencil(spectrum, temperature, grid)
    on_grid = pencil_modes(pencil).slowest
    scattering = scattering_rate(spectrum, temperature, grid.energies)
    discrete = jax.lax.cond(
        _activated(spectrum, scattering, on_grid),
        lambda: activated_rate(spectrum, temperature, grid),
        lambda: on_grid,
    )
    return jnp.minimum(discrete, continuum_rate(spectrum, temperature))


def least_resolved(spectrum: EliashbergFunction) -> float:
    """The least eigenvalue that M̃ as a difference has, in parts of its largest element.

    Of δ modes off the lattice the tails of sinc, beside Γ of order e^{-ω/T}, make M̃
    indefinite at a few 1e-6; else what is lost is rounding.
    """
    return 1e-9 if spectrum.smooth else 1e-4


def _activated(spectrum, scattering, rate):
    """Whether M̃ has lost rates as slow as this one, or as the least Γ(E)."""
    rate = jnp.minimum(jnp.abs(rate), jnp.min(scattering))
    return jax.lax.stop_gradient(rate < least_resolved(spectrum) * jnp.max(scattering))


def is_activated(
    spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid, rate: Scalar
) -> Bool[Array, ""]:
    """Whether a slowest rate of `normal_modes` is lost in rounding: then see `slowest_rate`."""
    return _activated(spectrum, scattering_rate(spectrum, temperature, grid.energies), rate)


@checked
def extreme_rates(
    spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""The slowest and the fastest rate without a matrix, in O(L log L) a step.

    $$1/\gamma_1 = \max_\psi\frac{\psi A\psi}{\psi M\psi}, \qquad
      1/\gamma_L = \min_\psi\frac{\psi A\psi}{\psi M\psi},$$

    by Davidson's method from the modes of a coarse grid; first derivatives are exact, since
    the quotients are stationary.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        grid: of any size.

    Returns:
        (γ₁, γ_L) (scalars, energy, rescaled time): the slowest and the fastest decay. In an
        unstable metal the second is negative, that of the mode which grows most slowly: faster
        growth, up to the pole, belongs to the grid.

    Raises:
        ValueError: the grid does not fit the spectrum and the temperature, see `check_grid`.

    Example:
        >>> import numpy as np
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes(np.arange(40.0, 61.0), np.full(21, 1 / 21))
        >>> slowest, fastest = extreme_rates(s, 0.25 * 50.36533199202271, EnergyGrid(3.13, 146))
        >>> print(f"{slowest:.9f}")
        0.884701765
    """
    check_grid(spectrum, temperature, grid)
    return _extreme_rates(spectrum, temperature, grid)


@jax.jit
def _extreme_rates(spectrum, temperature, grid):
    pencil = stability_pencil(spectrum, temperature, grid)
    frozen = jax.lax.stop_gradient(pencil)
    count = min(COARSE, grid.size)
    coarse = EnergyGrid(grid.step * grid.size / count, count)
    modes = pencil_modes(jax.lax.stop_gradient(stability_pencil(spectrum, temperature, coarse)))
    moving = modes.rates != 0
    order = jnp.argsort(jnp.where(moving, 1 / jnp.where(moving, modes.rates, 1.0), 0.0))

    grids = jax.lax.stop_gradient((coarse, grid))
    # A μ-preserving shift, μ → μ/(1 + sμ), to a definite metric: M̃ alone has lost its least
    # eigenvalues, see `_activated`.
    scattering = jax.lax.stop_gradient(scattering_rate(spectrum, temperature, grid.energies))
    shift = 1e-4 * jnp.max(scattering)

    def metric(v):
        return frozen.multiply_M(v) + shift * frozen.multiply_A(v)

    metric_diagonal = frozen.diagonal_M + shift * frozen.diagonal_A

    def search(sign_and_smooth):
        sign, smooth = sign_and_smooth
        diagonal = sign * frozen.diagonal_A
        return lowest_eigenpair(
            lambda v: sign * frozen.multiply_A(v),
            diagonal,
            search_space(smooth, grids, frozen, diagonal / metric_diagonal),
            metric=metric,
            metric_diagonal=metric_diagonal,
        )[1]

    # One search after the other. Under `vmap` JAX's LAPACK calls wait for threads of the pool
    # that they run on themselves: as many at a time as there are threads never end.
    smooth = jnp.stack([modes.vectors[:, order[-4:]], modes.vectors[:, order[:4]]])
    slow, fast = jax.lax.map(search, (jnp.array([-1.0, 1.0]), smooth))

    def quotient(vector):
        return (vector @ pencil.multiply_M(vector)) / (vector @ pencil.multiply_A(vector))

    slowest = quotient(slow)
    # Smooth on the scale of T, an activated mode needs no fine grid, and no cutoff far above.
    cutoff = jnp.minimum(grid.cutoff, maximum_frequency(spectrum) + 16 * temperature)
    slowest = jax.lax.cond(
        _activated(spectrum, scattering, slowest),
        lambda: activated_rate(spectrum, temperature, EnergyGrid(cutoff / count, count)),
        lambda: slowest,
    )
    return slowest, quotient(fast)
