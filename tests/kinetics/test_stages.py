"""All stages of a step at once give what the stages one by one give."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxelph as jx
from jaxelph.dae import DenseInverse, rodas
from jaxelph.dae.terms import FlatProblem, flat_problem
from jaxelph.electrons.occupations import fermi
from jaxelph.kinetics import stages
from jaxelph.kinetics.equation import KineticEquation
from jaxelph.kinetics.system import ElectronsAlone
from jaxelph.numerics.elimination import Factors, invert_by_blocks

METAL = jx.EinsteinModes(np.arange(40.0, 61.0), np.full(21, 1 / 21))
WAYS = {
    "products": stages.by_products,
    "one launch": partial(stages.in_one_launch, interpret=True),
}


def step(size, temperature=14.0, h=0.05, direction=1):
    """What the stages of one step are computed of, one by one and at once."""
    grid = jx.EnergyGrid(450.0 / size, size)
    equation = KineticEquation.at(METAL, 12.59, grid)
    system = ElectronsAlone(equation.matrices())
    start = system.start(fermi(grid.energies, temperature) - equation.equilibrium)
    problem, y = flat_problem(system.term(False), start)
    problem = FlatProblem(problem.term, direction, problem.template)
    z = jnp.asarray(np.random.default_rng(size).normal(size=size + 1)) * 1e-3
    alpha = 1 / (rodas.GAMMA * h)
    kept = DenseInverse().prepare(problem, 0.0, y, z, alpha, system.args)
    single = problem, kept, jnp.array(0.0), y, z, jnp.array(h), system.args
    factors = Factors(invert_by_blocks(kept[0])[0], ())
    return single, stages._told(problem, factors, y, z, h, system.args)


def largest_difference(found, expected):
    return max(
        float(np.max(np.abs(a - b)) / np.max(np.abs(b)))
        for a, b in zip(found, expected, strict=True)
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [75, 79, 80, 127])
def test_same_increments(way, size):
    single, told = step(size)
    expected = rodas.all_stages(DenseInverse(), *single)
    assert largest_difference(WAYS[way](*told), expected) < 1e-13


@pytest.mark.parametrize("way", WAYS)
def test_backwards_in_time(way):
    single, told = step(75, h=0.01, direction=-1)
    expected = rodas.all_stages(DenseInverse(), *single)
    assert largest_difference(WAYS[way](*told), expected) < 1e-13


def test_a_batch_shares_the_matrices():
    toldest = [step(75, temperature)[1] for temperature in (13.0, 14.0)]
    batched = [jnp.stack(both) for both in zip(*toldest, strict=True)]
    shared = [None if i in (5, 6) else 0 for i in range(len(batched))]
    arguments = [x[0] if way is None else x for x, way in zip(batched, shared, strict=True)]
    found = jax.vmap(WAYS["one launch"], shared)(*arguments)
    for i, told in enumerate(toldest):
        assert largest_difference([x[i] for x in found], stages.by_products(*told)) < 1e-13


def test_nothing_but_the_way_is_another():
    single, _ = step(75)
    default = partial(rodas.all_stages, DenseInverse())

    def increments(way, y):
        problem, kept, t, _, *rest = single
        us, ws = way(problem, kept, t, y, *rest)
        return jnp.sum(us[3] * ws[5])

    y = single[3]
    ways = [default, partial(stages.stages_in_one_launch, default)]
    one, other = (jax.jit(jax.value_and_grad(partial(increments, way)))(y) for way in ways)
    np.testing.assert_allclose(other[0], one[0], rtol=1e-13)
    np.testing.assert_allclose(other[1], one[1], rtol=1e-11, atol=1e-13 * np.max(np.abs(one[1])))
    tangent = jnp.cos(jnp.arange(y.size))
    (_, one), (_, other) = (jax.jvp(partial(increments, way), (y,), (tangent,)) for way in ways)
    np.testing.assert_allclose(other, one, rtol=1e-11)


def lowered_for_cuda(electrons=None):
    (problem, kept, t, *rest, operators), _ = step(75)
    operators = eqx.tree_at(
        lambda o: o.equation.electrons, operators, electrons, is_leaf=lambda x: x is None
    )
    default = partial(rodas.all_stages, DenseInverse())

    def increments(*rest):
        return stages.stages_in_one_launch(default, problem, kept, t, *rest, operators)

    return jax.jit(increments).trace(*rest).lower(lowering_platforms=("cuda",)).as_text()


def test_on_a_gpu_it_is_one_launch():
    text = lowered_for_cuda()
    assert "kinetic_stages" in text
    assert "dot_general" not in text


def test_electrons_that_collide_take_the_stages_one_by_one():
    grid = jx.EnergyGrid(6.0, 75)
    text = lowered_for_cuda(jx.ElectronCollisions(grid, jnp.full(150, 1e-4)))
    assert "kinetic_stages" not in text
    assert "dot_general" in text
