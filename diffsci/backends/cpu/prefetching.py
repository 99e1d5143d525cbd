"""Loads that meet an array first: what they need soon is asked for ahead of time.

Processors see that lines are read one after another and fetch the next, but start anew in every page, and a
stencil whose arithmetic takes as long as its memory waits for both in turn. Of the rows of an array that a
loop reads the foremost comes from memory; the others follow it within a few rows and find it in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from diffsci.backends.cpu.function import LANES, Function
from diffsci.backends.cpu.windows import Window
from diffsci.backends.plan.affine import Affine
from diffsci.backends.plan.program import Buffer, Nest

__all__ = ["foremost_loads", "prefetch"]

_AHEAD = 2048  # bytes
_MANY_BYTES = 1 << 22  # what a loop reads and writes, from which on it surely leaves the cache of a core
_SHORTEST = 8 * LANES
_ROWS = 4  # a load so many rows behind another one finds its lines in the cache


def foremost_loads(nest: Nest, vector: int, windows: Mapping[int, Window]) -> set[tuple[Buffer, Affine]]:
    """Return the loads that should fetch ahead; none in loops over little memory or over short rows.

    `windows` holds the loads that share vectors along the vector loop.
    """
    if len(nest.extents) < 2 or vector != len(nest.extents) - 1 or nest.extents[vector] < _SHORTEST:
        return set()
    streams: dict[tuple, set[int]] = {}
    for s in nest.live:
        if nest.body.ops[s] == "load":
            buffer, address = nest.body.attrs[s]
            if address[1] > 0 and address[-1] == 1:
                start = windows[s].last if s in windows else address[0]
                streams.setdefault((buffer, address[1:]), set()).add(start)
    arrays = {buffer for buffer, _ in streams} | nest.writes()
    if math.prod(nest.extents) * sum(buffer.dtype.itemsize for buffer in arrays) < _MANY_BYTES:
        return set()
    return {
        (buffer, (start, *coefs))
        for (buffer, coefs), starts in streams.items()
        for start in starts
        if not any(LANES < other - start <= _ROWS * coefs[0] for other in starts)
    }


def prefetch(module, f: Function, pointer: str) -> None:
    """Ask for the line some way behind a pointer; it need not exist."""
    module.declare("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
    place = f.set(f"getelementptr i8, ptr {pointer}, i64 {_AHEAD}")
    f.do(f"call void @llvm.prefetch.p0(ptr {place}, i32 0, i32 3, i32 1)")  # to read, into all caches, data
