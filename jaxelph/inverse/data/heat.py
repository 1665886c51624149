"""The electronic specific heat as data."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ...thermodynamics.specific_heat import specific_heat_ratio
from .spectral import (
    SpectralData,
    as_vector,
    check_lengths,
    check_positive,
    doubt_temperatures,
    in_blocks,
)


class HeatData(SpectralData):
    r"""C_el(T) over that of bare electrons, $C_{el}/(2\pi^2\nu_0T/3)$.

    Args:
        temperature (array of shape (datum,), energy): T.
        ratio (array of shape (datum,)): the ratio.
        sigma (array of shape (datum,)): its standard deviation.

    Raises:
        ValueError: arrays of unlike lengths, or numbers that cannot be data.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> data = HeatData([0.01], [2.0], [0.01])
        >>> print(data.predict(EinsteinModes([1.0], [1.0])).round(6))
        [2.00238]
    """

    temperature: np.ndarray = eqx.field(converter=as_vector)
    ratio: np.ndarray = eqx.field(converter=as_vector)
    sigma: np.ndarray = eqx.field(converter=as_vector)
    linear = True
    name = "heat"
    over = "temperature"

    def __check_init__(self):
        check_positive("heat", temperature=self.temperature)
        check_lengths("heat", temperature=self.temperature, ratio=self.ratio, sigma=self.sigma)
        self.check()

    @property
    def values(self):
        return self.ratio

    @property
    def error(self):
        return self.sigma

    def predict(self, spectrum):
        ratio = jax.vmap(lambda t: specific_heat_ratio(spectrum, t))
        return in_blocks(ratio, jnp.asarray(self.temperature))

    def suspicion(self, top):
        if np.max(np.abs(self.ratio)) > 20 or np.max(np.abs(self.ratio)) < 0.05:
            return (
                f"the heat ratio reaches {np.max(np.abs(self.ratio)):.3g}; it is dimensionless, "
                "C_el over that of bare electrons, and of order one."
            )
        return doubt_temperatures(self.temperature, top)
