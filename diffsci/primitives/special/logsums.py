"""What sums of exponentials and lengths need to keep their digits at the extremes, at every order."""

from __future__ import annotations

import math

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.shared import batch_elementwise, same_types
from diffsci.primitives.special.terms import f, row

LOG_TWO = math.log(2.0)


def _difference(x, y):
    """X - y, where equal infinities have no difference."""
    return np.where(x == y, np.zeros((), np.result_type(x, y)), x - y)


def _difference_type(x: Type, y: Type) -> Type:
    common = same_types(x, y)
    if not common.is_float:
        raise TypeError(f"expected floats, got {common}")
    return common


def _difference_jvp(b: Builder, node: Node, tangents: list[Node | None]) -> Node | None:
    first, second = tangents
    if first is None or second is None:
        return first if second is None else b.neg(second)
    return b.sub(first, second)


register(
    Primitive(
        name="difference",
        type=_difference_type,
        value=_difference,
        family="elementwise",
        jvp=_difference_jvp,
        batch=batch_elementwise,
    )
)


def _base_two_weight(x, y):
    """2**x / (2**x + 2**y)."""
    return f.sigmoid(LOG_TWO * f.difference(x, y))


def _logaddexp2(x, y):
    if np.iscomplexobj(x) or np.iscomplexobj(y):
        return np.log2(np.exp2(x) + np.exp2(y))
    return np.logaddexp2(x, y)


def _cosine(x, y):
    """X / hypot(x, y), 0 at the origin."""
    radius = np.sqrt(x * x + y * y) if np.iscomplexobj(x) or np.iscomplexobj(y) else np.hypot(x, y)
    return x / np.where(radius == 0, 1.0, radius)


def _safe_radius(x, y):
    radius = f.hypot(x, y)
    return f.where(f.eq(radius, 0.0), 1.0, radius)


row(
    "logaddexp2",
    _logaddexp2,
    lambda x, y, z: _base_two_weight(x, y),
    lambda x, y, z: _base_two_weight(y, x),
)

# The slopes of hypot. Written by sines and cosines of the angle, second derivatives do not cancel.
row(
    "cosine_of",
    _cosine,
    lambda x, y, c: f.cosine_of(y, x) ** 2 / _safe_radius(x, y),
    lambda x, y, c: -c * f.cosine_of(y, x) / _safe_radius(x, y),
)
