"""exp as a power of two times a sum of two numbers, for functions that go on with it."""

from __future__ import annotations

import math

from diffsci.backends.vectormath.algebra import Bits, Value, float_from, fma, nearest, polynomial
from diffsci.backends.vectormath.coefficients import EXP, LN2
from diffsci.backends.vectormath.doubled import Doubled, quick_two_sum

__all__ = ["exp_parts", "power_of_two", "scale"]


def exp_parts(x: Value, low: Value | None = None) -> tuple[Doubled, Bits]:
    """Return y as a sum of two numbers, 0.7 < y < 1.5, and n, with exp(x + low) = y 2**n.

    For finite x with |x| < 2000, or 200 in single precision.
    """
    code = x.format.code
    whole, n = nearest(x * (1 / math.log(2)))
    first, second = LN2[code]
    lost = whole * -second
    if low is not None:
        lost = lost + low
    r, lost = quick_two_sum(fma(whole, -first, x), lost)  # the first is exact
    rest = fma(r * r, polynomial(r, EXP[code]), fma(lost, r, lost))
    high, error = quick_two_sum(1.0, r)
    return quick_two_sum(high, error + rest), n


def power_of_two(n: Bits) -> Value:
    """Return 2**n where it is a normal number."""
    return float_from((n << n.format.fraction) + n.format.one_bits)


def scale(x: Value, n: Bits) -> Value:
    """Return x 2**n, in two steps: the power itself may be too small or too large for the format."""
    half = n >> 1
    return x * power_of_two(half) * power_of_two(n - half)
