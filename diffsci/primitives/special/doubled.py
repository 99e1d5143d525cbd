"""Arithmetic on sums of two doubles, (high, low) with |low| <= ulp(high) / 2: about 31 decimal digits.

Error-free transformations after T. J. Dekker, Numerische Mathematik 18 (1971), and D. E. Knuth, The Art of
Computer Programming 2, 4.2.2; sums, products and quotients as in M. Joldes, J.-M. Muller and V. Popescu, ACM
TOMS 44 (2017), with errors of a few units of 2**-104. Operands are arrays or numbers of double precision; a
plain double counts as its own sum. Products need factors below 2**995 and above 2**-916 in their product, or
the error terms overflow or underflow.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

__all__ = [
    "Doubled",
    "add",
    "divide",
    "multiply",
    "nearest",
    "negative",
    "polynomial",
    "quick_two_sum",
    "subtract",
    "two_product",
    "two_sum",
]

Doubled = tuple[Any, Any]
_SPLITTER = 2.0**27 + 1


def two_sum(a: Any, b: Any) -> Doubled:
    """Return the rounded sum of two doubles and its error, exactly."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def quick_two_sum(a: Any, b: Any) -> Doubled:
    """Return what `two_sum` does, for |a| >= |b|."""
    total = a + b
    return total, b - (total - a)


def _split(a: Any) -> Doubled:
    """Return halves of 26 bits, whose sum is the double."""
    scaled = _SPLITTER * a
    high = scaled - (scaled - a)
    return high, a - high


def two_product(a: Any, b: Any) -> Doubled:
    """Return the rounded product of two doubles and its error, exactly."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = _split(a), _split(b)
    rest = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, rest


def _pair(x: Any) -> Doubled:
    return x if isinstance(x, tuple) else (x, 0.0)


def negative(x: Doubled) -> Doubled:
    """Return -x."""
    return -x[0], -x[1]


def add(x: Any, y: Any) -> Doubled:
    """Return x + y, right also where the two cancel."""
    (x_high, x_low), (y_high, y_low) = _pair(x), _pair(y)
    high, low = two_sum(x_high, y_high)
    more, rest = two_sum(x_low, y_low)
    high, low = quick_two_sum(high, low + more)
    return quick_two_sum(high, low + rest)


def subtract(x: Any, y: Any) -> Doubled:
    """Return x - y."""
    return add(x, negative(_pair(y)))


def multiply(x: Any, y: Any) -> Doubled:
    """Return x * y."""
    (x_high, x_low), (y_high, y_low) = _pair(x), _pair(y)
    high, low = two_product(x_high, y_high)
    return quick_two_sum(high, low + (x_high * y_low + x_low * y_high))


def divide(x: Any, y: Any) -> Doubled:
    """Return x / y, by two corrections of the quotient of the high parts."""
    x, y = _pair(x), _pair(y)
    first = x[0] / y[0]
    rest = subtract(x, multiply(y, first))
    second = rest[0] / y[0]
    rest = subtract(rest, multiply(y, second))
    high, low = quick_two_sum(first, second)
    return add((high, low), rest[0] / y[0])


def nearest(number: Fraction) -> Doubled:
    """Return the two doubles nearest to an exact number."""
    high = float(number)
    return high, float(number - Fraction(high))


def polynomial(coefficients: list[Doubled], x: Any) -> Doubled:
    """Return the value of a polynomial by Horner's rule, lowest coefficient first."""
    total = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = add(multiply(total, x), coefficient)
    return total
