r"""A grid refined where the softest mode is a spike.

At low temperature the deviation that grows first is narrow. With Ã = Z0⁻¹(E) - hκh it is

    ψ(E) ∝ h(E)/[Z0⁻¹(E) - w],      w just below min Z0⁻¹ = Z0⁻¹(E_m),

a Lorentzian of a width δ that falls as e^{-E_m/T}, soon below any step that T would ask for.
But only ψ is narrow: Z0⁻¹ and hκh are as smooth as T and α²F make them. So they are taken
from a sinc grid of step ε, and only the quadrature nodes are refined. The nodes E_i are the
images of equidistant points under the inverse of

    x(E) = E/ε + c [asinh((E - E_m)/δ) + asinh((E + E_m)/δ)],

odd in E, analytic in the strip |Im x| < cπ/2 about the two spikes: the trapezoidal sum in x
converges as e^{-π²c} whatever δ is, at the price of 2c ln(2E_m/δ) nodes.

This needs a smooth α²F. Of δ modes κ has only what the grid's band limit makes of it, and
λ_c(kinetic) belongs to that grid.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Float

from ..electrons.occupations import thermal_window
from ..electrons.weight import inverse_quasiparticle_weight
from ..numerics.checks import checked
from ..numerics.special import sinc
from ..numerics.typed import jit
from ..spectra.moments import coupling_constant
from ..spectra.spectrum import EliashbergFunction, Scalar, as_float
from .energies import EnergyGrid
from .kernels import minimum_weight_on_grid

# Nodes for each factor e in |E - E_m|: the error e^{-π²c} is 1e-12.
_DENSITY = 2.8


class RefinedGrid(eqx.Module):
    r"""An energy grid with more nodes about one energy; see `RefinedGrid.around`.

    Args:
        base: the grid that carries Z0⁻¹ and κ. Its step must resolve T and the features of
            α²F, and be no finer than the quadrature nodes of the latter, which are δ modes
            to a finer grid.
        centre (scalar, energy): E_m > 0.
        width (scalar, energy): δ > 0.
        extra: how many nodes more than `base` has. 96 serve down to δ = 1e-6 E_m.

    Raises:
        ValueError: fewer than 16 extra nodes, or a centre or width that is not positive.

    Example:
        >>> from jaxelph import GaussianPeaks, critical_coupling
        >>> s, base = GaussianPeaks([50.0], [5.0], [1.0]), EnergyGrid(2.5, 200)
        >>> grid = RefinedGrid.around(s, 12.0, base)
        >>> for each in (base, grid):  # exact: 1.4409790213
        ...     print(f"{critical_coupling(s, 12.0, grid=each):.9f}")
        1.440408110
        1.440979021
    """

    base: EnergyGrid
    centre: Float[Array, ""] = eqx.field(converter=as_float)
    width: Float[Array, ""] = eqx.field(converter=as_float)
    extra: int = eqx.field(static=True, default=96)

    def __check_init__(self):
        if self.extra < 16:
            raise ValueError(f"RefinedGrid: extra must be at least 16, got {self.extra}.")
        known = not any(isinstance(x, Tracer) for x in (self.centre, self.width))
        if known and not (self.centre > 0 and self.width > 0):
            raise ValueError(
                f"RefinedGrid: centre and width must be positive, got {self.centre} and "
                f"{self.width}."
            )

    @staticmethod
    @checked
    def around(
        spectrum: EliashbergFunction,
        temperature: Scalar,
        base: EnergyGrid,
        *,
        centre: Scalar | None = None,
        extra: int = 96,
    ) -> "RefinedGrid":
        r"""The grid refined about the least Z0⁻¹ to the width of the spike there.

        To second order about E_m the mode obeys $1 = \kappa(0)h^2\int dE/[a(E-E_m)^2+a\delta^2]$,
        whence $\delta = \pi\lambda h^2(E_m)/a$ with $a = \tfrac12(Z_0^{-1})''(E_m)$.

        Args:
            spectrum: an Eliashberg function; δ does not depend on its scale.
            temperature (scalar, energy): T > 0.
            base: see `RefinedGrid`.
            centre (scalar, energy): E_m, where it is known already.
            extra: see `RefinedGrid`.
        """
        spectrum, temperature, base = jax.lax.stop_gradient((spectrum, temperature, base))
        if centre is None:
            centre = minimum_weight_on_grid(spectrum, temperature, base)[1]
        centre = jax.lax.stop_gradient(jnp.asarray(centre))
        near = 0.25 * temperature
        left, middle, right = inverse_quasiparticle_weight(
            spectrum, temperature, centre + near * jnp.array([-1.0, 0.0, 1.0])
        )
        bend = 0.5 * (left - 2 * middle + right) / near**2
        strength = jnp.pi * coupling_constant(spectrum) * thermal_window(centre, temperature) ** 2
        # As wide as the step, no refinement is needed. Below the floor it no longer matters:
        # λ_c and the weight criterion differ by (δ/E_m)².
        width = jnp.where(bend * base.step > strength, strength / bend, base.step)
        return RefinedGrid(base, centre, jnp.maximum(width, 1e-6 * centre), extra)

    @staticmethod
    def if_smooth(
        spectrum: EliashbergFunction,
        temperature: Scalar,
        base: EnergyGrid,
        *,
        centre: Scalar | None = None,
    ) -> "EnergyGrid | RefinedGrid":
        """`around` for a smooth α²F, `base` itself for δ modes: the grid for the margin.

        Args:
            spectrum, temperature, base, centre: see `around`.
        """
        if not spectrum.smooth:
            return base
        return RefinedGrid.around(spectrum, temperature, base, centre=centre)

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return self.base.size + self.extra

    @property
    def cutoff(self) -> Float[Array, ""]:
        """The last energy of `base` (scalar, energy)."""
        return self.base.cutoff

    @property
    def energies(self) -> Float[Array, " node"]:
        """The nodes' energies (array of shape (node,), energy)."""
        return self.nodes()[0]

    @property
    def weights(self) -> Float[Array, " node"]:
        """The nodes' weights (array of shape (node,), energy); see `nodes`."""
        return self.nodes()[1]

    @jit
    def nodes(self) -> tuple[Float[Array, " node"], Float[Array, " node"]]:
        """Energies and weights of the quadrature Σ w_i u(E_i) = ∫ u dE, E > 0, u odd or narrow."""
        # The integrals do not depend on where the nodes are: no derivative through them.
        centre, width, step, cutoff = jax.lax.stop_gradient(
            (self.centre, self.width, self.base.step, self.base.cutoff)
        )
        index = jnp.arange(1, self.size + 1)

        def position(energy):
            two = jnp.arcsinh((energy - centre) / width) + jnp.arcsinh((energy + centre) / width)
            return energy / step + _DENSITY * two

        # E_m is a node, so that λ_c(kinetic) ≤ λ_c(weight) to the last digit.
        peak = position(centre)
        wanted = position(cutoff) / self.size
        unit = peak / jnp.maximum(1, jnp.floor(peak / wanted))

        def bisect(_, bracket):
            low, high = bracket
            middle = 0.5 * (low + high)
            below = position(middle) < unit * index
            return jnp.where(below, middle, low), jnp.where(below, high, middle)

        start = (jnp.zeros(self.size), jnp.full(self.size, 2.0 * cutoff))
        low, high = jax.lax.fori_loop(0, 60, bisect, start)
        energies = jnp.where(unit * index == peak, centre, 0.5 * (low + high))
        density = 1 / step + _DENSITY * (
            1 / jnp.hypot(energies - centre, width) + 1 / jnp.hypot(energies + centre, width)
        )
        return energies, unit / density

    @jit
    def interpolation(self, energies: Float[Array, " node"]) -> Float[Array, "node energy"]:
        """Sinc interpolation of odd functions that decay, from `base` to its nodes' `energies`."""
        x = energies[:, None] / self.base.step
        n = jnp.arange(1, self.base.size + 1)[None, :]
        return sinc(x - n) - sinc(x + n)

    @property
    def half_step(self) -> EnergyGrid:
        """The grid for `interpolate_oversampled` to the nodes; few digits at its end."""
        return EnergyGrid(0.5 * self.base.step, 2 * self.base.size)
