r"""Heat that electrons carry, scattered by phonons: rates, Lorenz ratio, W/(K m).

A current of φ(E) electrons at energy E, φ = 1 of charge and φ = E of heat, is scattered out of E
by α²F and back in by α²F - α²_tr F, which keeps its direction. In ψ = √(-f0') φ that is

    Q̃ = Γ[α²F] - C[α²F - α²_tr F]*,

the M̃ of the kinetic equation for α²_tr F = 0; see `StabilityPencil`. Small-angle scattering, for
which α²_tr F ≪ α²F, relaxes heat and no charge: that is what L falls below L0 by.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..electrons.occupations import thermal_window
from ..electrons.self_energy import scattering_rate
from ..grids.energies import EnergyGrid
from ..grids.kernels import transfer_kernel
from ..numerics.checks import check_spectrum, checked, concrete, refuse
from ..numerics.lapack import solve_symmetric
from ..numerics.typed import jit
from ..spectra.resolution import at_temperature
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..units import DRUDE, LORENZ, mev_to_kelvin
from .rates import ZERO, Temperatures, bose_ratio, nodes_for, resistivity_rate, sum_of


def heat_rate(
    spectrum: EliashbergFunction,
    temperature: Temperatures,
    scattering: EliashbergFunction | None = None,
) -> Float[Array, "*shape"]:
    r"""Scattering rate of the electrons' heat current, to lowest order, φ = E:

    $$\frac1{\tau_\kappa} = 4\pi T\int\frac{d\omega}\omega\Bigl[\frac x{\sinh x}\Bigr]^2
      \Bigl[\Bigl(1 - \frac{2x^2}{\pi^2}\Bigr)\alpha^2_{tr}F + \frac{6x^2}{\pi^2}\alpha^2F\Bigr],
      \qquad x = \frac\omega{2T},$$

    in unscaled time. For α²F ∝ α²_tr F/ω² it is Bloch's closed form. That of charge is
    `resistivity_rate`.

    Args:
        spectrum: α²_tr F, or α²F in its place.
        temperature (array of any shape, energy): T ≥ 0.
        scattering: α²F; without it α²_tr F, and nothing is scattered back into the current.

    Returns:
        1/τ_κ (array of that shape, energy).

    Raises:
        ValueError: a temperature is negative or not finite.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [0.5])
        >>> for t in (0.1, 10.0):
        ...     print(f"{resistivity_rate(s, t) / heat_rate(s, t):.4f}")  # L/L0
        0.0898
        0.9990
    """
    steady = resistivity_rate(spectrum, temperature)
    out = spectrum if scattering is None else scattering
    check_spectrum("scattering", out)
    temperature = jnp.asarray(temperature, dtype=float)
    known = concrete(temperature)
    own = _inelastic(nodes_for(spectrum, known), temperature)
    every = own if scattering is None else _inelastic(nodes_for(out, known), temperature)
    return steady + (6 * every - 2 * own) / jnp.pi**2


@jit
def _inelastic(spectrum, temperature):
    """4πT ∫(dω/ω) α²F x⁴/sinh² x."""
    zero = temperature < ZERO
    t = jnp.where(zero, 1.0, temperature)

    def term(omega, coupling):
        y = omega / t
        return 0.5 * jnp.pi * coupling * omega * y * bose_ratio(y) * bose_ratio(-y)

    return jnp.where(zero, 0.0, sum_of(term, spectrum))


@checked
def lorenz_ratio(
    spectrum: EliashbergFunction,
    temperature: Temperatures,
    scattering: EliashbergFunction | None = None,
) -> Float[Array, "*shape"]:
    r"""Lorenz ratio $L/L_0 = \tau_\kappa/\tau$, L = κ/σT, to lowest order: 1 for T ≫ ω.

    Args:
        spectrum, scattering: see `heat_rate`.
        temperature (array of any shape, energy): T > 0, not so low that there are no phonons.

    Returns:
        L/L0 with L0 = (π²/3)(k_B/e)² (array of that shape).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{lorenz_ratio(EinsteinModes([1.0], [0.5]), 0.5):.4f}")
        0.7116
    """
    charge = resistivity_rate(spectrum, temperature)
    return charge / heat_rate(spectrum, temperature, scattering)


def thermal_conductivity(
    spectrum: EliashbergFunction,
    temperature: Temperatures,
    *,
    plasma: Scalar,
    residual: Scalar = 0.0,
    scattering: EliashbergFunction | None = None,
) -> Float[Array, "*shape"]:
    r"""Electronic thermal conductivity, to lowest order and with Matthiessen's rule,

    $$\kappa = L_0T\Big/\Bigl(\rho_0 + \frac1{\varepsilon_0\omega_p^2\tau_\kappa}\Bigr).$$

    Args:
        spectrum: α²_tr F in meV, or α²F in its place.
        temperature (array of any shape, meV): T > 0.
        plasma (scalar, eV): ħω_p.
        residual (scalar, µΩ cm): ρ0 ≥ 0.
        scattering: α²F in meV, see `heat_rate`.

    Returns:
        κ (array of the shape of T, W/(K m)).

    Raises:
        ValueError: ρ0 is negative, or a temperature or ω_p not positive.

    Example:
        >>> from jaxelph import EinsteinModes, units
        >>> lead = EinsteinModes([4.0, 8.0], [0.9, 0.6])
        >>> t = units.kelvin_to_mev(295.0)
        >>> print(f"{thermal_conductivity(lead, t, plasma=8.3):.2f} W/(K m)")
        27.85 W/(K m)
    """
    refuse("temperature", temperature, positive=True)
    refuse("plasma", plasma, positive=True)
    refuse("residual", residual, not_negative=True)
    rate = heat_rate(spectrum, temperature, scattering)
    resistivity = residual + DRUDE * rate / jnp.asarray(plasma, dtype=float) ** 2
    kelvin = mev_to_kelvin(jnp.asarray(temperature, dtype=float))
    return LORENZ * kelvin / (1e-8 * resistivity)


@checked
def boltzmann_rates(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    grid: EnergyGrid | None = None,
    *,
    scattering: EliashbergFunction | None = None,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""Rates of charge and of heat from the exact solution of the linearised Boltzmann equation,

    $$\tau = \frac{\langle h|\tilde Q^{-1}|h\rangle}{\pi\langle h|h\rangle}, \qquad
      \tau_\kappa = \frac{\langle hE|\tilde Q^{-1}|hE\rangle}{\pi\langle hE|hE\rangle},$$

    neither above those of the lowest order, `resistivity_rate` and `heat_rate`: these are
    variational bounds.

    Args:
        spectrum: α²_tr F, or α²F in its place.
        temperature (scalar, energy): T > 0.
        grid: on whose energies, and their mirror images, the equation is solved; by default that
            of `EnergyGrid.suggest`, which needs T not to be traced.
        scattering: α²F, see `heat_rate`.

    Returns:
        (1/τ, 1/τ_κ): scalars, energy, in unscaled time.

    Raises:
        ValueError: T is not positive, or `scattering` no Eliashberg function.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> charge, heat = boltzmann_rates(EinsteinModes([1.0], [0.5]), 0.5)
        >>> print(f"{charge:.5f} {heat:.5f}")
        1.07382 1.51544
    """
    every = spectrum if scattering is None else scattering
    check_spectrum("scattering", every)
    if grid is None:
        grid = EnergyGrid.suggest(every, temperature)
    inward = scattering is not None
    spectrum, every = at_temperature(spectrum, temperature), at_temperature(every, temperature)
    return _solved(spectrum, every, jnp.asarray(temperature, dtype=float), grid, inward)


@jit(static_argnames="inward")
def _solved(spectrum, every, temperature, grid, inward):
    energies = grid.step * jnp.arange(-grid.size, grid.size + 1)
    out = scattering_rate(every, temperature, energies)
    window = thermal_window(energies, temperature)
    charge, heat = window, window * energies / temperature
    if not inward:
        solved = [source / out for source in (charge, heat)]
    else:
        kernel = transfer_kernel(every, temperature, grid)
        kernel = kernel - transfer_kernel(spectrum, temperature, grid)
        n = np.arange(2 * grid.size + 1)
        back = kernel[np.abs(n[:, None] - n[None, :])]
        # Rates differ by orders of magnitude at low T: as parts of Γ they are of one size.
        root = jnp.sqrt(out)
        matrix = jnp.eye(n.size) - back / (root[:, None] * root[None, :])
        sources = jnp.stack([charge, heat], axis=1) / root[:, None]
        solved = (solve_symmetric(matrix, sources) / root[:, None]).T
    lifetimes = [
        source @ answer / (jnp.pi * (source @ source))
        for source, answer in zip((charge, heat), solved, strict=True)
    ]
    return 1 / lifetimes[0], 1 / lifetimes[1]
