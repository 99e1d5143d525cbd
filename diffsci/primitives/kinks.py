"""Where operations have no derivative: one row per operation, for ``strict=True``.

A row gives the places of its kinks and jumps in the shape of the result, what is the matter there, and what
the derivative is without `strict` (the conventions of docs/edges.md). A tangent in a generic direction tells
kinks from smooth joins: |x**2| has none at 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from diffsci.graph import Builder, Node
from diffsci.primitives.reductions import spread
from diffsci.primitives.shared import BOOL, full_like
from diffsci.primitives.sorting import take_lanes

__all__ = ["KINKS", "Kink", "differ"]

Tangents = list["Node | None"]
Places = Callable[[Builder, Node, Tangents], "Node | None"]


@dataclass(frozen=True, slots=True)
class Kink:
    """One way of having no derivative.

    Attributes
    ----------
    places : callable
        ``places(b, node, tangents)`` emits where the operation has a kink, in the shape of its
        result; None where it can have none.
    reason : str
        What is the matter, with the slopes on both sides.
    convention : str
        The derivative without `strict`.
    shown : str
        ``"operand"`` or ``"result"``: whose value stands in the message.
    name : str
        What users call it, if not by the operation's name.
    joins : bool
        It is no kink where both operands have the same derivatives.
    """

    places: Places
    reason: str
    convention: str
    shown: str = "operand"
    name: str = ""
    joins: bool = False


def differ(b: Builder, x: Node, y: Node) -> Node:
    """Emit where two values are apart by more than rounding; NaN compares with nothing."""
    eps = float(np.finfo(x.dtype).eps)
    size = b.add(b.abs(x), b.abs(y))
    least = b.add(b.mul(full_like(b, x, eps**0.6), size), full_like(b, x, eps))
    infinite = b.logical_xor(b.isinf(x), b.isinf(y))
    return b.logical_or(infinite, b.gt(b.abs(b.sub(x, y)), least))


def _number(b: Builder, x: Node, value: float) -> Node:
    return b.eq(x, full_like(b, x, value))


def _whole(b: Builder, x: Node) -> Node:
    return b.eq(x, b.rint(x))


def _moving(b: Builder, tangent: Node) -> Node:
    return b.ne(tangent, full_like(b, tangent, 0.0))


def _at(*values: float) -> Places:
    """Kinks at numbers, whatever the direction."""

    def places(b: Builder, node: Node, t: Tangents) -> Node:
        found = [_number(b, node.inputs[0], value) for value in values]
        return found[0] if len(found) == 1 else b.logical_or(*found)

    return places


def _abs(b: Builder, node: Node, t: Tangents) -> Node:
    return b.logical_and(_number(b, node.inputs[0], 0.0), _moving(b, t[0]))


def _half(b: Builder, node: Node, t: Tangents) -> Node:
    x = node.inputs[0]
    return _number(b, b.abs(b.sub(x, b.trunc(x))), 0.5)


def _whole_places(b: Builder, node: Node, t: Tangents) -> Node:
    return _whole(b, node.inputs[0])


def _whole_but_zero(b: Builder, node: Node, t: Tangents) -> Node:
    x = node.inputs[0]
    return b.logical_and(_whole(b, x), b.logical_not(_number(b, x, 0.0)))


def _conversion(b: Builder, node: Node, t: Tangents) -> Node | None:
    return None if node.type.is_float or node.dtype == BOOL else _whole_but_zero(b, node, t)


def _multiple(b: Builder, node: Node, t: Tangents) -> Node:
    return _number(b, b.mod(*node.inputs), 0.0)


def _multiple_but_zero(b: Builder, node: Node, t: Tangents) -> Node:
    return b.logical_and(_multiple(b, node, t), b.logical_not(_number(b, node.inputs[0], 0.0)))


def _tie(b: Builder, node: Node, t: Tangents) -> Node:
    return b.eq(*node.inputs)


def _shared_extremum(b: Builder, node: Node, t: Tangents) -> Node:
    """Entries that attain it and move apart."""
    x, axes = node.inputs[0], node.params["axes"]
    attained = b.eq(x, spread(b, node, x, axes))
    zero, one = full_like(b, x, 0.0), full_like(b, x, 1.0)
    count = b.sum(b.select(attained, one, zero), axes=axes)
    mean = b.div(b.sum(b.select(attained, t[0], zero), axes=axes), count)
    apart = b.logical_and(attained, differ(b, t[0], spread(b, mean, x, axes)))
    return b.any(apart, axes=axes)


def _position(extremum: str) -> Places:
    def places(b: Builder, node: Node, t: Tangents) -> Node:
        value = b.emit(extremum, node.inputs[0], axes=(node.params["axis"],))
        return _shared_extremum(b, value, t)

    return places


def _sorted_ties(b: Builder, node: Node, t: Tangents) -> Node:
    moved = take_lanes(b, t[0], b.argsort(node.inputs[0], stable=True))
    return differ(b, moved, b.tie_average(node, moved))


def _corner(b: Builder, node: Node, t: Tangents) -> Node:
    """Both operands zero, and one of them moves."""
    zero = b.logical_and(*(_number(b, x, 0.0) for x in node.inputs))
    moving = [_moving(b, tangent) for tangent in t if tangent is not None]
    return b.logical_and(zero, moving[0] if len(moving) == 1 else b.logical_or(*moving))


def _no_length(b: Builder, node: Node, t: Tangents) -> Node:
    moves = b.any(_moving(b, t[0]), axes=node.params["axes"])
    return b.logical_and(_number(b, node, 0.0), moves)


def _no_spread(b: Builder, node: Node, t: Tangents) -> Node:
    axes = node.params["axes"]
    first = b.max(t[0], axes=axes)
    return b.logical_and(_number(b, node, 0.0), differ(b, first, b.min(t[0], axes=axes)))


def _steep_power(b: Builder, node: Node, t: Tangents) -> Node | None:
    """The slope p x**(p - 1) at 0 is infinite for p < 1 other than 0."""
    if t[0] is None:
        return None
    x, p = node.inputs
    steep = b.logical_and(b.lt(p, full_like(b, p, 1.0)), b.ne(p, full_like(b, p, 0.0)))
    return b.logical_and(_number(b, x, 0.0), steep)


def _pole(b: Builder, node: Node, t: Tangents) -> Node | None:
    return _number(b, node.inputs[0], 0.0) if node.params["exponent"] < 0 else None


def _sign_of(b: Builder, node: Node, t: Tangents) -> Node:
    """A kink where the size is 0, a jump where the sign's operand is 0 and moves."""
    x, y = node.inputs
    found = []
    if t[0] is not None:
        found.append(b.logical_and(_number(b, x, 0.0), _moving(b, t[0])))
    if t[1] is not None:
        found.append(b.logical_and(_number(b, y, 0.0), b.logical_not(_number(b, x, 0.0))))
    return found[0] if len(found) == 1 else b.logical_or(*found)


