"""The graph of a square pattern: columns are neighbors if either has an entry in the row of the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["PatternGraph", "graph_of"]


@dataclass(frozen=True, eq=False)
class PatternGraph:
    """A graph without loops: the neighbors of column k are ``neighbors[starts[k]:starts[k + 1]]``.

    Attributes
    ----------
    starts, neighbors : numpy.ndarray of int64
    """

    starts: np.ndarray
    neighbors: np.ndarray

    @property
    def size(self) -> int:
        """The number of columns."""
        return self.starts.size - 1


def graph_of(rows: np.ndarray, starts: np.ndarray) -> PatternGraph:
    """Return the graph of A + A^T for a square pattern given by columns (or by rows).

    Parameters
    ----------
    rows, starts : numpy.ndarray of int
        Row of every entry, and where each column begins.
    """
    from scipy.sparse import coo_array

    n = len(starts) - 1
    columns = np.repeat(np.arange(n), np.diff(starts))
    off = rows != columns
    i, j = rows[off], columns[off]
    pairs = np.concatenate([i, j]), np.concatenate([j, i])
    both = coo_array((np.ones(2 * i.size, bool), pairs), shape=(n, n)).tocsr()
    return PatternGraph(both.indptr.astype(np.int64), both.indices.astype(np.int64))
