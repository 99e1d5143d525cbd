"""Logarithms of sums of exponentials whose sum is nearly one, with all their digits.

In log(exp(x) + exp(y)) = x + log1p(exp(y - x)) the two terms cancel where the result is near zero, and what
is left of them is error. There the exponentials are computed with 66 bits, from a table and a short series
(P. T. P. Tang, ACM TOMS 15, 1989), and where these cancel as well in integer arithmetic, with as many bits as
it takes (A. Ziv, ACM TOMS 17, 1991).
"""

from __future__ import annotations

import functools
import math
from fractions import Fraction

import numpy as np

from diffsci.primitives.special import doubled

__all__ = ["LN2", "LN2_SHORT", "SURE", "log_of_sum", "log_of_sum_exactly"]

LN2 = (math.log(2.0), float.fromhex("0x1.ABC9E3B39803Fp-56"))
LN2_SHORT = (float.fromhex("0x1.62E42FEE00000p-1"), float.fromhex("0x1.A39EF35793C76p-33"))
_STEPS = 64  # table entries per unit
_TERMS = [1 / math.factorial(k) for k in range(2, 9)]
_FEW = 16  # numbers for which integers are faster than arrays
SURE = 2.0**-12  # logarithms of this size, relative to the cancellation in the sum, keep 53 of 66 bits
_GUARD, _HALVINGS = 32, 8
_MOST_BITS = 4096  # more than between the largest and the smallest double: what is zero here is zero


def log_of_sum(x: np.ndarray, signs: tuple[int, ...] | None = None, base: int | None = None) -> np.ndarray:
    """Return log(sum(signs * exp(x))) over the last axis, for positive sums.

    Parameters
    ----------
    x : ndarray of float64
        No number larger than 708; -inf stands for nothing.
    signs : tuple of int, optional
        One per entry of the last axis; all 1 by default.
    base : 2 or None
        Powers of two and their binary logarithm instead of exponentials.
    """
    if x.size <= _FEW:
        rows = x.reshape(-1, x.shape[-1]).tolist()
        return np.array([log_of_sum_exactly(row, signs, base) for row in rows]).reshape(x.shape[:-1])
    weights = np.ones(x.shape[-1]) if signs is None else np.array(signs, float)
    high, low = (part * weights for part in _exponential(x, base))
    excess, rest = doubled.add(_total(high, low), -1.0)
    result = np.log1p(excess) + rest / (1 + excess)
    if base == 2:
        result /= math.log(2.0)
    size = np.sum(np.abs(high), axis=-1)
    for place in np.argwhere((1 + excess) * np.abs(result) < SURE * size):
        result[tuple(place)] = log_of_sum_exactly(x[tuple(place)].tolist(), signs, base)
    return result


def _exponential(x: np.ndarray, base: int | None) -> doubled.Doubled:
    """Return exp(x), or 2**x, as a sum of two doubles."""
    absent = np.isneginf(x)
    x = np.where(absent, 0.0, x)
    if base == 2:
        whole = np.rint(x)
        high, low = doubled.multiply(x - whole, LN2)
    else:
        whole = np.rint(x / math.log(2.0))
        high, low = doubled.two_sum(x - whole * LN2_SHORT[0], -whole * LN2_SHORT[1])
    step = np.rint(high * _STEPS)
    near = high - step / _STEPS  # exact
    tail = low + near * near * np.polynomial.polynomial.polyval(near, _TERMS)
    first, second = (part[step.astype(int) + _STEPS // 2] for part in _table())
    linear, error = doubled.two_product(first, near)
    high, low = doubled.quick_two_sum(first, linear)
    low = low + (error + first * tail + second * (1 + near))
    high, low = doubled.quick_two_sum(high, low)
    scale = np.where(absent, 0.0, np.ldexp(1.0, whole.astype(int)))
    return high * scale, low * scale


def _total(high: np.ndarray, low: np.ndarray) -> doubled.Doubled:
    """Return the sum over the last axis, by halves."""
    while high.shape[-1] > 1:
        half = high.shape[-1] // 2
        pairs = [
            (part[..., :half], part[..., half : 2 * half], part[..., 2 * half :]) for part in (high, low)
        ]
        (a, b, odd), (a_low, b_low, odd_low) = pairs
        added, added_low = doubled.add((a, a_low), (b, b_low))
        high, low = np.concatenate([added, odd], -1), np.concatenate([added_low, odd_low], -1)
    return high[..., 0], low[..., 0]


@functools.cache
def _table() -> doubled.Doubled:
    """Exponentials of k / 64 for -32 <= k <= 32."""
    half = _STEPS // 2
    values = [_exp(k, _STEPS, 160) for k in range(-half, half + 1)]
    pairs = np.array([doubled.nearest(Fraction(value, 1 << 160)) for value in values])
    return pairs[:, 0], pairs[:, 1]


def log_of_sum_exactly(
    x: list[float], signs: tuple[int, ...] | None = None, base: int | None = None
) -> float:
    """Return what `log_of_sum` does for one sum, in integer arithmetic."""
    signs = signs or (1,) * len(x)
    ratios = [(v.as_integer_ratio(), sign) for v, sign in zip(x, signs, strict=True) if v > -math.inf]
    power = _exp if base is None else _exp2
    bits = 128
    while True:
        one = 1 << bits
        total = sum(sign * power(*ratio, bits) for ratio, sign in ratios)
        excess = total - one
        if min(total, abs(excess)) >> 64 or bits > _MOST_BITS:  # 64 bits are right, save the last few
            result = math.log1p(excess / one) if 2 * abs(excess) < one else math.log(total / one)
            return result if base is None else result / math.log(2.0)
        bits *= 2


def _exp2(numerator: int, denominator: int, bits: int) -> int:
    """Return 2**(numerator / denominator) in units of 2**-bits."""
    whole, rest = divmod(numerator, denominator)
    fine = bits + _GUARD
    return _shifted(_exp(rest * _ln2(fine), denominator << fine, fine), whole - _GUARD)


def _exp(numerator: int, denominator: int, bits: int) -> int:
    """Return the exponential in units of 2**-bits: Taylor's series of a small part, squared repeatedly."""
    fine = bits + _GUARD
    whole, rest = divmod((numerator << fine) // denominator, _ln2(fine))
    rest >>= _HALVINGS
    total = term = 1 << fine
    k = 0
    while term:
        k += 1
        term = ((term * rest) >> fine) // k
        total += term
    for _ in range(_HALVINGS):
        total = (total * total) >> fine
    return _shifted(total, whole - _GUARD)


def _shifted(value: int, places: int) -> int:
    return value << places if places >= 0 else value >> -places


@functools.cache
def _ln2(bits: int) -> int:
    """The natural logarithm of 2 in units of 2**-bits: 2 artanh(1/3)."""
    fine = bits + _GUARD
    term, total, k = (2 << fine) // 3, 0, 1
    while term:
        total += term // k
        term //= 9
        k += 2
    return total >> _GUARD
