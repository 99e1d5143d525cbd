"""Elementwise arithmetic of two arguments, and `select`.

At a kink the derivative is the midpoint of the one-sided ones; a value that is selected away
never enters a product, so its infinite derivative cannot make a NaN.
"""

from __future__ import annotations

import math

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import chosen, divided, elementwise_product, of_first, power
from diffsci.primitives.series import linear, product, quotient
from diffsci.primitives.shared import BOOL, add_tangents, batch_elementwise, full_like, same_types

Tangents = list["Node | None"]
_LEAST_DIVISOR = 2.0**-100


def _numbers(*types: Type) -> Type:
    common = same_types(*types)
    if common.dtype.kind == "b":
        raise TypeError(f"expected numbers, got {common}")
    return common


def _floats(*types: Type) -> Type:
    common = same_types(*types)
    if not common.is_float:
        raise TypeError(f"expected floats, got {common}")
    return common


def _times(b: Builder, coefficient: Node, tangent: Node | None) -> Node | None:
    return None if tangent is None else b.mul(coefficient, tangent)


def _add_jvp(b: Builder, node: Node, t: Tangents) -> Node | None:
    return add_tangents(b, *t)


def _sub_jvp(b: Builder, node: Node, t: Tangents) -> Node | None:
    if t[0] is not None and t[1] is not None:
        return b.sub(*t)
    return t[0] if t[1] is None else b.neg(t[1])


def _mul_jvp(b: Builder, node: Node, t: Tangents) -> Node | None:
    x, y = node.inputs
    if x is y and t[0] is not None:  # a square: one product, and no doubled linear path
        return b.mul(b.mul(full_like(b, x, 2.0), x), t[0])
    return add_tangents(b, _times(b, y, t[0]), _times(b, x, t[1]))


def _mul_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    x, y = node.inputs
    return [b.mul(ct, y), None] if linear[0] else [None, b.mul(x, ct)]


def _divided(b: Builder, linear_value: Node, y: Node) -> Node:
    """Divide a tangent or cotangent: a constant divisor becomes a factor, within an ulp, ten times faster."""
    scalar = y.inputs[0] if y.name == "broadcast" else y
    value = abs(float(scalar.params["value"])) if scalar.is_const and scalar.shape == () else 0.0
    if not _LEAST_DIVISOR < value < 1.0 / _LEAST_DIVISOR:  # the reciprocal might round away
        return b.div(linear_value, y)
    return b.mul(linear_value, full_like(b, y, 1.0 / float(scalar.params["value"])))


def _div_jvp(b: Builder, node: Node, t: Tangents) -> Node | None:
    y = node.inputs[1]
    first = None if t[0] is None else _divided(b, t[0], y)
    second = None if t[1] is None else b.neg(b.mul(b.div(node, y), t[1]))
    return add_tangents(b, first, second)


def _pow_jvp(b: Builder, node: Node, t: Tangents) -> Node | None:
    x, p = node.inputs
    zero, one = full_like(b, x, 0.0), full_like(b, x, 1.0)
    base = exponent = None
    if t[0] is not None:
        slope = b.mul(p, b.pow(x, b.sub(p, one)))
        base = b.mul(b.select(b.eq(p, zero), zero, slope), t[0])
    if t[1] is not None:
        log_x = b.log(b.select(b.eq(x, zero), one, x))  # 0**p is 0 for every p > 0
        exponent = b.mul(b.mul(node, log_x), t[1])
    return add_tangents(b, base, exponent)


def _extremum_jvp(first_wins: str):
    def jvp(b: Builder, node: Node, t: Tangents) -> Node:
        x, y = node.inputs
        zero = b.zeros(node.type)
        tx, ty = (zero if tangent is None else tangent for tangent in t)
        half = full_like(b, node, 0.5)
        tie = b.mul(half, add_tangents(b, *t))
        lower = b.gt(y, x) if first_wins == "gt" else b.lt(y, x)
        upper = b.emit(first_wins, x, y)
        return b.select(upper, tx, b.select(lower, ty, tie))

    return jvp


