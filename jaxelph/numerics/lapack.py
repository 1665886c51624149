"""LAPACK's routines, safe in a batch and differentiable.

The one place that knows on what platform a program runs.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import batching, mlir
from jaxtyping import Array, Float, PyTree


def on_cpu(function: Callable, elsewhere: Callable, *arguments: PyTree[Array]) -> PyTree[Array]:
    """`function` of the arguments where the program runs on a CPU, otherwise `elsewhere`.

    Chosen when the program is lowered, not when it is traced: what is exported for a GPU takes
    its way there, and what `jax.default_device` puts on the CPU of a machine with a GPU does not.

    Example:
        >>> print(on_cpu(jnp.sin, jnp.cos, jnp.array(0.0)))
        0.0
    """
    return jax.lax.platform_dependent(*arguments, cpu=function, default=elsewhere)


def on_cuda(function: Callable, elsewhere: Callable, *arguments: PyTree[Array]) -> PyTree[Array]:
    """As `on_cpu`, where the program runs on an NVIDIA GPU.

    Example:
        >>> print(on_cuda(jnp.sin, jnp.cos, jnp.array(0.0)))
        1.0
    """
    return jax.lax.platform_dependent(*arguments, cuda=function, default=elsewhere)


def lowered_by_platform(
    name: str, shapes: Callable, function: Callable, **elsewhere: Callable
) -> Callable:
    """`function` of arrays, or what stands under a platform's name, not even traced till then.

    As `on_cpu`, for what takes long to trace or import. A batch, however deep, reaches a kernel as
    one axis, for it knows no more than three; what all lanes share stays one. Not differentiable.

    Args:
        name: what it is called in a program.
        shapes: (arguments of one lane) → the results' `jax.ShapeDtypeStruct`, a tuple.
        function: of arrays, returns a tuple of arrays.
        elsewhere: the same on "cuda" or another platform.

    Example:
        >>> def like(m):
        ...     return (jax.ShapeDtypeStruct((), m.dtype),)
        >>> trace = lowered_by_platform("trace", like, lambda m: (jnp.trace(m),))
        >>> print(jax.vmap(trace)(jnp.ones((3, 2, 2)))[0])
        [2. 2. 2.]
    """
    primitive = Primitive(name)
    primitive.multiple_results = True

    # `lanes` are the sizes of the batch's axes, outermost first; `batched` says of each argument
    # whether it has them, in front.
    def bind(*arguments, lanes, batched):
        return tuple(primitive.bind(*arguments, lanes=lanes, batched=batched))

    primitive.def_impl(jax.jit(bind, static_argnames=("lanes", "batched")))

    @primitive.def_abstract_eval
    def _(*arguments, lanes, batched):
        one = [
            jax.ShapeDtypeStruct(a.shape[len(lanes) if b else 0 :], a.dtype)
            for a, b in zip(arguments, batched, strict=True)
        ]
        return [
            arguments[0].update(shape=(*lanes, *s.shape), dtype=s.dtype, weak_type=False)
            for s in shapes(*one)
        ]

    def batch(arguments, axes, *, lanes, batched):
        (size,) = {a.shape[i] for a, i in zip(arguments, axes, strict=True) if i is not None}

        def moved(a, before, i):
            if not before and i is None:
                return a  # shared by all
            a = a[None] if i is None else jnp.moveaxis(a, i, 0)
            one = a.shape[1 + len(lanes) :] if before else a.shape[1:]
            if not before:
                a = a.reshape(size, *(1,) * len(lanes), *one)
            return jnp.broadcast_to(a, (size, *lanes, *one))

        results = bind(
            *map(moved, arguments, batched, axes),
            lanes=(size, *lanes),
            batched=tuple(b or i is not None for b, i in zip(batched, axes, strict=True)),
        )
        return results, [0] * len(results)

    batching.primitive_batchers[primitive] = batch

    def lower(one, platform=None):
        def of_any_batch(*arguments, lanes, batched):
            if not lanes:
                return one(*arguments)
            flat = [
                a.reshape(math.prod(lanes), *a.shape[len(lanes) :]) if b else a
                for a, b in zip(arguments, batched, strict=True)
            ]
            results = jax.vmap(one, [0 if b else None for b in batched])(*flat)
            return jax.tree.map(lambda x: x.reshape(*lanes, *x.shape[1:]), results)

        rule = mlir.lower_fun(of_any_batch, multiple_results=True)
        mlir.register_lowering(primitive, rule, platform=platform)

    lower(function)
    for platform, other in elsewhere.items():
        lower(other, platform)
    return lambda *arguments: bind(*arguments, lanes=(), batched=(False,) * len(arguments))


def one_by_one(function: Callable) -> Callable:
    """`function` of arrays, under `vmap` on a CPU applied to one lane after the other.

    For LAPACK: JAX hands the lanes of a batch to the threads that its programs run on, and
    waits for them on one of these threads. As many such calls at a time as there are threads,
    on several devices say, would wait for ever. Not to be differentiated through.

    Example:
        >>> trace = one_by_one(jnp.trace)
        >>> print(jax.vmap(trace)(jnp.ones((3, 2, 2))))
        [2. 2. 2.]
    """
    # Without `function`'s own defaults, which would count among its arguments.
    call = jax.custom_batching.custom_vmap(lambda *arguments: function(*arguments))

    @call.def_vmap
    def _(axis_size, in_batched, *arguments):
        lanes = [
            x if batched else jnp.broadcast_to(x, (axis_size, *jnp.shape(x)))
            for x, batched in zip(arguments, in_batched, strict=True)
        ]
        result = on_cpu(
            lambda *lanes: jax.lax.map(lambda lane: call(*lane), lanes), jax.vmap(function), *lanes
        )
        return result, jax.tree.map(lambda _: True, result)

    return call


#: Eigenvalues, ascending, and eigenvectors of a symmetric matrix; not differentiable.
eigh = one_by_one(lambda matrix: tuple(jnp.linalg.eigh(matrix)))


#: The factors of a matrix in one, its pivots, its permutation; not differentiable.
lu = one_by_one(lambda matrix: tuple(jax.lax.linalg.lu(matrix)))


_solve = one_by_one(jnp.linalg.solve)


def solve(matrix: Float[Array, "n n"], right: Float[Array, " n"]) -> Float[Array, " n"]:
    """The solution of a linear system, with its derivatives.

    Example:
        >>> print(solve(jnp.array([[0.0, 2.0], [1.0, 0.0]]), jnp.array([2.0, 4.0])))
        [4. 1.]
    """
    return solve_as(lambda x: matrix @ x, matrix, right)


def solve_as(
    product: Callable, matrix: Float[Array, "n n"], right: Float[Array, " n"]
) -> Float[Array, " n"]:
    """`solve`, whose derivatives are those of `product`, the matrix times a vector.

    Example:
        >>> double = jnp.diag(jnp.array([2.0, 4.0]))
        >>> print(solve_as(lambda x: double @ x, double, jnp.array([2.0, 2.0])))
        [1.  0.5]
    """
    frozen = jax.lax.stop_gradient(matrix)
    return jax.lax.custom_linear_solve(
        product,
        right,
        lambda _, b: _solve(frozen, b),
        lambda _, b: _solve(frozen.T, b),
    )


def solve_symmetric(
    matrix: Float[Array, "n n"], right: Float[Array, "n *column"]
) -> Float[Array, "n *column"]:
    """The solution of a linear system with a symmetric matrix, with its derivatives.

    Example:
        >>> print(solve_symmetric(jnp.array([[0.0, 2.0], [2.0, 0.0]]), jnp.array([2.0, 4.0])))
        [2. 1.]
    """
    frozen = jax.lax.stop_gradient(matrix)
    return jax.lax.custom_linear_solve(
        lambda x: matrix @ x, right, lambda _, b: _solve(frozen, b), symmetric=True
    )
