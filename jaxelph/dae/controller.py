"""Step-size control for the solvers of this package."""

from collections.abc import Callable
from typing import Any

import diffrax
import equinox as eqx
import jax.lax as lax
import jax.numpy as jnp
import jax.tree_util as jtu
import optimistix as optx
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int, PyTree

__all__ = ["MultistepError", "StepController"]

# An enumeration whose members type checkers take for other classes.
RESULTS: Any = diffrax.RESULTS
Scalar = Float[Array, ""]


class MultistepError(eqx.Module):
    """What a variable-order method reports instead of an error vector.

    Orders differ from step to step, so the method itself estimates the errors, chooses the
    order, and proposes by what factor the step should change.

    Args:
        error (scalar): scaled by the tolerances, accepted up to 1.
        grow (scalar): proposed factor of the step if accepted.
        shrink (scalar): proposed factor if rejected.
        newton_failed (scalar): 1 if the nonlinear equation was not solved.

    Example:
        >>> told = MultistepError(*map(jnp.asarray, (0.5, 1.2, 0.25, 0.0)))
        >>> bool(told.error <= 1)
        True
    """

    error: Scalar
    grow: Scalar
    shrink: Scalar
    newton_failed: Scalar


class _State(eqx.Module):
    failures: Int[Array, ""]  # in a row
    previous: Scalar  # scaled error of the last accepted step
    rejected: Bool[Array, ""]  # the last attempt was rejected


