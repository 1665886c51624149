r"""What can be measured of α²F: each kind of data with its errors and how a spectrum predicts it.

Energies, temperatures and frequencies are in one unit. Each kind has

    values, error    what is fitted and its standard deviation, as vectors,
    predict(α²F)     the same from a spectrum, differentiable in it,
    linear           whether predict is affine in α²F(ω),
    background       columns whose amplitudes are fitted along (none but for Σ),
    suspicion(top)   a sentence where the numbers look as if their unit were another one.
"""

import abc
from typing import ClassVar

import diffrax
import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..equilibrium import inverse_quasiparticle_weight, self_energy
from ..evolution import evolve
from ..grid import EnergyGrid
from ..spectrum import EliashbergFunction
from ..superconductivity import transition_temperature
from ..thermodynamics import specific_heat_ratio


def _vector(x) -> np.ndarray:
    return np.atleast_1d(np.asarray(x, dtype=float))


def _scalar(x) -> float:
    return float(x)


class SpectralData(eqx.Module):
    """Measured numbers that depend on α²F, abstract; `spectrum` is an Eliashberg function.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> data: SpectralData = HeatData([0.01], [2.0], [0.01])
        >>> print(data.name, data.values, data.error)
        heat [2.] [0.01]
    """

    linear: ClassVar[bool]
    name: ClassVar[str]

    @property
    @abc.abstractmethod
    def values(self) -> np.ndarray:
        """The fitted numbers."""

    @property
    @abc.abstractmethod
    def error(self) -> np.ndarray:
        """Their standard deviations."""

    @abc.abstractmethod
    def predict(self, spectrum: EliashbergFunction) -> Float[Array, " datum"]:
        """The numbers that a spectrum gives."""

    @abc.abstractmethod
    def suspicion(self, top: float) -> str | None:
        """What is odd about the numbers by orders of magnitude; `top` is ω_max."""

    @property
    def background(self) -> dict[str, np.ndarray]:
        """Columns whose amplitudes are fitted along with α²F."""
        return {}

    def check(self) -> None:
        """Refuse numbers that cannot be fitted, with the row counted from 1.

        Raises:
            ValueError: a value or error is not finite, or an error is not positive.
        """
        for label, array in (("value", self.values), ("error", self.error)):
            bad = np.flatnonzero(~np.isfinite(array))
            if bad.size:
                raise ValueError(
                    f"{self.name} data: the {label} of row {bad[0] + 1} is not a finite number; "
                    "remove the row."
                )
        bad = np.flatnonzero(self.error <= 0)
        if bad.size:
            raise ValueError(
                f"{self.name} data: the error of row {bad[0] + 1} is {self.error[bad[0]]:g}; "
                "errors are standard deviations and positive."
            )


def _same_length(name: str, **arrays) -> None:
    if len({np.shape(array) for array in arrays.values()}) > 1:
        told = ", ".join(f"{key} {np.shape(array)}" for key, array in arrays.items())
        raise ValueError(f"{name} data: its arrays must be vectors of one length, got {told}.")
    for key, array in arrays.items():
        if not np.all(np.isfinite(array)):
            row = int(np.flatnonzero(~np.isfinite(array))[0]) + 1
            raise ValueError(f"{name} data: {key} of row {row} is not a finite number; remove it.")


def _positive(name: str, **arrays) -> None:
    for key, array in arrays.items():
        if not np.all(np.isfinite(array)) or not np.all(np.asarray(array) > 0):
            raise ValueError(f"{name} data: {key} must be positive and finite.")


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

    temperature: np.ndarray = eqx.field(converter=_vector)
    ratio: np.ndarray = eqx.field(converter=_vector)
    sigma: np.ndarray = eqx.field(converter=_vector)
    linear = True
    name = "heat"

    def __check_init__(self):
        _positive("heat", temperature=self.temperature)
        _same_length("heat", temperature=self.temperature, ratio=self.ratio, sigma=self.sigma)
        self.check()

    @property
    def values(self):
        return self.ratio

    @property
    def error(self):
        return self.sigma

    def predict(self, spectrum):
        return eqx.filter_vmap(lambda t: specific_heat_ratio(spectrum, t))(
            jnp.asarray(self.temperature)
        )

    def suspicion(self, top):
        if np.max(np.abs(self.ratio)) > 20 or np.max(np.abs(self.ratio)) < 0.05:
            return (
                f"the heat ratio reaches {np.max(np.abs(self.ratio)):.3g}; it is dimensionless, "
                "C_el over that of bare electrons, and of order one."
            )
        return _temperatures(self.temperature, top)


