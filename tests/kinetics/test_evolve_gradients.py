"""Derivatives through the evolution: reverse, forward and differences, one run and a batch."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph import RESULTS, EinsteinModes, EnergyGrid, evolve, example, fermi

METAL = example("table1")
G = 50.36533199202271
# The grid stays where it is: its step is no parameter of the metal.
GRID, TIMES = EnergyGrid(6.0, 75), np.array([0.0, 0.02, 0.06])
PROBE = jnp.cos(jnp.arange(75) / 7.0)
KINDS = ("coupling", "omega", "phonons", "electrons", "change")


def parameters(scale, phonons, ratio):
    """A metal with modes of all frequencies, at temperatures in units of g."""
    g = G * np.sqrt(scale)
    return {
        "coupling": scale * METAL.coupling,
        "omega": METAL.omega,
        "phonons": jnp.asarray(phonons * g),
        "electrons": jnp.asarray(ratio * phonons * g),
        "change": jnp.zeros(GRID.size),  # of the initial f
    }


def run(p, **options):
    initial = fermi(GRID.energies, p["electrons"]) + p["change"]
    spectrum = EinsteinModes(p["omega"], p["coupling"])
    return evolve(spectrum, initial, p["phonons"], GRID, TIMES, rtol=1e-9, throw=False, **options)


def answer(p, **options):
    """A number that depends on the final f and on T_e(t); zero where there is no final f."""
    evolution = run(p, **options)
    completed = evolution.result == RESULTS.completed
    value = PROBE @ evolution.f[-1] + evolution.temperature[1]
    return jnp.where(completed, value, 0.0), (evolution.result, evolution.f)


STABLE, COOLER = parameters(1.0, 0.25, 1.1), parameters(0.9, 0.24, 1.2)
RUNS_AWAY, UNSTABLE_AT_ONCE = parameters(1.4, 0.18, 1.1), parameters(1.5, 0.18, 1.1)
LANES = (STABLE, COOLER, RUNS_AWAY, UNSTABLE_AT_ONCE)

batched = jax.jit(jax.vmap(jax.value_and_grad(answer, has_aux=True)))
alone = jax.jit(jax.vmap(lambda p: answer(p)[0]))  # without gradients


def stack(lanes):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *lanes)


def directions():
    """One direction in each kind of parameter, of their own size."""
    rng = np.random.default_rng(0)
    zero = jax.tree.map(jnp.zeros_like, STABLE)
    energies = GRID.energies / (4 * STABLE["electrons"])
    step = {
        "coupling": STABLE["coupling"] * rng.uniform(0.5, 1.5, METAL.coupling.shape),
        "omega": STABLE["omega"] * rng.uniform(0.5, 1.5, METAL.omega.shape),
        "phonons": STABLE["phonons"],
        "electrons": STABLE["electrons"],
        "change": energies * jnp.exp(-(energies**2)),
    }
    return [{**zero, kind: step[kind]} for kind in KINDS]


def along(gradient, direction):
    pairs = zip(jax.tree.leaves(gradient), jax.tree.leaves(direction), strict=True)
    return float(sum(jnp.sum(a * b) for a, b in pairs))


def richardson(base, direction, h=4e-3):
    """Central differences of steps h and h/2, without the h² term; the four runs are a batch."""
    points = [
        jax.tree.map(lambda a, b, s=s: a + s * h * b, base, direction) for s in (1, -1, 0.5, -0.5)
    ]
    up, down, half_up, half_down = alone(stack(points))
    return float((4 * (half_up - half_down) / h - (up - down) / (2 * h)) / 3)


@pytest.fixture(scope="module")
def batch():
    """Values, results, f and gradients of two stable lanes, one that runs away, one that may
    not start."""
    (values, (results, f)), gradients = batched(stack(LANES))
    return values, results, f, gradients


def lane(tree, k):
    return jax.tree.map(lambda leaf: leaf[k], tree)


def test_reverse_mode_in_a_batch_equals_differences(batch):
    *_, gradients = batch
    for k in (0, 1):
        for kind, direction in zip(KINDS, directions(), strict=True):
            expected = richardson(LANES[k], direction)
            assert abs(expected) > 1e-2, kind
            assert along(lane(gradients, k), direction) == pytest.approx(expected, rel=1e-6), kind


def test_every_lane_has_its_own_result(batch):
    values, results, f, gradients = batch
    names = ("completed", "completed", "unstable", "unstable")
    for k, name in enumerate(names):
        assert lane(results, k) == getattr(RESULTS, name)
    assert np.all(np.isfinite(f[:2]))
    # What ran away has the rows up to there, what could not start has its initial state.
    assert np.all(np.isfinite(f[2:, 0])) and np.all(np.isnan(f[2:, -1]))
    np.testing.assert_array_equal(values[2:], 0.0)


def test_unstable_lanes_poison_no_gradient(batch):
    *_, gradients = batch
    for leaf in jax.tree.leaves(gradients):
        assert np.all(np.isfinite(leaf))
        np.testing.assert_array_equal(leaf[2:], 0.0)


@pytest.mark.slow
def test_forward_mode_equals_reverse_mode(batch):
    *_, gradients = batch

    def value(p):
        return answer(p, adjoint=diffrax.ForwardMode())[0]

    forward = jax.jit(jax.jacfwd(value))
    for k in (0, 1):
        for kind, one in forward(LANES[k]).items():
            other = gradients[kind][k]
            assert np.max(np.abs(one - other)) <= 1e-9 * np.max(np.abs(other)), kind


@pytest.mark.slow
def test_gradient_of_a_sum_of_a_batch_is_the_batch_of_gradients(batch):
    values, *_, gradients = batch
    total, summed = jax.jit(jax.value_and_grad(lambda p: jnp.sum(jax.vmap(answer)(p)[0])))(
        stack(LANES)
    )
    assert total == pytest.approx(float(jnp.sum(values)), rel=1e-12)
    for kind in KINDS:
        np.testing.assert_allclose(summed[kind], gradients[kind], rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_a_lane_is_the_run_on_its_own(batch):
    _, _, f, gradients = batch
    alone = jax.jit(jax.value_and_grad(answer, has_aux=True))
    for k in range(4):
        (_, (_, expected)), gradient = alone(LANES[k])
        np.testing.assert_allclose(f[k], expected, rtol=0, atol=1e-9)
        for kind in KINDS:
            np.testing.assert_allclose(gradients[kind][k], gradient[kind], rtol=1e-6, atol=1e-9)


@pytest.mark.slow
def test_memory_of_the_reverse_pass_grows_with_checkpoints_alone():
    """Not with the steps allowed: 16 times as many take no more than what the checkpoints do."""

    def temporaries(checkpoints, max_steps):
        adjoint = diffrax.RecursiveCheckpointAdjoint(checkpoints)
        options = dict(adjoint=adjoint, max_steps=max_steps)
        gradient = jax.jit(jax.grad(lambda p: answer(p, **options)[0]))
        return gradient.lower(STABLE).compile().memory_analysis().temp_size_in_bytes

    few, many = temporaries(8, 256), temporaries(32, 256)
    assert temporaries(8, 4096) == pytest.approx(few, rel=1e-2)
    # A checkpoint holds vectors of the grid's size, and no matrix.
    assert many - few < 24 * 75**2 * 8
