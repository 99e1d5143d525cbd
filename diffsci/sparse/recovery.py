"""Where each entry of a sparse matrix stands among its products with the directions of a coloring.

The products come as one vector: those with column directions by color, each over all rows, then those of
row directions by color, each over all columns. Entries are read directly where no other one of the same row
(column) and color disturbs them; those of a symmetric matrix also at their mirror image, or by substitution
along the trees that two colors induce (Gebremedhin, Manne, Pothen, "What color is your Jacobian?", SIAM
Review 47, 2005, sections 5 and 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.graph import Builder, Node
from diffsci.sparse.structure import Structure

__all__ = ["Recovery", "Substitution", "direct", "substitution"]


@dataclass(frozen=True, slots=True)
class Recovery:
    """Entries by one gather: entry k is product ``places[k]``."""

    places: np.ndarray

    def emit(self, b: Builder, products: Node) -> Node:
        """Return the entries as an expression of the products."""
        return b.take(products, b.const(self.places, np.int64), axis=0)


@dataclass(frozen=True, slots=True)
class Substitution:
    """Entries of a symmetric matrix by sums over subtrees.

    Each edge of a tree is known at its lower end, up to the edges below: in sum over a subtree with signs that
    alternate from level to level. Sums over levels 2, 4, 8, ... deep come one from the other.

    Attributes
    ----------
    places, signs : ndarray
        Product at the lower end of each edge, and its sign.
    levels : tuple of (ndarray, ndarray)
        Which sums are added to which.
    order : ndarray
        Entry k of the matrix among the edges, followed by the diagonal.
    diagonal : ndarray
        Products that are entries of the diagonal.
    """

    places: np.ndarray
    signs: np.ndarray
    levels: tuple[tuple[np.ndarray, np.ndarray], ...]
    order: np.ndarray
    diagonal: np.ndarray

    def emit(self, b: Builder, products: Node) -> Node:
        """Return the entries as an expression of the products."""
        signs = b.const(self.signs, products.dtype)
        sums = b.mul(b.take(products, b.const(self.places, np.int64), axis=0), signs)
        for sources, targets in self.levels:
            below = b.take(sums, b.const(sources, np.int64), axis=0)
            sums = b.put_add(sums, b.const(targets, np.int64), below, axis=0)
        diagonal = b.take(products, b.const(self.diagonal, np.int64), axis=0)
        known = b.concatenate(b.mul(sums, signs), diagonal, axis=0)
        return b.take(known, b.const(self.order, np.int64), axis=0)


def direct(structure: Structure, coloring: Any, symmetric: bool = False) -> Recovery:
    """Return how the entries are read directly.

    Parameters
    ----------
    structure : Structure
    coloring : object
        With ``row_colors`` and ``column_colors``, -1 for rows and columns in no direction.
    symmetric : bool
        Entries may be read at their mirror images.

    Raises
    ------
    ValueError
        If the coloring leaves an entry that cannot be read, which is named.
    """
    m, n = structure.shape
    rows, columns = structure.rows, structure.indices.astype(np.int64)
    by_column = _alone(rows, coloring.column_colors, columns)
    places = np.where(by_column, coloring.column_colors[columns] * m + rows, -1)
    if symmetric:
        mirrored = _alone(columns, coloring.column_colors, rows) & ~by_column
        places[mirrored] = coloring.column_colors[rows[mirrored]] * m + columns[mirrored]
    first = (int(coloring.column_colors.max(initial=-1)) + 1) * m
    open_ = np.flatnonzero(places < 0)
    if open_.size:
        by_row = _alone(columns, coloring.row_colors, rows)[open_]
        chosen = open_[by_row]
        places[chosen] = first + coloring.row_colors[rows[chosen]] * n + columns[chosen]
    if (places < 0).any():
        k = int(np.argmax(places < 0))
        raise ValueError(
            f"the coloring does not determine the entry in row {rows[k]} and column {columns[k]}: "
            "another entry of this row, and of this column, has the same color"
        )
    return Recovery(places)


def _alone(lines: np.ndarray, colors: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Tell which entries are the only ones in their line with their color."""
    own = colors[others]
    count = int(colors.max(initial=-1)) + 1
    if count == 0:
        return np.zeros(lines.size, dtype=bool)
    keys = lines * count + own
    inside = own >= 0
    if lines.size and int(lines.max()) * count < 16 * lines.size:
        met = np.bincount(keys[inside], minlength=int(keys.max(initial=0)) + 1)
        return inside & (met[np.where(inside, keys, 0)] == 1)
    _, which, met = np.unique(keys, return_inverse=True, return_counts=True)
    return inside & (met[which] == 1)


