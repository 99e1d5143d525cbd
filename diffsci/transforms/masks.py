"""Where a linear value (tangent, cotangent) is structurally zero: there it never meets an infinite slope.

In ``where(x > 0, log(x), 0)`` the cotangent of the logarithm is zero at x = 0 because it was selected
away, and 0 * (1/0) must not become NaN. So every product of a linear value and a coefficient is emitted
as ``select(mask, c * v, 0)``. The mask is read off the expression of the linear value, by rules that stand
in `diffsci.transforms.mask_rules`; it is never a test on the value: sqrt(x)**2 at 0 stays NaN.

There are two strengths. What was selected away is masked in every product. What merely was not read or
was written over (the cotangent of ``sqrt(x)[1:]`` at the first element) is masked where the coefficient
can be infinite by itself: ordinary stencils, made of sums and products, pay nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from diffsci.graph import Builder, Node, Type
from diffsci.graph.interpreter import Values
from diffsci.graph.ir import remembered
from diffsci.primitives.shared import BOOL
from diffsci.transforms.hazards import Hazards
from diffsci.transforms.mask_rules import RULES, spread

__all__ = ["FREE", "Masks", "Reader", "boxed"]

# Elementwise operations that multiply nothing.
FREE = frozenset({"add", "sub", "neg", "convert", "select"})
MOST_OPERATIONS = 32  # of which a mask may consist to be evaluated


class Reader:
    """Reads masks off expressions, each node once; emits what they are made of.

    Attributes
    ----------
    b : Builder
    places : bool
        Whether what was not read, padded or written over counts, beside what was selected away.
    given : dict
        Masks that are known from outside, for inputs and results of calls.
    """

    def __init__(self, b: Builder, places: bool, given: dict[Node, Node]):
        self.b, self.places, self.given = b, places, given
        self._found: dict[Node, Node | None] = {}
        self._values = Values()

    def of(self, node: Node) -> Node | None:
        """Return where a linear value may be nonzero, None for anywhere."""
        return remembered(self._found, node, self._ruled, self._read)

    def _ruled(self, node: Node) -> tuple[Node, ...]:
        """Return the operands that the mask of a node is made of."""
        return () if node in self.given or node.is_structural or node.name not in RULES else node.inputs

    def _read(self, node: Node) -> Node | None:
        if node in self.given:
            return self.given[node]
        if node.is_structural:
            return self._of_constant(node)
        rule = RULES.get(node.name)
        return self._canonical(rule(self, node)) if rule else None

    def selected(self, node: Node) -> bool:
        """Tell whether an operand has a mask that counts: absent operands alone are no reason for one."""
        mask = self.of(node)
        return mask is not None and (self.places or not self.is_absent(node))

    def _of_constant(self, node: Node) -> Node | None:
        """Return where a constant with structural zeros has others: a unit vector, say."""
        if self.is_absent(node):
            return self.nowhere(node)
        return self._canonical(self.b.const(self._values[node] != 0)) if self.places else None

    @staticmethod
    def is_absent(node: Node) -> bool:
        """Tell whether a node is nothing but structural zeros."""
        if not node.is_structural:
            return False
        source = node.inputs[0] if node.name == "broadcast" else node
        return not source.params["value"].any()

    def nowhere(self, node: Node) -> Node:
        """Return the mask of structural zeros."""
        return self.b.full(_mask_type(node), False)

    def anywhere(self, node: Node) -> Node:
        """Return the mask of an operand, True everywhere where it has none."""
        mask = self.of(node)
        return self.b.full(_mask_type(node), True) if mask is None else mask

    def either(self, nodes: Iterable[Node]) -> Node | None:
        """Return where one of several values may be nonzero."""
        total: Node | None = None
        for node in nodes:
            mask = self.of(node)
            if mask is None:
                return None
            total = mask if total is None or total is mask else self.b.logical_or(total, mask)
        return total

    def both(self, masks: Iterable[Node | None]) -> Node | None:
        """Return the conjunction of the masks that are there."""
        total: Node | None = None
        for mask in masks:
            if mask is not None and mask is not total:
                total = mask if total is None else self.b.logical_and(total, mask)
        return total

    def _canonical(self, mask: Node | None) -> Node | None:
        """Return None for a mask that is known and true everywhere, and a known box as a pad."""
        if mask is None or not self.places or not _is_fixed(mask):
            return mask
        value = self._values[mask]
        if value.all():
            return None
        return boxed(self.b, value)


class Masks:
    """Masks of linear values, and products with them."""

    def __init__(self, b: Builder):
        self.b = b
        self._given: dict[Node, Node] = {}
        self._selected = Reader(b, False, self._given)
        self._placed = Reader(b, True, self._given)
        self._hazards = Hazards()

    def give(self, node: Node, mask: Node) -> None:
        """Enter the mask of an input or of a result whose expression does not show it."""
        self._given[node] = mask

    def of(self, linear: Node, hazard: bool = False) -> Node | None:
        """Return where a linear value may be nonzero; with `hazard`, by places, too."""
        return (self._placed if hazard else self._selected).of(linear)

    def union(self, linear: Sequence[Node], hazard: bool = False) -> Node | None:
        """Return where one of several may be nonzero."""
        return (self._placed if hazard else self._selected).either(linear)

    def is_absent(self, linear: Node) -> bool:
        """Tell whether a linear value is nothing but structural zeros."""
        return Reader.is_absent(linear)

    def is_hazard(self, node: Node) -> bool:
        """Tell whether the slopes of an operation can be infinite or NaN at finite operands."""
        return self._hazards.slope(node)

    def masked(self, mask: Node | None, value: Node | None) -> Node | None:
        """Emit a value without what lies outside a mask."""
        if mask is None or value is None:
            return value
        return self.b.select(mask, value, self.b.zeros(value.type))

    def needed(self, node: Node, ct: Node, k: int) -> Node:
        """Emit operand k of a contraction for the transpose, without what only meets an absent cotangent."""
        letters, out = node.params["spec"][k], node.params["spec"][2]
        operand = node.inputs[k]
        mask = self.of(ct, self._hazards.value(operand))
        if mask is None:
            return operand
        return self.masked(spread(self.b, mask, out, letters, operand.shape), operand)

    def applied(self, node: Node, moving: Sequence[Node], tangent: Node | None) -> Node | None:
        """Return the tangent of a node without the products where none of its operands moves.

        Parameters
        ----------
        moving : sequence of Node
            Tangents (or coefficients) of the operands that it was made from.
        """
        if tangent is None or not multiplies(node):
            return tangent
        return self.masked(self.union(moving, self.is_hazard(node)), tangent)


def multiplies(node: Node) -> bool:
    """Tell whether the derivative of an operation is a product element by element."""
    return node.primitive.family == "elementwise" and node.name not in FREE


def _mask_type(node: Node) -> Type:
    return Type(node.shape, BOOL)


def _is_fixed(mask: Node) -> bool:
    """Tell whether a mask depends on no input of the program: what it is made of are constants and boxes."""
    stack = [mask]
    for _ in range(MOST_OPERATIONS):
        if not stack:
            return True
        node = stack.pop()
        if not node.is_const:
            stack += node.inputs
            if not node.inputs:
                return False
    return False


def boxed(b: Builder, value: np.ndarray) -> Node:
    """Emit a fixed mask: a box of True inside False is a pad, which compiled code splits into regions."""
    if not value.any():
        return b.full(Type(value.shape, BOOL), False)
    places = np.nonzero(value)
    low = tuple(int(axis.min()) for axis in places)
    stop = tuple(int(axis.max()) + 1 for axis in places)
    if not value[tuple(map(slice, low, stop))].all():
        return b.const(value)
    shape = tuple(last - first for first, last in zip(low, stop, strict=True))
    high = tuple(n - last for n, last in zip(value.shape, stop, strict=True))
    ones = b.full(Type(shape, BOOL), True)
    return b.pad(ones, low=low, high=high, interior=(0,) * value.ndim)
