"""arcsin, arccos, arctan and arctan2: one polynomial each, on arguments that identities make small.

Source of the identities: NIST Digital Library of Mathematical Functions, 4.24; of the use of the half angle
near 1, W. J. Cody and W. Waite, Software Manual for the Elementary Functions (1980), ch. 10.
"""

from __future__ import annotations

import math

from diffsci.backends.vectormath.algebra import (
    Mask,
    Value,
    absolute,
    bits,
    copysign,
    fma,
    isnan,
    polynomial,
    select,
    sqrt,
)
from diffsci.backends.vectormath.coefficients import ARCSINE, ARCTANGENT, HALF_PI

__all__ = ["arccos", "arcsin", "arctan", "arctan2"]

_EIGHTH = math.sqrt(2.0) - 1.0  # the tangent of pi / 8
_HUGE = {"f8": 2.0**900, "f4": 2.0**100}  # sums of larger numbers may overflow
_RAISED = {"f8": 2.0**300, "f4": 2.0**50}  # makes products of the smallest numbers normal


def arcsin(x: Value) -> Value:
    """Return the angle in [-pi/2, pi/2] whose sine is x."""
    far, root, rest = _half_angle(x)
    high, low, _ = HALF_PI[x.format.code]
    value = select(far, high - (2.0 * root + (2.0 * rest - low)), root + rest)
    return copysign(value, x)


def arccos(x: Value) -> Value:
    """Return the angle in [0, pi] whose cosine is x."""
    far, root, rest = _half_angle(x)
    high, low, _ = HALF_PI[x.format.code]
    negative = x < 0.0
    signed, signed_rest = select(negative, -root, root), select(negative, -rest, rest)
    middle = high - (signed + (signed_rest - low))
    end = 2.0 * (root + rest)
    end = select(negative, 2.0 * (high - (root + (rest - low))), end)
    return select(far, end, middle)


def _half_angle(x: Value) -> tuple[Mask, Value, Value]:
    """Return where |x| > 1/2, and arcsin(s) as the sum of s and the rest.

    Here s = |x|, and sqrt((1 - |x|) / 2) where |x| > 1/2, of which arcsin is half of arccos |x|.
    """
    size = absolute(x)
    far = size > 0.5
    half = fma(size, -0.5, 0.5)
    square = select(far, half, size * size)
    root = select(far, sqrt(half), size)
    return far, root, root * square * polynomial(square, ARCSINE[x.format.code])


def arctan(x: Value) -> Value:
    """Return the angle in [-pi/2, pi/2] whose tangent is x."""
    size = absolute(x)
    steep = size > 1.0
    return copysign(_angle(select(steep, 1.0, size), select(steep, size, 1.0), steep, None), x)


def arctan2(y: Value, x: Value) -> Value:
    """Return the angle in [-pi, pi] of the point (x, y), whose signs are those of C's Annex F."""
    height, width = absolute(y), absolute(x)
    steep = height > width
    shorter, longer = select(steep, width, height), select(steep, height, width)
    code = x.format.code
    scale = select(longer > _HUGE[code], 0.25, select(longer < 1 / _HUGE[code], _RAISED[code], 1.0))
    shorter, longer = shorter * scale, longer * scale
    both = shorter == math.inf
    shorter, longer = select(both, 1.0, shorter), select(both, 1.0, longer)
    longer = select(longer == 0.0, 1.0, longer)
    value = copysign(_angle(shorter, longer, steep, bits(x) < 0), y)
    return select(isnan(x) | isnan(y), x + y, value)


def _angle(shorter: Value, longer: Value, steep: Mask, left: Mask | None) -> Value:
    """Return the angle whose tangent is shorter / longer, from the other axis where it is steep.

    From the negative half of the axis where it is on the left. Above pi / 8 what is left of pi / 4 is
    computed, whose tangent is (shorter - longer) / (shorter + longer).
    """
    code = longer.format.code
    high, low, _ = HALF_PI[code]
    upper = shorter > _EIGHTH * longer
    t = select(upper, shorter - longer, shorter) / select(upper, shorter + longer, longer)
    square = t * t
    rest = t * square * polynomial(square, ARCTANGENT[code])
    # Quarters of the half circle that are added, and where the angle is taken away from them.
    start = select(upper, 0.5, 0.0)
    start = select(steep, 1.0 - start, start)
    if left is None:
        backwards = steep
    else:
        start = select(left, 2.0 - start, start)
        backwards = (steep & ~left) | (left & ~steep)
    t, rest = select(backwards, -t, t), select(backwards, -rest, rest)
    return fma(start, high, t + fma(start, low, rest))
