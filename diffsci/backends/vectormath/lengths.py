"""hypot: the square root of a sum of squares that neither overflows nor underflows on the way."""

from __future__ import annotations

import math

from diffsci.backends.vectormath.algebra import Value, absolute, fma, select, sqrt

__all__ = ["hypot"]

_ENDS = {"f8": (2.0**-500, 2.0**500), "f4": (2.0**-60, 2.0**60)}  # squares of what lies between are normal
_SCALE = {"f8": 2.0**600, "f4": 2.0**80}


def hypot(x: Value, y: Value) -> Value:
    """Return sqrt(x**2 + y**2); infinity wins over NaN."""
    code = x.format.code
    x, y = absolute(x), absolute(y)
    swap = x < y
    longer, shorter = select(swap, y, x), select(swap, x, y)
    (low, high), scale = _ENDS[code], _SCALE[code]
    small, large = longer < low, longer > high
    before = select(small, scale, select(large, 1 / scale, 1.0))
    after = select(small, 1 / scale, select(large, scale, 1.0))
    longer, shorter = longer * before, shorter * before
    value = sqrt(fma(longer, longer, shorter * shorter)) * after
    return select((x == math.inf) | (y == math.inf), math.inf, value)
