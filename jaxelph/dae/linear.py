"""How a step's linear systems $(\\alpha F_{\\dot y} + F_y)\\,x = r$ are solved.

A strategy has two halves: `prepare` builds whatever is worth keeping (a factorisation) as a
pytree of arrays, `solve` uses it. Solves are differentiable in `r` and in the matrix, forwards
and backwards, by the implicit rule $\\dot x = A^{-1}(\\dot r - \\dot A x)$: the factorisation
itself is never differentiated.
"""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.lax as lax
import jax.numpy as jnp
import jax.tree_util as jtu
import lineax as lx
from jaxtyping import Array, Float, PyTree

from ..numerics.elimination import factor, solve_factored
from ..numerics.lapack import lu
from .gmres import GMRES
from .terms import FlatProblem

__all__ = ["AbstractIterationSolver", "DenseInverse", "DenseLU", "DenseLineax", "Krylov"]

Vector = Float[Array, " n"]


class AbstractIterationSolver(eqx.Module):
    """Solves with the iteration matrix $\\alpha F_{\\dot y} + F_y$ of a problem.

    `prepare` takes the raveled `problem` at time `t`, state `y` and rate `ydot` (arrays of shape
    (n,)), the step's leading coefficient `alpha` and the caller's `args`; `solve` takes what it
    has `kept`, and the right-hand side `r` (array of shape (n,)).
    """

    @abc.abstractmethod
    def prepare(
        self, problem: FlatProblem, t: Any, y: Vector, ydot: Vector, alpha: Any, args: Any
    ) -> PyTree:
        """What the solves of one step share."""

    @abc.abstractmethod
    def solve(self, kept: PyTree, r: Vector) -> Vector:
        """$(\\alpha F_{\\dot y} + F_y)^{-1} r$."""

    def storable(self, kept: PyTree) -> PyTree[Array] | None:
        """The part of `kept` that a multistep method carries to later steps, if any."""
        return None

    def for_derivatives(self) -> "AbstractIterationSolver":
        """The strategy that solves a step's tangent equation, to full accuracy."""
        return self


class DenseLU(AbstractIterationSolver):
    """LU factorisation with partial pivoting of the dense matrix: the default.

    Example:
        >>> from jaxelph.dae.terms import ImplicitTerm, flat_problem
        >>> term = ImplicitTerm(lambda t, y, ydot, k: ydot + k * y)
        >>> problem, y = flat_problem(term, jnp.ones(2))
        >>> solver = DenseLU()
        >>> print(solver.solve(solver.prepare(problem, 0.0, y, -y, 3.0, 2.0), y))  # 1/(α + k)
        [0.2 0.2]
    """

    def prepare(self, problem, t, y, ydot, alpha, args):
        matrix = problem.matrix(t, y, ydot, alpha, args)
        factors, _, permutation = lu(lax.stop_gradient(matrix))
        # The matrix itself is needed only by derivatives; the compiler drops it elsewhere.
        return matrix, factors, permutation

    def solve(self, kept, r):
        matrix, factors, permutation = kept

        def tri(b, lower, transpose):
            return lax.linalg.triangular_solve(
                factors,
                b[:, None],
                left_side=True,
                lower=lower,
                unit_diagonal=lower,
                transpose_a=transpose,
            )[:, 0]

        def forward(_, b):
            return tri(tri(b[permutation], True, False), False, False)

        def transposed(_, b):
            x = tri(tri(b, False, True), True, True)
            return jnp.zeros_like(x).at[permutation].set(x)

        if matrix is None:
            return forward(None, r)
        return lax.custom_linear_solve(lambda x: matrix @ x, r, forward, transposed)

    def storable(self, kept):
        return None, kept[1], kept[2]


class DenseInverse(AbstractIterationSolver):
    """The inverse of the dense matrix, or of its halves, by elimination without pivoting.

    A stage is then a few products, which in a batch cost a tenth of two triangular solves. For
    problems whose matrix needs no pivoting: definite ones, or nearly so, such as
    $\\alpha B + M$ with positive $B$ and $M$, in any scaling of the unknowns.

    Example:
        >>> from jaxelph.dae.terms import ImplicitTerm, flat_problem
        >>> problem, y = flat_problem(ImplicitTerm(lambda t, y, ydot, k: ydot + k * y), jnp.ones(2))
        >>> solver = DenseInverse()
        >>> print(solver.solve(solver.prepare(problem, 0.0, y, -y, 3.0, 2.0), y).round(9))
        [0.2 0.2]
    """

    def prepare(self, problem, t, y, ydot, alpha, args):
        matrix = problem.matrix(t, y, ydot, alpha, args)
        return matrix, factor(lax.stop_gradient(matrix))

    def solve(self, kept, r):
        matrix, factors = kept
        if matrix is None:
            return solve_factored(factors, r)
        return lax.custom_linear_solve(
            lambda x: matrix @ x,
            r,
            lambda _, b: solve_factored(factors, b),
            lambda _, b: solve_factored(factors, b, transposed=True),
        )

    def storable(self, kept):
        return None, kept[1]


