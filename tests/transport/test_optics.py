"""Optical conductivity: sum rules, causality, its limits, and a dense sum over energies."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxelph as jx
from jaxelph.transport import (
    extended_drude,
    optical_conductivity,
    optical_rate,
    permittivity,
    reflectivity,
)

MODES = jx.EinsteinModes([1.0, 1.7], [0.5, 0.8])
PEAKS = jx.GaussianPeaks([2.0, 5.0], [0.3, 0.8], [1.5, 0.4])


def dense(spectrum, t, light, gamma):
    """4πσ/iω_p² by the trapezoidal rule, which for functions analytic in a strip is exact."""
    step = t / 20
    energy = np.arange(-light - 45 * t, 45 * t, step)
    upper = np.asarray(jx.self_energy(spectrum, t, energy + light))
    lower = np.asarray(jx.self_energy(spectrum, t, energy))
    occupied = 0.5 * (np.tanh((energy + light) / 2 / t) - np.tanh(energy / 2 / t))
    return np.sum(occupied / (light - upper + lower.conj() + 1j * gamma)) * step / light


@pytest.mark.parametrize("spectrum", [MODES, pytest.param(PEAKS, marks=pytest.mark.slow)])
@pytest.mark.parametrize("t, light, gamma", [(0.03, 2.1, 0.0), (0.2, 0.01, 0.1), (1.0, 12.0, 0.0)])
def test_against_a_dense_sum(spectrum, t, light, gamma):
    found = optical_conductivity(spectrum, t, light, plasma=3.0, impurity=gamma)
    expected = 1j * 9 / (4 * np.pi) * dense(spectrum, t, light, gamma)
    assert abs(complex(found) / expected - 1) < 1e-10


def panels(edges):
    node, weight = np.polynomial.legendre.leggauss(24)
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    return (middle[:, None] + half[:, None] * node).ravel(), (half[:, None] * weight).ravel()


@pytest.mark.slow
@pytest.mark.parametrize("spectrum, t", [(MODES, 0.4), (PEAKS, 1.0)])
def test_sum_rule_and_causality(spectrum, t):
    """∫σ₁dΩ = ω_p²/8, and σ₂(Ω) = (2Ω/π) P∫σ₁(x)/(Ω² - x²) dx."""
    edges = np.append(np.linspace(0, 24, 25), 24 * 2.0 ** np.arange(1, 14))
    x, dx = panels(edges)
    impurity = 0.2
    sigma = np.asarray(optical_conductivity(spectrum, t, x, plasma=3.0, impurity=impurity)).real
    # Beyond the last Ω 1/τ is what it is at infinity.
    omega, coupling = spectrum.modes()
    everything = np.pi * float(jnp.sum(coupling * omega / jnp.tanh(omega / 2 / t))) + impurity
    tail = 9 / (4 * np.pi) * everything / edges[-1]
    assert sigma @ dx + tail == pytest.approx(9 / 8, rel=1e-7)
    for light in (1.0, 3.0, 14.0):
        at = complex(optical_conductivity(spectrum, t, light, plasma=3.0, impurity=impurity))
        # P∫dx/(Ω² - x²) = 0 takes the pole away.
        inside = np.sum((sigma - at.real) / (light**2 - x**2) * dx)
        rest = at.real * np.log((edges[-1] + light) / (edges[-1] - light)) / (2 * light)
        assert 2 * light / np.pi * (inside + rest) == pytest.approx(at.imag, rel=1e-7)


def test_drude_without_phonons():
    light = np.array([0.0, 0.01, 1.0, 300.0])
    found = optical_conductivity(MODES.scaled(0.0), 0.1, light, plasma=2.0, impurity=0.3)
    np.testing.assert_allclose(found, 4 / (4 * np.pi) / (0.3 - 1j * light), rtol=1e-13)
    found = optical_conductivity(MODES, 0.1, np.array([0.5, -0.5]), plasma=2.0)
    assert complex(found[1]) == complex(found[0]).conjugate()


@pytest.mark.slow
def test_weak_coupling_is_shulga():
    light = np.array([0.2, 0.9, 1.3, 6.0, 80.0])
    for spectrum in (MODES, PEAKS):
        rate, mass = extended_drude(spectrum.scaled(1e-8), 0.2, light)
        np.testing.assert_allclose(rate, 1e-8 * optical_rate(spectrum, 0.2, light), rtol=2e-6)
        np.testing.assert_allclose(mass, 1.0, rtol=1e-7)


@pytest.mark.slow
def test_steady_current_of_weak_coupling():
    """At Ω = 0 each energy has its own rate: 1/τ is the mean of its inverse's inverse."""
    t = 0.3
    rate, _ = extended_drude(MODES, t, 0.0)
    energy = np.linspace(-40 * t, 40 * t, 4001)
    weight = 1 / (4 * t * np.cosh(energy / 2 / t) ** 2) * (energy[1] - energy[0])
    scattering = -2 * np.asarray(jx.self_energy(MODES, t, energy)).imag
    found = complex(optical_conductivity(MODES, t, 0.0, plasma=1.0))
    assert found.real == pytest.approx(np.sum(weight / scattering) / (4 * np.pi), rel=1e-10)
    assert float(rate) == pytest.approx(1 / np.sum(weight / scattering), rel=1e-9)


