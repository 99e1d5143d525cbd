"""What a function is made of, by identity: tells whether a traced program still stands for it."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.tracing.libraries import home, is_library

__all__ = ["Contents", "Identity", "Seen", "fingerprint"]


def fingerprint(function: Any) -> tuple:
    """Return what a function's closure and defaults hold, by identity: changes when any of it is replaced."""
    found: list[Any] = []
    _collect(function, found, set())
    return tuple(found)


class Identity:
    """Equal to the same object only, and keeps it alive."""

    __slots__ = ("value",)

    def __init__(self, value: Any):
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


class Seen:
    """Reads a place: its value is the identity of what `fetch` finds there."""

    __slots__ = ("fetch",)

    def __init__(self, fetch: Callable[[], Any]):
        self.fetch = fetch

    def __call__(self) -> Identity:
        return Identity(self.fetch())


class Contents:
    """Equal where two arrays have the same shape, dtype and elements."""

    __slots__ = ("array",)

    def __init__(self, array: Any):
        self.array = array

    def __eq__(self, other: object) -> bool:
        if not (isinstance(other, Contents) and isinstance(other.array, np.ndarray)):
            return False
        return self.array.dtype == other.array.dtype and np.array_equal(self.array, other.array)

    __hash__ = None


def _collect(function: Any, found: list, seen: set[int]) -> None:
    if id(function) in seen:
        return
    seen.add(id(function))
    found.append(Identity(function))
    if isinstance(function, types.MethodType):
        _collect(function.__func__, found, seen)
    elif isinstance(function, functools.partial):
        for part in (function.func, *function.args, *function.keywords.values()):
            _collect(part, found, seen)
    elif isinstance(function, types.FunctionType) and not is_library(home(function)):
        for cell in function.__closure__ or ():
            try:
                _collect(cell.cell_contents, found, seen)
            except ValueError:
                continue  # a name that is not bound yet
        for default in function.__defaults__ or ():
            _collect(default, found, seen)
        source = getattr(function.__globals__, "source", function.__globals__)
        for name in _global_names(function.__code__):
            if isinstance(source.get(name), types.FunctionType):
                _collect(source[name], found, seen)


@functools.cache
def _global_names(code: types.CodeType) -> tuple[str, ...]:
    """Names that the code, or a function in it, may read from its module."""
    names = dict.fromkeys(code.co_names)
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            names.update(dict.fromkeys(_global_names(const)))
    return tuple(names)
