"""What photoemission and light see, against equilibrium's functions and SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

from jaxelph import (
    CoulombCollisions,
    EinsteinModes,
    EnergyGrid,
    MovingPhonons,
    bose,
    energy_flow,
    evolve,
    optical_rate,
    optical_rate_change,
    photoemission,
    spectral_function,
)

OMEGA, COUPLING = np.array([2.0, 3.1]), np.array([0.4, 0.3])
METAL, COLD, HOT = EinsteinModes(OMEGA, COUPLING), 1.0, 1.3
GRID = EnergyGrid(0.3, 150)
LIGHT = np.array([0.05, 0.7, 2.0, 3.77, 8.0])
PER_MODE = np.array([0.2, 0.4])


def fermi(e, t):
    return 1 / (1 + np.exp(e / t))


@pytest.fixture(scope="module")
def heated():
    """Electrons and phonons that begin at the same temperature, one above the bath's."""
    phonons = MovingPhonons(PER_MODE, 3.0, initial=HOT)
    return evolve(METAL, HOT, COLD, GRID, [0.0, 0.5], rtol=1e-8, phonons=phonons)


@pytest.fixture(scope="module")
def mixed():
    """Electrons without a temperature, at the start."""
    f = 0.6 * fermi(GRID.energies, 1.0) + 0.4 * fermi(GRID.energies, 1.7)
    return evolve(METAL, f, COLD, GRID, [0.0, 0.5])


def test_optical_rate_of_fermi_functions(heated):
    change = optical_rate_change(heated, LIGHT)
    expected = optical_rate(METAL, HOT, LIGHT) - optical_rate(METAL, COLD, LIGHT)
    np.testing.assert_allclose(change[0], expected, rtol=1e-9, atol=1e-10)
    assert np.all(np.abs(change[1]) < np.abs(change[0]))


def test_optical_rate_without_temperature(mixed):
    """The golden rule by SciPy: photons absorbed and emitted, phonons absorbed and emitted."""

    def half(e):
        return 0.6 * fermi(e, 1.0) + 0.4 * fermi(e, 1.7)

    def taken_up(f, v):
        return scipy.integrate.quad(lambda e: f(e) * (1 - f(e + v)), -60, 60, limit=200)[0]

    def rate(f, light):
        total = 0.0
        for w, c in zip(OMEGA, COUPLING, strict=True):
            n = 1 / np.expm1(w / COLD)
            emitted = taken_up(f, light - w) - taken_up(f, -light - w)
            absorbed = taken_up(f, light + w) - taken_up(f, w - light)
            total += np.pi / light * c * w * ((n + 1) * emitted + n * absorbed)
        return total

    for light in (0.7, 3.77):
        cold = rate(lambda e: fermi(e, COLD), light)
        assert cold == pytest.approx(float(optical_rate(METAL, COLD, light)), rel=1e-7)
        change = optical_rate_change(mixed, light)
        assert change[0] == pytest.approx(rate(half, light) - cold, rel=1e-6)
    assert optical_rate_change(mixed, LIGHT.reshape(1, 5)).shape == (2, 1, 5)


def test_energy_flow_without_temperature(mixed, heated):
    """The golden rule by SciPy for phonons that keep their temperature; none between two of one
    temperature."""

    def half(e):
        return 0.6 * fermi(e, 1.0) + 0.4 * fermi(e, 1.7)

    for k, (w, c) in enumerate(zip(OMEGA, COUPLING, strict=True)):
        taken = scipy.integrate.quad(lambda e, w=w: half(e + w) * (1 - half(e)), -60, 60, limit=300)
        expected = c * w**2 * (taken[0] - w * float(bose(w, COLD)))
        assert energy_flow(mixed)[0, k] == pytest.approx(expected, rel=1e-8)
    np.testing.assert_allclose(energy_flow(heated)[0], 0, atol=1e-9)


def test_energy_flow_is_what_modes_gain():
    """Its integral over the time beside the energy of each mode; its sum is the electrons' loss."""
    times = np.linspace(0.0, 0.5, 65)
    phonons = MovingPhonons(PER_MODE)
    run = evolve(METAL, HOT, COLD, GRID, times, rtol=1e-9, phonons=phonons)
    flow = np.asarray(energy_flow(run))
    gained = scipy.integrate.simpson(flow, x=times, axis=0)
    assert run.stored is not None
    np.testing.assert_allclose(gained, OMEGA * run.stored[-1], rtol=1e-7)
    lost = run.energy[0] - run.energy[-1]
    assert np.sum(gained) == pytest.approx(float(lost), rel=1e-7)


