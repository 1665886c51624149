"""Continuous heating: the root against runs in time, balances, derivatives."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from jaxelph import (
    CoulombCollisions,
    EinsteinModes,
    EnergyGrid,
    MovingPhonons,
    Pulse,
    evolve,
    steady_state,
)
from jaxelph.kinetics.pump import Square

OMEGA, COUPLING = np.array([2.0, 3.1]), np.array([0.4, 0.3])
METAL, COLD, PHOTON = EinsteinModes(OMEGA, COUPLING), 1.0, 10.0
GRID = EnergyGrid(0.33, 100)


@pytest.mark.parametrize(
    ("phonons", "electrons"),
    [
        (None, None),
        (MovingPhonons(0.2, 0.5), None),
        (MovingPhonons([0.2, 0.0], 0.5), CoulombCollisions(0.1)),
    ],
)
def test_where_a_long_run_ends(phonons, electrons):
    """A pulse that is still there when nothing changes any more."""
    power, last = 2.0, 100.0
    state = steady_state(METAL, COLD, GRID, PHOTON, power, phonons=phonons, electrons=electrons)
    light = Pulse(PHOTON, power * 2 * last, 2 * last, last, Square())
    times = np.array([0.0, last])
    run = evolve(
        METAL, COLD, COLD, GRID, times, rtol=1e-9, phonons=phonons, electrons=electrons, pump=light
    )
    assert state.converged and state.stable
    # A run at rest is as far from it as the local errors of its last steps: it falls with rtol,
    # 3e-7 at 1e-8 and 1.5e-8 at 1e-9.
    np.testing.assert_allclose(state.f, run.f[-1], rtol=0, atol=1e-7)
    assert state.temperature == pytest.approx(float(run.temperature[-1]), abs=1e-7)
    if phonons is not None:
        np.testing.assert_allclose(state.phonons, run.phonons[-1], rtol=0, atol=1e-7)
    # What comes in goes out.
    assert jnp.sum(state.escaping) == pytest.approx(power, rel=1e-12)


def test_nothing_is_left():
    """The equations themselves, in NumPy on the whole axis, off the lattice of the modes."""
    power, step, size = 0.05, 0.25, 220
    state = steady_state(METAL, COLD, EnergyGrid(step, size), PHOTON, power)
    whole = np.concatenate([1 - np.asarray(state.f)[::-1], [0.5], np.asarray(state.f)])
    i = np.arange(-size, size + 1)
    rest = 1 / (1 + np.exp(i * step / COLD))

    def at(shift):
        """f(E + shift): the sinc series of f - f0, and f0 beyond the grid."""
        series = np.sinc(i[:, None] + shift / step - i[None, :]) @ (whole - rest)
        return series + 1 / (1 + np.exp((i * step + shift) / COLD))

    left = power / PHOTON**2 * (at(PHOTON) + at(-PHOTON) - 2 * whole)
    for w, c in zip(OMEGA, COUPLING, strict=True):
        n, up, down = 1 / np.expm1(w / COLD), at(w), at(-w)
        left += c * w * (n * (up + down - 2 * whole) - whole * (up - down) + up - whole)
    inside = np.abs(i * step) < 20
    assert np.max(np.abs(left[inside])) < 1e-9 * power


def test_electrons_that_have_a_temperature():
    """Σλω³[N(T_e) - N(T_k)] = power, what leaves each mode is what it gets: by SciPy."""
    power, coupling, lifetime = 0.7, 0.2, 0.5
    electrons = CoulombCollisions(100.0)
    phonons = MovingPhonons(coupling, lifetime)
    state = steady_state(METAL, COLD, GRID, 6.0, power, phonons=phonons, electrons=electrons)

    def occupied(w, t):
        return 1 / np.expm1(w / t)

    def missing(unknown):
        hot, modes = unknown[0], unknown[1:]
        flow = COUPLING * OMEGA**3 * (occupied(OMEGA, hot) - occupied(OMEGA, modes))
        lost = OMEGA / coupling * (occupied(OMEGA, modes) - occupied(OMEGA, COLD)) / lifetime
        return np.append(np.sum(flow) - power, flow - lost)

    found = scipy.optimize.fsolve(missing, [1.2, 1.1, 1.1], xtol=1e-12)
    assert state.temperature == pytest.approx(found[0], rel=1e-4)
    np.testing.assert_allclose(state.phonon_temperature, found[1:], rtol=1e-4)


def test_without_light_nothing_happens():
    state = steady_state(METAL, COLD, GRID, PHOTON, 0.0)
    assert state.converged
    assert jnp.max(jnp.abs(state.deviation)) == 0


@pytest.mark.slow
def test_derivatives_and_batches():
    """Richardson's differences by every parameter; forward, reverse and in a batch."""
    point = {
        "power": jnp.asarray(1.5),
        "photon": jnp.asarray(9.0),
        "coupling": jnp.array([0.2, 0.3]),
        "lifetime": jnp.asarray(0.5),
        "strength": jnp.asarray(COUPLING),
        "omega": jnp.asarray(OMEGA),
        "cold": jnp.asarray(COLD),
        "liquid": jnp.asarray(0.1),
    }

    def answer(p):
        metal = EinsteinModes(p["omega"], p["strength"])
        state = steady_state(
            metal,
            p["cold"],
            GRID,
            p["photon"],
            p["power"],
            phonons=MovingPhonons(p["coupling"], p["lifetime"]),
            electrons=CoulombCollisions(p["liquid"]),
        )
        return state.temperature + jnp.sum(state.phonons) + state.f[20]

    compiled = jax.jit(answer)
    gradient = jax.jit(jax.grad(answer))(point)
    for name, value in point.items():
        direction = jax.tree.map(jnp.zeros_like, point) | {name: value}

        def difference(h, direction=direction):
            up = jax.tree.map(lambda a, b: a + h * b, point, direction)
            down = jax.tree.map(lambda a, b: a - h * b, point, direction)
            return (float(compiled(up)) - float(compiled(down))) / (2 * h)

        numeric = (4 * difference(1e-3) - difference(2e-3)) / 3
        assert jnp.sum(gradient[name] * value) == pytest.approx(numeric, rel=1e-7, abs=1e-9)
    rows = jax.tree.map(lambda a: jnp.stack([a, 1.1 * a]), point)
    batch = jax.jit(jax.vmap(jax.grad(answer)))(rows)
    for name, value in gradient.items():
        np.testing.assert_allclose(batch[name][0], value, rtol=1e-8, atol=1e-12)
    forward = jax.jvp(compiled, (point,), (point,))[1]
    reverse = sum(float(jnp.sum(gradient[name] * point[name])) for name in point)
    assert forward == pytest.approx(reverse, rel=1e-9)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="none has a bath"):
        steady_state(METAL, COLD, GRID, PHOTON, 1.0, phonons=MovingPhonons(0.2))
    with pytest.raises(ValueError, match="power must not be negative"):
        steady_state(METAL, COLD, GRID, PHOTON, -1.0)
    with pytest.raises(ValueError, match="should reach"):
        steady_state(METAL, COLD, GRID, 30.0, 1.0)
    with pytest.raises(RuntimeError, match="no steady state was found in 2 steps"):
        steady_state(METAL, COLD, GRID, PHOTON, 5.0, max_steps=2)
    state = steady_state(METAL, COLD, GRID, PHOTON, 5.0, max_steps=2, throw=False)
    assert not state.converged and dataclasses.is_dataclass(state)
