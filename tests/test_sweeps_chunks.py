"""Chunks over devices: the values of single calls, whatever the number of devices."""

import os
import subprocess
import sys

import numpy as np
import pytest

import jaxelph as jx
from jaxelph.sweeps.chunks import evaluate_chunks

COUNT = 11
PROGRAM = """
import sys
import numpy as np, jax
import tests.test_sweeps_chunks as t
assert len(jax.devices()) == int(sys.argv[1])
np.save(sys.argv[2], t.computed(4))
"""


def points():
    omega = np.linspace(40.0, 60.0, 5) * np.linspace(0.9, 1.1, COUNT)[:, None]
    coupling = np.linspace(0.05, 0.4, COUNT)[:, None] * np.ones(5)
    return omega, coupling, np.linspace(10.0, 20.0, COUNT)


def margins(point):
    omega, coupling, temperature = point
    spectrum = jx.EinsteinModes(omega, coupling)
    return jx.margin(spectrum, temperature, grid=jx.EnergyGrid(4.0, 48))


def computed(chunk):
    return np.concatenate([values for _, values in evaluate_chunks(margins, points(), chunk)])


def test_values_are_those_of_single_calls():
    single = [float(margins(point)) for point in zip(*points(), strict=True)]
    for chunk in (4, 100):
        np.testing.assert_allclose(computed(chunk), single, rtol=0, atol=1e-12)


def test_one_two_and_eight_devices_agree(tmp_path):
    top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for devices in (2, 8):
        flags = f"--xla_force_host_platform_device_count={devices}"
        path = os.pathsep.join([top, os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {
            "XLA_FLAGS": flags,
            "JAX_PLATFORMS": "cpu",
            "PYTHONPATH": path,
        }
        file = tmp_path / f"{devices}.npy"
        command = [sys.executable, "-c", PROGRAM, str(devices), str(file)]
        subprocess.run(command, env=environment, check=True)
        np.testing.assert_allclose(np.load(file), computed(4), rtol=0, atol=1e-12)


def test_finished_chunks_are_not_computed_again():
    assert [which for which, _ in evaluate_chunks(margins, points(), 4, skip={1})] == [0, 2]


def test_bad_input():
    with pytest.raises(ValueError, match="points: every array"):
        next(evaluate_chunks(lambda p: p[0], (np.zeros(3), np.zeros(4)), 2))
    with pytest.raises(ValueError, match="chunk must be"):
        next(evaluate_chunks(lambda p: p, np.zeros(3), 0))
