"""Nested containers of arrays: tuples, lists, dicts, dataclasses and None."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Tree", "broadcast_prefix", "flatten", "leaf_paths", "register_parts", "tree_map", "unflatten"]


@dataclasses.dataclass(frozen=True, slots=True)
class Tree:
    """Shape of a nested container: what remains when its leaves are taken out.

    ``kind`` is ``leaf``, ``none``, a container type, or an object whose ``build(children)`` makes the value;
    ``keys`` are dict keys or field names.
    """

    kind: Any
    keys: tuple = ()
    children: tuple[Tree, ...] = ()

    @property
    def leaves(self) -> int:
        """Number of leaves."""
        return 1 if self.kind == "leaf" else sum(child.leaves for child in self.children)


LEAF = Tree("leaf")
NONE = Tree("none")


_registered: dict[type, Callable[[Any], tuple[Any, tuple, list]]] = {}


def register_parts(kind: type, parts: Callable[[Any], tuple[Any, tuple, list]]) -> None:
    """Make a class a container: ``parts(value)`` returns (kind, field names, children), see `Tree`."""
    _registered[kind] = parts


def _is_dataclass_instance(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _parts(value: Any) -> tuple[Any, tuple, list] | None:
    """Split a container into (kind, keys, children), or return None for a leaf."""
    kind = type(value)
    if kind in (tuple, list):
        return kind, (), list(value)
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return kind, kind._fields, list(value)
    if isinstance(value, dict):
        keys = tuple(value)
        return kind, keys, [value[key] for key in keys]
    if kind in _registered:
        return _registered[kind](value)
    if _is_dataclass_instance(value):
        kind = getattr(kind, "__tree_class__", kind)  # a traced copy of the user's class stands for it
        names = tuple(field.name for field in dataclasses.fields(value))
        return kind, names, [getattr(value, name) for name in names]
    return None


def flatten(value: Any) -> tuple[list, Tree]:
    """Return the leaves of a nested container, in order, and its tree.

    Examples
    --------
    >>> leaves, tree = flatten({"a": 1.0, "b": (2.0, [3.0])})
    >>> leaves
    [1.0, 2.0, 3.0]
    >>> unflatten(tree, leaves)
    {'a': 1.0, 'b': (2.0, [3.0])}
    """
    leaves: list = []
    return leaves, _flatten(value, leaves)


def _flatten(value: Any, leaves: list) -> Tree:
    if value is None:
        return NONE
    parts = _parts(value)
    if parts is None:
        leaves.append(value)
        return LEAF
    kind, keys, children = parts
    return Tree(kind, keys, tuple(_flatten(child, leaves) for child in children))


def unflatten(tree: Tree, leaves) -> Any:
    """Rebuild the container described by `tree` from an iterable of leaves."""
    return _unflatten(tree, iter(leaves))


def _unflatten(tree: Tree, leaves: Iterator) -> Any:
    if tree.kind == "leaf":
        return next(leaves)
    if tree.kind == "none":
        return None
    children = [_unflatten(child, leaves) for child in tree.children]
    kind = tree.kind
    if kind in (tuple, list):
        return kind(children)
    if not isinstance(kind, type):
        return kind.build(children)
    if issubclass(kind, dict):
        items = zip(tree.keys, children, strict=True)
        return dict(items) if kind is not dict and not _takes_items(kind) else kind(items)
    if issubclass(kind, tuple):
        return kind(*children)
    instance = object.__new__(kind)  # a dataclass: __init__ may want other arguments than its fields
    for name, child in zip(tree.keys, children, strict=True):
        object.__setattr__(instance, name, child)
    return instance


def _takes_items(kind: type) -> bool:
    """Tell whether a dict subclass is built from items (defaultdict is not)."""
    import collections

    return not issubclass(kind, collections.defaultdict)


def tree_map(function: Callable, value: Any) -> Any:
    """Apply a function to every leaf."""
    leaves, tree = flatten(value)
    return unflatten(tree, [function(leaf) for leaf in leaves])


def leaf_paths(tree: Tree, prefix: str = "") -> list[str]:
    """Name every leaf the way the user would index it, e.g. ``['rates'][0]``."""
    if tree.kind == "leaf":
        return [prefix]
    paths: list[str] = []
    for position, child in enumerate(tree.children):
        if tree.keys and isinstance(tree.kind, type) and issubclass(tree.kind, dict):
            step = f"[{tree.keys[position]!r}]"
        elif tree.keys:
            step = f".{tree.keys[position]}"
        else:
            step = f"[{position}]"
        paths += leaf_paths(child, prefix + step)
    return paths


def broadcast_prefix(prefix: Any, value: Any, what: str = "prefix", of: str = "value") -> list:
    """Return one entry per leaf of `value`: an entry of `prefix` stands for all leaves below its place.

    Parameters
    ----------
    prefix : object
        Arranged like the outer containers of `value`; numbers and None are its entries.
    what, of : str
        Names of the two for the message.

    Examples
    --------
    >>> broadcast_prefix((0, {"a": 1, "b": None}), ([5.0, 6.0], {"a": 7.0, "b": 8.0}))
    [0, 0, 1, None]
    """
    parts = None if prefix is None else _parts(prefix)
    if parts is None:
        return [prefix] * len(flatten(value)[0])
    own = None if value is None else _parts(value)
    keyed = isinstance(prefix, dict)
    if own is None or len(own[2]) != len(parts[2]) or (keyed and set(own[1]) != set(parts[1])):
        found = type(value).__name__ if own is None else f"{own[0].__name__} of {len(own[2])}"
        raise ValueError(f"{what}={prefix!r} does not fit {of}: a {found} stands there")
    children = parts[2]
    if keyed:
        children = [prefix[key] for key in own[1]]
    entries: list = []
    for child, item in zip(children, own[2], strict=True):
        entries += broadcast_prefix(child, item, what, of)
    return entries
