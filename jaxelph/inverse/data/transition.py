"""The transition temperature as data."""

import equinox as eqx
import jax.numpy as jnp

from ...superconductivity.transition import transition_temperature
from .spectral import SpectralData, as_scalar, as_vector, check_positive


class TcData(SpectralData):
    """One transition temperature, by the Eliashberg equation or a formula.

    Args:
        transition (scalar, energy): T_c.
        sigma (scalar, energy): its standard deviation.
        mu_star (scalar): Coulomb pseudopotential.
        method: see `transition_temperature`.

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
    linear = False
    name = "Tc"

    def __check_init__(self):
        check_positive("Tc", transition=self.transition)
        self.check()

    @property
    def values(self):
        return as_vector(self.transition)

    @property
    def error(self):
        return as_vector(self.sigma)

    def predict(self, spectrum):
        return jnp.reshape(transition_temperature(spectrum, self.mu_star, method=self.method), (1,))

    def suspicion(self, top):
        if not 1e-4 < self.transition / top < 1:
            return (
                f"Tc is {self.transition / top:.2g} of the highest phonon energy; is it in "
                "another unit than the frequencies?"
            )
        return None
