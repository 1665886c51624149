"""Root finders, LAPACK and integrations on several devices at a time: they end, and are right."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxelph.sweeps.devices import cores, one_device_per_core

START = """
import json
import jax, numpy as np
import jaxelph as jx
from jaxelph.sweeps.devices import one_device_per_core
"""

ROOTS = """
assert len(jax.local_devices()) == 2
def both(coupling):
    einstein = jx.EinsteinModes(np.array([1.0]), coupling[None])
    return {"tc": jx.transition_temperature(einstein, 0.0)}
tc = jx.sweep(both, jx.sweeps.product(coupling=[1.0, 2.0, 10.0, 100.0]))
table1 = jx.example("table1")
def critical(T):
    names = ("weight", "heat")
    return {name: jx.critical_coupling_scaled(table1, T, criterion=name) for name in names}
found = jx.sweep(critical, jx.sweeps.product(T=[0.18, 0.204, 0.229, 0.253]))
print(json.dumps([x.values.tolist() for x in (tc["tc"], found["weight"], found["heat"])]))
"""

EVOLUTION = """
assert len(jax.local_devices()) == 2
omega = np.arange(40.0, 61.0)
g = np.sqrt(np.mean(omega**2))
def run(coupling):
    metal = jx.EinsteinModes(omega, coupling / 21 * np.ones(21))
    scale = g * jax.numpy.sqrt(coupling)
    T, times = 0.18 * scale, np.linspace(0.0, 9.0, 4) / scale
    found = jx.evolve(metal, 1.1 * T, T, grid, times, rtol=1e-8, throw=False)
    unstable = found.result == jx.RESULTS.unstable
    return {"reached": found.reached * scale, "unstable": unstable, "heat": found.heat[0]}
grid = jx.EnergyGrid(1.0, 200)
failures = {"normal state unstable": lambda values: values["unstable"]}
found = jx.sweep(run, jx.sweeps.product(coupling=[0.5, 1.0, 1.3, 0.9]), failures=failures)
meanings = found["status"].attrs["flag_meanings"].split()
print(json.dumps([found["reached"].values.tolist(), [meanings[k] for k in found["status"].values]]))
"""


LU = """
assert len(jax.local_devices()) == 2
from jaxelph.dae import BDF, DenseLU, Rodas5P
def cooled(T):
    metal = jx.EinsteinModes(np.array([40.0, 50.0, 60.0]), np.full(3, 1 / 3))
    grid, times = jx.EnergyGrid(2.0, 160), np.array([0.0, 0.05])
    return jx.evolve(metal, 1.1 * T, T, grid, times, rtol=1e-6, solver=solver).temperature[-1]
found = []
for solver in (BDF(), Rodas5P(DenseLU()), Rodas5P()):
    space = jx.sweeps.product(T=np.linspace(12.0, 14.0, 16))
    found.append(jx.sweep(cooled, space)["value"].values.tolist())
print(json.dumps(found))
"""


def on_devices(program, timeout, **environment):
    top = str(Path(__file__).resolve().parents[2])
    known = {k: v for k, v in os.environ.items() if k not in ("XLA_FLAGS", "JAX_NUM_CPU_DEVICES")}
    environment = known | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": top} | environment
    done = subprocess.run(
        [sys.executable, "-c", START + program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_roots_on_two_devices():
    tc, weight, heat = on_devices(ROOTS, 240, JAX_NUM_CPU_DEVICES="2")
    np.testing.assert_allclose(tc, [0.11461951, 0.21174124, 0.55777786, 1.82098166], atol=5e-9)
    # The Supplement's Table I as it should be.
    expected = [1.13320872, 1.56430735, 2.30937456, 3.74150704]
    np.testing.assert_allclose(weight, expected, atol=5e-9)
    expected = [4.74626623, 4.21934690, 3.92613816, 3.84280034]
    np.testing.assert_allclose(heat, expected, atol=5e-9)


@pytest.mark.slow
def test_run_that_becomes_unstable_is_marked_and_others_go_on():
    reached, status = on_devices(EVOLUTION, 240, JAX_NUM_CPU_DEVICES="2")
    assert status == ["finished", "finished", "normal_state_unstable", "finished"]
    np.testing.assert_allclose(reached, [9.0, 9.0, 6.310, 9.0], atol=2e-3)


@pytest.mark.slow
def test_factorisations_on_two_devices_end():
    """As LAPACK's batched ones do not, when each device waits for the threads of the other."""
    bdf, lu, default = on_devices(LU, 400, JAX_NUM_CPU_DEVICES="2")
    np.testing.assert_allclose(lu, default, rtol=1e-6)
    np.testing.assert_allclose(bdf, default, rtol=1e-4)


def test_each_core_is_a_device():
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    program = "one_device_per_core()\nprint(len(jax.local_devices()))\n"
    program += "one_device_per_core()  # started by now: no error\nprint(len(jax.local_devices()))"
    assert on_devices(program, 120) == allowed


def test_what_the_user_has_said_of_devices_stands(monkeypatch):
    asked = []
    monkeypatch.setattr(jax.config, "update", lambda *setting: asked.append(setting))
    monkeypatch.setenv("XLA_FLAGS", "")
    one_device_per_core()
    assert asked == [("jax_num_cpu_devices", cores())]
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=3")
    one_device_per_core()
    assert len(asked) == 1
