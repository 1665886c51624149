"""The resistivity as data, in µΩ cm."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ...transport.rates import resistivity_rate
from ...units import DRUDE
from .ratio import TransportRatio, seen_by_transport
from .spectral import (
    SpectralData,
    Unknown,
    as_scalar,
    as_vector,
    check_lengths,
    check_positive,
    doubt_temperatures,
    in_blocks,
)

# What ρ0 and ρ_sat start from, in units of the least and of the largest ρ, and how well they are
# known before: hardly.
_RESIDUAL, _SATURATION, _UNKNOWN = 0.5, 4.0, 2.0


class ResistivityData(SpectralData):
    r"""ρ(T) = ρ0 + 1/(ε0 ω_p² τ), the rate that of Ziman, linear in α²_tr F.

    ρ0 is fitted along unless it is given. ω_p has to be known, with an error if need be: ρ(T)
    alone says α²_tr F/ω_p², and no more. With `saturates` it is in parallel with a ρ_sat that
    is fitted along, 1/ρ → 1/ρ + 1/ρ_sat, and no longer linear.

    Args:
        temperature (array of shape (datum,), meV): T.
        resistivity (array of shape (datum,), µΩ cm): ρ.
        sigma (array of shape (datum,), µΩ cm): its standard deviation.
        plasma (scalar, eV): ħω_p.
        plasma_spread (scalar): standard deviation of ln ω_p if it is fitted along, else None.
        residual (scalar, µΩ cm): ρ0, or None.
        saturates: whether there is a ρ_sat.
        ratio: what makes α²_tr F of the α²F that is fitted; None where that is α²_tr F itself.

    Raises:
        ValueError: arrays of unlike lengths, or numbers that cannot be data.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> data = ResistivityData([25.0], [25.0], [0.1], plasma=8.3, residual=1.0)
        >>> print(data.predict(EinsteinModes([4.0, 8.0], [0.9, 0.6])).round(2))
        [26.31]
    """

    temperature: np.ndarray = eqx.field(converter=as_vector)
    resistivity: np.ndarray = eqx.field(converter=as_vector)
    sigma: np.ndarray = eqx.field(converter=as_vector)
    plasma: float = eqx.field(converter=as_scalar)
    plasma_spread: float | None = None
    residual: float | None = None
    saturates: bool = eqx.field(static=True, default=False)
    ratio: TransportRatio | None = None
    transport = True
    name = "resistivity"
    over = "temperature"

    def __check_init__(self):
        check_positive("resistivity", temperature=self.temperature, plasma=self.plasma)
        check_lengths(
            "resistivity",
            temperature=self.temperature,
            resistivity=self.resistivity,
            sigma=self.sigma,
        )
        if self.residual is not None and not 0 <= self.residual < np.inf:
            raise ValueError(f"resistivity data: ρ0 is {self.residual:g} µΩ cm; it is ≥ 0.")
        if self.plasma_spread is not None and not 0 < self.plasma_spread < np.inf:
            raise ValueError(
                f"resistivity data: the spread of ln ω_p is {self.plasma_spread:g}; it is > 0, or "
                "None where ω_p is known."
            )
        self.check()

    @property
    def linear(self):  # pyright: ignore
        """Whether the data are linear in α²F."""
        return not self.unknown

    @property
    def values(self):
        return self.resistivity

    @property
    def error(self):
        return self.sigma

    @property
    def background(self):
        if self.residual is not None or self.saturates:
            return {}
        return {"residual": np.ones(len(self.temperature))}

    @property
    def unknown(self):
        found = []
        if self.plasma_spread is not None:
            found.append(Unknown("plasma", self.plasma, self.plasma_spread))
        if self.saturates:
            low: Any
            high: Any
            low, high = (f(jnp.abs(self.resistivity)) for f in (jnp.min, jnp.max))
            if self.residual is None:
                found.append(Unknown("residual", _RESIDUAL * (low + 1e-3 * high), _UNKNOWN))
            found.append(Unknown("saturation", _SATURATION * high, _UNKNOWN))
        return (*found, *(self.ratio.unknown if self.ratio is not None else ()))

    def predict(self, spectrum, plasma=None, residual=None, saturation=None, **ratio):
        """ρ(T) of a spectrum.

        Args:
            spectrum: α²_tr F, or α²F where there is a `ratio`.
            plasma (scalar, eV): ħω_p, by default that of the data.
            residual (scalar, µΩ cm): ρ0, by default that of the data or 0.
            saturation (scalar, µΩ cm): ρ_sat, by default none.
            ratio: r where it is fitted, see `TransportRatio`.
        """
        spectrum = seen_by_transport(self.ratio, spectrum, ratio)
        rate = in_blocks(lambda t: resistivity_rate(spectrum, t), jnp.asarray(self.temperature))
        plasma = self.plasma if plasma is None else plasma
        residual = self.residual if residual is None else residual
        ideal = DRUDE * rate / plasma**2 + (0.0 if residual is None else residual)
        return ideal if saturation is None else ideal * saturation / (ideal + saturation)

    def suspicion(self, top):
        largest = np.max(np.abs(self.resistivity))
        if not 1e-3 < largest < 1e4:
            return f"ρ reaches {largest:.2g} µΩ cm; is it in another unit?"
        if not 0.5 < self.plasma < 30:
            return f"ħω_p is {self.plasma:g} eV; is it in another unit?"
        return doubt_temperatures(self.temperature, top)
