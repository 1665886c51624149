"""Every example in a docstring prints what it says."""

import doctest
import importlib
import pkgutil

import pytest

import jaxelph

MODULES = [
    module.name
    for module in pkgutil.walk_packages(jaxelph.__path__, "jaxelph.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        if (error.name or "").split(".")[0] in ("bokeh", "panel"):
            pytest.skip("needs the extra 'explore'")
        raise
    failed, _ = doctest.testmod(module)
    assert failed == 0
