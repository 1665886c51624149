"""What is integrated in time: the kinetic equation alone, or with phonons that move and light."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optimistix as optx
from jaxtyping import Array, Float

from ..dae import MassMatrixTerm, StepController
from ..spectra.description import concrete
from ..stability.phonons import MovingPhonons
from .equation import KineticEquation, KineticMatrices
from .moving import MovingEquation, moving_equation, moving_term
from .shifts import reach_of


class ElectronsAlone(eqx.Module):
    """The kinetic equation for the state (δ, heat received): how it is set up and read."""

    args: KineticEquation | KineticMatrices

    @property
    def lattice(self):
        return None

    def term(self, matrix_free):
        return _term(matrix_free)

    def start(self, deviation):
        return jnp.append(deviation, 0.0)

    def controller(self, rtol, atol):
        return StepController(rtol=rtol, atol=atol)

    def read(self, times, rows):
        del times
        return rows[:, :-1], rows[:, -1] * heat_unit(_equation(self.args)), None


class WithPhonons(eqx.Module):
    """The same with phonons that move and a pulse."""

    args: MovingEquation
    first: Float[Array, " mode"]  # x_k at t = 0

    @property
    def lattice(self):
        return self.args.branches

    def term(self, matrix_free):
        del matrix_free
        return moving_term()

    def start(self, deviation):
        return self.args.join(deviation, self.first, jnp.zeros(()))

    def controller(self, rtol, atol):
        size = self.args.equation.energies.shape[0]

        # Many modes are not to outvote the electrons.
        def norm(scaled):
            return jnp.maximum(optx.rms_norm(scaled[:size]), optx.rms_norm(scaled[size:]))

        pump = self.args.pump
        longest = None if pump is None else pump.pulse.longest_step
        return StepController(rtol=rtol, atol=atol, norm=norm, longest=longest)

    def read(self, times, rows):
        def one(t, y):
            return self.args.split(self.args.project(t, y))

        known = jnp.all(jnp.isfinite(rows), axis=1)
        # As `Run._at_each_time`: gradients of the other times stay finite.
        safe = jnp.where(
            known[:, None], rows, self.start(jnp.zeros(self.args.equation.energies.shape))
        )
        deviation, stored, heat = jax.vmap(one)(times, safe)
        gone = jnp.where(known, 0.0, jnp.nan)
        return deviation + gone[:, None], heat + gone, stored + gone[:, None]


def with_phonons(operators, spectrum, grid, phonons, pump, reaches, deviation) -> WithPhonons:
    """`phonons` that are not given keep their occupation."""
    equation = _equation(operators)
    temperature = equation.temperature
    if phonons is None:
        phonons = MovingPhonons(0.0)
    branches = phonons.on(spectrum)
    moving = moving_equation(operators, branches, grid, pump, reaches, deviation)
    return WithPhonons(moving, phonons.start(branches, temperature))


def reaches(spectrum, grid, pump) -> tuple[int, int]:
    """How far, in steps, the energies of phonons and photons reach; as far as the grid where
    they are traced."""

    def reach(energies):
        # Inside a caller's jit too, what is concrete is known now.
        with jax.ensure_compile_time_eval():
            steps = jnp.max(energies()) / grid.step
        return reach_of(float(steps) if concrete(steps) else float(grid.size))

    return (
        reach(lambda: spectrum.modes()[0]),
        0 if pump is None else reach(lambda: pump.photon_energy),
    )


def _term(matrix_free: bool) -> MassMatrixTerm:
    """The kinetic equation for the state (δ, heat received), as the solvers see it."""

    def rhs(t, y, operators):
        del t
        collisions = operators.collide(y[:-1])
        heat = _equation(operators).moment @ collisions / heat_unit(_equation(operators))
        return jnp.append(collisions, heat)

    def mass_product(t, y, rate, operators):
        del t
        return jnp.append(operators.mass_product(y[:-1], rate[:-1]), rate[-1])

    def mass(t, y, operators):
        del t
        return _bordered(operators.mass(y[:-1]), 0.0, 1.0)

    def jacobian(t, y, rate, operators):
        del t
        matrix = operators.jacobian(y[:-1], rate[:-1])
        return _bordered(
            matrix, operators.heat_flow_derivative(y[:-1]) / heat_unit(_equation(operators)), 0.0
        )

    if matrix_free:
        return MassMatrixTerm(rhs=rhs, mass_product=mass_product)
    return MassMatrixTerm(rhs=rhs, mass=mass, mass_product=mass_product, jacobian=jacobian)


def _equation(operators: KineticEquation | KineticMatrices) -> KineticEquation:
    return operators.equation if isinstance(operators, KineticMatrices) else operators


def heat_unit(equation: KineticEquation) -> Float[Array, ""]:
    """The heat received is integrated along, in units of T0² to be of order one beside f."""
    return equation.temperature**2


def _bordered(matrix, row, corner):
    size = matrix.shape[0]
    bordered = jnp.zeros((size + 1, size + 1)).at[:size, :size].set(matrix)
    return bordered.at[size, :size].set(row).at[size, size].set(corner)


def preconditioner(t, y, rate, alpha, equation):
    """By the diagonal: the spread of rates that is left is small."""
    del t, rate
    diagonal = jnp.append(equation.diagonal(y[:-1], alpha), alpha)
    return lambda r: r / diagonal
