"""The operators of the kinetic equation: dense, by Fourier transform, and by definition."""

import helpers
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import pytest
import scipy.linalg

from jaxelph import (
    EinsteinModes,
    ElectronCollisions,
    EnergyGrid,
    KineticEquation,
    disordered_kernel,
    example,
    fermi,
    stability_pencil,
)
from jaxelph.dae.gmres import GMRES
from jaxelph.kinetics.positivity import Positivity
from jaxelph.units import kelvin_to_mev

OMEGA, COUPLING = np.array([1.3, 2.71]), np.array([0.6, 0.9])
MODES = EinsteinModes(OMEGA, COUPLING)
T0 = 1.0
GRID = EnergyGrid(0.4, 90)
E = np.asarray(GRID.energies)
DEVIATION = jnp.asarray(-0.02 * E * np.exp(-((E / 2) ** 2)))
RATE = jnp.asarray(0.3 * E * np.exp(-((E / 2.5) ** 2)) * np.cos(E))


@pytest.fixture(scope="module")
def equation():
    return KineticEquation.at(MODES, T0, GRID)


def test_left_hand_side_equals_its_definition(equation):
    """(1 - κ*f') ḟ + f' (κ*ḟ) on the whole axis with NumPy, f' in closed form."""
    n = np.arange(2 * GRID.size + 1.0)
    weights = helpers.exchange_weights(OMEGA, COUPLING, 0.4, n)
    i = np.arange(-GRID.size, GRID.size + 1)
    kappa = weights[np.abs(i[:, None] - i[None, :])]
    x = 0.4 * i
    slope = -helpers.minus_fermi_slope(x, T0) - 0.02 * (1 - x**2 / 2) * np.exp(-((x / 2) ** 2))
    rate = 0.3 * x * np.exp(-((x / 2.5) ** 2)) * np.cos(x)
    expected = (1 - kappa @ slope) * rate + slope * (kappa @ rate)
    got = equation.mass_product(DEVIATION, RATE)
    np.testing.assert_allclose(got, expected[GRID.size + 1 :], rtol=0, atol=1e-11)


def test_dense_equals_fourier(equation):
    dense = equation.matrices()
    np.testing.assert_allclose(
        dense.mass(DEVIATION) @ RATE, equation.mass_product(DEVIATION, RATE), rtol=0, atol=1e-13
    )
    np.testing.assert_allclose(
        dense.mass_product(DEVIATION, RATE),
        equation.mass_product(DEVIATION, RATE),
        rtol=0,
        atol=1e-13,
    )
    np.testing.assert_allclose(
        dense.collide(DEVIATION), equation.collide(DEVIATION), rtol=0, atol=1e-13
    )
    np.testing.assert_allclose(
        dense.symmetric_mass(DEVIATION) @ RATE,
        equation.symmetric_mass_operator(DEVIATION)(RATE),
        rtol=0,
        atol=1e-13,
    )


@pytest.mark.parametrize("with_electrons", [pytest.param(False, marks=pytest.mark.slow), True])
def test_jacobian_in_closed_form(with_electrons):
    grid = EnergyGrid(0.5, 40)
    electrons = ElectronCollisions(grid, disordered_kernel(grid, 0.1)) if with_electrons else None
    equation = KineticEquation.at(MODES, T0, grid, electrons)
    matrices = equation.matrices()
    deviation, rate = -0.02 * grid.energies * jnp.exp(-grid.energies), jnp.sin(grid.energies)

    @jax.jit
    def autodiff(d):
        return jax.jacfwd(lambda d: equation.collide(d) - equation.mass_product(d, rate))(d)

    np.testing.assert_allclose(
        matrices.jacobian(deviation, rate), autodiff(deviation), rtol=0, atol=1e-12
    )


def test_mass_at_equilibrium_is_that_of_the_pencil(equation):
    zero = jnp.zeros(GRID.size)
    np.testing.assert_allclose(
        equation.matrices().symmetric_mass(zero),
        stability_pencil(MODES, T0, GRID).A,
        rtol=0,
        atol=1e-13,
    )


def test_symmetric_mass_has_the_eigenvalues_of_the_mass(equation):
    matrices = equation.matrices()
    # Within 10 T, where the slope of f is not lost in rounding.
    symmetric = np.linalg.eigvalsh(matrices.symmetric_mass(DEVIATION))
    plain = np.sort(np.linalg.eigvals(matrices.mass(DEVIATION)).real)
    np.testing.assert_allclose(symmetric[:10], plain[:10], rtol=0, atol=1e-8)


