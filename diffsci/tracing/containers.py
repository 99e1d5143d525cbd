"""Dicts, lists, tuples and attributes that a traced function reads from outside."""

from __future__ import annotations

import collections
import copy
import hashlib
import itertools
import types
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from diffsci.tracing.identity import Contents, Identity
from diffsci.tracing.libraries import is_library

__all__ = [
    "LARGE", "attribute", "attributes", "defaults", "defaults_now", "digest", "filled", "has_attributes",
    "is_collection", "is_data", "is_plain", "is_sparse", "item", "items", "layout", "names", "snapshot",
    "started", "write_back",
]  # fmt: skip

LARGE = 64  # containers with more items are constants of the program, and a change makes another program
WATCHED = 4096  # arrays and containers up to this size are compared by their contents, larger by identity
DEPTH = 4

DATA = (int, float, complex, str, np.generic, np.ndarray)

PLAIN = (dict, list, tuple, collections.OrderedDict, collections.defaultdict)


def is_plain(value: Any) -> bool:
    """Tell whether a value is a container of Python's own kind."""
    return type(value) in PLAIN or (isinstance(value, tuple) and hasattr(value, "_fields"))


def is_collection(value: Any) -> bool:
    """Tell whether a value of Python or NumPy holds others that the function may look at as they are."""
    return isinstance(value, (set, frozenset, collections.deque, np.ndarray))


def is_sparse(value: Any) -> bool:
    """Tell whether a value is a matrix of scipy.sparse."""
    return type(value).__module__.startswith("scipy.sparse") and hasattr(value, "tocoo")


def items(value: Any) -> Iterable[tuple[Any, Any]]:
    """Return (key or position, item) of a container."""
    return tuple(value.items() if isinstance(value, dict) else enumerate(value))


def item(fetch: Callable[[], Any], name: Any) -> Any:
    """Return one item of a container that is read again."""
    return fetch()[name]


def layout(value: Any) -> tuple:
    """Return what must stay for the items to be found again: the kind, and the keys or the length."""
    return type(value), tuple(value) if isinstance(value, dict) else len(value) if is_plain(value) else 0


def started(value: Any) -> Any:
    """Return a copy of a dict or list, to be given other items; None for a tuple, which is made at once."""
    return None if isinstance(value, tuple) else copy.copy(value)


def filled(made: Any, value: Any, resolved: dict[Any, Any]) -> Any:
    """Return the started copy, or a tuple of the same kind, with other items."""
    if made is None:
        return type(value)(*resolved.values()) if hasattr(value, "_fields") else tuple(resolved.values())
    for name, found in resolved.items():
        made[name] = found
    return made


def write_back(made: Any, value: Any, resolved: dict[Any, Any], plain: Callable[[Any], Any]) -> None:
    """Hand over to the user's dict or list what the function changed in its copy, as plain values."""
    if made is value:
        return
    if isinstance(value, dict):
        for name in [name for name in value if name not in made]:
            del value[name]
        for name, found in made.items():
            if name not in resolved or resolved[name] is not found:
                value[name] = plain(found)
    elif isinstance(value, list):
        kept = list(resolved.values())
        if len(made) == len(kept) and all(a is b for a, b in zip(made, kept, strict=True)):
            return
        originals = {id(found): old for found, old in zip(kept, tuple(value), strict=False)}
        value[:] = [originals[id(found)] if id(found) in originals else plain(found) for found in made]


def has_attributes(value: Any) -> bool:
    """Tell whether a value is an object of the user's, with attributes of its own."""
    if isinstance(value, types.SimpleNamespace):
        return True
    if callable(value) and isinstance(value, (types.FunctionType, types.MethodType, type)):
        return False
    held = hasattr(value, "__dict__") or hasattr(value, "__slots__")
    return held and not is_library(type(value).__module__)


def attributes(value: Any) -> dict[str, Any]:
    """Return what an object holds, in its dictionary and its slots."""
    found = dict(getattr(value, "__dict__", ()))
    for base in type(value).__mro__ if hasattr(value, "__slots__") else ():
        slots = vars(base).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if not name.startswith("__") and hasattr(value, name):
                found[name] = getattr(value, name)
    return found