class DenseLineax(AbstractIterationSolver):
    """Any lineax solver applied to the dense matrix.

    Args:
        solver: of lineax, by default what it finds fit.

    Example:
        >>> import diffrax
        >>> from jaxelph.dae import BDF, ImplicitTerm, StepController
        >>> term = ImplicitTerm(lambda t, y, ydot, k: ydot + k * y)
        >>> sol = diffrax.diffeqsolve(
        ...     term, BDF(linear_solver=DenseLineax(lx.QR())), 0.0, 1.0, None, jnp.array([1.0]),
        ...     args=2.0, stepsize_controller=StepController(rtol=1e-8, atol=1e-8))
        >>> print(f"{sol.ys[0, 0]:.5f}")  # exp(-2)
        0.13534
    """

    solver: lx.AbstractLinearSolver = lx.AutoLinearSolver(well_posed=None)

    def prepare(self, problem, t, y, ydot, alpha, args):
        return problem.matrix(t, y, ydot, alpha, args)

    def solve(self, kept, r):
        return lx.linear_solve(lx.MatrixLinearOperator(kept), r, self.solver, throw=False).value

    def storable(self, kept):
        return kept


class Krylov(AbstractIterationSolver):
    """Matrix-free GMRES, for large `n`; only products with the residual's derivative are formed.

    Args:
        preconditioner: optional `(t, y, ydot, alpha, args)` → a function `r` → `x`,
            approximately $(\\alpha F_{\\dot y} + F_y)^{-1} r$, linear in `r`, on raveled states.
        rtol, atol: when the linear iteration stops. Newton's method checks its own
            convergence, so it needs little (IDA asks 0.05 of it); a Rosenbrock method has no
            second chance and needs a tenth of the step's tolerance.
        restart, max_steps: GMRES's memory and its longest run.

    Example:
        >>> from jaxelph.dae.terms import ImplicitTerm, flat_problem
        >>> problem, y = flat_problem(ImplicitTerm(lambda t, y, ydot, k: ydot + k * y), jnp.ones(2))
        >>> solver = Krylov(rtol=1e-12)
        >>> print(solver.solve(solver.prepare(problem, 0.0, y, -y, 3.0, 2.0), y).round(9))
        [0.2 0.2]
    """

    preconditioner: Callable[[Any, Vector, Vector, Any, Any], Callable[[Vector], Vector]] | None = (
        None
    )
    rtol: float = 1e-3
    atol: float = 1e-14
    restart: int = 20
    max_steps: int = 2000

    def prepare(self, problem, t, y, ydot, alpha, args):
        # Along (dy, dẏ) = (v, αv), as in `ImplicitTerm.matrix`; linearised once, used often.
        _, product = jax.linearize(
            lambda v: problem.residual(t, y + v, ydot + alpha * v, args), jnp.zeros_like(y)
        )
        structure = jax.ShapeDtypeStruct(y.shape, y.dtype)
        operator = lx.FunctionLinearOperator(product, structure)
        if self.preconditioner is None:
            return operator, None
        s = problem.direction
        # However wrong, it changes the speed of convergence and not its limit: a constant.
        inverse = self.preconditioner(*_stop((s * t, y, s * ydot, s * alpha, args)))
        return operator, _stop(lx.FunctionLinearOperator(inverse, structure))

    def solve(self, kept, r):
        operator, inverse = kept
        solver = GMRES(
            rtol=self.rtol, atol=self.atol, restart=self.restart, max_steps=self.max_steps
        )
        options = {} if inverse is None else {"preconditioner": inverse}
        # A solve that stops early is not an error here: Newton's own test decides.
        return lx.linear_solve(operator, r, solver, options=options, throw=False).value

    def for_derivatives(self):
        # Tangents and cotangents have any size: one that is small is no less accurate.
        return Krylov(self.preconditioner, 1e-11, 1e-30, self.restart, self.max_steps)


def _stop(tree: PyTree) -> PyTree:
    return jtu.tree_map(lambda v: lax.stop_gradient(v) if eqx.is_inexact_array(v) else v, tree)
