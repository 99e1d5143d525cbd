"""Powers: literal whole exponents are repeated products, and even ones of lengths are smooth."""

from __future__ import annotations

from typing import Any

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray

__all__ = ["power"]


def power(x: Any, p: Any, weak: bool = False) -> TracedArray:
    """X ** p; a literal whole exponent is a repeated product, right for every base and order."""
    literal = ops.literal_number(p)
    if literal is not None and isinstance(ops.as_operand(x), TracedArray):
        floats = ops.as_operand(x).dtype.kind in "fc"
        if floats and float(literal).is_integer() and abs(literal) <= 1024:
            x = ops.as_operand(x)
            if ops.promoted(x, ops.as_operand(p)) == x.dtype:
                return _whole_power(x, int(literal), weak)
        if floats and literal == 0.5:
            return ops.float_elementwise("sqrt", x, weak=weak)
    x, p = ops.as_operand(x), ops.as_operand(p)
    if ops.promoted(x, p).kind in "iub" and literal is not None and literal < 0:
        raise ValueError(f"integers to negative integer powers are not allowed{at(user_location())}")
    return ops.arithmetic("pow", x, p, weak=weak)


def _whole_power(x: TracedArray, exponent: int, weak: bool) -> TracedArray:
    result = None
    if type(x) is TracedArray and x._parent is None and exponent >= 2 and exponent % 2 == 0:
        result = _smooth(x, exponent)
    if result is None:
        return ops.unary("integer_pow", x, weak=weak, exponent=exponent)
    result.scalar, result.weak = x.scalar, weak and x.weak
    return result


def _smooth(x: TracedArray, exponent: int) -> TracedArray | None:
    """Return an even power of what has a kink at 0, without that kink; None for anything else.

    abs(u)**2 is u**2, and norm(u)**2 the sum of the squares: right at 0 to every order, where the product
    of the conventions for abs and norm would lose the second derivative.
    """
    node, trace = x._node, x.owner
    operands = [TracedArray(trace, u) for u in node.inputs]
    if node.name == "abs":
        return _raised(operands[0], exponent)
    if node.name == "hypot":
        return _raised(ops.arithmetic("add", *(_raised(u, 2) for u in operands)), exponent // 2)
    if node.name == "length":
        squares = ops.reduce("sum", _raised(operands[0], 2), node.params["axes"])
        return _raised(squares, exponent // 2)
    return None


def _raised(x: TracedArray, exponent: int) -> TracedArray:
    return x if exponent == 1 else ops.unary("integer_pow", x, exponent=exponent)
