"""What a traced function keeps in the attributes of the user's objects, after it has returned.

An object may compute a table when it is first asked for it (`functools.cached_property`,
`if self._table is None: ...`). Inside a traced function that table is a traced value. Where no argument
of the function went into it, it is a number like any other once the function has returned, or a value
of the surrounding traced function. What depends on the arguments stays traced, so that its use outside
is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diffsci.graph import Graph, Node
from diffsci.tracing.array import TracedArray
from diffsci.tracing.trace import Trace, apply_graph

__all__ = ["outwards", "settle"]


def settle(trace: Trace, held: dict[str, Any], moved: Callable[[TracedArray], Any]) -> None:
    """Replace what a trace left in the attributes of an object, and in dicts and lists there.

    `moved` makes what takes the place of a traced value.
    """
    for name, value in tuple(held.items()):
        if isinstance(value, TracedArray):
            if _lasts(trace, value):
                held[name] = moved(value)
        elif type(value) is dict:
            settle(trace, value, moved)
        elif type(value) is list:
            value[:] = [moved(x) if isinstance(x, TracedArray) and _lasts(trace, x) else x for x in value]


def outwards(trace: Trace, value: TracedArray, captured: list[Any]) -> TracedArray:
    """Return a value that depends on no argument as one of the surrounding trace."""
    inputs = [capture.node for capture in trace.captures.values()]
    (made,) = apply_graph(Graph(inputs, [value.read()]), captured)
    made.scalar, made.weak = value.scalar, value.weak
    return made


def _lasts(trace: Trace, value: TracedArray) -> bool:
    """Tell whether a value of a trace depends on none of the arguments."""
    if value.owner is not trace or value.in_parts:
        return False
    captured = {capture.node for capture in trace.captures.values()}
    seen: set[Node] = set()
    waiting = [value.read()]
    while waiting:
        node = waiting.pop()
        if node in seen or node in captured:
            continue
        if node.name == "input":
            return False
        seen.add(node)
        waiting.extend(node.inputs)
    return True
