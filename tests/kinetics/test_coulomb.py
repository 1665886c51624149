"""Collisions between electrons of a Fermi liquid: closed forms, limits, the program."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

from jaxelph import (
    CoulombCollisions,
    EinsteinModes,
    ElectronCollisions,
    EnergyGrid,
    MovingPhonons,
    Pulse,
    evolve,
    fermi,
    relax,
    screened_kernel,
)
from jaxelph.app.cli import run as program
from jaxelph.dae import Krylov, Rodas5P
from jaxelph.kinetics import collisions as module
from jaxelph.kinetics.coulomb import KINDS
from jaxelph.kinetics.moving import MovingEquation, moving_solver
from jaxelph.kinetics.system import preconditioner
from jaxelph.kinetics.two_temperatures import final_temperature

P, T = 0.3, 0.8
GRID = EnergyGrid(0.25, 160)
LIQUID = CoulombCollisions(P).on(GRID)
MIXED = 0.7 * fermi(GRID.energies, 1.0) + 0.3 * fermi(GRID.energies, 2.0)


def test_landaus_rate():
    """p[E² + (πT)²]/2, up to energies from which electrons leave the grid."""
    energies = np.asarray(GRID.energies)
    low = energies < 15
    closed = P / 2 * (energies**2 + (np.pi * T) ** 2)
    rate = LIQUID.rate(fermi(GRID.energies, T))
    np.testing.assert_allclose(rate[low], closed[low], rtol=1e-11)
    # The same integral by SciPy, for a distribution that has no temperature.
    e, half = 2.0, lambda x: 0.5 * (1 / (1 + np.exp(x)) + 1 / (1 + np.exp(x / 2)))

    def pairs(w):
        return scipy.integrate.quad(lambda x: half(x) * (1 - half(x + w)), -80, 80, limit=200)[0]

    expected = scipy.integrate.quad(
        lambda w: P * pairs(w) * (half(e + w) + 1 - half(e - w)), -38, 38, epsabs=1e-9, limit=200
    )[0]
    f = 0.5 * (fermi(GRID.energies, 1.0) + fermi(GRID.energies, 2.0))
    assert LIQUID.rate(f)[7] == pytest.approx(expected, rel=1e-7)


def test_linearised_in_closed_form():
    """On odd functions M̃ψ = (p/2) {(E² + π²T²)ψ - 3∫(E-E')/sinh[(E-E')/2T] ψ(E') dE'}, the
    Fermi liquid's equation, of which E/cosh(E/2T) is the null vector."""
    e = np.asarray(GRID.energies)

    def kernel(x):
        safe = np.where(x == 0, 1.0, x)
        return np.where(x == 0, 2 * T, safe / np.sinh(safe / (2 * T)))

    pairs = kernel(e[:, None] - e[None, :]) - kernel(e[:, None] + e[None, :])
    closed = np.diag(P / 2 * (e**2 + (np.pi * T) ** 2)) - 1.5 * P * 0.25 * pairs
    got = np.asarray(LIQUID.linearised(T))
    low = int(15 / 0.25)
    np.testing.assert_allclose(got[:low, :low], closed[:low, :low], rtol=0, atol=1e-9)
    trial = e / np.cosh(e / (2 * T))
    assert np.max(np.abs(closed @ trial)) < 1e-10 * np.max(e**2)


@pytest.mark.parametrize("kind", KINDS)
def test_lifetime(kind):
    """At T = 0 by SciPy, ∫_0^E P(ω) ω dω; and strengths that follow from lifetimes."""
    power = KINDS[kind] / 2 - 2
    expected = scipy.integrate.quad(lambda w: 1.0, 0, 3.0, weight="alg", wvar=(power + 1, 0))[0]
    electrons = CoulombCollisions(P, kind)
    assert electrons.rate(3.0) == pytest.approx(P * expected, rel=1e-10)
    again = CoulombCollisions.of_lifetime(1 / electrons.rate(3.0), 3.0, kind)
    assert again.strength == pytest.approx(P, rel=1e-12)