@pytest.mark.parametrize("resolution", [0.0, 0.2, 1.5, 6.0])
def test_all_momenta_together(mixed, resolution):
    """f under a Gaussian, by SciPy."""
    sigma = resolution / np.sqrt(8 * np.log(2))

    def half(e):
        return 0.6 * fermi(e, 1.0) + 0.4 * fermi(e, 1.7)

    seen = photoemission(mixed, resolution)
    for i in (-40, 0, 7, 30):
        e = 0.3 * i
        expected = half(e)
        if sigma > 0:
            expected = scipy.integrate.quad(
                lambda x, e=e: half(e - sigma * x) * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi),
                -9,
                9,
                epsabs=1e-12,
            )[0]
        assert seen[0, 150 + i] == pytest.approx(expected, abs=2e-9)
    np.testing.assert_allclose(seen + seen[:, ::-1], 1.0, rtol=0, atol=1e-9)


def test_lines_of_fermi_functions(heated):
    """A(ξ, E) f(E) of equilibrium at the temperature that both have, in closed form."""
    xi, e = np.array([-3.0, 0.5]), 0.3 * np.arange(-150, 151)
    seen = photoemission(heated, band_energy=xi)
    assert seen.shape == (2, 2, 301)
    for k in (0, 1):
        expected = np.asarray(spectral_function(METAL, HOT, xi[k], e)) * fermi(e, HOT)
        np.testing.assert_allclose(seen[0, k], expected, rtol=0, atol=1e-9)
    # Under a Gaussian that resolves less, the line's area stays.
    broad = photoemission(heated, 2.0, band_energy=xi[0])
    assert jnp.sum(broad[0]) == pytest.approx(float(jnp.sum(seen[0, 0])), rel=1e-3)
    sigma = 2.0 / np.sqrt(8 * np.log(2))
    weight = np.exp(-((e / sigma) ** 2) / 2) / (sigma * np.sqrt(2 * np.pi)) * 0.3
    directly = np.convolve(np.asarray(seen[0, 0]), weight, "same")
    np.testing.assert_allclose(broad[0, 30:-30], directly[30:-30], rtol=0, atol=1e-9)


def test_lines_with_collisions_between_electrons():
    """-Im Σ has Landau's (π/2) p[E² + (πT)²]/2 on top, and impurities 1/2τ."""
    electrons, impurity = CoulombCollisions(0.05), 0.2
    run = evolve(METAL.scaled(1e-9), HOT, COLD, GRID, [0.0, 0.1], electrons=electrons)
    seen = photoemission(run, band_energy=1.0, impurity=impurity)[0]
    e = 0.3 * np.arange(-60, 61)
    half = np.pi / 2 * 0.025 * (e**2 + (np.pi * HOT) ** 2) + impurity / 2
    expected = half / np.pi / ((e - 1.0) ** 2 + half**2) * fermi(e, HOT)
    np.testing.assert_allclose(seen[90:211], expected, rtol=0, atol=1e-7)


def test_derivatives_of_a_run():
    """By the start's temperature, against differences."""

    def answer(hot):
        run = evolve(METAL, hot, COLD, EnergyGrid(0.4, 90), jnp.array([0.0, 0.1]), rtol=1e-9)
        lines = photoemission(run, 0.8, band_energy=0.5)
        return (
            jnp.sum(optical_rate_change(run, LIGHT))
            + jnp.sum(photoemission(run, 0.8)[:, 100])
            + jnp.sum(lines[:, 100])
        )

    compiled = jax.jit(answer)
    numeric = (compiled(HOT + 1e-4) - compiled(HOT - 1e-4)) / 2e-4
    assert jax.jit(jax.grad(answer))(HOT) == pytest.approx(float(numeric), rel=1e-6)


def test_what_cannot_be_is_refused(mixed):
    with pytest.raises(ValueError, match="frequency must be positive"):
        optical_rate_change(mixed, 0.0)
    with pytest.raises(ValueError, match="resolution must not be negative"):
        photoemission(mixed, -1.0)
