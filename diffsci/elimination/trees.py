"""What an order of elimination costs: its tree and its fronts, known before there is anything to keep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffsci.elimination.graphs import PatternGraph
from diffsci.elimination.loops import LOOPS
from diffsci.elimination.tree_loops import front_cost
from diffsci.primitives.linalg.fronts import front_flops

__all__ = ["EliminationTree", "tree_of"]

# What each column costs beside its front, whatever fronts there are: measured with eight solves.
_COLUMN = 500.0


@dataclass(frozen=True, eq=False)
class EliminationTree:
    """An order of elimination, its tree, and the sizes of its fronts.

    Attributes
    ----------
    order, position : numpy.ndarray of int64
        The columns in the order of their elimination, and its inverse.
    parents : numpy.ndarray of int64
        Parent of each column in the tree, by positions; n for roots.
    first, own, rest : numpy.ndarray of int64
        Of every front: the first column, the number of columns, and of the rows below that they reach.
    """

    order: np.ndarray
    position: np.ndarray
    parents: np.ndarray
    first: np.ndarray
    own: np.ndarray
    rest: np.ndarray

    @property
    def cost(self) -> float:
        """Of factors and a few solves, in operations within a front."""
        return float(np.sum(front_cost(*self._sizes()))) + _COLUMN * self.order.size

    @property
    def flops(self) -> float:
        """Operations of a factorization."""
        return float(np.sum(front_flops(*self._sizes())))

    @property
    def factors(self) -> int:
        """Numbers in the factors."""
        return int(np.sum(self.own * (self.own + 2 * self.rest)))

    def _sizes(self) -> tuple[np.ndarray, np.ndarray]:
        """Columns of fronts, and rows below them, as numbers that do not overflow."""
        return self.own.astype(float), self.rest.astype(float)


def tree_of(graph: PatternGraph, order: np.ndarray) -> EliminationTree:
    """Return the tree of an elimination in this order, or in one with the same fill.

    Parameters
    ----------
    graph : PatternGraph
    order : numpy.ndarray of int64
        A permutation of the columns.
    """
    n = graph.size
    order = np.array(order, np.int64)
    position, parents, counts, moved = (np.empty(n, np.int64) for _ in range(4))
    lists = np.empty((4, n + 1), np.int64)
    LOOPS.run("link", graph.starts, graph.neighbors, order, position, parents, moved)
    LOOPS.run("follow", parents, np.zeros(n, np.int64), order, lists, moved)
    LOOPS.run("count_below", graph.starts, graph.neighbors, order, position, parents, counts, lists)
    # The column with the longest structure directly before its parent: if they differ by itself only, they
    # are one front.
    LOOPS.run("follow", parents, counts, order, lists, moved)
    sorted_counts = np.empty(n, np.int64)
    sorted_counts[moved] = counts
    position[order] = np.arange(n)
    first, own, rest = (np.empty(n, np.int64) for _ in range(3))
    count = LOOPS.run("group", parents, sorted_counts, first, own, rest, moved, lists)
    first, own, rest = (part[:count].copy() for part in (first, own, rest))
    return EliminationTree(order, position, parents, first, own, rest)
