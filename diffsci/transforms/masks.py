"""Where a tangent is zero because its operand was selected away: ``where(x > 0, x, 0)`` stays at x < 0.

The mask of a tangent is read off its expression: False where a `select` chose structural zeros. Multiplied
by a coefficient the tangent is masked again, so the infinite slope of ``sqrt`` at 0 never meets that zero.
Reverse mode has the mirror image in its cotangents; see `diffsci.transforms.reverse`.
"""

from __future__ import annotations

from collections.abc import Iterable

from diffsci.graph import Builder, Node

__all__ = ["Masks"]

# Elementwise operations that multiply nothing.
FREE = frozenset({"add", "sub", "neg", "convert", "select"})


class Masks:
    """Masks of the nodes of linear expressions, emitted when they are asked for."""

    def __init__(self, b: Builder):
        self.b = b
        self._found: dict[Node, Node | None] = {}

    def of(self, tangent: Node) -> Node | None:
        """Return where a tangent may be nonzero, None for everywhere."""
        if tangent not in self._found:
            self._found[tangent] = self._mask(tangent)
        return self._found[tangent]

    def union(self, tangents: Iterable[Node]) -> Node | None:
        """Return where one of several tangents may be nonzero."""
        total: Node | None = None
        for tangent in tangents:
            mask = self.of(tangent)
            if mask is None:
                return None
            total = mask if total is None or total is mask else self.b.logical_or(total, mask)
        return total

    def applied(self, node: Node, moving: Iterable[Node], tangent: Node | None) -> Node | None:
        """Return the tangent of a node without the products where none of its operands moves.

        Parameters
        ----------
        moving : iterable of Node
            Tangents (or coefficients) of the operands that it was made from.
        """
        if tangent is None or node.primitive.family != "elementwise" or node.name in FREE:
            return tangent
        mask = self.union(moving)
        return tangent if mask is None else self.b.select(mask, tangent, self.b.zeros(tangent.type))

    def _mask(self, tangent: Node) -> Node | None:
        name = tangent.name
        if name == "select":
            return self._of_select(*tangent.inputs)
        if name in ("add", "sub"):
            return self.union(tangent.inputs)
        if name in ("neg", "convert"):
            return self.of(tangent.inputs[0])
        if name == "sum":
            mask = self.of(tangent.inputs[0])
            return None if mask is None else self.b.any(mask, axes=tangent.params["axes"])
        if tangent.primitive.family == "structural" and len(tangent.inputs) == 1:
            mask = self.of(tangent.inputs[0])
            return None if mask is None else self.b.emit(tangent.primitive, mask, **tangent.params)
        return None

    def _of_select(self, condition: Node, yes: Node, no: Node) -> Node | None:
        """Chosen by the condition, or by its opposite, where that side is not structurally zero."""
        sides = ((yes, condition), (no, None))
        whole = not yes.is_structural and not no.is_structural
        if whole and self.of(yes) is None and self.of(no) is None:
            return None
        total: Node | None = None
        for value, chosen in sides:
            if value.is_structural:
                continue
            chosen = self.b.logical_not(condition) if chosen is None else chosen
            mask = self.of(value)
            part = chosen if mask is None else self.b.logical_and(chosen, mask)
            total = part if total is None else self.b.logical_or(total, part)
        return total
