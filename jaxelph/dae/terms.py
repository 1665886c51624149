"""Implicit equations as diffrax terms.

An implicit equation has the form

$$F(t, y, \\dot y) = 0,$$

and the mass-matrix form $B(t, y)\\,\\dot y = I(t, y)$ is its special case
$F = B(t, y)\\,\\dot y - I(t, y)$. Both are terms for [diffrax.diffeqsolve][] with the
solvers of this package; explicit solvers cannot use them.
"""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
from diffrax import AbstractTerm
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

__all__ = ["AbstractImplicitTerm", "ImplicitTerm", "MassMatrixTerm"]

Y = PyTree
Vector = Float[Array, " n"]
Matrix = Float[Array, "n n"]


class AbstractImplicitTerm(AbstractTerm):
    """An equation $F(t, y, \\dot y) = 0$ together with its linearisation.

    Everything that depends on the state's layout is stated on the state raveled to one
    vector of length `n` (`jax.flatten_util.ravel_pytree`), since that is where matrices live.

    Methods take the time `t`, the state `y` and its rate `ydot` (pytrees alike), the leading
    coefficient `alpha` of the step, and the caller's `args`; `v` is a pytree like `y`.
    """

    @abc.abstractmethod
    def residual(self, t: Any, y: Y, ydot: Y, args: Any) -> Y:
        """$F(t, y, \\dot y)$, a pytree like `y`."""

    @abc.abstractmethod
    def matrix(self, t: Any, y: Y, ydot: Y, alpha: Any, args: Any) -> Matrix:
        """The iteration matrix $\\alpha F_{\\dot y} + F_y$."""

    @abc.abstractmethod
    def rate_product(self, t: Any, y: Y, ydot: Y, v: Y, args: Any) -> Y:
        """The product $(\\partial F/\\partial\\dot y)\\,v$, a pytree like `y`."""

    def rate_matrix(self, t: Any, y: Y, ydot: Y, args: Any) -> Matrix:
        """$\\partial F/\\partial\\dot y$ on the raveled state."""
        flat, unravel = ravel_pytree(ydot)

        def product(v):
            return ravel_pytree(self.rate_product(t, y, ydot, unravel(v), args))[0]

        return jax.vmap(product, out_axes=1)(jnp.eye(flat.size, dtype=flat.dtype))

    @property
    def linear_in_rate(self) -> bool:
        """Whether $F$ is an affine function of $\\dot y$."""
        return False

    def vf(self, t: Any, y: Y, args: Any) -> Y:
        """$-F(t, y, 0)$: what drives the state; its zeros are the steady states."""
        return jtu.tree_map(
            jnp.negative, self.residual(t, y, jtu.tree_map(jnp.zeros_like, y), args)
        )

    def contr(self, t0: Any, t1: Any, **kwargs: Any) -> Any:
        return t1 - t0

    def prod(self, vf: Y, control: Any) -> Y:
        return jtu.tree_map(lambda x: control * x, vf)


class ImplicitTerm(AbstractImplicitTerm):
    """The fully implicit equation $F(t, y, \\dot y) = 0$.

    Args:
        function: `F(t, y, ydot, args)`, returning a pytree like `y`. It should stay finite
            wherever a Newton iteration may wander: a non-finite value costs a rejected step.
        jacobian: optional closed form `(t, y, ydot, alpha, args)` →
            $\\alpha\\,\\partial F/\\partial\\dot y + \\partial F/\\partial y$, an array `(n, n)` on
            the raveled state. Found by forward differentiation if left out.

    Example:
        >>> def F(t, state, rate, args):  # y' = -y with the algebraic companion z = y²
        ...     (y, z), (ydot, _) = state, rate
        ...     return ydot + y, z - y**2
        >>> state, rate = (jnp.array(2.0), jnp.array(4.0)), (jnp.array(-2.0), jnp.array(0.0))
        >>> print(ImplicitTerm(F).matrix(0.0, state, rate, 10.0, None))
        [[11.  0.]
         [-4.  1.]]
    """

    function: Callable[[Any, Y, Y, Any], Y]
    jacobian: Callable[[Any, Y, Y, Any, Any], Matrix] | None = None

    def residual(self, t: Any, y: Y, ydot: Y, args: Any) -> Y:
        """$F(t, y, \\dot y)$, a pytree like `y`.

        Raises:
            ValueError: the function returned another structure.
        """
        out = self.function(t, y, ydot, args)
        if jtu.tree_structure(out) != jtu.tree_structure(y):
            raise ValueError(
                "`ImplicitTerm.function` must return a pytree with the structure of `y`, "
                f"{jtu.tree_structure(y)}; got {jtu.tree_structure(out)}."
            )
        return _like(out, y)

    def matrix(self, t: Any, y: Y, ydot: Y, alpha: Any, args: Any) -> Matrix:
        if self.jacobian is not None:
            return self.jacobian(t, y, ydot, alpha, args)
        flat, unravel = ravel_pytree(y)

        # Along (dy, dẏ) = (v, αv): one sweep of n directions gives αF_ẏ + F_y, not two.
        def along(dy):
            dydot = jtu.tree_map(lambda z, d: z + alpha * d, ydot, unravel(dy))
            return ravel_pytree(self.residual(t, unravel(flat + dy), dydot, args))[0]

        return jax.jacfwd(along)(jnp.zeros_like(flat))

    def rate_product(self, t: Any, y: Y, ydot: Y, v: Y, args: Any) -> Y:
        return jax.jvp(lambda z: self.residual(t, y, z, args), (ydot,), (v,))[1]


