"""Inputs and constants.

A constant may be marked `structural`: its zeros stand for "nothing there" (an absent tangent, the rim of a
pad, the zeros of a unit vector), so compiled code drops products with them. Zeros of the user are numbers
like any other: ``0 * nan`` is nan.
"""

from __future__ import annotations

import numpy as np

from diffsci.graph import Primitive, Type, register


def _input_type() -> Type:
    raise TypeError("input nodes are made by Builder.input")


def _const_type(*, value, structural=False) -> Type:
    if value.dtype.kind == "c":
        raise TypeError("programs are real: complex values are pairs of arrays")
    return Type(value.shape, value.dtype)


register(Primitive(name="input", type=_input_type, value=None, family="leaf", jvp="zero"))

register(
    Primitive(
        name="const",
        type=_const_type,
        value=lambda *, value, structural=False: np.asarray(value),
        family="leaf",
        jvp="zero",
    )
)
