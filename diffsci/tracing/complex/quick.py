"""Arithmetic of complex values of one type, and with Python numbers: part by part, without promotion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diffsci.graph import Node, lookup
from diffsci.source import user_location
from diffsci.tracing.array import TracedArray
from diffsci.tracing.complex.array import ComplexArray

__all__ = ["QUICK"]

ADD, SUB, MUL, DIV = map(lookup, ("add", "sub", "mul", "div"))


def _sum(emit: Callable, z: tuple, w: tuple) -> tuple[Node, Node]:
    return emit(ADD, z[0], w[0]), emit(ADD, z[1], w[1])


def _difference(emit: Callable, z: tuple, w: tuple) -> tuple[Node, Node]:
    return emit(SUB, z[0], w[0]), emit(SUB, z[1], w[1])


def _product(emit: Callable, z: tuple, w: tuple) -> tuple[Node, Node]:
    (x, y), (u, v) = z, w
    return emit(SUB, emit(MUL, x, u), emit(MUL, y, v)), emit(ADD, emit(MUL, x, v), emit(MUL, y, u))


def _multiple(emit: Callable, z: tuple, factor: Node) -> tuple[Node, Node]:
    return emit(MUL, z[0], factor), emit(MUL, z[1], factor)


def _part(emit: Callable, z: tuple, divisor: Node) -> tuple[Node, Node]:
    return emit(DIV, z[0], divisor), emit(DIV, z[1], divisor)


def _quickly(by_pair: Callable | None, by_real: Callable | None = None) -> Callable:
    def apply(z: ComplexArray, other: Any, swapped: bool = False) -> ComplexArray | None:
        kind = type(other)
        real = kind is float or kind is int
        if by_pair is None and (swapped or not real):
            return None
        if not (real or kind is ComplexArray or kind is complex):
            return None
        own = _nodes(z)
        if own is None or own[0].is_known or own[1].is_known:
            return None
        trace, type_ = z.owner, own[0].type
        if kind is ComplexArray:
            given = _nodes(other)
            if given is None or other.owner is not trace or given[0].type is not type_:
                return None
        else:
            given = trace.number(other.real, type_), trace.number(other.imag, type_)
        location = user_location()

        def emit(rule: Any, x: Node, y: Node) -> Node:
            return trace.apply(rule, (x, y), type_, location)

        if by_real is not None and real:
            parts = by_real(emit, own, given[0])
        else:
            parts = by_pair(emit, given, own) if swapped else by_pair(emit, own, given)
        made = ComplexArray(*(TracedArray(trace, part) for part in parts), scalar=not type_.shape)
        if z.weak and (kind is not ComplexArray or other.weak):
            made.weak = True
        return made

    return apply


def _nodes(z: ComplexArray) -> tuple[Node, Node] | None:
    """The nodes of the parts, None where memory order or a selection has to be considered."""
    re, im = z.re, z.im
    if type(re) is not TracedArray or type(im) is not TracedArray or z.owner.closed or z.owner.dormant:
        return None
    if z.ndim > 1 and any(part._parent is not None or part._order is not None for part in (re, im)):
        return None
    return re.read(), im.read()


QUICK = {
    "add": _quickly(_sum),
    "sub": _quickly(_difference),
    "mul": _quickly(_product, _multiple),
    "truediv": _quickly(None, _part),
}
"""Operators: each returns None where promotion, broadcasting or memory order has to be considered."""
