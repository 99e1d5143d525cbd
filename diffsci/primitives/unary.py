"""Elementwise functions of one argument: each is its value and its derivative.

The derivative is an expression in the argument ``x`` and the result ``y``, written so that it
keeps its digits at the ends of the range (``tanh'`` is a function of its own, not ``1 - y**2``).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import power
from diffsci.primitives.series import Series, linear
from diffsci.primitives.shared import BOOL, batch_elementwise, full_like

Derivative = Callable[[Builder, Node, Node], Node]


def _reciprocal(b: Builder, x: Node) -> Node:
    return b.div(full_like(b, x, 1.0), x)


def _scaled(b: Builder, x: Node, factor: float) -> Node:
    return b.mul(full_like(b, x, factor), x)


def _one_minus_square(b: Builder, x: Node) -> Node:
    one = full_like(b, x, 1.0)
    return b.mul(b.sub(one, x), b.add(one, x))


def _sqrt_shifted(b: Builder, x: Node, shift: float) -> Node:
    return b.sqrt(b.add(x, full_like(b, x, shift)))


SMOOTH: dict[str, tuple[Callable, Derivative]] = {
    "exp": (np.exp, lambda b, x, y: y),
    "exp2": (np.exp2, lambda b, x, y: _scaled(b, y, math.log(2.0))),
    "expm1": (np.expm1, lambda b, x, y: b.exp(x)),
    "log": (np.log, lambda b, x, y: _reciprocal(b, x)),
    "log2": (np.log2, lambda b, x, y: _reciprocal(b, _scaled(b, x, math.log(2.0)))),
    "log10": (np.log10, lambda b, x, y: _reciprocal(b, _scaled(b, x, math.log(10.0)))),
    "log1p": (np.log1p, lambda b, x, y: _reciprocal(b, b.add(x, full_like(b, x, 1.0)))),
    "sqrt": (np.sqrt, lambda b, x, y: b.div(full_like(b, x, 0.5), y)),
    "cbrt": (np.cbrt, lambda b, x, y: _reciprocal(b, _scaled(b, b.mul(y, y), 3.0))),
    "sin": (np.sin, lambda b, x, y: b.cos(x)),
    "cos": (np.cos, lambda b, x, y: b.neg(b.sin(x))),
    "tan": (np.tan, lambda b, x, y: b.add(full_like(b, y, 1.0), b.mul(y, y))),
    "arcsin": (np.arcsin, lambda b, x, y: _reciprocal(b, b.sqrt(_one_minus_square(b, x)))),
    "arccos": (np.arccos, lambda b, x, y: b.neg(_reciprocal(b, b.sqrt(_one_minus_square(b, x))))),
    "arctan": (np.arctan, lambda b, x, y: _reciprocal(b, b.add(full_like(b, x, 1.0), b.mul(x, x)))),
    "sinh": (np.sinh, lambda b, x, y: b.cosh(x)),
    "cosh": (np.cosh, lambda b, x, y: b.sinh(x)),
    "tanh": (np.tanh, lambda b, x, y: b.sech_squared(x)),
    "arcsinh": (np.arcsinh, lambda b, x, y: _reciprocal(b, b.hypot(full_like(b, x, 1.0), x))),
    "arccosh": (
        np.arccosh,
        lambda b, x, y: _reciprocal(b, b.mul(_sqrt_shifted(b, x, -1.0), _sqrt_shifted(b, x, 1.0))),
    ),
    "arctanh": (np.arctanh, lambda b, x, y: _reciprocal(b, _one_minus_square(b, x))),
    "abs": (np.abs, lambda b, x, y: b.sign(x)),
}

STEPWISE: dict[str, Callable] = {
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "rint": np.rint,
}

PREDICATES: dict[str, Callable] = {"isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite}


def _float_type(x: Type) -> Type:
    if not x.is_float:
        raise TypeError(f"expected floats, got {x}")
    return x


def _number_type(x: Type) -> Type:
    if x.dtype.kind == "b":
        raise TypeError(f"expected numbers, got {x}")
    return x


def _smooth_jvp(derivative: Derivative):
    def jvp(b: Builder, node: Node, tangents: list[Node | None]) -> Node:
        return b.mul(derivative(b, node.inputs[0], node), tangents[0])

    return jvp


def _pow_jvp(b: Builder, node: Node, tangents: list[Node | None]) -> Node | None:
    x, exponent = node.inputs[0], node.params["exponent"]
    if exponent == 0:
        return None
    if exponent == 1:
        return tangents[0]
    lower = x if exponent == 2 else b.integer_pow(x, exponent=exponent - 1)
    return b.mul(_scaled(b, lower, float(exponent)), tangents[0])


def _pow_taylor(b: Builder, node: Node, series: Series, k: int) -> Node | None:
    """As products by repeated squaring, which are exact where the base is zero."""
    x, exponent = node.inputs[0], node.params["exponent"]
    if exponent == 0:
        return None
    power = _product_of_squares(b, x, abs(exponent))
    return series(power if exponent > 0 else _reciprocal(b, power), k)


def _product_of_squares(b: Builder, x: Node, exponent: int) -> Node:
    if exponent == 1:
        return x
    half = _product_of_squares(b, x, exponent // 2)
    square = b.mul(half, half)
    return b.mul(square, x) if exponent % 2 else square


def _integer_power(x, *, exponent: int):
    if exponent == 2:
        return np.square(x)
    return np.power(x, np.asarray(exponent, dtype=x.dtype if x.dtype.kind != "c" else float))


def _convert_value(x, *, dtype: np.dtype):
    return np.asarray(x).astype(dtype)


def _convert_jvp(b: Builder, node: Node, tangents: list[Node | None]) -> Node | None:
    return b.convert(tangents[0], dtype=node.dtype) if node.type.is_float else None


def _convert_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node]:
    return [b.convert(ct, dtype=node.inputs[0].dtype)]


for _name, (_value, _derivative) in SMOOTH.items():
    register(
        Primitive(
            name=_name,
            type=_number_type if _name == "abs" else _float_type,
            value=_value,
            family="elementwise",
            jvp=_smooth_jvp(_derivative),
            batch=batch_elementwise,
        )
    )

for _name, _value in STEPWISE.items():
    register(
        Primitive(
            name=_name,
            type=_number_type,
            value=_value,
            family="elementwise",
            jvp="zero",
            batch=batch_elementwise,
        )
    )

for _name, _value in PREDICATES.items():
    register(
        Primitive(
            name=_name,
            type=lambda x: Type(x.shape, BOOL),
            value=_value,
            family="elementwise",
            jvp="zero",
            batch=batch_elementwise,
        )
    )

register(
    Primitive(
        name="neg",
        type=_number_type,
        value=np.negative,
        family="elementwise",
        jvp=lambda b, node, tangents: b.neg(tangents[0]),
        transpose=lambda b, node, ct, linear: [b.neg(ct)],
        batch=batch_elementwise,
        taylor=linear,
    )
)

register(
    Primitive(
        name="integer_pow",
        type=lambda x, *, exponent: _float_type(x),
        value=_integer_power,
        family="elementwise",
        jvp=_pow_jvp,
        batch=batch_elementwise,
        taylor=_pow_taylor,
        pattern=power,
    )
)

register(
    Primitive(
        name="convert",
        type=lambda x, *, dtype: Type(x.shape, np.dtype(dtype)),
        value=_convert_value,
        family="elementwise",
        jvp=_convert_jvp,
        transpose=_convert_transpose,
        batch=batch_elementwise,
        taylor=linear,
    )
)

register(
    Primitive(
        name="stop_gradient",
        type=lambda x: x,
        value=np.array,
        family="elementwise",
        jvp="zero",
        batch=batch_elementwise,
    )
)
