"""Phonons that move: a reference run, where it ends, energy to rounding, limits, other routes."""

import helpers
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

from jaxelph import (
    RESULTS,
    DebyeSpectrum,
    EinsteinModes,
    EnergyGrid,
    MovingPhonons,
    TabulatedSpectrum,
    bose,
    evolve,
    specific_heat_ratio,
)
from jaxelph.dae import Rodas5P
from jaxelph.kinetics.moving import MovingEquation, moving_solver
from jaxelph.spectra.resolution import at_temperature

OMEGA, COUPLING = np.array([40.0, 51.3, 63.7]), np.array([0.3, 0.4, 0.3])
METAL, PER_MODE = EinsteinModes(OMEGA, COUPLING), np.array([0.004, 0.003, 0.005])
G = float(np.sqrt(COUPLING @ OMEGA**2))
COLD, HOT = 0.25 * G, 0.3 * G
GRID, TIMES = EnergyGrid(4.0, 117), np.array([0.0, 0.5, 2.0, 8.0, 40.0, 400.0]) / G
PHONONS = MovingPhonons(PER_MODE)
LAST = 13.553229891710  # the temperature of both in the end


def test_reference_run(shared):
    reference = np.load(shared / "reference" / "ref_phonons.npz")
    run = evolve(METAL, HOT, COLD, GRID, TIMES, rtol=1e-10, phonons=PHONONS)
    np.testing.assert_allclose(run.f, reference["f"], rtol=0, atol=1e-10)
    np.testing.assert_allclose(run.phonons, reference["N"], rtol=0, atol=1e-10)


def test_numbers_of_the_reference_run():
    run = evolve(METAL, HOT, COLD, GRID, TIMES, rtol=1e-10, phonons=PHONONS)
    assert run.result == RESULTS.completed
    electrons = [15.7320841, 15.25694886, 14.50353326, 13.77636787, 13.56639263, 13.55322992]
    np.testing.assert_allclose(run.temperature, electrons, rtol=0, atol=1e-8)
    first = [0.04965646, 0.05023547, 0.05139407, 0.05321684, 0.05482276, 0.05515323]
    np.testing.assert_allclose(run.phonons[:, 0], first, rtol=0, atol=1e-8)


def test_both_end_at_one_temperature():
    """Where they do follows from energies alone."""
    run = evolve(METAL, HOT, COLD, GRID, np.array([0.0, 2000.0 / G]), rtol=1e-8, phonons=PHONONS)
    assert run.temperature[-1] == pytest.approx(LAST, abs=1e-9)
    np.testing.assert_allclose(run.phonon_temperature[-1], LAST, rtol=0, atol=1e-9)
    node, weight = np.polynomial.legendre.leggauss(20)
    temperatures = LAST + (HOT - LAST) * (node + 1) / 2
    heat = np.array([float(specific_heat_ratio(METAL, t)) for t in temperatures])
    lost = np.sum(weight / 2 * heat * np.pi**2 * temperatures / 3) * (HOT - LAST)
    gained = float(jnp.sum(OMEGA / PER_MODE * (bose(OMEGA, LAST) - bose(OMEGA, COLD))))
    assert lost == pytest.approx(gained, rel=1e-10)
    assert run.phonon_energy[-1] == pytest.approx(gained, rel=1e-8)


@pytest.mark.parametrize("rtol", [1e-2, 1e-5])
@pytest.mark.parametrize("lifetime", [None, 0.2])
def test_energy_to_rounding_at_any_tolerance(rtol, lifetime):
    phonons = MovingPhonons(PER_MODE, lifetime)
    run = evolve(METAL, HOT, COLD, GRID, TIMES, rtol=rtol, phonons=phonons)
    total = np.asarray(run.total_energy + run.escaped)
    assert np.ptp(total) < 1e-12 * total[0]
    if lifetime is None:
        assert np.max(np.abs(run.escaped)) < 1e-12 * total[0]
    else:
        assert run.temperature[-1] == pytest.approx(COLD, abs=1e-3)
        assert run.escaped[-1] > 0.9 * total[0]
    assert np.max(np.abs(run.energy_error)) < 1e-12


@pytest.mark.slow
def test_products_alone_give_the_same_run():
    for rtol, error in ((1e-9, 1e-9), (1e-3, 1e-4)):
        free = Rodas5P(moving_solver(True, rtol), project=MovingEquation.projected)
        options = dict(rtol=rtol, phonons=MovingPhonons(PER_MODE, 3.0))
        dense = evolve(METAL, HOT, COLD, GRID, TIMES, **options)
        run = evolve(METAL, HOT, COLD, GRID, TIMES, solver=free, **options)
        np.testing.assert_allclose(run.f, dense.f, rtol=0, atol=error)
        np.testing.assert_allclose(run.phonons, dense.phonons, rtol=0, atol=error)
        total = np.asarray(run.total_energy + run.escaped)
        assert np.ptp(total) < 1e-12 * total[0]