def test_energy_is_kept_and_the_step_does_not_matter():
    got = LIQUID.integral(MIXED)
    assert abs(GRID.energies @ got) < 1e-12 * float(jnp.sum(jnp.abs(GRID.energies * got)))
    fine = EnergyGrid(0.125, 320)
    halves = 0.7 * fermi(fine.energies, 1.0) + 0.3 * fermi(fine.energies, 2.0)
    again = CoulombCollisions(P).on(fine).integral(halves)[1::2]
    np.testing.assert_allclose(got[:80], again[:80], rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", ["screened", "film"])
def test_jacobian(kind):
    grid = EnergyGrid(0.4, 40)
    collisions = CoulombCollisions(P, kind).on(grid)
    f = 0.7 * fermi(grid.energies, 1.0) + 0.3 * fermi(grid.energies, 2.0)
    automatic = jax.jacfwd(collisions.integral)(f)
    np.testing.assert_allclose(collisions.jacobian(f), automatic, rtol=0, atol=1e-12)


def test_by_fourier_transforms(monkeypatch):
    """What large grids do, on a small one."""

    def both(f):
        collisions = ElectronCollisions(GRID, screened_kernel(GRID, P), P)
        return collisions.integral(f), collisions.rate(f)

    directly = both(MIXED)
    monkeypatch.setattr(module, "_BY_PRODUCTS", 0)
    jax.clear_caches()
    try:
        transformed = both(MIXED)
    finally:
        jax.clear_caches()
    largest = float(jnp.max(directly[1]))
    for one, other in zip(transformed, directly, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-15 * largest)


@pytest.mark.slow
def test_products_alone_give_the_same_run():
    metal, grid, times = EinsteinModes([2.0, 3.1], [0.3, 0.2]), EnergyGrid(0.33, 96), [0.0, 0.3, 2]
    options = dict(rtol=1e-9, electrons=CoulombCollisions(0.2))
    plain = evolve(metal, 1.3, 1.0, grid, times, **options)
    solver = Rodas5P(Krylov(preconditioner, rtol=1e-11))
    run = evolve(metal, 1.3, 1.0, grid, times, solver=solver, **options)
    np.testing.assert_allclose(run.f, plain.f, rtol=0, atol=1e-8)
    options["phonons"] = MovingPhonons(0.1, 3.0)
    plain = evolve(metal, 1.3, 1.0, grid, times, **options)
    solver = Rodas5P(moving_solver(True, 1e-9), project=MovingEquation.projected)
    run = evolve(metal, 1.3, 1.0, grid, times, solver=solver, **options)
    np.testing.assert_allclose(run.f, plain.f, rtol=0, atol=1e-8)
    total = np.asarray(run.total_energy + run.escaped)
    assert np.ptp(total) < 1e-12 * total[0]


@pytest.mark.slow
def test_a_pulse_tends_to_the_start_from_a_hot_fermi_function():
    """Ω = 10 T: the more electrons collide, the closer to where heated electrons begin, and the
    distance falls as the time in which they thermalise does: by what phonons took up in it."""
    metal, grid, photon, absorbed = EinsteinModes([2.0], [0.05]), EnergyGrid(0.25, 128), 10.0, 2.0
    pulse = Pulse(photon, absorbed, 0.001)  # its own duration sets a limit to that
    after = np.array([0.0, 0.2, 0.8, 3.0])
    hot = final_temperature(metal, 1.0, 1.0, MovingPhonons(1e12), absorbed)
    away = []
    for strength in (2.0, 8.0, 32.0):
        electrons = CoulombCollisions(strength)
        options = dict(rtol=1e-7, electrons=electrons)
        times = np.append(0.0, after[1:] + float(pulse.centre))
        pumped = evolve(metal, 1.0, 1.0, grid, times, pump=pulse, **options)
        heated = evolve(metal, hot, 1.0, grid, after, **options)
        away.append(jnp.max(jnp.abs(pumped.f[1:] - heated.f[1:]), axis=1))
    # At first there is more: a distribution that is not a temperature's yet.
    assert 1e-4 < away[0][0] < 1e-3 and away[1][0] < away[0][0] / 100
    last = [float(distance[-1]) for distance in away]
    assert last[1] / last[0] == pytest.approx(0.25, rel=0.03)
    assert last[2] / last[1] == pytest.approx(0.25, rel=0.03)


def test_what_cannot_be_is_refused():
    for bad, told in (
        (lambda: CoulombCollisions(0.1, "clean"), "kind must be one of screened, bulk"),
        (lambda: CoulombCollisions(-0.1), "strength must not be negative"),
        (lambda: CoulombCollisions.of_lifetime(0.0, 1.0), "lifetime must be positive"),
        (lambda: CoulombCollisions.of_lifetime(1.0, 0.0), "energy must be positive"),
    ):
        with pytest.raises(ValueError, match=told):
            bad()


def test_relaxation_takes_them_without_a_grid():
    metal = EinsteinModes([10.0, 14.0], [0.3, 0.2])
    electrons = CoulombCollisions(0.02)
    run = relax(metal, 80.0, 60.0, [0.0, 0.1, 0.2], electrons=electrons)
    grid = run.evolution.grid
    own = ElectronCollisions(grid, screened_kernel(grid, 0.02))
    again = relax(metal, 80.0, 60.0, [0.0, 0.1, 0.2], electrons=own, grid=grid)
    np.testing.assert_allclose(run.temperature, again.temperature, rtol=1e-13)
    assert run.to_xarray().attrs["electron_collisions"] == "screened"


RELAX = ["relax", "--example", "table1", "--electron-temperature", "160"]
RELAX += ["--phonon-temperature", "146", "--until", "0.1"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--electron-electron", "clean"], "--electron-electron must be one of screened, bulk"),
        (["--electron-electron", "film"], "needs --electron-lifetime"),
        (["--electron-lifetime", "5"], "add --electron-electron"),
        (["--electron-electron", "film", "--electron-lifetime", "0"], "positive time in fs"),
    ],
)
def test_bad_options(more, told, capsys):
    assert program([*RELAX, *more]) == 2
    assert told in " ".join(capsys.readouterr().err.split())


def test_program(capsys):
    more = ["--electron-electron", "screened", "--electron-lifetime", "10", "--json"]
    assert program([*RELAX, *more]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["result"] == "completed" and told["electron_collisions"] == "screened"