JUMP = "jumps here; the slope on both sides is 0"
STEEP = "has an infinite slope here"
INFINITE = "an infinite slope (NaN times 0)"

KINKS: dict[str, Kink] = {
    "abs": Kink(_abs, "has the slopes -1 and 1 on the two sides of 0", "0, their mean"),
    "sign": Kink(_at(0.0), JUMP, "0"),
    "floor": Kink(_whole_places, JUMP, "0"),
    "ceil": Kink(_whole_places, JUMP, "0"),
    "trunc": Kink(_whole_but_zero, JUMP, "0"),
    "rint": Kink(_half, JUMP, "0", name="round"),
    "convert": Kink(_conversion, JUMP, "0", name="int"),
    "floor_divide": Kink(_multiple, JUMP, "0"),
    "mod": Kink(_multiple, "jumps here; the slope in the dividend is 1 on both sides", "1 in the dividend"),
    "fmod": Kink(
        _multiple_but_zero, "jumps here; the slope in the dividend is 1 on both sides", "1 in the dividend"
    ),
    "maximum": Kink(_tie, "of equal operands has two slopes, that of either one", "their mean", joins=True),
    "minimum": Kink(_tie, "of equal operands has two slopes, that of either one", "their mean", joins=True),
    "max": Kink(_shared_extremum, "is attained by several entries", "shared equally among them", "result"),
    "min": Kink(_shared_extremum, "is attained by several entries", "shared equally among them", "result"),
    "argmax": Kink(_position("max"), "is attained by several entries", "that of the first one", "result"),
    "argmin": Kink(_position("min"), "is attained by several entries", "that of the first one", "result"),
    "sort": Kink(_sorted_ties, "meets equal entries", "shared equally among them", "result"),
    "hypot": Kink(_corner, "has a corner at (0, 0), with slopes from -1 to 1", "0"),
    "arctan2": Kink(_corner, "is not continuous at (0, 0)", "0"),
    "length": Kink(
        _no_length, "of nothing but zeros has a corner, with slopes from -1 to 1", "0", "result", "a norm"
    ),
    "standard_deviation": Kink(
        _no_spread, "of equal values has a corner", "0", "result", "a standard deviation"
    ),
    "sqrt": Kink(_at(0.0), STEEP, INFINITE),
    "cbrt": Kink(_at(0.0), STEEP, INFINITE),
    "arcsin": Kink(_at(-1.0, 1.0), STEEP, INFINITE),
    "arccos": Kink(_at(-1.0, 1.0), STEEP, INFINITE),
    "arccosh": Kink(_at(1.0), STEEP, INFINITE),
    "pow": Kink(_steep_power, STEEP, INFINITE, name="power"),
    "integer_pow": Kink(_pole, "has a pole here", "infinite", name="power"),
    "copysign": Kink(_sign_of, "takes a sign or a size from a zero", "0"),
}