def names(value: Any) -> tuple[str, ...]:
    """Return the names of the attributes of an object, now."""
    return tuple(attributes(value))


def attribute(value: Any, name: str) -> tuple:
    """Return a snapshot of an attribute of an object, now."""
    return snapshot(attributes(value).get(name))


def is_data(name: str, value: Any) -> bool:
    """Tell whether a class attribute is data: a number, a string, an array or a container."""
    return not name.startswith("__") and (is_plain(value) or isinstance(value, DATA))


def defaults(function: types.FunctionType) -> tuple:
    """Return the defaults of all parameters."""
    return (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())


def defaults_now(function: types.FunctionType) -> tuple:
    """Return a snapshot of the defaults, now."""
    return snapshot(defaults(function))


def _arrays(value: Any) -> list[np.ndarray]:
    """Return the arrays that hold a sparse matrix."""
    held = vars(value if hasattr(value, "data") and value.data.dtype != object else value.tocsr()).values()
    parts = itertools.chain(*(part if isinstance(part, tuple) else (part,) for part in held))
    return [part for part in parts if isinstance(part, np.ndarray)]


def digest(value: Any) -> tuple:
    """Return what a sparse matrix is, by contents, to be a key."""
    arrays = [(a.dtype.str, hashlib.sha256(np.ascontiguousarray(a)).digest()) for a in _arrays(value)]
    return type(value), value.shape, *arrays


_frozen: dict[int, tuple] = {}  # long tuples that nobody can change, by identity, kept alive
_MOST_FROZEN = 64


def _is_frozen(value: tuple) -> bool:
    """Tell whether a tuple holds nothing but numbers, strings and such tuples; looked at once."""
    if _frozen.get(id(value)) is value:
        return True
    if not _holds_constants(value):
        return False
    if len(_frozen) >= _MOST_FROZEN:
        _frozen.clear()
    _frozen[id(value)] = value
    return True


def _holds_constants(value: tuple) -> bool:
    return all(
        _holds_constants(found)
        if type(found) is tuple
        else found is None or type(found) in (int, float, complex, bool, str, bytes)
        for found in value
    )


class Frozen:
    """Equal to a tuple of the same constants, and quickly to the same tuple."""

    __slots__ = ("value",)

    def __init__(self, value: tuple):
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frozen):
            return False
        return self.value is other.value or _typed(self.value) == _typed(other.value)

    __hash__ = None


def _typed(value: Any) -> tuple:
    """Return constants with their types: 1, 1.0 and True are three."""
    return tuple(map(_typed, value)) if type(value) is tuple else (type(value), value)


def snapshot(value: Any, depth: int = DEPTH) -> tuple:
    """Return something that compares equal as long as a value is what it is now.

    Numbers and strings are compared by value, containers, attributes of objects and small arrays
    by their contents, everything else by identity.
    """
    kind = type(value)
    if value is None or kind in (int, float, complex, bool, str, bytes) or isinstance(value, np.generic):
        return kind, value
    if kind is np.ndarray and value.size <= WATCHED and value.dtype.kind in "fiubc":
        return Identity(value), value.tobytes()
    if is_sparse(value):
        return kind, value.shape, *(Contents(array.copy()) for array in _arrays(value))
    if depth == 0:
        return (Identity(value),)
    if isinstance(value, np.ndarray) and value.size <= WATCHED and value.dtype.kind in "fiubc":
        return Identity(value), Contents(np.array(value))  # a matrix, a masked array
    if isinstance(value, (set, frozenset)) and len(value) <= WATCHED:
        return kind, frozenset(value)
    if isinstance(value, collections.deque) and len(value) <= WATCHED:
        return kind, tuple(snapshot(found, depth - 1) for found in value)
    if kind is tuple and len(value) > LARGE and _is_frozen(value):
        return (Frozen(value),)
    if is_plain(value) and len(value) <= WATCHED:
        return kind, tuple((name, snapshot(found, depth - 1)) for name, found in items(value))
    if has_attributes(value):
        found = attributes(value)
        return Identity(value), tuple((name, snapshot(found[name], depth - 1)) for name in tuple(found))
    return (Identity(value),)
