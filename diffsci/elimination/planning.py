"""The plan of an elimination: the best order found, and the table that programs follow."""

from __future__ import annotations

import functools

import numpy as np

from diffsci.elimination.graphs import PatternGraph, graph_of
from diffsci.elimination.loops import LOOPS
from diffsci.elimination.orders import by_degree, by_dissection
from diffsci.elimination.trees import EliminationTree, tree_of
from diffsci.primitives.linalg.fronts import FIELDS, HEADER, Fronts

__all__ = ["elimination_of", "fronts_of"]

# Operations of a factorization from which on nested dissection is tried: it takes as long as some ten such
# factorizations, and wins where grids are large, in three dimensions above all.
_WORTH_CUTTING = 1e8


def fronts_of(rows: np.ndarray, starts: np.ndarray) -> Fronts:
    """Plan the elimination of a square matrix given by columns.

    Parameters
    ----------
    rows, starts : numpy.ndarray of int
        Row of every entry, and where each column begins.

    Returns
    -------
    Fronts
        With a table that cannot be written to; the same object for the same pattern.
    """
    return _fronts(*_key(rows, starts))


def elimination_of(rows: np.ndarray, starts: np.ndarray) -> EliminationTree:
    """Return order and cost of the elimination of a square sparse matrix.

    Parameters
    ----------
    rows, starts : numpy.ndarray of int
        The pattern by columns or by rows.

    Examples
    --------
    >>> import numpy as np
    >>> arrow = np.array([0, 1, 2, 3, 0, 1, 0, 2, 0, 3])  # a full row and column first: eliminated last
    >>> tree = elimination_of(arrow, np.array([0, 4, 6, 8, 10]))
    >>> tree.order[-1] in (0, 3), tree.factors
    (True, 16)
    """
    return _elimination(*_key(rows, starts))[1]


def _key(rows: np.ndarray, starts: np.ndarray) -> tuple[bytes, bytes]:
    return np.asarray(rows, np.int64).tobytes(), np.asarray(starts, np.int64).tobytes()


@functools.lru_cache(maxsize=16)
def _elimination(rows: bytes, starts: bytes) -> tuple[PatternGraph, EliminationTree]:
    graph = graph_of(np.frombuffer(rows, np.int64), np.frombuffer(starts, np.int64))
    return graph, _best_tree(graph)


def _best_tree(graph: PatternGraph) -> EliminationTree:
    """Return the cheaper of two eliminations; the second one is looked at where that may pay."""
    by_degrees = tree_of(graph, by_degree(graph))
    if by_degrees.flops < _WORTH_CUTTING:
        return by_degrees
    return min(by_degrees, tree_of(graph, by_dissection(graph)), key=lambda tree: tree.cost)


@functools.lru_cache(maxsize=64)
def _fronts(rows: bytes, starts: bytes) -> Fronts:
    graph, tree = _elimination(rows, starts)
    return _table(graph, tree, np.frombuffer(rows, np.int64), np.frombuffer(starts, np.int64))


def _table(graph: PatternGraph, tree: EliminationTree, rows: np.ndarray, starts: np.ndarray) -> Fronts:
    """Write the table of a plan."""
    n, count, reached = graph.size, tree.own.size, int(tree.rest.sum())
    sizes = {"fronts": (count + 1) * len(FIELDS), "order": n, "rows": reached, "sources": rows.size}
    sizes |= {"places": rows.size, "children": 2 * np.count_nonzero(tree.rest), "maps": reached}
    begins = np.cumsum([len(HEADER), *(sizes[name] for name in HEADER[2:])])
    table = np.empty(begins[-1], np.int64)
    table[: len(HEADER)] = [n, count, *begins[:-1]]
    part = dict(zip(HEADER[2:], np.split(table, begins[:-1])[1:], strict=True))
    heads, reached_rows = part["fronts"].reshape(count + 1, len(FIELDS)), part["rows"]
    part["order"][:] = tree.order
    front_of, work = (np.empty(n, np.int64) for _ in range(2))
    above, filled, marks = (np.empty(count, np.int64) for _ in range(3))
    LOOPS.run("lay_out", tree.first, tree.own, tree.rest, tree.parents, heads, front_of, above, filled)
    stack = LOOPS.run("list_children", heads, above, filled, part["children"])
    adjacency = graph.starts, graph.neighbors, tree.order, tree.position
    LOOPS.run("list_rows", *adjacency, heads, front_of, above, marks, filled, reached_rows)
    LOOPS.run("map_children", heads, reached_rows, part["children"], work, part["maps"])
    where = tree.position, front_of, heads, reached_rows, work
    LOOPS.run("place_entries", starts, rows, *where, part["sources"], part["places"], filled)
    table.flags.writeable = False
    largest = int(np.max(tree.own + tree.rest, initial=0))
    return Fronts(table, n, largest, int(heads[-1, FIELDS.index("factors")]), stack)
