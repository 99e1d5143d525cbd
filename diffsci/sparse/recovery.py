"""Entries of a sparse matrix as expressions of its products with the directions of a coloring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from diffsci.graph import Builder, Node

if TYPE_CHECKING:
    from diffsci.coloring import Decompression

__all__ = ["recovered"]


def recovered(b: Builder, products: Node, how: Decompression) -> Node:
    """Return the entries: read off by one gather, or by substitution.

    Where values are subtracted from others in a tree, value v becomes the sum over all values w below it of
    (-1)**d w, d levels away. That is computed by doubling: sums over 2, 4, 8, ... levels come one from the
    other, so that a chain of n values takes log2(n) steps and not n.

    Parameters
    ----------
    products : Node
        All of them, flat: see `diffsci.coloring.Decompression`.
    how : Decompression
    """
    values = _taken(b, products, how.positions)
    for sources, targets, first in _steps(how):
        below = _taken(b, values, sources)
        values = b.put_add(values, b.const(targets, np.int64), b.neg(below) if first else below, axis=0)
    return values if how.expand is None else _taken(b, values, how.expand)


def _taken(b: Builder, x: Node, places: np.ndarray) -> Node:
    return b.take(x, b.const(places, np.int64), axis=0)


def _steps(how: Decompression) -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
    """Yield which values are added to which, for sums over 1, 2, 4, ... levels."""
    above = np.full(how.positions.size, -1, dtype=np.int64)
    above[how.sources] = how.targets
    first = True
    while (above >= 0).any():
        sources = np.flatnonzero(above >= 0)
        yield sources, above[sources], first
        above = np.where(above >= 0, above[above], -1)
        first = False
