"""Heat current: Bloch's closed form, bounds, limits, and a dense route of NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import constants
from scipy.integrate import quad

import jaxelph as jx
from jaxelph.transport import (
    boltzmann_rates,
    heat_rate,
    lorenz_ratio,
    resistivity_rate,
    thermal_conductivity,
)
from jaxelph.units import kelvin_to_mev

MODES = jx.EinsteinModes([1.0, 1.7], [0.5, 0.8])
PEAK = jx.GaussianPeaks([2.0], [0.6], [1.0])


def test_bloch():
    """1/τ_κ = (1/τ)[1 + (3/π²)(k_F/q_D)²(Θ/T)² - J7/(2π²J5)] of free electrons, Debye phonons."""
    node, weight = np.polynomial.legendre.leggauss(120)
    x, dx = (node + 1) / 2, weight / 2
    theta, ratio = 30.0, 2 ** (-1 / 3)  # k_F/q_D of one electron an atom
    transport = jx.EinsteinModes(theta * x, 2 * x**3 * dx)  # α²_tr F = (ω/Θ)⁴
    every = jx.EinsteinModes(theta * x, 2 * x**3 * dx * 2 * (ratio / x) ** 2)
    for t in (theta / 40, theta / 5, theta, 20 * theta):
        j5, j7 = (
            quad(lambda z, n=n: z**n / (4 * np.sinh(z / 2) ** 2), 0, min(theta / t, 90))[0]
            for n in (5, 7)
        )
        law = 1 + 3 / np.pi**2 * (ratio * theta / t) ** 2 - j7 / (2 * np.pi**2 * j5)
        found = heat_rate(transport, t, every) / resistivity_rate(transport, t)
        assert float(found) == pytest.approx(law, rel=1e-9)


def test_hot_metals_obey_wiedemann_and_franz():
    for spectrum in (MODES, PEAK):
        t = 1e3
        assert float(lorenz_ratio(spectrum, t)) == pytest.approx(1, abs=1e-5)
        charge, heat = boltzmann_rates(spectrum, 100.0, jx.EnergyGrid(30.0, 120))
        assert float(charge / heat) == pytest.approx(1, abs=1e-3)
        assert float(charge) == pytest.approx(float(resistivity_rate(spectrum, 100.0)), rel=1e-4)


def dense(a2f, transport, t, count):
    """The same equation by the trapezoidal rule, Γ from detailed balance, for smooth spectra."""
    energy = np.linspace(-40 * t, 40 * t, count)
    apart = np.abs(energy[:, None] - energy[None, :])
    apart = np.where(apart == 0, 1.0, apart)
    thermal = 2 / (2 * np.sinh(apart / 2 / t)) * (energy[1] - energy[0])
    np.fill_diagonal(thermal, 0.0)
    h = 1 / np.cosh(energy / 2 / t)
    out, inward = thermal * a2f(apart), thermal * (a2f(apart) - transport(apart))
    matrix = np.diag(out @ h / h) - inward
    sources = np.stack([h, h * energy], axis=1)
    answers = np.linalg.solve(matrix, sources)
    return np.pi * np.sum(sources**2, axis=0) / np.sum(sources * answers, axis=0)


@pytest.mark.slow
def test_against_a_dense_route():
    def a2f(w):
        return np.asarray(PEAK.a2f(jnp.asarray(w.ravel()))).reshape(w.shape)

    for t in (0.2, 1.0):
        a, b, c = (dense(a2f, lambda w: 0.3 * a2f(w), t, n) for n in (401, 801, 1601))
        # α²F/sinh is as |s| at s = 0: the rule's error is a series in the step's square.
        expected = (64 * c - 20 * b + a) / 45
        found = np.array(boltzmann_rates(PEAK.scaled(0.3), t, scattering=PEAK))
        np.testing.assert_allclose(found, expected, rtol=1e-7)
        # What the lowest order bounds.
        assert found[0] < float(resistivity_rate(PEAK.scaled(0.3), t))
        assert found[1] < float(heat_rate(PEAK.scaled(0.3), t, PEAK))


def test_without_scattering_back_each_energy_has_its_rate():
    t = 0.3
    charge, heat = boltzmann_rates(MODES, t)
    energy = np.linspace(-40 * t, 40 * t, 4001)
    weight = 1 / np.cosh(energy / 2 / t) ** 2
    rate = np.pi * np.asarray(jx.scattering_rate(MODES, t, energy))
    assert float(charge) == pytest.approx(np.sum(weight) / np.sum(weight / rate), rel=1e-9)
    weight = weight * energy**2
    assert float(heat) == pytest.approx(np.sum(weight) / np.sum(weight / rate), rel=1e-9)
    # That is what the static limit of the optical conductivity is, too.
    steady = float(jx.transport.extended_drude(MODES, t, 0.0)[0])
    assert float(charge) == pytest.approx(steady, rel=1e-9)


@pytest.mark.slow
def test_composes():
    def total(omega, coupling, t):
        s = jx.EinsteinModes(omega, coupling)
        rates = boltzmann_rates(s, t, jx.EnergyGrid(0.1, 60), scattering=s.scaled(2.0))
        return heat_rate(s, t, s.scaled(2.0)) + lorenz_ratio(s, t) + rates[0] + rates[1]

    point = (MODES.omega, MODES.coupling, jnp.asarray(0.4))
    slopes = jax.jit(jax.grad(total, (0, 1, 2)))(*point)
    many = jax.jit(jax.vmap(total, (None, None, 0)))
    step = 1e-4
    up, down, half_up, half_down = many(*point[:2], 0.4 + step * np.array([1, -1, 0.5, -0.5]))
    slope = (4 * (half_up - half_down) / step - (up - down) / (2 * step)) / 3
    assert float(slopes[2]) == pytest.approx(float(slope), rel=1e-6)
    assert all(bool(jnp.all(jnp.isfinite(x))) for x in slopes)
    assert float(heat_rate(MODES, 0.0)) == 0
    assert bool(jnp.isfinite(jax.grad(lambda t: heat_rate(MODES, t))(0.0)))


def test_thermal_conductivity_worked_by_hand():
    """κ = (1/3)C_el v²τ_κ is L0 T ε0 ω_p² τ_κ."""
    kelvin, plasma = 1000.0, 9.0
    t = float(kelvin_to_mev(kelvin))
    per_second = float(heat_rate(MODES, t)) * 1e-3 * constants.electron_volt / constants.hbar
    omega = plasma * constants.electron_volt / constants.hbar
    lorenz = np.pi**2 / 3 * (constants.k / constants.e) ** 2
    expected = lorenz * kelvin * constants.epsilon_0 * omega**2 / per_second
    found = float(thermal_conductivity(MODES, t, plasma=plasma))
    assert found == pytest.approx(expected, rel=1e-9)
    impure = float(thermal_conductivity(MODES, t, plasma=plasma, residual=1e6))
    assert impure == pytest.approx(lorenz * kelvin / 1e-2, rel=1e-4)


def test_refusals():
    with pytest.raises(ValueError, match="temperature must be positive"):
        boltzmann_rates(MODES, 0.0)
    with pytest.raises(ValueError, match="scattering must be an Eliashberg function"):
        heat_rate(MODES, 1.0, 3.0)
