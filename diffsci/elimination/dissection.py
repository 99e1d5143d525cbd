"""Nested dissection: separators come last, the parts that they leave are cut again."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from diffsci.elimination.dissection_loops import ROWS, SEPARATOR
from diffsci.elimination.graphs import PatternGraph
from diffsci.elimination.loops import LOOPS

__all__ = ["separated", "separators_of"]

# Graphs of this size are no longer made coarser; columns from which halves of these grow; a coarser graph has
# at most this share of the columns.
_COARSEST, _ROOTS, _SHRINKING = 100, 5, 0.9


@dataclass(frozen=True, eq=False)
class _Level:
    """A graph whose columns and neighbors stand for several: how many."""

    graph: PatternGraph
    weights: np.ndarray
    shared: np.ndarray


def separators_of(graph: PatternGraph, leaf: int) -> np.ndarray:
    """Return the columns of nested separators, those of the smallest parts first.

    Parameters
    ----------
    graph : PatternGraph
    leaf : int
        Parts of so many columns are not cut.

    Returns
    -------
    numpy.ndarray of int64
        To be eliminated last, in this order.
    """
    local = np.full(graph.size, -1)
    parts, found = [np.arange(graph.size)], []
    while parts:
        members = parts.pop()
        if members.size <= leaf:
            continue
        where = separated(_part(graph, members, local))
        sides = [members[where == side] for side in range(3)]
        found.append(sides.pop(SEPARATOR))
        parts += [side for side in sides if side.size < members.size]
    return np.concatenate([np.zeros(0, np.int64), *reversed(found)])


def _part(graph: PatternGraph, members: np.ndarray, local: np.ndarray) -> PatternGraph:
    if members.size == graph.size:
        return graph
    starts = np.empty(members.size + 1, np.int64)
    room = np.sum(graph.starts[members + 1] - graph.starts[members])
    neighbors = np.empty(room, np.int64)
    filled = LOOPS.run("extract", graph.starts, graph.neighbors, members, local, starts, neighbors)
    return PatternGraph(starts, neighbors[:filled])


def separated(graph: PatternGraph) -> np.ndarray:
    """Return for each column of a graph where it is: left, right, or between."""
    level = _Level(graph, np.ones(graph.size, np.int64), np.ones(graph.neighbors.size, np.int64))
    finer: list[tuple[_Level, np.ndarray]] = []
    while level.graph.size > _COARSEST:
        coarser, coarse = _coarser(level)
        if coarser.graph.size > _SHRINKING * level.graph.size:
            break
        finer.append((level, coarse))
        level = coarser
    where = _grown(level)
    for level, coarse in reversed(finer):
        where = where[coarse]
        _refined(level, where)
    return where


def _coarser(level: _Level) -> tuple[_Level, np.ndarray]:
    """Return a graph in which neighbors are joined in pairs, and which column each becomes."""
    graph, n = level.graph, level.graph.size
    mates, coarse, marks = (np.empty(n, np.int64) for _ in range(3))
    limit = max(2, 3 * int(level.weights.sum()) // (2 * _COARSEST))
    count = LOOPS.run("match", graph.starts, graph.neighbors, level.weights, level.shared, limit, mates)
    starts, weights = np.empty(count + 1, np.int64), np.empty(count, np.int64)
    neighbors, shared = (np.empty(graph.neighbors.size, np.int64) for _ in range(2))
    given = graph.starts, graph.neighbors, level.weights, level.shared
    filled = LOOPS.run("contract", *given, mates, coarse, marks, starts, neighbors, weights, shared)
    return _Level(PatternGraph(starts, neighbors[:filled]), weights, shared[:filled]), coarse


def _grown(level: _Level) -> np.ndarray:
    """Return the best of a few separators between halves that grow from different columns."""
    graph, n = level.graph, level.graph.size
    seen, queue = (np.empty(n, np.int64) for _ in range(2))
    least, best, root = -1, None, 0
    for k in range(_ROOTS):
        # The end of the graph seen from the last one, or any other column.
        search = functools.partial(LOOPS.run, "search", graph.starts, graph.neighbors)
        root = search(root, seen, queue) if k < 2 else (k - 1) * n // _ROOTS
        search(root, seen, queue)
        where = np.empty(n, np.int64)
        LOOPS.run("halve", graph.starts, graph.neighbors, level.weights, queue, where)
        weight = _refined(level, where)
        if best is None or weight < least:
            least, best = weight, where
    return best


def _refined(level: _Level, where: np.ndarray) -> int:
    """Improve a separator in place and return its weight."""
    work, sums = np.empty((ROWS, where.size), np.int64), np.empty(3, np.int64)
    return LOOPS.run("refine", level.graph.starts, level.graph.neighbors, level.weights, where, sums, work)
