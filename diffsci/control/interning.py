"""Loops with the same body are one loop: what was derived and compiled for it is found again.

A function that is called again traces its loops anew. The text of the body and its constants say what
it computes, so the loop made first stands for all later ones.
"""

from __future__ import annotations

import threading
from typing import Any

from diffsci.control.body import Body
from diffsci.control.rolled import RolledLoop
from diffsci.schedules import Checkpoints
from diffsci.source import Location

__all__ = ["known_loop"]

MOST = 128

_known: dict[Any, RolledLoop] = {}
_lock = threading.Lock()


def known_loop(
    body: Body,
    length: int | None,
    reverse: bool,
    checkpoint: Checkpoints,
    max_steps: int | None,
    location: Location | None,
) -> RolledLoop:
    """Return a loop with this body; see `RolledLoop` for the parameters."""
    settings = (length, reverse, checkpoint, max_steps, location)
    with _lock:
        key = (_key(body), settings)
        found = _known.pop(key, None) or RolledLoop(body, *settings)
        _known[key] = found  # behind all others: used last
        while len(_known) > MOST:
            _known.pop(next(iter(_known)))
        return found


def _key(body: Body) -> tuple:
    decision = None if body.predicate is None else body.predicate.key()
    errors = (*body.errors, *body.predicate_errors)
    return body.graph.key(), decision, body.roles, body.out_roles, tuple((type(e), str(e)) for e in errors)
