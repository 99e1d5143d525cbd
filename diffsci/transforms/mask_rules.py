"""How the mask of a linear expression follows from the masks of its operands: a rule per operation.

``rule(reader, node)`` returns where the node may be nonzero, None for anywhere. Operations that are not
listed spread what they are given everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from diffsci.graph import Builder, Node
from diffsci.primitives.shared import INT

if TYPE_CHECKING:
    from diffsci.transforms.masks import Reader

__all__ = ["RULES", "spread"]

Rule = Callable[["Reader", Node], "Node | None"]


def _sum_of_terms(m: Reader, node: Node) -> Node | None:
    present = [x for x in node.inputs if not m.is_absent(x)]
    return m.either(present) if present else m.nowhere(node)


def _same(m: Reader, node: Node) -> Node | None:
    return m.of(node.inputs[0])


def _product(m: Reader, node: Node) -> Node | None:
    """A product with nothing is nothing, whichever factor it is."""
    return m.both(m.of(x) for x in node.inputs if m.selected(x))


def _quotient(m: Reader, node: Node) -> Node | None:
    return m.of(node.inputs[0]) if m.selected(node.inputs[0]) else None


def _select(m: Reader, node: Node) -> Node | None:
    """Chosen by the condition, or by its opposite, where that side is not structurally zero."""
    condition, yes, no = node.inputs
    whole = not m.is_absent(yes) and not m.is_absent(no)
    if whole and m.of(yes) is None and m.of(no) is None:
        return None
    total: Node | None = None
    for value, chosen in ((yes, True), (no, False)):
        if m.is_absent(value):
            continue
        taken = condition if chosen else m.b.logical_not(condition)
        part = m.both([taken, m.of(value)])
        total = part if total is None else m.b.logical_or(total, part)
    return m.nowhere(node) if total is None else total


def _moved(m: Reader, node: Node) -> Node | None:
    """Structural operations move masks as they move values; what they fill up is zero."""
    fills = node.name in ("pad", "set_slice", "concatenate")
    if not any(m.selected(x) for x in node.inputs) and not (m.places and fills):
        return None
    return m.b.emit(node.primitive, *map(m.anywhere, node.inputs), **node.params)


def _reduced(m: Reader, node: Node) -> Node | None:
    mask = m.of(node.inputs[0])
    return None if mask is None else m.b.any(mask, axes=node.params["axes"])


def _counted(m: Reader, mask: Node, count: Callable[[Node], Node]) -> Node:
    """Emit where a linear operation with numbers >= 0 finds something, by counting."""
    found = count(m.b.convert(mask, dtype=INT))
    return m.b.gt(found, m.b.full(found.type, 0))


def _accumulated(m: Reader, node: Node) -> Node | None:
    mask = m.of(node.inputs[0])
    return None if mask is None else _counted(m, mask, lambda n: m.b.cumsum(n, **node.params))


def _take(m: Reader, node: Node) -> Node | None:
    mask = m.of(node.inputs[0])
    return None if mask is None else m.b.take(mask, node.inputs[1], **node.params)


def _put(m: Reader, node: Node) -> Node | None:
    base, index, value = node.inputs
    if not (m.selected(base) or m.selected(value)) and not m.places:
        return None
    return m.b.put(m.anywhere(base), index, m.anywhere(value), **node.params)


def _put_add(m: Reader, node: Node) -> Node | None:
    base, index, value = node.inputs
    if m.of(base) is None or not (m.selected(base) or m.selected(value)):
        return None
    start = m.b.convert(m.anywhere(base), dtype=INT)
    return _counted(m, m.anywhere(value), lambda n: m.b.put_add(start, index, n, **node.params))


def _contracted(m: Reader, node: Node) -> Node | None:
    """Nothing where all that is summed is nothing."""
    *letters, out = node.params["spec"]
    parts = []
    for own, x in zip(letters, node.inputs, strict=True):
        if m.selected(x):
            parts.append(spread(m.b, m.of(x), own, out, node.shape))
    return m.both(parts)


def spread(b: Builder, mask: Node, letters: str, wanted: str, shape: tuple[int, ...]) -> Node:
    """Emit a mask over other axes: True where it is true anywhere along those that are missing."""
    gone = tuple(k for k, letter in enumerate(letters) if letter not in wanted)
    kept = [letter for letter in letters if letter in wanted]
    mask = b.any(mask, axes=gone) if gone else mask
    order = sorted(range(len(kept)), key=lambda k: wanted.index(kept[k]))
    mask = b.transpose(mask, perm=tuple(order)) if len(order) > 1 else mask
    axes = tuple(sorted(wanted.index(letter) for letter in kept))
    return mask if mask.shape == shape else b.broadcast(mask, shape=shape, axes=axes)


STRUCTURAL = (
    "broadcast", "reshape", "transpose", "slice", "pad", "flip", "roll", "set_slice", "concatenate",
    "place",
)  # fmt: skip

RULES: dict[str, Rule] = {
    "add": _sum_of_terms,
    "sub": _sum_of_terms,
    "neg": _same,
    "convert": _same,
    "checked": _same,
    "mul": _product,
    "div": _quotient,
    "gap_quotient": _quotient,
    "select": _select,
    "sum": _reduced,
    "cumsum": _accumulated,
    "take": _take,
    "put": _put,
    "put_add": _put_add,
    "contract": _contracted,
    **dict.fromkeys(STRUCTURAL, _moved),
}