@pytest.mark.slow
def test_mass_tends_to_one_and_lambda():
    for spectrum, coupling in ((MODES, 1.3), (PEAKS, 1.9)):
        off = [float(extended_drude(spectrum, t, 0.0)[1]) - 1 - coupling for t in (0.02, 0.01)]
        # As T² does.
        assert abs(off[1]) < 3e-3 and off[0] / off[1] == pytest.approx(4, rel=0.05)
        assert float(extended_drude(spectrum, 0.01, 1e3)[1]) == pytest.approx(1, abs=1e-3)


@pytest.mark.slow
def test_reflectivity():
    light = np.array([0.0, 0.3, 2.0, 9.0, 40.0])
    found = np.asarray(reflectivity(MODES, 0.2, light, plasma=20.0, background=4.0))
    sigma = optical_conductivity(MODES, 0.2, light[1:], plasma=20.0)
    index = np.sqrt(np.asarray(permittivity(sigma, light[1:], 4.0)))
    np.testing.assert_allclose(found[1:], abs((index - 1) / (index + 1)) ** 2, rtol=1e-12)
    assert found[0] == 1
    # Far above the plasma edge the bound charges are left.
    assert float(reflectivity(MODES, 0.2, 1e5, plasma=20.0, background=4.0)) == pytest.approx(1 / 9)


@pytest.mark.slow
def test_derivatives_where_light_has_no_frequency():
    """At Ω = 0, where the window and the mass are limits; elsewhere see test_transformations."""

    def total(s, t, light):
        rate, mass = extended_drude(s, t, light)
        return jnp.sum(rate + mass)

    slopes = jax.jit(jax.grad(total, (0, 1, 2)))(MODES, jnp.asarray(0.3), jnp.array([0.0, 1.0]))
    assert all(bool(jnp.all(jnp.isfinite(x))) for x in jax.tree.leaves(slopes))


def test_refusals():
    with pytest.raises(ValueError, match="temperature must be positive, got 0"):
        optical_conductivity(MODES, 0.0, 1.0, plasma=1.0)
    with pytest.raises(ValueError, match="plasma must be positive"):
        optical_conductivity(MODES, 1.0, 1.0, plasma=-1.0)
    with pytest.raises(ValueError, match="impurity must not be negative"):
        extended_drude(MODES, 1.0, 1.0, impurity=-1.0)
    with pytest.raises(ValueError, match="frequency must be finite"):
        reflectivity(MODES, 1.0, np.inf, plasma=1.0)
