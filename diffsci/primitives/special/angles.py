"""Sines and cosines in double-double arithmetic, for every double: the argument is reduced without error.

Moderate angles lose multiples of pi/2 as W. J. Cody and W. Waite do it (Software Manual for the Elementary
Functions, 1980), with pi/2 in pieces whose multiples are exact; large ones by the method of M. Payne and
R. Hanek (ACM SIGNUM Newsletter 18 (1983)): the fraction of x times 2/pi, from enough of its bits.
"""

from __future__ import annotations

import functools
import math
from fractions import Fraction
from typing import Any

import numpy as np

from diffsci.primitives.special import doubled as dd

__all__ = ["half_turns", "radians", "sine_cosine"]

BITS = 1300  # of pi: the exponent of a double, its mantissa and the digits that are asked for
MODERATE = 2.0**22  # multiples of pi/2 below are products of 23 and 30 bits
PIECES, WIDTH = 5, 30
TERMS = 16  # of the series of sin and cos for |x| <= pi/4: the next is below 2**-110
DOUBLED = 8  # so many of them need two doubles: the next is below 2**-53

Reduced = tuple[np.ndarray, dd.Doubled]


@functools.cache
def _pi(bits: int = BITS) -> int:
    """2**bits pi, by Machin's formula in integers."""

    def arctangent_of_inverse(n: int) -> int:
        power = total = (1 << (bits + 32)) // n
        k = 1
        while power:
            power //= -n * n
            k += 2
            total += power // k
        return total

    return (4 * (4 * arctangent_of_inverse(5) - arctangent_of_inverse(239))) >> 32


@functools.cache
def _pi_fraction() -> Fraction:
    return Fraction(_pi(), 1 << BITS)


@functools.cache
def pi() -> dd.Doubled:
    """Return pi as a sum of two doubles."""
    return dd.nearest(_pi_fraction())


@functools.cache
def _pieces() -> list[float]:
    """pi/2 in pieces of 30 bits each."""
    rest, pieces = _pi_fraction() / 2, []
    for k in range(1, PIECES + 1):
        unit = Fraction(1, 1 << (WIDTH * k - 1))
        pieces.append(float(rest // unit * unit))
        rest -= Fraction(pieces[-1])
    return [*pieces, float(rest)]


def radians(x: np.ndarray) -> Reduced:
    """Return k and r with x = k pi/2 + r, |r| <= pi/4, k modulo 4; x is finite."""
    turns = np.rint(np.where(np.abs(x) < MODERATE, x, 0.0) * (2 / math.pi))
    rest: Any = (x, np.zeros_like(x))
    for piece in _pieces():
        rest = dd.add(rest, -turns * piece)
    quarter, high, low = turns % 4, rest[0], rest[1]
    for place in np.argwhere(np.abs(x) >= MODERATE):
        at = tuple(place)
        quarter[at], high[at], low[at] = _large(float(x[at]))
    return quarter, (high, low)


def _large(x: float) -> tuple[int, float, float]:
    """The reduction of one large number, in integers."""
    mantissa, exponent = math.frexp(x)
    places = BITS + 53 - exponent  # binary places of the product
    product = int(mantissa * 2**53) * _two_over_pi()
    turns = (product + (1 << (places - 1))) >> places
    rest = product - (turns << places)
    spare = max(rest.bit_length() - 120, 0)
    high = float(rest >> spare)
    low = float((rest >> spare) - int(high))
    fraction = (math.ldexp(high, spare - places), math.ldexp(low, spare - places))
    return turns % 4, *dd.multiply(fraction, tuple(part / 2 for part in pi()))


@functools.cache
def _two_over_pi() -> int:
    return (2 << (2 * BITS)) // _pi()


def half_turns(x: np.ndarray) -> Reduced:
    """Return k and r with pi x = k pi/2 + r, |r| <= pi/4, k modulo 4; x is finite."""
    whole = np.rint(x)
    part = x - whole
    half = np.rint(2 * part)
    return (2 * (whole % 2) + half) % 4, dd.multiply(pi(), part - half / 2)


@functools.cache
def _series(first: int) -> list[dd.Doubled]:
    signs = (Fraction((-1) ** k, math.factorial(2 * k + first)) for k in range(TERMS))
    return [dd.nearest(term) for term in signs]


def sine_cosine(quarter: np.ndarray, r: dd.Doubled) -> tuple[dd.Doubled, dd.Doubled]:
    """Return the sine and the cosine of k pi/2 + r."""
    square = dd.multiply(r, r)
    sine, cosine = dd.multiply(r, _sum(_series(1), square)), _sum(_series(0), square)
    return _turned(sine, cosine, quarter), _turned(sine, cosine, (quarter + 1) % 4)


def _sum(terms: list[dd.Doubled], square: dd.Doubled) -> dd.Doubled:
    tail = 0.0
    for term, _ in reversed(terms[DOUBLED:]):
        tail = tail * square[0] + term
    return dd.polynomial([*terms[:DOUBLED], (tail, 0.0)], square)


def _turned(sine: dd.Doubled, cosine: dd.Doubled, quarter: np.ndarray) -> dd.Doubled:
    """The sine after k quarter turns."""
    sign = np.where(quarter < 2, 1.0, -1.0)
    odd = quarter % 2 == 1
    return tuple(sign * np.where(odd, c, s) for s, c in zip(sine, cosine, strict=True))
