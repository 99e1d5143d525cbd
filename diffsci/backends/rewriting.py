"""Graphs with some operations replaced, in the graphs they call as well."""

from __future__ import annotations

from abc import ABC, abstractmethod

from diffsci.graph import Builder, Graph, Guard, Node, Primitive

__all__ = ["Rewriter"]


_CALLING = frozenset({"call", "host", "implicit"})  # families whose parameters may be graphs


class Rewriter(ABC):
    """Replaces operations one by one; a graph in which nothing changes stays the same object."""

    def __init__(self) -> None:
        self._made: dict[Graph, Graph] = {}

    @abstractmethod
    def replaced(self, b: Builder, node: Node, new: dict[Node, Node]) -> Node | None:
        """Return what stands for an operation, None to leave it out; `new` has its operands."""

    @abstractmethod
    def concerns(self, primitive: Primitive) -> bool:
        """Tell whether an operation is replaced: where none is, there is nothing to do."""

    def graph(self, graph: Graph) -> Graph:
        """Return the graph with its operations replaced: once for graphs that are called repeatedly."""
        made = self._made.get(graph)
        if made is None:
            made = self._made[graph] = self._rewritten(graph)
        return made

    def _rewritten(self, graph: Graph) -> Graph:
        if not any(self.concerns(p) or p.family in _CALLING for p in graph.primitives):
            return graph
        b, new = Builder(), {}
        for node in graph.nodes:
            made = self.replaced(b, node, new)
            if made is not None:
                new[node] = made
        if all(old is moved for old, moved in new.items()) and len(new) == len(graph.nodes):
            return graph
        guards = [Guard(new[g.predicate], g.outcome, g.location) for g in graph.guards]
        return Graph(graph.inputs, [new[node] for node in graph.outputs], guards)

    def moved(self, node: Node, new: dict[Node, Node]) -> Node:
        """Return the same operation on the new operands, calling the rewritten graphs."""
        inputs = tuple(new[x] for x in node.inputs)
        params = {k: self.graph(v) if isinstance(v, Graph) else v for k, v in node.params.items()}
        if inputs == node.inputs and all(params[k] is v for k, v in node.params.items()):
            return node
        return Node(node.primitive, inputs, params, node.type, node.location)
