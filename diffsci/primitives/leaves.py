"""Inputs and constants."""

from __future__ import annotations

import numpy as np

from diffsci.graph import Primitive, Type, register


def _input_type() -> Type:
    raise TypeError("input nodes are made by Builder.input")


register(Primitive(name="input", type=_input_type, value=None, family="leaf", jvp="zero"))

register(
    Primitive(
        name="const",
        type=lambda *, value: Type(value.shape, value.dtype),
        value=lambda *, value: np.asarray(value),
        family="leaf",
        jvp="zero",
    )
)
