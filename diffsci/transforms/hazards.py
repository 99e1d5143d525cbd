"""Which operations can have an infinite or undefined slope although their operands are finite."""

from __future__ import annotations

import math

import numpy as np

from diffsci.graph import Node
from diffsci.graph.ir import remembered

__all__ = ["Hazards"]

# Finite operands give finite results and finite slopes. Overflow of sums and products is left aside.
TAME = frozenset(
    (
        "abs add arcsinh arctan ceil contract convert copysign cos cumsum floor hypot max maximum min "
        "minimum mul neg put put_add rint select sigmoid sign sin softplus sort stop_gradient sub sum take "
        "tanh tie_average trunc"
    ).split()
)


class Hazards:
    """Looks operations up, each once, along with what their operands were made of."""

    def __init__(self) -> None:
        self._found: dict[Node, bool] = {}

    def slope(self, node: Node) -> bool:
        """Tell whether a coefficient of the derivative of an operation may not be finite."""
        return not _is_tame(node) or any(map(self.value, node.inputs))

    def value(self, node: Node) -> bool:
        """Tell whether the value of a node may not be finite although the inputs of the program are."""
        return remembered(self._found, node, _tame_operands, self._looked_up)

    def _looked_up(self, node: Node) -> bool:
        return not _is_tame(node) or any(self._found[x] for x in node.inputs)


def _tame_operands(node: Node) -> tuple[Node, ...]:
    return node.inputs if _is_tame(node) else ()


def _is_tame(node: Node) -> bool:
    if node.name == "integer_pow":
        return node.params["exponent"] >= 0
    if node.name == "div":
        return _is_number(node.inputs[1])
    if node.is_const:
        return node.dtype.kind != "f" or bool(np.isfinite(node.params["value"]).all())
    return (
        node.name in TAME or node.name == "input" or node.primitive.family == "structural" or _is_whole(node)
    )


def _is_whole(node: Node) -> bool:
    """Results that are no floats are finite."""
    return not isinstance(node.type, tuple) and node.dtype.kind in "biu"


def _is_number(divisor: Node) -> bool:
    """Tell whether a divisor is one constant other than zero."""
    source = divisor.inputs[0] if divisor.name == "broadcast" else divisor
    if not source.is_const or source.shape != ():
        return False
    number = float(source.params["value"])
    return number != 0 and math.isfinite(number)
