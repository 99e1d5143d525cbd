"""Bidirectional colorings: some entries from products with the matrix, the others with its transpose.

Two ways, see Coleman and Verma, SIAM J. Sci. Comput. 19 (1998), and Gebremedhin, Manne and Pothen (2005):

- a *sweep*: rows with more than t entries are found by row colors, what remains by columns, for many t, and
  the same with the roles exchanged. A dense row then costs one color instead of one for each of its entries.
- *star* or *acyclic bicoloring*: a coloring of the graph of columns and rows. Vertices may be without
  color as long as all their neighbors have different ones; here those that the best sweep leaves without.
  Colors that no entry needs are dropped at the end.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from diffsci.coloring.groups import Groups, of_columns, of_graph
from diffsci.coloring.orders import order_vertices
from diffsci.coloring.partial import color_in_order
from diffsci.coloring.patterns import Pattern
from diffsci.coloring.problems import Problem
from diffsci.coloring.trees import color_graph, drop_neutral, graph_of_both

__all__ = ["color_both"]

_MOST_THRESHOLDS = 24
# A bicoloring may have twice as many colors as the best sweep, and some, before neutral ones are dropped.
_MORE_BEFORE_DROPPING = 8


class _Split(NamedTuple):
    """A sweep's result: what it costs, its colors, and the rows (or columns) that were found by their own."""

    cost: float
    row_colors: np.ndarray
    column_colors: np.ndarray
    dense: np.ndarray
    of_rows: bool


def color_both(
    problem: Problem, order: str, seed: int = 0, bound: float = math.inf
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return row colors and column colors, the cheapest found with a greedy order.

    None if nothing is found that costs less than the bound.
    """
    pattern = problem.pattern
    splits = _sweep(problem, order, seed, bound)
    found = [(split.cost, split.row_colors, split.column_colors) for split in splits]
    cheapest = min([bound, *(split.cost for split in splits)])
    limit = 2 * int(cheapest / min(problem.forward_cost, problem.reverse_cost)) + _MORE_BEFORE_DROPPING
    graph = graph_of_both(pattern)
    vertices = order_vertices(of_graph(graph.pattern), order, seed)
    for without in _neutral(pattern, splits):
        order_of_colored = vertices[~without[vertices]]
        colors = color_graph(graph, order_of_colored, problem.recovery == "substitution", without, limit)
        if colors is None:
            continue
        colors = drop_neutral(graph, colors)
        column_colors = np.where(colors[: graph.split] >= 0, colors[: graph.split] // 2, -1)
        row_colors = np.where(colors[graph.split :] >= 0, colors[graph.split :] // 2, -1)
        found.append((problem.cost(_count(column_colors), _count(row_colors)), row_colors, column_colors))
    found = [each for each in found if each[0] < bound]
    return min(found, key=lambda each: each[0])[1:] if found else None


def _count(colors: np.ndarray) -> int:
    return int(colors.max(initial=-1)) + 1


def _neutral(pattern: Pattern, splits: list[_Split]) -> list[np.ndarray]:
    """Choices of vertices without color: none, and those of the cheapest split of either kind."""
    rows, columns = pattern.shape
    chosen = [np.zeros(rows + columns, bool)]
    for of_rows in (True, False):
        split = min((s for s in splits if s.of_rows == of_rows), key=lambda s: s.cost, default=None)
        if split is not None:
            without = np.zeros(rows + columns, bool)
            without[columns:] = ~split.dense if of_rows else False
            without[:columns] = False if of_rows else ~split.dense
            chosen.append(without)
    return chosen


def _sweep(problem: Problem, order: str, seed: int, bound: float) -> list[_Split]:
    """Color for every threshold that may cost less than the bound."""
    pattern = problem.pattern
    sides = [of_columns(each) for each in (pattern, pattern.transposed)]
    orders = [order_vertices(groups, order, seed) for groups in sides]
    splits: list[_Split] = []
    for one, of_rows in ((pattern, True), (pattern.transposed, False)):
        counts = np.diff(one.indptr)
        for threshold in _thresholds(counts):
            dense = counts > threshold
            if _at_least(problem, one, counts, dense, of_rows) >= bound:
                continue
            step = 1 if of_rows else -1
            light, heavy = _split_at(sides[::step], orders[::step], dense)
            row_colors, column_colors = (heavy, light) if of_rows else (light, heavy)
            cost = problem.cost(_count(column_colors), _count(row_colors))
            bound = min(bound, cost)
            splits.append(_Split(cost, row_colors, column_colors, dense, of_rows))
    return splits


def _thresholds(counts: np.ndarray) -> list[int]:
    """Numbers of entries to part rows at: few dense ones are the usual case."""
    distinct = np.unique(np.concatenate([[0], counts]))[::-1]
    if distinct.size > _MOST_THRESHOLDS:
        half = _MOST_THRESHOLDS // 2
        rest = np.unique(np.geomspace(half, distinct.size - 1, half).astype(int))
        distinct = np.concatenate([distinct[:half], distinct[rest]])
    return [int(n) for n in distinct]


def _at_least(problem: Problem, one: Pattern, counts: np.ndarray, dense: np.ndarray, of_rows: bool) -> float:
    """A lower bound of what a split costs."""
    light = int(counts[~dense].max(initial=0))
    entries = one.indices[np.repeat(dense, counts)]
    heavy = int(np.bincount(entries).max(initial=0)) if entries.size else 0
    return problem.cost(light, heavy) if of_rows else problem.cost(heavy, light)


def _split_at(
    sides: list[Groups], orders: list[np.ndarray], dense: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Colors of columns that tell apart the entries of light rows, and colors of the dense rows."""
    light = color_in_order(sides[0], orders[0], (~dense).astype(np.uint8))[0]
    every = np.ones(sides[1].member_starts.size - 1, np.uint8)
    heavy = color_in_order(sides[1], orders[1][dense[orders[1]]], every)[0]
    return light, heavy
