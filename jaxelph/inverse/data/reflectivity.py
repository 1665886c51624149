"""The reflectivity as data."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ...transport.optics import reflectivity
from .ratio import TransportRatio, seen_by_transport
from .spectral import (
    SpectralData,
    Unknown,
    as_scalar,
    as_vector,
    check_lengths,
    check_positive,
    doubt_temperatures,
)

# How well the rate of impurities and ε_∞ are known before.
_IMPURITY, _BOUND = 2.0, 0.7


class ReflectivityData(SpectralData):
    r"""R(Ω) at one temperature and normal incidence, by the optical conductivity of α²_tr F.

    ω_p, the rate of impurities and ε_∞ are fitted along where they have a spread. Not linear.

    Args:
        temperature (scalar, meV): T > 0.
        frequency (array of shape (datum,), meV): Ω > 0 of the light.
        reflected (array of shape (datum,)): R.
        sigma (array of shape (datum,)): its standard deviation.
        plasma (scalar, eV): ħω_p.
        plasma_spread (scalar): standard deviation of ln ω_p; None if it is known.
        impurity (scalar, meV): 1/τ of impurities, or where it starts from.
        fit_impurity: whether it is fitted along.
        bound (scalar): ε_∞, of all that is bound, or where it starts from.
        fit_bound: whether it is fitted along.
        ratio: what makes α²_tr F of the α²F that is fitted; None where that is α²_tr F itself.

    Raises:
        ValueError: arrays of unlike lengths, or numbers that cannot be data.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> data = ReflectivityData(0.1, [2.0], [0.98], [0.01], 0.1)
        >>> print(data.predict(EinsteinModes([1.0], [0.5])).round(4))
        [0.9866]
    """

    temperature: float = eqx.field(converter=as_scalar)
    frequency: np.ndarray = eqx.field(converter=as_vector)
    reflected: np.ndarray = eqx.field(converter=as_vector)
    sigma: np.ndarray = eqx.field(converter=as_vector)
    plasma: float = eqx.field(converter=as_scalar)
    plasma_spread: float | None = None
    impurity: float = eqx.field(converter=as_scalar, default=0.0)
    fit_impurity: bool = eqx.field(static=True, default=False)
    bound: float = eqx.field(converter=as_scalar, default=1.0)
    fit_bound: bool = eqx.field(static=True, default=False)
    ratio: TransportRatio | None = None
    transport = True
    linear = False
    name = "reflectivity"
    over = "frequency"

    def __check_init__(self):
        check_positive(
            "reflectivity",
            temperature=self.temperature,
            frequency=self.frequency,
            plasma=self.plasma,
            bound=self.bound,
        )
        check_lengths(
            "reflectivity", frequency=self.frequency, reflected=self.reflected, sigma=self.sigma
        )
        if not 0 <= self.impurity < np.inf or (self.fit_impurity and self.impurity == 0):
            raise ValueError(
                f"reflectivity data: 1/τ of impurities is {self.impurity:g}; it is ≥ 0, and > 0 to "
                "start from."
            )
        self.check()

    @property
    def values(self):
        return self.reflected

    @property
    def error(self):
        return self.sigma

    @property
    def unknown(self):
        found = []
        if self.plasma_spread is not None:
            found.append(Unknown("plasma", self.plasma, self.plasma_spread))
        if self.fit_impurity:
            found.append(Unknown("impurity", self.impurity, _IMPURITY))
        if self.fit_bound:
            found.append(Unknown("bound", self.bound, _BOUND))
        return (*found, *(self.ratio.unknown if self.ratio is not None else ()))

    def predict(self, spectrum, plasma=None, impurity=None, bound=None, **ratio):
        return reflectivity(
            seen_by_transport(self.ratio, spectrum, ratio),
            self.temperature,
            jnp.asarray(self.frequency),
            plasma=1e3 * (self.plasma if plasma is None else plasma),
            impurity=self.impurity if impurity is None else impurity,
            background=self.bound if bound is None else bound,
        )

    def suspicion(self, top):
        if np.max(self.reflected) > 1.1 or np.min(self.reflected) < -0.1:
            return "R lies outside 0 to 1; is it in %?"
        reach = np.max(self.frequency)
        if not 0.03 * top < reach < 1e4 * top:
            return (
                f"the light's energies reach {reach / top:.2g} of the highest phonon energy; "
                "are they in another unit?"
            )
        return doubt_temperatures(self.temperature, top)
