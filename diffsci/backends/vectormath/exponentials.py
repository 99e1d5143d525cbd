"""exp, by a power of two times a polynomial.

Source: W. J. Cody and W. Waite, Software Manual for the Elementary Functions (1980), ch. 6, with the
reduction by fused multiply-adds of J.-M. Muller, Elementary Functions, 3rd ed. (2016), ch. 11.
"""

from __future__ import annotations

import math

from diffsci.backends.vectormath.algebra import (
    Value,
    bits,
    float_from,
    fma,
    nearest,
    polynomial,
    rarely,
    select,
)

__all__ = ["exp"]

_hex = float.fromhex
_LN2 = {
    "f8": (_hex("0x1.62e42fefa39efp-1"), _hex("0x1.abc9e3b39803fp-56")),
    "f4": (_hex("0x1.62e430p-1"), _hex("-0x1.05c610p-29")),
}
_EXP = {
    "f8": [1 / math.factorial(k) for k in range(14)],
    "f4": [1 / math.factorial(k) for k in range(8)],
}
_NORMAL = {"f8": 708.0, "f4": 87.0}  # exp of what is smaller, and of its negative, is a normal number
_ENDS = {"f8": (-746.0, 710.0), "f4": (-104.0, 89.0)}  # exp is 0 below and infinite above


def exp(x: Value) -> Value:
    """Return e to the power of x."""
    code, fraction = x.format.code, x.format.fraction
    usual = (x > -_NORMAL[code]) & (x < _NORMAL[code])

    def of(x: Value):
        whole, n = nearest(x * (1 / math.log(2)))
        high, low = _LN2[code]
        r = fma(whole, -low, fma(whole, -high, x))
        return polynomial(r, _EXP[code]), n

    def extreme() -> Value:
        low, high = _ENDS[code]
        clamped = select(x < low, low, select(x > high, high, x))
        value, n = of(clamped)
        half = n >> 1  # in two steps: 2**n itself may overflow or be denormal
        one = x.format.one_bits
        return value * float_from((half << fraction) + one) * float_from((n - half << fraction) + one)

    value, n = of(x)
    return rarely(~usual, extreme, float_from(bits(value) + (n << fraction)))
