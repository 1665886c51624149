"""Collision integrals against brute force, closed forms and conservation laws."""

import helpers
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg

from jaxelph import (
    EinsteinModes,
    ElectronCollisions,
    EnergyGrid,
    GaussianPeaks,
    PhononCollisions,
    allen_rate,
    disordered_kernel,
    fermi,
    stability_pencil,
    thermal_window,
    two_temperature_rate,
)

OMEGA, COUPLING = np.array([1.3, 2.71]), np.array([0.6, 0.9])
MODES = EinsteinModes(OMEGA, COUPLING)
T0 = 1.0
GRID = EnergyGrid(0.4, 96)


def bump(energies):
    """A smooth odd deviation that is no Fermi function."""
    return -0.02 * energies * np.exp(-((energies / 2) ** 2)) + 0.01 * energies * np.exp(
        -((energies / 3.5) ** 2)
    )


def phonon_integral_directly(f, energies, temperature):
    """Supplement Eq. (30) for a function f of any energy."""
    total = 0.0
    for w, c in zip(OMEGA, COUPLING, strict=True):
        n = 1 / np.expm1(w / temperature)
        here, up, down = f(energies), f(energies + w), f(energies - w)
        total = total + c * w * (n * (up + down - 2 * here) - here * (up - down) + up - here)
    return total


def electron_integral_directly(f, step, kernel):
    """Supplement Eqs. (25)-(26): every pair of collisions on i = -L…L, one at a time."""
    size = (len(f) - 1) // 2
    total = np.zeros(len(f))
    for i in range(-size, size + 1):
        for j in range(-size, size + 1):
            for n in range(-2 * size, 2 * size + 1):
                if n == 0 or abs(i + n) > size or abs(j + n) > size:
                    continue
                a, b, c, d = (f[k + size] for k in (i, j, i + n, j + n))
                rate = c * b * (1 - a) * (1 - d) - a * d * (1 - c) * (1 - b)
                total[i + size] += step**2 * kernel[abs(n) - 1] * rate
    return total


def test_phonon_integral_equals_its_definition_off_the_lattice():
    e = np.asarray(GRID.energies)
    expected = phonon_integral_directly(lambda x: helpers.fermi(x, T0) + bump(x), e, T0)
    got = PhononCollisions.at(MODES, T0, GRID).integral(jnp.asarray(bump(e)))
    assert np.max(np.abs(expected)) > 1e-2
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-10)


def test_equilibrium_does_not_collide():
    got = PhononCollisions.at(MODES, T0, GRID).integral(jnp.zeros(GRID.size))
    assert np.all(got == 0)
    directly = phonon_integral_directly(lambda x: helpers.fermi(x, T0), GRID.energies, T0)
    assert np.max(np.abs(directly)) < 1e-14


def test_linearised_phonon_integral():
    collisions = PhononCollisions.at(MODES, T0, GRID)
    autodiff = -jax.jacfwd(collisions.integral)(jnp.zeros(GRID.size))
    np.testing.assert_allclose(collisions.linearised(), autodiff, rtol=0, atol=1e-12)


def test_linearised_phonon_integral_is_that_of_the_pencil():
    modes = EinsteinModes(np.array([2.0, 3.0]), COUPLING)
    grid = EnergyGrid(0.5, 60)
    matrix = PhononCollisions.at(modes, T0, grid).linearised()
    h = thermal_window(grid.energies, T0)
    # The identity Γ = … cancels to rounding times f0' at the cutoff: compare where h is not tiny.
    symmetric = matrix * h[None, :] / h[:, None]
    n = 30
    expected = stability_pencil(modes, T0, grid).M
    np.testing.assert_allclose(symmetric[:n, :n], expected[:n, :n], rtol=0, atol=1e-9)
    # As operators on distributions the two agree everywhere.
    np.testing.assert_allclose(matrix * h[None, :], h[:, None] * expected, rtol=0, atol=1e-14)


def test_pencil_of_phonons_is_symmetric_and_positive():
    matrix = np.asarray(stability_pencil(MODES, T0, GRID).M)
    np.testing.assert_allclose(matrix, matrix.T, rtol=0, atol=1e-14)
    assert np.linalg.eigvalsh(matrix)[0] > 0


@pytest.mark.parametrize("temperature", [0.8, 1.5, 4.0])
def test_heat_flow_at_the_two_temperature_rate(temperature):
    grid = EnergyGrid(0.3 * temperature, 140)
    collisions = PhononCollisions.at(MODES, temperature, grid)
    _, deviation = jax.jvp(
        lambda t: fermi(grid.energies, t), (jnp.asarray(temperature),), (jnp.ones(()),)
    )
    _, flow = jax.jvp(collisions.integral, (jnp.zeros(grid.size),), (deviation,))
    n = 1 / np.expm1(OMEGA / temperature)
    closed = np.sum(COUPLING * OMEGA**4 * n * (n + 1)) / temperature**2
    assert -2 * grid.step * grid.energies @ flow == pytest.approx(closed, rel=1e-9)
    heat = np.pi**2 * temperature / 3 * helpers.heat_ratio(OMEGA, COUPLING, temperature)
    assert closed / heat == pytest.approx(float(two_temperature_rate(MODES, temperature)), rel=1e-9)


def test_two_temperature_rate_tends_to_allens():
    for temperature, tolerance in ((30.0, 1e-2), (300.0, 1e-4)):
        rate = np.pi * two_temperature_rate(MODES, temperature)
        assert rate == pytest.approx(float(allen_rate(MODES, temperature)), rel=tolerance)


SMALL = EnergyGrid(0.7, 9)


