"""What `import jaxelph` brings: the names of its stub, 64-bit mode, and little else."""

import ast
import importlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

import jaxelph
from jaxelph.app.surroundings import set_jax

PACKAGE = Path(jaxelph.__file__).parent

# What is not to be paid for before it is used, and what a figure or a dataset alone needs.
HEAVY = ("equinox", "diffrax", "optimistix", "scipy.linalg", "zarr", "rich")
OUTPUT = ("xarray", "pandas", "matplotlib")


def stub_names() -> dict[str, str]:
    """Public name → the module that it comes from, "" for one that is a module itself."""
    found = {}
    for node in ast.parse((PACKAGE / "__init__.pyi").read_text("ascii")).body:
        if isinstance(node, ast.AnnAssign):
            assert ast.unparse(node) == "__version__: str"
            continue
        assert isinstance(node, ast.ImportFrom) and node.level == 1, ast.unparse(node)
        for alias in node.names:
            assert alias.asname == alias.name, "type checkers see only `name as name`"
            assert alias.name not in found, f"{alias.name} stands there twice"
            found[alias.name] = node.module or ""
    return found


def told(*command, **environment):
    """What a fresh Python prints last, read as JSON; `environment` has the last word."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JAXELPH", "JAX_ENABLE"))}
    kept |= {"PYTHONPATH": str(PACKAGE.parent), "JAX_PLATFORMS": "cpu"} | environment
    done = subprocess.run(
        [sys.executable, *command], env=kept, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_stub_and_the_objects_agree():
    names = stub_names()
    assert sorted(names) == sorted(jaxelph.__all__) == dir(jaxelph)
    for name, module in names.items():
        there = importlib.import_module(f"jaxelph.{module or name}")
        assert getattr(jaxelph, name) is (getattr(there, name) if module else there), name
        # The import of a module of this name would put it in the object's place.
        assert not module or importlib.util.find_spec(f"jaxelph.{name}") is None, name
    assert isinstance(jaxelph.__version__, str)
    with pytest.raises(AttributeError, match="no_such_name"):
        jaxelph.no_such_name  # noqa: B018


def test_names_are_imported_when_they_are_asked_for():
    code = f"""
import json, sys
import jaxelph
first = [name for name in {HEAVY + OUTPUT} if name in sys.modules]
listed = dir(jaxelph)
heat = jaxelph.special.heat_function(1.0).dtype.name
everything = [getattr(jaxelph, name) for name in jaxelph.__all__]
import jaxelph.app.cli, jaxelph.reports.report
output = [name for name in {OUTPUT} if name in sys.modules]
print(json.dumps([first, heat, output, listed == dir(jaxelph) == jaxelph.__all__]))
"""
    assert told("-c", code) == [[], "float64", [], True]


@pytest.mark.parametrize(
    "imports, environment, expected",
    [
        ("import jaxelph.units, jax", {}, True),
        ("from jaxelph.sweeps import product; import jax", {"JAX_ENABLE_X64": "0"}, True),
        ("import jax; jax.numpy.zeros(1); from jaxelph import special", {}, True),
        ("import jaxelph.numerics.special, jax", {"JAXELPH_X64": "0"}, False),
        ("import jax, jaxelph", {"JAXELPH_X64": "0", "JAX_ENABLE_X64": "1"}, True),
    ],
)
def test_64_bits_whatever_is_imported_first(imports, environment, expected):
    code = f"{imports}\nprint(str(jax.numpy.zeros(1).dtype == 'float64').lower())"
    assert told("-c", code, **environment) is expected


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], [], ["report", "--help"]])
def test_help_and_version_do_without_jax(arguments, tmp_path):
    program = tmp_path / "jaxelph"
    program.write_text(
        f"""
import json, sys
from jaxelph.app import cli
def leave(code):
    told = [code, [name for name in {("jax", "jaxlib", *OUTPUT)} if name in sys.modules]]
    if len(sys.argv) == 2:  # what JAX is told for later
        import jax
        told += [bool(jax.config.jax_enable_x64), jax.config.jax_compilation_cache_dir]
    print(json.dumps(told))
cli.interruption.leave = leave
cli.main()
"""
    )
    environment = {
        "JAX_ENABLE_X64": "0",
        "JAXELPH_CACHE": str(tmp_path / "kept"),
        "JAX_COMPILATION_CACHE_DIR": "",
    }
    code, imported, *settings = told(str(program), *arguments, **environment)
    assert (code, imported) == (0, [])
    if settings:
        on, folder = settings
        assert on and Path(folder).parent == tmp_path / "kept"
        assert jax.__version__ in folder


def test_jax_is_told_at_once_where_it_runs():
    name = "jax_persistent_cache_min_compile_time_secs"
    before = getattr(jax.config, name)
    try:
        set_jax(name, before + 1.0)
        assert getattr(jax.config, name) == before + 1.0
        assert name.upper() not in os.environ or float(os.environ[name.upper()]) == before
    finally:
        jax.config.update(name, before)
