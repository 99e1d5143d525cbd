"""sinh, cosh, tanh and their inverses.

With x = n ln 2 + r, both hyperbolic functions of x are combinations of those of r with the factors
(2**n + 2**-n) / 2 and (2**n - 2**-n) / 2: one reduction and no division. The inverses are logarithms of sums
of two numbers. Source: J.-M. Muller, Elementary Functions, 3rd ed. (2016), ch. 11.
"""

from __future__ import annotations

import math

from diffsci.backends.vectormath.algebra import (
    Mask,
    Value,
    absolute,
    bits,
    constant,
    copysign,
    fma,
    polynomial,
    rarely,
    select,
    sqrt,
    to_float,
)
from diffsci.backends.vectormath.coefficients import ARCTANH, COSH, LN2, SINH
from diffsci.backends.vectormath.doubled import Doubled, quick_two_sum, two_product, two_sum
from diffsci.backends.vectormath.exponentials import expm1_parts, huge_exp, power_of_two, reduced
from diffsci.backends.vectormath.logarithms import log_of_large, log_of_sum

__all__ = ["arccosh", "arcsinh", "arctanh", "cosh", "sinh", "sinh_cosh", "tanh"]

_NORMAL = {"f8": 707.0, "f4": 86.0}  # exp of what is smaller, and of its negative, is far from the ends
_ONE = {"f8": 20.0, "f4": 10.0}  # tanh of what is larger is 1
_LARGE = {"f8": 2.0**500, "f4": 2.0**60}  # squares of what is smaller do not overflow


def sinh(x: Value) -> Value:
    """Return the hyperbolic sine."""
    return _sinh(x, *_parts(x))


def cosh(x: Value) -> Value:
    """Return the hyperbolic cosine."""
    return _cosh(x, *_parts(x))


def sinh_cosh(x: Value) -> tuple[Value, Value]:
    """Return the hyperbolic sine and cosine, for little more than one of them costs."""
    parts = _parts(x)
    return _sinh(x, *parts), _cosh(x, *parts)


def _sinh(x: Value, r: Value, sine: Value, cosine: Value, total: Value, difference: Value) -> Value:
    high, low = _sum(difference, total, r)
    value = high + (low + fma(total, sine, difference * cosine))
    return copysign(rarely(_is_large(x), lambda: huge_exp(absolute(x), halved=True), value), x)


def _cosh(x: Value, r: Value, sine: Value, cosine: Value, total: Value, difference: Value) -> Value:
    high, low = _sum(total, difference, r)
    value = high + (low + fma(difference, sine, total * cosine))
    return rarely(_is_large(x), lambda: huge_exp(absolute(x), halved=True), value)


def _is_large(x: Value) -> Mask:
    return ~(absolute(x) < _NORMAL[x.format.code])


def _parts(x: Value) -> tuple[Value, Value, Value, Value, Value]:
    """Return r, sinh(r) - r, cosh(r) - 1, and the sum and the difference of 2**n / 2 and 2**-n / 2."""
    r, lost, total, difference = _factors(x)
    return r, *_small(r, lost), total, difference


def _factors(x: Value) -> tuple[Value, Value, Value, Value]:
    """Return r, what its rounding lost, and the sum and the difference of 2**n / 2 and 2**-n / 2."""
    r, lost, n = reduced(x)
    up, down = power_of_two(n - 1), power_of_two(-1 - n)
    return r, lost, up + down, up - down


def _small(r: Value, lost: Value) -> Doubled:
    """Return sinh(r + lost) - r and cosh(r) - 1."""
    code = r.format.code
    w = r * r
    sine = fma(r * w, polynomial(w, SINH[code]), lost)
    return sine, fma(w * w, polynomial(w, COSH[code]), w * 0.5)


def _sum(whole: Value, factor: Value, r: Value) -> Doubled:
    """Return whole + factor * r, where whole is 0 or larger in size, as a sum of two."""
    high = fma(factor, r, whole)
    return high, fma(factor, r, whole - high)


def tanh(x: Value) -> Value:
    """Return the hyperbolic tangent: -t / (2 + t) with t = expm1(-2 |x|), as a quotient of sums of two."""
    size = absolute(x)
    one = _ONE[x.format.code]
    high, low = expm1_parts(select(size > one, one, size) * -2.0)
    top = high + low
    top_low = (high - top) + low
    below, below_low = quick_two_sum(2.0, top)
    below_low = below_low + top_low
    inverse = 1.0 / below
    quotient = top * inverse
    rest = fma(-quotient, below, top) + fma(-quotient, below_low, top_low)
    return copysign(fma(rest, inverse, quotient), x)


def arcsinh(x: Value) -> Value:
    """Return the inverse hyperbolic sine: log(|x| + sqrt(x**2 + 1))."""
    size = absolute(x)
    square, error = two_product(size, size)
    under, lost = two_sum(square, 1.0)
    root = sqrt(under)
    root_low = (fma(-root, root, under) + (error + lost)) / (root + root)
    high, low = quick_two_sum(root, size)
    value = log_of_sum(high, low + root_low)
    usual = size < _LARGE[x.format.code]
    return copysign(rarely(~usual, lambda: _log_of_double(size), value), x)


def arccosh(x: Value) -> Value:
    """Return the inverse hyperbolic cosine: log(x + sqrt(x**2 - 1))."""
    square, error = two_product(x, x)
    under, lost = quick_two_sum(square, constant(-1.0, x))
    root = sqrt(under)
    residual = fma(-root, root, under) + (error + lost)
    root_low = residual / (root + (root + x.format.smallest_normal))  # also where the root is 0
    high, low = quick_two_sum(x, root)
    value = log_of_sum(high, low + root_low)
    usual = (x >= 1.0) & (x < _LARGE[x.format.code])
    return rarely(~usual, lambda: select(x >= 1.0, _log_of_double(x), math.nan), value)


def _log_of_double(x: Value) -> Value:
    """Return log(2 x) of a large number."""
    return select(x < math.inf, log_of_large(x, 1), x)


def arctanh(x: Value) -> Value:
    """Return the inverse hyperbolic tangent.

    With a = 1 + |x|, b = 1 - |x| and c = 2**k b near a, it is k ln(2) / 2 + artanh((a - c) / (a + c)).
    """
    code, fraction = x.format.code, x.format.fraction
    size = absolute(x)
    a, b = size + 1.0, 1.0 - size
    a_low, b_low = size - (a - 1.0), (1.0 - b) - size
    k = (bits(a) - bits(b) + (3 << fraction - 3)) >> fraction  # sums are more exact than differences
    factor = power_of_two(k)
    top = fma(-factor, b, a) + fma(-factor, b_low, a_low)
    s = top / fma(factor, b, a)
    w = s * s
    high, low = (0.5 * part for part in LN2[code])
    k = to_float(k)
    value = fma(k, high, s + fma(k, low, (s * w) * polynomial(w, ARCTANH[code])))
    usual = size < 1.0
    return copysign(rarely(~usual, lambda: select(size == 1.0, math.inf, math.nan), value), x)
