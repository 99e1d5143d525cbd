"""Invariants of a graph, checked after every pass.

A builder infers the types of what it emits, so only a faulty pass can break them: the check of every
node is for tests (`check_every_node`), and derivatives outside `jit` do not pay for it.
"""

from __future__ import annotations

from diffsci.errors import VerificationError
from diffsci.graph.ir import Graph, Node

__all__ = ["check_every_node", "verify"]


_thorough = False


def check_every_node(wanted: bool = True) -> None:
    """Choose whether `verify` infers the type of every node anew."""
    global _thorough
    _thorough = wanted


def verify(graph: Graph, after: str = "") -> Graph:
    """Return the graph if it is well formed, raise VerificationError otherwise.

    Checked: inputs are input nodes and every reachable input is listed; each node's type is what
    its primitive infers from its inputs; outputs are single values; guards are boolean scalars.
    """
    known = set(graph.inputs)
    if len(known) != len(graph.inputs):
        _fail(after, "an input is listed twice", None)
    for node in graph.nodes if _thorough else ():
        if node.name == "input":
            if node not in known:
                _fail(after, "an input node is used but not listed", node)
            continue
        inferred = node.primitive.type(*[operand.type for operand in node.inputs], **node.params)
        if inferred != node.type:
            _fail(after, f"type {node.type} where {inferred} follows from its inputs", node)
    for node in graph.outputs:
        if isinstance(node.type, tuple):
            _fail(after, "an output with several values", node)
    for guard in graph.guards:
        if guard.predicate.shape != () or guard.predicate.dtype.kind != "b":
            _fail(after, "a guard that is not a boolean scalar", guard.predicate)
    return graph


def _fail(after: str, what: str, node: Node | None) -> None:
    where = f" {node!r} at {node.location}" if node is not None else ""
    raise VerificationError(f"graph is malformed{' after ' + after if after else ''}: {what}{where}")
