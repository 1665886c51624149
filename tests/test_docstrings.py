"""Every public name has the parts of a docstring that it owes.

A sentence that says what it is; `Args` that name every parameter, with the shape and the unit of
those that are numbers; `Returns` where numbers come back; `Raises` where it raises; an example,
which `test_examples_in_docs` runs; and of physics the equation or its source. Properties and
methods owe a sentence that names what they take, and what they raise.
"""

import ast
import dataclasses
import functools
import importlib
import inspect
import re
import textwrap

import pytest

ROOMS = ("jaxelph", "jaxelph.inverse", "jaxelph.dae", "jaxelph.numerics.special", "jaxelph.sweeps")

# Without an example: what is caught rather than called is told by its sentence, as is what is
# only subclassed.
NO_EXAMPLE = (BaseException,)

# Nothing is computed from an equation by these: they read, run, record or hand on.
NO_EQUATION = {
    "example",
    "read_a2f",
    "report",
    "sweep",
    "points",
    "product",
    "samples",
    "stack_spectra",
}

# Names of what a function calls to refuse its arguments.
REFUSALS = re.compile(r"_?(check_\w+|check|refuse)$")

NUMBERS = re.compile(r"Array|Scalar|Energies|Float\[|Real\[|Int\[")


def ours(thing) -> bool:
    return (getattr(thing, "__module__", None) or "").split(".")[0] == "jaxelph"


def public_names():
    """(name, object) of all that the rooms export, each once."""
    seen = {}
    for room in ROOMS:
        module = importlib.import_module(room)
        for name in getattr(module, "__all__", None) or dir(module):
            thing = getattr(module, name)
            if name.startswith("_") or inspect.ismodule(thing) or not callable(thing):
                continue
            imported = not hasattr(module, "__path__") and thing.__module__ != room
            if ours(thing) and not imported:
                seen.setdefault(id(thing), (f"{room}.{name}", thing))
    return sorted(seen.values(), key=lambda pair: pair[0])


def public_members(kind):
    """(name, member) of a class's own public methods and properties.

    What a base from another package asks for is documented there.
    """
    inherited = {name for base in kind.__mro__ if not ours(base) for name in vars(base)}
    found = {}
    for base in reversed([base for base in kind.__mro__ if ours(base)]):
        for name, member in vars(base).items():
            if name.startswith("_") or name in inherited:
                continue
            raw = inspect.getattr_static(base, name)
            if isinstance(raw, property | functools.cached_property | staticmethod | classmethod):
                found[name] = raw
            elif callable(member) and not inspect.isclass(member):
                found[name] = raw
    return sorted(found.items())


PUBLIC = public_names()
CLASSES = [(name, thing) for name, thing in PUBLIC if inspect.isclass(thing)]
FUNCTIONS = [(name, thing) for name, thing in PUBLIC if not inspect.isclass(thing)]
MEMBERS = [
    (f"{name}.{member}", thing, member)
    for name, thing in CLASSES
    if not issubclass(thing, BaseException)
    for member, _ in public_members(thing)
]


def documentation(thing) -> str:
    return inspect.cleandoc(thing.__doc__ or "")


def section(text: str, *names: str) -> str:
    """What stands indented below `Args:` or another heading."""
    for name in names:
        found = re.search(rf"^{name}:\n((?:[ \t]+.*\n?|\n)+)", text, re.M)
        if found:
            return textwrap.dedent(found[1])
    return ""


def entries(text: str) -> dict[str, str]:
    """{parameter: what is said of it}; `a, b: …` speaks of two, and a tail in parentheses is the
    shape and the unit."""
    found: dict[str, str] = {}
    for item in re.split(r"\n(?=\S)", text):
        head = re.match(r"((?:\*{0,2}\w+(?:, )?)+)(?: \([^)]*(?:\([^)]*\)[^)]*)*\))?:", item)
        if head:
            found |= {name.strip(" *"): item for name in head[1].split(",")}
    return found


def sentence(text: str) -> list[str]:
    first = text.split("\n\n")[0].strip()
    if len(first.split()) < 2 or first.startswith(("Args:", "Example:", ">>>")):
        return ["a sentence that says what it is"]
    return []


def source_names(function) -> dict[str, str]:
    """{parameter: annotation as written}, which says more than the type it makes."""
    node = tree(function)
    if node is None:
        return {}
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return {arg.arg: ast.unparse(arg.annotation) if arg.annotation else "" for arg in every}


def tree(function):
    function = inspect.unwrap(function)
    try:
        parsed = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError):
        return None
    return parsed if isinstance(parsed, ast.FunctionDef) else None


