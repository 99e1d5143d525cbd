"""Where the derivatives of a program need each of its values: what was selected away is not needed.

Masks go back from the results like cotangents, but through steps as well, whose derivative is zero. They
end at comparisons and whole numbers, where derivatives end.
"""

from __future__ import annotations

from diffsci.graph import Builder, Graph, Node, Type
from diffsci.primitives.reductions import spread
from diffsci.primitives.shared import BOOL, INT

__all__ = ["demands"]


def demands(b: Builder, graph: Graph) -> dict[Node, Node | None]:
    """Return for every node that is needed where it is needed, None for everywhere."""
    found: dict[Node, Node | None] = dict.fromkeys(graph.outputs)
    for node in reversed(graph.nodes):
        if node not in found:
            continue
        for x, mask in zip(node.inputs, _of_operands(b, node, found[node]), strict=False):
            if _ends(node, x):
                continue
            found[x] = _either(b, found[x], mask) if x in found else mask
    return found


def _ends(node: Node, x: Node) -> bool:
    """Tell whether no derivative goes from an operand to a result."""
    if node.name == "stop_gradient":
        return True
    if isinstance(node.type, tuple) or isinstance(x.type, tuple) or node.dtype.kind == "f":
        return False
    rounded = node.name == "convert" and x.primitive.jvp == "zero"  # int(x) converts trunc(x)
    return x.dtype.kind in "fb" and not rounded


def _either(b: Builder, one: Node | None, other: Node | None) -> Node | None:
    if one is None or other is None:
        return None
    return one if one is other else b.logical_or(one, other)


def _of_operands(b: Builder, node: Node, mask: Node | None) -> list[Node | None]:
    """Return where a node that is needed under a mask needs its (first) operands."""
    count = len(node.inputs)
    if node.name == "checked":
        return [mask]
    if node.name == "select":
        condition = node.inputs[0]
        other = b.logical_not(condition)
        if mask is None:
            return [None, condition, other]
        return [mask, b.logical_and(mask, condition), b.logical_and(mask, other)]
    if isinstance(node.type, tuple) or any(isinstance(x.type, tuple) for x in node.inputs):
        return [None] * count
    record = node.primitive
    if record.family in ("structural", "indexing"):
        whole = b.full(Type(node.shape, BOOL), True) if mask is None else mask
        if node.name in WRITES:
            return WRITES[node.name](b, node, whole)
        return record.transpose(b, node, whole, [True] * count)
    if mask is None:
        return [None] * count
    if record.family == "elementwise":
        return [mask] * count
    if record.family == "reduction" and "axes" in node.params:
        return [spread(b, mask, node.inputs[0], node.params["axes"])]
    anything = b.any(mask, axes=tuple(range(len(mask.shape)))) if mask.shape else mask
    return [_repeated(b, anything, x) for x in node.inputs]


def _put(b: Builder, node: Node, mask: Node) -> list[Node | None]:
    _, index, value = node.inputs
    nothing = b.full(Type(value.shape, BOOL), False)
    base = b.put(mask, index, nothing, **node.params)
    return [base, None, b.take(mask, index, **node.params)]


def _put_add(b: Builder, node: Node, mask: Node) -> list[Node | None]:
    return [mask, None, b.take(mask, node.inputs[1], **node.params)]


def _take(b: Builder, node: Node, mask: Node) -> list[Node | None]:
    x, index = node.inputs
    counts = b.put_add(b.full(Type(x.shape, INT), 0), index, b.convert(mask, dtype=INT), **node.params)
    return [b.gt(counts, b.full(counts.type, 0)), None]


WRITES = {"put": _put, "put_add": _put_add, "take": _take}


def _repeated(b: Builder, flag: Node, x: Node) -> Node:
    return flag if x.shape == () else b.broadcast(flag, shape=x.shape, axes=())
