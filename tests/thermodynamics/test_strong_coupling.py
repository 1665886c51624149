"""The limit of classical phonons against mpmath, SciPy and finite frequencies."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import scipy.optimize

import jaxelph as j
from jaxelph.grids.kernels import coupling_kernel
from jaxelph.kinetics.collisions import PhononCollisions
from jaxelph.thermodynamics import strong_coupling as strong


def weight(temperature, energy):
    """Eq. (41) for g = 1, mpmath."""
    argument = mpmath.mpc(0.5, energy / (2 * np.pi * temperature))
    return 1 - float(mpmath.re(mpmath.psi(2, argument))) / (2 * np.pi * temperature) ** 2


def test_classical_weight():
    energies = np.array([0.0, 0.3, 0.7, 2.0, 30.0])
    got = strong.classical_inverse_weight(1.0, 0.1827, energies)
    assert got == pytest.approx([weight(0.1827, e) for e in energies], rel=1e-13)
    # It is the limit of the weight for ω → 0 at fixed g, from both sides in order ω².
    errors = []
    for omega in (0.04, 0.02):
        spectrum = j.EinsteinModes([omega], [omega**-2])
        full = j.inverse_quasiparticle_weight(spectrum, 0.1827, energies)
        errors.append(np.max(np.abs(full - got)))
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.01)


def test_the_two_zeros():
    low, high = strong.classical_weight_zeros(1.0, 0.1827)
    expected = [
        scipy.optimize.brentq(lambda e: weight(0.1827, e), *bracket, xtol=1e-14)
        for bracket in ((0.1, 0.6), (0.8, 2.0))
    ]
    assert [low, high] == pytest.approx(expected, rel=1e-12)
    assert [low, high] == pytest.approx([0.38983, 1.16060], abs=5e-6)
    # The printed 0.40 and 1.16 are two digits of these; the first is rounded up from 0.39.
    assert float(high) == pytest.approx(1.16, abs=5e-3)
    assert float(low) == pytest.approx(0.40, abs=1.1e-2)


def test_the_two_zeros_scale_and_differentiate():
    def zeros(t):
        return jnp.stack(strong.classical_weight_zeros(1.0, t))

    exact = np.asarray(jax.jit(jax.jacfwd(zeros))(0.2))
    np.testing.assert_allclose(jax.jit(jax.jacrev(zeros))(0.2), exact, rtol=1e-12)
    temperatures = jnp.array([0.05, 0.1, 0.2, 0.298, 0.299, 0.2 - 1e-5, 0.2 + 1e-5])
    many = np.asarray(jax.jit(jax.vmap(zeros))(temperatures))
    np.testing.assert_allclose((many[6] - many[5]) / 2e-5, exact, rtol=1e-7)
    scaled = jnp.stack(strong.classical_weight_zeros(50.0, 10.0))
    np.testing.assert_allclose(scaled, 50 * many[2], rtol=1e-12)
    assert np.all(np.isfinite(many[:4])) and np.all(np.isnan(many[4]))
    # E₂ → g as T → 0: there Z0⁻¹ = 1 - g²/E².
    assert many[0, 1] == pytest.approx(1.0, abs=0.05)


def test_thresholds():
    best = scipy.optimize.minimize_scalar(
        lambda x: -float(mpmath.re(mpmath.psi(2, mpmath.mpc(0.5, x)))),
        bounds=(0.3, 1.2),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert strong.classical_weight_threshold() == pytest.approx(
        np.sqrt(-best.fun) / (2 * np.pi), rel=1e-12
    )
    assert strong.classical_weight_threshold() == pytest.approx(0.29851, abs=5e-6)
    edge = np.sqrt(1.5) / np.pi
    assert edge == pytest.approx(0.38985, abs=5e-6)
    assert strong.classical_heat_ratio(1.0, edge) == pytest.approx(0, abs=1e-14)
    spectrum = j.EinsteinModes([0.01], [1e4])
    assert j.specific_heat_ratio(spectrum, 0.5) == pytest.approx(
        float(strong.classical_heat_ratio(1.0, 0.5)), abs=1e-4
    )


def test_the_range_is_wider_than_the_uncertainty():
    low, high = strong.classical_weight_zeros(1.0, 0.1827)
    assert strong.energy_uncertainty(1.0, 0.1827) == pytest.approx(0.1827 ** (1 / 3))
    assert high - low > strong.energy_uncertainty(1.0, 0.1827)


def test_classical_kernel_is_the_limit():
    grid = j.EnergyGrid(0.1, 60)
    limit = strong.classical_coupling_kernel(1.0, grid)
    errors = [
        np.max(np.abs(coupling_kernel(j.EinsteinModes([w], [w**-2]), grid) - limit))
        for w in (0.004, 0.002)
    ]
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.01)


def test_classical_collisions_are_the_limit():
    grid = j.EnergyGrid(0.05, 300)
    hot = j.fermi(grid.energies, 0.27) - j.fermi(grid.energies, 0.25)
    limit = strong.ClassicalCollisions(1.0, 0.25, grid).integral(hot)
    errors = []
    for omega in (0.04, 0.02):
        spectrum = j.EinsteinModes([omega], [omega**-2])
        full = PhononCollisions.at(spectrum, 0.25, grid).integral(hot)
        errors.append(np.max(np.abs(full - limit)))
    assert errors[0] < 5e-3 * np.max(np.abs(limit))
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.01)


def test_classical_collisions_by_differentiation():
    """g² d/dE [T0 f' + f(1-f)] of a Fermi function at another temperature, by mpmath."""
    grid, t0, t = j.EnergyGrid(0.05, 300), 0.25, 0.3

    def flux(e):
        f = 1 / (mpmath.exp(e / t) + 1)
        return (1 - t0 / t) * f * (1 - f)

    hot = j.fermi(grid.energies, t) - j.fermi(grid.energies, t0)
    got = strong.ClassicalCollisions(2.0, t0, grid).integral(hot)
    for i in (0, 5, 30):
        expected = 4 * mpmath.diff(flux, float(grid.energies[i]))
        assert got[i] == pytest.approx(float(expected), rel=1e-10)


def test_the_classical_form_is_unbounded_below():
    values = [float(strong.classical_margin(1.0, 1.0, j.EnergyGrid(e, int(20 / e)))) for e in (
        0.1, 0.05)]  # fmt: skip
    assert values[1] < values[0] < 0
    # -π²/4Tε, reached as the mode narrows.
    slope = (values[1] - values[0]) / (1 / 0.05 - 1 / 0.1)
    assert slope == pytest.approx(-(np.pi**2) / 4, rel=0.05)


def test_kinetic_threshold_at_high_temperature():
    """λ_c(kinetic) grows as 4T/max κ̂ while weight and heat grow as T²."""
    peak = j.GaussianPeaks([1.0], [0.1], [1.0])
    symbol = float(jnp.max(strong.coupling_symbol(peak, jnp.linspace(0.5, 3.0, 501))))
    found = []
    for temperature in (8.0, 16.0):
        grid = j.EnergyGrid(1.0, int(20 * temperature))
        found.append(float(j.critical_coupling(peak, temperature, grid=grid)))
    assert (found[1] - found[0]) / 8 == pytest.approx(4 / symbol, rel=0.02)
    for criterion in ("weight", "heat"):
        bounds = [float(j.critical_coupling(peak, t, criterion=criterion)) for t in (8.0, 16.0)]
        assert bounds[1] / bounds[0] == pytest.approx(4.0, rel=0.01)
        assert bounds[1] > 10 * found[1]


def test_symbol():
    q = np.array([0.0, 0.3, -0.3, 2.0])
    modes = j.EinsteinModes([1.0, 2.0], [0.5, 0.25])
    expected = np.pi * (0.5 * np.sin(np.abs(q)) + 0.5 * np.sin(2 * np.abs(q)))
    assert strong.coupling_symbol(modes, q) == pytest.approx(expected, rel=1e-14)
