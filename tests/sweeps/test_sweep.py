"""Sweeps: the same numbers whatever the devices, and nothing finished is ever lost."""

import os
import subprocess
import sys
import time
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import jaxelph as jx
from jaxelph.sweeps import SweepWarning, points, product, samples, stack_spectra
from jaxelph.sweeps.chunks import evaluate_chunks, fitting_chunk

# What the subprocesses run; its function compiles in no time.
PROGRAM = """
import os, sys, time
import jax, numpy as np
if "PORT" in os.environ:
    jax.distributed.initialize("127.0.0.1:" + os.environ["PORT"], 2, int(os.environ["RANK"]))
import jaxelph as jx
assert len(jax.local_devices()) == int(os.environ.get("DEVICES", 1))
def cubed(x, shift):
    matrix = x * np.ones((3, 3)) + np.diag(np.arange(3.0))
    low = jax.numpy.linalg.eigvalsh(matrix)[0]
    return {"low": low + shift, "both": jax.numpy.stack([x, shift])}
def slowly(done, total):
    time.sleep(float(os.environ.get("SLOW", 0)))
space = jx.sweeps.product(x=np.linspace(0, 1, 23), shift=np.array([0.5, 2.0, 3.0]))
jx.sweep(cubed, space, store=sys.argv[1], chunk=5, progress=slowly)
print("done")
"""


