"""Relaxation in K, meV and ps, and `jaxelph relax`."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from jaxelph import EinsteinModes, EnergyGrid, evolve, example, normal_modes, relax
from jaxelph.cli import run
from jaxelph.units import HBAR, KELVIN, mev_to_per_ps

METAL = example("table1")
COLD = 146.0  # K, 0.25 g
TIMES = np.linspace(0.0, 0.09, 10)
GRID = EnergyGrid.suggest(METAL, COLD * KELVIN, 1e-8, hottest=160 * KELVIN)


@pytest.fixture(scope="module")
def relaxation():
    return relax(METAL, 160.0, COLD, TIMES, grid=GRID, name="table1")


def test_units_are_those_of_the_kinetic_equation(relaxation):
    """ħ ∂f/∂t = π I[f], written out with constants of its own."""
    times = np.pi * TIMES / HBAR
    run = evolve(METAL, 160.0 * KELVIN, COLD * KELVIN, GRID, jnp.asarray(times))
    np.testing.assert_allclose(relaxation.evolution.f, run.f, rtol=0, atol=1e-14)
    np.testing.assert_allclose(relaxation.times, TIMES, rtol=1e-14)
    np.testing.assert_allclose(relaxation.temperature, run.temperature / KELVIN, rtol=1e-14)
    assert relaxation.temperature[0] == pytest.approx(160, abs=1e-6)


def test_rates(relaxation):
    """The initial rate of a slightly heated metal is the two-temperature one; Allen's by hand."""
    slightly = relax(METAL, COLD + 1e-3, COLD, TIMES, grid=GRID)
    assert slightly.initial_rate == pytest.approx(slightly.two_temperature_rate, rel=1e-5)
    square = np.mean(np.arange(40.0, 61.0) ** 2)
    assert relaxation.allen_rate == pytest.approx(3 * square / (np.pi * 160 * KELVIN) / HBAR)
    rates = relaxation.rates()
    assert rates["slowest_rate"] < rates["late_rate"] < rates["initial_rate"]


def test_cooling_at_high_temperature():
    """Far above the phonons' energies: Allen's rate at first, the slowest mode in the end."""
    omega, coupling = METAL.modes()
    metal, hot = EinsteinModes(omega / 50, 0.2 * coupling), 100.0 / KELVIN
    rate = relax(metal, 1.001 * hot, hot, TIMES, grid=EnergyGrid(35.0, GRID.size)).allen_rate
    times = np.linspace(0, 15 / rate, len(TIMES))
    run = relax(metal, 1.001 * hot, hot, times, grid=EnergyGrid(35.0, GRID.size), rtol=1e-9)
    assert run.allen_rate == pytest.approx(run.two_temperature_rate, rel=2e-3)
    assert run.initial_rate == pytest.approx(run.two_temperature_rate, rel=2e-3)
    on_grid = normal_modes(metal, hot * KELVIN, EnergyGrid(35.0, GRID.size)).slowest
    assert run.late_rate == pytest.approx(float(mev_to_per_ps(on_grid)), rel=2e-2)
    # The grid's lowest level lies a little above the edge of the continuum that it stands for.
    assert 1 < mev_to_per_ps(on_grid) / run.slowest_rate < 1.05
    # Electrons that do not collide among themselves are soon no Fermi distribution.
    assert run.slowest_rate < 1 / run.fall_time < run.initial_rate


def test_dataset_and_figure(relaxation, tmp_path):
    files = relaxation.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)
    with xr.open_dataset(files["relaxation.nc"], engine="h5netcdf") as data:
        np.testing.assert_allclose(data["electron_temperature"], relaxation.temperature)
        assert data["time"].attrs["units"] == "ps" and data["energy"].attrs["units"] == "meV"
        assert data.attrs["result"] == "completed"


def test_program(relaxation, capsys):
    told = ["relax", "--example", "table1", "--phonon-temperature", "146"]
    code = run(
        [*told, "--electron-temperature", "160", "--until", "0.09", "--points", "10", "--json"]
    )
    found = json.loads(capsys.readouterr().out)
    assert code == 0 and found["result"] == "completed" and len(found["times_ps"]) == 10
    np.testing.assert_allclose(found["temperatures_K"], relaxation.temperature, rtol=1e-9)


def test_a_metal_without_coupling_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("jaxelph.examples.example", lambda name: METAL.scaled(0.0))
    told = ["--phonon-temperature", "146", "--electron-temperature", "160"]
    assert run(["relax", "--example", "table1", *told]) == 2
    assert capsys.readouterr().err.startswith("error: table1: its coupling λ is 0: the electrons")


def test_an_unstable_metal_is_an_answer(tmp_path):
    metal = METAL.scaled(4.5)
    run = relax(metal, 160.0, 146.0, TIMES, grid=GRID)
    assert run.result == "unstable" and run.reached == 0
    assert "unstable from the start" in run.explain() and "per ps" in run.explain()
    run.save(tmp_path)
    assert json.loads((tmp_path / "relaxation.json").read_text())["temperatures_K"][1] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--electron-temperature", "-3"], "electron_temperature must be a positive number"),
        (["--electron-temperature", "146"], "equals phonon_temperature"),
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
