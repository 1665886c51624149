r"""The kinetic equation with phonons that move and a pulse of light, as the solvers see it.

The state is (δ, x̂, heat): δ = f - f0(T0) on the grid, x̂_k = (F_k/2ν0T0) [N_k - N_k(T0)], and the
energy that electrons have received in collisions, over T0²:

    B(f) ∂f/∂t = I[f, N(T0)] + Σ_k λ_kω_k (2ν0/F_k) x_k [f(E+ω_k) + f(E-ω_k) - 2f(E)] + pump,
    ∂x_k/∂t = λ_kω_k [P_k - P_k0 - (2ν0/F_k) ω_kx_k] - x_k/τ_k - [x_k - x_k(T_l)]/τ_m.

Energy. The collision integral of the grid and P_k agree to the accuracy of the grid, and what they
disagree by is divided among the phonons, in proportion to λ_kω_k²: ∫E I dE + Σ_k ω_k ∂x_k/∂t is
then zero to rounding, and since a Rosenbrock method keeps linear invariants, heat + Σ_k ω_kx_k is
constant at any tolerance. U[f] is quadratic in f, and known to the tolerance only: after each step
f is moved, along the shortest way in the metric 1/f(1-f), to where U[f] = U[f(0)] + heat + what
the pulse has brought.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..dae import MassMatrixTerm
from ..dae.elimination import AbstractBlocks, EliminatingInverse, EliminatingKrylov
from ..grids.energies import EnergyGrid
from ..stability.phonons import PhononBranches
from .equation import Deviation, KineticEquation, KineticMatrices
from .pump import Pulse, PumpOnGrid
from .shifts import SymmetricShifts, place_weights

State = Float[Array, " state"]


class MovingEquation(eqx.Module):
    """`KineticEquation`, or its matrices, together with phonons that move and a pulse."""

    operators: KineticEquation | KineticMatrices
    branches: PhononBranches
    shifts: SymmetricShifts
    place: Float[Array, "mode reach"]
    pump: PumpOnGrid | None
    first_energy: Float[Array, ""]  # U[f(0)]

    @property
    def equation(self) -> KineticEquation:
        operators = self.operators
        return operators.equation if isinstance(operators, KineticMatrices) else operators

    @property
    def unit(self) -> Float[Array, ""]:
        """Of x, in which it is of order one beside f."""
        return self.equation.temperature

    def split(self, y: State) -> tuple[Deviation, Float[Array, " mode"], Float[Array, ""]]:
        """δ, x and the heat."""
        size = self.equation.energies.shape[0]
        return y[:size], self.unit * y[size:-1], self.unit**2 * y[-1]

    def join(self, deviation, stored, heat) -> State:
        return jnp.concatenate(
            [deviation, stored / self.unit, jnp.reshape(heat / self.unit**2, (1,))]
        )

    @property
    def _share(self):
        """Of what the grid's collisions and P_k disagree by, over ω_k."""
        each = self.branches.strength * self.branches.omega
        total = jnp.sum(each)
        return self.branches.strength / jnp.where(total > 0, total, 1.0)

    def exchanged(self, deviation: Deviation, stored: Float[Array, " mode"]):
        """I[f, N], what it lets each mode gain in ∂x_k/∂t, and ∫E I dE."""
        branches = self.branches
        each = branches.strength * branches.coupling * stored
        collisions = self.operators.collide(deviation)
        collisions = collisions + self.shifts.mix(each @ self.place, deviation)
        emitted = branches.strength * (self.place @ self.shifts.excess(deviation))
        emitted = emitted - branches.relaxation * stored
        heat = self.equation.moment @ collisions
        missing = heat + branches.omega @ emitted
        return collisions, emitted - self._share * missing, heat

    def rhs(self, t, y: State) -> State:
        deviation, stored, _ = self.split(y)
        branches = self.branches
        collisions, emitted, heat = self.exchanged(deviation, stored)
        emitted = emitted - branches.escape * stored
        if branches.mixing is not None:
            shared, _ = branches.shared(self.equation.temperature, stored)
            emitted = emitted - branches.mixing_rate * (stored - shared)
        if self.pump is not None:
            collisions = collisions + self.pump.integral(t, deviation)
        return self.join(collisions, emitted, heat)

    def mass_product(self, y: State, rate: State) -> State:
        size = self.equation.energies.shape[0]
        return rate.at[:size].set(self.operators.mass_product(y[:size], rate[:size]))

    @staticmethod
    def projected(t, y: State, moving: "MovingEquation") -> State:
        """`project`, for a solver."""
        return moving.project(t, y)

    def project(self, t, y: State) -> State:
        """The state next to `y` with the energy that it has received."""
        deviation, stored, heat = self.split(y)
        brought = 0.0 if self.pump is None else self.pump.brought(t)
        return self.join(
            self._with_energy(deviation, self.first_energy + heat + brought), stored, heat
        )

    def _with_energy(self, deviation, energy):
        # U is quadratic in δ: with g(δ) = 2εE B(f), which is its gradient, U = [g(0) + g(δ)]·δ/2.
        at_rest, gradient = self._energy_gradient(0 * deviation), self._energy_gradient(deviation)
        f = self.equation.equilibrium + deviation
        # Where f is empty or full to rounding, nothing is to be moved.
        direction = jnp.maximum(f * (1 - f), 0.0) * gradient
        bent = self._energy_gradient(direction) - at_rest
        both = at_rest + gradient
        slope = (both @ direction + bent @ deviation) / 2
        defect = energy - both @ deviation / 2
        root = jnp.sqrt(jnp.maximum(slope**2 + 2 * (bent @ direction) * defect, 0.0))
        step = 2 * defect / jnp.where(slope > 0, slope + root, jnp.inf)
        return deviation + jnp.where(jnp.isfinite(step), step, 0.0) * direction

    def _energy_gradient(self, deviation):
        local, window = self.operators.symmetric_parts(deviation)
        dragged = self.equation.exchange.mv(window * self.equation.moment)
        return self.equation.moment * local - dragged


