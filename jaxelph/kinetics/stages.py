"""All stages of a step of the kinetic equation as one kernel of a GPU, a run to a block of threads.

A stage is a few products of matrices with vectors. Launched one by one they are too short for a
GPU, and in a batch each of them writes what the next reads again; here vectors stay in registers
from the first stage to the last, and all runs read the same matrices, which stay in a cache.

Only the path differs from `dae.rodas.all_stages`: the equation's elements are the same functions,
and derivatives are those of the stages one by one.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ..dae import rodas
from ..numerics import tiles
from ..numerics.elimination import Factors
from ..numerics.lapack import lowered_by_platform, on_cuda
from ..numerics.tiles import Vector, dot, each
from .equation import KineticMatrices, left_side, phonon_integral
from .system import heat_unit


def stages_in_one_launch(
    default: Callable, problem: Any, kept: PyTree, t: Any, y: Array, z: Array, h: Any, args: Any
) -> tuple[Float[Array, "stage n"], Float[Array, "stage n"]]:
    """For `Rodas5P.stages`: on NVIDIA GPUs one launch; elsewhere, or with no kernel, `default`.

    A kernel fits the state (δ, heat received) of `system.ElectronsAlone` on matrices, solved by
    [`DenseInverse`][jaxelph.dae.DenseInverse], of electrons that collide with phonons alone.
    """
    fits = isinstance(args, KineticMatrices) and args.equation.electrons is None
    if not fits or y.size != len(args.equation.energies) + 1 or y.size > tiles.LARGEST:
        return default(problem, kept, t, y, z, h, args)
    return _by_platform((problem, kept, t, y, z, h, args), default=default)


@eqx.filter_custom_jvp
def _by_platform(inputs, *, default):
    arrays, rest = eqx.partition(inputs, eqx.is_array)

    def one_by_one(arrays):
        return default(*eqx.combine(arrays, rest))

    def at_once(arrays):
        problem, (_, factors), _, y, z, h, operators = eqx.combine(arrays, rest)
        return tuple(_launch(*_told(problem, factors, y, z, h, operators)))

    return on_cuda(at_once, one_by_one, arrays)


@_by_platform.def_jvp
def _(primals, tangents, *, default):
    return eqx.filter_jvp(lambda inputs: default(*inputs), primals, tangents)


def _told(problem, factors: Factors, y, z, h, operators: KineticMatrices):
    """What the kernel reads, the state first: all lanes share the matrices after the inverse."""
    equation = operators.equation
    return (
        y,
        z,
        jnp.asarray(h, y.dtype),
        jnp.asarray(problem.direction, y.dtype),
        factors.inverse,
        operators.stacked,
        operators.exchange,
        equation.weight,
        equation.minus_slope,
        equation.moment / heat_unit(equation),
        jnp.asarray(rodas.A, y.dtype),
        jnp.asarray(rodas.C, y.dtype),
    )


def _stages(
    y: Vector,
    z: Vector,
    h: Array,
    direction: Array,
    operators: Callable[[Vector], list[Vector]],
    exchange: Callable[..., list[Vector]],
    inverse: Callable[[Vector], Vector],
    weight: Vector,
    minus_slope: Vector,
    moment: Vector,
    last: Vector,
    a: Array,
    c: Array,
) -> tuple[Vector, Vector]:
    """The increments of all stages, of vectors in parts.

    Args:
        y, z, h: state, rate and length of the step; `direction` is that of time.
        operators: δ → δ', κ*δ', hM̃h⁻¹δ and o*δ.
        exchange: vectors → κ* of each.
        inverse: right-hand side → solution.
        weight, minus_slope: Z0⁻¹ and -f0', in the row of the heat 1 and 0.
        moment: what of a collision integral is heat, summed.
        last: true in the row of the heat.
        a, c: the method's coefficients.
    """

    def acting(state):
        slope, dragged, linear, odd = operators(state)
        return partial(each, left_side, weight, minus_slope, slope, dragged), linear, odd

    def added(row, increments):
        return each(lambda xs: jnp.sum(row[:, None] * xs, axis=0), increments)

    at_start = acting(y)[0]
    alpha = 1 / (rodas.GAMMA * h)

    def stage(i, increments):
        us, ws = increments
        here = tiles.index(a.shape, 0) == i
        row_a = jnp.sum(jnp.where(here, a, 0.0), axis=0)
        row_c = jnp.sum(jnp.where(here, c, 0.0), axis=0) / h
        yi = each(jnp.add, y, added(row_a, us))
        zi = each(jnp.add, z, added(row_a, ws))
        cu = added(row_c, us)
        rate = each(lambda x: direction * x, zi)
        whole = each(lambda x, extra: direction * (x + extra), zi, cu)
        now, linear, odd = acting(yi)
        of_rate, of_whole = exchange(rate, whole)
        collisions = each(phonon_integral, yi, linear, odd)
        heat = dot(moment, collisions)
        driven = each(lambda is_heat, x: jnp.where(is_heat, heat, x), last, collisions)
        right = each(
            lambda left, moving, driving: left - (moving - driving),
            at_start(whole, of_whole),
            now(rate, of_rate),
            driven,
        )
        u = inverse(right)
        w = each(lambda u, x, extra: alpha * u - x - extra, u, zi, cu)

        def put(rows, new):
            return jnp.where(tiles.index(rows.shape, 0) == i, new[None, :], rows)

        return each(put, us, u), each(put, ws, w)

    none = each(lambda x: jnp.zeros((8, *x.shape), x.dtype), y)
    return jax.lax.fori_loop(0, 8, stage, (none, none))


def in_one_launch(*told: Array, interpret: bool = False) -> tuple[Array, Array]:
    """`_stages` as a kernel of what `_told` tells; a batch by `vmap`.

    Args:
        interpret: run the kernel's instructions one after the other on whatever device is there.
    """
    pallas, triton = tiles.language()
    y = told[0]
    out = jax.ShapeDtypeStruct((8, y.size), y.dtype)
    # Whole, with what the last tiles reach beyond them.
    beyond = tiles.padded(y.size) - y.size + 1

    def block(x):
        shape = tuple(length if length == 8 else length + beyond for length in x.shape)
        return pallas.BlockSpec(shape, lambda: (0,) * x.ndim)

    return pallas.pallas_call(
        partial(_kernel, y.size),
        in_specs=[block(x) for x in told],
        out_specs=[block(out), block(out)],
        out_shape=[out, out],
        interpret=interpret,
        # Of fewer warps each thread holds more addresses than it has registers.
        compiler_params=triton.CompilerParams(num_warps=2 * tiles.warps(y.size), num_stages=1),
        name="kinetic_stages",
    )(*told)


def _kernel(size, y, z, h, direction, inverse, stacked, exchange, *rest):
    weight, minus_slope, moment, a, c, us, ws = rest
    cut, electrons = tiles.tiles(size), size - 1
    last = each(lambda at: at == electrons, tiles.indices(cut))

    def load(ref):
        return tiles.load_vector(ref, electrons, cut)

    def multiply(ref, *vectors, size=electrons, above=0):
        matrix = tiles.load_matrix(ref, size, cut, above)
        return [tiles.product(matrix, v) for v in vectors]

    # In a loop, for with all four at once there are more addresses than registers.
    def operators(v):
        def one(k, found):
            new = multiply(stacked, v, above=k * electrons)[0]
            chosen = [partial(jnp.where, k == j) for j in range(4)]
            return [each(choose, new, old) for choose, old in zip(chosen, found, strict=True)]

        none = each(jnp.zeros_like, v)
        return jax.lax.fori_loop(0, 4, one, [none] * 4)

    found = _stages(
        tiles.load_vector(y, size),
        tiles.load_vector(z, size),
        h[...],
        direction[...],
        operators,
        partial(multiply, exchange),
        lambda v: multiply(inverse, v, size=size)[0],
        each(lambda x, is_heat: jnp.where(is_heat, 1.0, x), load(weight), last),
        load(minus_slope),
        load(moment),
        last,
        a[...],
        c[...],
    )
    for ref, vector in zip((us, ws), found, strict=True):
        tiles.store_rows(ref, vector, size)


def by_products(*told: Array) -> tuple[Array, Array]:
    """`_stages` of what `_told` tells, each vector as one part."""
    y, z, h, direction, inverse, stacked, exchange, weight, minus_slope, moment, a, c = told

    def grown(x, end=0.0):
        return {0: jnp.append(x, end)}

    us, ws = _stages(
        {0: y},
        {0: z},
        h,
        direction,
        lambda v: [grown(x) for x in (stacked @ v[0][:-1]).reshape(4, -1)],
        lambda *vectors: [grown(exchange @ v[0][:-1]) for v in vectors],
        lambda v: {0: inverse @ v[0]},
        grown(weight, 1.0),
        grown(minus_slope),
        grown(moment),
        {0: jnp.arange(y.size) == y.size - 1},
        a,
        c,
    )
    return us[0], ws[0]


def _on_cuda(*told):
    return tuple(in_one_launch(*told) if tiles.available() else by_products(*told))


def _shapes(y, *_):
    return (jax.ShapeDtypeStruct((8, *y.shape), y.dtype),) * 2


_launch = lowered_by_platform("kinetic_stages", _shapes, by_products, cuda=_on_cuda)
