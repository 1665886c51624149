"""The API's pages, one a chapter, from `jaxelph/__init__.pyi` and the chapters' own `__init__`.

Read as syntax, not imported.
"""

import ast
from pathlib import Path

# Submodules that are public themselves, with the chapter whose page has them.
_PUBLIC = ("dae", "inverse", "reproduce", "stability", "sweeps", "units")
_ELSEWHERE = {"special": "numerics", "readers": "spectra"}


def _imports(path: Path) -> dict[str, str]:
    """Name → dotted path below jaxelph of what an `__init__` takes from its modules."""
    package = path.parent.relative_to(_root(path)).parts
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - (node.level - 1)]
            module = (*base, *(node.module.split(".") if node.module else ()))
            for alias in node.names:
                found[alias.asname or alias.name] = ".".join((*module, alias.name))
    return found


def _root(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.name == "jaxelph")


def _functions(path: Path) -> list[str]:
    """Public functions, classes and constants with a comment for readers, in a module's order."""
    names = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            names.append(node.name)
    return names


def names(package: Path) -> dict[str, dict[str, str]]:
    """Chapter → {the name that a user writes after `jaxelph.` → where it is defined}."""
    chapters: dict[str, dict[str, str]] = {}

    def add(chapter: str, name: str, defined: str) -> None:
        known = chapters.setdefault(chapter, {})
        if defined not in known.values():
            known[name] = defined

    top = _imports(package / "__init__.pyi")
    for name, defined in top.items():
        if name in _PUBLIC or name in _ELSEWHERE:
            continue
        path = defined if defined.count(".") > 1 else _resolved(package, defined)
        add(path.split(".")[0], name, path)
    for module in _PUBLIC:
        init = package / module / "__init__.py"
        if init.exists():
            for name, defined in _imports(init).items():
                if not name.startswith("_"):
                    add(module, f"{module}.{name}", _resolved(package, defined))
    for name in _functions(package / "units.py"):
        add("units", f"units.{name}", f"units.{name}")
    for name in _functions(package / "numerics" / "special.py"):
        add("numerics", f"special.{name}", f"numerics.special.{name}")
    for name, defined in _imports(package / "spectra" / "readers" / "__init__.py").items():
        add("spectra", f"readers.{name}", defined)
    return chapters


def _resolved(package: Path, defined: str) -> str:
    """Where a name is defined that a chapter's `__init__` hands on."""
    *module, name = defined.split(".")
    init = package.joinpath(*module, "__init__.py")
    inner = _imports(init) if init.exists() else {}
    return _resolved(package, inner[name]) if name in inner else defined


def _summary(package: Path, chapter: str) -> str:
    path = package / chapter / "__init__.py"
    path = path if path.exists() else package / f"{chapter}.py"
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.split("\n\n")[0].replace("\n", " ")


def pages(package: Path) -> dict[str, str]:
    """Name of the page → its Markdown."""
    found = {}
    listed = []
    for chapter, known in names(package).items():
        summary = _summary(package, chapter)
        lines = [f"# {chapter}", "", summary, ""]
        rows = ["", f"**[{chapter}]({chapter}.md)**: {summary}", ""]
        for name, defined in sorted(known.items()):
            lines += [f"::: jaxelph.{defined}", "    options:"]
            lines += [f"      heading: jaxelph.{name}", f"      toc_label: {name}", ""]
            rows.append(f"[`{name}`]({chapter}.md#jaxelph.{defined})")
        found[chapter] = "\n".join(lines)
        listed.append("\n".join(rows))
    intro = (
        "# API\n\nEverything is `jaxelph.NAME`. Energies share one unit (k_B = ħ = 1) unless a "
        "function says meV, K or ps. Arguments come as spectrum, temperature, energies or grid, "
        "then keywords.\n"
    )
    found["index"] = intro + "\n".join(listed) + "\n"
    return found
