"""Checks of a strict derivative, taken off a program and put on what is made of it.

The entries of a second derivative stand where the first one varies. Its checks belong to all of them: where a
slope jumps there is no second derivative, although both sides have the same one, or nothing at all.
"""

from __future__ import annotations

from diffsci.graph import Builder, Graph, Guard, Node, verify
from diffsci.transforms.inline import inline

__all__ = ["checked_like", "without_checks"]

_CHECK = "checked"


def without_checks(graph: Graph) -> Graph:
    """Return a program whose results are handed on as they are."""
    if not any(node.name == _CHECK for node in graph.nodes):
        return graph
    b = Builder()
    moved: dict[Node, Node] = {x: x for x in graph.inputs}
    for node in graph.nodes:
        if node not in moved:
            operands = tuple([moved[x] for x in node.inputs])
            moved[node] = operands[0] if node.name == _CHECK else b.again(node, operands)
    guards = [Guard(moved[guard.predicate], guard.outcome, guard.location) for guard in graph.guards]
    return Graph(graph.inputs, [moved[y] for y in graph.outputs], guards)


def checked_like(derivative: Graph, graph: Graph) -> Graph:
    """Return a derivative whose float results raise wherever a program has a check that does.

    Parameters
    ----------
    derivative : Graph
        Its first inputs are those of `graph`.
    graph : Graph
        With checks.
    """
    b = Builder()
    b.adopt(derivative.nodes)
    outputs = list(derivative.outputs)
    inputs = derivative.inputs[: len(graph.inputs)]
    checks = [(node.inputs[1:], node.params["kinks"]) for node in graph.nodes if node.name == _CHECK]
    for flags, kinks in dict.fromkeys(checks):  # results of one program share theirs
        known, _ = inline(b, Graph(graph.inputs, flags), inputs)
        outputs = [b.checked(y, *known, kinks=kinks) if y.type.is_float else y for y in outputs]
    return verify(Graph(derivative.inputs, outputs, derivative.guards), "strict")
