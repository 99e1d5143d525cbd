"""Linear colorings of lattices: bands, blocks and stencils, open and periodic, with several species.

Goldfarb and Toint (1984) color the unknowns of a stencil by ``(a . i + b_species) mod k``, i being the
coordinates of a cell: where greedy orders leave half as many colors again, that often reaches the bound.
Here the lattice is recognised from the pattern alone. Offsets of entries, from a sample of rows, suggest the
extents of the axes; the right ones are those for which there are no more different offsets than the longest
row has entries. Then the smallest k is searched for with numbers a and b that tell apart what has to be told
apart: columns that meet in a row; in a star coloring the vertices of a path with two colors.

Everything is a guess until the coloring has been checked on the whole pattern, which is cheap.

Where k has no common factor with the extent of a periodic axis no linear coloring closes around it. Colors
that do not close are an order for a greedy coloring then: only the seams take more colors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np

from diffsci.coloring.loops import LOOPS
from diffsci.coloring.patterns import Pattern

__all__ = ["Cells", "color_lattice", "open_colorings", "recognise"]

_MOST_SPECIES = 8
_MOST_AXES = 4
_SAMPLED_ROWS = 64
_LONGEST_ROW = 128
_MOST_EXTENTS = 8
# Elementary steps of one search, about ten nanoseconds each.
_PATIENCE = 3_000_000


class Cells(NamedTuple):
    """A lattice: how indices are cells and species, the extents of the axes, and the offsets of entries."""

    layout: np.ndarray  # species of rows and of columns, number of cells, whether species are blocks
    extents: tuple[int, ...]
    periodic: tuple[bool, ...]
    offsets: np.ndarray  # row species, column species, steps along the axes


def color_lattice(
    pattern: Pattern,
    lower: int,
    is_good: Callable[[np.ndarray], bool],
    star: bool = False,
    shape: tuple[int, ...] | None = None,
    species: int | None = None,
) -> np.ndarray | None:
    """Color the columns of a pattern that is a lattice.

    Parameters
    ----------
    pattern : Pattern
    lower : int
        A lower bound of the number of colors.
    is_good : callable
        Checks the colors of all columns on the whole pattern.
    star : bool
        Whether paths of four vertices need a third color, rather than columns of one row different ones.
    shape : tuple of int, optional
        The extents of the axes, the last one running fastest, if they are known.
    species : int, optional
        Likewise the number of species of columns.

    Returns
    -------
    int32 array or None
        Colors; None if the pattern is no lattice or nothing was found.
    """
    best, count = None, _most(lower) + 1
    for cells in recognise(pattern, shape, species):
        for colors, modulus in _linear_colorings(cells, star, lower, count - 1, pattern.shape[1]):
            if is_good(colors):
                best, count = colors, modulus
                break
        if count <= lower:
            break
    return best


def open_colorings(
    pattern: Pattern, least: int, shape: tuple[int, ...] | None = None, species: int | None = None
) -> Iterator[np.ndarray]:
    """Yield linear colorings, of so many colors at least, that need not close around periodic axes."""
    columns = pattern.shape[1]
    for cells in recognise(pattern, shape, species):
        if any(cells.periodic):
            for colors, _ in _linear_colorings(cells, False, least, _most(least), columns, closed=False):
                yield colors


def _most(lower: int) -> int:
    """The number of colors to search up to: greedy colorings have fewer than what follows."""
    return 2 * lower + 4


def recognise(
    pattern: Pattern, shape: tuple[int, ...] | None = None, species: int | None = None
) -> Iterator[Cells]:
    """Yield the lattices that a pattern may be, those of fewest species and then of most axes first."""
    rows, columns = pattern.shape
    if not pattern.nnz or pattern.longest_row > _LONGEST_ROW:
        return
    sampled = _sample(pattern)
    for count in range(1, _MOST_SPECIES + 1) if species is None else (species,):
        cells = columns // count
        if count * cells != columns or (shape is not None and int(np.prod(shape)) != cells):
            continue
        if not cells or rows % cells or (species is None and cells < 3):
            continue
        found = False
        for blocked in (0, 1) if count > 1 else (0,):
            layout = np.array([rows // cells, count, cells, blocked])
            for fitted in _fit(sampled, layout, shape):
                # Blocks of two species look like an axis where every step is half the way around.
                found = found or not np.any(2 * np.abs(fitted.offsets[:, 2:]) == fitted.extents)
                yield fitted
        if found:
            return


def _sample(pattern: Pattern) -> tuple[np.ndarray, np.ndarray]:
    """The entries of some rows: the first and the last ones, and others all over."""
    size = pattern.shape[0]
    chosen = np.arange(size)
    if size > _SAMPLED_ROWS:
        spread = np.floor(np.arange(1, _SAMPLED_ROWS - 3) * 0.6180339887498949 % 1.0 * size).astype(np.int64)
        chosen = np.unique(np.concatenate([spread, [0, 1, size - 2, size - 1]]))
    starts, counts = pattern.indptr[chosen], pattern.indptr[chosen + 1] - pattern.indptr[chosen]
    ends = np.cumsum(counts)
    places = np.arange(ends[-1], dtype=np.int32) + np.repeat(
        starts - (ends - counts).astype(np.int32), counts
    )
    return np.repeat(chosen, counts).astype(np.int32), pattern.indices[places]


def _fit(
    sampled: tuple[np.ndarray, np.ndarray], layout: np.ndarray, shape: tuple[int, ...] | None
) -> Iterator[Cells]:
    """The ways to see a sample as a lattice of this layout."""
    rows, columns = sampled
    fewest = _entries_of_full_rows(rows, layout)
    cells = int(layout[2])
    if shape is not None:
        candidates = [tuple(int(n) for n in shape)]
    else:
        line = _offsets(rows, columns, layout, (cells,), 8 * fewest)
        candidates = [] if line is None else _axes(cells, line.offsets[:, 2])
    for extents in candidates:
        fitted = _offsets(rows, columns, layout, extents, fewest)
        if fitted is not None:
            yield fitted


def _entries_of_full_rows(rows: np.ndarray, layout: np.ndarray) -> int:
    """The entries that the longest rows of all species have together."""
    numbers, counts = np.unique(rows, return_counts=True)
    row_species, _, cells, blocked = layout
    most = np.zeros(row_species, np.int64)
    np.maximum.at(most, numbers // cells if blocked else numbers % row_species, counts)
    return int(most.sum())


def _offsets(
    rows: np.ndarray, columns: np.ndarray, layout: np.ndarray, extents: tuple[int, ...], most: int
) -> Cells | None:
    """The offsets of a sample for these axes; None if there are more than so many."""
    found = np.zeros((most + 2, 2 + len(extents)), np.int64)
    count = LOOPS.run("fit_offsets", rows, columns, layout, np.array(extents), found)
    if count < 0 or count > most:
        return None
    return Cells(layout, extents, tuple(found[-1, 2:] != 0), found[:count])


def _axes(cells: int, steps: np.ndarray) -> list[tuple[int, ...]]:
    """Extents that steps along a line suggest: an entry of the next row of cells is about as far away."""
    near = np.abs(steps)[:, None] + np.array([-1, 0, 1])
    strides = [int(n) for n in np.unique(near) if 3 <= n <= cells // 3 and cells % n == 0][:_MOST_EXTENTS]
    chains: list[tuple[int, ...]] = []
    for count in range(min(len(strides), _MOST_AXES - 1), 0, -1):
        for chosen in combinations(strides, count):
            bounds = (1, *chosen, cells)
            extents = [b // a for a, b in pairwise(bounds)]
            if all(b % a == 0 for a, b in pairwise(bounds)) and min(extents) >= 3:
                chains.append(tuple(extents[::-1]))
    return [*chains, (cells,)]


# What must not vanish -------------------------------------------------------------------------------------


def _column_forms(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Differences of columns of one row, as forms in the factors of the axes and the shifts of species."""
    offsets = cells.offsets
    one, other = np.triu_indices(len(offsets), 1)
    same = offsets[one, 0] == offsets[other, 0]
    one, other = offsets[one[same]], offsets[other[same]]
    forms = _forms(cells, other[:, 2:] - one[:, 2:], one[:, 1], other[:, 1])
    return forms, forms


