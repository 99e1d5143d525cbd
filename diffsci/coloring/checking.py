"""Whether a coloring is good: can every entry be found from the products?"""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.coloring.decompression import join_colors
from diffsci.coloring.loops import LOOPS
from diffsci.coloring.patterns import Pattern
from diffsci.coloring.problems import Problem
from diffsci.coloring.trees import Graph, graph_of, graph_of_both, read_entries

__all__ = ["ColoringError", "check", "is_valid"]


class ColoringError(ValueError):
    """Colors from which a matrix cannot be recovered; the message names entries."""


def is_valid(problem: Problem, row_colors: Any = None, column_colors: Any = None) -> bool:
    """Tell whether colors solve a problem; see `check`."""
    return violation(problem, *_arrays(problem, row_colors, column_colors)) is None


def check(problem: Problem, row_colors: Any = None, column_colors: Any = None) -> None:
    """Make sure that colors solve a problem.

    Parameters
    ----------
    problem : Problem
        What is to be recovered and how.
    row_colors, column_colors : array_like of int, optional
        Colors from 0 on, -1 for none. What the kind of the problem does not use may be left out; star and
        acyclic colorings are `column_colors`.

    Raises
    ------
    ColoringError
        If an entry cannot be recovered; the message names two entries that stand in each other's way.
    ValueError
        If the colors are not integers, one for each row or column.

    Examples
    --------
    >>> import numpy as np
    >>> check(Problem(np.eye(3)), column_colors=[0, 0, 0])
    >>> check(Problem(np.tri(3)), column_colors=[0, 1, 1])
    Traceback (most recent call last):
        ...
    diffsci.coloring.checking.ColoringError: entries (2, 1) and (2, 2) are in one row, and their columns ...
    """
    found = violation(problem, *_arrays(problem, row_colors, column_colors))
    if found is not None:
        raise ColoringError(found)


def violation(problem: Problem, row_colors: np.ndarray, column_colors: np.ndarray) -> str | None:
    """Return what is wrong with colors, None if nothing is."""
    pattern = problem.pattern
    if problem.kind == "column":
        return _clash(pattern, column_colors, "row", "column", lambda i, j: (i, j))
    if problem.kind == "row":
        return _clash(pattern.transposed, row_colors, "column", "row", lambda j, i: (i, j))
    if problem.kind == "bidirectional":
        graph, colors = graph_of_both(pattern), join_colors(row_colors, column_colors)
        return _unread(graph, colors, problem, lambda v, w: (v - pattern.shape[1], w))
    lonely = np.flatnonzero((pattern.rows == pattern.indices) & (column_colors[pattern.rows] < 0))
    if lonely.size:
        i = int(pattern.rows[lonely[0]])
        return f"entry ({i}, {i}) on the diagonal cannot be recovered: column {i} has no color"
    same = (pattern.rows != pattern.indices) & (column_colors[pattern.rows] >= 0)
    same &= column_colors[pattern.rows] == column_colors[pattern.indices]
    if same.any():
        p = np.flatnonzero(same)[0]
        i, j = int(pattern.rows[p]), int(pattern.indices[p])
        return (
            f"entries ({i}, {j}) and ({j}, {i}) join columns {i} and {j}, which have the same color "
            f"{column_colors[i]}: neighbors in star and acyclic colorings differ"
        )
    return _unread(graph_of(pattern), column_colors, problem, lambda v, w: (v, w))


def columns_differ(pattern: Pattern, colors: np.ndarray) -> bool:
    """Tell whether no two columns of a row have the same color."""
    return _find_clash(pattern, colors) is None


def _find_clash(pattern: Pattern, colors: np.ndarray) -> np.ndarray | None:
    found = np.zeros(3, np.int32)
    stamps = np.zeros((2, int(colors.max(initial=0)) + 1), np.int32)
    bad = LOOPS.run("find_clash", pattern.indptr, pattern.indices, colors, stamps, found)
    return found if bad else None


def _clash(pattern: Pattern, colors: np.ndarray, group: str, member: str, entry) -> str | None:
    found = _find_clash(pattern, colors)
    if found is None:
        return None
    g, v, w = (int(x) for x in found)
    if v == w:
        return f"entry {entry(g, v)} cannot be recovered: {member} {v} has no color"
    return (
        f"entries {entry(g, v)} and {entry(g, w)} are in one {group}, and their {member}s {v} and {w} "
        f"have the same color {colors[v]}"
    )


def _unread(graph: Graph, colors: np.ndarray, problem: Problem, entry) -> str | None:
    """What keeps an entry from being read in a graph."""
    reading = read_entries(graph, colors)
    pattern = graph.pattern
    off = pattern.rows != pattern.indices
    bad = (reading.source < 0) & off
    if problem.recovery == "direct":  # nothing may have to be subtracted
        bad |= np.isin(reading.source, reading.target[off & (reading.target >= 0)]) & off
    if not bad.any():
        return None
    # Both ends of such an entry have another entry of the same color; the larger vertex is a row.
    p = int(np.flatnonzero(bad & (pattern.rows > pattern.indices))[0])
    v, w = int(pattern.rows[p]), int(pattern.indices[p])
    if colors[w] < 0 and colors[v] < 0:
        return f"entry {entry(v, w)} cannot be recovered: neither its row nor its column has a color"
    if colors[w] >= 0:
        others = pattern.indices[pattern.indptr[v] : pattern.indptr[v + 1]]
        other = int(next(u for u in others if u not in (v, w) and colors[u] == colors[w]))
        beside = entry(v, other)
    else:
        others = pattern.indices[pattern.indptr[w] : pattern.indptr[w + 1]]
        other = int(next(u for u in others if u not in (v, w) and colors[u] == colors[v]))
        beside = entry(other, w)
    return (
        f"entry {entry(v, w)} cannot be recovered by {problem.recovery}: entry {beside} has the same color, "
        "and the other product that contains it does not give it either"
    )


def _arrays(problem: Problem, row_colors: Any, column_colors: Any) -> tuple[np.ndarray, np.ndarray]:
    arrays = []
    for name, colors, size in zip(
        ("row", "column"), (row_colors, column_colors), problem.pattern.shape, strict=True
    ):
        if colors is None:
            arrays.append(np.full(size, -1, np.int32))
            continue
        colors = np.asarray(colors)
        if colors.shape != (size,) or colors.dtype.kind not in "iu":
            raise ValueError(
                f"{name}_colors are {size} integers, one for each {name}; got {colors.dtype} of shape "
                f"{colors.shape}"
            )
        if size and (colors.min() < -1 or colors.max() >= max(2 * sum(problem.pattern.shape), 1)):
            raise ValueError(f"{name}_colors are numbered from 0 on, -1 for none")
        arrays.append(np.ascontiguousarray(colors, np.int32))
    return arrays[0], arrays[1]
