"""The pencil with phonons that move: published numbers, identities, and what cannot change."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxelph import (
    EinsteinModes,
    EnergyGrid,
    MovingPhonons,
    bose,
    evolve,
    example,
    fermi,
    pencil_modes,
    specific_heat_ratio,
    stability_pencil,
)

METAL = example("table1")
T = 0.25 * 50.36533199202271


def test_rates_of_the_21_modes():
    pencil = stability_pencil(METAL, T, EnergyGrid(4.07, 112), phonons=MovingPhonons(0.001))
    modes = pencil_modes(pencil)
    assert modes.phonons.shape == (21, 133) and modes.vectors.shape == (112, 133)
    assert abs(modes.rates[0]) < 1e-12
    np.testing.assert_allclose(modes.rates[1:3], [0.0771289138, 0.0812097702], rtol=0, atol=1e-10)
    assert modes.rates[21] == pytest.approx(0.88507122, abs=5e-9)


@pytest.mark.parametrize(("step", "size"), [(4.07, 112), (8.0, 57)])
def test_total_energy(step, size):
    """A null vector on any grid, with the specific heats of electrons and phonons on one that
    resolves the temperature."""
    phonons = MovingPhonons(np.linspace(0.001, 0.004, 21))
    pencil = stability_pencil(METAL, T, EnergyGrid(step, size), phonons=phonons)
    A, M = np.asarray(pencil.A), np.asarray(pencil.M)
    assert np.max(np.abs(M @ pencil.energy)) < 1e-12 * np.max(np.abs(M)) * np.max(pencil.energy)
    assert np.linalg.eigvalsh(M)[0] > -1e-13 * np.max(np.abs(M))
    vector = np.random.default_rng(0).normal(size=len(A))
    np.testing.assert_allclose(pencil.multiply_A(vector), A @ vector, rtol=0, atol=1e-12)
    np.testing.assert_allclose(pencil.multiply_M(vector), M @ vector, rtol=0, atol=1e-11)
    if step < 5:
        omega, _ = METAL.modes()
        n = bose(omega, T)
        lattice = jnp.sum(omega**2 * n * (n + 1) / T / phonons.coupling)
        electrons = np.pi**2 * T**2 / 3 * specific_heat_ratio(METAL, T)
        assert pencil.energy_form()[0] == pytest.approx(float(electrons + lattice), rel=1e-12)


def test_a_bath_takes_the_energy():
    grid, phonons = EnergyGrid(6.0, 76), MovingPhonons(0.001, lifetime=10.0)
    rates = pencil_modes(stability_pencil(METAL, T, grid, phonons=phonons)).rates
    free = pencil_modes(stability_pencil(METAL, T, grid, phonons=MovingPhonons(0.001))).rates
    assert 0 < rates[0] <= 0.1 + 1e-12
    assert np.all(rates[1:] > free[1:] - 1e-12)


SPECTRA = st.lists(
    st.tuples(st.floats(0.3, 3.0), st.floats(0.05, 3.0), st.floats(-4, 4)), min_size=4, max_size=4
)


@settings(max_examples=25, deadline=None)
@given(SPECTRA, st.floats(0.3, 2.0))
def test_the_number_of_growing_modes_does_not_change(modes, temperature):
    """Whatever heat the phonons can hold, 2ν0/F from 1e-4 to 1e4: Sylvester's law of inertia."""
    omega, coupling, power = np.array(modes).T
    spectrum, grid = EinsteinModes(omega, coupling), EnergyGrid(0.4 * temperature, 60)
    plain = stability_pencil(spectrum, temperature, grid)
    phonons = MovingPhonons(10.0**power)
    moving = stability_pencil(spectrum, temperature, grid, phonons=phonons)
    least, smallest = np.linalg.eigvalsh(plain.A), np.linalg.eigvalsh(moving.A)
    assert np.sum(smallest < 0) == np.sum(least < 0)
    assert smallest[0] == pytest.approx(min(least[0], 1.0), abs=1e-10)
    # As many modes grow: γ < 0 of A - μM with M ≥ 0, counted by another route.
    A, M = np.asarray(moving.A), np.asarray(moving.M)
    if np.min(np.abs(least)) > 1e-3:
        shifted = scipy.linalg.eigh(A, M + 1e-9 * np.max(M) * np.eye(len(M)), eigvals_only=True)
        assert np.sum(shifted < 0) == np.sum(least < 0)


def test_a_metal_with_negative_heat_of_electrons_is_unstable_with_any_phonons():
    """C_el < 0 < C_el + C_ph."""
    spectrum, t = EinsteinModes([1.0], [5.0]), 0.4862
    assert specific_heat_ratio(spectrum, t) < 0
    pencil = stability_pencil(spectrum, t, EnergyGrid(0.19, 80), phonons=MovingPhonons(1e-3))
    assert pencil.energy_form()[0] > 0
    assert pencil_modes(pencil).unstable > 0


@pytest.mark.slow
def test_a_run_ends_in_the_slowest_modes():
    """Small deviations, projected on each mode by A, decay at its rate: up to terms of second
    order, a part of 1e-5."""
    grid, phonons = EnergyGrid(4.5, 100), MovingPhonons(0.002)
    s = EinsteinModes([40.0, 51.3, 63.7], [0.3, 0.4, 0.3])
    pencil = stability_pencil(s, T, grid, phonons=phonons)
    modes = pencil_modes(pencil)
    times = np.array([0.0, 0.5, 2.0, 6.0])
    initial = fermi(grid.energies, T) + 1e-5 * pencil.electrons.window**2 * grid.energies
    run = evolve(s, initial, T, grid, times, rtol=1e-9, atol=1e-15, phonons=phonons)
    n = np.asarray(bose(s.omega, T))
    eta = (np.asarray(run.phonons) - n) * T / (n * (n + 1))
    psi = np.asarray(run.deviation) / np.asarray(pencil.electrons.window)
    v = np.concatenate([psi, eta / np.asarray(pencil.scale)], axis=1)
    vectors = jnp.concatenate([modes.vectors, modes.phonons / pencil.scale[:, None]])
    amplitudes = v @ np.asarray(pencil.A @ vectors)
    for mode in range(4):
        expected = amplitudes[0, mode] * np.exp(-float(modes.rates[mode]) * times)
        np.testing.assert_allclose(
            amplitudes[:, mode], expected, rtol=0, atol=3e-5 * abs(amplitudes[0, mode])
        )
