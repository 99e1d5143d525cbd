"""In which order a greedy coloring takes the vertices.

- natural: as they are numbered;
- largest_first: by the number of neighbors, most first; equal ones as they are numbered (Welsh, Powell 1967);
- smallest_last: the last is one with fewest neighbors, the one before it has fewest in what remains, and so
  on (Matula, Marble and Isaacson 1972);
- incidence_degree: next comes one with most neighbors taken already (Coleman and Moré 1983);
- dynamic_largest_first: next comes one with most neighbors not taken yet;
- random: by a seed.
"""

from __future__ import annotations

import numpy as np

from diffsci.coloring.clock import UNLIMITED, Clock
from diffsci.coloring.groups import Groups
from diffsci.coloring.loops import LOOPS
from diffsci.coloring.ways import WAYS

__all__ = ["ORDERS", "order_vertices", "taken_in_turn"]

ORDERS = ("natural", "largest_first", *WAYS, "random")


def order_vertices(groups: Groups, name: str, seed: int = 0, clock: Clock = UNLIMITED) -> np.ndarray:
    """Return the vertices in an order of `ORDERS`, int32."""
    if name in WAYS:
        return taken_in_turn(groups, name, clock)[0]
    if name == "random":
        return np.random.default_rng(seed).permutation(groups.size).astype(np.int32)
    if name == "largest_first":
        return np.argsort(-count_neighbors(groups, clock), kind="stable").astype(np.int32)
    return np.arange(groups.size, dtype=np.int32)


def count_neighbors(groups: Groups, clock: Clock = UNLIMITED) -> np.ndarray:
    """Return the number of neighbors of every vertex, int32."""
    seen, degrees = np.zeros(groups.size, np.int32), np.empty(groups.size, np.int32)
    for begin, end in clock.pieces(groups.size):
        LOOPS.run("count_neighbors", *groups, seen, degrees, begin, end)
    return degrees


def taken_in_turn(groups: Groups, way: str, clock: Clock = UNLIMITED) -> tuple[np.ndarray, np.ndarray]:
    """Return an order that changes as vertices are taken, and the key of each when it was taken, int32."""
    size = groups.size
    keys = np.zeros(size, np.int32) if way == "incidence_degree" else count_neighbors(groups, clock)
    lists = np.empty((3, size + 1), np.int32)
    seen, order, taken_at = np.zeros(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32)
    LOOPS.run("list_keys", keys, lists)
    at = 0 if way == "smallest_last" else size - 1
    for begin, end in clock.pieces(size):
        at = LOOPS.run(
            "order_dynamically", *groups, keys, lists, seen, order, taken_at, WAYS[way], at, begin, end
        )
    return order, taken_at
