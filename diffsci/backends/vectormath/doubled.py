"""Sums and products with their rounding errors, and sums of two numbers (high, low) that stand for one.

Error-free transformations after T. J. Dekker, Numerische Mathematik 18 (1971), and D. E. Knuth, The Art of
Computer Programming 2, 4.2.2; `distilled` is VecSum of T. Ogita, S. M. Rump and S. Oishi, SIAM Journal on
Scientific Computing 26 (2005).
"""

from __future__ import annotations

from collections.abc import Sequence

from diffsci.backends.vectormath.algebra import Value, fma

__all__ = ["Doubled", "add", "distilled", "quick_two_sum", "two_product", "two_sum"]

Doubled = tuple[Value, Value]


def two_sum(a: Value, b: Value | float) -> Doubled:
    """Return the rounded sum and its error."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def quick_two_sum(a: Value | float, b: Value) -> Doubled:
    """Return what `two_sum` does, for |a| >= |b|."""
    total = a + b
    return total, b - (total - a)


def two_product(a: Value, b: Value | float) -> Doubled:
    """Return the rounded product and its error."""
    product = a * b
    return product, fma(a, b, -product)


def add(x: Doubled, y: Doubled) -> Doubled:
    """Return x + y, right also where the two cancel."""
    high, low = two_sum(x[0], y[0])
    more, rest = two_sum(x[1], y[1])
    high, low = quick_two_sum(high, low + more)
    return quick_two_sum(high, low + rest)


def distilled(terms: Sequence[Value]) -> Doubled:
    """Return the sum of numbers, the largest of which may cancel, as a sum of two."""
    terms = list(terms)
    for _ in range(3):
        for k in reversed(range(len(terms) - 1)):
            terms[k], terms[k + 1] = two_sum(terms[k], terms[k + 1])
    rest = terms[-1]
    for term in reversed(terms[1:-1]):
        rest = rest + term
    return quick_two_sum(terms[0], rest)
