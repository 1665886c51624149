r"""The two-temperature model: electrons and phonons that are each in equilibrium at all times.

    (π²T_e/3) [C_el/(2π²ν0T_e/3)] ∂T_e/∂t = -Q + p(t)Ω²,
    Σ_k (F_k/2ν0) C_k ∂T_l/∂t = Q - Σ_k (F_k/2ν0) ω_k [N_k(T_l) - N_k(T0)]/τ_k,
    Q = Σ_k λ_kω_k³ [N_k(T_e) - N_k(T_l)],

in the rescaled time and over 2ν0, C_k = ω_k ∂N_k/∂T. For T ≫ ω it is Q = λ⟨ω²⟩(T_e - T_l), as Allen
has it. The kinetic equation tends to it where electrons among themselves, and phonons among
themselves, collide much more often than with each other.
"""

from typing import Any, NamedTuple

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Real
from scipy.optimize import brentq

from ..electrons.occupations import bose
from ..numerics.checks import checked
from ..spectra.resolution import at_temperature
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..stability.phonons import MovingPhonons, PhononBranches
from ..thermodynamics.specific_heat import specific_heat_ratio
from .pump import Pulse


class TwoTemperatures(NamedTuple):
    """T_e(t) and T_l(t) (arrays of shape (time,), energy)."""

    electrons: Any
    lattice: Any


@checked
def two_temperatures(
    spectrum: EliashbergFunction,
    electrons: Scalar,
    temperature: Scalar,
    times: Real[ArrayLike, " time"],
    *,
    phonons: MovingPhonons | None = None,
    pump: Pulse | None = None,
    rtol: float = 1e-8,
) -> TwoTemperatures:
    r"""T_e and T_l by the two-temperature model, with the true specific heat of the electrons.

    Args:
        spectrum: an Eliashberg function.
        electrons (scalar, energy): T_e at t = 0.
        temperature (scalar, energy): T0 of the phonons and of their bath.
        times (array of shape (time,), 1/energy): ascending, ≥ 0, rescaled.
        phonons: without them T_l remains T0. What they start from is one temperature, T0 or
            `MovingPhonons.initial`.
        pump: a pulse of light.
        rtol: of the integration.

    Returns:
        TwoTemperatures: `.electrons` and `.lattice`.

    Raises:
        ValueError: phonons that start from occupations mode by mode.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([2.0, 3.0], [0.4, 0.4])
        >>> found = two_temperatures(s, 1.2, 1.0, [0.0, 1.0, 50.0], phonons=MovingPhonons(0.2))
        >>> print(found.electrons.round(4), found.lattice.round(4))
        [1.2    1.0943 1.0653] [1.     1.052  1.0653]
    """
    spectrum = at_temperature(spectrum, temperature)
    branches = (MovingPhonons(0.0) if phonons is None else phonons).on(spectrum)
    start = jnp.asarray(temperature, dtype=float)
    if phonons is not None and phonons.initial is not None:
        if phonons.initial.ndim:
            raise ValueError(
                "two_temperatures: phonons start from one temperature here: give "
                "MovingPhonons(initial=T)."
            )
        start = phonons.initial
    return _integrate(
        spectrum,
        branches,
        jnp.asarray(electrons, dtype=float),
        start,
        jnp.asarray(temperature, dtype=float),
        jnp.asarray(times, dtype=float),
        pump,
        rtol,
    )


