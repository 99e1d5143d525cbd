"""sigmoid and softplus: the exponential of -|x| and one division, its remainder put back."""

from __future__ import annotations

from diffsci.backends.vectormath.algebra import Mask, Value, absolute, fma, polynomial, rarely, select
from diffsci.backends.vectormath.coefficients import AREA_TANGENT
from diffsci.backends.vectormath.doubled import Doubled, quick_two_sum
from diffsci.backends.vectormath.scaled import exp_parts, power_of_two, scale

__all__ = ["sigmoid", "softplus"]

_FAR = {"f8": 700.0, "f4": 85.0}  # exp(-x) is far below an ulp of 1 here, but still a normal number
_LAST = {"f8": 800.0, "f4": 120.0}  # exp(-x) is zero here


def sigmoid(x: Value) -> Value:
    """Return 1 / (1 + exp(-x))."""
    size = absolute(x)
    z, far = _exponential(size)
    negative = x < 0.0
    top, top_rest = select(negative, z[0], 1.0), select(negative, z[1], 0.0)
    below, lost = quick_two_sum(1.0, z[0])
    value, rest = _quotient((top, top_rest), (below, lost + z[1]))
    return rarely(far, lambda: select(x > 0.0, 1.0, _tail(size)), value + rest)


def softplus(x: Value) -> Value:
    """Return log(1 + exp(x)): the larger of x and 0, and 2 artanh(z / (2 + z)) with z = exp(-|x|)."""
    size = absolute(x)
    z, far = _exponential(size)
    below, lost = quick_two_sum(2.0, z[0])
    s, rest = _quotient(z, (below, lost + z[1]))
    w = s * s
    rest = fma(2.0, rest, s * w * polynomial(w, AREA_TANGENT[x.format.code]))
    high, low = quick_two_sum(select(x > 0.0, x, 0.0), 2.0 * s)
    return rarely(far, lambda: select(x > 0.0, x, _tail(size)), high + (low + rest))


def _exponential(size: Value) -> tuple[Doubled, Mask]:
    """Return exp(-size), and where it is too small to be a sum of two numbers, or NaN."""
    far = ~(size < _FAR[size.format.code])
    (high, low), n = exp_parts(-size)
    factor = power_of_two(n)
    return (high * factor, low * factor), far


def _tail(size: Value) -> Value:
    """Return exp(-size), which may be subnormal."""
    last = _LAST[size.format.code]
    (high, low), n = exp_parts(-select(size > last, last, size))
    return scale(high + low, n)


def _quotient(top: Doubled, below: Doubled) -> Doubled:
    """Return a quotient and what it lacks."""
    inverse = 1.0 / below[0]
    quotient = top[0] * inverse
    rest = fma(-quotient, below[0], top[0]) + fma(-quotient, below[1], top[1])
    return quotient, rest * inverse