def start(store, **environment):
    top = str(Path(__file__).resolve().parents[2])
    devices = f"--xla_force_host_platform_device_count={environment.get('DEVICES', '1')}"
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {devices}",
        "PYTHONPATH": os.pathsep.join([top, os.environ.get("PYTHONPATH", "")]),
        **environment,
    }
    command = [sys.executable, "-c", PROGRAM, str(store)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(*processes):
    for process in processes:
        out, error = process.communicate(timeout=500)
        assert process.returncode == 0 and "done" in out, error


def same(a, b, atol=1e-12):
    one, two = (xr.open_zarr(path, consolidated=False).load() for path in (a, b))
    xr.testing.assert_allclose(one, two, rtol=0, atol=atol)
    assert (one["status"] == 1).all() and one.attrs == two.attrs


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    store = tmp_path_factory.mktemp("sweep") / "whole"
    finish(start(store))
    return store


def square(x):
    return {"y": x**2}


SPACE = product(x=np.linspace(0.0, 1.0, 10), units={"x": "meV"})


def test_product_has_named_axes_units_and_the_values_of_single_calls():
    metal = jx.example("table1")
    space = product(coupling=[0.5, 3.0], temperature=[5.0, 9.0, 20.0], units={"temperature": "meV"})

    def heat(coupling, temperature):
        return jx.specific_heat_ratio(metal.scaled(coupling), temperature)

    found = jx.sweep(heat, space, chunk=4, units={"value": "1"})
    assert found["value"].dims == ("coupling", "temperature")
    assert found["temperature"].attrs["units"] == "meV" and found["value"].attrs["units"] == "1"
    single = [[float(heat(c, t)) for t in (5.0, 9.0, 20.0)] for c in (0.5, 3.0)]
    np.testing.assert_allclose(found["value"], single, rtol=0, atol=1e-12)


def test_ragged_spectra_keep_every_number():
    omega = [np.linspace(1.0, 20.0, n) for n in (30, 41)]
    metals = [jx.TabulatedSpectrum(w, 0.4 + 0.01 * w) for w in omega] + [jx.example("table1")]
    found = jx.sweep(
        lambda metal, T: {"λ": jx.coupling_constant(metal), "C": jx.specific_heat_ratio(metal, T)},
        product(metal=metals, T=[3.0, 9.0]),
    )
    for k, metal in enumerate(metals):
        np.testing.assert_allclose(found["λ"][k], float(jx.coupling_constant(metal)), rtol=1e-14)
        for T in (3.0, 9.0):
            one = float(jx.specific_heat_ratio(metal, T))
            np.testing.assert_allclose(found["C"].sel(T=T)[k], one, rtol=1e-12)
    # Tables alone keep even what is summed over their rows.
    tables = jx.sweep(lambda metal: {"ω": jx.log_frequency(metal)}, product(metal=metals[:2]))
    wanted = [float(jx.log_frequency(metal)) for metal in metals[:2]]
    np.testing.assert_allclose(tables["ω"], wanted, rtol=1e-14)
    alike = stack_spectra([metals[0], metals[0].scaled(2.0)])
    assert isinstance(alike, jx.TabulatedSpectrum) and alike.a2f.shape == (2, 30)


def test_points_that_fail_are_marked_with_their_reason():
    found = jx.sweep(
        lambda x: {"root": jnp.sqrt(x), "inverse": 1 / x},
        points(x=[-1.0, 0.0, 4.0]),
        failures={"no root": lambda values: values["root"] == 0},
    )
    meanings = found["status"].attrs["flag_meanings"].split()
    told = [meanings[k] for k in found["status"].values]
    assert told == ["not_a_number", "no_root", "finished"]
    assert found["inverse"][1] == np.inf and found["root"][2] == 2


def test_samples_fill_their_box_and_repeat():
    drawn = samples(64, a=(1.0, 2.0), b=(-5.0, 5.0), seed=3)
    again = samples(64, a=(1.0, 2.0), b=(-5.0, 5.0), seed=3)
    np.testing.assert_array_equal(drawn.values["a"], again.values["a"])
    # A Sobol sequence puts equally many of 2^k points into each dyadic interval.
    assert (np.histogram(drawn.values["b"], 8, (-5, 5))[0] == 8).all()


@pytest.mark.parametrize("devices", ["2", pytest.param("8", marks=pytest.mark.slow)])
def test_any_number_of_devices_gives_the_same_store(tmp_path, uninterrupted, devices):
    finish(start(tmp_path / "store", DEVICES=devices))
    same(tmp_path / "store", uninterrupted)


def test_two_processes_share_the_chunks(tmp_path, uninterrupted):
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    finish(*(start(tmp_path / "store", PORT=port, RANK=str(rank)) for rank in range(2)))
    same(tmp_path / "store", uninterrupted)


def kill_and_resume(tmp_path, uninterrupted, times, seed):
    random = np.random.default_rng(seed)
    for k in range(times):
        store = tmp_path / f"store{k}"
        process = start(store, SLOW="0.1")
        limit = time.monotonic() + 300
        while not store.exists() and process.poll() is None and time.monotonic() < limit:
            time.sleep(0.01)
        time.sleep(random.uniform(0, 1.5))
        process.kill()
        process.communicate()
        finish(start(store))
        same(store, uninterrupted, atol=0)


def test_killed_run_goes_on(tmp_path, uninterrupted):
    kill_and_resume(tmp_path, uninterrupted, 1, 0)


@pytest.mark.slow
def test_killed_twenty_times(tmp_path, uninterrupted):
    kill_and_resume(tmp_path, uninterrupted, 20, 1)


def test_finished_chunks_are_not_computed_again(tmp_path):
    seen = []
    jx.sweep(square, SPACE, store=tmp_path / "s", chunk=3)
    found = jx.sweep(square, SPACE, store=tmp_path / "s", progress=lambda *d: seen.append(d))
    assert seen == [(10, 10)]
    np.testing.assert_array_equal(found["y"], np.linspace(0, 1, 10) ** 2)
    assert found["x"].attrs["units"] == "meV"


@pytest.mark.parametrize("name", ["y", "status"])
@pytest.mark.parametrize("damage", ["truncated", "changed", "removed"])
def test_damaged_chunk_is_computed_again(tmp_path, name, damage):
    store = tmp_path / "s"
    jx.sweep(square, SPACE, store=store, chunk=3)
    file = store / name / "c" / "1"
    data = file.read_bytes()
    if damage == "truncated":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "changed":
        file.write_bytes(data[:-6] + bytes([data[-6] ^ 1]) + data[-5:])
    else:
        file.unlink()
    seen = []

    def again():
        return jx.sweep(square, SPACE, store=store, progress=lambda *d: seen.append(d))

    if (name, damage) == ("status", "removed"):  # as a killed run leaves it: no damage
        found = again()
    else:
        with pytest.warns(SweepWarning, match="chunk 1 does not hold"):
            found = again()
    assert seen == [(7, 10), (10, 10)]
    np.testing.assert_array_equal(found["y"], np.linspace(0, 1, 10) ** 2)


def test_store_of_another_sweep_is_refused(tmp_path):
    store = tmp_path / "s"
    jx.sweep(square, SPACE, store=store, chunk=3)
    before = {p: p.read_bytes() for p in store.rglob("*") if p.is_file()}
    with pytest.raises(ValueError, match="another function"):
        jx.sweep(lambda x: {"y": x**3}, SPACE, store=store)
    with pytest.raises(ValueError, match="other points"):
        jx.sweep(square, product(x=np.linspace(0.0, 2.0, 10)), store=store)
    with pytest.raises(ValueError, match="begun with chunk=3"):
        jx.sweep(square, SPACE, store=store, chunk=4)
    assert before == {p: p.read_bytes() for p in store.rglob("*") if p.is_file()}
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("dear")
    with pytest.raises(ValueError, match="not the store of a sweep"):
        jx.sweep(square, SPACE, store=tmp_path / "letters")
    with pytest.raises(OSError, match="is a file, not a folder"):
        jx.sweep(square, SPACE, store=tmp_path / "letters" / "a.txt")


def test_constants_of_a_function_tell_sweeps_apart(tmp_path):
    def shifted(by):
        return lambda x: x + np.full(3, by)

    jx.sweep(shifted(1.0), SPACE, store=tmp_path / "s")
    jx.sweep(shifted(1.0), SPACE, store=tmp_path / "s")
    with pytest.raises(ValueError, match="another function"):
        jx.sweep(shifted(2.0), SPACE, store=tmp_path / "s")


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
def test_full_disk_keeps_what_was_finished(tmp_path):
    import resource

    # The first chunk is all zeros and compresses to nothing, the second does not fit.
    x = np.concatenate([np.zeros(2000), np.random.default_rng(0).random(2000)])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def run(progress=None):
        return jx.sweep(square, points(x=x), store=tmp_path / "s", chunk=2000, progress=progress)

    def no_more_room(done, total):
        if done:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))

    try:
        with pytest.raises(OSError, match="cannot be written .*finished so far are kept"):
            run(no_more_room)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    seen = []
    found = run(lambda *d: seen.append(d[0]))
    assert seen == [2000, 4000]
    np.testing.assert_array_equal(found["y"], x**2)


