"""Elementwise functions of complex numbers as formulas on their parts.

A formula takes an emitter and pairs ``(re, im)`` and returns a pair, ``im`` being None for a real
result. Branch cuts and signs of zero are those of C99, Annex G, and of
W. Kahan, "Branch cuts for complex elementary functions", in The State of the Art in Numerical
Analysis (1987). Where a formula selects, both branches agree with their derivatives, so the derivative
of the program is that of the function.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from diffsci.graph import Node
from diffsci.tracing.complex.emitter import Emitter, Pair

__all__ = ["FORMULAS", "SMALL_POWER", "divide", "exp", "integer_power", "log", "multiply", "select", "sqrt"]

SMALL_POWER = 100  # larger whole powers go through the logarithm, as in NumPy


def whole(b: Emitter, z: Pair) -> Pair:
    """Return a pair with an imaginary part."""
    return (z[0], b.full(z[0], 0.0)) if z[1] is None else z


def select(b: Emitter, condition: Node, z: Pair, w: Pair) -> Pair:
    return b.select(condition, z[0], w[0]), b.select(condition, z[1], w[1])


def _by_parts(name: str) -> Callable:
    def formula(b: Emitter, *operands: Pair) -> Pair:
        operands = [whole(b, z) for z in operands]
        emit = getattr(b, name)
        return emit(*(z[0] for z in operands)), emit(*(z[1] for z in operands))

    return formula


def multiply(b: Emitter, z: Pair, w: Pair) -> Pair:
    (x, y), (u, v) = z, w
    if y is None and v is None:
        return whole(b, (b.mul(x, u), None))
    if y is None:
        return b.mul(x, u), b.mul(x, v)
    if v is None:
        return b.mul(x, u), b.mul(y, u)
    return b.sub(b.mul(x, u), b.mul(y, v)), b.add(b.mul(x, v), b.mul(y, u))


def divide(b: Emitter, z: Pair, w: Pair) -> Pair:
    """R. L. Smith, "Algorithm 116: complex division", CACM 5 (1962): the larger part divides the smaller."""
    (x, y), (u, v) = z, w
    if v is None:
        return b.div(x, u), b.full(x, 0.0) if y is None else b.div(y, u)
    flat = b.ge(b.abs(u), b.abs(v))
    big, small = b.select(flat, u, v), b.select(flat, v, u)
    ratio = b.select(b.eq(big, b.full(big, 0.0)), b.full(big, 0.0), b.div(small, big))
    scale = b.div(b.full(big, 1.0), b.add(big, b.mul(small, ratio)))
    if y is None:
        by_ratio = b.mul(x, ratio)
        re, im = b.select(flat, x, by_ratio), b.neg(b.select(flat, by_ratio, x))
    else:
        first, second = b.select(flat, x, y), b.select(flat, y, x)
        re = b.add(first, b.mul(second, ratio))
        im = b.sub(second, b.mul(first, ratio))
        im = b.select(flat, im, b.neg(im))
    return b.mul(re, scale), b.mul(im, scale)


def square(b: Emitter, z: Pair) -> Pair:
    x, y = z
    product = b.mul(x, y)
    return b.sub(b.mul(x, x), b.mul(y, y)), b.add(product, product)


def integer_power(b: Emitter, z: Pair, exponent: int) -> Pair:
    """Repeated squaring; NumPy multiplies in the same order."""
    n = abs(exponent)
    if n >= SMALL_POWER:
        x = z[0]
        return power(b, z, (b.full(x, float(exponent)), None))
    result: Pair | None = None
    while n:
        if n & 1:
            result = z if result is None else multiply(b, result, z)
        n >>= 1
        z = square(b, z) if n else z
    one = b.full(z[0], 1.0)
    if result is None:
        return one, b.full(one, 0.0)
    return divide(b, (one, None), result) if exponent < 0 else result


def exp(b: Emitter, z: Pair) -> Pair:
    """On the real axis the imaginary part is 0 even where the real part overflows."""
    x, y = z
    size, sine = b.exp(x), b.sin(y)
    zero = b.eq(sine, b.full(y, 0.0))
    overflow = b.logical_and(zero, b.isinf(size))
    return b.mul(size, b.cos(y)), b.select(overflow, b.full(y, 0.0), b.mul(size, sine))


def exp2(b: Emitter, z: Pair) -> Pair:
    factor = math.log(2.0)
    return exp(b, (b.scaled(z[0], factor), b.scaled(z[1], factor)))


def expm1(b: Emitter, z: Pair) -> Pair:
    """E^x cos y - 1 = (e^x - 1) cos y - 2 sin(y/2)^2: no digits are lost near 0."""
    x, y = z
    half = b.sin(b.scaled(y, 0.5))
    loss = b.scaled(b.mul(half, half), 2.0)
    return b.sub(b.mul(b.expm1(x), b.cos(y)), loss), b.mul(b.exp(x), b.sin(y))


def _size(b: Emitter, z: Pair) -> Node:
    return b.abs(z[0]) if z[1] is None else b.hypot(*z)


def _log_size(b: Emitter, x: Node, y: Node) -> Node:
    """log|z|; near the unit circle |z|^2 - 1 is computed without cancellation."""
    size = b.hypot(x, y)
    flat = b.ge(b.abs(x), b.abs(y))
    big, small = b.select(flat, x, y), b.select(flat, y, x)
    excess = b.add(b.mul(b.shifted(big, -1.0), b.shifted(big, 1.0)), b.mul(small, small))
    near = b.logical_and(b.gt(size, b.full(size, 0.7)), b.lt(size, b.full(size, 1.5)))
    return b.select(near, b.scaled(b.log1p(excess), 0.5), b.log(size))


def log(b: Emitter, z: Pair) -> Pair:
    x, y = whole(b, z)
    return _log_size(b, x, y), b.arctan2(y, x)


def _log_base(base: float) -> Callable:
    def formula(b: Emitter, z: Pair) -> Pair:
        x, y = log(b, z)
        return b.scaled(x, 1.0 / math.log(base)), b.scaled(y, 1.0 / math.log(base))

    return formula


def log1p(b: Emitter, z: Pair) -> Pair:
    """|1 + z|^2 - 1 = x (2 + x) + y^2, used where z is small."""
    x, y = z
    moved = b.shifted(x, 1.0)
    small = b.lt(b.hypot(x, y), b.full(x, 0.5))
    excess = b.add(b.mul(x, b.shifted(x, 2.0)), b.mul(y, y))
    near = b.scaled(b.log1p(b.select(small, excess, b.full(x, 0.0))), 0.5)
    return b.select(small, near, _log_size(b, moved, y)), b.arctan2(y, moved)


def sqrt(b: Emitter, z: Pair) -> Pair:
    """Kahan (1987), without scaling: one part by a square root, the other by y over twice that root."""
    x, y = z
    zero = b.full(x, 0.0)
    right = b.ge(x, zero)
    size = b.add(b.scaled(b.hypot(x, y), 0.5), b.scaled(b.select(right, x, b.neg(x)), 0.5))
    root = b.sqrt(size)
    signed = b.copysign(root, y)
    other = b.div(b.scaled(y, 0.5), b.select(right, root, signed))
    other = b.select(b.eq(size, zero), y, other)
    return b.select(right, root, other), b.select(right, other, signed)


def power(b: Emitter, z: Pair, w: Pair) -> Pair:
    """Exp(w log z). At z = 0: 1 for w = 0, 0 where the real part of w is positive, else NaN, as in NumPy."""
    z = whole(b, z)
    result = exp(b, multiply(b, w, log(b, z)))
    zero, u = b.full(z[0], 0.0), w[0]
    none = b.eq(u, zero) if w[1] is None else b.logical_and(b.eq(u, zero), b.eq(w[1], zero))
    nothing = b.logical_and(b.eq(z[0], zero), b.eq(z[1], zero))
    at_zero = b.select(none, b.full(u, 1.0), b.select(b.gt(u, zero), zero, b.full(u, math.nan)))
    rest = b.select(b.logical_or(none, b.gt(u, zero)), zero, b.full(u, math.nan))
    return select(b, nothing, (at_zero, rest), result)


def sin(b: Emitter, z: Pair) -> Pair:
    x, y = z
    return b.mul(b.sin(x), b.cosh(y)), b.mul(b.cos(x), b.sinh(y))


def cos(b: Emitter, z: Pair) -> Pair:
    x, y = z
    return b.mul(b.cos(x), b.cosh(y)), b.neg(b.mul(b.sin(x), b.sinh(y)))


def sinh(b: Emitter, z: Pair) -> Pair:
    x, y = z
    return b.mul(b.sinh(x), b.cos(y)), b.mul(b.cosh(x), b.sin(y))


def cosh(b: Emitter, z: Pair) -> Pair:
    x, y = z
    return b.mul(b.cosh(x), b.cos(y)), b.mul(b.sinh(x), b.sin(y))


def tanh(b: Emitter, z: Pair) -> Pair:
    """(tanh x + i sin y cos y sech^2 x) / (cos^2 y + tanh^2 x sin^2 y): nothing overflows.

    The denominator is also 1 - sech^2 x sin^2 y, whose derivatives keep their digits far from the poles.
    """
    x, y = z
    slope, sine, cosine = b.tanh(x), b.sin(y), b.cos(y)
    twice = b.scaled(x, 2.0)
    decay = b.scaled(b.mul(b.sigmoid(twice), b.sigmoid(b.neg(twice))), 4.0)
    part = b.mul(slope, sine)
    close = b.add(b.mul(cosine, cosine), b.mul(part, part))
    far = b.sub(b.full(x, 1.0), b.mul(decay, b.mul(sine, sine)))
    below = b.select(b.lt(decay, b.full(x, 0.5)), far, close)
    return b.div(slope, below), b.div(b.mul(b.mul(sine, cosine), decay), below)


def sigmoid(b: Emitter, z: Pair) -> Pair:
    """(1 + tanh(z/2)) / 2."""
    re, im = tanh(b, (b.scaled(z[0], 0.5), b.scaled(z[1], 0.5)))
    return b.scaled(b.shifted(re, 1.0), 0.5), b.scaled(im, 0.5)


def sign(b: Emitter, z: Pair) -> Pair:
    """The direction z / |z|, and 0 at 0."""
    size = _size(b, z)
    zero = b.full(size, 0.0)
    nothing = b.eq(size, zero)
    return select(b, nothing, (zero, zero), (b.div(z[0], size), b.div(z[1], size)))


def _both(name: str, join: str) -> Callable:
    """A predicate of a pair: on both parts, joined by `logical_and` or `logical_or`."""

    def formula(b: Emitter, *operands: Pair) -> Pair:
        operands = [whole(b, z) for z in operands]
        emit = getattr(b, name)
        parts = [emit(*(z[k] for z in operands)) for k in (0, 1)]
        return getattr(b, join)(*parts), None

    return formula


FORMULAS: dict[str, Callable[..., Pair]] = {
    "add": _by_parts("add"),
    "sub": _by_parts("sub"),
    "neg": _by_parts("neg"),
    "rint": _by_parts("rint"),
    "stop_gradient": _by_parts("stop_gradient"),
    "mul": multiply,
    "div": divide,
    "pow": power,
    "exp": exp,
    "exp2": exp2,
    "expm1": expm1,
    "log": log,
    "log2": _log_base(2.0),
    "log10": _log_base(10.0),
    "log1p": log1p,
    "sqrt": sqrt,
    "sin": sin,
    "cos": cos,
    "sinh": sinh,
    "cosh": cosh,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "sign": sign,
    "abs": lambda b, z: (_size(b, z), None),
    "eq": _both("eq", "logical_and"),
    "ne": _both("ne", "logical_or"),
    "isnan": _both("isnan", "logical_or"),
    "isinf": _both("isinf", "logical_or"),
    "isfinite": _both("isfinite", "logical_and"),
}
