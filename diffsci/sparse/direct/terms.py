"""Terms: a Jacobian as a few diagonals, each an array of coefficients and the columns that they belong to.

Of a node with elements e, a term holds for every e a coefficient (an array of the program) and a column (a
number that is known, counted from 1; 0 stands for nothing there). The Jacobian of the node is the sum of its
terms. Terms whose entries lie over another box than the node's elements hold the row of every entry, too.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import numpy as np

from diffsci.graph import Node

__all__ = ["Columns", "Maps", "Term"]

_SAMPLES = 4096


class Columns:
    """A map that is kept once: equal maps are one object.

    Attributes
    ----------
    index : ndarray of int
        For every element its column, counted from 1, 0 for nothing.
    is_full, is_empty : bool
        Whether all elements have a column; whether none has.
    shift : int or None
        Column less place of an element in the middle: stencils written in pieces are put together by it.
    """

    __slots__ = ("index", "is_empty", "is_full", "shift")

    def __init__(self, index: np.ndarray):
        self.index = index
        self.is_full = bool(index.all())
        self.shift: int | None = None
        flat = index.reshape(-1)
        there = [flat.size // 2] if self.is_full and flat.size else np.flatnonzero(flat)
        self.is_empty = len(there) == 0
        if len(there):
            middle = int(there[len(there) // 2])
            self.shift = int(flat[middle]) - middle


@dataclass(frozen=True, eq=False)
class Term:
    """One diagonal of a Jacobian.

    Attributes
    ----------
    value : Node
        Coefficients of the entries.
    columns : Columns
        Over the box of the coefficients.
    rows : ndarray of int or None
        For every entry the element of the node, counted from 0; None where entries are elements.
    clean : bool
        Whether coefficients are exactly zero where there is nothing.
    """

    value: Node
    columns: Columns
    rows: np.ndarray | None = None
    clean: bool = True

    def of(self, value: Node, clean: bool | None = None) -> Term:
        """Return a term with other coefficients in the same places."""
        return replace(self, value=value, clean=self.clean if clean is None else clean)


class Maps:
    """Keeps maps; what has been made once is not made again."""

    def __init__(self) -> None:
        self._known: dict[tuple, list[Columns]] = {}
        self._made: dict[Hashable, Columns] = {}
        self._joined: dict[tuple[Columns, Columns], Columns | None] = {}

    def share(self, index: np.ndarray) -> Columns:
        """Return the map that equals an array."""
        step = max(1, index.size // _SAMPLES)
        mark = (index.shape, index.reshape(-1)[::step].tobytes())
        for known in self._known.setdefault(mark, []):
            if np.array_equal(known.index, index):
                return known
        made = Columns(index)
        self._known[mark].append(made)
        return made

    def made(self, key: Hashable, make: Callable[[], np.ndarray]) -> Columns:
        """Return a map by what makes it."""
        known = self._made.get(key)
        if known is None:
            known = self._made[key] = self.share(make())
        return known

    def joined(self, one: Columns, other: Columns) -> Columns | None:
        """Return the map of two terms that add up to one: where both have a column it is the same.

        None where they differ, and where they never meet and do not look like parts of one diagonal.
        """
        if one is other:
            return one
        if one.is_full and other.is_full:
            return None
        key = (one, other)
        if key not in self._joined:
            a, b = one.index, other.index
            both = (a > 0) & (b > 0)
            meet = bool(both.any())
            fit = bool((a == b)[both].all()) if meet else one.shift == other.shift
            self._joined[key] = self.share(np.maximum(a, b)) if fit else None
        return self._joined[key]
