"""What the status of a compiled program means, in words and with the user's line."""

from __future__ import annotations

from collections.abc import Sequence

from diffsci.graph import Guard, Node

__all__ = ["FAILED", "explained"]

FAILED = -2  # a callback raised an exception


def explained(status: int, nodes: Sequence[Node], guards: Sequence[Guard]) -> str:
    """Say what a status means.

    Parameters
    ----------
    status : int
        0; k > 0 if guard k - 1 did not hold; negative for a failure.
    nodes : sequence of Node
        Of the program.
    guards : sequence of Guard
        In status order: the program's own, then those of each call it makes.
    """
    if status == 0:
        return "good"
    if 0 < status <= len(guards):
        guard = guards[status - 1]
        where = f" at {guard.location}" if guard.location is not None else ""
        return f"a condition{where} was not {guard.outcome}, as it was when the function was traced"
    if status == -1:
        found = [n.location for n in nodes if n.name in ("take", "put", "put_add") and n.location]
        places = "" if not found else " at " + " or ".join(dict.fromkeys(map(str, found)))
        return f"an index is out of range{places}"
    if status == FAILED:
        return (
            "an operation that runs in Python raised an exception before it began, by a signal or at the "
            "limit of recursion: Python has printed it"
        )
    return f"failed with status {status}"
