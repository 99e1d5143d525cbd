"""From products with the seeds back to the entries of the matrix."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from diffsci.coloring.patterns import Pattern
from diffsci.coloring.trees import Graph, graph_of, graph_of_both, read_entries

__all__ = ["Decompression", "decompression"]


@dataclass(frozen=True, eq=False)
class Decompression:
    """How entries follow from products.

    The products are one flat array: first those with the matrix, one of ``rows`` elements for each column
    color, then those with its transpose, one of ``columns`` elements for each row color.

    Attributes
    ----------
    positions : int array, shape (values,)
        Where each value is in the products.
    targets, sources : int array
        Substitution: value ``sources[k]`` is subtracted from value ``targets[k]``; none if direct.
    rounds : int array
        Substitutions ``rounds[r]:rounds[r + 1]`` need no others of the same round.
    expand : int array of shape (nnz,), or None
        Which value each entry of the pattern has; None if values are entries.
    """

    positions: np.ndarray
    targets: np.ndarray
    sources: np.ndarray
    rounds: np.ndarray
    expand: np.ndarray | None

    @property
    def direct(self) -> bool:
        """Whether every entry is just read."""
        return not self.targets.size

    def __call__(self, products: np.ndarray) -> np.ndarray:
        """Return the entries, in the order of the pattern, from all products as one flat array."""
        values = products[self.positions]
        for begin, end in pairwise(self.rounds):
            np.subtract.at(values, self.targets[begin:end], values[self.sources[begin:end]])
        return values if self.expand is None else values[self.expand]


def decompression(
    pattern: Pattern, kind: str, row_colors: np.ndarray, column_colors: np.ndarray
) -> Decompression:
    """Return how the entries of a pattern follow from the products of a coloring that is good for it."""
    nothing = np.zeros(0, np.int64)
    rows, columns = pattern.shape
    reverse = rows * (int(column_colors.max(initial=-1)) + 1)
    if kind == "column":
        positions = column_colors[pattern.indices].astype(np.int64) * rows + pattern.rows
    elif kind == "row":
        positions = row_colors[pattern.rows].astype(np.int64) * columns + pattern.indices
    elif kind == "bidirectional":
        return _both(pattern, row_colors, column_colors, reverse)
    else:
        return _symmetric(pattern, column_colors)
    return Decompression(positions, nothing, nothing, np.zeros(1, np.int64), None)


def join_colors(row_colors: np.ndarray, column_colors: np.ndarray) -> np.ndarray:
    """The colors of the graph of columns and rows; -2 for none."""
    colors = np.concatenate([2 * column_colors, 2 * row_colors + 1])
    colors[colors < 0] = -2
    return colors


def _both(pattern: Pattern, row_colors: np.ndarray, column_colors: np.ndarray, reverse: int) -> Decompression:
    graph, nnz, (rows, columns) = graph_of_both(pattern), pattern.nnz, pattern.shape
    reading = read_entries(graph, join_colors(row_colors, column_colors))
    source, target, rounds = (x[nnz:] for x in (reading.source, reading.target, reading.round))
    forward = column_colors[pattern.indices].astype(np.int64) * rows + pattern.rows
    backward = reverse + row_colors[pattern.rows].astype(np.int64) * columns + pattern.indices
    # An entry that is read as one of a row is in a product with the matrix.
    positions = np.where(source >= nnz, forward, backward)
    entry = np.where(target < nnz, graph.mates[target], target) - nnz
    return Decompression(positions, *_substitutions(entry, target >= 0, rounds), None)


def _symmetric(pattern: Pattern, colors: np.ndarray) -> Decompression:
    graph: Graph = graph_of(pattern)
    reading = read_entries(graph, colors)
    every = np.arange(pattern.nnz, dtype=np.int64)
    source = np.where(pattern.rows == pattern.indices, every, reading.source)
    positions = colors[pattern.indices[source]].astype(np.int64) * pattern.shape[0] + pattern.rows[source]
    if not np.any(reading.target >= 0):
        nothing = np.zeros(0, np.int64)
        return Decompression(positions, nothing, nothing, np.zeros(1, np.int64), None)
    values = np.flatnonzero(source == every)  # one of each pair
    number = np.zeros(pattern.nnz, np.int64)
    number[values] = np.arange(values.size)
    target = reading.target[values]
    steps = _substitutions(number[np.maximum(target, 0)], target >= 0, reading.round[values])
    return Decompression(positions[values], *steps, number[source])


def _substitutions(
    target: np.ndarray, subtracted: np.ndarray, rounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The substitutions in order, and where the rounds begin."""
    sources = np.flatnonzero(subtracted)
    sources = sources[np.argsort(rounds[sources], kind="stable")]
    counts = np.bincount(rounds[sources])
    begins = np.concatenate([[0], np.cumsum(counts[counts > 0])])
    return target[sources].astype(np.int64), sources, begins.astype(np.int64)
