r"""The kinetic equation of electrons with phonons in equilibrium, Supplement Eq. (29):

    (1 - κ*f') ∂f/∂t + f' (κ*∂f/∂t) = I[f],        that is        B(f) ∂f/∂t = I(f),

in the time rescaled by π. The unknown is δ = f - f0(T0), an odd function on E = ε…Lε; what
multiplies it is exact on a resolved grid, so a hundred points do.

As long as B(f) is positive the equation says how the metal relaxes. Where an eigenvalue of B(f)
passes through zero ∂f/∂t diverges: the state has become unstable, and no solution goes on
smoothly from there. That is an event of the physics, which the integration watches for; an
integrator alone may step over it and report a relaxation that does not exist.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..electrons.occupations import fermi, thermal_window
from ..grids.convolution import FoldedConvolution
from ..grids.energies import EnergyGrid
from ..grids.kernels import coupling_kernel, slope_kernel, weight_on_grid
from ..numerics.checks import checked
from ..numerics.elimination import least_pivot
from ..numerics.typed import jit
from ..spectra.resolution import resolving
from ..spectra.spectrum import EliashbergFunction, Scalar
from .collisions import ElectronCollisions, PhononCollisions

# The check that looks for negative curvature without a matrix ends when the residual has fallen
# to this share, or after so many steps.
_CURVATURE_RESIDUAL, _CURVATURE_STEPS = 1e-9, 400

Deviation = Float[Array, " energy"]


class KineticEquation(eqx.Module):
    r"""B(f) ∂f/∂t = I(f) on a grid, with phonons at T0, Supplement Eq. (29):

    $$(1 - \kappa*f')\,\partial_tf + f'\,(\kappa*\partial_tf) = I[f].$$

    Every operation is a convolution with one of five kernels, so the same equation serves
    dense matrices (`matrices()`, faster up to a few hundred points) and fast Fourier
    transforms. Made by `at`. Its methods take the state as `deviation`, δ = f - f0(T0), and
    `rate`, ∂f/∂t in the rescaled time (arrays of shape (energy,)); `local` and `window` are
    the two parts of the symmetric form of B(f), see `symmetric_parts`.

    Args:
        energies (array of shape (energy,), energy): E = ε…Lε.
        temperature (scalar, energy): T0.
        weight (array of shape (energy,)): Z0⁻¹(E) = 1 - κ*f0'.
        minus_slope (array of shape (energy,), 1/energy): -f0'.
        exchange: κ.
        slope: d/dE.
        phonons: collisions with phonons.
        electrons: collisions between electrons, if any.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> grid = EnergyGrid(0.4, 80)
        >>> equation = KineticEquation.at(EinsteinModes([2.0], [1.0]), 1.0, grid)
        >>> hot = fermi(grid.energies, 1.001) - equation.equilibrium
        >>> from jaxelph import two_temperature_rate
        >>> cooling = -equation.heat_flow(hot) / equation.energy(hot)
        >>> print(f"{cooling / two_temperature_rate(EinsteinModes([2.0], [1.0]), 1.0):.2f}")
        1.00
    """

    energies: Float[Array, " energy"]
    temperature: Float[Array, ""]
    weight: Float[Array, " energy"]
    minus_slope: Float[Array, " energy"]
    exchange: FoldedConvolution
    slope: FoldedConvolution
    phonons: PhononCollisions
    electrons: ElectronCollisions | None

    @staticmethod
    @checked
    @resolving
    def at(
        spectrum: EliashbergFunction,
        temperature: Scalar,
        grid: EnergyGrid,
        electrons: ElectronCollisions | None = None,
    ) -> "KineticEquation":
        """The equation for a spectrum with phonons at one temperature.

        Args:
            spectrum: an Eliashberg function.
            temperature (scalar, energy): T0 > 0 of the phonons.
            grid: see `EnergyGrid.suggest`.
            electrons: collisions between electrons, on the same grid.
        """
        temperature = jnp.asarray(temperature, dtype=float)
        exchange = FoldedConvolution(coupling_kernel(spectrum, grid))
        return KineticEquation(
            energies=grid.energies,
            temperature=temperature,
            weight=weight_on_grid(exchange, temperature, grid),
            minus_slope=thermal_window(grid.energies, temperature) ** 2,
            exchange=exchange,
            slope=FoldedConvolution(slope_kernel(grid), -1),
            phonons=PhononCollisions.at(spectrum, temperature, grid),
            electrons=electrons,
        )

    @property
    def equilibrium(self) -> Float[Array, " energy"]:
        """The Fermi function f0(T0) on the grid (array of shape (energy,))."""
        return fermi(self.energies, self.temperature)

    @property
    def moment(self) -> Float[Array, " energy"]:
        """What sums a function on the grid to its energy moment, ∫ E … dE over E of both signs."""
        return 2 * self.energies[0] * self.energies

    def slopes(self, deviation: Deviation) -> tuple[Float[Array, " energy"], Deviation]:
        """δ' and κ*δ' on the grid."""
        slope = self.slope.mv(deviation, first=0)
        return slope[1:], self.exchange.mv_even(slope)

    @jit
    def mass_product(self, deviation: Deviation, rate: Deviation) -> Deviation:
        """The left-hand side, B(f) ∂f/∂t (array of shape (energy,), energy)."""
        parts = self.weight, self.minus_slope, *self.slopes(deviation)
        return left_side(*parts, rate, self.exchange.mv(rate))

    def symmetric_mass_operator(self, deviation: Deviation):
        """v → B(f) v in its symmetric form, without a matrix; see `KineticMatrices`."""
        return self._symmetric_product(*self.symmetric_parts(deviation))

    def symmetric_parts(self, deviation: Deviation) -> tuple[Deviation, Deviation]:
        """1 - κ*f' and -f', which determine the symmetric form of B(f)."""
        local, slope = coefficients(self.weight, self.minus_slope, *self.slopes(deviation))
        return local, -slope

    @jit
    def least_curvature(self, local: Deviation, window: Deviation) -> Float[Array, ""]:
        """A number with the sign of the smallest eigenvalue of local - √window κ √window: the
        least curvature that conjugate gradients meet. NaN where the matrix is not finite.

        Its rows and columns are scaled to a unit diagonal first, which leaves the signs of the
        eigenvalues as they are: a soft mode at the energy where `local` is least, which is how
        stability is lost, then stands apart from the rest.
        """
        diagonal = local - jnp.maximum(window, 0.0) * self.exchange.diagonal
        lowest = jnp.min(diagonal)
        scale = _root_of_positive(1 / jnp.where(diagonal > 0, diagonal, jnp.inf))
        product = self._symmetric_product(local, window)
        met = _least_curvature_met(lambda v: scale * product(scale * v), local, lowest)
        return jnp.where(lowest > 0, met, lowest)

    def is_positive(self, local: Deviation, window: Deviation) -> Bool[Array, ""]:
        """Whether local - √window κ √window is."""
        return self.least_curvature(local, window) > 0

    def _symmetric_product(self, local, window):
        root = _root_of_positive(window)
        return lambda v: local * v - root * self.exchange.mv(root * v)

    def collide(self, deviation: Deviation) -> Deviation:
        """The collision integral I(f) (array of shape (energy,), energy)."""
        total = self.phonons.integral(deviation)
        if self.electrons is not None:
            total = total + self.electrons.integral(self.equilibrium + deviation)
        return total

    @jit
    def energy(self, deviation: Deviation) -> Float[Array, ""]:
        r"""Energy of the state above equilibrium, per 2ν0 and one spin's axis:

        $$U[f] = \int E\,\delta + \ldots, \qquad \dot U = \int E\,I[f]\,dE,$$

        the functional whose time derivative is the energy moment of the left-hand side of
        (29): quadratic in f with the kernel (sκ)'.
        """
        slope, dragged = self.slopes(deviation)
        energies = self.energies
        linear = energies * self.weight - self.exchange.mv(energies * self.minus_slope)
        pair = energies * dragged - self.exchange.mv(energies * slope)
        return 2 * energies[0] * jnp.sum(deviation * (linear - pair / 2))

    def decay(self, deviation: Deviation) -> Float[Array, " energy"]:
        """The rates at which states decay by phonons in equilibrium and by other electrons
        (array of shape (energy,), energy): the diagonal of -∂I/∂f, about."""
        rate = self.phonons.rate + self.phonons.odd.mv(deviation)
        if self.electrons is not None:
            rate = rate + self.electrons.rate(self.equilibrium + deviation)
        return rate

    def diagonal(self, deviation: Deviation, alpha: Scalar) -> Float[Array, " energy"]:
        """The diagonal of αB(f) - ∂I/∂f, about, by which a step's matrix is preconditioned
        (array of shape (energy,)): the rest is smooth, and not larger on a finer grid.

        Of hot electrons B(f) and the decay at `deviation` count: with those at f0 a system
        needs up to three times as many products.

        Args:
            deviation (array of shape (energy,)): δ.
            alpha (scalar, 1/rescaled time): α, one over the step about.
        """
        return jnp.asarray(alpha) * self.symmetric_parts(deviation)[0] + self.decay(deviation)

    def heat_flow(self, deviation: Deviation) -> Float[Array, ""]:
        """∫ E I(f) dE, the energy that the electrons gain per unit of rescaled time."""
        return self.moment @ self.collide(deviation)

    @jit
    def matrices(self) -> "KineticMatrices":
        """The same equation with its convolutions as dense matrices."""
        slope = self.slope.as_matrix(first=0)
        dragged = self.exchange.as_even_matrix() @ slope
        linear, odd = self.phonons.linearised(), self.phonons.odd.as_matrix()
        return KineticMatrices(
            equation=self,
            exchange=self.exchange.as_matrix(),
            stacked=jnp.concatenate([slope[1:], dragged, linear, odd]),
        )


class KineticMatrices(eqx.Module):
    """`KineticEquation` in dense matrices, with its Jacobian in closed form."""

    equation: KineticEquation
    exchange: Float[Array, "energy energy"]  # κ
    # d/dE, κ d/dE, hM̃h⁻¹ and o below each other: what acts on δ is one product.
    stacked: Float[Array, "four_energies energy"]

    @property
    def slope(self) -> Float[Array, "energy energy"]:
        """d/dE."""
        return self._blocks(self.stacked)[0]

    @property
    def exchange_slope(self) -> Float[Array, "energy energy"]:
        """κ d/dE."""
        return self._blocks(self.stacked)[1]

    @property
    def linear(self) -> Float[Array, "energy energy"]:
        """hM̃h⁻¹ of collisions with phonons."""
        return self._blocks(self.stacked)[2]

    @property
    def odd(self) -> Float[Array, "energy energy"]:
        """o."""
        return self._blocks(self.stacked)[3]

    def _blocks(self, stacked):
        return stacked.reshape(4, -1, *stacked.shape[1:])

    def _coefficients(self, deviation):
        """1 - κ*f' and f'."""
        return coefficients(*self._parts(deviation))

    def _parts(self, deviation):
        slope, dragged, _, _ = self._blocks(self.stacked @ deviation)
        return self.equation.weight, self.equation.minus_slope, slope, dragged

    @jit
    def mass(self, deviation: Deviation) -> Float[Array, "energy energy"]:
        """B(f)."""
        local, slope = self._coefficients(deviation)
        return jnp.diag(local) + slope[:, None] * self.exchange

    def mass_product(self, deviation: Deviation, rate: Deviation) -> Deviation:
        return left_side(*self._parts(deviation), rate, self.exchange @ rate)

    def collide(self, deviation: Deviation) -> Deviation:
        # The compiler finds this product in `mass_product` too and computes it once.
        _, _, linear, odd = self._blocks(self.stacked @ deviation)
        total = phonon_integral(deviation, linear, odd)
        if self.equation.electrons is not None:
            total = total + self.equation.electrons.integral(self.equation.equilibrium + deviation)
        return total

    @jit
    def jacobian(self, deviation: Deviation, rate: Deviation) -> Float[Array, "energy energy"]:
        """∂[I(f) - B(f) ∂f/∂t]/∂f at fixed ∂f/∂t."""
        _, _, _, odd = self._blocks(self.stacked @ deviation)
        total = (
            rate[:, None] * self.exchange_slope
            - (self.exchange @ rate)[:, None] * self.slope
            - self.linear
            - deviation[:, None] * self.odd
            - jnp.diag(odd)
        )
        if self.equation.electrons is not None:
            f = self.equation.equilibrium + deviation
            total = total + self.equation.electrons.jacobian(f)
        return total

    def heat_flow_derivative(self, deviation: Deviation) -> Deviation:
        """The derivative of `heat_flow` in f; collisions of electrons keep their energy."""
        _, _, _, odd = self._blocks(self.stacked @ deviation)
        moment = self.equation.moment
        return -moment @ self.linear - (moment * deviation) @ self.odd - moment * odd

    def symmetric_parts(self, deviation: Deviation) -> tuple[Deviation, Deviation]:
        """1 - κ*f' and -f', which determine the symmetric form of B(f)."""
        local, slope = self._coefficients(deviation)
        return local, -slope

    @jit
    def symmetric_mass(self, deviation: Deviation) -> Float[Array, "energy energy"]:
        """B(f) in its symmetric form 1 - κ*f' - √(-f') κ √(-f'), which is Ã at f = f0.

        The two are similar where f' < 0. Where a distribution is inverted, f' > 0, no symmetric
        form exists, and the exchange of those energies is left out.
        """
        return self._symmetric_matrix(*self.symmetric_parts(deviation))

    @jit
    def least_curvature(self, local: Deviation, window: Deviation) -> Float[Array, ""]:
        """A number with the sign of the smallest eigenvalue of local - √window κ √window: the
        least pivot of one elimination. NaN where the matrix is not finite."""
        return least_pivot(jax.lax.stop_gradient(self._symmetric_matrix(local, window)))

    def is_positive(self, local: Deviation, window: Deviation) -> Bool[Array, ""]:
        """Whether local - √window κ √window is."""
        return self.least_curvature(local, window) > 0

    def is_stable(self, deviation: Deviation) -> Bool[Array, ""]:
        """Whether B(f) is positive."""
        return self.is_positive(*self.symmetric_parts(deviation))

    def _symmetric_matrix(self, local, window):
        root = _root_of_positive(window)
        return jnp.diag(local) - root[:, None] * self.exchange * root[None, :]


# Element by element, for whole vectors as for parts of them in a kernel.


def coefficients(weight: Array, minus_slope: Array, slope: Array, dragged: Array):
    """1 - κ*f' and f', of Z0⁻¹, -f0', δ' and κ*δ'."""
    return weight - dragged, slope - minus_slope


def left_side(
    weight: Array, minus_slope: Array, slope: Array, dragged: Array, rate: Array, exchanged: Array
) -> Array:
    """B(f) ∂f/∂t, of the same, ∂f/∂t and κ*∂f/∂t."""
    local, slope = coefficients(weight, minus_slope, slope, dragged)
    return local * rate + slope * exchanged


def phonon_integral(deviation: Array, linear: Array, odd: Array) -> Array:
    """I(f) of collisions with phonons, of δ, hM̃h⁻¹δ and o*δ."""
    return -linear - deviation * odd


def _root_of_positive(x):
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1.0)), 0.0)


