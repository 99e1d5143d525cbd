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

from diffsci.coloring.clock import UNLIMITED, Clock
from diffsci.coloring.groups import Groups, of_columns, of_graph
from diffsci.coloring.loops import LOOPS
from diffsci.coloring.orders import order_vertices
from diffsci.coloring.partial import color_in_order
from diffsci.coloring.patterns import Pattern
from diffsci.coloring.problems import Problem
from diffsci.coloring.trees import Graph, color_graph, drop_neutral, graph_of_both

__all__ = ["color_both"]

_MOST_THRESHOLDS = 24
# A bicoloring may have so many colors more than the best sweep before neutral ones are dropped. Few are: of
# 150 bicolorings of random patterns that were better than the sweep none had as many colors as the sweep.
_MORE_BEFORE_DROPPING = 2
# A sweep is given up that costs more than so many times the best: it says who should be without color, too.
_WORTH_KNOWING = 1.5


class _Split(NamedTuple):
    """A sweep's result: what it costs, its colors, and the rows (or columns) that were found by their own.

    Where a coloring was given up the cost is infinite; there are no colors then.
    """

    cost: float
    at_least: float
    dense: np.ndarray
    of_rows: bool
    row_colors: np.ndarray | None = None
    column_colors: np.ndarray | None = None


