"""The map over λ and T: its planes and lines are those of single calls."""

import numpy as np
import pytest

import jaxelph as jx
from jaxelph.app.cli import run
from jaxelph.sweeps.phase_diagram import phase_diagram
from jaxelph.units import KELVIN


def test_planes_and_lines_are_single_calls():
    metal = jx.EinsteinModes([30.0, 50.0], [0.4, 0.8])
    temperatures = np.array([150.0, 155.0])  # of one grid's size: compiled once
    found = phase_diagram(metal, np.array([0.5, 6.0]), temperatures, mu_star=0.1)
    for coupling in (0.5, 6.0):
        scaled = metal.scaled(coupling / 1.2)
        one = float(jx.transition_temperature(scaled, 0.1)) / KELVIN
        np.testing.assert_allclose(found["tc"].sel(coupling=coupling), one, rtol=1e-10)
        for T in temperatures:
            at = found.sel(coupling=coupling, temperature=T)
            for name in jx.CRITERIA:
                one = float(jx.margin(scaled, T * KELVIN, criterion=name))
                np.testing.assert_allclose(at[f"margin_{name}"], one, rtol=1e-7, atol=1e-7)
                line = coupling / (1 - one) if one < 1 else np.inf
                np.testing.assert_allclose(at[f"lambda_c_{name}"], line, rtol=1e-7)


@pytest.mark.parametrize(
    "over, message",
    [
        (["coupling=1:2:3"], "--over temperature=… is needed"),
        (["coupling=1:2:3", "pressure=1,2"], "--over 'pressure=1,2'"),
        (["coupling=1:2:x", "temperature=10,20"], "--over coupling '1:2:x' is neither"),
        (["coupling=1:2:3", "temperature=-10,20"], "temperatures are positive numbers in K"),
        (["coupling=1:2:3", "temperature=0.1,20"], "start from a higher temperature"),
    ],
)
def test_bad_axes(tmp_path, capsys, over, message):
    options = [part for text in over for part in ("--over", text)]
    assert run(["map", "--example", "table1", *options, "-o", str(tmp_path / "m")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "m").exists()
