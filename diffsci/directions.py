"""Directions and cotangents, arranged and typed like what they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffsci.calling import Call, check_float
from diffsci.source import at, user_location
from diffsci.tracing import TracedArray
from diffsci.tracing.complex.array import is_complex
from diffsci.tracing.complex.boundary import packed, parts_of
from diffsci.tracing.complex.operations import as_complex
from diffsci.tracing.function import is_dynamic, typed
from diffsci.trees import Tree, flatten, leaf_paths

__all__ = ["direction_of", "float_flags", "with_zeros"]


def direction_of(primals: Any, tangents: Any, what: str) -> list[Any]:
    """Return one tangent per dynamic leaf of the primals, shapes and dtypes checked."""
    leaves, tree = flatten(primals)
    given, given_tree = flatten(tangents)
    if len(leaves) != len(given) or tree != given_tree:
        given = _matching(tree, tangents, leaves, what)
    found = []
    for leaf, tangent, path in zip(leaves, given, leaf_paths(tree), strict=True):
        type_ = typed(leaf) if is_dynamic(leaf) else None
        if type_ is None or type_.dtype.kind not in "fc":
            if what != "pullback":
                _check_fixed(leaf, tangent, path, what)
            continue
        if np.shape(tangent) != type_.shape:
            raise ValueError(
                f"{what}: the direction{path} has shape {np.shape(tangent)}, its primal has {type_.shape}"
            )
        found.append(_fitting(tangent, type_.dtype, f"{what}: the direction{path}"))
    return found


def _check_fixed(leaf: Any, tangent: Any, path: str, what: str) -> None:
    """Refuse a direction in which nothing can move: integers and flags are data."""
    numeric = is_dynamic(leaf) or isinstance(leaf, (int, np.integer, np.bool_))
    if not numeric:
        return
    if isinstance(tangent, TracedArray) or np.any(np.asarray(tangent) != 0):
        kind = f"an array of {typed(leaf).dtype}" if is_dynamic(leaf) else type(leaf).__name__
        raise TypeError(
            f"{what}: primal{path} is {kind}{at(user_location())} and has a direction: derivatives need "
            "floats; pass 3.0 instead of 3 and arrays with dtype=float, or 0 as the direction of what stays"
        )


def _fitting(tangent: Any, dtype: np.dtype, name: str) -> Any:
    """Return a tangent as programs take it: complex beside a complex primal, real beside a real one."""
    if dtype.kind == "c":
        if isinstance(tangent, TracedArray):
            return packed(as_complex(tangent, dtype))
        return parts_of(np.asarray(tangent, dtype))
    if is_complex(tangent) or (not isinstance(tangent, TracedArray) and np.iscomplexobj(tangent)):
        raise TypeError(f"{name} is complex, its primal is real{at(user_location())}: take .real")
    return tangent if isinstance(tangent, TracedArray) else np.asarray(tangent, dtype)


def _matching(tree: Tree, tangents: Any, leaves: Sequence[Any], what: str) -> list[Any]:
    raise TypeError(
        f"{what}: primals and directions must be arranged alike: {len(leaves)} leaves in "
        f"{_tree_text(tree)}, got {_tree_text(flatten(tangents)[1])}"
    )


def _tree_text(tree: Tree) -> str:
    kind = tree.kind if isinstance(tree.kind, str) else tree.kind.__name__
    names = [f"{key}=" for key in tree.keys] or [""] * len(tree.children)
    parts = [name + _tree_text(child) for name, child in zip(names, tree.children, strict=True)]
    return f"{kind}({', '.join(parts)})" if parts else kind


def float_flags(call: Call, primals: tuple, what: str) -> list[bool]:
    """Tell for each input of the program whether it comes from the primals, of which one must be a float."""
    leaves = flatten(primals)[0]
    own = [is_dynamic(leaf) for leaf in leaves]
    floats = (flag and typed(leaf).dtype.kind in "fc" for leaf, flag in zip(leaves, own, strict=True))
    if leaves and not any(floats):
        check_float(leaves[0], f"argument {leaf_paths(flatten(primals)[1])[0]}", what)
    count = sum(own)
    return [k < count for k in range(len(call.inputs))]


def with_zeros(call: Call, tangents: Sequence[Any]) -> list[Any]:
    """One tangent per output; those of integer outputs are zero."""
    pending = iter(tangents)
    return [next(pending) if y.type.is_float else np.zeros(y.shape)[()] for y in call.traced.graph.outputs]
