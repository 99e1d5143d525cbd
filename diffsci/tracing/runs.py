"""Known indices along one axis: what lies in a few runs is moved by slices, not picked element by element.

``np.pad`` with wrapping, ``x[(np.arange(n) + 1) % n]`` and the like shift whole blocks. As slices they fuse
with the arithmetic around them, and their transposes are slices again, not scattered sums.
"""

from __future__ import annotations

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.trace import bind

__all__ = ["runs_of", "take_known"]

MOST_RUNS, SHORTEST = 4, 4  # runs of an index, and how long they must be on average


def take_known(x: TracedArray, index: np.ndarray, axis: int) -> TracedArray:
    """Return ``np.take(x, index, axis)`` for a known index without negative entries, as a new array."""
    runs = runs_of(index) if index.ndim == 1 else None
    if runs is None or not (index.min() >= 0 and index.max() < x.shape[axis]):
        return bind("take", x, index, axis=axis)
    parts = [_run(x, axis, *run) for run in runs]
    return parts[0].copy() if len(parts) == 1 else ops.concatenate(parts, axis)


def runs_of(index: np.ndarray) -> list[tuple[int, int, int]] | None:
    """Return (first, step, length) of runs of step 1, -1 or 0 that make up an index, None if there are many.

    >>> import numpy as np
    >>> runs_of(np.arange(-1, 17) % 16)
    [(15, 0, 1), (0, 1, 16), (0, 0, 1)]
    """
    runs, place = [], 0
    steps = np.diff(index)
    while place < index.size:
        if len(runs) == MOST_RUNS or index.size < SHORTEST * (len(runs) + 1):
            return None
        step = int(steps[place]) if place < steps.size and abs(steps[place]) <= 1 else 0
        others = np.flatnonzero(steps[place:] != step)
        length = int(others[0]) + 1 if others.size else index.size - place
        runs.append((int(index[place]), step, length))
        place += length
    return runs or None


def _run(x: TracedArray, axis: int, first: int, step: int, length: int) -> TracedArray:
    last = first + step * (length - 1)
    before = (slice(None),) * axis
    part = x[(*before, slice(min(first, last), max(first, last) + 1))]
    if step < 0:
        return ops.flip(part, axis)
    if step == 0 and length > 1:
        return ops.broadcast_to(part, (*x.shape[:axis], length, *x.shape[axis + 1 :]))
    return part