def _temperatures(temperature, top):
    low, high = np.min(temperature) / top, np.max(temperature) / top
    if low > 10 or high < 1e-3:
        return (
            f"the temperatures lie between {low:.2g} and {high:.2g} of the highest phonon energy, "
            "where they tell little of α²F; are they in another unit?"
        )
    return None


class SelfEnergyData(SpectralData):
    r"""Re Σ(E) and Im Σ(E) at one temperature, either of them or both.

    With `fit_background`, impurities and the electrons' own collisions are fitted along:
    $\mathrm{Im}\,\Sigma = \mathrm{Im}\,\Sigma_{ep} - \Gamma - \beta(E^2 + \pi^2T^2)$.
    The resolution is taken to smear Σ itself by a Gaussian.

    Args:
        temperature (scalar, energy): T > 0.
        energy (array of shape (energy,), energy): E.
        real, imaginary (array of shape (energy,), energy): Re Σ, Im Σ ≤ 0; None where unknown.
        sigma (array of shape (energy,), energy): standard deviation of both.
        resolution (scalar, energy): standard deviation of the energy resolution.
        fit_background: fit Γ and β.
        nodes: of the resolution's quadrature, set from the others.

    Raises:
        ValueError: arrays of unlike lengths, or numbers that cannot be data.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> data = SelfEnergyData(0.1, [0.5], [-0.6], [-0.01], [0.01])
        >>> print(data.predict(EinsteinModes([1.0], [1.0])).round(6))
        [-0.587907 -0.010656]
    """

    temperature: float = eqx.field(converter=_scalar)
    energy: np.ndarray = eqx.field(converter=_vector)
    real: np.ndarray | None
    imaginary: np.ndarray | None
    sigma: np.ndarray = eqx.field(converter=_vector)
    resolution: float = eqx.field(converter=_scalar)
    fit_background: bool = eqx.field(static=True)
    nodes: int = eqx.field(static=True)
    linear = True
    name = "self-energy"

    def __init__(
        self, temperature, energy, real, imaginary, sigma, resolution=0.0, fit_background=False
    ):
        self.temperature, self.energy = temperature, energy
        self.real = None if real is None else _vector(real)
        self.imaginary = None if imaginary is None else _vector(imaginary)
        self.sigma, self.resolution = sigma, resolution
        self.fit_background = fit_background
        # The midpoint rule over ±7σ; Σ has its poles πT off the axis.
        spacing = min(0.6 * float(resolution), 1.5 * float(temperature)) or 1.0
        self.nodes = max(1, int(np.ceil(14 * float(resolution) / spacing)))

    def __check_init__(self):
        parts = {"real": self.real, "imaginary": self.imaginary}
        given = {key: part for key, part in parts.items() if part is not None}
        if not given:
            raise ValueError("self-energy data: give Re Σ, Im Σ or both.")
        _positive("self-energy", temperature=self.temperature)
        if not 0 <= self.resolution < np.inf:
            raise ValueError(f"self-energy data: resolution is {self.resolution:g}; it is ≥ 0.")
        _same_length("self-energy", energy=self.energy, sigma=self.sigma, **given)
        self.check()

    @property
    def values(self):
        return np.concatenate([x for x in (self.real, self.imaginary) if x is not None])

    @property
    def error(self):
        return np.tile(self.sigma, (self.real is not None) + (self.imaginary is not None))

    @property
    def background(self):
        if not self.fit_background or self.imaginary is None:
            return {}
        zero = np.zeros(0 if self.real is None else len(self.energy))
        fermi_liquid = self.energy**2 + (np.pi * self.temperature) ** 2
        return {
            "impurity": np.concatenate([zero, -np.ones(len(self.energy))]),
            "electron-electron": np.concatenate([zero, -fermi_liquid]),
        }

    def predict(self, spectrum):
        offset = 7 * self.resolution * (2 * (np.arange(self.nodes) + 0.5) / self.nodes - 1)
        weight = np.exp(-0.5 * (7 * (2 * (np.arange(self.nodes) + 0.5) / self.nodes - 1)) ** 2)
        energy = jnp.asarray(self.energy)[:, None] + offset[None, :]
        sigma = self_energy(spectrum, self.temperature, energy) @ (weight / np.sum(weight))
        parts = [
            part
            for part, given in ((sigma.real, self.real), (sigma.imag, self.imaginary))
            if given is not None
        ]
        return jnp.concatenate(parts)

    def suspicion(self, top):
        largest, reach = np.max(np.abs(self.values)), np.max(np.abs(self.energy))
        if largest > 30 * top or largest < 1e-4 * top:
            return (
                f"|Σ| reaches {largest / top:.2g} of the highest phonon energy; is it in another "
                "unit than the frequencies?"
            )
        if reach < 0.03 * top or reach > 300 * top:
            return (
                f"the energies reach {reach / top:.2g} of the highest phonon energy; are they in "
                "another unit than the frequencies?"
            )
        if self.imaginary is not None and np.mean(self.imaginary) > 0:
            return "Im Σ is positive on average; the retarded one is negative."
        return _temperatures(self.temperature, top)


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

    temperature: float = eqx.field(converter=_scalar)
    energy: np.ndarray = eqx.field(converter=_vector)
    weight: np.ndarray = eqx.field(converter=_vector)
    sigma: np.ndarray = eqx.field(converter=_vector)
    linear = True
    name = "weight"

    def __check_init__(self):
        _positive("weight", temperature=self.temperature, weight=self.weight)
        _same_length("weight", energy=self.energy, weight=self.weight, sigma=self.sigma)
        self.check()

    @property
    def values(self):
        return 1 / self.weight

    @property
    def error(self):
        return self.sigma / self.weight**2

    def predict(self, spectrum):
        return inverse_quasiparticle_weight(spectrum, self.temperature, jnp.asarray(self.energy))

    def suspicion(self, top):
        if np.max(self.weight) > 10 or np.min(self.weight) < 0.01:
            return "Z lies far from 1; is it 1/Z, or a percentage?"
        return _temperatures(self.temperature, top)


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

    transition: float = eqx.field(converter=_scalar)
    sigma: float = eqx.field(converter=_scalar)
    mu_star: float = eqx.field(converter=_scalar, default=0.1)
    method: str = eqx.field(static=True, default="eliashberg")
    linear = False
    name = "Tc"

    def __check_init__(self):
        _positive("Tc", transition=self.transition)
        self.check()

    @property
    def values(self):
        return _vector(self.transition)

    @property
    def error(self):
        return _vector(self.sigma)

    def predict(self, spectrum):
        return jnp.reshape(transition_temperature(spectrum, self.mu_star, method=self.method), (1,))

    def suspicion(self, top):
        if not 1e-4 < self.transition / top < 1:
            return (
                f"Tc is {self.transition / top:.2g} of the highest phonon energy; is it in "
                "another unit than the frequencies?"
            )
        return None


class RelaxationData(SpectralData):
    """The electrons' temperature in time after a sudden heating, by the kinetic equation.

    Args:
        temperature (scalar, energy): of the phonons.
        initial (scalar, energy): of the electrons at t = 0.
        time (array of shape (datum,), 1/energy): ascending, rescaled as for `evolve`.
        electrons (array of shape (datum,), energy): T_e(t).
        sigma (array of shape (datum,), energy): its standard deviation.
        grid: see `EnergyGrid.suggest`.
        rtol: of the integration.

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

    temperature: float = eqx.field(converter=_scalar)
    initial: float = eqx.field(converter=_scalar)
    time: np.ndarray = eqx.field(converter=_vector)
    electrons: np.ndarray = eqx.field(converter=_vector)
    sigma: np.ndarray = eqx.field(converter=_vector)
    grid: EnergyGrid
    rtol: float = eqx.field(static=True, default=1e-6)
    linear = False
    name = "relaxation"

    def __check_init__(self):
        _positive(
            "relaxation",
            temperature=self.temperature,
            initial=self.initial,
            electrons=self.electrons,
        )
        _same_length("relaxation", time=self.time, electrons=self.electrons, sigma=self.sigma)
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
        return _temperatures(self.temperature, top)
