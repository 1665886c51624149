"""The superconducting gap over temperature as data."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ...superconductivity.edge import gap_edge
from ...superconductivity.gap import superconducting_state
from .spectral import (
    SpectralData,
    Unknown,
    as_scalar,
    as_vector,
    check_lengths,
    check_positive,
    doubt_temperatures,
)


def repulsion_unknown(mu_star, spread) -> tuple[Unknown, ...]:
    """μ* among what is fitted along, if its logarithm has a spread."""
    return (Unknown("mu_star", mu_star, spread),) if spread is not None else ()


def check_spread(name: str, mu_star: float, spread: float | None) -> None:
    """Refuse a prior on μ* that is none.

    Raises:
        ValueError: the spread is not positive, or μ* has no logarithm.
    """
    if spread is not None and not (0 < spread < np.inf and 0 < mu_star):
        raise ValueError(
            f"{name} data: to be fitted μ* starts above 0 with a finite spread > 0 of its "
            f"logarithm, got μ* = {mu_star:g} and {spread:g}."
        )


class GapData(SpectralData):
    r"""The gap Δ(T) of a superconductor, by the Eliashberg equations.

    It is the edge of the density of states, Re Δ(Δ_0) = Δ_0, which tunnelling, photoemission and
    optics (2Δ_0) see, see `gap_edge`; with `edge=False` the gap of the lowest Matsubara frequency,
    Δ(iπT), which other calculations print.

    Args:
        temperature (array of shape (datum,), energy): T.
        gap (array of shape (datum,), energy): Δ ≥ 0.
        sigma (array of shape (datum,), energy): its standard deviation.
        mu_star (scalar): Coulomb pseudopotential, or where it starts from.
        mu_star_spread (scalar): standard deviation of ln μ* if it is fitted along, else None.
        omega_ph (scalar, energy): that μ* refers to, see `transition_temperature`.
        edge: whether Δ is the edge of the density of states.

    Raises:
        ValueError: arrays of unlike lengths, or numbers that cannot be data.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> data = GapData([0.0114619], [0.24], [0.01], mu_star=0.0)
        >>> print(data.predict(EinsteinModes([1.0], [1.0])).round(4))
        [0.2424]
    """

    temperature: np.ndarray = eqx.field(converter=as_vector)
    gap: np.ndarray = eqx.field(converter=as_vector)
    sigma: np.ndarray = eqx.field(converter=as_vector)
    mu_star: float = eqx.field(converter=as_scalar, default=0.1)
    mu_star_spread: float | None = None
    omega_ph: float | None = None
    edge: bool = eqx.field(static=True, default=True)
    linear = False
    name = "gap"
    over = "temperature"

    def __check_init__(self):
        check_positive("gap", temperature=self.temperature)
        check_lengths("gap", temperature=self.temperature, gap=self.gap, sigma=self.sigma)
        check_spread("gap", self.mu_star, self.mu_star_spread)
        self.check()

    @property
    def values(self):
        return self.gap

    @property
    def error(self):
        return self.sigma

    @property
    def unknown(self):
        return repulsion_unknown(self.mu_star, self.mu_star_spread)

    def predict(self, spectrum, mu_star=None):
        told = {
            "mu_star": self.mu_star if mu_star is None else mu_star,
            "omega_ph": self.omega_ph,
        }

        def one(temperature):
            if self.edge:
                return gap_edge(spectrum, temperature, **told)
            return superconducting_state(spectrum, temperature, index=_FIRST, **told).gap[0]

        return jax.lax.map(one, jnp.asarray(self.temperature))

    def suspicion(self, top):
        largest = np.max(np.abs(self.gap))
        if not 1e-4 < largest / top < 2:
            return (
                f"Δ reaches {largest / top:.2g} of the highest phonon energy; is it in another "
                "unit than the frequencies?"
            )
        if largest > 10 * np.max(self.temperature) or largest < 0.5 * np.min(self.temperature):
            return "Δ is far from the temperatures it is given at; are they in another unit?"
        return doubt_temperatures(self.temperature, top)


_FIRST = np.array([0])