def color_both(
    problem: Problem,
    order: str,
    seed: int = 0,
    bound: float = math.inf,
    clock: Clock = UNLIMITED,
    drop: bool = True,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return row colors and column colors, the cheapest found with a greedy order.

    None if nothing is found that costs less than the bound.
    """
    splits = _sweep(problem, order, seed, bound, clock)
    best = min(splits, key=lambda split: split.cost, default=None)
    found = None
    if best is not None and best.cost < bound:
        bound, found = best.cost, (best.row_colors, best.column_colors)
    if bound <= problem.least_cost:
        return found
    graph = graph_of_both(problem.pattern)
    vertices = order_vertices(of_graph(graph.pattern), order, seed, clock)
    for without in _neutral(problem.pattern, splits):
        colors = _bicoloring(problem, graph, vertices[~without[vertices]], without, bound, clock, drop)
        if colors is not None:
            bound, found = problem.cost(_count(colors[1]), _count(colors[0])), colors
    return found


def _bicoloring(
    problem: Problem,
    graph: Graph,
    order: np.ndarray,
    without: np.ndarray,
    bound: float,
    clock: Clock,
    drop: bool,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Row colors and column colors that cost less than the bound, if first fit has them."""
    limit = _MORE_BEFORE_DROPPING + (
        problem.pattern.nnz
        if bound == math.inf
        else int(bound / min(problem.forward_cost, problem.reverse_cost))
    )
    colors = color_graph(graph, order, problem.recovery == "substitution", without, limit, clock)
    if colors is None:
        return None
    colors = drop_neutral(graph, colors) if drop else colors
    columns, rows = (np.where(x >= 0, x // 2, -1) for x in np.split(colors, [graph.split]))
    return (rows, columns) if problem.cost(_count(columns), _count(rows)) < bound else None


def _count(colors: np.ndarray) -> int:
    return int(colors.max(initial=-1)) + 1


def _neutral(pattern: Pattern, splits: list[_Split]) -> list[np.ndarray]:
    """Choices of vertices without color: none, and those of the cheapest split of either kind."""
    rows, columns = pattern.shape
    chosen = [np.zeros(rows + columns, bool)]
    for of_rows in (True, False):
        splits_of = [split for split in splits if split.of_rows == of_rows]
        split = min(splits_of, key=lambda split: (split.cost, split.at_least), default=None)
        if split is not None:
            without = np.zeros(rows + columns, bool)
            without[columns:] = ~split.dense if of_rows else False
            without[:columns] = False if of_rows else ~split.dense
            chosen.append(without)
    return chosen


def _sweep(problem: Problem, order: str, seed: int, bound: float, clock: Clock) -> list[_Split]:
    """Color for every threshold that may cost little more than the bound, the most promising ones first."""
    pattern = problem.pattern
    sides = [of_columns(each) for each in (pattern, pattern.transposed)]
    promised = sorted([*_promises(problem, True), *_promises(problem, False)], key=lambda each: each[0])
    orders: list[np.ndarray] = []
    splits: list[_Split] = []
    for at_least, threshold, of_rows in promised:
        if at_least >= _WORTH_KNOWING * bound:
            break
        orders = orders or [order_vertices(groups, order, seed, clock) for groups in sides]
        step = 1 if of_rows else -1
        dense = np.diff((pattern if of_rows else pattern.transposed).indptr) > threshold
        costs = (problem.forward_cost, problem.reverse_cost)[::step]
        found = _split_at(sides[::step], orders[::step], dense, costs, _WORTH_KNOWING * bound, clock)
        if found is None:
            splits.append(_Split(math.inf, at_least, dense, of_rows))
            continue
        row_colors, column_colors = found[::-step]
        cost = problem.cost(_count(column_colors), _count(row_colors))
        bound = min(bound, cost)
        splits.append(_Split(cost, at_least, dense, of_rows, row_colors, column_colors))
    return splits


def _promises(problem: Problem, of_rows: bool) -> list[tuple[float, int, bool]]:
    """What splits of rows (or columns) at thresholds cost at least, the thresholds, and `of_rows`.

    The light rows need as many colors as the longest of them has entries. The dense ones need as many as meet
    in a column; those are counted for all thresholds at once.
    """
    one = problem.pattern if of_rows else problem.pattern.transposed
    counts = np.diff(one.indptr)
    order = np.argsort(-counts, kind="stable").astype(np.int32)
    met, most = np.zeros(one.shape[1], np.int32), np.zeros(order.size + 1, np.int32)
    LOOPS.run("meet", one.indptr, one.indices, order, met, most)
    thresholds = np.array(_thresholds(counts))
    light = np.append(counts[order], 0)
    dense = np.searchsorted(-counts[order], -thresholds, side="left")
    numbers = zip(thresholds.tolist(), light[dense].tolist(), most[dense].tolist(), strict=True)
    costs = (problem.cost(a, b) if of_rows else problem.cost(b, a) for _, a, b in numbers)
    return [(cost, int(t), of_rows) for cost, t in zip(costs, thresholds, strict=True)]


def _thresholds(counts: np.ndarray) -> list[int]:
    """Numbers of entries to part rows at: few dense ones are the usual case."""
    distinct = np.unique(np.concatenate([[0], counts]))[::-1]
    if distinct.size > _MOST_THRESHOLDS:
        half = _MOST_THRESHOLDS // 2
        rest = np.unique(np.geomspace(half, distinct.size - 1, half).astype(int))
        distinct = np.concatenate([distinct[:half], distinct[rest]])
    return [int(n) for n in distinct]


def _split_at(
    sides: list[Groups],
    orders: list[np.ndarray],
    dense: np.ndarray,
    costs: tuple[float, float],
    bound: float,
    clock: Clock,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Colors of columns that tell apart the entries of light rows, and colors of the dense rows.

    None if they cost as much as the bound. Few dense rows are colored first: that takes no time.
    """
    every = np.ones(sides[1].member_starts.size - 1, np.uint8)
    most = every.size + dense.size
    room = most if bound == math.inf else math.ceil(bound / costs[1]) - 1
    heavy, count = color_in_order(sides[1], orders[1][dense[orders[1]]], every, room, clock)
    if count > room:
        return None
    room = most if bound == math.inf else math.ceil((bound - count * costs[1]) / costs[0]) - 1
    light, count = color_in_order(sides[0], orders[0], (~dense).astype(np.uint8), room, clock)
    return None if count > room else (light, heavy)
