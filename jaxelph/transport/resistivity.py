"""Resistivity of a metal in µΩ cm, with impurities and with saturation."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..numerics.checks import refuse
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..units import DRUDE
from .rates import Temperatures, resistivity_rate


def resistivity(
    spectrum: EliashbergFunction,
    temperature: Temperatures,
    *,
    plasma: Scalar,
    residual: Scalar = 0.0,
    saturation: Scalar | None = None,
) -> Float[Array, "*shape"]:
    r"""Resistivity

    $$\rho(T) = \rho_0 + \frac{1}{\varepsilon_0\omega_p^2\,\tau(T)}$$

    with `resistivity_rate`, that is 7.43391 µΩ cm × (ħ/τ in meV)/(ħω_p in eV)². With `saturation`
    it is in parallel with that of a mean free path of one lattice constant, 1/ρ → 1/ρ + 1/ρ_sat.

    Args:
        spectrum: α²_tr F in meV, or α²F in its place.
        temperature (array of any shape, meV): T ≥ 0.
        plasma (scalar, eV): ħω_p of the electrons that conduct.
        residual (scalar, µΩ cm): ρ0 ≥ 0.
        saturation (scalar, µΩ cm): ρ_sat > 0, or None.

    Returns:
        ρ(T) (array of the shape of T, µΩ cm).

    Raises:
        ValueError: a temperature or ρ0 is negative, ω_p or ρ_sat is not positive.

    Example:
        >>> from jaxelph import EinsteinModes, units
        >>> lead = EinsteinModes([4.0, 8.0], [0.9, 0.6])
        >>> print(f"{resistivity(lead, units.kelvin_to_mev(295.0), plasma=8.3):.2f} µΩ cm")
        25.74 µΩ cm
    """
    refuse("plasma", plasma, positive=True)
    refuse("saturation", saturation, positive=True)
    refuse("residual", residual, not_negative=True)
    rate = resistivity_rate(spectrum, temperature)
    plasma, residual = jnp.asarray(plasma, dtype=float), jnp.asarray(residual, dtype=float)
    ideal = residual + DRUDE * rate / plasma**2
    return ideal if saturation is None else ideal * saturation / (ideal + saturation)
