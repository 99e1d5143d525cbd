"""Orders in which the columns of a symmetric pattern may be eliminated."""

from __future__ import annotations

import numpy as np

from diffsci.elimination.dissection import separators_of
from diffsci.elimination.graphs import PatternGraph
from diffsci.elimination.loops import LOOPS

__all__ = ["by_degree", "by_dissection"]

# Columns with more than this many times sqrt(n) neighbors come last: they would be met at every step before.
_DENSE, _NEVER_DENSE = 10.0, 16


def by_degree(graph: PatternGraph, last: np.ndarray | None = None) -> np.ndarray:
    """Return an order by approximate minimum degree.

    Parameters
    ----------
    graph : PatternGraph
    last : numpy.ndarray of int64, optional
        Columns that are to come last, in this order.
    """
    from diffsci.elimination.degree_loops import ROWS

    n = graph.size
    later = np.zeros(n, np.int64)
    if last is not None:
        later[last] = 1
    space = np.concatenate([graph.neighbors, np.zeros(n + graph.neighbors.size // 5, np.int64)])
    order, buckets = np.empty(n, np.int64), np.full(n, -1)
    dense = max(_NEVER_DENSE, int(_DENSE * np.sqrt(n)))
    columns = np.empty((ROWS, n), np.int64)
    count = LOOPS.run("minimum_degree", graph.starts, space, later, columns, buckets, order, dense)
    left_out = later == 0
    left_out[order[:count]] = False
    rest = np.flatnonzero(left_out)
    degrees = np.diff(graph.starts)[rest]
    parts = [order[:count], rest[np.argsort(degrees, kind="stable")]]
    return np.concatenate(parts if last is None else [*parts, last])


def by_dissection(graph: PatternGraph, leaf: int = 500) -> np.ndarray:
    """Return an order by nested dissection, with minimum degree inside of the parts.

    Parameters
    ----------
    graph : PatternGraph
    leaf : int, optional
        Parts of so many columns are not cut. Measured on grids: 100 to 500 give the same cost of factors.
    """
    return by_degree(graph, separators_of(graph, leaf))
