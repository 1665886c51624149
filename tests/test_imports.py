"""Which file of the package imports which: one direction, and pictures know no results."""

import ast
import functools
from pathlib import Path

import pytest

import jaxelph
from jaxelph.reports.figures import FIGURES

ROOT = Path(jaxelph.__file__).parent
FILES = {
    ".".join(("jaxelph", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): path
    for path in sorted(ROOT.rglob("*.py"))
}


@functools.cache
def tree(name):
    return ast.parse(FILES[name].read_text())


def imported(name, text=None):
    """Modules that a file names in any import: in functions and for type checkers as well."""
    path, found = FILES[name], set()
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(tree(name) if text is None else ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                below = f"{base}.{alias.name}"
                found.add(below if below in FILES else base)
    return (found & set(FILES)) - {name}


def circles(graph):
    """Groups of modules that reach one another: what is left when leaves and roots are gone."""
    left = {name: set(others) for name, others in graph.items()}
    while True:
        wanted = set().union(*left.values()) if left else set()
        ends = [name for name, others in left.items() if not others & set(left)]
        ends += [name for name in left if name not in wanted]
        if not ends:
            return left
        left = {name: others - set(ends) for name, others in left.items() if name not in ends}


def test_no_circle_among_the_files():
    graph = {name: imported(name) for name in FILES}
    assert graph["jaxelph.reports.report"] >= {"jaxelph.reports.dataset", "jaxelph.reports.figure"}
    assert circles(graph) == {}


#: From the lowest chapter to the highest, those of one line beside one another.
CHAPTERS = (
    "units numerics",
    "dae presentation",
    "spectra",
    "electrons",
    "grids",
    "thermodynamics",
    "stability",
    "kinetics superconductivity transport",
    "inverse",
    "reports sweeps",
    "explorer reproduce",
    "app",
)
LEVEL = {name: level for level, names in enumerate(CHAPTERS) for name in names.split()}


def chapter(name):
    """Of a module: what comes after `jaxelph.`; the package itself has none."""
    return name.split(".")[1] if "." in name else None


def arrows_back(name, others):
    """What a file imports from a chapter that is not below its own."""
    here = chapter(name)
    return {
        other
        for other in others
        if chapter(other) not in (None, here) and LEVEL[chapter(other)] >= LEVEL[here]
    }


def test_every_file_lies_in_a_chapter():
    assert {chapter(name) for name in FILES} == {*LEVEL, None, "__main__"}


@pytest.mark.parametrize("name", [name for name in FILES if chapter(name) in LEVEL])
def test_no_arrow_runs_back(name):
    assert arrows_back(name, imported(name)) == set()


def test_an_arrow_back_would_be_seen():
    text = "def f():\n    from ..kinetics import evolve\n    from ..units import KELVIN\n"
    seen = imported("jaxelph.stability.pencil", text=text)
    assert arrows_back("jaxelph.stability.pencil", seen) == {"jaxelph.kinetics.evolve"}


def test_a_circle_would_be_seen():
    text = "def f():\n    from .report import Report\n    from . import verdict\n"
    back = imported("jaxelph.reports.figure", text=text)
    assert back == {"jaxelph.reports.report", "jaxelph.reports.verdict"}
    graph = {name: imported(name) for name in FILES} | {"jaxelph.reports.figure": back}
    assert {"jaxelph.reports.report", "jaxelph.reports.figure"} <= set(circles(graph))


@pytest.mark.parametrize("module", sorted({module for module, _ in FIGURES.values()}))
def test_figures_reach_no_result(module):
    """Nothing that a figure imports, directly or not, defines a class that can be plotted."""
    reached, left = set(), {f"jaxelph.{module}"}
    while left:
        reached |= left
        left = set().union(*(imported(name) for name in left)) - reached
    for name in reached:
        for node in ast.walk(tree(name)):
            methods = node.body if isinstance(node, ast.ClassDef) else ()
            told = {method.name for method in methods if isinstance(method, ast.FunctionDef)}
            assert not told & {"plot", "to_xarray"}, f"{module} reaches {name}"
