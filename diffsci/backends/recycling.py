"""Memory of results, used again when nobody holds them any more."""

from __future__ import annotations

import itertools
import sys
import threading

import numpy as np

from diffsci.backends.staggering import LARGE, PAGE, phase
from diffsci.graph import Type

__all__ = ["MOST_KEPT", "Recycler"]

MOST_KEPT = 4  # results of one kind that are remembered
_UNHELD = 4  # references to memory without results: the pair, its array, the loop below, the argument
_made = itertools.count()


class Recycler:
    """Makes large arrays, again in memory that no one holds any more: fresh pages are slow.

    They begin at places of their own within a page, see `diffsci.backends.staggering`.
    """

    def __init__(self, type_: Type):
        self.type = type_
        self.kept: list[tuple[np.ndarray, np.ndarray]] = []  # memory, and the array in it
        self.lock = threading.Lock()

    def __call__(self) -> np.ndarray:
        """Return an array whose elements are anything."""
        if not self.lock.acquire(blocking=False):  # another thread is here, or was when the process forked
            return np.empty(self.type.shape, self.type.dtype)
        try:
            for memory, array in self.kept:
                if sys.getrefcount(memory) == _UNHELD:
                    return array[...]
            memory, array = _staggered(self.type)
            if len(self.kept) < MOST_KEPT:
                self.kept.append((memory, array))
            return array[...]
        finally:
            self.lock.release()


def _staggered(type_: Type) -> tuple[np.ndarray, np.ndarray]:
    """Return fresh memory and an array in it."""
    nbytes = type_.size * type_.dtype.itemsize
    if nbytes < LARGE:
        memory, start = np.empty(nbytes, np.uint8), 0
    else:
        memory = np.empty(nbytes + PAGE, np.uint8)
        start = (phase(next(_made)) - memory.ctypes.data) % PAGE
    return memory, np.ndarray(type_.shape, type_.dtype, buffer=memory, offset=start)
