"""The self-energy of photoemission as data."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ...electrons.self_energy import self_energy
from .spectral import (
    SpectralData,
    as_scalar,
    as_vector,
    check_lengths,
    check_positive,
    doubt_temperatures,
    in_blocks,
)


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

    temperature: float = eqx.field(converter=as_scalar)
    energy: np.ndarray = eqx.field(converter=as_vector)
    real: np.ndarray | None
    imaginary: np.ndarray | None
    sigma: np.ndarray = eqx.field(converter=as_vector)
    resolution: float = eqx.field(converter=as_scalar)
    fit_background: bool = eqx.field(static=True)
    nodes: int = eqx.field(static=True)
    linear = True
    name = "self-energy"
    over = "energy"

    def __init__(
        self, temperature, energy, real, imaginary, sigma, resolution=0.0, fit_background=False
    ):
        self.temperature, self.energy = temperature, energy
        self.real = None if real is None else as_vector(real)
        self.imaginary = None if imaginary is None else as_vector(imaginary)
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
        check_positive("self-energy", temperature=self.temperature)
        if not 0 <= self.resolution < np.inf:
            raise ValueError(f"self-energy data: resolution is {self.resolution:g}; it is ≥ 0.")
        check_lengths("self-energy", energy=self.energy, sigma=self.sigma, **given)
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

        def smeared(energy):
            near = energy[:, None] + offset[None, :]
            return self_energy(spectrum, self.temperature, near) @ (weight / np.sum(weight))

        sigma = in_blocks(smeared, jnp.asarray(self.energy), self.nodes)
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
        return doubt_temperatures(self.temperature, top)
