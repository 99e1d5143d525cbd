"""The logistic function and its relatives: each keeps its digits where exponentials are tiny, huge or equal.

The slopes of the functions are functions of their own, because written by the functions themselves they
would cancel: s (1 - s) where s rounds to one, s(-x) - s(x) near the middle, 1 - 2 p near one half. Values are
computed in double precision.
"""

from __future__ import annotations

import math

import numpy as np

from diffsci.primitives.special.doubled import quick_two_sum, two_product
from diffsci.primitives.special.terms import f, row

__all__ = [
    "LOGCOSH_HALF",
    "LOGCOSH_NEAR",
    "LOGIT_MIDDLE",
    "LOG_TWO",
    "log1mexp",
    "log1mexp_slope",
    "softplus",
]

LOG_TWO = math.log(2.0)
LOGIT_MIDDLE = (0.3, 0.65)  # where logit(p) is computed from 2 p - 1
LOGCOSH_NEAR = 1.0  # up to here log(cosh(x)) is x**2 times a polynomial in x**2

# log(cosh(x)) / x**2 by its values at 16 Chebyshev nodes of 0 <= x**2 <= 1: relative error 1.1e-17.
LOGCOSH_HALF = (
    0.5, -0.08333333333333313, 0.022222222222204716, -0.006746031745439467, 0.002186948843058455,
    -0.0007386028466072547, 0.00025657975920948954, -9.09856096555369e-05, 3.276489941653655e-05,
    -1.1918687623522829e-05, 4.331402571628952e-06, -1.5281848212875655e-06, 4.924539882543482e-07,
    -1.3068157325434964e-07, 2.4268051367700383e-08, -2.2764198082727952e-09,
)  # fmt: skip


def _sigmoid(x):
    """The division is put right by its remainder, that of the rounded 1 + z included."""
    x = np.asarray(x, float)
    z = np.exp(-np.abs(x))
    top, (below, lost) = np.where(x < 0, z, 1.0), quick_two_sum(1.0, z)
    quotient = top / below
    product, error = two_product(quotient, below)
    return quotient + (((top - product) - error) - quotient * lost) / below


def _sigmoid_slope(x):
    """s(x) s(-x)."""
    z = np.exp(-np.abs(np.asarray(x, float)))
    return z / np.square(1 + z)


def _sech_squared(x):
    """4 s(2x) s(-2x)."""
    z = np.exp(-2 * np.abs(np.asarray(x, float)))
    return 4 * z / np.square(1 + z)


def softplus(x):
    """Return log(1 + exp(x)) of real numbers without overflow."""
    x = np.asarray(x, float)
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _complex_softplus(x):
    return np.where(np.real(x) > 0, x + np.log(1 + np.exp(-x)), np.log(1 + np.exp(x)))


def _logit(p):
    """log(p / (1 - p)); in the middle 2 p - 1 is exact and small."""
    p = np.asarray(p, float)
    low, high = LOGIT_MIDDLE
    middle = np.clip(p, low, high)
    near = np.log1p((2 * middle - 1) / (1 - middle))
    return np.where(p == middle, near, np.log(p / (1 - p)))


def _logit_slope(p):
    p = np.asarray(p, float)
    return np.where((p < 0) | (p > 1), np.nan, 1 / (p * (1 - p)))


def _logcosh(x):
    size = np.abs(np.asarray(x, float))
    near = np.minimum(size, LOGCOSH_NEAR)
    square = near * near
    small = square * np.polynomial.polynomial.polyval(square, LOGCOSH_HALF)
    return np.where(size <= LOGCOSH_NEAR, small, (size - LOG_TWO) + np.log1p(np.exp(-2 * size)))


def _complex_logcosh(x):
    x = np.where(np.real(x) < 0, -x, x)
    return x + np.log1p(np.exp(-2 * x)) - LOG_TWO


def log1mexp(x):
    """Return log(1 - exp(x)), by the form that does not cancel on each side of -log(2).

    M. Mächler, Accurately Computing log(1 - exp(-|a|)), 2012.
    """
    x = np.asarray(x, float)
    near = np.log(-np.expm1(np.maximum(x, -LOG_TWO)))
    far = np.log1p(-np.exp(np.minimum(x, -LOG_TWO)))
    return np.where(x >= -LOG_TWO, near, far) + np.where(np.isnan(x), x, 0.0)


def log1mexp_slope(x):
    """Return -1 / expm1(-x), where expm1(-x) must not overflow; -inf at both zeros."""
    x = np.asarray(x, float)
    return np.where(x > 0, np.nan, -np.exp(x) / np.abs(np.expm1(x)))


row(
    "sigmoid",
    _sigmoid,
    lambda x, y: f.sigmoid_slope(x),
    continued=lambda x: 1 / (1 + np.exp(-x)),
)
row(
    "sigmoid_slope",
    _sigmoid_slope,
    lambda x, y: -y * f.tanh(0.5 * x),
    continued=lambda x: 1 / (2 + 2 * np.cosh(x)),
)
row(
    "sech_squared",
    _sech_squared,
    lambda x, y: -2 * y * f.tanh(x),
    continued=lambda x: 1 / np.cosh(x) ** 2,
)
row("softplus", softplus, lambda x, y: f.sigmoid(x), continued=_complex_softplus)
row(
    "log_expit",
    lambda x: -softplus(-np.asarray(x)),
    lambda x, y: f.sigmoid(-x),
    continued=lambda x: -_complex_softplus(-x),
)
row(
    "logit",
    _logit,
    lambda x, y: f.logit_slope(x),
    continued=lambda x: np.log(x) - np.log1p(-x),
)
row(
    "logit_slope",
    _logit_slope,
    lambda x, y: (2 * x - 1) * (y * y),
    continued=lambda x: 1 / (x * (1 - x)),
)
row("logcosh", _logcosh, lambda x, y: f.tanh(x), continued=_complex_logcosh)
row(
    "log1mexp",
    log1mexp,
    lambda x, y: f.log1mexp_slope(x),
    continued=lambda x: np.log(-np.expm1(x)),
)
row(
    "log1mexp_slope",
    log1mexp_slope,
    lambda x, y: y * (1 - y),
    continued=lambda x: np.exp(x) / np.expm1(x),
)
