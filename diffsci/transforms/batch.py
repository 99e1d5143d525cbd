"""Vectorise a graph over a new leading axis of some of its inputs."""

from __future__ import annotations

from collections.abc import Sequence

from diffsci.errors import UnsupportedError
from diffsci.graph import Builder, Graph, Guard, Node, Type, verify
from diffsci.primitives.shared import to_batch
from diffsci.source import at

__all__ = ["batch_graph"]


def batch_graph(graph: Graph, batched: Sequence[bool], size: int) -> Graph:
    """Return the graph over `size` members.

    Inputs marked in `batched` get a leading axis of that size, the others are shared by all
    members; every output has the leading axis. A guard must hold for every member.
    """
    b = Builder()
    inputs = [
        b.input(Type((size, *x.shape), x.dtype)) if flag else b.input(x.type)
        for x, flag in zip(graph.inputs, batched, strict=True)
    ]
    moved: dict[Node, Node] = dict(zip(graph.inputs, inputs, strict=True))
    is_batched: dict[Node, bool] = dict(zip(graph.inputs, batched, strict=True))
    for node in graph.nodes:
        if node in moved:
            continue
        b.location = node.location
        operands = [moved[x] for x in node.inputs]
        flags = [is_batched[x] for x in node.inputs]
        is_batched[node] = any(flags)
        moved[node] = _batched(b, node, operands, flags, size)
    b.location = None
    outputs = [moved[y] if is_batched[y] else to_batch(b, moved[y], size) for y in graph.outputs]
    guards = [_guard(b, guard, moved[guard.predicate], is_batched[guard.predicate]) for guard in graph.guards]
    return verify(Graph(inputs, outputs, guards), "batch")


def _batched(b: Builder, node: Node, operands: list[Node], flags: list[bool], size: int) -> Node:
    if not any(flags) or node.name == "project":
        return b.emit(node.primitive, *operands, **node.params)
    if node.primitive.batch is None:
        raise UnsupportedError(f"{node.name} cannot be vectorised{at(node.location)}: call it in a loop")
    return node.primitive.batch(b, node, operands, flags, size)


def _guard(b: Builder, guard: Guard, predicate: Node, batched: bool) -> Guard:
    if not batched:
        return Guard(predicate, guard.outcome, guard.location)
    reduce = b.all if guard.outcome else b.any
    return Guard(reduce(predicate, axes=(0,)), guard.outcome, guard.location)