@jax.jit
def _integrate(spectrum, branches: PhononBranches, hot, start, bath, times, pump, rtol):
    omega, strength = branches.omega, branches.strength
    moves = branches.coupling > 0
    capacity = jnp.where(moves, 1 / jnp.where(moves, branches.coupling, 1.0), 0.0)

    def heat_of_modes(temperature):
        return jax.jvp(lambda t: omega * bose(omega, t), (temperature,), (1.0,))[1]

    def rate(t, y, args):
        del args
        electrons, lattice = y
        flow = jnp.sum(strength * omega**2 * (bose(omega, electrons) - bose(omega, lattice)))
        lost = jnp.sum(
            capacity * branches.escape * omega * (bose(omega, lattice) - bose(omega, bath))
        )
        brought = 0.0 if pump is None else pump.rate(t) * pump.photon_energy**2
        heat = jnp.pi**2 / 3 * electrons * specific_heat_ratio(spectrum, electrons)
        stored = jnp.sum(capacity * heat_of_modes(lattice))
        warming = jnp.where(stored > 0, (flow - lost) / jnp.where(stored > 0, stored, 1.0), 0.0)
        return (brought - flow) / heat, warming

    controller = diffrax.PIDController(rtol=rtol, atol=1e-3 * rtol * bath)
    if pump is not None:
        # No step goes over a pulse without seeing it; after it steps are as long as they may be.
        inside = jnp.linspace(jnp.maximum(0.0, 2 * pump.centre - pump.end), pump.end, 17)
        controller = diffrax.ClipStepSizeController(controller, step_ts=inside)
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(rate),
        diffrax.Kvaerno5(),
        t0=0.0,
        t1=times[-1],
        dt0=None,
        y0=(hot, start),
        saveat=diffrax.SaveAt(ts=times),
        stepsize_controller=controller,
        max_steps=16384,
        throw=False,
    )
    assert solution.ys is not None
    # diffrax marks what it did not reach by inf: where C_el < 0 the model has no solution.
    return TwoTemperatures(*(jnp.where(jnp.isfinite(y), y, jnp.nan) for y in solution.ys))


def final_temperature(
    spectrum: EliashbergFunction,
    electrons: float,
    temperature: float,
    phonons: MovingPhonons | None,
    absorbed: float = 0.0,
) -> float:
    r"""Where electrons and phonons end, from energies alone: T_f of

    $$\int_{T_f}^{T_e}\frac{\pi^2T}{3}\frac{C_{el}}{2\pi^2\nu_0T/3}dT + \mathrm{absorbed}
      = \sum_k\frac{F_k}{2\nu_0}\omega_k[N_k(T_f) - N_k(T_0)],$$

    or T0, where phonons keep it or give what they have to a bath.

    Args:
        spectrum: an Eliashberg function.
        electrons, temperature (scalars, energy): T_e and T0 at t = 0.
        phonons: see `MovingPhonons`; they start at T0 unless `initial` says otherwise.
        absorbed (scalar, energy²): what a pulse brings, over 2ν0.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([2.0, 3.0], [0.4, 0.4])
        >>> print(f"{final_temperature(s, 1.2, 1.0, MovingPhonons(0.2)):.4f}")
        1.0653
    """
    if phonons is None:
        return temperature
    spectrum = at_temperature(spectrum, temperature)
    branches = phonons.on(spectrum)
    coupling = np.asarray(branches.coupling)
    if np.any(np.asarray(branches.escape) > 0) or not np.any(coupling > 0):
        return temperature
    moves = coupling > 0
    capacity = np.where(moves, 1 / np.where(moves, coupling, 1.0), 0.0)
    energy = capacity * np.asarray(branches.omega)
    began = np.asarray(phonons.start(branches, temperature)) @ np.asarray(branches.omega)
    node, weight = np.polynomial.legendre.leggauss(32)
    ratios = jax.jit(jax.vmap(lambda t: specific_heat_ratio(spectrum, t)))

    def missing(end):
        at = end + (electrons - end) * (node + 1) / 2
        lost = (electrons - end) / 2 * np.sum(weight * np.pi**2 / 3 * at * np.asarray(ratios(at)))
        gained = energy @ np.asarray(bose(branches.omega, end) - bose(branches.omega, temperature))
        return lost + absorbed - (gained - began)

    low, high = min(electrons, temperature) / 2, max(electrons, temperature)
    while missing(high) > 0:
        high *= 2
    while missing(low) < 0:
        low /= 2
    return float(brentq(missing, low, high, xtol=1e-14 * temperature, rtol=1e-14))  # pyright: ignore
