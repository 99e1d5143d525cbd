"""Coefficients that differ in sign only: what is computed for one of them serves the other, too.

The force between two particles acts on both, with opposite signs, so the second derivatives of a sum over
pairs hold every number four times. A sign commutes with products, quotients and moves, exactly: it is taken
out of an expression, and expressions that are equal then are one node.
"""

from __future__ import annotations

from diffsci.graph import Builder, Node
from diffsci.graph.ir import remembered
from diffsci.sparse.direct.emitting import emit, emit_like, is_nothing

__all__ = ["Signs"]

# Operations whose first operand a sign passes.
_MOVES = frozenset(
    {"neg", "div", "broadcast", "reshape", "transpose", "slice", "take", "flip", "roll", "convert", "sum"}
)
_OTHER = {"add": "sub", "sub": "add"}


class Signs:
    """Takes signs out of the nodes of a builder."""

    def __init__(self, b: Builder):
        self.b = b
        self._known: dict[Node, tuple[Node, bool]] = {}

    def signed(self, node: Node) -> Node:
        """Return an equal node that is an expression without a sign inside, or minus that."""
        positive, negative = self.split(node)
        return emit(self.b, "neg", positive) if negative else positive

    def split(self, node: Node) -> tuple[Node, bool]:
        """Return an expression without a sign, and whether it is to be negated."""
        return remembered(self._known, node, _passed, self._split)

    def _split(self, node: Node) -> tuple[Node, bool]:
        positions = _positions(node)
        if not positions:
            below_zero = (
                node.is_const and node.shape == () and node.type.is_float and node.params["value"] < 0
            )
            return (self.b.const(-node.params["value"]), True) if below_zero else (node, False)
        operands, signs = list(node.inputs), []
        for k in positions:
            operands[k], negative = self._known[node.inputs[k]]
            signs.append(negative)
        if node.name == "neg":
            return operands[0], not signs[0]
        if operands == list(node.inputs):
            return node, False
        if node.name in _OTHER:
            return emit(self.b, _OTHER[node.name] if signs[0] != signs[1] else node.name, *operands), signs[0]
        return emit_like(self.b, node, operands), sum(signs) % 2 == 1


def _passed(node: Node) -> tuple[Node, ...]:
    return tuple(node.inputs[k] for k in _positions(node))


def _positions(node: Node) -> tuple[int, ...]:
    """The operands whose signs can be taken out: not divisors, the sign of a zero matters there."""
    if node.name in ("mul", *_OTHER):
        return (0, 1)
    if node.name in _MOVES:
        return (0,) if node.type.is_float and node.inputs[0].type.is_float else ()
    if node.name == "select" and node.type.is_float:
        sides = tuple(k for k in (1, 2) if not is_nothing(node.inputs[k]))
        return sides if len(sides) == 1 else ()
    return ()
