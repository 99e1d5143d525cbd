"""erf and erfc: a polynomial near zero, and exp(-x**2) times a polynomial in 1 / (x + c).

The second after M. M. Shepherd and J. G. Laframboise, Mathematics of Computation 36 (1981). Of erf beyond 1
the logarithm of its complement is a polynomial.
"""

from __future__ import annotations

import math

from diffsci.backends.vectormath.algebra import Value, absolute, copysign, fma, polynomial, rarely, select
from diffsci.backends.vectormath.doubled import Doubled, quick_two_sum, two_product, two_sum
from diffsci.backends.vectormath.scaled import exp_parts, power_of_two, scale
from diffsci.backends.vectormath.special_coefficients import ERF_NEAR, ERFC_LOGARITHM, ERFC_SCALED

__all__ = ["erf", "erfc"]

_ONE = {"f8": 5.93, "f4": 3.93}  # erf(x) rounds to 1 from here
_ZERO = {"f8": 28.0, "f4": 10.5}  # erfc(x) rounds to 0 from here
_SMALL = {"f8": -1000, "f4": -120}  # exponents of two beyond may be those of subnormal results
_TINY = {"f8": 2.0**-55, "f4": 2.0**-26}
_SHIFT = 4.0  # of the polynomial of the scaled function
_SLOPE = 2 / math.sqrt(math.pi)


def erf(x: Value) -> Value:
    """Return 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to x."""
    code = x.format.code
    size = absolute(x)
    near = size < 1.0
    z = select(near, x * x, 1.0)
    small = fma(x, polynomial(z, ERF_NEAR[code]), x)
    size = select(near, 1.0, select(size > _ONE[code], _ONE[code], size))
    (high, low), n = exp_parts(-polynomial(size, ERFC_LOGARITHM[code]))
    return select(near, small, copysign(1.0 - (high + low) * power_of_two(n), x))


def erfc(x: Value) -> Value:
    """Return 1 - erf(x)."""
    code = x.format.code
    size = absolute(x)
    size = select(size > _ZERO[code], _ZERO[code], size)
    square, error = two_product(size, size)
    (high, low), n = exp_parts(-square, -error)
    y, rest = _scaled(size)
    value, lost = two_product(y, high)
    lost = fma(y, low, fma(rest, high, lost))
    negative = x < 0.0
    factor = power_of_two(n)
    whole, part = quick_two_sum(2.0, -(value * factor))
    usual = select(negative, whole + (part - lost * factor), (value + lost) * factor)
    usual = select(size < _TINY[code], 1.0 - x, usual)
    return rarely(n < _SMALL[code], lambda: select(negative, 2.0, scale(value + lost, n)), usual)


def _scaled(x: Value) -> Doubled:
    """Return exp(x**2) erfc(x) for x >= 0, and what it lacks.

    It is r p(t) with r = 1 / (x + c) and t = 1 - 2 c r. What r and t lack goes through the derivative,
    which is 2 x y - 2 / sqrt(pi).
    """
    code = x.format.code
    below, below_lost = two_sum(x, _SHIFT)
    r = 1.0 / below
    lacking = fma(-below, r, 1.0) - below_lost * r  # relative to r
    turned = r * (-2 * _SHIFT)
    t, t_lost = quick_two_sum(1.0, turned)  # exact where the second is the larger one
    t_lost = fma(turned, lacking, t_lost)
    first, *others = ERFC_SCALED[code][:-4]
    slope = polynomial(t, others)
    p = fma(slope, t, first)
    p_lost = fma(slope, t, first - p) + polynomial(t, ERFC_SCALED[code][-4:])
    y, lost = two_product(r, p)
    derivative = fma(x + x, y, -_SLOPE)
    moved = fma(r, y, derivative) * (below * below) * (t_lost * (0.5 / _SHIFT))
    return y, lost + fma(r, p_lost, fma(y, lacking, moved))
