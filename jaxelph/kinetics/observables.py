r"""What experiments see of electrons that are not in equilibrium.

Time-resolved photoemission sees occupied states, A(ξ, E) f(E, t) or, over all momenta, f(E, t),
with its resolution. Light sees a scattering rate: with P(ν) = ∫f(E)[1 - f(E+ν)]dE at which
electrons take up the energy ν, the golden rule for photons Ω that are absorbed or emitted together
with a phonon gives, as P(ν) - P(-ν) = ν for every f,

    1/τ(Ω) = (π/Ω) Σ_k λ_kω_k {(2N_k + 1)Ω + G(Ω-ω_k) - G(Ω+ω_k)},     G(ν) = P(ν) - ν/2,

which for Fermi functions, G = (ν/2) coth(ν/2T), is that of Shulga, Dolgov and Maksimov. It is
linear in N and in P, and what is computed is its change. What each phonon takes up from the
electrons is the energy flow by ω.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Real
from scipy.fft import next_fast_len

from ..electrons.self_energy import self_energy
from ..numerics.checks import concrete, refuse
from ..spectra.resolution import at_temperature
from ..spectra.spectrum import Scalar
from ..stability.phonons import MovingPhonons
from .collisions import whole_axis
from .moving import moving_equation
from .run import Run
from .shifts import SymmetricShifts, place_weights, reach_of

# Full width at half maximum of a Gaussian over its σ.
_WIDTHS = float(np.sqrt(8 * np.log(2.0)))
# Width of the step that is taken from f, in steps of the grid: what is left has no wave shorter
# than these.
_SOFT = 3.0


def photoemission(
    run: Run,
    resolution: Scalar = 0.0,
    *,
    band_energy: Real[ArrayLike, "*band"] | None = None,
    impurity: Scalar = 0.0,
) -> Float[Array, "time *band whole"]:
    r"""Occupied states as time-resolved photoemission sees them: A(ξ, E) f(E, t), or f(E, t),

    $$\int dE'\,G_\sigma(E-E')\,A(\xi,E')\,f(E',t), \qquad
      A = -\tfrac1\pi\operatorname{Im}\frac1{E-\xi-\Sigma[f,N]},$$

    with Σ of the electrons and phonons of that time, collisions between electrons included in its
    imaginary part, and a Gaussian of the apparatus. Without ξ it is what all momenta give together,
    f with that resolution.

    Args:
        run: of `evolve`, or `.evolution` of what `relax` and `pump` return.
        resolution (scalar, energy): full width at half maximum; 0 for a perfect apparatus.
        band_energy (array of any shape, energy): ξ, bare energies of the band.
        impurity (scalar, energy): 1/τ of other scattering. A line narrower than the grid's step
            is not resolved.

    Returns:
        Intensities (array of shape (time, *band, 2L+1), 1/energy, or 1 without ξ) on
        E = -Lε…Lε, NaN after the end of the run.

    Raises:
        ValueError: a resolution or rate that is negative, or a number that is not finite.

    Example:
        >>> from jaxelph import EinsteinModes, EnergyGrid, evolve
        >>> run = evolve(EinsteinModes([2.0], [0.4]), 1.2, 1.0, EnergyGrid(0.4, 80), [0.0, 1.0])
        >>> seen = photoemission(run, 1.0)
        >>> print(seen.shape, seen[:, 85].round(4))  # at E = 2
        (2, 161) [0.1645 0.1525]
    """
    refuse("resolution", resolution, not_negative=True)
    refuse("impurity", impurity, not_negative=True)
    step = run.grid.step
    width = jnp.asarray(resolution, dtype=float) / _WIDTHS
    energies = step * jnp.arange(-run.grid.size, run.grid.size + 1.0)

    def smoothed(values):
        return _smoothed(values, width / step)

    if band_energy is None:
        narrow = _SOFT * step

        def soft(sigma):
            return 0.5 * jax.scipy.special.erfc(energies / (jnp.sqrt(2.0) * sigma))

        # A step with edges that the grid resolves stays analytic under the Gaussian.
        before, after = soft(narrow), soft(jnp.hypot(narrow, width))
        return _mapped(lambda f: after + smoothed(whole_axis(f) - before), run.f)
    refuse("band_energy", band_energy)
    xi = jnp.asarray(band_energy, dtype=float)
    sigma = _self_energies(run) - 0.5j * impurity

    def line(one, sigma, f):
        spectral = -jnp.imag(1 / (energies - one - sigma)) / jnp.pi
        return smoothed(spectral * whole_axis(f))

    def at(row):
        return jax.vmap(lambda one: line(one, *row))(xi.ravel()).reshape(*xi.shape, -1)

    return _mapped(at, (sigma, run.f))


def optical_rate_change(
    run: Run, frequency: Real[ArrayLike, "*light"]
) -> Float[Array, "time *light"]:
    r"""How much a run changes the scattering rate 1/τ(Ω) that light sees,

    $$\Delta\frac1{\tau(\Omega)} = \frac\pi\Omega\sum_k\lambda_k\omega_k\,\{2\Omega\,\Delta N_k
      + \Delta P(\Omega-\omega_k) - \Delta P(\Omega+\omega_k)\}, \qquad
      P(\nu) = \int f(E)[1 - f(E+\nu)]\,dE,$$

    in unscaled time, against equilibrium at T0: with `optical_rate` of T0 it is the rate of f and N
    themselves, and of a Fermi function and phonons of one T `optical_rate` of that T. α²F stands in
    the place of α²_tr F.

    Args:
        run: of `evolve`, or `.evolution` of what `relax` and `pump` return.
        frequency (array of any shape, energy): Ω > 0 of light.

    Returns:
        Δ(1/τ) (array of shape (time, *light), energy), NaN after the end of the run.

    Raises:
        ValueError: a frequency that is not positive.

    Example:
        >>> from jaxelph import EinsteinModes, EnergyGrid, evolve
        >>> run = evolve(EinsteinModes([2.0], [0.4]), 1.2, 1.0, EnergyGrid(0.4, 80), [0.0, 1.0])
        >>> print(optical_rate_change(run, 1.0).round(4))
        [0.19   0.1337]
    """
    refuse("frequency", frequency, positive=True)
    light = jnp.asarray(frequency, dtype=float)
    spectrum, lattice = run.spectrum, run.lattice
    temperature, step = run.equation.temperature, run.grid.step
    if lattice is None:
        omega, coupling = at_temperature(spectrum, temperature).modes()
        strength = coupling * omega
    else:
        omega, strength = lattice.omega, lattice.strength
    furthest = concrete((jnp.max(light) + jnp.max(omega)) / step)
    # Beyond twice the cutoff nothing changes, traced or not.
    reach = reach_of(2.0 * run.grid.size if furthest is None else float(furthest))
    shifts = SymmetricShifts.at(temperature, run.grid, reach)

    def weights(one):
        below = strength @ place_weights(jnp.abs(one - omega), step, reach)
        return jnp.pi / one * (below - strength @ place_weights(one + omega, step, reach))

    rows = jax.lax.map(weights, light.ravel())
    changed = _mapped(shifts.excess, run.deviation) @ rows.T
    if lattice is not None and run.stored is not None:
        occupied = run.stored @ (strength * lattice.coupling)
        changed = changed + 2 * jnp.pi * occupied[:, None]
    return changed.reshape(-1, *light.shape)


def energy_flow(run: Run) -> Float[Array, "time mode"]:
    r"""The energy that each phonon mode takes up from the electrons, per time and 2ν0,

    $$\omega_k\lambda_k\omega_k\,[P_k - \omega_kN_k] = -\int E\,I_k[f, N]\,dE, \qquad
      P_k = \int f(E+\omega_k)[1 - f(E)]\,dE,$$

    in the rescaled time, as `Run.energy` is over 2ν0. Its sum is what the electrons lose in
    collisions, to rounding; its integral what a mode gains, escapes to a bath and gives to others.

    Args:
        run: of `evolve`, or `.evolution` of what `relax` and `pump` return. Phonons that do not
            move take up energy all the same.

    Returns:
        The flow (array of shape (time, mode), energy³), for the modes of the spectrum or its
        quadrature nodes; NaN after the end of the run.

    Example:
        >>> from jaxelph import EinsteinModes, EnergyGrid, evolve
        >>> s = EinsteinModes([2.0, 3.0], [0.4, 0.4])
        >>> run = evolve(s, 1.2, 1.0, EnergyGrid(0.4, 80), [0.0, 1.0])
        >>> print(energy_flow(run).round(3))
        [[0.244 0.4  ]
         [0.083 0.13 ]]
    """
    equation, grid, lattice = run.equation, run.grid, run.lattice
    if lattice is None:
        lattice = MovingPhonons(0.0).on(at_temperature(run.spectrum, equation.temperature))
    furthest = concrete(jnp.max(lattice.omega) / grid.step)
    reach = reach_of(2.0 * grid.size if furthest is None else float(furthest))
    rest = jnp.zeros_like(equation.energies)
    moving = moving_equation(equation, lattice, grid, None, (reach, 0), rest)
    stored = run.stored
    if stored is None:
        stored = jnp.zeros((run.f.shape[0], lattice.omega.shape[0]))
    emitted = _mapped(lambda row: moving.exchanged(*row)[1], (run.deviation, stored))
    return lattice.omega[None, :] * emitted


# Times that are computed together: what a large grid takes for all would not fit in memory.
_TOGETHER = 16


def _mapped(function, rows):
    """A function of one time for all times."""
    count = jax.tree.leaves(rows)[0].shape[0]
    if count <= _TOGETHER:
        return jax.vmap(function)(rows)
    return jax.lax.map(function, rows, batch_size=_TOGETHER)


def _smoothed(values, sigma):
    """The convolution of a sinc series with a Gaussian of σ steps."""
    length: int = next_fast_len(2 * values.shape[0], real=True)  # pyright: ignore[reportAssignmentType]
    wave = 2 * jnp.pi * jnp.arange(length // 2 + 1) / length
    fall = jnp.exp(-((sigma * wave) ** 2) / 2)
    return jnp.fft.irfft(jnp.fft.rfft(values, length) * fall, length)[: values.shape[0]]


def _self_energies(run):
    """Σ(E) at each time on -L…L."""
    equation, grid, lattice = run.equation, run.grid, run.lattice
    energies = jnp.append(0.0, grid.energies)
    rest = self_energy(run.spectrum, equation.temperature, energies)

    def at(row):
        deviation, f, more = row
        real = jnp.real(rest)[1:] + equation.exchange.mv(deviation)
        rate = -2 / jnp.pi * jnp.imag(rest) + equation.phonons.odd.mv(deviation, first=0) + more
        if equation.electrons is not None:
            rate = rate + equation.electrons.rate(f, first=0)
        real = jnp.concatenate([-real[::-1], jnp.zeros(1), real])
        rate = jnp.concatenate([rate[:0:-1], rate])
        return real - 0.5j * jnp.pi * rate

    more = jnp.zeros_like(run.times)
    if lattice is not None and run.stored is not None:
        more = 2 * run.stored @ (lattice.strength * lattice.coupling)
    return _mapped(at, (run.deviation, run.f, more))