def test_electron_integral_equals_its_definition():
    rng = np.random.default_rng(0)
    f = rng.uniform(0, 1, SMALL.size)
    kernel = np.asarray(disordered_kernel(SMALL, 0.3, 1))
    whole = np.concatenate([1 - f[::-1], [0.5], f])
    expected = electron_integral_directly(whole, 0.7, kernel)
    got = ElectronCollisions(SMALL, jnp.asarray(kernel)).integral(jnp.asarray(f))
    np.testing.assert_allclose(got, expected[SMALL.size + 1 :], rtol=0, atol=1e-13)
    # Particle-hole symmetry of the whole, number and energy conserved for any f.
    np.testing.assert_allclose(expected, -expected[::-1], rtol=0, atol=1e-13)
    assert abs(SMALL.energies @ got) < 1e-12 * np.sum(np.abs(SMALL.energies * got))


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_electrons_rest_at_every_temperature(dimension):
    collisions = ElectronCollisions(GRID, disordered_kernel(GRID, 0.2, dimension))
    scale = jnp.max(jnp.abs(collisions.integral(fermi(GRID.energies, 1.0) * 0.9)))
    for temperature in (0.5, 1.0, 3.0):
        rest = collisions.integral(fermi(GRID.energies, temperature))
        assert jnp.max(jnp.abs(rest)) < 1e-14 * max(1, scale)


def test_electron_collisions_linearised():
    grid = EnergyGrid(0.5, 40)
    collisions = ElectronCollisions(grid, disordered_kernel(grid, 0.2, 2))
    matrix = collisions.linearised(T0)
    h = thermal_window(grid.energies, T0)
    autodiff = -collisions.jacobian(fermi(grid.energies, T0))
    np.testing.assert_allclose(h[:, None] * matrix, autodiff * h[None, :], rtol=0, atol=1e-13)
    symmetric = autodiff * h[None, :] / h[:, None]
    np.testing.assert_allclose(matrix[:20, :20], symmetric[:20, :20], rtol=0, atol=1e-10)
    np.testing.assert_allclose(matrix, matrix.T, rtol=0, atol=1e-15)
    values, vectors = np.linalg.eigh(matrix)
    assert values[0] > -1e-14 and values[1] > 1e-6
    trial = h * grid.energies
    assert abs(vectors[:, 0] @ trial) == pytest.approx(float(jnp.linalg.norm(trial)), rel=1e-10)


def test_electron_collisions_speed_every_mode():
    grid = EnergyGrid(0.4, 90)
    collisions = ElectronCollisions(grid, disordered_kernel(grid, 0.05))
    alone = stability_pencil(MODES, T0, grid)
    both = stability_pencil(MODES, T0, grid, electrons=collisions.linearised(T0))
    psi = jnp.cos(grid.energies)
    np.testing.assert_allclose(both.multiply_M(psi), both.M @ psi, rtol=0, atol=1e-12)
    before, after = (scipy.linalg.eigh(p.M, p.A, eigvals_only=True) for p in (alone, both))
    assert np.all(after >= before * (1 - 1e-10))
    # Electrons keep their energy: the heat flow to the phonons does not change.
    assert both.energy_form()[1] == pytest.approx(float(alone.energy_form()[1]), rel=1e-12)


def test_broad_spectrum_collides_as_its_modes():
    spectrum = GaussianPeaks([2.0], [0.3], [1.0])
    omega, coupling = spectrum.modes()
    deviation = jnp.asarray(bump(np.asarray(GRID.energies)))
    broad = PhononCollisions.at(spectrum, T0, GRID).integral(deviation)
    modes = PhononCollisions.at(EinsteinModes(omega, coupling), T0, GRID).integral(deviation)
    np.testing.assert_allclose(broad, modes, rtol=0, atol=1e-13)


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("step", [0.3, 0.8])
def test_singular_kernel_is_integrated_exactly(dimension, step):
    """∫P u by SciPy's adaptive rule with the singularity as its weight, u smooth and u(0) = 0."""
    grid = EnergyGrid(step, 60)
    kernel = disordered_kernel(grid, 0.3, dimension)
    transfer = step * np.arange(1, 121)
    got = 2 * step * kernel @ (transfer**2 * np.exp(-(transfer**2) / 9))
    power = dimension / 2 - 2
    expected = scipy.integrate.quad(
        lambda w: w * np.exp(-(w**2) / 9), 0, 30, weight="alg", wvar=(power + 1, 0), limit=200
    )[0]
    assert got == pytest.approx(2 * 0.3 * expected, rel=1e-11)
    assert np.all(np.asarray(kernel) > 0)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_electron_collisions_do_not_depend_on_the_step(dimension):
    """I_ee at 0.4 T against 0.2 T where the two grids share energies."""

    def integral(step, size):
        grid = EnergyGrid(step, size)
        collisions = ElectronCollisions(grid, disordered_kernel(grid, 0.2, dimension))
        e = grid.energies
        return np.asarray(collisions.integral(0.5 * (fermi(e, 1.0) + fermi(e, 1.6))))

    coarse, fine = integral(0.4, 100), integral(0.2, 200)[1::2]
    assert np.max(np.abs(fine)) > 1e-3
    np.testing.assert_allclose(coarse, fine, rtol=0, atol=1e-9)


def test_misuse():
    with pytest.raises(ValueError, match="kernel must hold P at ω = ε…2Lε, 18 values"):
        ElectronCollisions(SMALL, jnp.ones(9))
    with pytest.raises(ValueError, match="dimension must be 1, 2 or 3, got 4"):
        disordered_kernel(SMALL, 1.0, 4)
