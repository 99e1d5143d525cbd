"""Imports point one way: each part of `diffsci` imports those of the layers below, `solvers` public names."""

import ast
from pathlib import Path

import pytest

import diffsci

ROOT = Path(diffsci.__file__).parents[1]

# From the bottom. Parts of one layer do not import each other.
LAYERS = (
    {"choices", "errors", "schedules", "source", "trees", "watching", "wrapping"},
    {"graph", "native"},
    {"coloring", "primitives"},
    {"elimination"},
    {"backends", "tracing", "transforms"},
    {"complex_leaves", "device_arrays", "loops", "stable"},
    {"control", "low_level", "signatures"},
    {"degenerate", "showing", "sparse", "specialisation", "supported"},
    {"compiling", "coverage", "derived"},
    {"calling", "subprograms"},
    {"custom", "directions", "implicit", "jit", "rematerialize", "vectorize"},
    {"differentiation", "series"},
    {"jacobians", "sparse_derivatives"},
    {"evidence"},
    {"explanation"},
    {"__init__"},
    {"__main__"},
)
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}

# `evidence` calls the public functions that it examines; the command line is that of `solvers`.
UPWARD = {("evidence", "__init__"), ("__main__", "solvers")}

# What steppers need to drive compiled functions, besides `diffsci` itself.
FOR_SOLVERS = {"diffsci"} | {
    f"diffsci.{name}" for name in ("choices", "errors", "low_level", "native", "schedules")
}


def _imports(path):
    """Yield the modules that a file imports, those for annotations alone left out."""
    tree = ast.parse(path.read_text())
    for_annotations = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_annotations:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "diffsci":
            yield from (f"diffsci.{name.name}" for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def _part(module):
    """Return the part of `diffsci` that a module belongs to; names of the package itself are its own."""
    pieces = module.split(".")
    return pieces[1] if len(pieces) > 1 and pieces[1] in LEVEL else "__init__"


def _part_of_file(path):
    return path.relative_to(ROOT / "diffsci").parts[0].removesuffix(".py")


def test_every_part_has_its_layer():
    found = {_part_of_file(path) for path in (ROOT / "diffsci").rglob("*.py")}
    assert found <= set(LEVEL), "enter what is new in LAYERS"


@pytest.mark.parametrize("part", sorted(LEVEL))
def test_imports_point_down(part):
    wrong = []
    for path in (ROOT / "diffsci").rglob("*.py"):
        if _part_of_file(path) != part:
            continue
        for module in _imports(path):
            if module.split(".")[0] not in ("diffsci", "solvers"):
                continue
            other = _part(module) if module.startswith("diffsci") else "solvers"
            below = other == part or LEVEL.get(other, len(LAYERS)) < LEVEL[part]
            if not below and (part, other) not in UPWARD:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not wrong


def test_solvers_import_public_names():
    for path in (ROOT / "solvers").rglob("*.py"):
        for module in _imports(path):
            if module.split(".")[0] == "diffsci":
                package = ".".join(module.split(".")[:2])
                assert package in FOR_SOLVERS, f"{path.relative_to(ROOT)} imports {module}"
