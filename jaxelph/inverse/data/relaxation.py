"""A relaxation in time as data."""

import diffrax
import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ...grids.energies import EnergyGrid
from ...kinetics import evolve
from ...stability.phonons import MovingPhonons
from .spectral import (
    SpectralData,
    as_scalar,
    as_vector,
    check_lengths,
    check_positive,
    doubt_temperatures,
)


class RelaxationData(SpectralData):
    """The electrons' temperature in time after a sudden heating, by the kinetic equation.

    Args:
        temperature (scalar, energy): of the phonons at t = 0, and of their bath.
        initial (scalar, energy): of the electrons at t = 0.
        time (array of shape (datum,), 1/energy): ascending, rescaled as for `evolve`.
        electrons (array of shape (datum,), energy): T_e(t).
        sigma (array of shape (datum,), energy): its standard deviation.
        grid: see `EnergyGrid.suggest`.
        rtol: of the integration.
        phonons: how they move with the electrons; left out they keep their temperature.

    Raises:
        ValueError: arrays of unlike lengths, or numbers that cannot be data.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> times, seen, sigma = [1.0, 16.0], [12.6, 12.59], [0.01, 0.01]
        >>> data = RelaxationData(12.59, 13.85, times, seen, sigma, EnergyGrid(6.0, 75))
        >>> metal = EinsteinModes(np.arange(40.0, 61.0), np.full(21, 1 / 21))
        >>> print(data.predict(metal).round(4))
        [12.6029 12.59  ]
    """

    temperature: float = eqx.field(converter=as_scalar)
    initial: float = eqx.field(converter=as_scalar)
    time: np.ndarray = eqx.field(converter=as_vector)
    electrons: np.ndarray = eqx.field(converter=as_vector)
    sigma: np.ndarray = eqx.field(converter=as_vector)
    grid: EnergyGrid
    rtol: float = eqx.field(static=True, default=1e-6)
    phonons: MovingPhonons | None = None
    linear = False
    name = "relaxation"

    def __check_init__(self):
        check_positive(
            "relaxation",
            temperature=self.temperature,
            initial=self.initial,
            electrons=self.electrons,
        )
        check_lengths("relaxation", time=self.time, electrons=self.electrons, sigma=self.sigma)
        if np.any(self.time < 0) or np.any(np.diff(self.time) <= 0):
            raise ValueError("relaxation data: times must be ≥ 0 and ascend.")
        self.check()

    @property
    def values(self):
        return self.electrons

    @property
    def error(self):
        return self.sigma

    def predict(self, spectrum):
        run = evolve(
            spectrum,
            self.initial,
            self.temperature,
            self.grid,
            jnp.asarray(self.time),
            rtol=self.rtol,
            phonons=self.phonons,
            # Least squares take the Jacobian forwards: few parameters, many data.
            adjoint=diffrax.ForwardMode(),
            stop_when_unstable=False,
            # A trial spectrum that cannot be integrated is one that does not fit.
            throw=False,
        )
        return run.temperature

    def suspicion(self, top):
        edges = sorted((self.temperature, self.initial))
        if np.min(self.electrons) < edges[0] / 3 or np.max(self.electrons) > 3 * edges[1]:
            return "T_e lies far outside the initial temperatures; is it in another unit?"
        return doubt_temperatures(self.temperature, top)