class MassMatrixTerm(AbstractImplicitTerm):
    """The quasi-linear equation $B(t, y)\\,\\dot y = I(t, y)$.

    `B` may be singular, as it is for a semi-explicit differential-algebraic equation.

    Args:
        rhs: `I(t, y, args)`, returning a pytree like `y`.
        mass: `B(t, y, args)`, an array `(n, n)` on the raveled state.
        mass_product: `B(t, y, args)` applied, `(t, y, v, args)` → a pytree like `y`. Give it
            beside `mass` or instead of it when a product costs less than the matrix.
        jacobian: optional closed form of
            $\\partial [I(t, y) - B(t, y)\\,\\dot y]/\\partial y$ at fixed $\\dot y$,
            `(t, y, ydot, args)` → an array `(n, n)`. Found by forward differentiation if
            left out.

    Raises:
        ValueError: neither `mass` nor `mass_product` is given.

    Example:
        >>> term = MassMatrixTerm(rhs=lambda t, y, k: -k * y**2, mass=lambda t, y, k: jnp.diag(y))
        >>> y = jnp.array([2.0])
        >>> print(term.residual(0.0, y, jnp.array([-6.0]), 3.0))  # y y' = -k y²
        [0.]
    """

    rhs: Callable[[Any, Y, Any], Y]
    mass: Callable[[Any, Y, Any], Matrix] | None = None
    mass_product: Callable[[Any, Y, Y, Any], Y] | None = None
    jacobian: Callable[[Any, Y, Y, Any], Matrix] | None = None

    def __check_init__(self):
        if self.mass is None and self.mass_product is None:
            raise ValueError(
                "`MassMatrixTerm` got neither `mass` nor `mass_product`; give the matrix "
                "B(t, y, args), or its product with a vector (t, y, v, args), or both."
            )

    def rate_product(self, t: Any, y: Y, ydot: Y, v: Y, args: Any) -> Y:
        if self.mass_product is not None:
            return _like(self.mass_product(t, y, v, args), y)
        assert self.mass is not None
        flat, unravel = ravel_pytree(v)
        return unravel(self.mass(t, y, args) @ flat)

    def residual(self, t: Any, y: Y, ydot: Y, args: Any) -> Y:
        product = self.rate_product(t, y, ydot, ydot, args)
        return jtu.tree_map(jnp.subtract, product, _like(self.rhs(t, y, args), y))

    def matrix(self, t: Any, y: Y, ydot: Y, alpha: Any, args: Any) -> Matrix:
        flat, unravel = ravel_pytree(y)
        if self.jacobian is not None:
            j = self.jacobian(t, y, ydot, args)
        else:

            def driving(v):
                return -ravel_pytree(self.residual(t, unravel(v), ydot, args))[0]

            j = jax.jacfwd(driving)(flat)
        return alpha * self.rate_matrix(t, y, ydot, args) - j

    def rate_matrix(self, t: Any, y: Y, ydot: Y, args: Any) -> Matrix:
        if self.mass is not None:
            return self.mass(t, y, args)
        return AbstractImplicitTerm.rate_matrix(self, t, y, ydot, args)

    @property
    def linear_in_rate(self) -> bool:
        return True

    def vf(self, t: Any, y: Y, args: Any) -> Y:
        return _like(self.rhs(t, y, args), y)


def _like(out: Y, y: Y) -> Y:
    """`out` broadcast to the shapes and promoted to the types of `y`."""
    return jtu.tree_map(lambda o, v: jnp.broadcast_to(o, jnp.shape(v)).astype(v.dtype), out, y)


class FlatProblem(eqx.Module):
    """A term as the solvers see it: on raveled states and in the direction of integration.

    diffrax integrates backwards in time by the change of variable $\\tau = -t$, wrapping the
    term; the wrapper knows nothing of rates, so the sign is applied here.
    """

    term: AbstractImplicitTerm
    direction: Any
    template: Y

    def unravel(self, v: Vector) -> Y:
        return ravel_pytree(self.template)[1](v)

    def residual(self, t: Any, y: Vector, ydot: Vector, args: Any) -> Vector:
        s = self.direction
        out = self.term.residual(s * t, self.unravel(y), self.unravel(s * ydot), args)
        return ravel_pytree(out)[0]

    def matrix(self, t: Any, y: Vector, ydot: Vector, alpha: Any, args: Any) -> Matrix:
        s = self.direction
        return self.term.matrix(s * t, self.unravel(y), self.unravel(s * ydot), s * alpha, args)

    def rate_product(self, t: Any, y: Vector, ydot: Vector, v: Vector, args: Any) -> Vector:
        s = self.direction
        out = self.term.rate_product(
            s * t, self.unravel(y), self.unravel(s * ydot), self.unravel(s * v), args
        )
        return ravel_pytree(out)[0]

    def rate_matrix(self, t: Any, y: Vector, ydot: Vector, args: Any) -> Matrix:
        s = self.direction
        matrix = self.term.rate_matrix(s * t, self.unravel(y), self.unravel(s * ydot), args)
        return s * matrix


def flat_problem(terms: AbstractTerm, y: Y) -> tuple[FlatProblem, Vector]:
    """The term inside diffrax's wrapper, on raveled states; and `y` raveled."""
    direction: Any = 1
    # `diffeqsolve` hands the solver `WrapTerm(term, direction)`.
    while not isinstance(terms, AbstractImplicitTerm):
        if not (hasattr(terms, "term") and hasattr(terms, "direction")):
            raise ValueError(
                "This solver needs an `ImplicitTerm` or a `MassMatrixTerm`; got "
                f"{type(terms).__name__}."
            )
        direction = direction * terms.direction  # pyright: ignore
        terms = terms.term  # pyright: ignore
    flat, _ = ravel_pytree(y)
    return FlatProblem(terms, direction, y), flat
