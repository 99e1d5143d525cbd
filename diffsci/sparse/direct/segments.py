"""Rows of a matrix that are made alike: boxes of them, cut where anything changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

__all__ = ["Segment", "boxes_of", "layout_codes"]

_LONGEST_PERIOD = 8
_MOST_SEGMENTS = 48
_SHORT, _MANY = 8, 64


class Segment(NamedTuple):
    """The places ``start + step * k`` of one axis, ``k < count``."""

    start: int
    step: int
    count: int

    @property
    def slice(self) -> slice:
        """As an index."""
        return slice(self.start, self.start + (self.count - 1) * self.step + 1, self.step)


def layout_codes(digits: np.ndarray, base: int) -> np.ndarray:
    """Return one number per column of an array of small numbers: equal numbers mean equal columns."""
    total = np.zeros(digits.shape[1:], dtype=np.int64)
    room = 1
    for row in digits:
        if room * base >= 1 << 62:
            total = np.unique(total, return_inverse=True)[1].reshape(total.shape)
            room = total.size
        total = total * base + row
        room *= base
    return total


def boxes_of(codes: np.ndarray) -> list[tuple[Segment, ...]] | None:
    """Return boxes that cover an array and on each of which it is constant, None if they were too many."""
    if codes.ndim == 0:
        return [()]
    axes = []
    for axis, n in enumerate(codes.shape):
        if n <= _SHORT and n > 1 and codes.size // n >= _MANY:
            axes.append([Segment(k, 1, 1) for k in range(n)])
            continue
        found = _segments(_planes(codes, axis))
        if found is None:
            return None
        axes.append(found)
    boxes = list(product(*axes))
    for box in boxes:
        part = codes[tuple(segment.slice for segment in box)]
        if not (part == part.flat[0]).all():
            return None
    return boxes


def _planes(codes: np.ndarray, axis: int) -> np.ndarray:
    """Return a number per plane across an axis; different planes may share one, which is looked at later."""
    n = codes.shape[axis]
    before, behind = math.prod(codes.shape[:axis]), math.prod(codes.shape[axis + 1 :])
    cube = codes.reshape(before, n, behind).astype(np.uint64)
    rng = np.random.default_rng(0)
    weights = [rng.integers(1, 1 << 63, size, dtype=np.uint64) | np.uint64(1) for size in (before, behind)]
    return np.einsum("inj,i,j->n", cube, *weights, optimize=False)


def _segments(planes: np.ndarray) -> list[Segment] | None:
    """Cut a sequence into runs, of one number or of several that take turns."""
    n = len(planes)
    breaks = {
        p: np.append(np.flatnonzero(planes[p:] != planes[:-p]), max(n - p, 0))
        for p in range(1, min(_LONGEST_PERIOD, n) + 1)
    }
    found: list[Segment] = []
    place = 0
    while place < n:
        best_period, best = 1, 0
        for period, own in breaks.items():
            until = int(own[np.searchsorted(own, place)]) if place <= own[-1] else place
            count = (until - place) // period + 1
            if period > 1 and count < 3:
                continue
            if place + count * period > n:
                continue
            if count * period > best:
                best_period, best = period, count * period
        found += [Segment(place + k, best_period, best // best_period) for k in range(best_period)]
        if len(found) > _MOST_SEGMENTS:
            return None
        place += best
    return found


def affine_places(places: np.ndarray) -> tuple[int, tuple[int, ...]] | None:
    """Return start and strides of numbers that are affine in their place, None if they are not."""
    start = int(places.flat[0])
    strides: list[int] = []
    expected = np.full((1,) * places.ndim, start, dtype=np.int64)
    for axis, n in enumerate(places.shape):
        second = tuple(int(k == axis) for k in range(places.ndim))
        stride = int(places[second]) - start if n > 1 else 0
        strides.append(stride)
        along = [1] * places.ndim
        along[axis] = n
        expected = expected + (np.arange(n) * stride).reshape(along)
    return (start, tuple(strides)) if np.array_equal(places, expected) else None


def box_index(box: Sequence[Segment]) -> tuple[slice, ...]:
    """Return the index of a box."""
    return tuple(segment.slice for segment in box)
