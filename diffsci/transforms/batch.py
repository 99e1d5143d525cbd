"""Vectorise a graph over a new leading axis of some of its inputs.

An operation without a rule of its own (a host loop, say) is repeated for every member. What has no stacked
form, such as the tape of a loop or an operation with several outputs, stays a list with one node per member.
"""

from __future__ import annotations

from collections.abc import Sequence

from diffsci.graph import Builder, Graph, Guard, Node, Type, verify
from diffsci.primitives.shared import to_batch

__all__ = ["batch_graph"]


def batch_graph(graph: Graph, batched: Sequence[bool], size: int) -> Graph:
    """Return the graph over `size` members.

    Inputs marked in `batched` get a leading axis of that size, the others are shared by all
    members; every output has the leading axis. A guard must hold for every member.
    """
    inputs = [
        Type((size, *x.shape), x.dtype) if flag else x.type
        for x, flag in zip(graph.inputs, batched, strict=True)
    ]
    over = _Members(graph, inputs, batched, size)
    for node in graph.nodes:
        over.enter(node)
    b = over.b
    b.location = None
    outputs = [over.moved[y] if over.depends[y] else to_batch(b, over.moved[y], size) for y in graph.outputs]
    guards = [_guard(b, g, over.moved[g.predicate], over.depends[g.predicate]) for g in graph.guards]
    return verify(Graph([over.moved[x] for x in graph.inputs], outputs, guards), "batch")


class _Members:
    """What every node of a graph becomes.

    Attributes
    ----------
    moved : dict
        Node -> its node over all members, or the one that they share.
    apart : dict
        Node -> one node per member, for what cannot be stacked.
    depends : dict
        Node -> whether members differ in it.
    """

    def __init__(self, graph: Graph, types: Sequence[Type], batched: Sequence[bool], size: int):
        self.b = Builder()
        self.size = size
        self.moved = {x: self.b.input(t) for x, t in zip(graph.inputs, types, strict=True)}
        self.apart: dict[Node, list[Node]] = {}
        self.depends = dict(zip(graph.inputs, batched, strict=True))

    def enter(self, node: Node) -> None:
        """Emit the operation over all members."""
        if node in self.moved:
            return
        self.b.location = node.location
        flags = [self.depends[x] for x in node.inputs]
        self.depends[node] = any(flags)
        together = None
        if all(x in self.moved for x in node.inputs):
            together = self._together(node, [self.moved[x] for x in node.inputs], flags)
        if together is None:
            self._one_by_one(node)
        else:
            self.moved[node] = together

    def _together(self, node: Node, operands: list[Node], flags: list[bool]) -> Node | None:
        if not any(flags) or node.name == "project":
            return self.b.emit(node.primitive, *operands, **node.params)
        if node.primitive.batch is None:
            return None
        return node.primitive.batch(self.b, node, operands, flags, self.size)

    def _one_by_one(self, node: Node) -> None:
        members = [
            self.b.emit(node.primitive, *(self._member(x, k) for x in node.inputs), **node.params)
            for k in range(self.size)
        ]
        if isinstance(node.type, tuple) or node.dtype.kind == "O":
            self.apart[node] = members
        else:
            rows = [self.b.reshape(x, shape=(1, *x.shape)) for x in members]
            empty = Type((0, *node.shape), node.dtype)
            self.moved[node] = self.b.concatenate(*rows, axis=0) if rows else self.b.zeros(empty)

    def _member(self, node: Node, k: int) -> Node:
        if node in self.apart:
            return self.apart[node][k]
        x = self.moved[node]
        if not self.depends[node]:
            return x
        rest = x.shape[1:]
        row = self.b.slice(x, start=(k, *[0] * len(rest)), stop=(k + 1, *rest), step=(1,) * len(x.shape))
        return self.b.reshape(row, shape=rest)


def _guard(b: Builder, guard: Guard, predicate: Node, batched: bool) -> Guard:
    if not batched:
        return Guard(predicate, guard.outcome, guard.location)
    reduce = b.all if guard.outcome else b.any
    return Guard(reduce(predicate, axes=(0,)), guard.outcome, guard.location)
