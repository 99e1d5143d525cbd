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
from diffsci.primitives.lengths import length, over, register_along_axes
from diffsci.primitives.shared import full_like
from diffsci.primitives.special.terms import Term, f

HUGE, DOWN, UP = 2.0**900, 2.0**-200, 2.0**200


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


def _deviation(x: Term, *, axes: tuple[int, ...]) -> Term:
    if 0 in x.node.shape:
        return x
    size = over("max", f.abs(x), axes)
    huge = size > HUGE
    scaled = x * f.where(huge, DOWN, f.like(size, 1.0))
    center = over("sum", scaled, axes) / float(_count(x.node, axes))
    apart, errors = _difference(scaled, center)
    apart, more = _difference(apart, _mean_of_small(apart, errors, axes))
    return (apart + (errors + more)) * f.where(huge, UP, f.like(size, 1.0))


def _scatter(x: Term, *, axes: tuple[int, ...]) -> Term:
    apart = _deviation(x, axes=axes)
    return f.sum(apart * apart, axes=axes)


def _spread(x: Term, *, axes: tuple[int, ...]) -> Term:
    return length(_deviation(x, axes=axes), axes=axes)


def _deviation_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    return b.deviation(t[0], axes=node.params["axes"])


def _deviation_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node]:
    """It is symmetric: the projection on vectors whose sum is 0."""
    return [b.deviation(ct, axes=node.params["axes"])]


def _scatter_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    x, axes = node.inputs[0], node.params["axes"]
    slope = b.mul(full_like(b, x, 2.0), b.deviation(x, axes=axes))
    return b.sum(b.mul(slope, t[0]), axes=axes)


def _spread_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    x, axes = node.inputs[0], node.params["axes"]
    return b.sum(b.mul(b.direction(b.deviation(x, axes=axes), axes=axes), t[0]), axes=axes)


def _continued_deviation(z, *, axes):
    return z - np.mean(z, axis=axes, keepdims=True)


def _continued_scatter(z, *, axes):
    return np.sum(_continued_deviation(z, axes=axes) ** 2, axis=axes)


def _continued_spread(z, *, axes):
    return lookup("length").value(_continued_deviation(z, axes=axes), axes=axes)


register_along_axes("deviation", _deviation, _continued_deviation, _deviation_jvp, _deviation_transpose)
register_along_axes("scatter", _scatter, _continued_scatter, _scatter_jvp, reduces=True)
register_along_axes("spread", _spread, _continued_spread, _spread_jvp, reduces=True)
