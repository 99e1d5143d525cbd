"""Greedy column and row colorings: distance-2 colorings of one side of a bipartite graph.

See Gebremedhin, Manne and Pothen, "What color is your Jacobian?", SIAM Review 47 (2005).
"""

from __future__ import annotations

import numpy as np

from diffsci.coloring.clock import UNLIMITED, Clock
from diffsci.coloring.groups import Groups, of_columns
from diffsci.coloring.loops import LOOPS
from diffsci.coloring.orders import order_vertices
from diffsci.coloring.patterns import Pattern
from diffsci.coloring.ways import FEW

__all__ = ["color_columns", "color_in_order"]

_UNLIMITED = np.iinfo(np.int32).max


def color_columns(pattern: Pattern, order: str, seed: int = 0, clock: Clock = UNLIMITED) -> np.ndarray:
    """Color columns so that those that meet in a row differ; -1 for a column without entries."""
    groups = of_columns(pattern)
    active = np.ones(pattern.shape[0], np.uint8)
    return color_in_order(groups, order_vertices(groups, order, seed, clock), active, clock=clock)[0]


def color_in_order(
    groups: Groups,
    order: np.ndarray,
    active: np.ndarray,
    limit: int = _UNLIMITED,
    clock: Clock = UNLIMITED,
) -> tuple[np.ndarray, int]:
    """Color vertices first fit.

    Parameters
    ----------
    groups : Groups
    order : int32 array
        The vertices to color.
    active : uint8 array
        Which groups make neighbors.
    limit : int
        Give up when there are more colors.
    clock : Clock

    Returns
    -------
    colors : int32 array
        -1 for vertices that are not in the order or in no active group.
    count : int
        The number of colors; a larger number than `limit` if it gave up.
    """
    colors = np.full(groups.size, -1, np.int32)
    if LOOPS.run("longest", groups.member_starts) <= FEW:
        taken = np.zeros(groups.member_starts.size - 1, np.int64)
        parts = (*groups[:2], order, active, colors, taken)
        count = _in_pieces("color_few", parts, limit, order.size, clock)
        if count >= 0:
            return colors, count
        colors.fill(-1)
    filling = np.zeros((2, groups.member_starts.size - 1), np.int32)
    stamps = np.zeros(groups.size + 1, np.int32)
    parts = (*groups, order, active, colors, filling, stamps)
    return colors, _in_pieces("color_partially", parts, limit, order.size, clock)


def _in_pieces(loop: str, arrays: tuple[np.ndarray, ...], limit: int, size: int, clock: Clock) -> int:
    count = 0
    for begin, end in clock.pieces(size):
        count = LOOPS.run(loop, *arrays, limit, count, begin, end)
        if count < 0 or count > limit:
            break
    return count