def moving_equation(
    operators: KineticEquation | KineticMatrices,
    branches: PhononBranches,
    grid: EnergyGrid,
    pump: Pulse | None,
    reaches: tuple[int, int],
    deviation: Deviation,
) -> MovingEquation:
    """The equation that starts from δ; `reaches` are those of phonons and photons in steps."""
    equation = operators.equation if isinstance(operators, KineticMatrices) else operators
    temperature = equation.temperature
    return MovingEquation(
        operators=operators,
        branches=branches,
        shifts=SymmetricShifts.at(temperature, grid, reaches[0]),
        place=place_weights(branches.omega, grid.step, reaches[0]),
        pump=None if pump is None else PumpOnGrid.at(pump, temperature, grid, reaches[1]),
        first_energy=equation.energy(deviation),
    )


def moving_term() -> MassMatrixTerm:
    """The equation as a term; its `args` are the `MovingEquation`."""
    return MassMatrixTerm(
        rhs=lambda t, y, moving: moving.rhs(t, y),
        mass_product=lambda t, y, rate, moving: moving.mass_product(y, rate),
    )


def moving_solver(matrix_free: bool, rtol):
    """How a step's linear systems are solved: for f alone."""
    if matrix_free:
        return EliminatingKrylov(_free_blocks, rtol=1e-2 * rtol)
    return EliminatingInverse(_dense_blocks)


