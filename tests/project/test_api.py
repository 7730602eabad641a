"""The public API: `extexify.__all__`, loaded on first use."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

import extexify


def test_every_name_of_the_api_is_documented_and_the_one_that_type_checkers_see() -> None:
    tree = ast.parse(Path(extexify.__file__).read_text("utf-8"))
    declared = {
        alias.asname or alias.name: (node.module, alias.name)
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(declared) == sorted(extexify.__all__)
    for name, (module, original) in declared.items():
        value = getattr(extexify, name)
        assert value is getattr(import_module(str(module)), original)
        assert inspect.getdoc(value), f"{name} has no docstring"
    assert set(extexify.__all__) <= set(dir(extexify))


def test_the_documentation_lists_every_name() -> None:
    documentation = (Path(extexify.__file__).parents[1] / "docs" / "library.md").read_text("utf-8")
    table = documentation.split("| names | for |")[1].split("\n\n")[0]
    assert sorted(re.findall(r"`(\w+)`", table)) == sorted(extexify.__all__)


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Sketch'"):
        _ = extexify.Sketch  # type: ignore[attr-defined]
