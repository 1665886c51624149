"""The site: its pages' code runs and prints what they say, and what they list is all there is."""

import importlib.util
import re
import subprocess
import sys

import drawn_data
import figure_faults
import pytest
import site_pages
import site_variables

import jaxelph as jx
from jaxelph.inverse.data.layouts import COLUMNS

DOCS, TOP = site_pages.DOCS, site_pages.TOP
PAGES = site_pages.pages()

# Those that take seconds; the others run commands, or a minute of Python.
QUICK = {
    "files/out",
    "how-to/gpu",
    "index",
    "theory/electrons",
    "theory/inverse",
    "theory/kinetics",
    "theory/spectra",
    "theory/stability",
    "theory/superconductivity",
    "theory/thermodynamics",
    "theory/units",
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in PAGES]
)
def test_blocks(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    site_pages.run(PAGES[name], tmp_path, lambda: capsys.readouterr().out)


def test_a_block_that_prints_something_else_is_found():
    same = site_pages.compare
    same("λ = 1.000 in 2 ms\n", "λ = 1.001 in … ms\n", "page:1")
    same("a\nb 3\nc\n", "…\nb 3\n…\n", "page:1")
    for printed, told in (("λ = 1.01", "λ = 1.00"), ("a\nb", "a"), ("a", "a\nb"), ("c", "…\nb")):
        with pytest.raises(AssertionError, match="page:1"):
            same(printed, told, "page:1")


def test_what_is_not_run_says_why():
    for path in [*DOCS.rglob("*.md"), TOP / "CONTRIBUTING.md"]:
        for block in site_pages.blocks(path):
            if block.kind in ("python", "sh"):
                continue
            assert block.title or block.kind == "text", f"{path.name}:{block.line} is never run"


def test_every_page_is_in_the_navigation():
    told = (TOP / "mkdocs.yml").read_text(encoding="utf-8")
    for path in DOCS.rglob("*.md"):
        name = str(path.relative_to(DOCS))
        assert name in told or name.startswith("_"), f"{name} is not in mkdocs.yml"
    for path in (TOP / "notebooks").glob("*.ipynb"):
        assert f"notebooks/{path.name}" in told


def test_every_layout_is_on_the_page_of_files():
    page = (DOCS / "files" / "in.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([\w-]+)` \| [^|]+\| [^|]+\|", page, re.M)) >= set(
        jx.readers.FORMATS
    )
    readers = TOP / "jaxelph" / "spectra" / "readers"
    for path in readers.glob("[a-z]*.py"):
        if path.stem != "read":
            assert f"::: jaxelph.spectra.readers.{path.stem}\n" in page


def test_every_kind_of_data_is_on_the_page_of_files():
    page = (DOCS / "files" / "in.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*sigma.*)$", page, re.M))
    assert set(rows) == set(COLUMNS)
    for kind, layout in COLUMNS.items():
        for column in layout.columns:
            assert f"`{column.key}`" in rows[kind], f"{kind}: {column.key}"


def test_every_command_is_among_the_questions():
    commands = TOP / "jaxelph" / "app" / "commands"
    page = (DOCS / "start" / "questions.md").read_text(encoding="utf-8")
    for path in commands.glob("[a-z]*.py"):
        name = path.stem.replace("_", "-")
        assert f"`jaxelph {name}" in page or name == "examples"


