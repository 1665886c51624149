r"""Systems of which most unknowns follow from the others: only these are solved for.

Where the state is y = (u, x, q), with x that act on u and on each other by one number at most, and
quadratures q that act on nothing, an iteration matrix has the form

    ⎡  A  -U   0 ⎤ ⎡u⎤   ⎡r⎤
    ⎢ -Y   D   0 ⎥ ⎢x⎥ = ⎢s⎥ ,      D diagonal, or a diagonal less abᵀ.
    ⎣ -e  -w   α ⎦ ⎣q⎦   ⎣t⎦

Eliminating x and q leaves (A - U D⁻¹ Y) u = r + U D⁻¹ s, as large as u alone. Given u, the rows of
x and q are fulfilled to rounding, be the solve for u exact or not; so are linear invariants
between them.
"""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.lax as lax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float, PyTree

from ..numerics.elimination import factor, solve_factored
from .gmres import GMRES
from .linear import AbstractIterationSolver, _stop

Vector = Float[Array, " n"]


class AbstractBlocks(eqx.Module):
    """The blocks of one step's iteration matrix, on raveled states y = (u, x, q).

    `u` is an array of shape (n,), `x` of shape (m,).
    """

    diagonal: eqx.AbstractVar[Float[Array, " m"]]  # of D
    between: eqx.AbstractVar[tuple[Float[Array, " m"], Float[Array, " m"]] | None]  # a and b
    alpha: eqx.AbstractVar[Float[Array, ""]]
    readout: eqx.AbstractVar[Float[Array, " m"]]  # w

    @abc.abstractmethod
    def core(self, u: Vector) -> Vector:
        """A u."""

    @abc.abstractmethod
    def to_core(self, x: Vector) -> Vector:
        """U x."""

    @abc.abstractmethod
    def from_core(self, u: Vector) -> tuple[Vector, Float[Array, ""]]:
        """Y u and e·u."""

    def rest(self, x: Vector) -> Vector:
        """D x."""
        if self.between is None:
            return self.diagonal * x
        a, b = self.between
        return self.diagonal * x - a * (b @ x)

    def rest_inverse(self, x: Vector, transposed: bool = False) -> Vector:
        """D⁻¹ x."""
        if self.between is None:
            return x / self.diagonal
        a, b = self.between[::-1] if transposed else self.between
        alone, shared = x / self.diagonal, a / self.diagonal
        return alone + shared * ((b @ alone) / (1 - b @ shared))

    def reduced(self, u: Vector) -> Vector:
        """(A - U D⁻¹ Y) u."""
        return self.core(u) - self.to_core(self.rest_inverse(self.from_core(u)[0]))

    def whole(self, y: Vector) -> Vector:
        """The product with the whole matrix."""
        u, x, q = self.split(y)
        driven, heat = self.from_core(u)
        rest = self.rest(x) - driven
        last = self.alpha * q - heat - self.readout @ x
        return self.join(self.core(u) - self.to_core(x), rest, last)

    def solve(self, solve_core: Callable[[Vector], Vector], r: Vector) -> Vector:
        """The solution, by `solve_core` for what is left of u."""
        first, rest, last = self.split(r)
        u = solve_core(first + self.to_core(self.rest_inverse(rest)))
        driven, heat = self.from_core(u)
        x = self.rest_inverse(rest + driven)
        return self.join(u, x, (last + heat + self.readout @ x) / self.alpha)

    def split(self, y: Vector) -> tuple[Vector, Vector, Float[Array, ""]]:
        m = self.diagonal.shape[0]
        return y[: -m - 1], y[-m - 1 : -1], y[-1]

    @staticmethod
    def join(u: Vector, x: Vector, q: Float[Array, ""]) -> Vector:
        return jnp.concatenate([u, x, q[None]])


Make = Callable[[Any, Vector, Vector, Any, Any], tuple[AbstractBlocks, Float[Array, "n n"]]]


class EliminatingInverse(AbstractIterationSolver):
    """The inverse of the dense matrix that is left, by elimination without pivoting.

    Args:
        blocks: `(t, y, ydot, alpha, args)` → the blocks and A - U D⁻¹ Y, an array (n, n).
    """

    blocks: Make

    def prepare(self, problem, t, y, ydot, alpha, args):
        return self.kept(*self.blocks(t, y, ydot, alpha, args))

    @staticmethod
    def kept(blocks: AbstractBlocks, reduced: Float[Array, "n n"]) -> PyTree:
        """What `solve` uses, of the blocks and of what is left for u."""
        return blocks, factor(lax.stop_gradient(reduced))

    def solve(self, kept, r):
        blocks, factors = kept
        fixed = _stop(blocks)

        def forward(_, b):
            return fixed.solve(lambda v: solve_factored(factors, v), b)

        def transposed(_, b):
            # Transposed as a whole: u's part of it needs only the transpose of the inverse.
            u, x, q = fixed.split(b)
            q = q / fixed.alpha
            x = x + fixed.readout * q
            y_of_x = jax.linear_transpose(lambda v: fixed.from_core(v), _like(u, r))
            (from_x,) = y_of_x((fixed.rest_inverse(x, transposed=True), q))
            u = solve_factored(factors, u + from_x, transposed=True)
            (to_x,) = jax.linear_transpose(fixed.to_core, _like(x, r))(u)
            return fixed.join(u, fixed.rest_inverse(x + to_x, transposed=True), q)

        return lax.custom_linear_solve(blocks.whole, r, forward, transposed)


class EliminatingKrylov(AbstractIterationSolver):
    """GMRES for what is left, by products alone.

    Args:
        blocks: `(t, y, ydot, alpha, args)` → the blocks, and the diagonal by which what is left
            of u is preconditioned (array of shape (n,)).
        rtol, atol, restart, max_steps: see [`Krylov`][jaxelph.dae.Krylov].
    """

    blocks: Callable[[Any, Vector, Vector, Any, Any], tuple[AbstractBlocks, Vector]]
    rtol: Any = 1e-3
    atol: float = 1e-14
    restart: int = 20
    max_steps: int = 2000

    def prepare(self, problem, t, y, ydot, alpha, args):
        blocks, diagonal = self.blocks(t, y, ydot, alpha, args)
        return blocks, lax.stop_gradient(diagonal)

    def solve(self, kept, r):
        blocks, diagonal = kept
        shape = jax.ShapeDtypeStruct(diagonal.shape, diagonal.dtype)
        operator = lx.FunctionLinearOperator(blocks.reduced, shape)
        inverse = lx.FunctionLinearOperator(lambda v: v / diagonal, shape)
        solver = GMRES(
            rtol=self.rtol, atol=self.atol, restart=self.restart, max_steps=self.max_steps
        )

        def solve_core(b):
            options = {"preconditioner": inverse}
            return lx.linear_solve(operator, b, solver, options=options, throw=False).value

        return blocks.solve(solve_core, r)

    def for_derivatives(self):
        # As of `Krylov`, small tangents are no less accurate.
        return EliminatingKrylov(self.blocks, 1e-11, 1e-30, self.restart, self.max_steps)


def _like(vector, r):
    return jax.ShapeDtypeStruct(vector.shape, r.dtype)