def substitution(structure: Structure, colors: np.ndarray) -> Substitution:
    """Return how the entries of a symmetric matrix are found by substitution.

    Parameters
    ----------
    structure : Structure
        Symmetric.
    colors : ndarray of int
        An acyclic coloring of the columns: no neighbours alike, no cycle in two colors.

    Raises
    ------
    ValueError
        If the coloring is not acyclic.
    """
    n = structure.shape[0]
    rows, columns = structure.rows, structure.indices.astype(np.int64)
    lower = np.flatnonzero(rows > columns)
    trees = _trees(rows[lower], columns[lower], colors)
    edges = lower.size
    order = np.empty(structure.nnz, dtype=np.int64)
    order[lower[trees.edge]] = np.arange(edges)
    upper = np.flatnonzero(rows < columns)
    mirrored = np.lexsort((rows[upper], columns[upper]))
    order[upper[mirrored]] = order[lower]
    on = np.flatnonzero(rows == columns)
    order[on] = edges + np.arange(on.size)
    places = colors[trees.other] * n + trees.vertex
    signs = np.where(colors[trees.vertex] < colors[trees.other], 1.0, -1.0)
    diagonal = colors[rows[on]] * n + rows[on]
    return Substitution(places, signs, tuple(_levels(trees.above)), order, diagonal)


@dataclass(frozen=True, slots=True)
class _Trees:
    """Edges of the trees that pairs of colors induce: which it is, its lower and upper vertex, the edge above."""

    edge: np.ndarray
    vertex: np.ndarray
    other: np.ndarray
    above: np.ndarray


def _trees(first: np.ndarray, second: np.ndarray, colors: np.ndarray) -> _Trees:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    edges = first.size
    if edges == 0:
        return _Trees(*(np.zeros(0, dtype=np.int64) for _ in range(4)))
    count = int(colors.max()) + 1
    pair = np.minimum(colors[first], colors[second]) * count + np.maximum(colors[first], colors[second])
    keys = np.concatenate([first, second]) * count**2 + np.concatenate([pair, pair])
    nodes, ends = np.unique(keys, return_inverse=True)
    size = nodes.size
    start, stop = ends[:edges], ends[edges:]
    graph = csr_array((np.ones(edges, dtype=np.int8), (start, stop)), shape=(size, size))
    parts, part = connected_components(graph, directed=False)
    alike = colors[first] == colors[second]
    if size - parts != edges or alike.any():
        k = int(np.argmax(alike)) if alike.any() else 0
        what = f"vertices {first[k]} and {second[k]} are neighbours" if alike.any() else "two colors have a cycle"
        raise ValueError(f"the coloring is not acyclic: {what}")
    _, roots = np.unique(part, return_index=True)
    every = np.concatenate([start, np.full(parts, size)]), np.concatenate([stop, roots])
    rooted = csr_array((np.ones(edges + parts, dtype=np.int8), every), shape=(size + 1, size + 1))
    _, parent = breadth_first_order(rooted, size, directed=False)
    # The edge of a node is the one to its parent; an edge's lower end is the one whose parent is the other.
    down = parent[start] == stop
    child = np.where(down, start, stop)
    edge_of = np.full(size + 1, -1, dtype=np.int64)
    edge_of[child] = np.arange(edges)
    above = edge_of[parent[child]]
    lower, upper = np.where(down, first, second), np.where(down, second, first)
    return _Trees(np.arange(edges), lower, upper, above)


def _levels(above: np.ndarray):
    """Yield (sources, targets) of sums over 1, 2, 4, ... levels."""
    while (above >= 0).any():
        sources = np.flatnonzero(above >= 0)
        yield sources, above[sources]
        above = np.where(above >= 0, above[above], -1)