def _star_forms(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of differences along paths of three edges, and single edges."""
    offsets = cells.offsets
    offsets = offsets[(offsets[:, 0] != offsets[:, 1]) | np.any(offsets[:, 2:], axis=1)]
    start, end, step = offsets[:, 0], offsets[:, 1], offsets[:, 2:]
    edges = _forms(cells, step, start, end)
    follows = end[:, None] == start
    one, two = np.nonzero(follows)
    back = (start[one] == end[two]) & ~np.any(step[one] + step[two], axis=1)
    one, two = one[~back], two[~back]
    twos = _forms(cells, step[one] + step[two], start[one], end[two])
    p, q = np.nonzero(two[:, None] == one)
    return np.concatenate([edges, twos[p]]), np.concatenate([edges, twos[q]])


def _forms(cells: Cells, steps: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The color of a cell minus that of another one: factors of the unknowns; the first shift is zero."""
    axes, species = len(cells.extents), int(cells.layout[1])
    forms = np.zeros((len(steps), axes + species), np.int64)
    forms[:, :axes] = steps
    every = np.arange(len(steps))
    np.add.at(forms, (every, axes + other), 1)
    np.add.at(forms, (every, axes + one), -1)
    return np.delete(forms, axes, axis=1)


# Which numbers do ------------------------------------------------------------------------------------------


def _linear_colorings(
    cells: Cells, star: bool, lower: int, most: int, columns: int, closed: bool = True
) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the first linear coloring for each number of colors, fewest first; unchecked.

    Those that are not closed need not fit together around periodic axes.
    """
    axes = len(cells.extents)
    first, second = _star_forms(cells) if star else _column_forms(cells)
    size = first.shape[1]
    nonzero = (first != 0) | (second != 0)
    level = np.where(nonzero.any(axis=1), size - 1 - np.argmax(nonzero[:, ::-1], axis=1), 0)
    order = np.argsort(level, kind="stable")
    first, second = np.ascontiguousarray(first[order]), np.ascontiguousarray(second[order])
    levels = np.searchsorted(level[order], np.arange(size + 1))
    periods = np.zeros(size, np.int64)
    periods[:axes] = np.where(np.logical_and(cells.periodic, closed), cells.extents, 0)
    unknowns, patience = np.zeros(size, np.int64), np.array([_PATIENCE])
    least = max(lower, 1)
    while True:
        modulus = LOOPS.run("search", first, second, levels, periods, unknowns, patience, least, most)
        if modulus <= 0:
            return
        colors = np.empty(columns, np.int32)
        numbers = np.concatenate([cells.extents, unknowns[:axes], [0], unknowns[axes:]])
        LOOPS.run("fill", cells.layout, numbers, modulus, colors)
        yield colors, modulus
        least = modulus + 1