def test_stability_check_agrees_with_the_spectrum():
    for coupling, stable in ((0.5, True), (4.0, False)):
        equation = KineticEquation.at(EinsteinModes([3.0], [coupling]), 0.5, EnergyGrid(0.2, 90))
        matrices, zero = equation.matrices(), jnp.zeros(90)
        least = np.linalg.eigvalsh(matrices.symmetric_mass(zero))[0]
        assert (least > 0) == stable
        assert bool(matrices.is_stable(zero)) == stable


def test_energy_is_the_moment_of_the_left_hand_side(equation):
    """dU/dt = ∫ E B(f) ḟ dE for any f and any ḟ: U is a functional of the state alone."""
    _, change = jax.jvp(equation.energy, (DEVIATION,), (RATE,))
    moment = 2 * GRID.step * GRID.energies @ equation.mass_product(DEVIATION, RATE)
    assert abs(moment) > 0.1
    assert change == pytest.approx(float(moment), rel=1e-10)


def test_heat_flow_is_the_moment_of_the_collisions(equation):
    flow = 2 * GRID.step * GRID.energies @ equation.collide(DEVIATION)
    assert equation.heat_flow(DEVIATION) == pytest.approx(float(flow), rel=1e-14)


def test_energy_of_a_small_change_of_temperature_is_the_specific_heat(equation):
    _, deviation = jax.jvp(lambda t: fermi(GRID.energies, t), (jnp.asarray(T0),), (jnp.ones(()),))
    _, change = jax.jvp(equation.energy, (jnp.zeros(GRID.size),), (deviation,))
    closed = np.pi**2 * T0 / 3 * helpers.heat_ratio(OMEGA, COUPLING, T0)
    assert change == pytest.approx(closed, rel=1e-9)


def test_collisions_conserve_particles_on_each_ladder():
    """One Einstein mode moves electrons by ω only: Σ_n I(E + nω) = 0 for each E in [0, ω)."""
    rungs = 12
    grid = EnergyGrid(1.0 / rungs, 16 * rungs)
    equation = KineticEquation.at(EinsteinModes([1.0], [1.0]), 0.4, grid)
    e = grid.energies
    integral = np.asarray(equation.collide(-0.05 * e * jnp.exp(-((e / 0.8) ** 2))))
    whole = np.concatenate([-integral[::-1], [0.0], integral])
    assert abs(whole.sum()) < 1e-15
    ladders = [whole[i::rungs].sum() for i in range(rungs)]
    assert np.max(np.abs(integral)) > 1e-2
    assert np.max(np.abs(ladders)) < 1e-14


@pytest.mark.parametrize("shift", [-1e-4, -1e-6, 1e-6, 1e-4])
def test_positivity_is_judged_alike_with_and_without_matrices(shift):
    """A state whose softest eigenvalue, at a spike of the weight, is just above or below zero."""
    metal, g = example("table1").scaled(1.3), 50.36533199202271 * np.sqrt(1.3)
    equation = KineticEquation.at(metal, 0.18 * g, EnergyGrid(1.0, 250))
    matrices = equation.matrices()
    hot = fermi(equation.energies, 0.198 * g) - equation.equilibrium
    local, window = equation.symmetric_parts(hot)
    values = jnp.linalg.eigvalsh(matrices.symmetric_mass(hot))
    local = local - values[0] + shift
    assert bool(matrices.is_positive(local, window)) == (shift > 0)
    assert bool(equation.is_positive(local, window)) == (shift > 0)


@pytest.mark.parametrize("size", [12, 90, 401])
def test_signs_of_random_matrices_with_and_without_elimination(size):
    """local - √window κ √window with its softest eigenvalue moved near and far from zero."""
    random = np.random.default_rng(size)
    step = 30.0 / size
    equation = KineticEquation.at(
        EinsteinModes([7.0, 11.0], [0.4, 0.6]), 2.0, EnergyGrid(step, size)
    )
    matrices = equation.matrices()
    for spread in (0.0, 0.1, 1.0):
        local = jnp.asarray(1 + spread * random.normal(size=size))
        window = jnp.asarray(random.uniform(-0.2, 1, size)) * equation.minus_slope
        matrix = np.diag(local) - np.sqrt(np.maximum(window, 0))[:, None] * np.asarray(
            equation.exchange.as_matrix()
        ) * np.sqrt(np.maximum(window, 0))
        least = np.linalg.eigvalsh(matrix)[0]
        for shift in (-1.0, -1e-2, -1e-6, 1e-6, 1e-2, 1.0, 100.0):
            moved = local - least + shift
            assert bool(matrices.least_curvature(moved, window) > 0) == (shift > 0)
            assert bool(equation.least_curvature(moved, window) > 0) == (shift > 0)


