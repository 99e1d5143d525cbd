"""Objects in place of functions: found by name, bound as methods, copied without what was compiled."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["Wrapped"]


class Wrapped:
    """A callable that was made of a function.

    Copies, those by `copy.deepcopy` and `pickle` too, are made again of what it was made of: machine code
    belongs to one object of one process. A decorated function is a global of its module, like any other
    function: it is pickled by its name and is its own copy. Subclasses have ``made_of()``: the arguments that
    make another one like it.
    """

    def __init__(self, function: Callable):
        functools.update_wrapper(self, function, updated=())
        self.function = function

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __reduce__(self) -> str | tuple:
        name = getattr(self, "__qualname__", None)
        if name is not None and _named(getattr(self, "__module__", None), name) is self:
            return name
        return type(self), self.made_of()


def _named(module: str | None, name: str) -> Any:
    found = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found
