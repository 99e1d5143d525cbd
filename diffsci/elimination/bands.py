"""Sparse matrices as banded ones: how far their entries lie from the diagonal, in which order of the rows.

Reverse Cuthill-McKee (E. Cuthill and J. McKee, "Reducing the bandwidth of sparse symmetric matrices", 24th
ACM National Conference, 1969) brings rows that share entries near to each other: of several quantities along
a line, or along a circle, it makes a band a few times as wide as for one.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from diffsci.elimination.graphs import graph_of

__all__ = ["Diagonals", "as_given", "reordered"]


@dataclass(frozen=True, eq=False)
class Diagonals:
    """A square sparse matrix, given by columns, seen as a banded one.

    Attributes
    ----------
    n, lower, upper : int
        Its order, and the diagonals that it needs below the main one and above.
    order : numpy.ndarray of int64 or None
        Which row (and column) comes at each place; None as they are given.
    places : numpy.ndarray of int64
        Where each entry lies in an array of all diagonals as LAPACK keeps them, row by row.
    """

    n: int
    lower: int
    upper: int
    order: np.ndarray | None
    places: np.ndarray

    @functools.cached_property
    def position(self) -> np.ndarray:
        """At which place each row comes."""
        return np.argsort(self.order)


def as_given(rows: np.ndarray, starts: np.ndarray) -> Diagonals:
    """Return a matrix with its rows as they are.

    Parameters
    ----------
    rows, starts : numpy.ndarray of int64
        Row of every entry, and where each column begins.
    """
    return _seen(*_entries(rows, starts), starts.size - 1, None)


def reordered(rows: np.ndarray, starts: np.ndarray) -> Diagonals:
    """Return it with its rows and columns in the reverse order of Cuthill and McKee; see `as_given`."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    graph = graph_of(rows, starts)
    n = graph.size
    pattern = csr_array((np.ones(graph.neighbors.size, np.int8), graph.neighbors, graph.starts), shape=(n, n))
    order = reverse_cuthill_mckee(pattern, symmetric_mode=True).astype(np.int64)
    position = np.argsort(order)
    return _seen(*(position[x] for x in _entries(rows, starts)), n, order)


def _entries(rows: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return rows, np.repeat(np.arange(starts.size - 1), np.diff(starts))


def _seen(i: np.ndarray, j: np.ndarray, n: int, order: np.ndarray | None) -> Diagonals:
    lower, upper = (int(np.max(x, initial=0)) for x in (i - j, j - i))
    return Diagonals(n, lower, upper, order, (upper + i - j) * n + j)
