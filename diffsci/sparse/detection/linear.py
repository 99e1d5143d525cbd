"""In which operands an operation is linear, with coefficients that do not depend on the inputs."""

from __future__ import annotations

from collections.abc import Callable

from diffsci.graph import Node

__all__ = ["linear_operands"]

# In all float operands together.
JOINTLY = frozenset(
    "add sub neg convert select take put put_add sum cumsum fft rfft irfft dct dst checked".split()
)
# In each operand while the others are fixed.
EACH = frozenset("mul contract convolve".split())
# In one operand while the others are fixed.
ONE = {"div": 0, "solve": 1, "solve_triangular": 1, "solve_banded": 1, "sparse_solve": 1}


def linear_operands(node: Node, varies: Callable[[Node], bool]) -> list[bool]:
    """Tell for every operand whether the derivative with respect to it is a constant.

    Parameters
    ----------
    node : Node
    varies : callable
        Whether the value of a node depends on the inputs at all.
    """
    name, x = node.name, node.inputs
    if name in JOINTLY or node.primitive.family == "structural":
        fixed = not any(varies(y) for y in x if not y.type.is_float)
        return [fixed and y.type.is_float for y in x]
    places = range(len(x)) if name in EACH else [ONE[name]] if name in ONE else []
    return [k in places and not any(varies(y) for j, y in enumerate(x) if j != k) for k in range(len(x))]
