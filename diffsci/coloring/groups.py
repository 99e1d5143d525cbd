"""Vertices that share groups: columns that meet in rows, rows that meet in columns, ends of edges."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from diffsci.coloring.patterns import Pattern

__all__ = ["Groups", "of_columns", "of_graph", "work"]


class Groups(NamedTuple):
    """The groups of every vertex and the members of every group, as int32 arrays."""

    group_starts: np.ndarray
    groups: np.ndarray
    member_starts: np.ndarray
    members: np.ndarray

    @property
    def size(self) -> int:
        """The number of vertices."""
        return self.group_starts.size - 1


def of_columns(pattern: Pattern) -> Groups:
    """Columns are neighbors if they meet in a row; pass the transpose for rows."""
    other = pattern.transposed
    return Groups(other.indptr, other.indices, pattern.indptr, pattern.indices)


def of_graph(pattern: Pattern) -> Groups:
    """Row and column numbers are vertices, entries off the diagonal edges."""
    every = np.arange(pattern.nnz + 1, dtype=np.int32)
    return Groups(pattern.indptr, every[:-1], every, pattern.indices)


def work(pattern: Pattern) -> float:
    """The number of pairs of entries that share a row."""
    counts = np.diff(pattern.indptr).astype(float)
    return float(np.sum(counts * counts))
