"""exp, exp2 and expm1: a power of two times a polynomial.

Source: W. J. Cody and W. Waite, Software Manual for the Elementary Functions (1980), ch. 6, with the
reduction by fused multiply-adds of J.-M. Muller, Elementary Functions, 3rd ed. (2016), ch. 11.
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
    nearest,
    polynomial,
    rarely,
    select,
)
from diffsci.backends.vectormath.coefficients import EXP, EXP2, EXPM1, LN2
from diffsci.backends.vectormath.doubled import Doubled, two_sum

__all__ = [
    "clamped",
    "exp",
    "exp2",
    "exp2_parts",
    "expm1",
    "expm1_parts",
    "huge_exp",
    "power_of_two",
    "reduced",
    "two_steps",
]

_NORMAL = {"f8": 708.0, "f4": 87.0}  # exp of what is smaller, and of its negative, is a normal number
_NORMAL_EXP2 = {"f8": 1022.0, "f4": 126.0}
_ENDS = {"f8": (-746.0, 711.5), "f4": (-104.5, 91.0)}  # exp is 0 below, and infinite above, even halved
_ENDS_EXP2 = {"f8": (-1076.0, 1025.0), "f4": (-151.0, 129.0)}

Parts = tuple[Value, Bits]  # v and n, which stand for v * 2**n


def exp(x: Value) -> Value:
    """Return e to the power of x."""
    usual = absolute(x) < _NORMAL[x.format.code]
    return rarely(~usual, lambda: huge_exp(x), _scaled(*_exp_parts(x)))


def exp2(x: Value) -> Value:
    """Return 2 to the power of x."""
    code = x.format.code
    usual = absolute(x) < _NORMAL_EXP2[code]

    def extreme() -> Value:
        return two_steps(*exp2_parts(clamped(x, *_ENDS_EXP2[code])))

    return rarely(~usual, extreme, _scaled(*exp2_parts(x)))


def expm1(x: Value) -> Value:
    """Return exp(x) - 1, accurate near zero as well."""
    usual = absolute(x) < _NORMAL[x.format.code]
    high, low = expm1_parts(x)
    return copysign(rarely(~usual, lambda: huge_exp(x) - 1.0, high + low), x)


def reduced(x: Value) -> tuple[Value, Value, Bits]:
    """Return r, what its rounding lost, and n with x = n ln 2 + r, |r| <= ln(2) / 2."""
    high, low = LN2[x.format.code]
    whole, n = nearest(x * (1 / math.log(2)))
    exact = fma(whole, -high, x)
    r = fma(whole, -low, exact)
    return r, fma(whole, -low, exact - r), n


def _exp_parts(x: Value) -> Parts:
    high, low = LN2[x.format.code]
    whole, n = nearest(x * (1 / math.log(2)))
    r = fma(whole, -low, fma(whole, -high, x))
    return polynomial(r, [1.0, 1.0, *EXP[x.format.code]]), n


def exp2_parts(x: Value, rest: Value | None = None) -> Parts:
    """Return 2 to the power of x + rest, where the rest is small."""
    whole, n = nearest(x)
    r = x - whole if rest is None else (x - whole) + rest
    return polynomial(r, [1.0, *EXP2[x.format.code]]), n


def expm1_parts(x: Value) -> Doubled:
    """Return exp(x) - 1 as a sum of two, for the exponents of normal numbers."""
    r, lost, n = reduced(x)
    tail = fma(r * r, polynomial(r, EXPM1[x.format.code]), lost)
    scale = power_of_two(n)
    high, low = two_sum(scale - 1.0, scale * r)
    return high, fma(scale, tail, low)


def huge_exp(x: Value, halved: bool = False) -> Value:
    """Return exp(x), or half of it, for any x, more slowly: also where it is infinite, denormal, 0 or NaN."""
    value, n = _exp_parts(clamped(x, *_ENDS[x.format.code]))
    return two_steps(value, n - 1 if halved else n)


def power_of_two(n: Bits) -> Value:
    """Return 2**n, a normal number."""
    return float_from((n << n.format.fraction) + n.format.one_bits)


def clamped(x: Value, low: float, high: float) -> Value:
    """Return x within limits; NaN stays."""
    return select(x < low, low, select(x > high, high, x))


def _scaled(value: Value, n: Bits) -> Value:
    return float_from(bits(value) + (n << n.format.fraction))


def two_steps(value: Value, n: Bits) -> Value:
    """Return value * 2**n, which may overflow or underflow."""
    half = n >> 1
    return value * power_of_two(half) * power_of_two(n - half)
