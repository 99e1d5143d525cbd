"""Values of Gamma, log|Gamma|, the polygamma functions and log B within a few units in the last place.

SciPy's are right where nothing cancels. Near the zeros of log Gamma at 1 and 2 Taylor's series serve,
negative arguments are reflected with an exactly reduced angle (DLMF 5.5.3, 5.15.6), and near other zeros the
value is computed again with more digits, see `exact_gamma`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np

from diffsci.primitives.special import doubled as dd
from diffsci.primitives.special import exact_gamma
from diffsci.primitives.special.gaussian import horner
from diffsci.primitives.special.scipy_special import special

__all__ = ["betaln", "gamma", "gammaln", "polygamma", "psi"]

_SERIES = (0.5, 2.25)  # between these the series serve
_LOW, _HIGH = 0.7, 1.3  # the one about 1 between these
_TERMS = 48
_EARLY, _SHIFT = 170.0, 16  # SciPy's Gamma underflows soon beyond, and all values so much further
_SUBNORMAL = 1e-300
_LOST = 0.25  # of what cancels: results below are computed again
_TINY, _LARGE = 1e-9, 10.0  # sums of reciprocals up to here; Stirling's formula for differences from here
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)
_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


@functools.cache
def taylor(centre: int) -> tuple[float, ...]:
    """The coefficients of log Gamma(centre + t) / t, lowest first, for the centres 1 and 2."""
    with localcontext(prec=40):
        slopes = (exact_gamma.polygamma(k, Decimal(centre)) / math.factorial(k + 1) for k in range(_TERMS))
        return tuple(map(float, slopes))


def _log_gamma_by_series(x: np.ndarray) -> np.ndarray:
    """Return log Gamma between the ends of `_SERIES`."""
    one, two = x - 1.0, x - 2.0
    below = one * horner(taylor(2), one) - np.log1p(np.maximum(one, -_SERIES[0]))
    middle = one * horner(taylor(1)[:36], one)
    above = two * horner(taylor(2), two)
    return np.where(x < _LOW, below, np.where(x < _HIGH, middle, above))


def _again(value: np.ndarray, where: np.ndarray, function: Callable, *operands: np.ndarray) -> np.ndarray:
    """Return the values, computed again with all digits where they may lack some."""
    if not where.any():
        return value
    value = np.array(value)
    columns = [np.broadcast_to(x, where.shape)[where].tolist() for x in operands]
    value[where] = [exact_gamma.rounded(function, *row) for row in zip(*columns, strict=True)]
    return value


def gamma(x):
    """Return Gamma(x), also from -170.6 down to where it underflows: SciPy has 0 there."""
    x = np.asarray(x, float)
    with np.errstate(all="ignore"):
        value = special.gamma(x)
        low = (x < -_EARLY) & (x > -_EARLY - _SHIFT) & (x != np.rint(x))
        if low.any():  # the recurrence (DLMF 5.5.1)
            product = np.prod([x[low] + k for k in range(_SHIFT)], axis=0)
            value = np.array(value)
            value[low] = special.gamma(x[low] + _SHIFT) / product
    return value


def gammaln(x):
    """Return log|Gamma(x)|."""
    x = np.asarray(x, float)
    with np.errstate(all="ignore"):
        value = special.gammaln(x)
        value = np.where(np.abs(x) < _SUBNORMAL, -np.log(np.abs(x)), value)
        near = (x > _SERIES[0]) & (x < _SERIES[1])
        value[near] = _log_gamma_by_series(x[near])
        cancelled = (x < -2.0) & (np.abs(value) < 1.0)  # perhaps near a zero between poles
        return _again(value, cancelled, exact_gamma.log_gamma, x)


def psi(x):
    """The digamma function."""
    return polygamma(0, x)


def polygamma(n, x):
    """The derivatives of the digamma function; orders are data."""
    n, x = np.broadcast_arrays(n, np.asarray(x, float))
    with np.errstate(all="ignore"):
        reflected = (x < 0) & (x != np.rint(x))
        usable = np.where(reflected, 1.0, x)
        value = special.polygamma(n, usable) if n.any() else special.psi(usable)
        for order in np.unique(n[reflected]).tolist():
            here = reflected & (n == order)
            value = np.array(value)
            value[here] = _reflected(int(order), x[here]) if order == int(order) >= 0 else math.nan
    return value


def _reflected(n: int, x: np.ndarray) -> np.ndarray:
    """The function at 1 - x, and the derivative of a cotangent."""
    distance = x - np.rint(x)
    size = np.abs(distance)
    tangent = np.tan(np.pi * np.where(size < 0.25, size, 0.5 - size))
    cotangent = np.copysign(np.where(size < 0.25, 1 / tangent, tangent), distance)
    total = horner(exact_gamma.cotangent_derivative(n), cotangent)
    other = 1 - x
    rounding = (1 - other) - x
    first = (-1) ** n * (polygamma(n, other) + rounding * polygamma(n + 1, other))
    second = np.pi ** (n + 1) * total
    lost = np.abs(first - second) < _LOST * (np.abs(first) + np.abs(second))
    return _again(first - second, lost, functools.partial(exact_gamma.polygamma, n), x)


def betaln(a, b):
    """Return log|B(a, b)|."""
    a, b = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    with np.errstate(all="ignore"):
        value = np.array(special.betaln(a, b))
        usable = (a > 0) & (b > 0) & (a < np.inf) & (b < np.inf)
        large, small = np.maximum(a, b)[usable], np.minimum(a, b)[usable]
        value[usable] = _log_beta(large, small)
    return value


def _log_beta(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return log B(a, b) for finite a >= b > 0, by the sizes of both.

    Each way gives the value and the size of what may cancel.
    """
    value, unsure = np.empty_like(a), np.zeros(a.shape, bool)
    size = np.digitize(a, (_TINY, _LARGE)) + (b >= _LARGE)
    for k, function in enumerate((_both_tiny, _both_small, _one_large, _both_large)):
        here = size == k
        if here.any():
            value[here], scale = function(a[here], b[here])
            unsure[here] = np.abs(value[here]) < _LOST * scale
    value = _again(value, unsure & (a != 1) & (b != 1), exact_gamma.log_beta, a, b)
    return np.where(a == 1, -np.log(b), np.where(b == 1, -np.log(a), value))


