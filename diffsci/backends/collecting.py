"""Compiling makes many objects that stay and hardly any cycles: the collector need not look often."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["rarely_collecting"]

_YOUNG, _MIDDLE, _OLD = 1_000_000, 50, 1_000  # Python's own: 700, 10, 10
_lock = threading.Lock()
_inside = 0
_before: tuple[int, int, int] = (0, 0, 0)


@contextmanager
def rarely_collecting() -> Iterator[None]:
    """Run a block in which the collector runs less often, in all threads; it stays off if it is."""
    global _inside, _before
    with _lock:
        if not _inside:
            _before = gc.get_threshold()
            gc.set_threshold(max(_before[0], _YOUNG) if _before[0] else 0, _MIDDLE, _OLD)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _let_rest()
                gc.set_threshold(*_before)


def _let_rest() -> None:
    """Count what was made among the old objects, without a look at it: most of it stays.

    Otherwise the next object that anyone makes would have the collector go through all of it.
    """
    if gc.isenabled() and not gc.get_freeze_count():  # else somebody has frozen objects, who must stay so
        gc.freeze()
        gc.unfreeze()
