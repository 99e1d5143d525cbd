"""Operations that have no form on the device: they become callbacks, and libraries or the host do them."""

from __future__ import annotations

from dataclasses import replace

from diffsci.backends.cuda.elementary import is_elementary
from diffsci.backends.plan.special import SPECIAL
from diffsci.backends.plan.vocabulary import is_callback
from diffsci.backends.rewriting import Rewriter
from diffsci.graph import Builder, Graph, Node, Primitive

__all__ = ["PREFIX", "hosted", "is_on_device"]

PREFIX = "hosted_"
# Each row waits for the one before: nothing for a device to do at once.
_ON_HOST = frozenset({"solve_banded"})
_made: dict[str, Primitive] = {}


def is_on_device(op: str) -> bool:
    """Tell whether an operation that plans know is done by kernels (or a library of the device)."""
    return op not in _ON_HOST and (op not in SPECIAL or is_elementary(op))


def hosted(graph: Graph) -> Graph:
    """Return the graph in which operations without a form on the device are unknown to plans.

    ``jv`` becomes ``hosted_jv``, with the same meaning and another name: a plan makes a callback of it.
    """
    return _Hosting().graph(graph)


class _Hosting(Rewriter):
    def concerns(self, primitive: Primitive) -> bool:
        return not (is_callback(primitive) or is_on_device(primitive.name))

    def replaced(self, b: Builder, node: Node, new: dict[Node, Node]) -> Node:
        if not self.concerns(node.primitive):
            return self.moved(node, new)
        primitive = _made.get(node.name)
        if primitive is None:
            primitive = _made[node.name] = replace(node.primitive, name=PREFIX + node.name)
        return Node(primitive, tuple(new[x] for x in node.inputs), node.params, node.type, node.location)
