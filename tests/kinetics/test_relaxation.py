"""Relaxation in K, meV and ps, and `jaxelph relax`."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from drawings import assert_same, drawn
from scipy.integrate import solve_ivp

from jaxelph import (
    EinsteinModes,
    EnergyGrid,
    evolve,
    example,
    normal_modes,
    optical_rate_change,
    photoemission,
    plot,
    relax,
    specific_heat_ratio,
    two_temperature_rate,
)
from jaxelph.app.cli import run
from jaxelph.kinetics.cooling import cooling_time
from jaxelph.presentation.files import read_netcdf
from jaxelph.units import HBAR, KELVIN, mev_to_per_ps

METAL = example("table1")
COLD = 146.0  # K, 0.25 g
TIMES = np.linspace(0.0, 0.09, 10)


@pytest.fixture(scope="module")
def grid():
    return EnergyGrid.suggest(METAL, COLD * KELVIN, 1e-8, hottest=160 * KELVIN)


@pytest.fixture(scope="module")
def relaxation(grid):
    return relax(METAL, 160.0, COLD, TIMES, grid=grid, name="table1")


def test_units_are_those_of_the_kinetic_equation(relaxation, grid):
    """ħ ∂f/∂t = π I[f], written out with constants of its own."""
    times = np.pi * TIMES / HBAR
    run = evolve(METAL, 160.0 * KELVIN, COLD * KELVIN, grid, jnp.asarray(times))
    np.testing.assert_allclose(relaxation.evolution.f, run.f, rtol=0, atol=1e-14)
    np.testing.assert_allclose(relaxation.times, TIMES, rtol=1e-14)
    np.testing.assert_allclose(relaxation.temperature, run.temperature / KELVIN, rtol=1e-14)
    assert relaxation.temperature[0] == pytest.approx(160, abs=1e-6)


def test_rates(relaxation, grid):
    """The initial rate of a slightly heated metal is the two-temperature one; Allen's by hand."""
    slightly = relax(METAL, COLD + 1e-3, COLD, TIMES, grid=grid)
    assert slightly.initial_rate == pytest.approx(slightly.two_temperature_rate, rel=1e-5)
    square = np.mean(np.arange(40.0, 61.0) ** 2)
    assert relaxation.allen_rate == pytest.approx(3 * square / (np.pi * 160 * KELVIN) / HBAR)
    rates = relaxation.rates()
    assert rates["slowest_rate"] < rates["late_rate"] < rates["initial_rate"]


def test_cooling_at_high_temperature(grid):
    """Far above the phonons' energies: Allen's rate at first, the slowest mode in the end."""
    omega, coupling = METAL.modes()
    metal, hot = EinsteinModes(omega / 50, 0.2 * coupling), 100.0 / KELVIN
    rate = relax(metal, 1.001 * hot, hot, TIMES, grid=EnergyGrid(35.0, grid.size)).allen_rate
    times = np.linspace(0, 15 / rate, len(TIMES))
    run = relax(metal, 1.001 * hot, hot, times, grid=EnergyGrid(35.0, grid.size), rtol=1e-9)
    assert run.allen_rate == pytest.approx(run.two_temperature_rate, rel=2e-3)
    assert run.initial_rate == pytest.approx(run.two_temperature_rate, rel=2e-3)
    on_grid = normal_modes(metal, hot * KELVIN, EnergyGrid(35.0, grid.size)).slowest
    assert run.late_rate == pytest.approx(float(mev_to_per_ps(on_grid)), rel=2e-2)
    # The grid's lowest level lies a little above the edge of the continuum that it stands for.
    assert 1 < mev_to_per_ps(on_grid) / run.slowest_rate < 1.05
    # Electrons that do not collide among themselves are soon no Fermi distribution.
    assert run.slowest_rate < 1 / run.fall_time < run.initial_rate


def test_no_rate_depends_on_the_times_that_are_shown(grid):
    """The same run asked for at other times, and the excess found from a bisection by hand."""
    # Ten or two, so that few numbers of times are compiled for.
    long = np.append([0.0, 1e-3], np.linspace(1.0, 5.0, 8))
    asked = (TIMES, [0.0, 0.09], np.linspace(0.03, 0.09, 10), long)
    runs = [relax(METAL, 160.0, COLD, times, grid=grid, rtol=1e-9) for times in asked]
    falls = [run.fall_time for run in runs]
    np.testing.assert_allclose(falls, falls[0], rtol=1e-7)
    np.testing.assert_allclose([run.initial_rate for run in runs], runs[0].initial_rate)
    times = mev_to_per_ps(jnp.append(0.0, jnp.linspace(falls[0], 0.09, 9)))
    fine = evolve(METAL, 160 * KELVIN, COLD * KELVIN, grid, times, rtol=1e-10)
    excess = (fine.temperature[1] / KELVIN - COLD) / (160 - COLD)
    assert excess == pytest.approx(np.exp(-1), rel=1e-6)
    assert np.isnan(relax(METAL, 160.0, COLD, [0.0, 1e-3], grid=grid).fall_time)


