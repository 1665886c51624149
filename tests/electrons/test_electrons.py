"""Electrons in equilibrium against mpmath, sum rules and limits."""

import helpers
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from jaxelph import (
    EinsteinModes,
    GaussianPeaks,
    bose,
    fermi,
    inverse_quasiparticle_weight,
    minimum_weight,
    scattering_rate,
    self_energy,
    spectral_function,
    thermal_window,
)

OMEGA, COUPLING, T = np.array([1.3, 2.71]), np.array([0.6, 0.9]), 0.4
MODES = EinsteinModes(OMEGA, COUPLING)
ENERGIES = np.array([-3.0, 0.0, 0.7, 2.0, 9.0])


def test_occupations_at_the_ends_of_the_range():
    energies = np.array([-1e4, -50.0, 0.0, 50.0, 1e4])
    f = fermi(energies, 1.0)
    np.testing.assert_allclose(f, helpers.fermi(energies, 1.0), rtol=1e-14)
    np.testing.assert_allclose(f + f[::-1], 1.0, rtol=0, atol=1e-16)
    near = energies[1:4]
    slope = helpers.minus_fermi_slope(near, 1.0)
    np.testing.assert_allclose(thermal_window(near, 1.0) ** 2, slope, rtol=1e-14)
    assert np.all(np.isfinite(thermal_window(energies, 1.0)))
    with mpmath.workdps(30):
        expected = [float(1 / mpmath.expm1(mpmath.mpf(x))) for x in (1e-8, 0.5, 40.0)]
    np.testing.assert_allclose(bose(np.array([1e-8, 0.5, 40.0]), 1.0), expected, rtol=1e-14)
    assert bose(1.0, 1e-4) == 0


def by_mpmath(energy):
    """Σ of Supplement Eq. (15), sign put right, and its imaginary part from occupations."""
    unit = 2 * mpmath.pi * T
    real = imaginary = mpmath.mpf(0)
    for w, c in zip(OMEGA, COUPLING, strict=True):
        plus, minus = (mpmath.psi(0, mpmath.mpc(0.5, (energy + s * w) / unit)) for s in (1, -1))
        real += c * w / 2 * mpmath.re(minus - plus)
        n = 1 / mpmath.expm1(w / T)
        f = [1 / (mpmath.exp((energy + s * w) / T) + 1) for s in (1, -1)]
        imaginary -= mpmath.pi / 2 * c * w * (2 * n + 1 + f[0] - f[1])
    return complex(real, imaginary)


def test_self_energy():
    expected = np.array([by_mpmath(float(e)) for e in ENERGIES])
    sigma = self_energy(MODES, T, ENERGIES)
    np.testing.assert_allclose(sigma, expected, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(
        scattering_rate(MODES, T, ENERGIES), -2 / np.pi * expected.imag, rtol=1e-13
    )


def test_weight_is_one_minus_the_slope_of_the_self_energy():
    h = 1e-3
    points = ENERGIES[:, None] + h * np.array([-2, -1, 1, 2])
    real = np.asarray(self_energy(MODES, T, points).real)
    slope = real @ np.array([1, -8, 8, -1]) / (12 * h)
    weight = inverse_quasiparticle_weight(MODES, T, ENERGIES)
    np.testing.assert_allclose(weight, 1 - slope, atol=1e-10)
    expected = [helpers.inverse_weight(OMEGA, COUPLING, T, e) for e in ENERGIES]
    np.testing.assert_allclose(weight, expected, rtol=1e-12)
    # 1 + λ at E = 0 as T → 0, 1 far away.
    cold = inverse_quasiparticle_weight(MODES, 1e-3, np.array([0.0, 1e4]))
    np.testing.assert_allclose(cold, [2.5, 1.0], atol=1e-5)


def test_spectral_function_keeps_its_sum():
    # Im Σ is constant far away and A a Lorentzian there: with E = w tan θ the tails are flat.
    width = -float(self_energy(MODES, T, 1e3).imag)
    theta = np.pi * ((np.arange(4000) + 0.5) / 4000 - 0.5)
    values = spectral_function(MODES, T, 0.5, width * np.tan(theta))
    assert np.all(np.asarray(values) > 0)
    total = np.sum(values * width / np.cos(theta) ** 2) * np.pi / 4000
    assert total == pytest.approx(1.0, abs=1e-6)


def test_minimum_of_the_weight():
    value, energy = minimum_weight(MODES, T)
    assert value == pytest.approx(helpers.margin(OMEGA, COUPLING, T, "weight"), abs=1e-12)
    near = inverse_quasiparticle_weight(MODES, T, float(energy) + np.array([-1e-3, 1e-3]))
    assert np.all(near > float(value))


def test_sums_in_blocks_equal_sums_at_once():
    """A spectrum of more nodes than a block holds."""
    peaks = GaussianPeaks([2.0], [0.3], [1.0], order=300)
    omega, coupling = (np.asarray(x) for x in peaks.modes())
    halves = [EinsteinModes(omega[part], coupling[part]) for part in (slice(150), slice(150, None))]
    for function in (self_energy, scattering_rate):
        whole = function(peaks, T, jnp.asarray(ENERGIES))
        parts = sum(function(half, T, jnp.asarray(ENERGIES)) for half in halves)
        np.testing.assert_allclose(whole, parts, rtol=1e-13)


def test_scattering_rate_keeps_its_digits_at_low_temperature():
    with mpmath.workdps(60):
        for temperature in (0.2, 1 / 40, 1 / 300):
            t = mpmath.mpf(temperature)
            for energy in (0.0, 0.3, 0.999, 1.0, 2.5):
                f = [1 / (mpmath.exp((mpmath.mpf(energy) + s) / t) + 1) for s in (1, -1)]
                exact = float(2 / mpmath.expm1(1 / t) + 1 + f[0] - f[1])
                rate = scattering_rate(EinsteinModes([1.0], [1.0]), temperature, energy)
                assert rate == pytest.approx(exact, rel=1e-12)
    closed = 2 / np.sinh(40.0)
    assert scattering_rate(EinsteinModes([1.0], [1.0]), 1 / 40, 0.0) == pytest.approx(closed)


@pytest.mark.parametrize("temperature", [0.005, 0.05, 0.5])
@pytest.mark.parametrize("omega", [(15.0, 23.0), (3.0, 4.1, 29.3)])
def test_no_dip_of_the_weight_is_missed(omega, temperature):
    """Against a scan of every energy near a mode in steps of T/20."""
    coupling = np.linspace(0.7, 0.3, len(omega))
    value, _ = minimum_weight(EinsteinModes(omega, coupling), temperature)
    scan = np.concatenate([w + temperature * np.arange(-200, 201) / 20 for w in omega])
    seen = np.min(inverse_quasiparticle_weight(EinsteinModes(omega, coupling), temperature, scan))
    assert seen * (1 + 5e-3) <= value <= seen
