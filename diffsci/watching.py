"""Whether results are examined for values that are not finite, and by whom.

Outside of `diffsci.debug_nans` the entrances of computations read one number, `contexts`, and go on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = ["contexts", "examine", "examined_by"]

contexts = 0  # how many are open, in all threads

_examiner: ContextVar[Any] = ContextVar("diffsci examiner", default=None)
_lock = threading.Lock()


def _count(change: int) -> None:
    global contexts
    with _lock:
        contexts += change


@contextmanager
def examined_by(examiner: Any) -> Iterator[None]:
    """Have an object examine what is computed in this thread; None: nobody.

    It has a method for each entrance that it examines:

    ``program(graph, inputs, outputs, call, own, phase)``
        A program derived from a `Call`: its first `own` outputs are the function's, the others those of a
        sweep of that phase. `call` is None for a program that stands alone.
    ``function(function, args, kwargs, results)``
        A compiled function.
    ``equations(graph, inputs)``
        The residual of equations, where an iteration for their solution has ended without one.
    ``loop(loop, inputs, outputs)``
        A host loop.
    """
    _count(1)
    token = _examiner.set(examiner)
    try:
        yield
    finally:
        _examiner.reset(token)
        _count(-1)


def examine(entrance: str, *what: Any) -> None:
    """Show a result to this thread's examiner, if it has one; nobody examines what he himself computes."""
    examiner = _examiner.get()
    method = getattr(examiner, entrance, None)
    if method is not None:
        with examined_by(None):
            method(*what)