@pytest.mark.slow
def test_reservoirs_give_the_run_with_phonons_in_equilibrium():
    plain = evolve(METAL, HOT, COLD, GRID, TIMES, rtol=1e-9)
    for phonons in (MovingPhonons(0.0), MovingPhonons(1e-9), MovingPhonons(PER_MODE, 1e-9)):
        run = evolve(METAL, HOT, COLD, GRID, TIMES, rtol=1e-9, phonons=phonons)
        np.testing.assert_allclose(run.f, plain.f, rtol=0, atol=1e-8)
        # All of the energy that there is moves N_k by no more than this.
        most = 1e-9 * float(plain.energy[0]) / OMEGA[0]
        bath = np.tile(np.asarray(bose(OMEGA, COLD)), (6, 1))
        np.testing.assert_allclose(run.phonons, bath, rtol=0, atol=most)


def on_whole_axis(step, size, times, hot, lifetime, first):
    """The equations of both once more, by NumPy on -L…L and SciPy's Radau."""
    i = np.arange(-size, size + 1)
    n = i[:, None] - i[None, :]
    boson = 1 / np.expm1(OMEGA / COLD)
    equilibrium = helpers.fermi(step * i, COLD)
    sign = np.where(n % 2 == 0, 1.0, -1.0)
    slope = np.where(n == 0, 0.0, sign / (step * np.where(n == 0, 1, n)))
    far = np.arange(-2 * size, 2 * size + 1)
    exchange = helpers.exchange_weights(OMEGA, COUPLING, step, far)[n + 2 * size]
    minus_slope = helpers.minus_fermi_slope(step * i, COLD)
    shifts = [(np.sinc(n + w / step), np.sinc(n - w / step)) for w in OMEGA]
    at_rest = [
        (helpers.fermi(step * i + w, COLD), helpers.fermi(step * i - w, COLD)) for w in OMEGA
    ]

    def rate(t, y):
        del t
        half, occupied = y[:size], y[size:]
        change = np.concatenate([-half[::-1], [0.0], half])
        f, df = equilibrium + change, slope @ change - minus_slope
        total, moved = np.zeros_like(f), np.empty(3)
        for k, (w, c) in enumerate(zip(OMEGA, COUPLING, strict=True)):
            up, down = at_rest[k][0] + shifts[k][0] @ change, at_rest[k][1] + shifts[k][1] @ change
            total += c * w * (occupied[k] * (up + down - 2 * f) - f * (up - down) + up - f)
            emitted = step * np.sum(up * (1 - f)) - w * occupied[k]
            moved[k] = PER_MODE[k] * c * w * emitted - (occupied[k] - boson[k]) / lifetime
        mass = np.diag(1 - exchange @ df) + df[:, None] * exchange
        return np.append(np.linalg.solve(mass, total)[size + 1 :], moved)

    start = helpers.fermi(step * i, hot) - equilibrium
    found = scipy.integrate.solve_ivp(
        rate,
        (0, times[-1]),
        np.append(start[size + 1 :], first),
        "LSODA",
        times,
        rtol=1e-9,
        atol=1e-11,
    )
    return equilibrium[None, size + 1 :] + found.y.T[:, :size], found.y.T[:, size:]


@pytest.mark.slow
def test_bath_hotter_electrons_and_colder_phonons_by_another_route():
    times, lifetime = np.array([0.0, 0.01, 0.1, 0.5]), 0.3
    first = np.asarray(bose(OMEGA, 0.8 * COLD))
    grid = EnergyGrid(4.0, 130)
    f, occupied = on_whole_axis(4.0, 130, times, 1.6 * COLD, lifetime, first)
    phonons = MovingPhonons(PER_MODE, lifetime, initial=0.8 * COLD)
    run = evolve(METAL, 1.6 * COLD, COLD, grid, times, rtol=1e-9, phonons=phonons)
    np.testing.assert_allclose(run.f, f, rtol=0, atol=3e-7)
    np.testing.assert_allclose(run.phonons, occupied, rtol=0, atol=3e-8)
    np.testing.assert_allclose(run.phonon_temperature[0], 0.8 * COLD, rtol=1e-12)


