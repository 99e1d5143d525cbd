"""How many colors a coloring needs at least.

Star and acyclic colorings of a symmetric pattern: any two colors make a forest, which has fewer edges than
vertices, so k colors allow at most ``(k - 1) n - k (k - 1) / 2`` edges between n vertices. That holds for any
part of the graph; the parts tried are the connected components of its cores, the densest ones. The bound is
reached by bands and cliques. Where diagonal entries are missing vertices may be without color, if their
neighbors differ. Such vertices could all have one more color, so the bound is one less.

Bidirectional colorings: a product with the matrix tells one number for every row, k of them at most k for a
row and not more than it has entries; products with the transpose likewise for columns. All those numbers
together are not fewer than the entries.
"""

from __future__ import annotations

import numpy as np

from diffsci.coloring.groups import of_graph
from diffsci.coloring.loops import LOOPS
from diffsci.coloring.orders import taken_in_turn
from diffsci.coloring.patterns import Pattern

__all__ = ["both_sides_bound", "symmetric_bound"]


def symmetric_bound(pattern: Pattern) -> int:
    """Return a lower bound of the colors of an acyclic, and so of a star, coloring."""
    if not pattern.nnz:
        return 0
    order, keys = taken_in_turn(of_graph(pattern), "smallest_last")
    core = np.empty_like(order)
    core[order[::-1]] = np.maximum.accumulate(keys)
    parts = np.empty((3, order.size), np.int32)
    bound = LOOPS.run("densest", pattern.indptr, pattern.indices, order, core, parts)
    diagonal = np.zeros(order.size, bool)
    diagonal[pattern.rows[pattern.rows == pattern.indices]] = True
    return max(bound - (not np.all(diagonal | (np.diff(pattern.indptr) == 0))), 1)


def both_sides_bound(pattern: Pattern, forward_cost: float, reverse_cost: float) -> float:
    """Return what a bidirectional coloring costs at least, direct or with substitution."""
    by_columns, by_rows = _told(np.diff(pattern.indptr)), _told(np.diff(pattern.transposed.indptr))
    rows = np.searchsorted(by_rows, pattern.nnz - by_columns)
    return float(np.min(np.arange(by_columns.size) * forward_cost + rows * reverse_cost))


def _told(counts: np.ndarray) -> np.ndarray:
    """How many entries k products tell at most, for k from 0 to the longest row."""
    rows_with = np.bincount(counts, minlength=1)[::-1].cumsum()[::-1]  # at least so many entries
    return np.concatenate([[0], rows_with[1:].cumsum()])
