"""The optical scattering rate as data."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ...transport.rates import optical_rate
from .ratio import TransportRatio, seen_by_transport
from .spectral import (
    SpectralData,
    as_scalar,
    as_vector,
    check_lengths,
    check_positive,
    doubt_temperatures,
    in_blocks,
)


class OpticalData(SpectralData):
    r"""1/τ(Ω) at one temperature, of the extended Drude model, linear in α²_tr F.

    Args:
        temperature (scalar, energy): T > 0.
        frequency (array of shape (datum,), energy): Ω > 0 of the light.
        rate (array of shape (datum,), energy): ħ/τ.
        sigma (array of shape (datum,), energy): its standard deviation.
        fit_background: fit a rate of impurities along, the same at all Ω.
        ratio: what makes α²_tr F of the α²F that is fitted; None where that is α²_tr F itself.

    Raises:
        ValueError: arrays of unlike lengths, or numbers that cannot be data.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> data = OpticalData(0.1, [2.0], [0.8], [0.01])
        >>> print(data.predict(EinsteinModes([1.0], [0.5])).round(6))
        [0.785576]
    """

    temperature: float = eqx.field(converter=as_scalar)
    frequency: np.ndarray = eqx.field(converter=as_vector)
    rate: np.ndarray = eqx.field(converter=as_vector)
    sigma: np.ndarray = eqx.field(converter=as_vector)
    fit_background: bool = eqx.field(static=True, default=False)
    ratio: TransportRatio | None = None
    transport = True
    name = "optical"
    over = "frequency"

    def __check_init__(self):
        check_positive("optical", temperature=self.temperature, frequency=self.frequency)
        check_lengths("optical", frequency=self.frequency, rate=self.rate, sigma=self.sigma)
        self.check()

    @property
    def linear(self):  # pyright: ignore
        """Whether the data are linear in α²F."""
        return not self.unknown

    @property
    def values(self):
        return self.rate

    @property
    def error(self):
        return self.sigma

    @property
    def background(self):
        return {"impurity": np.ones(len(self.frequency))} if self.fit_background else {}

    @property
    def unknown(self):
        return () if self.ratio is None else self.ratio.unknown

    def predict(self, spectrum, **ratio):
        spectrum = seen_by_transport(self.ratio, spectrum, ratio)

        def some(frequency):
            return optical_rate(spectrum, self.temperature, frequency)

        return in_blocks(some, jnp.asarray(self.frequency))

    def suspicion(self, top):
        largest, reach = np.max(np.abs(self.rate)), np.max(self.frequency)
        if not 1e-4 * top < largest < 100 * top:
            return (
                f"1/τ reaches {largest / top:.2g} of the highest phonon energy; is it in another "
                "unit, or a frequency without its 2π?"
            )
        if not 0.03 * top < reach < 1e4 * top:
            return (
                f"the light's energies reach {reach / top:.2g} of the highest phonon energy; "
                "are they in another unit?"
            )
        return doubt_temperatures(self.temperature, top)
