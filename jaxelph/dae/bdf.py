"""Backward differentiation formulas of variable order and step, IDA's method."""

from typing import Any, ClassVar

import diffrax
import equinox as eqx
import jax
import jax.lax as lax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
from diffrax import AbstractTerm
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int, PyTree

from .controller import MultistepError
from .initial import differential_mask, solve_initial
from .interpolation import BDFInterpolation
from .linear import AbstractIterationSolver, DenseInverse, DenseLU, Krylov
from .newton import SimplifiedNewton, implicit_tangent, run_if, stop, without_derivatives
from .terms import FlatProblem, flat_problem

__all__ = ["BDF"]

# An enumeration whose members type checkers take for other classes.
RESULTS: Any = diffrax.RESULTS
Vector = Float[Array, " n"]
Scalar = Float[Array, ""]

# -alpha_s = 1 + 1/2 + ... + 1/k, the leading coefficient of order k.
LEADING = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, 6))])
# A matrix is used again while the leading coefficient stays within these ratios of its own
# (IDA), and for at most so many steps.
REUSE_RATIO = (0.6, 1 / 0.6)
REUSE_STEPS = 20
FRESH_SPEED = 20.0


class _State(eqx.Module):
    phi: Float[Array, "rows n"]  # modified divided differences
    psi: Float[Array, " rows"]  # psi_j = t_n - t_{n-j-1}
    order: Int[Array, ""]  # of the next step
    last_order: Int[Array, ""]
    last_h: Scalar
    equal: Int[Array, ""]  # steps taken with this order and size
    starting: Bool[Array, ""]  # order and step still rise at every step
    steps: Int[Array, ""]
    kept: PyTree  # an earlier step's matrix, factorised
    kept_alpha: Scalar  # its leading coefficient; 0 if there is none
    age: Int[Array, ""]
    speed: Scalar  # how fast Newton's method converged with it


