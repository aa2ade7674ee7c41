"""The code has the layers that docs/architecture.md says it has."""

from __future__ import annotations

import re
from types import ModuleType

import pytest
import scripts
from scripts import ROOT

# Who may import what is optional, or slow to import.
HOMES = {
    "matplotlib": ("relufast.report",),
    "onnx": ("relufast.interop",),
    "sklearn": ("relufast.interop",),
    "torch": ("relufast.torch", "relufast.interop", "relufast.report.pruned_classifier"),
}


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return scripts.tool("architecture")


def test_each_module_has_one_place_and_each_place_a_module(tool: ModuleType) -> None:
    named = [module for entries in tool.layers().values() for module in entries]
    assert len(tool.layers()) == 11
    assert len(set(named)) == len(named)
    assert set(named) <= set(tool.modules())
    for module in tool.modules():
        assert tool.layer_of(module) in tool.layers()


def test_no_module_imports_from_above(tool: ModuleType) -> None:
    depth = {layer: depth for depth, layer in enumerate(tool.layers())}
    known = tool.modules()
    inside = [one for one in tool.imports() if one.imported in known]
    assert len(inside) > 500
    upward = [
        one
        for one in inside
        if depth[tool.layer_of(one.imported)] < depth[tool.layer_of(one.module)]
    ]
    assert upward == []


def test_no_modules_import_each_other_when_they_are_imported(tool: ModuleType) -> None:
    known = tool.modules()
    waiting = {module: set() for module in known}
    for one in tool.imports():
        if one.imported in known and not one.deferred:
            waiting[one.module].add(one.imported)
    while free := {module for module, needs in waiting.items() if not needs & waiting.keys()}:
        for module in free:
            del waiting[module]
    assert waiting == {}


@pytest.mark.parametrize("package", HOMES)
def test_optional_packages_stay_where_they_belong(tool: ModuleType, package: str) -> None:
    users = {one.module for one in tool.imports() if one.imported.split(".")[0] == package}
    assert users
    assert {user for user in users if not user.startswith(HOMES[package])} == set()


def test_the_core_knows_no_python() -> None:
    files = [*ROOT.glob("cpp/src/*"), *ROOT.glob("cpp/include/relufast/*")]
    assert len(files) > 100
    for file in files:
        assert not re.search(r"#include\s*[<\"](Python|pybind11)", file.read_text("utf-8")), file
