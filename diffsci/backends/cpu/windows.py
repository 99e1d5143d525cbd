"""Neighbours along a row: loads that overlap are lanes of vectors that are in registers already.

A vector loop that reads ``x[k - 1]``, ``x[k]`` and ``x[k + 1]`` loads the last of them; the others are
shuffled from it and from the vector of the iteration before. An unaligned load of a whole vector costs two
accesses of the cache, a shuffle none, and every line is touched in one iteration only.
"""

from __future__ import annotations

from dataclasses import dataclass

from diffsci.backends.cpu.function import LANES
from diffsci.backends.plan.codes import code_of
from diffsci.backends.plan.program import Buffer, Nest

__all__ = ["Window", "windows_of"]


@dataclass(frozen=True)
class Window:
    """Loads of one stream at constants from ``last - width`` to `last`."""

    buffer: Buffer
    coefs: tuple[int, ...]
    last: int
    width: int

    @property
    def code(self) -> str:
        """Dtype of its elements."""
        return code_of(self.buffer.dtype)


def windows_of(nest: Nest, vector: int) -> dict[int, Window]:
    """Return the window of each load that overlaps with others along the vector loop."""
    streams: dict[tuple, dict[int, int]] = {}
    for s in nest.live:
        if nest.body.ops[s] != "load" or nest.body.deps[s].bit_length() != vector + 1:
            continue
        buffer, address = nest.body.attrs[s]
        if address[vector + 1] == 1 and buffer.dtype.kind == "f":
            streams.setdefault((buffer, address[1:]), {})[address[0]] = s
    found: dict[int, Window] = {}
    for (buffer, coefs), loads in streams.items():
        for cluster in _clusters(sorted(loads, reverse=True)):
            if len(cluster) > 1:
                window = Window(buffer, coefs, cluster[0], cluster[0] - cluster[-1])
                found |= {loads[place]: window for place in cluster}
    return found


def _clusters(places: list[int]) -> list[list[int]]:
    """Divide falling places into runs that one vector and the one before it hold."""
    clusters: list[list[int]] = []
    for place in places:
        if clusters and clusters[-1][0] - place <= LANES:
            clusters[-1].append(place)
        else:
            clusters.append([place])
    return clusters
