"""A Rosenbrock method for implicit equations: Rodas5P with the rate kept as a companion."""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import diffrax
import jax
import jax.lax as lax
import jax.numpy as jnp
import numpy as np
from diffrax import AbstractTerm
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from .elimination import EliminatingInverse, EliminatingKrylov
from .initial import differential_mask, solve_initial
from .interpolation import RodasInterpolation
from .linear import AbstractIterationSolver, DenseInverse, DenseLU, Krylov, Vector
from .terms import FlatProblem, flat_problem

__all__ = ["Rodas5P"]

# An enumeration whose members type checkers take for other classes.
RESULTS: Any = diffrax.RESULTS

# Steinebach, "Construction of Rosenbrock-Wanner method Rodas5P and numerical benchmarks within
# the Julia Differential Equations package", BIT Numer. Math. 63, 27 (2023), in the form of
# Hairer & Wanner II, (IV.7.25): a_ij, c_ij (minus C / h), stage times and weights of dF/dt.
GAMMA = 0.21193756319429014
A = np.zeros((8, 8))
A[1, :1] = [3.0]
A[2, :2] = [2.849394379747939, 0.45842242204463923]
A[3, :3] = [-6.954028509809101, 2.489845061869568, -10.358996098473584]
A[4, :4] = [2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641]
A[5, :5] = [
    -7.502846399306121,
    2.561846144803919,
    -11.627539656261098,
    -0.18268767659942256,
    0.030198172008377946,
]
A[6] = A[5]
A[6, 5] = 1.0
A[7] = A[6]
A[7, 6] = 1.0
C = np.zeros((8, 8))
C[1, :1] = [-14.155112264123755]
C[2, :2] = [-17.97296035885952, -2.859693295451294]
C[3, :3] = [147.12150275711716, -1.41221402718213, 71.68940251302358]
C[4, :4] = [165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306]
C[5, :5] = [
    24.854864614690072,
    -3.0009227002832186,
    47.4931110020768,
    5.5814197821558125,
    -0.6610691825249471,
]
C[6, :6] = [
    30.91273214028599,
    -3.1208243349937974,
    77.79954646070892,
    34.28646028294783,
    -19.097331116725623,
    -28.087943162872662,
]
C[7, :7] = [
    37.80277123390563,
    -3.2571969029072276,
    112.26918849496327,
    66.9347231244047,
    -40.06618937091002,
    -54.66780262877968,
    -9.48861652309627,
]
TIMES = np.array(
    [0, 0.6358126895828704, 0.4095798393397535, 0.9769306725060716, 0.4288403609558664, 1, 1, 1]
)
D = np.array(
    [GAMMA, -0.42387512638858027, -0.3384627126235924, 1.8046452872882734, 2.325825639765069]
    + [0, 0, 0]
)
# Dense output of order 4.
H = np.array(
    [
        [
            25.948786856663858,
            -2.5579724845846235,
            10.433815404888879,
            -2.3679251022685204,
            0.524948541321073,
            1.1241088310450404,
            0.4272876194431874,
            -0.17202221070155493,
        ],
        [
            -9.91568850695171,
            -0.9689944594115154,
            3.0438037242978453,
            -24.495224566215796,
            20.176138334709044,
            15.98066361424651,
            -6.789040303419874,
            -6.710236069923372,
        ],
        [
            11.419903575922262,
            2.8879645146136994,
            72.92137995996029,
            80.12511834622643,
            -52.072871366152654,
            -59.78993625266729,
            -0.15582684282751913,
            4.883087185713722,
        ],
    ]
)


# Solvers whose matrix for α → ∞ gives the first rate.
_WITH_THEIR_OWN_RATE = (Krylov, DenseInverse, EliminatingInverse, EliminatingKrylov)


def all_stages(
    linear_solver: AbstractIterationSolver,
    problem: FlatProblem,
    kept: PyTree,
    t0: Any,
    y: Vector,
    z: Vector,
    h: Any,
    args: Any,
) -> tuple[Float[Array, "stage n"], Float[Array, "stage n"]]:
    """The increments u and w of all stages of a step of length h from y with the rate z."""
    # Zero, and removed by the compiler, for an equation that does not name the time.
    _, f_t = jax.jvp(lambda t: problem.residual(t, y, z, args), (t0,), (jnp.ones_like(t0),))
    alpha = 1 / (GAMMA * h)

    # One body for all stages: written out eight times they take twice as long to compile.
    def stage(increments, coefficients):
        us, ws = increments
        i, a, c, time, d = coefficients
        yi, zi, cu = y + a @ us, z + a @ ws, c @ us / h
        r = problem.rate_product(t0, y, z, zi + cu, args)
        r = r - problem.residual(t0 + time * h, yi, zi, args) - h * d * f_t
        u = linear_solver.solve(kept, r)
        w = alpha * u - zi - cu
        return (us.at[i].set(u), ws.at[i].set(w)), None

    none = jnp.zeros((8, *y.shape), y.dtype)
    rows = [jnp.asarray(x, y.dtype) for x in (A, C, TIMES, D)]
    (us, ws), _ = lax.scan(stage, (none, none), (jnp.arange(8), *rows))
    return us, ws