def raised(function) -> set[str]:
    """Names of exceptions in `raise` statements of its own, "" where a helper refuses."""
    found: set[str] = set()

    class Walk(ast.NodeVisitor):
        def visit_FunctionDef(self, node):
            pass  # an inner function raises for its own caller

        def visit_Raise(self, node):
            what = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(what, ast.Name) and what.id[0].isupper():
                found.add(what.id)
            elif what is not None:
                found.add("")

        def visit_Call(self, node):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else None
            name = node.func.id if isinstance(node.func, ast.Name) else name
            if name and REFUSALS.fullmatch(name):
                found.add("")
            self.generic_visit(node)

    node = tree(function)
    for statement in [] if node is None else node.body:
        Walk().visit(statement)
    return found


def unnamed_errors(function, text: str) -> list[str]:
    told = section(text, "Raises")
    named = {name for name in raised(function) if name and name not in told}
    if raised(function) and not told:
        return ["Raises"]
    return [f"Raises: {name}" for name in sorted(named)]


def unnamed_parameters(wanted: dict[str, str], text: str) -> list[str]:
    told = entries(section(text, "Args", "Attributes"))
    owed = []
    for name, annotation in wanted.items():
        if name not in told:
            owed.append(f"Args: {name}")
        elif (
            NUMBERS.search(annotation)
            and "Callable" not in annotation
            and not re.match(r"[^:]*\(", told[name])
        ):
            if "see `" not in told[name].lower():
                owed.append(f"the shape and unit of {name}")
    return owed


def owed_by_function(name: str, function) -> list[str]:
    text = documentation(function)
    owed = sentence(text)
    owed += unnamed_parameters(source_names(function), text)
    node = tree(function)
    back = "" if node is None or node.returns is None else ast.unparse(node.returns)
    if ("Array" in back or "tuple" in back) and not section(text, "Returns"):
        owed.append("Returns")
    owed += unnamed_errors(function, text)
    if ">>> " not in text:
        owed.append("an example")
    short = name.rpartition(".")[2]
    if short not in NO_EQUATION and "Array" in back and not has_equation(text):
        owed.append("the equation or its source")
    return owed


def has_equation(text: str) -> bool:
    """A formula between dollars or in plain signs, or a reference, outside of the example."""
    prose = re.sub(r"(?m)^\s*>>>.*$", "", text)
    return bool(re.search(r"\$.+?\$|Eq\. \(|Source:|[=∝≥<] ?[∫Σ∂(λωα]|[∫Σ]", prose, re.S))


def owed_by_class(kind) -> list[str]:
    text = documentation(kind)
    owed = sentence(text)
    if issubclass(kind, BaseException):
        return owed
    fields = {}
    if dataclasses.is_dataclass(kind):
        annotated = {
            key: str(value)
            for base in reversed(kind.__mro__)
            if ours(base)
            for key, value in vars(base).get("__annotations__", {}).items()
        }
        fields = {
            field.name: annotated.get(field.name, "")
            for field in dataclasses.fields(kind)
            if not field.name.startswith("_")
        }
    owed += unnamed_parameters(fields, text)
    checks = [vars(kind).get(name) for name in ("__check_init__", "__post_init__")]
    for check in filter(None, checks):
        owed += unnamed_errors(check, text)
    if ">>> " not in text and not inspect.isabstract(kind):
        owed.append("an example")
    return owed


def owed_by_member(kind, name: str) -> list[str]:
    raw = inspect.getattr_static(kind, name)
    if isinstance(raw, property | functools.cached_property):
        text = inspect.getdoc(raw) or ""
        if not text:
            text = inspect.getdoc(getattr(kind, name)) or ""
        return sentence(text)
    function = getattr(kind, name)
    text = inspect.getdoc(function) or ""
    owed = sentence(text)
    # What all methods take a class may say once.
    about = "".join(documentation(base) for base in kind.__mro__ if ours(base))
    told = entries(section(text, "Args")) | entries(section(about, "Args", "Attributes"))
    for parameter in source_names(function):
        if parameter in ("self", "cls"):
            continue
        if parameter not in told and f"`{parameter}`" not in text + about:
            owed.append(f"what {parameter} is")
    return owed + unnamed_errors(function, text)


@pytest.mark.parametrize("name, function", FUNCTIONS, ids=[name for name, _ in FUNCTIONS])
def test_function(name, function):
    assert owed_by_function(name, function) == []


@pytest.mark.parametrize("name, kind", CLASSES, ids=[name for name, _ in CLASSES])
def test_class(name, kind):
    assert owed_by_class(kind) == []


@pytest.mark.parametrize("name, kind, member", MEMBERS, ids=[name for name, _, _ in MEMBERS])
def test_member(name, kind, member):
    assert owed_by_member(kind, member) == []
