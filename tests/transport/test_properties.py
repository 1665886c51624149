"""`jaxelph transport`: its numbers against the functions, its files, its refusals."""

import csv
import json

import fixtures_a2f as write
import numpy as np
import pytest
import xarray as xr

import jaxelph as jx
from jaxelph.app.cli import run
from jaxelph.transport import (
    bloch_grueneisen_rate,
    extended_drude,
    optical_rate,
    resistivity,
    resistivity_rate,
    thermal_conductivity,
    transport_properties,
)
from jaxelph.units import KELVIN

MODES = jx.EinsteinModes([10.0, 25.0], [0.5, 0.6])


def test_numbers_are_those_of_the_functions():
    found = transport_properties(
        MODES, [300.0, 20.0, 77.0], plasma=6.0, residual=0.5, saturation=150.0, background=3.0
    )
    assert found.temperatures.tolist() == [20.0, 77.0, 300.0]
    t = KELVIN * found.temperatures
    options = {"plasma": 6.0, "residual": 0.5}
    expected = resistivity(MODES, t, saturation=150.0, **options)
    np.testing.assert_allclose(found.resistivity, expected, rtol=1e-12)
    np.testing.assert_allclose(found.heat, thermal_conductivity(MODES, t, **options), rtol=1e-12)
    np.testing.assert_allclose(found.rate, resistivity_rate(MODES, t), rtol=1e-12)
    # The exponent, from two temperatures close by.
    near = [np.asarray(resistivity_rate(MODES, t * (1 + s))) for s in (1e-4, -1e-4)]
    slope = np.log(near[0] / near[1]) / np.log((1 + 1e-4) / (1 - 1e-4))
    np.testing.assert_allclose(found.exponent, slope, rtol=1e-6)
    assert found.linear_rate[-1] == pytest.approx(2 * np.pi * 1.1 * t[-1])
    # Impurities of ρ0 scatter light as they do a steady current.
    impurity = 0.5 * 36 / 7.43391
    light = found.light[1:]
    rate, mass = extended_drude(MODES, t[1], light, impurity=impurity)
    np.testing.assert_allclose(found.drude[1, 1:], rate, rtol=1e-4)
    np.testing.assert_allclose(found.mass[1, 1:], mass, rtol=1e-4)
    optical = impurity + np.asarray(optical_rate(MODES, t[1], light))
    np.testing.assert_allclose(found.optical[1, 1:], optical, rtol=1e-6)


@pytest.mark.slow
def test_bloch_and_grueneisen_of_the_same_moments():
    theta = 40.0
    x = np.linspace(0.005, 1, 200)
    debye = jx.TabulatedSpectrum(theta * x, 2 * 0.6 * x**4)
    found = transport_properties(debye, [30.0, 300.0])
    assert found.bloch == pytest.approx(theta, rel=1e-3)
    np.testing.assert_allclose(found.bloch_rate, found.rate, rtol=2e-3)
    assert found.unit == "µΩ cm eV²" and np.all(np.isnan(found.reflectivity))
    cold = float(bloch_grueneisen_rate(0.6, theta, theta / 90))
    law = 8 * np.pi * 0.6 * theta / 90 * 90.0**-4 * 124.43133061720438
    assert cold == pytest.approx(law, rel=1e-10)


@pytest.mark.slow
def test_command_and_its_files(tmp_path, capsys):
    path = write.epw(tmp_path, columns=1, cumulative=False, header=False, name="pb.a2f_tr.01")
    out = tmp_path / "out"
    assert run(["transport", str(path), "-T", "10,100", "--plasma", "8", "-o", str(out)]) == 0
    said, _ = capsys.readouterr()
    assert "α²_trF" in said and "λ_tr" in said and "transport function" not in said
    names = {f"transport.{ending}" for ending in ("png", "pdf", "nc", "json", "csv")}
    assert {p.name for p in out.iterdir()} == names
    told = json.loads((out / "transport.json").read_text())
    assert told["quantity"] == "α²_trF" and told["warnings"] == []
    with (out / "transport.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["T_K"]) for row in rows] == [10.0, 100.0]
    data = xr.load_dataset(out / "transport.nc")
    assert data.attrs["kind"] == "transport"
    for row, entry, value in zip(rows, told["temperatures"], data["resistivity"], strict=True):
        key = "resistivity_microohm_cm"
        assert float(row[key]) == pytest.approx(entry[key], rel=1e-9)
        assert entry[key] == pytest.approx(float(value), rel=1e-12)
    assert len(jx.plot(data).axes) == 6


@pytest.mark.slow
def test_report_says_that_it_is_transport(tmp_path):
    path = write.epw(tmp_path, columns=1, cumulative=False, header=False, name="pb.a2f_tr.01")
    with pytest.warns(jx.SpectrumWarning, match="transport function"):
        spectrum = jx.read_a2f(path)
    found = jx.report(spectrum, [60.0])
    assert "α²_trF" in found.source
    assert any("transport function" in sentence for sentence in found.warnings)


def test_plasma_is_needed_for_what_takes_it(capsys):
    for given, phrase in (
        (["--residual", "1"], "--residual needs --plasma"),
        (["--plasma", "-1"], "--plasma must be a positive number"),
        (["--saturation", "0"], "--saturation must be a positive number"),
        (["--epsilon-infinity", "nan"], "--epsilon-infinity must be a positive number"),
    ):
        assert run(["transport", "--example", "lead", *given]) == 2
        out, err = capsys.readouterr()
        assert out == "" and err.startswith("error: ") and phrase in err
    with pytest.raises(ValueError, match="saturation needs plasma"):
        transport_properties(MODES, [10.0], saturation=100.0)
    with pytest.raises(ValueError, match="coupling λ must be positive"):
        transport_properties(MODES.scaled(0.0), [10.0])
