"""A pulse of light: its shapes, the energy that it brings, and what becomes of it."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.constants
import scipy.integrate
from figure_faults import faults

from jaxelph import (
    EinsteinModes,
    ElectronCollisions,
    EnergyGrid,
    MovingPhonons,
    Pulse,
    allen_rate,
    evolve,
    fermi,
    plot,
    pump,
    specific_heat_ratio,
)
from jaxelph.app.cli import run as program
from jaxelph.app.commands.pump import _per_cell
from jaxelph.kinetics.cooling import energy_loss
from jaxelph.kinetics.pump import Gaussian, PumpOnGrid, Square, SquaredSech
from jaxelph.kinetics.shifts import reach_of
from jaxelph.kinetics.two_temperatures import final_temperature, two_temperatures
from jaxelph.units import density_to_mev

METAL, COLD = EinsteinModes([2.0, 3.1], [0.4, 0.3]), 1.0
PHOTON, ABSORBED = 20.0, 3.0
GRID = EnergyGrid(0.2, 300)
PULSE = Pulse(PHOTON, ABSORBED, 0.3)
TIMES = np.array([0.0, 0.5, 0.75, 1.5, 4.0])


@pytest.mark.parametrize("shape", [Gaussian(), SquaredSech(), Square()])
def test_shapes(shape):
    """∫p dt Ω² is what is absorbed, `brought` its integral; half as high half a width away."""
    pulse = Pulse(PHOTON, ABSORBED, 0.3, shape=shape)
    edges = [float(pulse.centre) - 0.15, float(pulse.centre) + 0.15]
    for until in (0.7 * float(pulse.centre), 3 * float(pulse.end)):
        points = [e for e in edges if e < until]
        area = scipy.integrate.quad(
            lambda t: float(pulse.rate(t)), 0, until, points=points, epsabs=1e-12, limit=200
        )[0]
        assert area * PHOTON**2 == pytest.approx(float(pulse.brought(until)), rel=1e-8)
    assert pulse.brought(10 * pulse.end) == pytest.approx(ABSORBED, rel=1e-12)
    if not isinstance(shape, Square):
        ratio = pulse.rate(pulse.centre + 0.15) / pulse.rate(pulse.centre)
        assert ratio == pytest.approx(0.5, rel=1e-12)
    # No step from any time passes over the pulse.
    for t in np.linspace(0, float(pulse.end) * 0.999, 40):
        assert t + float(pulse.longest_step(t)) < float(pulse.end) + 0.3


@pytest.mark.parametrize("photon", [PHOTON, 19.93])
def test_the_energy_moment_on_the_grid(photon):
    """Ω² for a Fermi function and for one that is far from it, on and off the lattice."""
    on_grid = PumpOnGrid.at(Pulse(photon, 1.0, 0.3), COLD, GRID, reach_of(photon / 0.2))
    hot = fermi(GRID.energies, 1.3) - fermi(GRID.energies, COLD)
    shifted = on_grid.shifts.mix(on_grid.weights, hot)
    moment = 2 * GRID.step * GRID.energies @ shifted
    assert moment == pytest.approx(photon**2, rel=1e-10)
    far = hot + 0.01 * fermi(GRID.energies - 55.0, COLD)  # absorbs beyond the grid
    p = on_grid.pulse.rate(on_grid.pulse.centre)
    moment = 2 * GRID.step * GRID.energies @ on_grid.integral(on_grid.pulse.centre, far)
    assert moment == pytest.approx(float(p) * photon**2, rel=1e-12)
    # Where neither edge matters it is f(E+Ω) + f(E-Ω) - 2f(E).
    e = np.asarray(GRID.energies)
    exact = fermi(e + photon, 1.3) + fermi(e - photon, 1.3) - 2 * fermi(e, 1.3)
    np.testing.assert_allclose(shifted, exact, rtol=0, atol=1e-9)


@pytest.fixture(scope="module")
def pumped():
    phonons = MovingPhonons(0.2, lifetime=5.0)
    return evolve(METAL, COLD, COLD, GRID, TIMES, rtol=1e-4, phonons=phonons, pump=PULSE)


def test_absorbed_energy_is_the_fluence(pumped):
    """At a loose tolerance: what electrons, phonons and the bath have is what the pulse brought."""
    total = np.asarray(pumped.total_energy + pumped.escaped)
    np.testing.assert_allclose(total, pumped.absorbed, rtol=0, atol=1e-10 * ABSORBED)
    assert total[-1] == pytest.approx(ABSORBED, rel=1e-10)
    assert np.max(np.abs(pumped.energy_error)) < 1e-11
    # Electrons went up by one photon: a plateau up to Ω with the steps of f0 at its end.
    share = ABSORBED / PHOTON**2
    above, beyond = (int(e / 0.2) - 1 for e in (15.0, 26.0))
    assert 0.3 * share < pumped.f[2, above] < 1.1 * share
    assert pumped.f[2, beyond] < 0.02 * share


@pytest.mark.slow
def test_many_collisions_between_electrons_give_a_hot_fermi_function():
    """A short pulse, and electrons that share its energy before phonons have any."""
    grid, metal = EnergyGrid(0.25, 128), EinsteinModes([2.0], [0.05])
    pulse = Pulse(10.0, 2.0, 0.02)
    electrons = ElectronCollisions(grid, jnp.full(256, 2.0))
    run = evolve(
        metal, COLD, COLD, grid, np.array([0.0, 0.3]), rtol=1e-6, pump=pulse, electrons=electrons
    )
    left = float(run.energy[-1])
    assert left > 0.97 * 2.0
    hot = final_temperature(metal, COLD, COLD, MovingPhonons(1e12), left)
    assert run.temperature[-1] == pytest.approx(hot, rel=1e-3)
    np.testing.assert_allclose(run.f[-1], fermi(grid.energies, hot), rtol=0, atol=1e-3)


@pytest.mark.slow
def test_two_temperatures_are_a_limit():
    """One branch of phonons has one temperature, and electrons that collide often have one."""
    metal, grid = EinsteinModes([2.0], [0.1]), EnergyGrid(0.33, 90)
    times = np.array([0.0, 0.5, 2.0, 5.0, 12.0])
    phonons, electrons = MovingPhonons(0.5), ElectronCollisions(grid, jnp.full(180, 5.0))
    run = evolve(metal, 1.3, COLD, grid, times, phonons=phonons, electrons=electrons)
    model = two_temperatures(metal, 1.3, COLD, times, phonons=phonons)
    np.testing.assert_allclose(run.temperature, model.electrons, rtol=0.01 * 0.3)
    np.testing.assert_allclose(run.phonon_temperature[:, 0], model.lattice, rtol=0.01 * 0.3)


def test_two_temperatures_against_scipy():
    """The coupled equations again by SciPy, with a bath and a pulse, and where they end."""
    omega, coupling, per_mode, lifetime = (2.0, 3.1), (0.4, 0.3), 0.2, 5.0

    def boson(w, t):
        return 1 / np.expm1(w / t)

    def rate(t, y):
        hot, lattice = y
        flow = sum(
            c * w**3 * (boson(w, hot) - boson(w, lattice))
            for w, c in zip(omega, coupling, strict=True)
        )
        lost = sum(w / per_mode * (boson(w, lattice) - boson(w, COLD)) for w in omega) / lifetime
        heat = sum(
            (w / lattice) ** 2 * boson(w, lattice) * (boson(w, lattice) + 1) / per_mode
            for w in omega
        )
        own = np.pi**2 / 3 * hot * float(specific_heat_ratio(METAL, hot))
        brought = float(PULSE.rate(t)) * PHOTON**2
        return (brought - flow) / own, (flow - lost) / heat

    found = scipy.integrate.solve_ivp(
        rate, (0, 4), (COLD, COLD), "LSODA", TIMES, rtol=1e-8, atol=1e-10, max_step=0.1
    )
    phonons = MovingPhonons(per_mode, lifetime)
    model = two_temperatures(METAL, COLD, COLD, TIMES, phonons=phonons, pump=PULSE)
    np.testing.assert_allclose(model.electrons, found.y[0], rtol=1e-6)
    np.testing.assert_allclose(model.lattice, found.y[1], rtol=1e-6)
    closed = MovingPhonons(per_mode)
    late = two_temperatures(METAL, COLD, COLD, np.array([0.0, 300.0]), phonons=closed, pump=PULSE)
    end = final_temperature(METAL, COLD, COLD, closed, ABSORBED)
    assert late.electrons[-1] == pytest.approx(end, rel=1e-6)
    assert late.lattice[-1] == pytest.approx(end, rel=1e-6)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="photon_energy must be positive"):
        Pulse(0.0, 1.0, 0.1)
    with pytest.raises(ValueError, match="photons of 20 it should reach 32"):
        evolve(METAL, COLD, COLD, EnergyGrid(0.25, 100), TIMES, pump=PULSE)
    with pytest.raises(ValueError, match="16384"):
        pump(METAL, 1.0, 2000.0, 1.0, 0.1, 0.001)


OPTIONS = ["pump", "--example", "table1", "--temperature", "300", "--photon-energy", "0.2"]
OPTIONS += ["--absorbed", "2", "--duration", "0.02"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ([], "need --states"),
        (["--states", "1", "--atoms", "-1"], "--atoms must be positive"),
        (["--states", "1", "--atoms", "1", "--escape", "0"], "--escape must be a positive"),
        (["--states", "1", "--atoms", "1", "--until", "nan"], "--until must be"),
        (["--absorbed-density", "9", "--cell-volume", "9"], "give what is absorbed once"),
        (["--cell-volume", "18"], "go together"),
    ],
)
def test_bad_options(more, told, capsys):
    assert program([*OPTIONS, *more]) == 2
    assert told in capsys.readouterr().err


def test_energy_per_volume():
    """100 J/cm³ in a cell of 18 Å³ are 1.8e-21 J."""
    expected = 1.8e-21 / scipy.constants.electron_volt * 1e3
    assert density_to_mev(100.0, 18.0) == pytest.approx(expected, rel=1e-12)
    assert _per_cell(None, 100.0, 18.0) == pytest.approx(expected, rel=1e-12)
    assert _per_cell(2.0, None, None) == 2.0
    with pytest.raises(ValueError, match="--cell-volume must be positive"):
        _per_cell(None, 100.0, -18.0)


def test_what_is_left_is_told():
    """A run that ends early says so."""
    short = pump(METAL.scaled(1e-3), 12.0, 40.0, 0.01, 0.01, 0.001, [0.0, 0.05, 0.1])
    apart = np.abs(short.temperature - short.lattice_temperature)
    left = apart[-1] / np.max(apart)
    assert left > 0.5 and f"{left:.2g} is left" in short.explain()


def test_exchange_of_heat_is_allens_at_high_temperatures():
    """G = ∂Q/∂T_e at T_l = T_e tends to λ⟨ω²⟩ over 2ν0 in rescaled time, 2πν0λ⟨ω²⟩ in true time,
    with corrections by x²eˣ/(eˣ - 1)² = 1 - x²/12 + x⁴/240 - …, and over the heat of bare
    electrons to Allen's rate."""
    omega, coupling = np.array([2.0, 3.1]), np.array([0.4, 0.3])
    second, fourth = coupling @ omega**2, coupling @ omega**4
    for temperature in (30.0, 300.0):
        slope = jax.grad(lambda t, cold: energy_loss(METAL, t, cold))(temperature, temperature)
        exact = second * (1 - fourth / second / (12 * temperature**2))
        left = coupling @ omega**6 / (240 * temperature**4)
        assert abs(float(slope) - exact) < 1.01 * left + 1e-12 * second
        bare = np.pi**2 * temperature / 3
        assert np.pi * second / bare == pytest.approx(float(allen_rate(METAL, temperature)))