def test_the_window_lasts_until_the_electrons_are_cold(grid):
    run = relax(METAL, 160.0, COLD, grid=grid)
    assert len(run.times) == 201 and run.left <= 0.01
    # For a small excess the two-temperature model is an exponential.
    late = cooling_time(METAL, 1.0001 * COLD * KELVIN, COLD * KELVIN, 0.01)
    rate = two_temperature_rate(METAL, COLD * KELVIN)
    assert float(late * rate) == pytest.approx(np.log(100), rel=1e-4)
    # For a large one it is what a solver of differential equations says.
    hot, cold = 5 * COLD * KELVIN, COLD * KELVIN
    omega, coupling = (np.asarray(x) for x in METAL.modes())

    def slope(t, temperature):
        n = 1 / np.expm1(omega / temperature[0]) - 1 / np.expm1(omega / cold)
        heat = np.pi**2 / 3 * temperature[0] * float(specific_heat_ratio(METAL, temperature[0]))
        return [-np.sum(coupling * omega**3 * n) / heat]

    end = float(cooling_time(METAL, hot, cold, 0.01))
    solved = solve_ivp(slope, (0, end), [hot], rtol=1e-9, atol=1e-12)
    assert solved.y[0, -1] == pytest.approx(cold + 0.01 * (hot - cold), rel=1e-6)


def test_what_cannot_be_run_is_refused(grid):
    with pytest.raises(TypeError, match="differentiate, vmap or jit jaxelph.evolve"):
        jax.grad(lambda hot: relax(METAL, hot, COLD).fall_time)(160.0)
    with pytest.raises(ValueError, match="never cool"):
        relax(METAL.scaled(0.0), 160.0, COLD)
    with pytest.raises(ValueError, match="the most is 8192: take the colder at"):
        relax(METAL, 1.0, 0.01)
    with pytest.raises(ValueError, match="the most is 8192"):
        relax(METAL, 1e-300, 10.0)
    with pytest.raises(ValueError, match="times must ascend"):
        relax(METAL, 160.0, COLD, [0.1, 0.0], grid=grid)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "hot", "cold"),
    [("niobium", 2000, 300), ("niobium", 3000, 300), ("lead", 1500, 100), ("lead", 2000, 100)],
)
def test_hot_electrons_on_large_grids_cool(name, hot, cold):
    run = relax(example(name), hot, cold)
    assert run.result == "completed" and run.evolution.grid.size > 400
    assert run.left <= 0.01
    assert np.all(np.diff(run.temperature) < 0)


def test_dataset_and_figure(relaxation, tmp_path):
    files = relaxation.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)
    with xr.open_dataset(files["relaxation.nc"], engine="h5netcdf") as data:
        np.testing.assert_allclose(data["electron_temperature"], relaxation.temperature)
        assert data["time"].attrs["units"] == "ps" and data["energy"].attrs["units"] == "meV"
        assert data.attrs["result"] == "completed"
        # What is seen of phonons that keep their temperature, too.
        run, resolution = relaxation.evolution, data["photoemission"].attrs["resolution"]
        near = (
            np.abs(np.arange(-run.grid.size, run.grid.size + 1)) <= data.sizes["seen_energy"] // 2
        )
        expected = photoemission(run, resolution)[:, near]
        np.testing.assert_allclose(data["photoemission"], expected, rtol=0, atol=1e-12)
        np.testing.assert_allclose(
            data["optical_rate_change"], optical_rate_change(run, data["light_energy"].values)
        )
        loss = data["energy_flow"].sum("mode") * HBAR / np.pi
        flow = [-float(run.equation.heat_flow(d)) for d in run.deviation]
        np.testing.assert_allclose(loss, flow, rtol=0, atol=1e-8 * flow[0])
    again = plot(read_netcdf(files["relaxation.nc"]))
    assert_same(drawn(again), drawn(relaxation.plot()))
    assert again.get_suptitle() == "table1, $T_0$ = 146 K, electrons from 160 K"
    labels = [line.get_label() for line in again.get_axes()[2].lines]
    assert labels == ["electrons", "two temperatures", "Allen", "phonons"]


def test_program(relaxation, capsys):
    told = ["relax", "--example", "table1", "--phonon-temperature", "146"]
    code = run(
        [*told, "--electron-temperature", "160", "--until", "0.09", "--points", "10", "--json"]
    )
    found = json.loads(capsys.readouterr().out)
    assert code == 0 and found["result"] == "completed" and len(found["times_ps"]) == 10
    np.testing.assert_allclose(found["temperatures_K"], relaxation.temperature, rtol=1e-9)


def test_a_metal_without_coupling_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("jaxelph.spectra.examples.example", lambda name: METAL.scaled(0.0))
    told = ["--phonon-temperature", "146", "--electron-temperature", "160"]
    assert run(["relax", "--example", "table1", *told]) == 2
    assert capsys.readouterr().err.startswith("error: table1: its coupling λ is 0: the electrons")


def test_an_unstable_metal_is_an_answer(tmp_path, grid):
    metal = METAL.scaled(4.5)
    run = relax(metal, 160.0, 146.0, TIMES, grid=grid)
    assert run.result == "unstable" and run.reached == 0
    assert "unstable from the start" in run.explain() and "per ps" in run.explain()
    files = run.save(tmp_path)
    assert_same(drawn(plot(read_netcdf(files["relaxation.nc"]))), drawn(run.plot()))
    assert json.loads((tmp_path / "relaxation.json").read_text())["temperatures_K"][1] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--electron-temperature", "-3"], "--electron-temperature must be a positive number"),
        (["--electron-temperature", "146"], "equals --phonon-temperature"),
        (["--electron-temperature", "150", "--until", "0"], "--until must be a positive time"),
        (["--electron-temperature", "150", "--points", "1"], "--points must be from 2"),
        (["--electron-temperature", "150", "--rtol", "2"], "--rtol must lie between"),
        ([], "electron-temperature"),
    ],
)
def test_bad_input(options, message, capsys):
    code = run(["relax", "--example", "table1", "--phonon-temperature", "146", *options])
    told = capsys.readouterr()
    assert code == 2 and told.out == "" and message in " ".join(told.err.split())
    assert "Traceback" not in told.err