def test_bad_input():
    with pytest.raises(ValueError, match="x: every array"):
        product(x=(np.zeros(3), np.zeros(4)))
    with pytest.raises(ValueError, match="all parameters need as many"):
        points(x=np.zeros(3), y=np.zeros(4))
    with pytest.raises(ValueError, match="chunk must be at least 1"):
        jx.sweep(square, SPACE, chunk=0)
    with pytest.raises(ValueError, match="also a parameter"):
        jx.sweep(lambda x: {"x": x}, SPACE)
    with pytest.raises(ValueError, match="must ascend"):
        samples(4, a=(2.0, 1.0))


def test_a_result_called_status_is_refused_and_nan_in_a_point_is_no_success():
    with pytest.raises(ValueError, match="returns 'status', which is what the sweep says"):
        jx.sweep(lambda x: {"status": x, "y": x}, points(x=[1.0]))
    found = jx.sweep(
        lambda x, n: {"count": jnp.sum(x > 0), "best": jnp.maximum(jnp.nan_to_num(x), 1.0)},
        points(x=[[1.0, 2.0], [np.nan, 2.0], [np.inf, -1.0]], n=[1, 2, 3]),
    )
    assert found["status"].values.tolist() == [1, 2, 1]


@pytest.mark.parametrize("content", [None, "junk", "{}", '{"zarr_format": 3}', ""])
@pytest.mark.parametrize("array", ["y", "x", "status", ""])
def test_a_store_without_its_metadata_is_refused_in_one_sentence(tmp_path, array, content):
    store = tmp_path / "store"
    jx.sweep(square, SPACE, store=store, chunk=4)
    metadata = store / array / "zarr.json"
    if content is None:
        metadata.unlink()
    else:
        metadata.write_text(content)
    with pytest.raises(ValueError, match="damaged|not the store of a sweep") as refused:
        jx.sweep(square, SPACE, store=store, chunk=4)
    assert str(store) in str(refused.value) and "\n" not in str(refused.value)
    assert metadata.exists() is (content is not None)


def test_a_chunk_fits_into_the_memory_that_there_is():
    """By what the compiler says of a few points: a matrix and its product are 16 kB a point."""
    space = jx.sweeps.product(x=np.arange(5000.0))

    def large(x):
        a = jnp.cos(x * jnp.arange(1024.0).reshape(32, 32))
        return jnp.linalg.eigvalsh(a @ a)[0]

    chunks = [fitting_chunk(large, space, budget) for budget in (2**20, 2**23, 2**40)]
    assert 16 <= chunks[0] <= 2**20 // 8192
    assert chunks[1] == 8 * chunks[0]
    assert chunks[2] == 8192  # all points


def test_chunks_begun_ahead_come_in_order():
    space = jx.sweeps.product(x=np.arange(11.0))

    def values(ahead):
        return list(evaluate_chunks(lambda x: x**2, space, 3, ahead=ahead))

    for ahead in (1, 2, 9):
        for (a, x), (b, y) in zip(values(0), values(ahead), strict=True):
            assert a == b
            np.testing.assert_array_equal(x, y)