def _hypot_jvp(b: Builder, node: Node, t: Tangents) -> Node | None:
    x, y = node.inputs
    cosine, sine = (b.hypot_term(x, y, powers=powers) for powers in ((1, 0, 1), (0, 1, 1)))
    return add_tangents(b, _times(b, cosine, t[0]), _times(b, sine, t[1]))


def _arctan2_jvp(b: Builder, node: Node, t: Tangents) -> Node | None:
    y, x = node.inputs
    r = b.hypot(x, y)
    zero, far = full_like(b, r, 0.0), full_like(b, r, math.inf)
    r = b.select(b.eq(r, zero), far, r)  # all derivatives at (0, 0) are 0, in every order
    over_y = _times(b, b.div(b.div(x, r), r), t[0])
    over_x = _times(b, b.neg(b.div(b.div(y, r), r)), t[1])
    return add_tangents(b, over_y, over_x)


def _remainder_jvp(b: Builder, node: Node, t: Tangents) -> Node | None:
    x, y = node.inputs
    # The quotient that the remainder belongs to: x / y itself may round up to the next integer.
    quotient = None if t[1] is None else b.rint(b.div(b.sub(x, node), y))
    return add_tangents(b, t[0], None if quotient is None else _times(b, b.neg(quotient), t[1]))


def _copysign_jvp(b: Builder, node: Node, t: Tangents) -> Node | None:
    x, y = node.inputs
    flip = b.mul(b.sign(x), b.copysign(full_like(b, x, 1.0), y))  # a kink at x = 0: sign(0) = 0
    return _times(b, flip, t[0])


def _select_type(condition: Type, x: Type, y: Type) -> Type:
    common = same_types(x, y)
    if condition != Type(common.shape, BOOL):
        raise TypeError(f"condition is {condition}, values are {common}")
    return common


def _select_jvp(b: Builder, node: Node, t: Tangents) -> Node:
    zero = b.zeros(node.type)
    return b.select(node.inputs[0], *(zero if tangent is None else tangent for tangent in t[1:]))


def _select_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    condition, zero = node.inputs[0], b.zeros(node.type)
    return [
        None,
        b.select(condition, ct, zero) if linear[1] else None,
        b.select(condition, zero, ct) if linear[2] else None,
    ]


def _add_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    return [ct if is_linear else None for is_linear in linear]


def _sub_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    return [ct if linear[0] else None, b.neg(ct) if linear[1] else None]


def _div_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    return [_divided(b, ct, node.inputs[1]), None]


def _binary(name, type_, value, jvp, transpose=None, taylor=None, pattern=None) -> None:
    register(
        Primitive(
            name=name,
            type=type_,
            value=value,
            family="elementwise",
            jvp=jvp,
            transpose=transpose,
            batch=batch_elementwise,
            taylor=taylor,
            pattern=pattern,
        )
    )


_binary("add", _numbers, np.add, _add_jvp, _add_transpose, linear)
_binary("sub", _numbers, np.subtract, _sub_jvp, _sub_transpose, linear)
_binary("mul", _numbers, np.multiply, _mul_jvp, _mul_transpose, product, elementwise_product)
_binary("div", _floats, np.divide, _div_jvp, _div_transpose, quotient, divided)
_binary("pow", _numbers, np.power, _pow_jvp, pattern=power)
_binary("maximum", _numbers, np.maximum, _extremum_jvp("gt"))
_binary("minimum", _numbers, np.minimum, _extremum_jvp("lt"))
_binary("hypot", _floats, np.hypot, _hypot_jvp)
_binary("arctan2", _floats, np.arctan2, _arctan2_jvp)
_binary("mod", _numbers, np.mod, _remainder_jvp)
_binary("fmod", _numbers, np.fmod, _remainder_jvp)
_binary("floor_divide", _numbers, np.floor_divide, "zero")
_binary("copysign", _floats, np.copysign, _copysign_jvp, pattern=of_first)
register(
    Primitive(
        name="select",
        type=_select_type,
        value=lambda condition, x, y: np.where(condition, x, y),
        family="elementwise",
        jvp=_select_jvp,
        transpose=_select_transpose,
        batch=batch_elementwise,
        taylor=linear,
        pattern=chosen,
    )
)
