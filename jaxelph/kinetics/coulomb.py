r"""Collisions between electrons by the Coulomb interaction, before there is a grid.

    P(ω) = p |ω|^{d/2-2},    d = 4 screened (Fermi liquid), 3 bulk, 2 film, 1 wire,

the first without disorder, the others in a weakly disordered conductor. At T = 0 an electron at E
above the Fermi level decays at the rate, in the rescaled time,

    r(E) = p ∫_0^E (E-ω)^{d/2-1} dω = p E^{d/2}/(d/2),

and of constant P at any T at p [E² + (πT)²]/2, Landau's.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..grids.energies import EnergyGrid
from ..numerics.checks import refuse
from ..spectra.spectrum import Scalar, as_float
from .collisions import ElectronCollisions, disordered_kernel

#: What the electrons may be in, and d of P ∝ |ω|^{d/2-2}.
KINDS = {"screened": 4, "bulk": 3, "film": 2, "wire": 1}


def screened_kernel(grid: EnergyGrid, strength: Scalar) -> Float[Array, " transfer"]:
    r"""P(ω) = p of a clean metal with screened Coulomb interaction, on ω = ε…2Lε.

    Where screening makes the interaction local, the matrix element does not depend on the energy
    that two electrons exchange: the Fermi liquid, in which a state decays at the rate
    p[E² + (πT)²]/2. The integral of a constant against the grid's sinc functions is that constant,
    and $\sum_nP_nu(n\epsilon)$ the integral of Pu to rounding for every smooth u with u(0) = 0.

    Args:
        grid: its multiples are the energies that can be exchanged.
        strength (scalar, 1/energy): p.

    Returns:
        P_n (array of shape (2L,), 1/energy), for `ElectronCollisions`.

    Example:
        >>> from jaxelph import fermi
        >>> grid = EnergyGrid(0.25, 100)
        >>> collisions = ElectronCollisions(grid, screened_kernel(grid, 0.2), elastic=0.2)
        >>> print(collisions.rate(fermi(grid.energies, 0.5))[3:8:4].round(6))  # E = 1, 2
        [0.34674 0.64674]
        >>> print((0.1 * (jnp.array([1.0, 4.0]) + (jnp.pi / 2) ** 2)).round(6))
        [0.34674 0.64674]
    """
    return jnp.broadcast_to(jnp.asarray(strength, dtype=float), (2 * grid.size,))


class CoulombCollisions(eqx.Module):
    r"""Collisions between electrons, for `evolve`, `relax` and `pump`, which have the grid.

    Args:
        strength (scalar, energy^(1 - d/2)): p ≥ 0 of P(ω) = p|ω|^{d/2-2}.
        kind: "screened" (d = 4: P is constant), or of a disordered conductor "bulk" (3), "film"
            (2) or "wire" (1).

    Raises:
        ValueError: another kind, or a strength that is negative or not finite.

    Example:
        >>> electrons = CoulombCollisions(0.2)
        >>> print(electrons.rate(2.0), electrons.on(EnergyGrid(0.5, 20)).kernel.shape)
        0.4 (40,)
    """

    strength: Float[Array, ""] = eqx.field(converter=as_float)
    kind: str = eqx.field(static=True, default="screened")

    def __check_init__(self):
        if self.kind not in KINDS:
            raise ValueError(
                f"CoulombCollisions: kind must be one of {', '.join(KINDS)}, got {self.kind!r}."
            )
        refuse("CoulombCollisions: strength", self.strength, not_negative=True)

    @staticmethod
    def of_lifetime(
        lifetime: Scalar, energy: Scalar, kind: str = "screened"
    ) -> "CoulombCollisions":
        """As strong as the lifetime of an electron at one energy above a cold Fermi sea says.

        Args:
            lifetime (scalar, 1/energy): at T = 0, in the rescaled time: `mev_to_per_ps(1.0)`
                times that in ps, with energies in meV.
            energy (scalar, energy): of the electron, above the Fermi level.
            kind: see `CoulombCollisions`.

        Raises:
            ValueError: a lifetime or energy that is not positive.

        Example:
            >>> print(CoulombCollisions.of_lifetime(2.5, 2.0).strength)
            0.2
        """
        refuse("CoulombCollisions.of_lifetime: lifetime", lifetime, positive=True)
        refuse("CoulombCollisions.of_lifetime: energy", energy, positive=True)
        unit = CoulombCollisions(1.0, kind)
        return CoulombCollisions(1 / (lifetime * unit.rate(energy)), kind)

    def rate(self, energy: Scalar) -> Float[Array, ""]:
        """p E^{d/2}/(d/2), at which an electron at `energy` (scalar, energy) decays at T = 0."""
        half = KINDS[self.kind] / 2
        return self.strength * jnp.abs(jnp.asarray(energy, dtype=float)) ** half / half

    def on(self, grid: EnergyGrid) -> ElectronCollisions:
        """The same on a grid.

        Args:
            grid: of the energies.
        """
        if self.kind == "screened":
            kernel = screened_kernel(grid, self.strength)
            return ElectronCollisions(grid, kernel, self.strength, self.kind)
        kernel = disordered_kernel(grid, self.strength, KINDS[self.kind])
        return ElectronCollisions(grid, kernel, kind=self.kind)