@pytest.mark.slow
def test_program(capsys, tmp_path):
    more = ["--states", "1", "--atoms", "1", "--until", "0.2", "-o", str(tmp_path)]
    assert program([*OPTIONS, *more]) == 0
    assert "2 meV per cell absorbed" in " ".join(capsys.readouterr().out.split())
    told = json.loads((tmp_path / "pump.json").read_text())
    assert told["result"] == "completed"
    assert told["absorbed_energies_meV2"][-1] == pytest.approx(2 / 2e-3, rel=1e-9)
    from jaxelph.presentation.files import read_netcdf

    data = read_netcdf(tmp_path / "pump.nc")
    # From the pulse on the figure's time is logarithmic, and so are the times.
    assert data.sizes["time"] == 121 and data["time"].values[-1] == pytest.approx(0.2)
    steps = np.diff(np.log(data["time"].values[-40:]))
    np.testing.assert_allclose(steps, steps[0], rtol=1e-9)
    figure = plot(data)
    assert "2 meV per cell" in figure.get_suptitle() and faults(figure) == []
    # Eight panels and a bar of colours.
    assert data.attrs["kind"] == "lattice" and len(plot(data).axes) == 9
    assert data["photoemission"].dims == ("time", "seen_energy")
    assert data["photoemission_lines"].attrs["units"] == "1/meV"
    assert data["optical_rate_change"].attrs["units"] == data["light_energy"].attrs["units"]
    # In meV²/ps: after the pulse the integral is what the phonons gain.
    assert data["energy_flow"].attrs["units"] == "(meV)^2/ps"
    late = data["time"].values > 0.13
    flow = data["energy_flow"].values[late].sum(axis=1)
    gained = scipy.integrate.simpson(flow, x=data["time"].values[late])
    stored = data["phonon_energy"].values[late]
    assert gained == pytest.approx(stored[-1] - stored[0], rel=1e-3)
