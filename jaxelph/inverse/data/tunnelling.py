"""The conductance of a tunnel junction as data."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ...units import KELVIN
from .gap import check_spread
from .junction import Line, conductance, line_densities
from .spectral import (
    SpectralData,
    Unknown,
    as_scalar,
    as_vector,
    check_lengths,
    check_positive,
    doubt_temperatures,
)

# η over the step: the grid loses e^{-2πη/h}, 4e-5.
_FINE = 1.6
# Beyond the largest bias, in units of T.
_BEYOND = 30.0
_MOST = 1500
# Of what is fitted along: how well it is known before.
_MU_STAR, _BROADENING = 0.5, 1.0
# Γ, in units of T, that a fit starts from, and the largest one that the line allows.
_START, _LARGEST = 0.1, 4.5


class TunnellingData(SpectralData):
    r"""dI/dV of a tunnel junction with a normal metal, over that in the normal state.

    $$G(V) = \int dE\,N(E)\,[-f'(E - eV)],$$

    N(E) that of the Eliashberg equations at T with the broadening Γ of Dynes, E → E + iΓ; μ*
    and Γ are fitted along. It is what McMillan and Rowell inverted, at any temperature.

    Args:
        temperature (scalar, energy): T > 0.
        bias (array of shape (datum,), energy): eV, of either sign.
        ratio (array of shape (datum,)): G(V).
        sigma (array of shape (datum,)): its standard deviation.
        top (scalar, energy): ω_max, where α²F ends.
        mu_star (scalar): where μ* starts from.
        mu_star_spread (scalar): standard deviation of ln μ*; None if μ* is known.
        broadening (scalar, energy): where Γ starts from, by default T/10.
        broadening_spread (scalar): standard deviation of ln Γ; None if Γ is known.
        omega_ph (scalar, energy): that μ* refers to, see `transition_temperature`.
        line: the grid of energies, set from the others.

    Raises:
        ValueError: arrays of unlike lengths, numbers that cannot be data, or a temperature too low
            for the range of energies.

    Example:
        >>> from jaxelph import GaussianPeaks
        >>> metal = GaussianPeaks([4.4, 8.5], [0.9, 0.5], [1.0, 0.5])
        >>> bias, seen = np.array([0.0, 1.5, 6.0]), np.ones(3)
        >>> data = TunnellingData(0.1, bias, seen, 0.01 * seen, 12.0)
        >>> print(data.predict(metal).round(3))
        [0.006 2.05  1.063]
    """

    temperature: float = eqx.field(converter=as_scalar)
    bias: np.ndarray = eqx.field(converter=as_vector)
    ratio: np.ndarray = eqx.field(converter=as_vector)
    sigma: np.ndarray = eqx.field(converter=as_vector)
    mu_star: float = eqx.field(converter=as_scalar)
    mu_star_spread: float | None
    broadening: float = eqx.field(converter=as_scalar)
    broadening_spread: float | None
    omega_ph: float | None
    line: Line = eqx.field(static=True)
    linear = False
    name = "tunnelling"
    over = "bias"

    def __init__(
        self,
        temperature,
        bias,
        ratio,
        sigma,
        top,
        *,
        mu_star=0.1,
        mu_star_spread=_MU_STAR,
        broadening=None,
        broadening_spread=_BROADENING,
        omega_ph=None,
    ):
        self.temperature, self.bias, self.ratio, self.sigma = temperature, bias, ratio, sigma
        self.mu_star, self.mu_star_spread, self.omega_ph = mu_star, mu_star_spread, omega_ph
        check_positive("tunnelling", temperature=temperature, top=top)
        self.broadening = _START * temperature if broadening is None else broadening
        self.broadening_spread = broadening_spread
        height = np.pi * float(temperature) / 2
        modes = int(np.ceil(_FINE * float(top) / height))
        step = float(top) / modes
        reach = np.max(np.abs(as_vector(bias)), initial=0.0) + _BEYOND * float(temperature)
        energies = max(int(np.ceil(reach / step)), modes) + 1
        if energies > _MOST:
            raise ValueError(
                f"tunnelling data: T = {float(temperature) / KELVIN:.3g} K is too low for energies "
                f"up to {reach:.3g} meV, {energies} points of a grid where {_MOST} are the most; "
                "leave out large biases, or give the temperature that the smearing looks like."
            )
        self.line = Line(step, height, energies, modes)

    def __check_init__(self):
        check_lengths("tunnelling", bias=self.bias, ratio=self.ratio, sigma=self.sigma)
        check_positive("tunnelling", temperature=self.temperature, broadening=self.broadening)
        check_spread("tunnelling", self.mu_star, self.mu_star_spread)
        if self.broadening > _LARGEST * self.temperature:
            raise ValueError(
                f"tunnelling data: Γ = {self.broadening:g} is above {_LARGEST} T, more than the "
                "smearing of T itself can be computed with; start from a smaller one."
            )
        self.check()

    @property
    def values(self):
        return self.ratio

    @property
    def error(self):
        return self.sigma

    @property
    def unknown(self):
        found = []
        if self.mu_star_spread is not None:
            found.append(Unknown("mu_star", self.mu_star, self.mu_star_spread))
        if self.broadening_spread is not None:
            found.append(Unknown("broadening", self.broadening, self.broadening_spread))
        return tuple(found)

    def predict(self, spectrum, mu_star=None, broadening=None):
        mu_star = self.mu_star if mu_star is None else mu_star
        broadening = self.broadening if broadening is None else broadening
        normal = line_densities(self.line, spectrum, self.temperature, mu_star, self.omega_ph)
        return conductance(self.line, normal, self.temperature, broadening, jnp.asarray(self.bias))

    def suspicion(self, top):
        reach = np.max(np.abs(self.bias))
        if not 0.03 * top < reach < 30 * top:
            return (
                f"the biases reach {reach / top:.2g} of the highest phonon energy; are they in "
                "another unit?"
            )
        if not 0.3 < np.median(self.ratio) < 3:
            return (
                f"the conductance has a median of {np.median(self.ratio):.3g}; it is over that of "
                "the normal state, and of order one."
            )
        return doubt_temperatures(self.temperature, top)
