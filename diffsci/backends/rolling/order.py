"""The order in which a long program is read: values are used as soon as they are there.

Operations follow their operands, and what is left open follows the graph. So the parts of one iteration lie
together, such as the sums into which it adds, which are results of the whole program and stand apart in the
order of its results.
"""

from __future__ import annotations

from diffsci.backends.rolling.views import is_view, root
from diffsci.graph import Graph, Node

__all__ = ["in_order"]

_SMALL = 64  # larger arrays are made when they are needed, as the graph has it: they take memory


def in_order(graph: Graph) -> list[Node]:
    """Return the operations of a graph, without views and what is known beforehand."""
    nodes = [node for node in graph.nodes if node.inputs and not is_view(node) and not node.is_known]
    users: dict[Node, list[Node]] = {node: [] for node in nodes}
    waiting: dict[Node, int] = {}
    for node in nodes:
        operands = {root(x): None for x in node.inputs}
        made = [x for x in operands if x in users]
        waiting[node] = len(made)
        for x in made:
            users[x].append(node)
    order: dict[Node, None] = {}
    for node in nodes:
        stack = [] if node in order else [node]
        while stack:
            now = stack.pop()
            order[now] = None
            for user in reversed(users[now]):
                waiting[user] -= 1
                if not waiting[user] and _is_small(user):
                    stack.append(user)
    return list(order)


def _is_small(node: Node) -> bool:
    return not isinstance(node.type, tuple) and node.type.size <= _SMALL
