"""How many colors a star or acyclic coloring of a symmetric pattern needs at least.

Any two colors make a forest, which has fewer edges than vertices: k colors allow at most
``(k - 1) n - k (k - 1) / 2`` edges between n vertices. That holds for every part of the graph; the parts
tried are the connected components of its cores, the densest ones. The bound is reached by bands and cliques.

Where diagonal entries are missing vertices may be without color, if their neighbors differ. Such vertices
could all have one more color, so the bound is one less.
"""

from __future__ import annotations

import numpy as np

from diffsci.coloring.groups import of_graph
from diffsci.coloring.loops import LOOPS
from diffsci.coloring.orders import taken_in_turn
from diffsci.coloring.patterns import Pattern

__all__ = ["symmetric_bound"]


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
