"""Phonons that collide among themselves, and the limit in which there are two temperatures."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from jaxelph import (
    CoulombCollisions,
    EinsteinModes,
    EnergyGrid,
    KineticEquation,
    MovingPhonons,
    evolve,
    stability_pencil,
    steady_state,
    two_temperatures,
)
from jaxelph.dae import Rodas5P
from jaxelph.kinetics.moving import (
    MovingEquation,
    _dense_blocks,
    _free_blocks,
    moving_equation,
    moving_solver,
)
from jaxelph.kinetics.shifts import reach_of

OMEGA, COUPLING = np.array([1.5, 2.0, 3.1]), np.array([0.02, 0.05, 0.04])
METAL, COLD = EinsteinModes(OMEGA, COUPLING), 1.0
PER_MODE = np.array([0.5, 0.3, 0.8])
PHONONS = MovingPhonons(PER_MODE, 30.0, mixing=0.02)


def test_one_temperature_with_the_same_energy():
    """T_l by SciPy, and derivatives by differences."""
    branches = PHONONS.on(METAL)
    stored = jnp.array([0.3, -0.05, 0.2])

    def energy(t):
        return np.sum(OMEGA / PER_MODE * (1 / np.expm1(OMEGA / t) - 1 / np.expm1(OMEGA / COLD)))

    wanted = float(OMEGA @ stored)
    hot = scipy.optimize.brentq(lambda t: energy(t) - wanted, 0.5, 5, xtol=1e-14)
    shared, slopes = branches.shared(jnp.asarray(COLD), stored)
    expected = (1 / np.expm1(OMEGA / hot) - 1 / np.expm1(OMEGA / COLD)) / PER_MODE
    np.testing.assert_allclose(shared, expected, rtol=1e-12)
    assert float(OMEGA @ shared) == pytest.approx(wanted, rel=1e-15)

    def first(cold, x):
        return branches.shared(cold, x)[0]

    by_cold, by_stored = jax.jacfwd(first, (0, 1))(jnp.asarray(COLD), stored)
    np.testing.assert_allclose(by_stored, slopes[:, None] * OMEGA[None, :], rtol=1e-12)
    numeric = (first(COLD + 1e-5, stored) - first(COLD - 1e-5, stored)) / 2e-5
    np.testing.assert_allclose(by_cold, numeric, rtol=1e-8)


def test_a_steps_matrix():
    """What is left of u, and the solution, against the whole matrix by differentiation."""
    grid, alpha = EnergyGrid(0.4, 90), 3.0
    equation = KineticEquation.at(METAL, COLD, grid, CoulombCollisions(0.1).on(grid))
    reaches = reach_of(3.1 / 0.4), 0
    start = -0.02 * grid.energies * jnp.exp(-((grid.energies / 2) ** 2))
    stored, ydot = jnp.array([0.3, -0.05, 0.2]), jnp.linspace(-0.01, 0.02, 94)
    rhs = jnp.cos(jnp.arange(94.0))
    for operators, make in ((equation.matrices(), _dense_blocks), (equation, _free_blocks)):
        branches = PHONONS.on(METAL)
        moving = moving_equation(operators, branches, grid, None, reaches, start)
        y = moving.join(start, stored, jnp.asarray(0.1))

        def residual(v, moving=moving, y=y):
            return moving.mass_product(y + v, ydot + alpha * v) - moving.rhs(0.0, y + v)

        whole = jax.jacfwd(residual)(jnp.zeros(94))
        blocks, left = make(0.0, y, ydot, alpha, moving)
        np.testing.assert_allclose(blocks.whole(rhs), whole @ rhs, rtol=0, atol=1e-9)
        reduced = jax.vmap(blocks.reduced, out_axes=1)(jnp.eye(90))
        u = np.asarray(whole)[:90, :90] - np.asarray(whole)[:90, 90:93] @ np.linalg.solve(
            np.asarray(whole)[90:93, 90:93], np.asarray(whole)[90:93, :90]
        )
        np.testing.assert_allclose(reduced, u, rtol=0, atol=1e-9)
        if make is _dense_blocks:
            np.testing.assert_allclose(left, u, rtol=0, atol=1e-9)
        found = blocks.solve(lambda b, u=u: jnp.linalg.solve(jnp.asarray(u), b), rhs)
        np.testing.assert_allclose(whole @ found, rhs, rtol=0, atol=1e-9)


def test_two_temperatures_are_the_limit():
    """Both that collide often: T_e and T_l of the coupled equations to 1 % of what they change by,
    with three branches that without would have three temperatures."""
    grid, times = EnergyGrid(0.33, 90), np.array([0.0, 0.5, 2.0, 6.0])
    electrons = CoulombCollisions(5.0)
    phonons = MovingPhonons(PER_MODE, mixing=0.01)
    run = evolve(METAL, 1.3, COLD, grid, times, phonons=phonons, electrons=electrons)
    model = two_temperatures(METAL, 1.3, COLD, times, phonons=phonons)
    np.testing.assert_allclose(run.temperature, model.electrons, rtol=0, atol=0.01 * 0.3)
    lattice = np.asarray(model.lattice)
    assert lattice[-1] > 1.05
    for k in range(3):
        np.testing.assert_allclose(
            run.phonon_temperature[:, k], lattice, rtol=0, atol=0.01 * (lattice[-1] - 1)
        )
    total = np.asarray(run.total_energy)
    assert np.ptp(total) < 1e-12 * total[0]


@pytest.mark.slow
def test_products_alone_give_the_same_run():
    grid, times = EnergyGrid(0.33, 90), np.array([0.0, 0.5, 2.0])
    options = dict(rtol=1e-9, phonons=PHONONS)
    dense = evolve(METAL, 1.3, COLD, grid, times, **options)
    solver = Rodas5P(moving_solver(True, 1e-9), project=MovingEquation.projected)
    run = evolve(METAL, 1.3, COLD, grid, times, solver=solver, **options)
    np.testing.assert_allclose(run.f, dense.f, rtol=0, atol=1e-9)
    np.testing.assert_allclose(run.phonons, dense.phonons, rtol=0, atol=1e-9)


def test_linear_theory():
    """The pencil's M for phonons is the derivative of what they share, made symmetric; the total
    energy stays its null vector."""
    grid = EnergyGrid(0.4, 60)
    alone = stability_pencil(METAL, COLD, grid, phonons=MovingPhonons(PER_MODE))
    mixed = stability_pencil(METAL, COLD, grid, phonons=MovingPhonons(PER_MODE, mixing=0.02))
    branches = PHONONS.on(METAL)

    def lost(x):
        return branches.mixing_rate * (x - branches.shared(jnp.asarray(COLD), x)[0])

    derivative = jax.jacfwd(lost)(jnp.zeros(3))
    scale = np.asarray(mixed.scale)
    expected = scale[:, None] * np.asarray(derivative) / scale[None, :]
    np.testing.assert_allclose(mixed.M[60:, 60:] - alone.M[60:, 60:], expected, atol=1e-9)
    np.testing.assert_allclose(mixed.M @ mixed.energy, 0, atol=1e-9)
    vector = jnp.cos(jnp.arange(63.0))
    np.testing.assert_allclose(mixed.multiply_M(vector), mixed.M @ vector, atol=1e-10)


def test_steady_state_of_phonons_with_one_bath():
    """Only the middle branch has a bath: through it all of the power goes, to which the others
    bring theirs by collisions."""
    lifetime = np.array([1e9, 0.5, 1e9])
    phonons = MovingPhonons(PER_MODE, lifetime, mixing=0.001)
    state = steady_state(METAL, COLD, EnergyGrid(0.33, 90), 6.0, 0.02, phonons=phonons)
    temperatures = np.asarray(state.phonon_temperature)
    assert np.ptp(temperatures) < 0.05 * (temperatures[0] - COLD)
    assert state.escaping[1] == pytest.approx(0.02, rel=1e-6)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="mixing must be positive"):
        MovingPhonons(0.1, mixing=0.0)
    with pytest.raises(ValueError, match="mixing is one time"):
        MovingPhonons(0.1, mixing=[0.1, 0.2])