def test_the_search_for_curvature_ends_where_there_is_nothing_left_to_find():
    """Without coupling B is the identity, and one step of conjugate gradients finds it all."""
    equation = KineticEquation.at(EinsteinModes([20.0], [0.0]), 5.0, EnergyGrid(1.0, 500))
    assert equation.least_curvature(*equation.symmetric_parts(jnp.zeros(500))) == pytest.approx(1)


def test_no_verdict_on_what_is_not_a_number():
    """NaN is neither positive nor a loss of stability, with and without matrices."""
    equation = KineticEquation.at(EinsteinModes([2.0], [0.5]), 1.0, EnergyGrid(0.5, 40))
    for operators in (equation, equation.matrices()):
        local, window = operators.symmetric_parts(jnp.zeros(40))
        for broken in (local.at[7].set(jnp.nan), jnp.full(40, jnp.nan)):
            assert jnp.isnan(operators.least_curvature(broken, window))
        test = Positivity.around(operators, jnp.zeros(40))
        assert not bool(test.lost(jnp.zeros(40)))
        assert not bool(test.lost(jnp.zeros(40).at[3].set(jnp.nan)))


@pytest.mark.parametrize(
    ("name", "hot", "cold"), [("niobium", 60.0, 20.0), ("table1", 700.0, 150.0)]
)
def test_no_wave_of_two_steps_grows_while_hot_electrons_cool(name, hot, cold):
    """The equation linearised about a hot f: its largest eigenvalue is that of a finer grid.

    On the one that is suggested the shifts by a phonon's energy, weighted with e^{E/2T}, must not
    carry so much down from far above E that the drift of energies Σ̇ makes rough waves grow.
    """
    spectrum, cold, hot = example(name), kelvin_to_mev(cold), kelvin_to_mev(hot)

    def largest(step):
        top = float(jnp.max(spectrum.modes()[0]))
        grid = EnergyGrid(step, int(max(14 * hot, top + 10 * hot) / step))
        equation = KineticEquation.at(spectrum, cold, grid)
        matrices = equation.matrices()
        deviation = fermi(grid.energies, hot) - equation.equilibrium
        mass = np.asarray(matrices.mass(deviation))
        rate = np.linalg.solve(mass, np.asarray(matrices.collide(deviation)))
        jacobian = np.asarray(matrices.jacobian(deviation, jnp.asarray(rate)))
        return scipy.linalg.eigvals(jacobian, mass).real.max()

    suggested = float(EnergyGrid.suggest(spectrum, cold, 1e-6, hottest=hot).step)
    assert largest(suggested) == pytest.approx(largest(0.7 * suggested), rel=1e-3)


def products_of_a_system(size, alpha, diagonal_at):
    """Those that αB(f) - ∂I/∂f of electrons four times as hot asks for, preconditioned."""
    spectrum, temperature = example("niobium"), kelvin_to_mev(30.0)
    grid = EnergyGrid(60 * temperature / size, size)
    equation = KineticEquation.at(spectrum, temperature, grid)
    deviation = fermi(grid.energies, 4 * temperature) - equation.equilibrium
    alpha = alpha * equation.phonons.rate[0]
    _, product = jax.linearize(
        lambda v: alpha * equation.mass_product(deviation, v) - equation.collide(deviation + v),
        jnp.zeros(size),
    )
    diagonal = equation.diagonal(diagonal_at * deviation, alpha)
    solution = lx.linear_solve(
        lx.FunctionLinearOperator(product, jax.ShapeDtypeStruct((size,), jnp.float64)),
        equation.collide(deviation),
        GMRES(rtol=1e-9, atol=0.0, restart=60, max_steps=200),
        options={"preconditioner": lx.DiagonalLinearOperator(1 / diagonal)},
    )
    return int(solution.stats["num_steps"])


def test_a_system_asks_for_as_many_products_on_a_finer_grid():
    for alpha in (0.1, 10.0):
        coarse, fine = (products_of_a_system(size, alpha, 1.0) for size in (200, 600))
        assert fine <= coarse + 2
    # Electrons that are hot decay faster than those at f0.
    assert products_of_a_system(200, 0.1, 0.0) > 1.5 * products_of_a_system(200, 0.1, 1.0)
