"""Places outside of a function that its trace has read, and how they are read again.

Cells and names are read by functions written in C, and their places can be told: compiled code looks at them
itself before it runs.
"""

from __future__ import annotations

import functools
import operator
import types
from collections.abc import Callable
from typing import Any

__all__ = ["in_cell", "in_scope", "located"]


def in_cell(cell: types.CellType) -> Callable[[], Any]:
    """Return what reads a variable of an enclosing function."""
    return functools.partial(getattr, cell, "cell_contents")


def in_scope(scope: dict, name: str) -> Callable[[], Any]:
    """Return what reads a name of a module."""
    return functools.partial(operator.getitem, scope, name)


def located(fetch: Callable[[], Any]) -> tuple[Any, str | None] | None:
    """Return (cell, None) or (scope, name) of what `in_cell` or `in_scope` has made, None for all others.

    Examples
    --------
    >>> located(in_scope({"n": 3}, "n"))
    ({'n': 3}, 'n')
    """
    if type(fetch) is not functools.partial or fetch.func not in (getattr, operator.getitem):
        return None
    place, name = fetch.args
    if type(place) is types.CellType:
        return place, None
    return (place, name) if type(place) is dict and type(name) is str else None
