"""Programs without calls: what a sub-program does is written where it is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diffsci.graph import Builder, Graph, Guard, Node
from diffsci.primitives.custom import called_graph

__all__ = ["without_calls"]


def without_calls(graph: Graph) -> Graph:
    """Return an equal program in which sub-programs are written out, but those with guards of their own."""
    if not any(_callee(node) for node in graph.nodes):
        return graph
    b = Builder()
    moved: dict[Node, Any] = {x: x for x in graph.inputs}
    _write(b, graph, moved)
    guards = [Guard(moved[guard.predicate], guard.outcome, guard.location) for guard in graph.guards]
    return Graph(graph.inputs, [moved[y] for y in graph.outputs], guards)


def _callee(node: Node) -> Graph | None:
    """Return the program to be written out; a function keeps its own rule for further derivatives."""
    found = called_graph(node) if node.name != "custom" else None
    return None if found is None or found.guards else found


def _write(b: Builder, graph: Graph, moved: dict[Node, Any]) -> None:
    """Emit the operations of a program; a call that is written out is the list of its results."""
    for node in graph.nodes:
        if node in moved:
            continue
        operands = [moved[x] for x in node.inputs]
        callee = _callee(node)
        b.location = node.location
        if callee is not None:
            moved[node] = _results(b, callee, operands)
        elif node.name == "project" and isinstance(operands[0], list):
            moved[node] = operands[0][node.params["index"]]
        else:
            moved[node] = b.emit(node.primitive, *operands, **node.params)


def _results(b: Builder, callee: Graph, operands: Sequence[Node]) -> list[Node]:
    inside: dict[Node, Any] = dict(zip(callee.inputs, operands, strict=True))
    _write(b, callee, inside)
    return [inside[y] for y in callee.outputs]
