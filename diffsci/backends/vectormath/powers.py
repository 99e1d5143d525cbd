"""pow and cbrt.

pow is 2**(y log2(x)) with the logarithm and the product as sums of two numbers, which keep eleven bits more
than the result has. Special cases are those of C99, annex F.
Source: J.-M. Muller, Elementary Functions, 3rd ed. (2016), ch. 11; for cbrt, W. Kahan, Computing a Real Cube
Root (1991): a polynomial, an iteration for its error, and a last one with the residual exact.
"""

from __future__ import annotations

import math

from diffsci.backends.vectormath.algebra import (
    Bits,
    Value,
    absolute,
    bits,
    copysign,
    float_from,
    fma,
    isnan,
    nearest,
    polynomial,
    rarely,
    rint,
    select,
    shift_right,
    to_float,
)
from diffsci.backends.vectormath.coefficients import CBRT, LOG2, TWO_BY_LN2, TWO_THIRDS_BY_LN2
from diffsci.backends.vectormath.doubled import Doubled, quick_two_sum, two_product
from diffsci.backends.vectormath.exponentials import exp2_parts, two_steps
from diffsci.backends.vectormath.logarithms import lifted, split

__all__ = ["cbrt", "log2_doubled", "power"]

_NORMAL = {"f8": 1021.0, "f4": 125.0}  # logarithms of normal powers
_BEYOND = {"f8": 1100.0, "f4": 160.0}
_THIRDS = {"f8": 20, "f4": 10}


def power(x: Value, y: Value) -> Value:
    """Return x to the power of y."""
    exponent, rest = _exponent(x, None, y)
    usual = (x >= x.format.smallest_normal) & (x < math.inf) & (absolute(exponent) < _NORMAL[x.format.code])
    value, n = exp2_parts(exponent, rest)
    value = float_from(bits(value) + (n << x.format.fraction))
    return rarely(~usual, lambda: _unusual(x, y), value)


def _exponent(x: Value, less: Bits | None, y: Value) -> Doubled:
    """Return y log2(x) as a sum of two, for a normal number x > 0."""
    high, low = log2_doubled(x, less)
    product, error = two_product(y, high)
    return product, fma(y, low, error)


def log2_doubled(x: Value, less: Bits | None = None) -> Doubled:
    """Return log2(x 2**-less) as a sum of two, for a normal number x > 0, with eleven bits more than one has.

    From S (c + W (c / 3 + W T(W))), where W = S**2 and c = 2 / ln 2.
    """
    code = x.format.code
    z, k = split(x)
    s, s_low = _quotient(z - 1.0)
    w = s * s
    w_low = fma(s + s, s_low, fma(s, s, -w))
    q, q_low = quick_two_sum(TWO_THIRDS_BY_LN2[code][0], w * polynomial(w, LOG2[code]))
    q_low = q_low + TWO_THIRDS_BY_LN2[code][1]
    product, error = two_product(w, q)
    error = fma(w, q_low, fma(w_low, q, error))
    factor, factor_low = quick_two_sum(TWO_BY_LN2[code][0], product)
    factor_low = factor_low + (error + TWO_BY_LN2[code][1])
    product, error = two_product(s, factor)
    error = fma(s, factor_low, fma(s_low, factor, error))
    total, lost = quick_two_sum(to_float(k if less is None else k - less), product)
    return total, lost + error


def _quotient(f: Value) -> Doubled:
    """Return f / (f + 2) as a sum of two."""
    below, below_low = quick_two_sum(2.0, f)
    inverse = 1.0 / below
    s = f * inverse
    return s, fma(-s, below_low, fma(-s, below, f)) * inverse


def _unusual(x: Value, y: Value) -> Value:
    """Return any power, more slowly."""
    size = absolute(x)
    scaled, less = lifted(size)
    exponent, rest = _exponent(scaled, less, y)
    beyond = _BEYOND[x.format.code]
    inside = absolute(exponent) < beyond
    value, n = exp2_parts(select(inside, exponent, copysign(beyond, exponent)), select(inside, rest, 0.0))
    value = two_steps(value, n)
    endless = (absolute(y) == math.inf) | (size == math.inf) | (size == 0.0)
    value = select(endless, select(~((size > 1.0) ^ (y > 0.0)), math.inf, 0.0), value)
    value = select(isnan(x) | isnan(y), x + y, value)
    half, integer = y * 0.5, rint(y) == y
    odd = integer & (rint(half) != half)
    negative = bits(x) < 0
    value = select(negative & odd, -value, value)
    value = select((x < 0.0) & ~integer & (x > -math.inf), math.nan, value)
    return select((x == 1.0) | (y == 0.0) | ((size == 1.0) & (absolute(y) == math.inf)), 1.0, value)


def cbrt(x: Value) -> Value:
    """Return the cube root."""
    size = absolute(x)
    usual = (size >= x.format.smallest_normal) & (size < math.inf)

    def unusual() -> Value:
        thirds = _THIRDS[x.format.code]
        value = _cbrt(size * 2.0 ** (3 * thirds)) * 2.0**-thirds
        return select((size > 0.0) & (size < math.inf), value, x + x)

    return copysign(rarely(~usual, unusual, _cbrt(size)), x)


def _cbrt(x: Value) -> Value:
    """Return the cube root of a normal number, x = 2**(3 q + r) z with r = -1, 0 or 1 and 1 <= z < 2."""
    code, fraction = x.format.code, x.format.fraction
    pattern = bits(x)
    exponent = shift_right(pattern, fraction) - x.format.bias
    z = float_from(pattern - (exponent << fraction))
    _, q = nearest(to_float(exponent) * (1 / 3))
    r = exponent - (q + q + q)
    a = float_from(bits(z) + (r << fraction))
    inverse = polynomial(z, CBRT[code]) * select(r == 0, 1.0, select(r < 0, 2.0 ** (1 / 3), 2.0 ** (-1 / 3)))
    h = fma(-(a * inverse), inverse * inverse, 1.0)  # how much a * inverse**3 lacks of 1
    inverse = fma(inverse, h * fma(h, 2 / 9, 1 / 3), inverse)
    square = inverse * inverse
    root = a * square
    product, error = two_product(root, root)
    residual = fma(-error, root, fma(-product, root, a))
    root = fma(residual, square * (1 / 3), root)
    return float_from(bits(root) + (q << fraction))
