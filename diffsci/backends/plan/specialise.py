"""Callees that are given zeros and ones get a version of their own in which these fold away.

A Jacobian seeds the derivative of a called function with unit vectors: passed as data they make
dense work, known as structure they leave only the nonzero entries.
"""

from __future__ import annotations

from diffsci.backends.plan.layout import is_structure
from diffsci.graph import Graph, Guard, Node, lookup
from diffsci.primitives.custom import called_graph

__all__ = ["specialise"]


def specialise(graph: Graph) -> Graph:
    """Return the graph with structural constants moved from calls into what they call."""
    return _Specialiser().graph(graph)


def _is_seed(node: Node) -> bool:
    """Tell whether an operand has structural zeros that are known here."""
    if not node.is_structural:
        return False
    source = node.inputs[0] if node.name == "broadcast" else node
    return is_structure(source.params["value"]) and bool((source.params["value"] == 0).any())


class _Specialiser:
    def __init__(self) -> None:
        self._made: dict[tuple, Graph] = {}

    def graph(self, graph: Graph) -> Graph:
        if not any(primitive.family == "call" for primitive in graph.primitives):
            return graph
        return self._rebuilt(graph, {})

    def _rebuilt(self, graph: Graph, known: dict[Node, Node]) -> Graph:
        """Return the graph with the inputs in `known` replaced, and its calls specialised."""
        new = dict(known)
        for node in graph.nodes:
            if node in new:
                continue
            inputs = tuple(new[x] for x in node.inputs)
            callee = called_graph(node)
            if callee is not None:
                new[node] = self._call(node, callee, inputs)
            elif any(isinstance(value, Graph) for value in node.params.values()):
                inner = {k: self.graph(v) if isinstance(v, Graph) else v for k, v in node.params.items()}
                new[node] = Node(node.primitive, inputs, inner, node.type, node.location)
            elif inputs == node.inputs:
                new[node] = node
            else:
                new[node] = Node(node.primitive, inputs, node.params, node.type, node.location)
        guards = [Guard(new[g.predicate], g.outcome, g.location) for g in graph.guards]
        inputs = [node for node in graph.inputs if node not in known]
        return Graph(inputs, [new[node] for node in graph.outputs], guards)

    def _call(self, node: Node, callee: Graph, inputs: tuple[Node, ...]) -> Node:
        """Return the call of a callee for these operands; functions with rules of their own become calls."""
        seeds = tuple(x if _is_seed(x) else None for x in inputs)
        key = (callee, seeds)
        made = self._made.get(key)
        if made is None:
            known = {own: seed for own, seed in zip(callee.inputs, seeds, strict=True) if seed is not None}
            made = self._rebuilt(callee, known) if known else self.graph(callee)
            self._made[key] = made
        rest = tuple(x for x, seed in zip(inputs, seeds, strict=True) if seed is None)
        if made is callee and rest == node.inputs and node.name == "call":
            return node
        return Node(lookup("call"), rest, {"graph": made}, node.type, node.location)
