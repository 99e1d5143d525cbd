"""Neighbours along a row: loads that overlap are lanes of vectors that are in registers already.

A vector loop that reads ``x[k - 1]``, ``x[k]`` and ``x[k + 1]`` loads the last of them; the others are
shuffled from it and from the vector of the iteration before. An unaligned load of a whole vector costs two
accesses of the cache, a shuffle none, and every line is touched in one iteration only.

Where vectors begin at cache lines (see `alignment`) lines are loaded, up to seven elements further on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from diffsci.backends.cpu.access import load_wide
from diffsci.backends.cpu.function import LANES, MEMORY, Function, vector_type
from diffsci.backends.plan.affine import bounds
from diffsci.backends.plan.codes import code_of
from diffsci.backends.plan.program import Buffer, Nest

__all__ = ["Window", "fill_window", "lines_of", "pick", "windows_of"]


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

    @property
    def depth(self) -> int:
        """How many earlier vectors hold the elements behind the last load."""
        return -(-self.width // LANES)


def windows_of(nest: Nest, vector: int) -> dict[int, Window]:
    """Return the window of each load that overlaps with others along the vector loop."""
    return {s: window for s, window in _runs(nest, vector).items() if window.width}


def lines_of(nest: Nest, vector: int, aligned: tuple[int, ...]) -> dict[int, Window]:
    """Return the windows of a nest where loads at `aligned` are lines, and others are lanes of lines."""
    found = {}
    for s, window in _runs(nest, vector).items():
        further = (aligned[0] - window.last) % LANES
        moved = replace(window, last=window.last + further, width=window.width + further)
        known = not any(coef % LANES for coef in (*window.coefs[:-1], *aligned[1:-1]))
        inside = bounds((moved.last, *window.coefs), nest.extents)[1] < window.buffer.size
        found[s] = moved if known and inside else window
    return {s: window for s, window in found.items() if window.width}


def fill_window(module, f: Function, window: Window, pointers: dict[tuple, str], low: str) -> tuple[str, ...]:
    """Load what lies before the first vector, which begins at iteration `low`: the latest vector first."""
    vectors, base = [], pointers[(window.buffer, window.coefs)]
    for back in range(LANES, LANES * window.depth + 1, LANES):
        place = f.set(f"add i64 {low}, {window.last - back}")
        pointer = f.set(f"getelementptr {MEMORY[window.code]}, ptr {base}, i64 {place}")
        wanted = [lane >= back - window.width for lane in range(LANES)]
        mask = "<" + ", ".join(f"i1 {'true' if lane else 'false'}" for lane in wanted) + ">"
        vectors.append(load_wide(module, f, window.code, pointer, 1, None if all(wanted) else mask))
    return tuple(vectors)


def pick(f: Function, window: Window, place: int, vectors: tuple[str, ...]) -> str:
    """Return the load at constant `place`: lanes of the vectors of a window, the latest first."""
    whole, back = divmod(window.last - place, LANES)
    if not back:
        return vectors[whole]
    kind = vector_type(window.code)
    lanes = ", ".join(f"i32 {lane + LANES - back}" for lane in range(LANES))
    pair = f"{kind} {vectors[whole + 1]}, {kind} {vectors[whole]}"
    return f.set(f"shufflevector {pair}, <{LANES} x i32> <{lanes}>")


def _runs(nest: Nest, vector: int) -> dict[int, Window]:
    """Return a window for each load along the vector loop, of width 0 if it is alone."""
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
