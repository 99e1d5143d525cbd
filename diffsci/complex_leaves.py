"""Complex values through transformations that know containers of real arrays.

A complex leaf becomes a container of its own with one real leaf, its parts along a last axis. So loops,
choices and solvers see trees of real arrays.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from diffsci.tracing import is_tracing
from diffsci.tracing.complex.array import is_complex
from diffsci.tracing.complex.boundary import entering, leaving
from diffsci.tracing.copies import original, private_copy
from diffsci.trees import LEAF, Tree, flatten, tree_map, unflatten

__all__ = ["Parts", "in_parts", "split", "through_parts", "whole"]


@dataclass(frozen=True)
class Parts:
    """A complex leaf: its real and imaginary parts along the last axis."""

    parts: Any


def split(value: Any) -> Any:
    """Return a nested value with its complex leaves split into parts."""
    if not any(map(is_complex, flatten(value)[0])):
        return value
    return tree_map(lambda leaf: Parts(entering(leaf)) if is_complex(leaf) else leaf, value)


def whole(value: Any) -> Any:
    """Return a nested value with its complex leaves put together again."""
    leaves, tree = flatten(value)
    flags: list[bool] = []
    tree = _without_parts(tree, flags)
    if not any(flags):
        return value
    return unflatten(tree, [leaving(x) if flag else x for x, flag in zip(leaves, flags, strict=True)])


def _without_parts(tree: Tree, flags: list[bool]) -> Tree:
    if tree.kind is Parts or tree.kind == "leaf":
        flags.append(tree.kind is Parts)
        return LEAF
    return Tree(tree.kind, tree.keys, tuple(_without_parts(child, flags) for child in tree.children))


def in_parts(function: Callable) -> Callable:
    """Return a user's function as one of split arguments with split results."""

    @functools.wraps(function, updated=())
    def split_function(*args: Any, **kwargs: Any) -> Any:
        own = private_copy(function) if is_tracing() else function
        return split(own(*whole(args), **whole(kwargs)))

    split_function._diffsci_original = original(function)  # for messages
    return split_function


def through_parts(transformation: Callable) -> Callable:
    """Let a transformation that takes functions and nested values take complex ones."""

    def prepared(value: Any) -> Any:
        return in_parts(value) if callable(value) else split(value)

    @functools.wraps(transformation)
    def apply(*args: Any, **kwargs: Any) -> Any:
        found = transformation(*map(prepared, args), **{key: prepared(v) for key, v in kwargs.items()})
        return whole(found)

    return apply