class StepController(diffrax.AbstractAdaptiveStepSizeController):
    """Accepts or rejects steps, for [`BDF`][jaxelph.dae.BDF] and one-step methods alike.

    For a one-step method this is a proportional-integral controller with diffrax's scaling of
    the error. For [`BDF`][jaxelph.dae.BDF] the proposals come with the step and follow IDA.
    Beyond `diffrax.PIDController` it ends a run that cannot go on and says why:
    `RESULTS.nonlinear_divergence` (Newton's method fails at every step size),
    `RESULTS.nonfinite` (the equation does), `RESULTS.dt_min_reached` (the error test does).

    Args:
        rtol, atol: tolerances, scalars or, for `atol`, an array that broadcasts to the raveled
            state.
        norm: of the error scaled by `atol + rtol |y|`.
        dtmin, dtmax: bounds on the step; below `dtmin` the run ends.
        longest: `(t)` → the longest step from t on, so that what drives the equation for a short
            while is not passed over.
        max_failures: rejected attempts in a row before the run ends.
        pcoeff: proportional share of the one-step control; the integral share is `1 - pcoeff`.
        safety, factormin, factormax: of the one-step control.

    Example:
        >>> from jaxelph.dae import ImplicitTerm, Rodas5P
        >>> term = ImplicitTerm(lambda t, y, ydot, k: ydot + k * y)
        >>> sol = diffrax.diffeqsolve(
        ...     term, Rodas5P(), 0.0, 1.0, None, jnp.array([1.0]), args=2.0,
        ...     stepsize_controller=StepController(rtol=1e-8, atol=1e-8))
        >>> print(f"{sol.ys[0, 0]:.6f}")  # exp(-2)
        0.135335
    """

    rtol: Any
    atol: Any
    norm: Callable[[PyTree], Any] = optx.rms_norm
    dtmin: Any = None
    dtmax: Any = None
    max_failures: int = 15
    pcoeff: float = 0.2
    safety: float = 0.9
    factormin: float = 0.2
    factormax: float = 6.0
    longest: Callable[[Any], Any] | None = None

    def wrap(self, direction):
        return self

    def init(self, terms, t0, t1, y0, dt0, args, func, error_order):
        if dt0 is None:
            dt0 = lax.stop_gradient(self._first_step(terms, t0, t1, y0, args, func, error_order))
        dt0 = self._clip(t0, dt0)
        one = jnp.ones((), jnp.result_type(t0))
        return t0 + dt0, _State(jnp.zeros((), jnp.int32), one, jnp.zeros((), bool))

    def _first_step(self, terms, t0, t1, y0, args, func, error_order):
        """Hairer, Norsett & Wanner I, II.4: from the size of the rate and of its change."""
        y, unravel = ravel_pytree(y0)
        scale = self.atol + self.rtol * jnp.abs(y)
        rate, _ = ravel_pytree(func(terms, t0, y0, args))
        d0, d1 = self.norm(y / scale), self.norm(rate / scale)
        small = (d0 < 1e-5) | (d1 < 1e-5)
        h0 = jnp.where(small, 1e-6, 0.01 * d0 / jnp.where(small, 1.0, d1))
        span = jnp.where(jnp.isfinite(t1), jnp.abs(t1 - t0), 1.0)
        h0 = jnp.minimum(h0, span)
        later, _ = ravel_pytree(func(terms, t0 + h0, unravel(y + h0 * rate), args))
        d2 = self.norm((later - rate) / scale) / h0
        d2 = jnp.where(jnp.isfinite(d2), d2, 0.0)
        h1 = (0.01 / jnp.maximum(jnp.maximum(d1, d2), 1e-15)) ** (1 / (error_order + 1))
        h = jnp.minimum(jnp.minimum(100 * h0, h1), 0.1 * span)
        # A rate that is not finite is for the first step to report.
        return jnp.where(jnp.isfinite(h) & (h > 0), h, 1e-3 * span)

    def _clip(self, t, dt):
        if self.dtmax is not None:
            dt = jnp.minimum(dt, self.dtmax)
        if self.longest is not None:
            dt = jnp.minimum(dt, lax.stop_gradient(self.longest(t)))
        return dt

    def _one_step(self, y0, y1, y_error, order, state):
        """Scaled error and the factors of a proportional-integral controller."""
        y0, _ = ravel_pytree(y0)
        y1, _ = ravel_pytree(y1)
        e, _ = ravel_pytree(y_error)
        size = jnp.maximum(jnp.abs(y0), jnp.where(jnp.all(jnp.isfinite(y1)), jnp.abs(y1), 0.0))
        error = self.norm(e / (self.atol + self.rtol * size))
        bounded = jnp.clip(error, 1e-10, 1e10)
        drift = (state.previous / bounded) ** (self.pcoeff / order)
        grow = self.safety * bounded ** (-(1 - self.pcoeff) / order) * drift
        grow = jnp.clip(grow, self.factormin, jnp.where(state.rejected, 1.0, self.factormax))
        shrink = jnp.clip(self.safety * bounded ** (-1 / order), self.factormin, 0.9)
        return error, grow, shrink, jnp.zeros_like(error)

    def adapt_step_size(
        self, t0, t1, y0, y1_candidate, args, y_error, error_order, controller_state
    ):
        if y_error is None:
            raise ValueError("`StepController` needs a solver that estimates its error.")
        state = controller_state
        if isinstance(y_error, MultistepError):
            error, grow, shrink = y_error.error, y_error.grow, y_error.shrink
            # IDA: after a second failure in a row, a quarter.
            shrink = jnp.where(state.failures > 0, jnp.minimum(shrink, 0.25), shrink)
            newton_failed = y_error.newton_failed
        else:
            error, grow, shrink, newton_failed = self._one_step(
                y0, y1_candidate, y_error, error_order, state
            )
        error, grow, shrink, newton_failed = lax.stop_gradient((error, grow, shrink, newton_failed))
        dt = jnp.asarray(t1 - t0)
        # A step that does not move the time is no step.
        keep = (error <= 1) & (dt > 0)
        next_t0 = jnp.where(keep, t1, t0)
        new_dt = self._clip(next_t0, dt * jnp.where(keep, grow, shrink).astype(dt.dtype))
        failures = jnp.where(keep, 0, state.failures + 1)

        scale = jnp.maximum(jnp.abs(next_t0), jnp.abs(next_t0 + new_dt))
        smallest = 4 * jnp.finfo(dt.dtype).eps * scale
        if self.dtmin is not None:
            smallest = jnp.maximum(smallest, self.dtmin)
        stuck = (failures > self.max_failures) | (~keep & (new_dt <= smallest))
        reason = RESULTS.where(jnp.isfinite(error), RESULTS.dt_min_reached, RESULTS.nonfinite)
        reason = RESULTS.where(newton_failed > 0, RESULTS.nonlinear_divergence, reason)
        result = RESULTS.where(stuck, reason, RESULTS.successful)
        previous = jnp.where(keep, jnp.clip(error, 1e-4, 1.0), state.previous)
        new_state = _State(failures, previous.astype(jnp.result_type(state.previous)), ~keep)
        new_state = jtu.tree_map(lax.stop_gradient, new_state)
        return keep, next_t0, next_t0 + new_dt, False, new_state, result
