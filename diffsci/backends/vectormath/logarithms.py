"""log, log1p, log2 and log10: the exponent, and the logarithm of what is near one by artanh.

With z = x / 2**k between sqrt(1/2) and sqrt(2), f = z - 1 and s = f / (2 + f), log(z) = 2 artanh(s) is
f - (f**2 / 2 - s (f**2 / 2 + R(s**2))), which keeps the digits of f.
Source: P. T. P. Tang, ACM Transactions on Mathematical Software 16 (1990); J.-M. Muller, Elementary
Functions, 3rd ed. (2016), ch. 11. The two formats differ in the coefficients only.
"""

from __future__ import annotations

import math

from diffsci.backends.vectormath.algebra import (
    Bits,
    Mask,
    Value,
    bits,
    constant,
    copysign,
    float_from,
    fma,
    polynomial,
    rarely,
    select,
    to_float,
)
from diffsci.backends.vectormath.coefficients import INVERSE_LN2, INVERSE_LN10, LN2, LOG, LOG10_2_SHORT
from diffsci.backends.vectormath.doubled import Doubled, quick_two_sum, two_product, two_sum

__all__ = [
    "lifted",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_doubled",
    "log_of_large",
    "log_of_sum",
    "split",
    "within_logs",
]

_ROOT_HALF = {"f8": 0x3FE6A09E667F3BCD, "f4": 0x3F3504F3}  # the bits of sqrt(1/2)
_LARGE = {"f8": 2.0**1000, "f4": 2.0**120}


def log(x: Value) -> Value:
    """Return the natural logarithm."""

    def near_zero() -> Value:
        scaled, less = lifted(x)
        return within_logs(x, _log(scaled, less))

    return rarely(~_is_usual(x), near_zero, _log(x, None))


def log2(x: Value) -> Value:
    """Return the logarithm to base 2."""
    return _of_base(x, _log2)


def log10(x: Value) -> Value:
    """Return the logarithm to base 10."""
    return _of_base(x, _log10)


def log1p(x: Value) -> Value:
    """Return log(1 + x), accurate near zero as well."""
    high, low = two_sum(x, 1.0)
    usual = (x > -1.0) & (x < _LARGE[x.format.code])
    value = rarely(~usual, lambda: within_logs(x + 1.0, _log(x, None)), log_of_sum(high, low))
    return copysign(value, x)


def log_of_sum(high: Value, low: Value) -> Value:
    """Return log(high + low) for a normal number and one that its last place does not show.

    The result keeps the digits of high + low - 1 where that is small.
    """
    z, k = split(high)
    rest = low * float_from(k.format.one_bits - (k << k.format.fraction))
    f = z - 1.0
    s, half, tail = _tail(f)
    rest = rest * fma(s, fma(s, 2.0, -2.0), 1.0)  # divided by z: 1 / z = 1 - 2 s + 2 s**2 - ...
    return _joined(to_float(k), f, half, fma(s, half + tail, rest))


def log_of_large(x: Value, more: int) -> Value:
    """Return log(2**more * x) for a normal number."""
    return _log(x, constant(-more, bits(x)))


def split(x: Value) -> tuple[Value, Bits]:
    """Return z between sqrt(1/2) and sqrt(2), and k, with x = z * 2**k; for normal numbers."""
    pattern, fraction = bits(x), x.format.fraction
    k = (pattern - _ROOT_HALF[x.format.code]) >> fraction
    return float_from(pattern - (k << fraction)), k


def lifted(x: Value) -> tuple[Value, Bits]:
    """Return x times a power of two that makes it a normal number, and the exponent of that power."""
    more = x.format.fraction + 2
    tiny, pattern = x < x.format.smallest_normal, bits(x)
    return select(tiny, x * 2.0**more, x), select(tiny, constant(more, pattern), constant(0, pattern))


def log_doubled(x: Value) -> Doubled:
    """Return log(x) as a sum of two for 0 < x < inf, within 1/20 of a unit in the last place of the first."""
    scaled, less = lifted(x)
    f, k = _split(scaled, less)
    high, low = _doubled(f)
    first, second = LN2[x.format.code]
    product, error = two_product(k, first)
    total, lost = quick_two_sum(product, high)
    return quick_two_sum(total, lost + (error + fma(k, second, low)))


def within_logs(x: Value, value: Value) -> Value:
    """Return the value where 0 < x < inf, and -inf, NaN, inf where they belong."""
    return select(x > 0.0, select(x < math.inf, value, x), select(x == 0.0, -math.inf, math.nan))


def _is_usual(x: Value) -> Mask:
    return (x >= x.format.smallest_normal) & (x < math.inf)


def _of_base(x: Value, write) -> Value:
    def near_zero() -> Value:
        scaled, less = lifted(x)
        return within_logs(x, write(scaled, less))

    return rarely(~_is_usual(x), near_zero, write(x, None))


def _tail(f: Value) -> tuple[Value, Value, Value]:
    """Return s, f**2 / 2, and R with log(1 + f) = f - (f**2 / 2 - s (f**2 / 2 + R))."""
    s = f / (f + 2.0)
    w = s * s
    return s, (f * f) * 0.5, w * polynomial(w, LOG[f.format.code])


def _joined(k: Value, f: Value, half: Value, rest: Value) -> Value:
    high, low = LN2[f.format.code]
    return fma(k, high, f - (half - fma(k, low, rest)))


def _split(x: Value, less: Bits | None) -> tuple[Value, Value]:
    z, k = split(x)
    return z - 1.0, to_float(k if less is None else k - less)


def _log(x: Value, less: Bits | None) -> Value:
    f, k = _split(x, less)
    s, half, tail = _tail(f)
    return _joined(k, f, half, s * (half + tail))


def _doubled(f: Value) -> tuple[Value, Value]:
    """Return log(1 + f) as a sum of two."""
    s, half, tail = _tail(f)
    high = f - half
    return high, ((f - high) - half) + s * (half + tail)


def _log2(x: Value, less: Bits | None) -> Value:
    f, k = _split(x, less)
    product, error = _times(*_doubled(f), INVERSE_LN2)
    total, lost = quick_two_sum(k, product)
    return total + (lost + error)


def _log10(x: Value, less: Bits | None) -> Value:
    f, k = _split(x, less)
    product, error = _times(*_doubled(f), INVERSE_LN10)
    high, low = LOG10_2_SHORT[f.format.code]
    total, lost = quick_two_sum(k * high, product)
    return total + (lost + fma(k, low, error))


def _times(high: Value, low: Value, factor: dict) -> tuple[Value, Value]:
    first, second = factor[high.format.code]
    product, error = two_product(high, first)
    return product, fma(high, second, fma(low, first, error))