class _Blocks(AbstractBlocks):
    """What both ways have in common: D, and how x acts on f."""

    diagonal: Float[Array, " mode"]
    between: tuple[Array, Array] | None
    alpha: Float[Array, ""]
    readout: Float[Array, " mode"]
    moving: MovingEquation
    deviation: Deviation
    # Dense: A, S_n f and the derivatives of P(nε) and of the heat.
    matrices: tuple[Array, Array, Array, Array] | None
    # Without matrices: the product of the whole with (u, 0, 0).
    product: jax.tree_util.Partial | None

    def core(self, u):
        if self.matrices is not None:
            return self.matrices[0] @ u
        return self._product(u)[: u.shape[0]]

    def to_core(self, x):
        branches, unit = self.moving.branches, self.moving.unit
        weights = (branches.strength * branches.coupling * unit * x) @ self.moving.place
        if self.matrices is not None:
            return self.matrices[1] @ weights
        return self.moving.shifts.mix(weights, self.deviation)

    def from_core(self, u):
        if self.matrices is None:
            product = self._product(u)
            return -product[u.shape[0] : -1], -product[-1]
        moving, (_, _, excess, heat) = self.moving, self.matrices
        emitted = moving.branches.strength * (moving.place @ (excess @ u))
        received = heat @ u
        missing = received + moving.branches.omega @ emitted
        emitted = emitted - moving._share * missing
        return emitted / moving.unit, received / moving.unit**2

    def reduced(self, u):
        if self.matrices is not None:
            return AbstractBlocks.reduced(self, u)
        product, size = self._product(u), u.shape[0]
        return product[:size] + self.to_core(self.rest_inverse(product[size:-1]))

    def _product(self, u):
        assert self.product is not None
        zeros = jnp.zeros(self.diagonal.shape[0] + 1, u.dtype)
        return self.product(jnp.concatenate([u, zeros]))


def _common(y, alpha, moving) -> dict[str, Any]:
    deviation, stored, _ = moving.split(y)
    branches, between = moving.branches, None
    if branches.mixing is not None:
        _, slopes = branches.shared(moving.equation.temperature, stored)
        moves = jnp.where(branches.coupling > 0, branches.omega, 0.0)
        between = branches.mixing_rate * slopes, moves
    return dict(
        diagonal=alpha + branches.relaxation + branches.escape + branches.mixing_rate,
        between=between,
        alpha=jnp.asarray(alpha),
        # ∫E S f dE = ω² of each mode.
        readout=branches.relaxation * branches.omega / moving.unit,
        moving=moving,
        deviation=deviation,
    )


def _dense_blocks(t, y, ydot, alpha, moving: MovingEquation):
    deviation, stored, _ = moving.split(y)
    size, branches, place = deviation.shape[0], moving.branches, moving.place
    operators = moving.operators
    assert isinstance(operators, KineticMatrices)
    each = branches.strength * branches.coupling
    feedback = moving.shifts.mix_matrix((each * stored) @ place)
    jacobian = operators.jacobian(deviation, ydot[:size]) + feedback
    if moving.pump is not None:
        jacobian = jacobian + moving.pump.matrix(t, deviation)
    core = alpha * operators.mass(deviation) - jacobian
    table = moving.shifts.table(deviation)
    excess = moving.shifts.excess_matrix(deviation, table)
    heat = operators.heat_flow_derivative(deviation) + moving.equation.moment @ feedback
    common = _common(y, alpha, moving)
    blocks = _Blocks(matrices=(core, table, excess, heat), product=None, **common)
    # U D⁻¹ Y: by modes between two tables of all n, and what goes by shares.
    acting = each / common["diagonal"]
    middle = (place * (acting * branches.strength)[:, None]).T @ place
    emitted = (branches.omega * branches.strength) @ place @ excess
    shared = table @ ((acting * moving._share) @ place)
    reduced = core - table @ (middle @ excess) + shared[:, None] * (heat + emitted)[None, :]
    if blocks.between is not None:
        # What the modes' energy as a whole adds to D⁻¹.
        a, b = (value / blocks.diagonal for value in blocks.between)
        row = ((b * branches.strength) @ place) @ excess - (b @ moving._share) * (heat + emitted)
        column = table @ ((each * a) @ place) / (1 - blocks.between[1] @ a)
        reduced = reduced - column[:, None] * row[None, :]
    return blocks, reduced


def _free_blocks(t, y, ydot, alpha, moving: MovingEquation):
    def residual(v):
        rate = ydot + alpha * v
        return moving.mass_product(y + v, rate) - moving.rhs(t, y + v)

    _, product = jax.linearize(residual, jnp.zeros_like(y))
    equation, (deviation, stored, _) = moving.equation, moving.split(y)
    blocks = _Blocks(
        matrices=None, product=jax.tree_util.Partial(product), **_common(y, alpha, moving)
    )
    # What the phonons that are there add to the scattering.
    more = 2 * (moving.branches.strength * moving.branches.coupling) @ jnp.maximum(stored, 0.0)
    return blocks, equation.diagonal(deviation, alpha) + more