class Rodas5P(diffrax.AbstractAdaptiveSolver):
    """Rodas5P for $F(t, y, \\dot y) = 0$: order 5, 8 stages, one factorisation a step.

    The rate is carried as a companion variable $z$, so that the equation becomes the
    differential-algebraic system $\\dot y = z$, $0 = F(t, y, z)$ of index 1, on which a
    Rosenbrock method has its full order. Its block elimination leaves one $n \\times n$ matrix
    $\\alpha F_{\\dot y} + F_y$, $\\alpha = 1/h\\gamma$, for all stages:

    $$(\\alpha F_{\\dot y} + F_y)\\,u_i = F_{\\dot y}\\Big(z_i + \\sum_j \\tfrac{C_{ij}}h u_j\\Big)
      - F(t_i, y_i, z_i) - h d_i F_t, \\qquad
      w_i = \\alpha u_i - z_i - \\sum_j \\tfrac{C_{ij}}h u_j,$$

    with $y_i = y_0 + \\sum_j a_{ij} u_j$ and $z_i = z_0 + \\sum_j a_{ij} w_j$. No stage
    factorises or inverts $F_{\\dot y}$: for $B(y)\\dot y = I(y)$ a stage is one product with
    $B(y_i)$, one with $B(y_0)$, one evaluation of $I$ and one pair of triangular solves. For
    constant $B$, singular or not, the companion cancels and this is the classical Rodas5P with
    a mass matrix.

    A- and L-stable, stiffly accurate, embedded error of order 4, dense output of order 4. Use
    with `diffrax.PIDController`; `dt0=None` works. Gradients are those of the discrete solution
    with its step sizes frozen.

    Args:
        linear_solver: how the stages are solved, [`DenseLU`][jaxelph.dae.DenseLU] by default.
        differential: booleans in the shape of the state, true where $\\dot y$ enters. Needed
            only when $F_{\\dot y}$ is singular; then $F_{\\dot y}$'s null space must be constant.
        rate: $\\dot y$ at the initial time where it is known and should not be computed.
        project: `(t, y, args)` → the state next to `y`, closer than the error of a step, on which
            a conserved quantity has its value: after each step the method goes on from there.
        stages: computes all stages of a step in another way: `(default, problem, kept, t, y, z, h,
            args)` → $u$ and $w$, arrays (8, n), as the function `default` of the other arguments
            does; `kept` is what the linear solver prepared.

    ??? example

        >>> import diffrax, jax.numpy as jnp
        >>> from jaxelph.dae import MassMatrixTerm, Rodas5P
        >>> term = MassMatrixTerm(rhs=lambda t, y, args: -args * y**2,
        ...                       mass=lambda t, y, args: jnp.diag(y))   # y y' = -k y^2
        >>> sol = diffrax.diffeqsolve(
        ...     term, Rodas5P(), 0.0, 1.0, None, jnp.array([1.0]), args=2.0,
        ...     stepsize_controller=diffrax.PIDController(rtol=1e-8, atol=1e-8))
        >>> print(f"{sol.ys[0, 0]:.6f}")     # exp(-2)
        0.135335
    """

    linear_solver: AbstractIterationSolver = DenseLU()
    differential: PyTree | None = None
    rate: PyTree | None = None
    project: Callable[[Any, PyTree, Any], PyTree] | None = None
    stages: Callable[..., tuple[Array, Array]] | None = None

    term_structure: ClassVar = AbstractTerm
    interpolation_cls: ClassVar = RodasInterpolation

    def order(self, terms):
        return 5

    def _rate(self, problem, t, y, args):
        mask = None
        if self.differential is not None:
            mask = differential_mask(self.differential, problem.template)
        solver = self.linear_solver
        of_its_own = isinstance(solver, _WITH_THEIR_OWN_RATE)
        if self.rate is not None:
            return problem.direction * ravel_pytree(self.rate)[0].astype(y.dtype)
        _, rate, ok = solve_initial(
            problem,
            t,
            y,
            args,
            mask,
            jnp.zeros_like(y),
            rate_solver=solver.for_derivatives() if of_its_own else None,
        )
        return jnp.where(ok, rate, jnp.nan)

    def func(self, terms, t0, y0, args):
        problem, y = flat_problem(terms, y0)
        return problem.unravel(self._rate(problem, t0, y, args))

    def init(self, terms, t0, t1, y0, args):
        problem, y = flat_problem(terms, y0)
        return self._rate(problem, t0, y, args)

    def step(
        self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any, solver_state: Any, made_jump: Any
    ):
        problem, y = flat_problem(terms, y0)
        z = solver_state
        if made_jump is not False:
            z = lax.cond(made_jump, lambda: self._rate(problem, t0, y, args), lambda: z)
        # Finished lanes of a batch take steps of length zero; their result is discarded, but a
        # division by zero would poison the gradient of the others.
        h = jnp.where(t1 > t0, t1 - t0, 1.0).astype(y.dtype)
        kept = self.linear_solver.prepare(problem, t0, y, z, 1 / (GAMMA * h), args)
        stages = partial(all_stages, self.linear_solver)
        if self.stages is not None:
            stages = partial(self.stages, stages)
        us, ws = stages(problem, kept, t0, y, z, h, args)
        # Stiffly accurate: the last stage is the result, its increment the error.
        last = jnp.asarray(A[7] + np.eye(8)[7], y.dtype)
        y1, z1 = y + last @ us, z + last @ ws
        if self.project is not None:
            y1 = ravel_pytree(self.project(t1, problem.unravel(y1), args))[0]
        ok = jnp.all(jnp.isfinite(y1)) & jnp.all(jnp.isfinite(z1))
        error = jnp.where(ok, us[-1], jnp.inf)
        dense_info = dict(y0=y0, y1=problem.unravel(y1), k=jnp.asarray(H, y.dtype) @ us)
        result = RESULTS.where(ok, RESULTS.successful, RESULTS.nonfinite)
        return problem.unravel(y1), problem.unravel(error), dense_info, z1, result
