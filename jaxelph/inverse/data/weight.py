"""The quasiparticle weight as data."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ...electrons.weight import inverse_quasiparticle_weight
from .spectral import (
    SpectralData,
    as_scalar,
    as_vector,
    check_lengths,
    check_positive,
    doubt_temperatures,
    in_blocks,
)


class WeightData(SpectralData):
    r"""The quasiparticle weight Z(E, T) at one temperature; fitted is 1/Z, linear in α²F.

    Args:
        temperature (scalar, energy): T > 0.
        energy (array of shape (datum,), energy): E.
        weight (array of shape (datum,)): Z, $1/Z = 1 - \partial\mathrm{Re}\,\Sigma/\partial E$.
        sigma (array of shape (datum,)): its standard deviation.

    Raises:
        ValueError: arrays of unlike lengths, or numbers that cannot be data.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> data = WeightData(0.01, [0.0], [0.5], [0.01])
        >>> print(data.predict(EinsteinModes([1.0], [1.0])).round(2))
        [2.]
    """

    temperature: float = eqx.field(converter=as_scalar)
    energy: np.ndarray = eqx.field(converter=as_vector)
    weight: np.ndarray = eqx.field(converter=as_vector)
    sigma: np.ndarray = eqx.field(converter=as_vector)
    linear = True
    name = "weight"
    over = "energy"

    def __check_init__(self):
        check_positive("weight", temperature=self.temperature, weight=self.weight)
        check_lengths("weight", energy=self.energy, weight=self.weight, sigma=self.sigma)
        self.check()

    @property
    def values(self):
        return 1 / self.weight

    @property
    def error(self):
        return self.sigma / self.weight**2

    def predict(self, spectrum):
        return in_blocks(
            lambda energy: inverse_quasiparticle_weight(spectrum, self.temperature, energy),
            jnp.asarray(self.energy),
        )

    def suspicion(self, top):
        if np.max(self.weight) > 10 or np.min(self.weight) < 0.01:
            return "Z lies far from 1; is it 1/Z, or a percentage?"
        return doubt_temperatures(self.temperature, top)
