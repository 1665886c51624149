"""The whole specific heat of a metal as data, its phonons among it, below T_c too."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ...numerics.quadrature import trapezoid_weights
from ...superconductivity.free_energy import superconducting_heat_ratio
from ...thermodynamics.specific_heat import (
    phonon_heat_debye,
    phonon_heat_einstein,
    specific_heat_ratio,
)
from ...units import KELVIN
from .gap import check_spread, repulsion_unknown
from .spectral import (
    SpectralData,
    Unknown,
    as_scalar,
    as_vector,
    check_lengths,
    check_positive,
    doubt_temperatures,
)

#: The gas constant in mJ/mol K.
GAS = 8314.462618
# How well Θ, ω_E and the share of the Einstein mode are known before.
_LATTICE = 0.7


class TotalHeatData(SpectralData):
    r"""C(T) of a metal per mole of formula units, electrons and phonons:

    $$C = \gamma_b T\,\frac{C_{el}}{2\pi^2\nu_0T/3}
      + nR\,[(1-w)\,C_D(\Theta/T) + 3w\,C_E(\omega_E/T)],$$

    γ_b the Sommerfeld coefficient of bare electrons, without 1 + λ. The phonons' Θ, ω_E and w are
    fitted along, or their density of states F(ω) is given. With `superconducting` the electrons
    are those of the state that is realised at T: superconducting below the T_c of α²F and μ*.

    Args:
        temperature (array of shape (datum,), meV): T.
        heat (array of shape (datum,), mJ/mol K): C.
        sigma (array of shape (datum,), mJ/mol K): its standard deviation.
        gamma (scalar, mJ/mol K²): γ_b.
        gamma_spread (scalar): standard deviation of ln γ_b if it is fitted along, else None.
        atoms (scalar): n, of a formula unit.
        debye, einstein (scalars, meV): Θ and ω_E that the fit starts from; by default
            from ω_max of the phonons, `top`.
        density (pair of arrays of shape (row,)): ω in meV and F(ω), of any norm; in place of them.
        superconducting: whether the metal may condense.
        mu_star, mu_star_spread, omega_ph: see `GapData`.

    Raises:
        ValueError: arrays of unlike lengths, or numbers that cannot be data.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> t = np.array([1.0])
        >>> data = TotalHeatData(t, [70.0], [1.0], 3.0, debye=20.0, einstein=15.0)
        >>> print(data.predict(EinsteinModes([10.0], [1.0])).round(3))
        [253.715]
    """

    temperature: np.ndarray = eqx.field(converter=as_vector)
    heat: np.ndarray = eqx.field(converter=as_vector)
    sigma: np.ndarray = eqx.field(converter=as_vector)
    gamma: float = eqx.field(converter=as_scalar)
    gamma_spread: float | None = None
    atoms: float = eqx.field(converter=as_scalar, default=1.0)
    debye: float = eqx.field(converter=as_scalar, default=25.0)
    einstein: float = eqx.field(converter=as_scalar, default=20.0)
    density: tuple[np.ndarray, np.ndarray] | None = None
    superconducting: bool = eqx.field(static=True, default=False)
    mu_star: float = eqx.field(converter=as_scalar, default=0.1)
    mu_star_spread: float | None = None
    omega_ph: float | None = None
    name = "total heat"
    over = "temperature"

    def __check_init__(self):
        check_positive(
            "heat",
            temperature=self.temperature,
            gamma=self.gamma,
            atoms=self.atoms,
            debye=self.debye,
            einstein=self.einstein,
        )
        check_lengths("heat", temperature=self.temperature, heat=self.heat, sigma=self.sigma)
        check_spread("heat", self.mu_star, self.mu_star_spread)
        if self.density is not None:
            omega, weight = (np.asarray(x) for x in self.density)
            if not (omega.shape == weight.shape and np.all(np.diff(omega) > 0) and omega[0] > 0):
                raise ValueError("heat data: F(ω) needs ascending frequencies > 0, a value each.")
            if not (np.all(np.isfinite(weight)) and np.trapezoid(weight, omega) > 0):
                raise ValueError("heat data: F(ω) must be finite with a positive integral.")
        self.check()

    @property
    def linear(self):  # pyright: ignore
        """Whether the data are linear in α²F."""
        return not self.unknown and not self.superconducting

    @property
    def values(self):
        return self.heat

    @property
    def error(self):
        return self.sigma

    @property
    def unknown(self):
        found = []
        if self.gamma_spread is not None:
            found.append(Unknown("gamma", self.gamma, self.gamma_spread))
        if self.density is None:
            found.append(Unknown("debye", self.debye, _LATTICE))
            found.append(Unknown("einstein", self.einstein, _LATTICE))
            found.append(Unknown("einstein_share", 0.3, _LATTICE))
        if self.superconducting:
            found.extend(repulsion_unknown(self.mu_star, self.mu_star_spread))
        return tuple(found)

    def predict(self, spectrum, mu_star=None, gamma=None, **lattice):
        told = {
            "mu_star": self.mu_star if mu_star is None else mu_star,
            "omega_ph": self.omega_ph,
        }

        def ratio(temperature):
            if self.superconducting:
                return superconducting_heat_ratio(spectrum, temperature, **told)
            return specific_heat_ratio(spectrum, temperature)

        temperature = jnp.asarray(self.temperature)
        electrons = jax.lax.map(ratio, temperature)
        gamma = self.gamma if gamma is None else gamma
        return gamma * temperature / KELVIN * electrons + self.phonons(temperature, **lattice)

    def phonons(self, temperature, **lattice):
        """The phonons' part (array of the shape of T, mJ/mol K)."""
        if self.density is not None:
            omega, weight = (jnp.asarray(x) for x in self.density)
            each = jax.vmap(lambda t: phonon_heat_einstein(omega, t))(temperature)
            weight = weight * trapezoid_weights(omega)
            return 3 * self.atoms * GAS * (each @ weight) / jnp.sum(weight)
        debye, einstein = lattice.get("debye", self.debye), lattice.get("einstein", self.einstein)
        share = lattice.get("einstein_share", 0.3)
        acoustic = jax.vmap(lambda t: phonon_heat_debye(debye, t))(temperature)
        optical = jax.vmap(lambda t: phonon_heat_einstein(einstein, t))(temperature)
        return self.atoms * GAS * ((1 - share) * acoustic + 3 * share * optical)

    def suspicion(self, top):
        most = 3 * self.atoms * GAS
        largest = np.max(self.heat)
        if largest > 3 * most:
            return (
                f"C reaches {largest:.3g} mJ/mol K, Dulong and Petit's law gives {most:.3g}; is it "
                "in another unit, or of more atoms?"
            )
        return doubt_temperatures(self.temperature, top)
