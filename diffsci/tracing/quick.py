"""Elementwise operations on floats of one type, the commonest by far: no promotion, no broadcasting."""

from __future__ import annotations

from typing import Any

from diffsci.graph import Primitive, Type, lookup
from diffsci.tracing.array import TracedArray
from diffsci.tracing.selection import Selected

__all__ = ["quick", "quick_binary", "quick_unary"]

# Functions of floats that give booleans.
PREDICATES = frozenset({"isnan", "isinf", "isfinite"})


def quick(name: str, operands: tuple, weak: bool) -> TracedArray | None:
    """Apply a primitive of one or two operands; None where NumPy's conventions have to be considered."""
    x = operands[0]
    if type(x) is not TracedArray or name in PREDICATES:
        return None
    if len(operands) == 1:
        return quick_unary(lookup(name), x, weak)
    return quick_binary(lookup(name), x, operands[1], weak) if len(operands) == 2 else None


def quick_unary(rule: Primitive, x: TracedArray, weak: bool = False) -> TracedArray | None:
    """Apply an elementwise primitive to one float array laid out in order; None where more is to consider."""
    trace, node = x.owner, x._node if x._parent is None else x.read()
    type_ = node.type
    if (
        trace.dormant
        or trace.closed
        or node.is_known
        or type_.dtype.kind != "f"
        or (type_.shape and _out_of_order(x, type_))
    ):
        return None
    result = TracedArray(trace, trace.apply(rule, (node,), type_), not type_.shape)
    if weak and x.weak:
        result.weak = True
    return result


def quick_binary(
    rule: Primitive, x: TracedArray, y: Any, weak: bool = False, swapped: bool = False
) -> TracedArray | None:
    """Apply an elementwise primitive to operands of one float type, or to one and a Python number.

    None where NumPy's promotion, broadcasting or memory order has to be considered.
    """
    if type(x) is Selected:
        return None
    trace, node = x.owner, x._node if x._parent is None else x.read()
    type_ = node.type
    if trace.dormant or trace.closed or type_.dtype.kind != "f" or (type_.shape and _out_of_order(x, type_)):
        return None
    kind = type(y)
    if kind is TracedArray:
        other = y._node if y._parent is None else y.read()
        if y.owner is not trace or (other.type is not type_ and other.type != type_):
            return None
        if type_.shape and _out_of_order(y, type_):
            return None
        weak = weak and x.weak and y.weak
    elif kind is float or kind is int:
        other = trace.number(y, type_)
        weak = weak and x.weak
    else:
        return None
    if node.is_known and other.is_known:
        return None
    nodes = (other, node) if swapped else (node, other)
    result = TracedArray(trace, trace.apply(rule, nodes, type_), not type_.shape)
    if weak and not type_.shape:
        result.weak = True
    return result


def _out_of_order(x: TracedArray, type_: Type) -> bool:
    return len(type_.shape) > 1 and (x._parent is not None or x._order is not None)
