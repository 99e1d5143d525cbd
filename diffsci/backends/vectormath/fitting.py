"""How the approximations that polynomials stand for are written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp

from diffsci.backends.vectormath.minimax import Function

__all__ = ["BITS", "Polynomial", "after", "even", "number", "parts"]

BITS = {"f8": 53, "f4": 24}


@dataclass(frozen=True)
class Polynomial:
    """A minimax polynomial.

    Attributes
    ----------
    says : str
        What is approximated.
    function : callable
    low, high : callable
        The ends of the interval, at mpmath's current precision.
    weight : callable
        Makes the error of the polynomial that of the result, relative to the result.
    counts : dict
        How many coefficients, by format.
    errors : dict
        The largest error of the result, in units of the last place.
    leading : int
        So many coefficients are rounded before the others are found; none where the error at 0 counts.
    doubled : int
        So many leading coefficients are sums of two numbers, the second of which stand at the end.
    """

    says: str
    function: Function
    low: Callable[[], mp.mpf]
    high: Callable[[], mp.mpf]
    weight: Function
    counts: dict[str, int]
    errors: dict[str, float]
    leading: int = 3
    doubled: int = 0


def number(x) -> Callable[[], mp.mpf]:
    """A number at mpmath's precision when it is asked for."""
    return lambda: mp.mpf(x)


def even(function: Function, *first: int) -> Function:
    """(f(r) / r**k - first terms) / z**n of an odd or even function, in z = r**2."""

    def rest(z: mp.mpf) -> mp.mpf:
        with mp.extradps(40):
            r = mp.sqrt(max(z, mp.mpf("1e-30")))
            value = function(r)
            for power, c in enumerate(first):
                value = value - c * r ** (2 * power)
            return value / r ** (2 * len(first))

    return rest


def after(function: Function, *first: int) -> Function:
    """(f(r) - first terms) / r**n."""

    def rest(r: mp.mpf) -> mp.mpf:
        with mp.extradps(40):
            r = r if abs(r) > mp.mpf("1e-20") else mp.mpf("1e-20")
            value = function(r)
            for power, c in enumerate(first):
                value = value - c * r**power
            return value / r ** len(first)

    return rest


def parts(number: mp.mpf, bits: int, count: int) -> list[float]:
    """Return numbers of so many bits, each the nearest to what the ones before leave over."""
    parts = []
    for _ in range(count):
        with mp.workprec(bits):
            part = +number
        parts.append(float(part))
        number = number - part
    return parts
