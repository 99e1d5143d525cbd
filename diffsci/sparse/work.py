"""How much a program computes, roughly: for the choice between ways to compute the same Jacobian."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from diffsci.backends.plan.cost import operation_cost
from diffsci.graph import Graph, Node

__all__ = ["MEMORY", "work"]

MEMORY = 8.0  # of a number that is read or written: an addition takes 0.01 ns, 8 bytes in the cache 0.1 ns
GATHER = 2.0  # of an element, beside that
TRANSFORM = 16.0  # of an element by a Fourier transform or a convolution
LOOP = 1e5  # of a loop whose length is not known
CUBED = 1.5  # the work of factors and solves grows with this power of the elements


def work(nodes: Iterable[Node]) -> float:
    """Return about how many vectorised additions operations do."""
    return sum(map(_of, nodes))


def _of(node: Node) -> float:
    rule = FAMILIES.get(node.primitive.family)
    return 0.0 if rule is None else rule(node)


def _size(node: Node) -> int:
    types = node.type if isinstance(node.type, tuple) else (node.type,)
    return sum(type_.size for type_ in types)


def _elementwise(node: Node) -> float:
    return float(_size(node) * operation_cost(node.name))


def _reduction(node: Node) -> float:
    return float(sum(x.type.size for x in node.inputs))


def _contraction(node: Node) -> float:
    if node.name != "contract":
        return TRANSFORM * max(_size(node), *(x.type.size for x in node.inputs))
    left, right, _ = node.params["spec"]
    sizes = dict(zip(left + right, [*node.inputs[0].shape, *node.inputs[1].shape], strict=True))
    return float(math.prod(sizes.values()))


def _moved(node: Node) -> float:
    return GATHER * (node.inputs[-1].type.size if node.name != "take" else _size(node))


def _solved(node: Node) -> float:
    return float(max((x.type.size for x in node.inputs), default=0)) ** CUBED


def _called(node: Node) -> float:
    """Return the work of a program that is called; of two, that of the longer one."""
    if node.name == "project":
        return 0.0
    callees = [value for value in node.params.values() if isinstance(value, Graph)]
    return max((work(callee.nodes) for callee in callees), default=LOOP)


FAMILIES: dict[str, Callable[[Node], float]] = {
    "elementwise": _elementwise,
    "reduction": _reduction,
    "sorting": _reduction,
    "implicit": lambda node: LOOP,
    "contraction": _contraction,
    "indexing": _moved,
    "linalg": _solved,
    "call": _called,
    "host": lambda node: LOOP,
}
