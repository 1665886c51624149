"""The transition temperature as data."""

import equinox as eqx
import jax.numpy as jnp

from ...superconductivity.transition import transition_temperature
from .gap import check_spread, repulsion_unknown
from .spectral import SpectralData, as_scalar, as_vector, check_positive


class TcData(SpectralData):
    """One transition temperature, by the Eliashberg equation or a formula.

    Args:
        transition (scalar, energy): T_c.
        sigma (scalar, energy): its standard deviation.
        mu_star (scalar): Coulomb pseudopotential.
        method: see `transition_temperature`.
        mu_star_spread (scalar): standard deviation of ln μ* if it is fitted along, else None.
        omega_ph (scalar, energy): that μ* refers to.

    Raises:
        ValueError: arrays of unlike lengths, or numbers that cannot be data.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> data = TcData(0.11, 0.01, 0.0)
        >>> print(data.predict(EinsteinModes([1.0], [1.0])).round(6))
        [0.11462]
    """

    transition: float = eqx.field(converter=as_scalar)
    sigma: float = eqx.field(converter=as_scalar)
    mu_star: float = eqx.field(converter=as_scalar, default=0.1)
    method: str = eqx.field(static=True, default="eliashberg")
    mu_star_spread: float | None = None
    omega_ph: float | None = None
    linear = False
    name = "Tc"

    def __check_init__(self):
        check_positive("Tc", transition=self.transition)
        check_spread("Tc", self.mu_star, self.mu_star_spread)
        self.check()

    @property
    def values(self):
        return as_vector(self.transition)

    @property
    def error(self):
        return as_vector(self.sigma)

    @property
    def unknown(self):
        return repulsion_unknown(self.mu_star, self.mu_star_spread)

    def predict(self, spectrum, mu_star=None):
        mu_star = self.mu_star if mu_star is None else mu_star
        found = transition_temperature(
            spectrum, mu_star, method=self.method, omega_ph=self.omega_ph
        )
        return jnp.reshape(found, (1,))

    def suspicion(self, top):
        if not 1e-4 < self.transition / top < 1:
            return (
                f"Tc is {self.transition / top:.2g} of the highest phonon energy; is it in "
                "another unit than the frequencies?"
            )
        return None
