"""How many elements of an array a loop nest touches: every element counted once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

import numpy as np

from diffsci.backends.plan.affine import Affine

__all__ = ["touched"]

_MOST_CELLS = 1 << 20
_MOST_LISTED = 1 << 22

# An address as runs: its least value, and (stride, how many) for every loop that moves it.
Runs = tuple[int, tuple[tuple[int, int], ...]]


def touched(addresses: Iterable[Affine], extents: tuple[int, ...], size: int) -> int:
    """Return how many different elements the addresses name over a box.

    The streams of a stencil overlap: their union is counted, exactly wherever the strides are those of an
    array or the elements can be listed; otherwise the sum of the streams, at most `size`, is returned.
    """
    streams = list({_runs(address, extents) for address in addresses})
    if not streams:
        return 0
    boxes = _as_boxes(streams)
    count = _union(boxes) if boxes is not None else _listed(streams)
    if count is None:
        count = sum(math.prod(n for _, n in steps) for _, steps in streams)
    return min(count, size)


def _runs(address: Affine, extents: tuple[int, ...]) -> Runs:
    start, steps = address[0], {}
    for coef, n in zip(address[1:], extents, strict=True):
        if n > 1 and coef:
            start += min(0, coef * (n - 1))
            steps[abs(coef)] = steps.get(abs(coef), 1) + n - 1
    return start, tuple(sorted(steps.items(), reverse=True))


def _as_boxes(streams: list[Runs]) -> list[tuple[tuple[int, int], ...]] | None:
    """Write addresses as digits, one per stride: a stream is a box of digits (first, behind the last)."""
    strides = sorted({1} | {stride for _, steps in streams for stride, _ in steps}, reverse=True)
    if any(a % b for a, b in itertools.pairwise(strides)):
        return None
    boxes = []
    for rest, steps in streams:
        counts, box, above = dict(steps), [], None
        for stride in strides:
            digit, rest = divmod(rest, stride)
            end = digit + counts.get(stride, 1)
            if above is not None and end > above // stride:
                return None
            box.append((digit, end))
            above = stride
        boxes.append(tuple(box))
    return boxes


def _union(boxes: list[tuple[tuple[int, int], ...]]) -> int | None:
    if len(boxes) == 1:
        return math.prod(end - first for first, end in boxes[0])
    edges = [sorted({edge for box in boxes for edge in box[axis]}) for axis in range(len(boxes[0]))]
    shape = tuple(len(edge) - 1 for edge in edges)
    if math.prod(shape) > _MOST_CELLS:
        return None
    covered = np.zeros(shape, bool)
    for box in boxes:
        place = zip(box, edges, strict=True)
        covered[tuple(slice(edge.index(first), edge.index(end)) for (first, end), edge in place)] = True
    sizes = covered.astype(np.int64)
    for edge in reversed(edges):
        sizes = sizes @ np.diff(np.array(edge, dtype=np.int64))
    return int(sizes)


def _listed(streams: list[Runs]) -> int | None:
    if sum(math.prod(n for _, n in steps) for _, steps in streams) > _MOST_LISTED:
        return None
    found = []
    for start, steps in streams:
        places = np.array([start])
        for stride, n in steps:
            places = (places[:, None] + stride * np.arange(n)).ravel()
        found.append(places)
    return int(np.unique(np.concatenate(found)).size)
