"""Star and acyclic colorings, of symmetric matrices and of both sides of any matrix.

A matrix that is not symmetric is a graph too: its columns are vertices and then its rows, its entries are
edges between them. Columns have colors 0, 2, 4, ..., rows 1, 3, 5, ..., so that they never meet.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from diffsci.coloring.clock import UNLIMITED, Clock
from diffsci.coloring.loops import LOOPS
from diffsci.coloring.patterns import Pattern

__all__ = ["Graph", "Reading", "color_graph", "drop_neutral", "graph_of", "graph_of_both", "read_entries"]

OPEN, NONE = -1, -2


class Graph(NamedTuple):
    """A graph whose vertices below `split` take colors 0, step, ..., the others 1, 1 + step, ..."""

    pattern: Pattern  # symmetric
    mates: np.ndarray  # for every entry its mirror image
    split: int
    step: int


def graph_of(pattern: Pattern) -> Graph:
    """The graph of a symmetric pattern."""
    return Graph(pattern, pattern.places, pattern.shape[0], 1)


def graph_of_both(pattern: Pattern) -> Graph:
    """The graph of columns and rows: entries by columns first, then by rows."""
    other, nnz, (rows, columns) = pattern.transposed, pattern.nnz, pattern.shape
    starts = np.concatenate([other.indptr, pattern.indptr[1:] + np.int32(nnz)])
    ends = np.concatenate([other.indices + np.int32(columns), pattern.indices])
    mates = np.empty(2 * nnz, np.int32)
    mates[nnz:] = pattern.places
    mates[pattern.places] = np.arange(nnz, 2 * nnz, dtype=np.int32)
    return Graph(Pattern(starts, ends, (rows + columns,) * 2), mates, columns, 2)


def color_graph(
    graph: Graph,
    order: np.ndarray,
    acyclic: bool,
    without: np.ndarray | None = None,
    limit: int | None = None,
    clock: Clock = UNLIMITED,
) -> np.ndarray | None:
    """Color the vertices in this order, first fit.

    Parameters
    ----------
    graph : Graph
    order : int32 array
        The vertices to color.
    acyclic : bool
        Whether paths of two colors may be longer than three vertices.
    without : bool array, optional
        Vertices that get no color, so that all their neighbors differ; not in the order.
    limit : int, optional
        Give up when there are more colors, of both sides together.
    clock : Clock, optional

    Returns
    -------
    int32 array or None
        Colors; -1 for vertices that are not in the order, and -2 for those without. None if it gave up.
    """
    pattern, size = graph.pattern, graph.pattern.shape[0]
    colors = np.full(size, OPEN, np.int32)
    if without is not None:
        colors[without] = NONE
    treated, sizes = np.zeros(size, np.int32), np.zeros((2, size), np.int32)
    slots = np.empty((4, pattern.nnz), np.int32)
    marks = np.zeros((3, graph.step * (size + 1)), np.int32)
    loop, tops = "color_acyclic" if acyclic else "color_star", np.zeros(2, np.int64)
    for begin, end in clock.pieces(order.size):
        gave_up = LOOPS.run(
            loop, pattern.indptr, pattern.indices, order, colors, treated, graph.split, slots, sizes, marks,
            tops, graph.step, 2 * size if limit is None else limit, begin, end,
        )  # fmt: skip
        if gave_up:
            return None
    clock.check()
    return colors


class Reading(NamedTuple):
    """How the entries of a graph are found.

    For every entry the entry that it is read as, itself or its mirror image; the entry that it has to be
    subtracted from, -1 if none; and the round in which it is known.
    """

    source: np.ndarray
    target: np.ndarray
    round: np.ndarray
    needed: np.ndarray
    missing: int


def read_entries(graph: Graph, colors: np.ndarray) -> Reading:
    """Find where every entry off the diagonal is read, and which colors are needed for it.

    Colors below 0 are none. Entries are read where they are the only one of their color, and those that
    remain are so when others are known.
    """
    pattern = graph.pattern
    nnz = pattern.nnz
    count = int(colors.max(initial=-1)) + 1
    needed = np.zeros(count, np.uint8)
    diagonal = pattern.rows[pattern.rows == pattern.indices]
    needed[colors[diagonal[colors[diagonal] >= 0]]] = 1
    where, slots = np.zeros((2, count), np.int32), np.empty((5, nnz), np.int32)
    entries = np.empty((5, nnz), np.int32)
    missing = LOOPS.run(
        "peel", pattern.indptr, pattern.indices, graph.mates, colors, needed, where, slots, entries
    )
    source, into, rounds = entries[:3]
    target = np.where(into >= 0, slots[4, np.maximum(into, 0)], -1)
    return Reading(source, target, rounds, needed.astype(bool), missing)


def drop_neutral(graph: Graph, colors: np.ndarray) -> np.ndarray:
    """Take away colors that no entry is read with, and number the others again; no color is -1."""
    needed = read_entries(graph, colors).needed
    number = np.full(needed.size + 1, -1, np.int32)
    for first in range(graph.step):
        kept = np.flatnonzero(needed[first :: graph.step])
        number[first + graph.step * kept] = first + graph.step * np.arange(kept.size)
    return number[np.maximum(colors, -1)]
