"""Deviations from the mean, the sum of their squares, and its root, to the last digits of the data.

The two-pass algorithm with a correction (T. F. Chan, G. H. Golub and R. J. LeVeque, The American
Statistician 37 (1983)): deviations from a rounded mean, less their own mean. That one is a sum of numbers
that nearly cancel. It is taken of the leading and the trailing parts of the numbers, split such that the
leading parts have an exact sum (S. M. Rump, T. Ogita and S. Oishi, SIAM J. Sci. Comput. 31 (2008)), and
differences carry their rounding errors along (D. E. Knuth, The Art of Computer Programming 2, 4.2.2). A
deviation is right to its last digits even where the number is next to the mean.
"""

from __future__ import annotations

import math

import numpy as np

from diffsci.graph import Builder, Node, lookup
from diffsci.primitives.lengths import direction, length, over, register_along_axes
from diffsci.primitives.shared import full_like
from diffsci.primitives.special.terms import Term, f

HUGE, TINY = 2.0**900, 2.0**-900  # beyond them sums may overflow, and quotients become subnormal
DOWN, UP = 2.0**-200, 2.0**100


def _count(x: Node, axes: tuple[int, ...]) -> int:
    return math.prod(x.shape[axis] for axis in axes)


def _difference(x: Term, y: Term) -> tuple[Term, Term]:
    """The rounded difference, and its error."""
    total = x - y
    part = total - x
    return total, (x - (total - part)) - (y + part)


def _mean_of_small(x: Term, errors: Term, axes: tuple[int, ...]) -> Term:
    """The mean of numbers with errors; it may be far smaller than they are."""
    count = _count(x.node, axes)
    shift = over("max", f.abs(x), axes) * 2.0 ** (count.bit_length() + 2)
    leading = (shift + x) - shift
    rest = (x - leading) + errors
    return (over("sum", leading, axes) + over("sum", rest, axes)) / float(count)


def _scaled_deviation(x: Term, axes: tuple[int, ...]) -> tuple[Term, Term]:
    """Deviations times a power of two, and the power of two that undoes it."""
    size = over("max", f.abs(x), axes)
    huge, tiny, one = size > HUGE, size < TINY, f.like(size, 1.0)
    scaled = x * f.where(huge, DOWN, f.where(tiny, UP, one))
    center = over("sum", scaled, axes) / float(_count(x.node, axes))
    apart, errors = _difference(scaled, center)
    apart, more = _difference(apart, _mean_of_small(apart, errors, axes))
    return apart + (errors + more), f.where(huge, 1 / DOWN, f.where(tiny, 1 / UP, one))


def _deviation(x: Term, *, axes: tuple[int, ...], factor: float = 1.0) -> Term:
    """Deviations times a factor, which may keep them from overflowing."""
    if 0 in x.node.shape:
        return x
    apart, back = _scaled_deviation(x, axes)
    return apart * (back * factor)


def _variance(x: Term, *, axes: tuple[int, ...], freedom: float) -> Term:
    apart = _deviation(x, axes=axes)
    if freedom == 0:
        return f.sum(apart * apart, axes=axes) / 0.0
    return f.sum(apart * (apart / freedom), axes=axes)


def _standard_deviation(x: Term, *, axes: tuple[int, ...], freedom: float) -> Term:
    if 0 in x.node.shape:
        return length(x, axes=axes) / freedom**0.5
    apart, back = _scaled_deviation(x, axes)
    return length(apart, axes=axes) / freedom**0.5 * f.max(back, axes=axes)


def _deviation_direction(x: Term, *, axes: tuple[int, ...]) -> Term:
    return x if 0 in x.node.shape else direction(_scaled_deviation(x, axes)[0], axes=axes)


def _deviation_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    return b.deviation(t[0], **node.params)


def _deviation_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node]:
    """It is symmetric: the projection on vectors whose sum is 0."""
    return [b.deviation(ct, **node.params)]


def _variance_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    """The slope is 2 deviation / freedom: the deviations of deviations are themselves."""
    axes, freedom = node.params["axes"], node.params["freedom"]
    slope = b.deviation(node.inputs[0], axes=axes, factor=2 / freedom if freedom else math.inf)
    return b.sum(b.mul(slope, t[0]), axes=axes)


def _standard_deviation_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    x, axes, freedom = node.inputs[0], node.params["axes"], node.params["freedom"]
    factor = freedom**-0.5 if freedom else math.inf
    slope = b.mul(full_like(b, x, factor), b.deviation_direction(x, axes=axes))
    return b.sum(b.mul(slope, t[0]), axes=axes)


def _deviation_direction_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    x, axes = node.inputs[0], node.params["axes"]
    apart, moved = (b.deviation(z, axes=axes, factor=1.0) for z in (x, t[0]))
    return b.direction_tangent(apart, moved, axes=axes)


def _continued_deviation(z, *, axes, factor=1.0):
    return (z - np.mean(z, axis=axes, keepdims=True)) * factor


def _continued_variance(z, *, axes, freedom):
    return np.sum(_continued_deviation(z, axes=axes) ** 2, axis=axes) / np.float64(freedom)


def _continued_standard_deviation(z, *, axes, freedom):
    return lookup("length").value(_continued_deviation(z, axes=axes), axes=axes) / np.float64(freedom) ** 0.5


def _continued_deviation_direction(z, *, axes):
    return lookup("direction").value(_continued_deviation(z, axes=axes), axes=axes)


register_along_axes("deviation", _deviation, _continued_deviation, _deviation_jvp, _deviation_transpose)
register_along_axes("variance", _variance, _continued_variance, _variance_jvp, reduces=True)
register_along_axes(
    "standard_deviation",
    _standard_deviation,
    _continued_standard_deviation,
    _standard_deviation_jvp,
    reduces=True,
)
register_along_axes(
    "deviation_direction", _deviation_direction, _continued_deviation_direction, _deviation_direction_jvp
)