@pytest.mark.slow
def test_gradients_by_coupling_lifetime_and_start():
    times = TIMES[:4]

    def answer(p):
        phonons = MovingPhonons(p["coupling"], p["lifetime"], p["initial"])
        spectrum = EinsteinModes(OMEGA, p["strength"])
        run = evolve(spectrum, p["hot"], COLD, GRID, times, rtol=1e-9, phonons=phonons)
        return jnp.sum(run.phonons[-1]) + run.temperature[2]

    point = {
        "coupling": jnp.asarray(PER_MODE),
        "lifetime": jnp.asarray(0.5),
        "initial": jnp.asarray(1.1 * COLD),
        "strength": jnp.asarray(COUPLING),
        "hot": jnp.asarray(HOT),
    }
    compiled, gradient = jax.jit(answer), jax.jit(jax.grad(answer))(point)
    for name, value in point.items():
        step = jax.tree.map(jnp.zeros_like, point) | {name: 1e-3 * value}
        up, down = (jax.tree.map(lambda a, b, s=s: a + s * b, point, step) for s in (1, -1))
        numeric = (compiled(up) - compiled(down)) / 2
        assert jnp.sum(gradient[name] * step[name]) == pytest.approx(float(numeric), rel=2e-5)


@pytest.mark.slow
def test_a_batch_is_a_loop():
    def answer(coupling, hot):
        phonons = MovingPhonons(coupling, 0.5)
        return evolve(METAL, hot, COLD, GRID, TIMES[:4], phonons=phonons).phonons

    couplings, hots = jnp.array([0.002, 0.004, 0.1]), jnp.array([1.1, 1.2, 1.3]) * COLD
    batch = jax.jit(jax.vmap(answer))(couplings, hots)
    alone = [answer(c, h) for c, h in zip(couplings, hots, strict=True)]
    np.testing.assert_allclose(batch, np.array(alone), rtol=0, atol=1e-12)


# ------------------------------------------------------------------- what F(ω) is given by

TABLE = TabulatedSpectrum(np.linspace(0.05, 8.0, 160), 0.3 * np.linspace(0.05, 8.0, 160) / 8)


def test_phonons_in_proportion_to_the_coupling():
    """F_k = modes · (α²F)_k/∫α²F dω, whatever the kind and the nodes."""
    for spectrum in (METAL, at_temperature(TABLE, 0.7), DebyeSpectrum(8.0, 0.5)):
        omega, coupling = spectrum.modes()
        found = MovingPhonons.like_coupling(0.4, 3.0).on(spectrum).coupling
        shares = coupling * omega / jnp.sum(coupling * omega)
        # Nodes without coupling have phonons that keep their occupation.
        there = shares > 0
        np.testing.assert_allclose(2 * 0.4 / found[there], 3.0 * shares[there], rtol=1e-12)
        assert np.all(found[~there] == 0)


def test_a_density_of_states_gives_every_node_its_share():
    """∫F dω over the nodes of a table, and F ∝ α²F by two ways."""
    rows = np.linspace(0.0, 9.0, 400)
    branches = MovingPhonons.of_density(rows, 0.3 * rows, 0.25).on(at_temperature(TABLE, 0.2))
    modes = jnp.sum(2 * 0.25 / branches.coupling)
    assert modes == pytest.approx(0.15 * (8.0**2 - 0.05**2), rel=1e-6)
    alike = MovingPhonons.like_coupling(0.25, modes).on(at_temperature(TABLE, 0.2))
    np.testing.assert_allclose(branches.coupling, alike.coupling, rtol=1e-6)
    with pytest.raises(ValueError, match="like_coupling"):
        MovingPhonons(lambda w: 1 / w).on(DebyeSpectrum(8.0, 0.5))
    np.testing.assert_allclose(MovingPhonons(lambda w: 1 / w).on(METAL).coupling, 1 / OMEGA)


def test_what_cannot_be_is_refused():
    for bad, told in (
        (lambda: MovingPhonons(-0.1), "coupling must not be negative"),
        (lambda: MovingPhonons(0.1, 0.0), "lifetime must be positive"),
        (lambda: MovingPhonons(np.nan), "coupling must be finite"),
        (lambda: MovingPhonons([0.1, 0.2]).on(METAL), "2 values, the spectrum 3"),
        (lambda: MovingPhonons(np.ones((2, 2))), "shape"),
        (lambda: MovingPhonons.like_coupling(0.0, 3.0), "states must be positive"),
        (lambda: MovingPhonons([0.0, 0.1], initial=9.0), "needs a coupling above 0"),
    ):
        with pytest.raises(ValueError, match=told):
            bad()


def test_known_numbers_inside_a_jit():
    """Of phonons that are made where something else is traced, and still checked."""
    couplings, negative = jnp.asarray(PER_MODE), jnp.asarray(-PER_MODE)

    @jax.jit
    def rates(x):
        return x * MovingPhonons(couplings, 2.0, initial=COLD, mixing=3.0).on(METAL).coupling

    np.testing.assert_allclose(rates(2.0), 2 * PER_MODE)
    with pytest.raises(ValueError, match="must not be negative"):
        jax.jit(lambda x: x * MovingPhonons(negative).on(METAL).coupling)(2.0)


def test_without_phonons_there_are_none():
    run = evolve(METAL, HOT, COLD, GRID, TIMES[:3])
    assert run.phonons is None and run.phonon_temperature is None
    np.testing.assert_array_equal(run.total_energy, run.energy)