def _least_curvature_met(multiply, like, lowest):
    """The least curvature that conjugate gradients on `multiply` meet, which end at the first
    that is not positive; they do not begin unless `lowest` is.

    The residual keeps the start's part along an eigenvector until a Ritz value has come close to
    its eigenvalue, and then a curvature has shown its sign. So once the residual is gone no
    eigenvalue was overlooked, and there the search ends: another step would divide 0 by 0.
    """
    # A start without symmetry of its own, so that it has a part along any soft mode.
    start = jax.random.normal(jax.random.key(0), like.shape, like.dtype)
    square = start @ start
    enough = _CURVATURE_RESIDUAL**2 * square

    def goes_on(carry):
        _, _, square, least, step = carry
        return (square > enough) & (least > 0) & (step < _CURVATURE_STEPS)

    def step(carry):
        residual, direction, square, least, step = carry
        product = multiply(direction)
        curvature = direction @ product
        least = jnp.minimum(least, curvature / (direction @ direction))
        residual = residual - square / curvature * product
        new_square = residual @ residual
        direction = residual + new_square / square * direction
        return residual, direction, new_square, least, step + 1

    least = jnp.where(lowest > 0, jnp.inf, lowest)
    return jax.lax.while_loop(goes_on, step, (start, start, square, least, 0))[3]
