"""What is published: one version, one list of requirements, a description fit for an index."""

import importlib.util
import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

import jaxelph

TOP = Path(__file__).parents[1]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))


def read(name):
    return (TOP / name).read_text(encoding="utf-8")


def test_one_version():
    assert "version" in PROJECT["project"]["dynamic"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "jaxelph/__init__.py"
    told = {
        "CITATION.cff": re.search(r"^version: (\S+)$", read("CITATION.cff"), re.M),
        "recipe/meta.yaml": re.search(r'set version = "(\S+)"', read("recipe/meta.yaml")),
        "CHANGELOG.md": re.search(r"^## \[?(\d[\d.]*)", read("CHANGELOG.md"), re.M),
    }
    for name, found in told.items():
        assert found is None or found[1] == jaxelph.__version__, name
    assert told["CITATION.cff"] and told["recipe/meta.yaml"]
    for name in ("README.md", "docs/faq.md"):
        assert re.findall(r"version = \{(.+?)\}", read(name)) == [jaxelph.__version__], name


def test_conda_asks_for_what_pip_does():
    block = read("recipe/meta.yaml").partition("  run:\n")[2].partition("\ntest:")[0]
    recipe = {
        name: bound.replace(" ", "")
        for name, bound in re.findall(r"^    - ([\w-]+) ?(\S*)$", block, re.M)
    }
    wanted = {"python": PROJECT["project"]["requires-python"]}
    for line in PROJECT["project"]["dependencies"]:
        name, bound = re.match(r"([\w-]+)(.*)", line).groups()
        # conda-forge has matplotlib without its windows under a name of its own.
        wanted["matplotlib-base" if name == "matplotlib" else name] = bound.replace(" ", "")
    assert recipe == wanted


def fill():
    spec = importlib.util.spec_from_file_location("fill", TOP / "recipe" / "fill.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_recipe_has_the_hash_of_its_sdist(tmp_path):
    """Of three bytes, whose hash FIPS 180 prints; the file in the repository promises none."""
    assert not re.search(r"sha256: *[0-9a-f]{64}", read("recipe/meta.yaml"))
    sdist = tmp_path / f"jaxelph-{jaxelph.__version__}.tar.gz"
    sdist.write_bytes(b"abc")
    script = [sys.executable, str(TOP / "recipe" / "fill.py")]
    done = subprocess.run([*script, str(sdist)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    told = read("recipe/meta.yaml").splitlines()
    changed = [line for line in done.stdout.splitlines() if line not in told]
    assert changed == [f"  sha256: {known}"]
    assert len(done.stdout.splitlines()) == len(told)


def test_no_recipe_is_made_of_another_file(tmp_path, monkeypatch):
    module = fill()
    with pytest.raises(ValueError, match="the recipe is of version"):
        module.filled(tmp_path / "jaxelph-9.9.tar.gz")
    recipe = tmp_path / "meta.yaml"
    recipe.write_text(read("recipe/meta.yaml").replace(module.BLANK, 64 * "0"))
    monkeypatch.setattr(module, "RECIPE", recipe)
    with pytest.raises(ValueError, match="there is no line"):
        module.filled(tmp_path / f"jaxelph-{jaxelph.__version__}.tar.gz")


def test_a_release_fills_the_recipe():
    workflow = TOP / ".github" / "workflows" / "release.yml"
    if not workflow.is_file():
        pytest.skip("an sdist has no workflows")
    told = workflow.read_text(encoding="utf-8")
    assert told.index("uv build") < told.index("recipe/fill.py dist/*.tar.gz > conda/meta.yaml")
    assert "{ name: recipe, path: conda }" in told


def hook():
    pytest.importorskip("hatchling", reason="builds the package")
    spec = importlib.util.spec_from_file_location("hatch_build", TOP / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_description_has_no_relative_link():
    module, readme = hook(), read("README.md")
    relative = re.compile(r"\]\((?!https?:|#)|<img src=\"(?!https?:)")
    assert relative.search(readme)
    assert not relative.search(module.description(readme, "", "v1"))
    told = module.description(readme, "https://example.org/a/b", "v1")
    assert not relative.search(told)
    images = re.findall(r"!\[[^]]*\]\(([^)]+)\)", told)
    images += re.findall(r'<img src="([^"]+)"', told)
    assert len(images) == readme.count("![") + readme.count("<img ")
    assert "https://example.org/a/b/raw/v1/docs/report-niobium.png" in images
    badges = [x for x in images if x.startswith("https://example.org/a/b/actions/workflows/")]
    for badge in badges:
        workflow = badge.removesuffix("/badge.svg").rpartition("/")[2]
        # An sdist has no workflows.
        folder = TOP / ".github" / "workflows"
        assert (folder / workflow).is_file() or not folder.is_dir()
    for image in set(images) - set(badges):
        assert (TOP / image.removeprefix("https://example.org/a/b/raw/v1/")).is_file()
    assert module.addresses("https://github.com/a/b")["Documentation"] == "https://a.github.io/b/"
    assert module.addresses("") == {}


@pytest.mark.slow
def test_sdist_holds_what_it_promises(tmp_path):
    pytest.importorskip("hatchling", reason="builds the package")
    build = f"from hatchling.build import build_sdist; print(build_sdist(r'{tmp_path}'))"
    done = subprocess.run([sys.executable, "-c", build], cwd=TOP, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with tarfile.open(tmp_path / done.stdout.split()[-1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for name in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]:
        assert any(found == name or found.startswith(f"{name}/") for found in names), name
