"""Memory of long loops, used again when nobody holds it any more: fresh pages are slow."""

from __future__ import annotations

import math
import sys
import threading

import numpy as np

__all__ = ["empty"]

SMALLEST = 1 << 17  # bytes: the allocator keeps smaller pieces by itself
BUDGET = 1 << 26  # bytes kept between calls

_bases: list[np.ndarray] = []  # used last at the end
_lock = threading.Lock()


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return an array with arbitrary elements."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if not SMALLEST <= size <= BUDGET:
        return np.empty(shape, dtype)
    return _taken(size).view(dtype).reshape(shape)


def _taken(size: int) -> np.ndarray:
    with _lock:
        for place, base in enumerate(_bases):
            if base.nbytes == size and sys.getrefcount(base) == 3:  # the list, this loop, the argument
                _bases.append(_bases.pop(place))
                return base[...]
        base = np.empty(size, np.uint8)
        _bases.append(base)
        while sum(kept.nbytes for kept in _bases) > BUDGET:
            _bases.pop(0)
        return base[...]
