"""Emit a graph's operations again, in another builder and on other inputs."""

from __future__ import annotations

from collections.abc import Sequence

from diffsci.graph import Builder, Graph, Guard, Node

__all__ = ["inline"]


def inline(b: Builder, graph: Graph, inputs: Sequence[Node]) -> tuple[list[Node], list[Guard]]:
    """Return the outputs and guards of `graph` applied to `inputs`, emitted through `b`."""
    moved: dict[Node, Node] = dict(zip(graph.inputs, inputs, strict=True))
    for node in graph.nodes:
        if node not in moved:
            b.location = node.location
            moved[node] = b.emit(node.primitive, *(moved[x] for x in node.inputs), **node.params)
    guards = [Guard(moved[g.predicate], g.outcome, g.location) for g in graph.guards]
    return [moved[node] for node in graph.outputs], guards
