"""The user's functions behind callables written in C: caches of functools, and what Numba compiled.

Neither can take a traced value. They keep the function they were made of, and that one can be traced.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

from diffsci.tracing.operations import contains_traced

__all__ = ["undecorated"]


def undecorated(value: Any, copied: Callable) -> types.FunctionType | None:
    """Return a function that passes traced arguments to the function inside; None where there is none.

    Other arguments go to the callable itself: it caches, or is fast, and gives plain numbers.
    `copied` makes the traced copy of a function.
    """
    inside = _inside(value)
    if inside is None:
        return None
    function, vectorized = inside

    @functools.wraps(function)
    def call(*args, **kwargs):
        if not contains_traced((args, tuple(kwargs.values()))):
            return value(*args, **kwargs)
        traced = copied(function)
        if vectorized:
            from diffsci.tracing.classes import Vectorized

            traced = Vectorized(traced)
        return traced(*args, **kwargs)

    return call


def _inside(value: Any) -> tuple[types.FunctionType, bool] | None:
    """Return the function in a callable, and whether it runs at every element."""
    kind = type(value)
    if kind is functools._lru_cache_wrapper:
        return value.__wrapped__, False
    if not kind.__module__.startswith("numba."):
        return None
    if isinstance(getattr(value, "py_func", None), types.FunctionType):
        return value.py_func, False
    if kind.__name__ == "DUFunc":
        return value._dispatcher.py_func, True
    return None
