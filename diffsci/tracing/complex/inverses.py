"""Inverse trigonometric and hyperbolic functions of complex numbers, and those that follow by rotation.

W. Kahan, "Branch cuts for complex elementary functions", in The State of the Art in Numerical Analysis
(1987). With iz for z a circular function becomes a hyperbolic one: tan z = -i tanh(iz).
"""

from __future__ import annotations

from collections.abc import Callable

from diffsci.graph import Node
from diffsci.tracing.complex.emitter import Emitter, Pair
from diffsci.tracing.complex.formulas import FORMULAS, sqrt, tanh

__all__ = ["arccos", "arccosh", "arcsin", "arctanh"]


def _rotated(formula: Callable) -> Callable:
    """Turn by a right angle: z -> -i f(iz)."""

    def turned(b: Emitter, z: Pair) -> Pair:
        re, im = formula(b, (b.neg(z[1]), z[0]))
        return im, b.neg(re)

    return turned


def _real_product(b: Emitter, z: Pair, w: Pair) -> Node:
    """Re(z w)."""
    return b.sub(b.mul(z[0], w[0]), b.mul(z[1], w[1]))


def _imag_of_conjugate(b: Emitter, z: Pair, w: Pair) -> Node:
    """Im(conj(z) w)."""
    return b.sub(b.mul(z[0], w[1]), b.mul(z[1], w[0]))


def _roots(b: Emitter, z: Pair) -> tuple[Pair, Pair]:
    """sqrt(1 - z) and sqrt(1 + z); negating the imaginary part tells the sides of the cuts."""
    x, y = z
    one = b.full(x, 1.0)
    return sqrt(b, (b.sub(one, x), b.neg(y))), sqrt(b, (b.add(one, x), y))


def arcsin(b: Emitter, z: Pair) -> Pair:
    left, right = _roots(b, z)
    return b.arctan2(z[0], _real_product(b, left, right)), b.arcsinh(_imag_of_conjugate(b, left, right))


def arccos(b: Emitter, z: Pair) -> Pair:
    left, right = _roots(b, z)
    angle = b.scaled(b.arctan2(left[0], right[0]), 2.0)
    return angle, b.arcsinh(_imag_of_conjugate(b, right, left))


def arccosh(b: Emitter, z: Pair) -> Pair:
    x, y = z
    left, right = sqrt(b, (b.shifted(x, -1.0), y)), sqrt(b, (b.shifted(x, 1.0), y))
    size = b.add(b.mul(left[0], right[0]), b.mul(left[1], right[1]))
    return b.arcsinh(size), b.scaled(b.arctan2(left[1], right[0]), 2.0)


def arctanh(b: Emitter, z: Pair) -> Pair:
    """Odd in x, so computed on the right: log1p(4 |x| / ((1 - |x|)^2 + y^2)) / 4 loses no digits near 0."""
    x, y = z
    right = b.ge(x, b.full(x, 0.0))
    size = b.select(right, x, b.neg(x))
    gap = b.sub(b.full(x, 1.0), size)
    height = b.mul(y, y)
    distance = b.add(b.mul(gap, gap), height)
    re = b.scaled(b.log1p(b.div(b.scaled(size, 4.0), distance)), 0.25)
    angle = b.arctan2(b.scaled(y, 2.0), b.sub(b.mul(gap, b.shifted(size, 1.0)), height))
    return b.select(right, re, b.neg(re)), b.scaled(angle, 0.5)


FORMULAS.update(
    tan=_rotated(tanh),
    arcsin=arcsin,
    arccos=arccos,
    arccosh=arccosh,
    arctanh=arctanh,
    arcsinh=_rotated(arcsin),
    arctan=_rotated(arctanh),
)