def _hook(name):
    spec = importlib.util.spec_from_file_location(f"site_{name}", DOCS / "_hooks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_name_is_in_the_api():
    chapters = _hook("api").names(TOP / "jaxelph")
    listed = {name for known in chapters.values() for name in known}
    for name in jx.__all__:
        if name == "__version__":
            continue
        inside = name in chapters or any(entry.startswith(f"{name}.") for entry in listed)
        assert name in listed or inside, f"{name} is on no page of the API"
    told = (TOP / "mkdocs.yml").read_text(encoding="utf-8")
    for chapter in chapters:
        assert f"api/{chapter}.md" in told
    for name in listed:
        found = jx
        for part in name.split("."):
            found = getattr(found, part)


def test_every_benchmark_is_drawn(tmp_path):
    figures = _hook("benchmark_figures").drawn(TOP / "benchmarks" / "tables")
    page = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    for path in (TOP / "benchmarks" / "tables").glob("*.txt"):
        assert f"benchmarks/tables/{path.name}" in page
        assert path.stem not in figures or f"benchmarks/{path.stem}.svg" in page
    assert set(figures) == set(_hook("benchmark_figures").DRAWINGS)


def test_coverage_is_what_the_table_says():
    table = (TOP / "benchmarks" / "tables" / "coverage.txt").read_text(encoding="utf-8")
    # The share of each moment, before its median σ in brackets.
    rows = [line for line in table.splitlines() if re.search(r"(C_el|Σ) +\d %", line)]
    shares = [float(x) for line in rows for x in re.findall(r"(\d\d\.\d) \(", line)]
    assert len(shares) == 3 * len(rows)
    told = f"{min(shares):.0f} to {max(shares):.0f} %"
    for name in ("theory/inverse", "how-to/fit-data"):
        assert told in (DOCS / f"{name}.md").read_text(encoding="utf-8"), told


def test_variables_of_files_are_on_their_page():
    page = (DOCS / "files" / "out.md").read_text(encoding="utf-8")
    for kind in site_variables.KINDS:
        assert f'"docs/_parts/{kind}.md"' in page
    assert {path.stem for path in site_variables.PARTS.glob("*.md")} == set(site_variables.KINDS)


# Variables that hold words, or numbers whose unit is another variable's.
TEXTS = {
    f"`{name}`"
    for name in ("error", "label", "metal", "unit", "smearing", "smearing_kind", "warning")
}


def test_every_variable_says_what_it_is():
    for path in site_variables.PARTS.glob("*.md"):
        for line in path.read_text(encoding="utf-8").splitlines()[2:]:
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            assert not cells or cells[3], f"{path.stem}: {line}"
            # Words have no unit, numbers have one, "1" at least.
            assert not cells or cells[2] or cells[1] == "coordinate" or cells[0] in TEXTS, line


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(site_variables.KINDS))
def test_variables_of_files(kind):
    """The tables are what was written, and the figure of what was written shows its numbers."""
    ((_, data),) = site_variables.datasets(kind)
    told = (site_variables.PARTS / f"{kind}.md").read_text(encoding="utf-8")
    assert told == site_variables.table(data), f"run python tests/site_variables.py {kind}"
    if "kind" in data.attrs:
        figure = jx.plot(data)
        for number, (x, y) in enumerate(drawn_data.curves(data)):
            assert drawn_data.is_drawn(figure, x, y), f"curve {number}"
        assert figure_faults.faults(figure) == []


def test_links_that_lead_nowhere_are_found(tmp_path):
    pytest.importorskip("mkdocs", reason="needs the extra 'docs'")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "index.html").write_text('<h1 id="top">There</h1>')
    links = ("there/", "there/#top", "#here", "https://example.org/", "there/#no", "gone.png")
    text = "".join(f'<a href="{link}">link</a>' for link in links)
    (tmp_path / "index.html").write_text(f'<h1 id="here">Here</h1>{text}')
    found = _hook("links").broken(tmp_path)
    assert [line.split()[1] for line in found] == ["there/#no", "gone.png"]


@pytest.mark.slow
def test_builds(tmp_path):
    for module in ("mkdocs", "mkdocstrings", "mkdocs_jupyter", "math_core"):
        pytest.importorskip(module, reason="needs the extra 'docs'")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=TOP,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    pages = list(tmp_path.rglob("index.html"))
    assert len(pages) > 40
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert 'class="arithmatex"' not in text and "fonts.googleapis" not in text
