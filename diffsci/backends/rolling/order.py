"""The order in which a long program is read: values are used as soon as they are there.

Operations follow their operands, if that takes no memory to speak of; what is left open follows the graph. So
the parts of one iteration lie together, such as the sums into which it adds, which are results of the whole
program and stand apart in the order of its results.
"""

from __future__ import annotations

from diffsci.backends.rolling.views import VIEWS, root
from diffsci.graph import Graph, Node

__all__ = ["in_order"]

_SMALL = 64  # larger arrays are made when they are needed, as the graph has it: they take memory


def in_order(graph: Graph) -> list[Node]:
    """Return the operations of a graph, without views and what is known beforehand."""
    nodes = [node for node in graph.nodes if node.inputs and node.name not in VIEWS and not node.is_known]
    operands: dict[Node, list[Node]] = {}
    users: dict[Node, list[Node]] = {node: [] for node in nodes}
    waiting: dict[Node, int] = {}
    for node in nodes:
        roots = [root(x) if x.name in VIEWS else x for x in node.inputs]
        operands[node] = made = [x for x in dict.fromkeys(roots) if x in users]
        waiting[node] = len(made)
        for x in made:
            users[x].append(node)
    unused = {node: len(found) for node, found in users.items()}
    for node in (*graph.outputs, *(guard.predicate for guard in graph.guards)):
        unused[root(node)] = -1  # wanted to the end
    order: dict[Node, None] = {}
    for node in nodes:
        stack = [] if node in order else [node]
        while stack:
            now = stack.pop()
            order[now] = None
            for x in operands[now]:
                unused[x] -= 1
            for user in reversed(users[now]):
                waiting[user] -= 1
                if not waiting[user] and (_is_small(user) or _takes_over(user, operands[user], unused)):
                    stack.append(user)
    return list(order)


def _is_small(node: Node) -> bool:
    type_ = node.type
    return not isinstance(type_, tuple) and (not type_.shape or type_.size <= _SMALL)


def _takes_over(node: Node, operands: list[Node], unused: dict[Node, int]) -> bool:
    """Tell whether a value needs no memory besides that of an operand, which nobody else waits for."""
    if isinstance(node.type, tuple):
        return False
    last = [x for x in operands if unused[x] == 1 and not isinstance(x.type, tuple)]
    return any(x.type.size >= node.type.size for x in last)
