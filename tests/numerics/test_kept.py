"""Programs found without tracing are those that tracing gives, and are dropped where unsure."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph.numerics import kept as module
from jaxelph.numerics.kept import FOLDER, kept


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "programs"))
    return tmp_path / "programs"


def made(factor=2.0):
    """A function that counts how often it is traced, as a process would make it anew."""
    traced = []

    def lowest(matrix, right):
        traced.append(1)
        found = jnp.linalg.eigh(factor * matrix)
        return {"value": found[0][0], "solved": (jnp.linalg.solve(matrix, right),)}

    return kept(jax.jit(lowest)), traced


MATRIX = np.array([[2.0, 1.0], [1.0, 3.0]])
RIGHT = np.array([1.0, -1.0])


def test_second_process_does_not_trace(folder):
    first, traced = made()
    before = first(MATRIX, RIGHT)
    assert traced and len(list(folder.glob("*.program"))) == 1
    second, traced = made()
    after = second(MATRIX, RIGHT)
    assert not traced
    assert jax.tree.structure(before) == jax.tree.structure(after)
    for one, other in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
        np.testing.assert_array_equal(one, other)
    # By NumPy, which knows nothing of what was kept; and other numbers are no other program.
    np.testing.assert_allclose(after["value"], np.linalg.eigvalsh(2 * MATRIX)[0], rtol=1e-14)
    third = second(MATRIX + np.eye(2), RIGHT)["solved"][0]
    np.testing.assert_allclose(third, np.linalg.solve(MATRIX + np.eye(2), RIGHT), rtol=1e-14)
    assert not traced


def test_other_shapes_types_and_closures_are_other_programs(folder):
    function, _ = made()
    function(MATRIX, RIGHT)
    function(np.eye(3), np.ones(3))
    function(MATRIX, RIGHT.astype(np.float32))
    assert len(list(folder.glob("*.program"))) == 3

    def raised(power):
        def function(x):
            return x**power

        return kept(jax.jit(function), power)

    assert [float(raised(power)(np.float64(3.0))) for power in (2, 3)] == [9.0, 27.0]


def test_traced_it_is_the_function_itself(folder):
    function = kept(jax.jit(lambda x: jnp.sum(jnp.sin(x))))
    x = np.linspace(0.0, 1.0, 3)
    np.testing.assert_allclose(jax.grad(function)(x), np.cos(x), rtol=1e-15)
    np.testing.assert_allclose(jax.jit(function)(x), np.sum(np.sin(x)), rtol=1e-15)
    np.testing.assert_allclose(jax.vmap(function)(x[:, None]), np.sin(x), rtol=1e-15)
    assert not folder.exists()
    # A Python number, of which JAX makes what it will, is left to it.
    assert kept(jax.jit(lambda x: x / 2))(3.0) == 1.5
    assert not folder.exists()


@pytest.mark.parametrize("damage", [b"", b"no pickle", "cut", "swapped"])
def test_files_that_cannot_be_read_are_compiled_again(folder, damage):
    function, _ = made()
    right = function(MATRIX, RIGHT)
    (path,) = folder.glob("*.program")
    if damage == "cut":
        damage = path.read_bytes()[:-100]
    elif damage == "swapped":  # an executable of another number of arguments
        kept(jax.jit(lambda x: x + 1))(RIGHT)
        (other,) = set(folder.glob("*.program")) - {path}
        damage = other.read_bytes()
    path.write_bytes(damage)
    again, traced = made()
    found = again(MATRIX, RIGHT)
    assert traced and found["value"] == right["value"]


def test_package_and_settings_are_part_of_the_key(folder, monkeypatch):
    function, _ = made()
    function(MATRIX, RIGHT)
    files = module._package()
    monkeypatch.setattr(module, "_package", lambda: files[1:])
    module._conditions.cache_clear()
    try:
        again, traced = made()
        again(MATRIX, RIGHT)
    finally:
        module._conditions.cache_clear()
    assert traced and len(list(folder.glob("*.program"))) == 2


def test_only_so_many_files_are_left(folder, monkeypatch):
    monkeypatch.setattr(module, "_MOST", 2)
    function = kept(jax.jit(lambda x: x + 1))
    for size in range(1, 6):
        function(np.zeros(size))
    assert len(list(folder.iterdir())) == 2


def test_folder_that_cannot_be_made_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(FOLDER, str(tmp_path / "file" / "programs"))
    assert float(kept(jax.jit(lambda x: x / 2))(np.float64(3.0))) == 1.5
