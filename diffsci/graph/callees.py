"""Programs that nodes of a program run: calls, branches, repetitions; and the guards of all of them."""

from __future__ import annotations

from diffsci.graph.ir import Graph, Guard, Node

__all__ = ["CALLERS", "all_guards", "callees", "callers"]

_CALLEES = {"call": ("graph",), "repeat": ("graph",), "cond": ("true", "false")}
CALLERS = frozenset(_CALLEES)


def callees(node: Node) -> list[Graph]:
    """Return the sub-graphs that a node runs."""
    names = _CALLEES.get(node.name)
    return [node.params[name] for name in names] if names else []


def all_guards(graph: Graph) -> list[Guard]:
    """Return the guards in status order: the program's own, then those of each call."""
    guards = list(graph.guards)
    for node in callers(graph):
        for callee in callees(node):
            guards += all_guards(callee)
    return guards


def callers(graph: Graph) -> list[Node]:
    """Return the nodes that run other programs."""
    if not any(primitive.name in CALLERS for primitive in graph.primitives):
        return []
    return [node for node in graph.nodes if node.name in CALLERS]
