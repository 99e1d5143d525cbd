"""Full convolution along the last axis: bilinear, and closed under transposition by flips and slices."""

from __future__ import annotations

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import convolved
from diffsci.primitives.series import product
from diffsci.primitives.shared import add_tangents, align


def _type(x: Type, y: Type) -> Type:
    if x.ndim == 0 or x.shape[:-1] != y.shape[:-1] or x.dtype != y.dtype or 0 in (x.shape[-1], y.shape[-1]):
        raise TypeError(f"cannot convolve {x} and {y}")
    return Type((*x.shape[:-1], x.shape[-1] + y.shape[-1] - 1), x.dtype)


def _value(x, y):
    if x.ndim == 1:
        return np.convolve(x, y)
    lanes = x.shape[:-1]
    out = np.empty((*lanes, x.shape[-1] + y.shape[-1] - 1), np.result_type(x, y))
    for lane in np.ndindex(lanes):
        out[lane] = np.convolve(x[lane], y[lane])
    return out


def _jvp(b: Builder, node: Node, t: list[Node | None]) -> Node | None:
    x, y = node.inputs
    first = None if t[0] is None else b.convolve(t[0], y)
    second = None if t[1] is None else b.convolve(x, t[1])
    return add_tangents(b, first, second)


def _transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    """Correlate the cotangent with the other operand: its overlap with all of it."""
    k = 0 if linear[0] else 1
    other, target = node.inputs[1 - k], node.inputs[k]
    last = len(ct.shape) - 1
    whole = b.convolve(ct, b.flip(other, axes=(last,)))
    first = other.shape[-1] - 1
    back = b.slice(
        whole,
        start=(*(0,) * last, first),
        stop=(*ct.shape[:-1], first + target.shape[-1]),
        step=(1,) * (last + 1),
    )
    return [back, None] if k == 0 else [None, back]


register(
    Primitive(
        name="convolve",
        type=_type,
        value=_value,
        family="contraction",
        jvp=_jvp,
        transpose=_transpose,
        batch=lambda b, node, inputs, batched, size: b.convolve(*align(b, inputs, batched, size)),
        taylor=product,
        pattern=convolved,
    )
)
