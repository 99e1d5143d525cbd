"""Classes and instances of the user's under trace: the same attributes, methods that are traced copies."""

from __future__ import annotations

import functools
import types
from typing import Any

import numpy as np

from diffsci.tracing import containers, copies
from diffsci.tracing.array import TracedArray
from diffsci.tracing.decorated import undecorated
from diffsci.tracing.libraries import is_library
from diffsci.tracing.trace import Trace, current_trace

__all__ = ["instance", "is_user_class", "traced_class"]

# What an object's attributes mostly are: there is nothing to resolve in them.
DATA = frozenset({float, int, bool, str, complex, type(None), np.ndarray, np.float64, TracedArray})

MEMBERS = (
    types.FunctionType,
    staticmethod,
    classmethod,
    property,
    functools.cached_property,
    functools._lru_cache_wrapper,
)


def is_user_class(cls: type) -> bool:
    return (
        not is_library(cls.__module__)
        and not issubclass(cls, (BaseException, type))
        and cls.__flags__ & (1 << 9) != 0  # a heap type: written in Python
        and any(isinstance(v, MEMBERS) for base in cls.__mro__ for v in vars(base).values())
    )


def traced_class(trace: Trace | None, cls: type) -> type:
    """Return a subclass whose methods are traced copies."""
    if trace is None or getattr(cls, "_diffsci_copy", False):
        return cls
    for base in cls.__mro__:
        if not is_library(base.__module__) and base is not object:
            copies.hold_attributes(trace, base)
    if not is_user_class(cls):
        return cls
    import enum

    if issubclass(cls, enum.Enum) or "__slots__" in vars(cls):
        return cls
    known = trace.copies.get(id(cls))
    if known is not None:
        return known
    members = {
        "_diffsci_copy": True,
        "__tree_class__": cls,
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__getattribute__": _reading(cls),
    }
    try:
        made = type(cls)(cls.__name__, (cls,), dict(members))
    except TypeError:
        return cls  # a class that cannot be extended has no methods of ours to reach
    trace.copies[id(cls)] = made
    trace.keep.append(cls)
    for base in reversed(cls.__mro__):
        if is_library(base.__module__):
            continue
        for name, member in vars(base).items():
            copied = _member(trace, member, made)
            if copied is not None:
                setattr(made, name, copied)
    return made


def _reading(cls: type) -> types.FunctionType:
    """Return a `__getattribute__` that resolves the functions and objects which an instance holds."""
    read = cls.__getattribute__

    def __getattribute__(self, name: str) -> Any:
        value = read(self, name)
        trace = None if type(value) in DATA else current_trace()
        if trace is None or name.startswith("__"):
            return value
        if isinstance(value, types.MethodType) and value.__self__ is self:
            return value  # of the traced class: a copy already
        return _held(trace, value) if containers.is_plain(value) else copies.object_of(trace, value)

    return __getattribute__


def _held(trace: Trace, value: Any) -> Any:
    """Return a container that an object holds; its data are snapshots, its functions and objects resolved."""
    if not any(callable(item) or is_user_class(type(item)) for _, item in containers.items(value)):
        return value
    key = ("held items", id(value))
    if key not in trace.copies:
        trace.keep.append(value)
        resolved = {name: copies.object_of(trace, item) for name, item in containers.items(value)}
        made = containers.filled(containers.started(value), value, resolved)
        trace.copies[key] = (made, value, resolved)
    return trace.copies[key][0]


def _member(trace: Trace, member: Any, owner: type) -> Any:
    if isinstance(member, types.FunctionType):
        return copies.private_copy(member)
    if isinstance(member, staticmethod):
        return staticmethod(copies.private_copy(member.__func__))
    if isinstance(member, classmethod):
        return classmethod(copies.private_copy(member.__func__))
    if isinstance(member, functools.cached_property):
        cached = functools.cached_property(copies.private_copy(member.func))
        cached.__set_name__(owner, member.attrname)
        return cached
    if isinstance(member, property):
        return property(
            *(
                copies.private_copy(f) if f is not None else None
                for f in (member.fget, member.fset, member.fdel)
            )
        )
    return undecorated(member, copies.private_copy)


def instance(trace: Trace | None, value: Any) -> Any:
    """Return a twin of an instance of a user's class: traced methods, the same attributes."""
    cls = type(value)
    if trace is None or isinstance(value, (type, TracedArray)):
        return value
    if containers.has_attributes(value):
        copies.hold_attributes(trace, value)
    if isinstance(value, np.ndarray) or not is_user_class(cls):
        return value
    if (
        getattr(cls, "_diffsci_copy", False)
        or not hasattr(value, "__dict__")
        or isinstance(value, (tuple, list, dict))
    ):
        return value
    known = trace.copies.get(id(value))
    if known is not None:
        return known
    made = traced_class(trace, cls)
    if made is cls:
        return value
    twin = object.__new__(made)
    object.__setattr__(twin, "__dict__", value.__dict__)  # shared: attributes set are set on both
    trace.copies[id(value)] = twin
    trace.objects.append(value.__dict__)
    trace.keep.append(value)
    return twin
