"""M̃ as a sum of squares, and the kinetic equation whose linear part it is."""

import helpers
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph import (
    EinsteinModes,
    ElectronCollisions,
    EnergyGrid,
    KineticEquation,
    disordered_kernel,
    stability_pencil,
)
from jaxelph.stability.dissipation import PhononDissipation

OMEGA, COUPLING = np.array([1.0, 0.7751]), np.array([0.3, 0.2])
MODES = EinsteinModes(OMEGA, COUPLING)


def off_lattice(temperature, size=None):
    """A step that no frequency is a multiple of."""
    step = temperature / 2.17
    return EnergyGrid(step, size or int((1.5 + 25 * temperature) / step))


def on_lattice(temperature, size=None):
    """Of both frequencies of the modes 1 and 3/4."""
    step = 0.25 / np.ceil(0.25 * 2.17 / temperature)
    return EnergyGrid(step, size or int((1.5 + 25 * temperature) / step))


@pytest.mark.parametrize("temperature", [0.05, 0.25, 2.0])
def test_three_places_between_points_are_the_sum_of_squares(temperature):
    """To rounding, although no shift by ω_k appears in them."""
    grid = off_lattice(temperature)
    matrix = np.asarray(PhononDissipation.at(MODES, temperature, grid).as_matrix())
    expected = helpers.sum_of_squares(OMEGA, COUPLING, temperature, float(grid.step), grid.size)
    np.testing.assert_allclose(matrix, expected, rtol=0, atol=1e-13 * np.abs(expected).max())
    np.testing.assert_allclose(matrix, matrix.T, rtol=0, atol=1e-15 * np.abs(expected).max())


def test_products_and_diagonal_are_those_of_the_matrix():
    part = PhononDissipation.at(MODES, 0.25, off_lattice(0.25))
    matrix = np.asarray(part.as_matrix())
    psi = np.random.default_rng(0).normal(size=part.size)
    np.testing.assert_allclose(part.mv(jnp.asarray(psi)), matrix @ psi, rtol=0, atol=1e-14)
    np.testing.assert_allclose(part.diagonal, np.diag(matrix), rtol=0, atol=1e-14)


def test_on_the_lattice_it_is_rate_less_transfer():
    """Γ - C* by NumPy with plain shifts."""
    omega, grid = np.array([1.0, 0.75]), on_lattice(0.2)
    part = PhononDissipation.at(EinsteinModes(omega, COUPLING), 0.2, grid)
    expected = helpers.pencil(omega, COUPLING, 0.2, float(grid.step), grid.size)[1]
    np.testing.assert_allclose(part.as_matrix(), expected, rtol=0, atol=1e-14)
    assert np.max(np.abs(part.between)) < 1e-14


TEMPERATURES = [1 / 40, 1 / 11, 0.25, 1.0, 10.0]
SIZE = on_lattice(min(TEMPERATURES)).size  # one for all, so that it is compiled once


@jax.jit
def linearised(modes, temperature, grid, rough):
    """M̃, Ã, h; the Jacobian and B(f0) as matrices; by transforms ∂I/∂f and B(f0)hψ."""
    pencil = stability_pencil(modes, temperature, grid)
    equation = KineticEquation.at(modes, temperature, grid)
    matrices, zero = equation.matrices(), jnp.zeros(grid.size)
    free = jax.jacfwd(equation.collide)(zero)
    left = equation.mass_product(zero, pencil.window * rough)
    dense = matrices.jacobian(zero, zero), matrices.mass(zero)
    return pencil.M, pencil.A, pencil.window, *dense, free, left


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("lattice", [False, True])
def test_linearised_equation_is_the_pencil(temperature, lattice):
    """∂I/∂f = -hM̃h⁻¹ and B(f0) = hÃh⁻¹, element by element; by transforms as operators on ψ."""
    grid = on_lattice(temperature, SIZE) if lattice else off_lattice(temperature, SIZE)
    modes = EinsteinModes([1.0, 0.75], COUPLING) if lattice else MODES
    rough = np.random.default_rng(1).normal(size=grid.size)
    M, A, h, jacobian, mass, free, left = map(
        np.asarray, linearised(modes, temperature, grid, rough)
    )
    scale = np.abs(M).max()
    jacobian = jacobian * h[None, :] / h[:, None]
    np.testing.assert_allclose(jacobian, -M, rtol=0, atol=1e-12 * scale)
    mass = mass * h[None, :] / h[:, None]
    np.testing.assert_allclose(mass, A, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        free * h[None, :], -h[:, None] * M, rtol=0, atol=1e-12 * scale * h[0]
    )
    np.testing.assert_allclose(left, h * (A @ rough), rtol=0, atol=1e-12 * h[0])
    # No mode grows in collisions, whatever the grid.
    assert np.linalg.eigvalsh(M)[0] > -1e-14 * scale


def test_linearised_equation_with_collisions_of_electrons():
    temperature, grid = 0.25, EnergyGrid(0.11, 70)
    electrons = ElectronCollisions(grid, disordered_kernel(grid, 0.1, 1))
    equation = KineticEquation.at(MODES, temperature, grid, electrons)
    extra = electrons.linearised(temperature)
    pencil = stability_pencil(MODES, temperature, grid, electrons=extra)
    zero, h, M = jnp.zeros(grid.size), np.asarray(pencil.window), np.asarray(pencil.M)
    jacobian = np.asarray(equation.matrices().jacobian(zero, zero)) * h[None, :] / h[:, None]
    np.testing.assert_allclose(jacobian, -M, rtol=0, atol=1e-12 * np.abs(M).max())
    free = np.asarray(jax.jit(jax.jacfwd(equation.collide))(zero)) * h[None, :]
    np.testing.assert_allclose(free, -h[:, None] * M, rtol=0, atol=1e-12 * h[0] * np.abs(M).max())


@pytest.mark.parametrize("heated", [0.5, 3.0, 30.0])
def test_hot_and_cold_electrons_collide_as_defined(heated):
    """The integral's definition in NumPy, shifts in closed form, far from f0(T0)."""
    temperature = 0.2
    hot = heated * temperature
    grid = EnergyGrid(0.43 * min(hot, temperature), int((1.5 + 36 * max(hot, temperature)) / 0.043))
    e = np.asarray(grid.energies)
    got = KineticEquation.at(MODES, temperature, grid).collide(
        jnp.asarray(helpers.fermi(e, hot) - helpers.fermi(e, temperature))
    )
    expected = 0.0
    for w, c in zip(OMEGA, COUPLING, strict=True):
        n = 1 / np.expm1(w / temperature)
        here, up, down = (helpers.fermi(x, hot) for x in (e, e + w, e - w))
        expected = expected + c * w * (n * (up + down - 2 * here) - here * (up - down) + up - here)
    assert np.max(np.abs(expected)) > 1e-3
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9)
