"""Where the sequence of operations repeats itself: stretches of some period, found in linear time.

Operations are compared by their kind, types and parameters, except for the places of the parts of arrays that
they read and write: these may change from one iteration to the next. Constants and views take no part, they
are the same nodes everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.backends.rolling.views import VIEWS, Views, marked_apart
from diffsci.graph import Node

__all__ = ["FEWEST", "Stretch", "repeating"]

FEWEST = 6  # repetitions that make a loop
_DOUBLINGS = 4  # windows of 2**4 operations are compared at a time
_MOST_PERIODS = 12


@dataclass(frozen=True)
class Stretch:
    """Operations ``start ... start + length`` of a sequence, equal to those one `period` later."""

    start: int
    period: int
    length: int


def repeating(nodes: Sequence[Node], views: Views) -> list[Stretch]:
    """Return stretches that repeat themselves, apart from each other and in order.

    Those that cover most come first when they compete.
    """
    letters = _letters(nodes, views)
    candidates = [stretch for period in _periods(letters) for stretch in _of_period(letters, period)]
    candidates.sort(key=lambda s: (-s.length, s.period, s.start))
    free = np.ones(len(nodes), bool)
    chosen = []
    for stretch in candidates:
        free_part = _longest(free[stretch.start : stretch.start + stretch.length])
        if free_part is None:
            continue
        first, length = free_part
        if length >= FEWEST * stretch.period:
            start = stretch.start + first
            free[start : start + length] = False
            chosen.append(Stretch(start, stretch.period, length))
    return sorted(chosen, key=lambda s: s.start)


def _letters(nodes: Sequence[Node], views: Views) -> np.ndarray:
    """Return a number for each operation: equal for operations that one iteration could share."""
    known: dict[tuple, int] = {}
    types = _Types()
    found = []
    for node in nodes:
        key = [node.primitive, marked_apart(node), types[node.type]]
        for x in node.inputs:
            key += (types[x.type], views.of(x)[1] if x.name in VIEWS else 0)
        found.append(known.setdefault(tuple(key), len(known)))
    return np.array(found, dtype=np.int64)


class _Types:
    """Numbers for types, equal for equal ones; types are mostly one object, and comparing them is slow."""

    def __init__(self) -> None:
        self._objects: dict[int, tuple[int, Any]] = {}
        self._values: dict[Any, int] = {}

    def __getitem__(self, type_: Any) -> int:
        found = self._objects.get(id(type_))
        if found is None:
            number = self._values.setdefault(type_, len(self._values))
            found = self._objects[id(type_)] = number, type_  # kept alive: its place is its key
        return found[0]


def _periods(letters: np.ndarray) -> list[int]:
    """Return the commonest distances between equal windows."""
    for doubling in range(_DOUBLINGS):
        width = 1 << doubling
        if len(letters) <= width:
            return []
        pairs = letters[:-width] * (letters.max() + 1) + letters[width:]
        letters = np.unique(pairs, return_inverse=True)[1]
    order = np.argsort(letters, kind="stable")
    same = letters[order[1:]] == letters[order[:-1]]
    counts = np.bincount((order[1:] - order[:-1])[same])
    found = np.argsort(-counts, kind="stable")[:_MOST_PERIODS]
    return [int(period) for period in found if counts[period] >= FEWEST]


def _of_period(letters: np.ndarray, period: int) -> list[Stretch]:
    equal = np.concatenate([[False], letters[:-period] == letters[period:], [False]])
    edges = np.flatnonzero(equal[1:] != equal[:-1])
    starts, stops = edges[::2], edges[1::2]
    return [
        Stretch(int(start), period, int(stop - start) + period)
        for start, stop in zip(starts, stops, strict=True)
        if stop - start >= (FEWEST - 1) * period
    ]


def _longest(free: np.ndarray) -> tuple[int, int] | None:
    """Return start and length of the longest stretch of True."""
    if free.all():
        return 0, len(free)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], free.view(np.int8), [0]])))
    if not len(edges):
        return None
    lengths = edges[1::2] - edges[::2]
    best = int(np.argmax(lengths))
    return int(edges[2 * best]), int(lengths[best])