def _stirling(x):
    """What Stirling's formula lacks of log Gamma(x), for large x (DLMF 5.11.1)."""
    inverse = 1 / x
    return inverse * horner(_STIRLING, inverse * inverse)


def _both_tiny(a, b):
    """By log(1/a + 1/b)."""
    return np.log1p(b / a) - np.log(b), 0.0


def _both_large(a, b):
    """By Stirling's formula; its large terms are negative and do not cancel."""
    correction = _stirling(a) + _stirling(b) - _stirling(a + b) + _HALF_LOG_TWO_PI - 0.5 * np.log(b)
    return correction - (a - 0.5) * np.log1p(b / a) - b * np.log1p(a / b), 0.0


def _one_large(a, b):
    """By log Gamma(b) less log(Gamma(a + b) / Gamma(a)), which Stirling's formula gives."""
    grown = (a - 0.5) * np.log1p(b / a) + b * (np.log(a + b) - 1) + (_stirling(a + b) - _stirling(a))
    other = gammaln(b)
    return other - grown, np.abs(other) + grown


def _both_small(a, b):
    """From logarithms of Gamma; where they cancel, by the quotient of factors."""
    total, low = dd.two_sum(a, b)
    terms = gammaln(a), gammaln(b), gammaln(total)
    value, scale = terms[0] + terms[1] - terms[2] - low * special.psi(total), sum(map(np.abs, terms))
    lost = np.abs(value) < 1.5 * _LOST * scale
    if lost.any():
        value[lost], scale[lost] = _by_quotient(a[lost], b[lost])
    return value, scale


def _by_quotient(a, b):
    """As a sum of logarithms of Gamma between 1/2 and 3/2, and of an exact quotient of factors."""
    (c, low), quotient = dd.two_sum(a, b), (1.0, 0.0)
    logarithms = []
    for sign, high, rest in ((1, a, 0.0), (1, b, 0.0), (-1, c, low)):
        small = high <= 0.5
        whole = np.where(small, 0.0, np.rint(high) - 1)
        part = dd.two_sum(np.where(small, high, high - whole - 1), rest)
        product = dd.divide((1.0, 0.0), (np.where(small, high, 1.0), np.where(small, rest, 0.0)))
        for k in range(1, int(2 * _LARGE)):
            factor = dd.add(part, float(k))
            factor = tuple(np.where(k <= whole, x, y) for x, y in zip(factor, (1.0, 0.0), strict=True))
            product = dd.multiply(product, factor)
        quotient = dd.multiply(quotient, product) if sign > 0 else dd.divide(quotient, product)
        near = 1 + part[0]
        rounded_away = (part[0] - (near - 1)) + part[1]
        logarithms += [sign * gammaln(near), sign * rounded_away * special.psi(near)]
    factors = np.log(quotient[0]) + quotient[1] / quotient[0]
    scale = sum(map(np.abs, logarithms)) + np.abs(factors)
    return sum(logarithms) + factors, scale