class BDF(diffrax.AbstractImplicitSolver, diffrax.AbstractAdaptiveSolver):
    """Variable-order (1 to 5), variable-step BDF for $F(t, y, \\dot y) = 0$.

    The method of DASSL and IDA: the fixed-leading-coefficient form on modified divided
    differences $\\phi_j$. The predictor interpolates the last $k+1$ values; the corrector solves

    $$F\\big(t_{n+1},\\ y,\\ \\dot y^P + \\tfrac{-\\alpha_s}{h}(y - y^P)\\big) = 0, \\qquad
      -\\alpha_s = \\sum_{j=1}^k \\tfrac1j,$$

    and $y - y^P$ gives the local errors of orders $k-2$ to $k+1$, from which order and step
    follow. (Brenan, Campbell & Petzold, *Numerical Solution of Initial-Value Problems in
    Differential-Algebraic Equations*, 1996, ch. 5; Hindmarsh et al., ACM TOMS 31, 363 (2005).)

    Use with [`StepController`][jaxelph.dae.StepController] (`dt0=None` works), or with
    `diffrax.ConstantStepSize` at `min_order == max_order` and the tolerances given in
    `root_finder`. `diffrax.PIDController` does not know the order, and cannot be used.

    Gradients are those of the discrete solution with its steps, orders and Newton iterations
    frozen: every step is differentiated by one linear solve at its root.

    Args:
        max_order: 1 to 5.
        min_order: raise it only for runs of fixed order.
        linear_solver: [`DenseLU`][jaxelph.dae.DenseLU], or [`Krylov`][jaxelph.dae.Krylov].
        differential: booleans in the shape of the state, true where $\\dot y$ enters; needed
            when $\\partial F/\\partial\\dot y$ is singular.
        rate: $\\dot y$ at the initial time where it is known and should not be computed.
        root_finder: Newton's method; its tolerances come from the controller.

    Raises:
        ValueError: orders that are not 1 ≤ min_order ≤ max_order ≤ 5.

    ??? example

        >>> import diffrax, jax.numpy as jnp
        >>> from jaxelph.dae import BDF, MassMatrixTerm, StepController
        >>> term = MassMatrixTerm(rhs=lambda t, y, args: -args * y**2,
        ...                       mass=lambda t, y, args: jnp.diag(y))   # y y' = -k y^2
        >>> sol = diffrax.diffeqsolve(
        ...     term, BDF(), 0.0, 1.0, None, jnp.array([1.0]), args=2.0,
        ...     stepsize_controller=StepController(rtol=1e-9, atol=1e-9))
        >>> print(f"{sol.ys[0, 0]:.6f}")     # exp(-2)
        0.135335
    """

    max_order: int = 5
    min_order: int = 1
    linear_solver: AbstractIterationSolver = DenseLU()
    differential: PyTree | None = None
    rate: PyTree | None = None
    root_finder: Any = SimplifiedNewton()

    term_structure: ClassVar = AbstractTerm
    interpolation_cls: ClassVar = BDFInterpolation

    def __check_init__(self):
        if not 1 <= self.min_order <= self.max_order <= 5:
            raise ValueError(
                "`BDF` needs 1 <= min_order <= max_order <= 5; got "
                f"min_order={self.min_order}, max_order={self.max_order}."
            )

    @property
    def root_find_max_steps(self):  # pyright: ignore
        """How many iterations Newton's method may take in a step."""
        return self.root_finder.max_steps

    def order(self, terms):
        return self.max_order

    def error_order(self, terms):
        # Read only for the first step, which is of the lowest order.
        return self.min_order

    def _rate(self, problem: FlatProblem, t: Any, y: Vector, args: Any) -> Vector:
        mask = None
        if self.differential is not None:
            mask = differential_mask(self.differential, problem.template)
        solver = self.linear_solver
        of_its_own = isinstance(solver, Krylov | DenseInverse)
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
        h = jnp.where(t1 > t0, t1 - t0, 1.0).astype(y.dtype)
        phi, psi = self._first(y, self._rate(problem, t0, y, args), h)
        return self._fresh(problem, t0, y, args, phi, psi, self.min_order)

    def _first(self, y: Vector, rate: Vector, h: Any):
        """History that consists of a value and a rate: a straight line through them."""
        rows = self.max_order + 1
        phi = jnp.zeros((rows, y.size), y.dtype).at[0].set(y).at[1].set(lax.stop_gradient(h) * rate)
        psi = lax.stop_gradient(h) * jnp.arange(1, rows + 1, dtype=y.dtype)
        return phi, psi

    def _fresh(self, problem, t, y, args, phi, psi, order) -> _State:
        # Only the structure of what is kept matters here: it is marked as absent.
        solver = self.linear_solver
        one = jnp.ones((), y.dtype)
        kept = eqx.filter_eval_shape(
            lambda *a: solver.storable(solver.prepare(problem, *a)), t, y, y, one, args
        )
        kept = jtu.tree_map(lambda v: jnp.zeros(v.shape, v.dtype), kept)
        integer = lambda v: jnp.asarray(v, jnp.int32)  # noqa: E731
        return _State(
            phi=phi,
            psi=psi,
            order=integer(order),
            last_order=integer(order),
            last_h=lax.stop_gradient(psi[0]),
            equal=integer(0),
            starting=jnp.asarray(self.min_order < self.max_order),
            steps=integer(0),
            kept=kept,
            kept_alpha=jnp.zeros((), y.dtype),
            age=integer(0),
            speed=jnp.asarray(FRESH_SPEED, y.dtype),
        )

    def history_state(self, terms: Any, ts: Any, ys: Any, args: Any = None) -> _State:
        """A solver state from known past values, for `diffeqsolve(..., solver_state=...)`.

        Args:
            terms: the term, unwrapped.
            ts (times): increasing times of which the last is where the run starts; as many as
                the order plus one.
            ys (times, ...): the values there, a pytree stacked along the first axis.
            args: passed to the term.
        """
        flat = jax.vmap(lambda y: ravel_pytree(y)[0])(ys)[::-1]
        last = jtu.tree_map(lambda v: v[-1], ys)
        problem, y = flat_problem(terms, last)
        times = jnp.asarray(ts, y.dtype)[::-1]
        count, rows = len(ts), self.max_order + 1
        table = flat
        phi = jnp.zeros((rows, y.size), y.dtype).at[0].set(y)
        gaps = times[0] - times[1:]
        product = jnp.ones((), y.dtype)
        for j in range(1, min(count, rows)):
            table = (table[:-1] - table[1:]) / (times[:-j] - times[j:])[:, None]
            product = product * gaps[j - 1]
            phi = phi.at[j].set(product * table[0])
        extra = gaps[-1] + gaps[0] * jnp.arange(1, rows - len(gaps) + 1, dtype=y.dtype)
        psi = jnp.concatenate([gaps, extra])[:rows]
        order = min(self.max_order, count - 1)
        return self._fresh(problem, times[0], y, args, phi, psi, order)

    def step(
        self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any, solver_state: Any, made_jump: Any
    ):
        problem, y_old = flat_problem(terms, y0)
        dtype = y_old.dtype
        # Finished lanes of a batch take steps of length zero; their result is discarded, but a
        # division by zero would poison the gradient of the others.
        h = jnp.where(t1 > t0, t1 - t0, 1.0).astype(dtype)
        state: _State = solver_state
        if made_jump is not False:

            def restart():
                phi, psi = self._first(y_old, self._rate(problem, t0, y_old, args), h)
                return self._fresh(problem, t0, y_old, args, phi, psi, self.min_order)

            state = lax.cond(made_jump, restart, lambda: state)
        k = state.order
        index = jnp.arange(self.max_order + 1)
        changed = (jnp.abs(h - state.last_h) > 1e-10 * h) | (k != state.last_order)
        equal = jnp.minimum(jnp.where(changed, 0, state.equal) + 1, state.last_order + 2)

        # Coefficients of the step (IDA's psi, alpha, beta, gamma, sigma).
        psi = h + jnp.concatenate([jnp.zeros(1, dtype), state.psi[:-1]])
        alpha = h / psi
        beta = jnp.concatenate([jnp.ones(1, dtype), jnp.cumprod(psi / state.psi)[:-1]])
        gamma = jnp.concatenate([jnp.zeros(1, dtype), jnp.cumsum(alpha / h)[:-1]])
        sigma = jnp.concatenate([jnp.ones(1, dtype), jnp.cumprod(index[1:] * alpha[1:])])
        leading = jnp.asarray(LEADING, dtype)[k]
        c = leading / h
        constant = alpha[k] - leading + jnp.sum(jnp.where(index < k, alpha, 0.0))
        constant = jnp.maximum(jnp.abs(constant), alpha[k])

        star = beta[:, None] * state.phi
        used = jnp.where((index <= k)[:, None], star, 0.0)
        predicted = jnp.sum(used, axis=0)
        predicted_rate = jnp.where(index <= k, gamma, 0.0) @ star

        y1, matrix_state, converged = self._correct(
            problem, t1, args, predicted, predicted_rate, c, y_old, state
        )
        finite = jnp.all(jnp.isfinite(y1))
        ok = converged & finite
        # Where the step failed nothing below may turn derivatives into not-a-number.
        y1 = jnp.where(finite, y1, lax.stop_gradient(y_old))
        y1 = self._differentiable(problem, t1, args, predicted, predicted_rate, c, y1, ok)
        e = y1 - predicted

        # History with the new value: phi_j <- phi*_j + ... + phi*_k + e.
        sums = jnp.cumsum(used[::-1], axis=0)[::-1] + e[None, :]
        phi = jnp.where((index <= k + 1)[:, None], sums, 0.0)

        order, starting, report = self._select(
            stop(star), stop(e), y_old, k, stop(sigma), stop(constant), equal, state
        )
        error = jnp.where(ok, report[0], jnp.inf)
        # IDA: a quarter after a failure of Newton's method.
        shrink = jnp.where(ok, report[2], 0.25)
        y_error = MultistepError(error, report[1], shrink, jnp.where(ok, 0.0, 1.0).astype(dtype))
        new_state = _State(
            phi=phi,
            psi=psi,
            order=order,
            last_order=k,
            last_h=lax.stop_gradient(h),
            equal=equal,
            starting=starting,
            steps=state.steps + 1,
            **matrix_state,
        )
        dense_info = dict(
            y1=problem.unravel(y1), phi=jnp.where((index <= k)[:, None], phi, 0.0), psi=psi
        )
        failure = RESULTS.where(finite, RESULTS.nonlinear_divergence, RESULTS.nonfinite)
        result = RESULTS.where(ok, RESULTS.successful, failure)
        return problem.unravel(y1), y_error, dense_info, new_state, result

    def _correct(self, problem, t, args, predicted, predicted_rate, c, y_old, state):
        """The corrector's root, without derivatives, and what is kept of its matrix."""
        solver, newton = self.linear_solver, self.root_finder

        def run(problem, t, args, predicted, predicted_rate, c, y_old, state):
            def function(y):
                return problem.residual(t, y, predicted_rate + c * (y - predicted), args)

            def prepare():
                return solver.prepare(problem, t, predicted, predicted_rate, c, args)

            def attempt(kept, kept_alpha, speed):
                damping = 2 / (1 + c / kept_alpha)
                return newton(
                    function, lambda r: solver.solve(kept, r), predicted, y_old, damping, speed
                )

            fresh_speed = jnp.asarray(FRESH_SPEED, c.dtype)
            if state.kept is None:
                y, _, ok = attempt(prepare(), c, fresh_speed)
                return y, None, jnp.zeros_like(c), jnp.zeros_like(state.age), fresh_speed, ok
            ratio = jnp.where(state.kept_alpha > 0, c / state.kept_alpha, 0.0)
            stale = (ratio < REUSE_RATIO[0]) | (ratio > REUSE_RATIO[1]) | (state.age >= REUSE_STEPS)

            def renew(carry):
                return solver.storable(prepare()), c, jnp.zeros_like(state.age), fresh_speed

            def solve(carry):
                kept, kept_alpha, age, speed = carry
                y, speed, ok = attempt(kept, kept_alpha, speed)
                return (kept, kept_alpha, age, speed), y, ok

            # IDA: the speed seen at another leading coefficient is not counted on.
            same = jnp.abs(c * state.last_h - jnp.asarray(LEADING, c.dtype)[state.last_order])
            speed = jnp.where(same < 1e-8, state.speed, 5 * FRESH_SPEED)
            old = (state.kept, state.kept_alpha, state.age, speed)
            first, y, ok = solve(run_if(stale, renew, old))
            # An old matrix is not a reason to give the step up.
            (kept, kept_alpha, age, speed), y, ok = run_if(
                ~ok & ~stale, lambda carry: solve(renew(carry[0])), (first, y, ok)
            )
            return y, kept, kept_alpha, age + 1, speed, ok

        y, kept, kept_alpha, age, speed, ok = without_derivatives(
            run, problem, t, args, predicted, predicted_rate, c, y_old, state
        )
        return y, dict(kept=kept, kept_alpha=kept_alpha, age=age, speed=speed), ok

    def _differentiable(self, problem, t, args, predicted, predicted_rate, c, y1, ok):
        """`y1` with the derivatives of the corrector's equation."""
        solver = self.linear_solver.for_derivatives()
        rate = predicted_rate + c * (y1 - predicted)
        residual = problem.residual(t, y1, rate, args)
        # A failed step has no derivative; a finite matrix keeps it from spreading.
        residual = jnp.where(ok, residual, 0.0)
        kept = without_derivatives(
            lambda problem, t, y1, rate, c, args: solver.prepare(problem, t, y1, rate, c, args),
            problem,
            t,
            y1,
            rate,
            c,
            args,
        )
        return y1 + implicit_tangent(residual, kept, solver)

    def _select(self, star, e, y_old, k, sigma, constant, equal, state):
        """Order of the next step and proposed step factors, as IDA chooses them."""

        def norm(v):
            return self.root_finder.weighted(v, y_old)

        def row(table, j):
            return jnp.take(table, jnp.clip(j, 0, self.max_order), axis=0)

        size = norm(e)
        kf = k.astype(e.dtype)
        err = row(sigma, k) * size
        term = (kf + 1) * err
        delta = row(star, k) + e
        err_1 = row(sigma, k - 1) * norm(delta)
        term_1 = kf * err_1
        err_2 = row(sigma, k - 2) * norm(row(star, k - 1) + delta)
        term_2 = (kf - 1) * err_2
        lower = jnp.where(
            k > 2, jnp.maximum(term_1, term_2) <= term, (k == 2) & (term_1 <= 0.5 * term)
        ) & (k > self.min_order)

        err_up = norm(e - row(star, k + 1)) / (kf + 2)
        term_up = (kf + 2) * err_up
        at_top = k == self.max_order
        starting = state.starting & ~lower & ~at_top

        settled = (k + 1 < equal) & (k - state.last_order != 1) & ~at_top
        lower_too = (k > 1) & (term_1 <= jnp.minimum(term, term_up)) & (k > self.min_order)
        rise = jnp.where(k == 1, term_up < 0.5 * term, ~lower_too & (term_up < term))
        down = lower | (settled & lower_too)
        up = ~down & settled & rise
        order = k - down.astype(k.dtype) + up.astype(k.dtype)
        order_start = jnp.where(state.steps > 0, jnp.minimum(k + 1, self.max_order), k)
        order = jnp.where(starting, order_start, order)

        chosen = jnp.where(down, err_1, jnp.where(up, err_up, err))
        r = (2 * chosen + 1e-4) ** (-1 / (order.astype(e.dtype) + 1))
        grow = jnp.where(r >= 2, 2.0, jnp.where(r <= 1, jnp.clip(r, 0.5, 0.9), 1.0))
        grow = jnp.where(starting, jnp.where(state.steps > 0, 2.0, 1.0), grow)
        shrink = jnp.clip(0.9 * (2 * err + 1e-4) ** (-1 / (kf + 1)), 0.25, 0.9)
        return order, starting, (constant * size, grow, shrink)
