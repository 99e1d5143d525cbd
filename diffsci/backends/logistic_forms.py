"""Native forms of the logistic function's relatives, by the formulas of `primitives.special.logistic`."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce

from diffsci.primitives.special.logistic import LOG_TWO, LOGCOSH_HALF, LOGCOSH_NEAR, LOGIT_MIDDLE
from diffsci.primitives.special.terms import Term, f

__all__ = ["LOGISTIC_FORMS", "log1mexp", "log1mexp_slope"]


def _sigmoid_slope(x: Term) -> Term:
    z = f.exp(-f.abs(x))
    return z / (1 + z) ** 2


def _sech_squared(x: Term) -> Term:
    z = f.exp(-2 * f.abs(x))
    return 4 * z / (1 + z) ** 2


def _logit(p: Term) -> Term:
    low, high = LOGIT_MIDDLE
    middle = f.logical_and(p > low, p < high)
    return f.where(middle, f.log1p((2 * p - 1) / (1 - p)), f.log(p / (1 - p)))


def _logit_slope(p: Term) -> Term:
    return f.where(f.logical_or(p < 0, p > 1), math.nan, 1 / (p * (1 - p)))


def _logcosh(x: Term) -> Term:
    size = f.abs(x)
    square = x * x
    polynomial = reduce(lambda total, c: total * square + c, reversed(LOGCOSH_HALF[:-1]), LOGCOSH_HALF[-1])
    far = (size - LOG_TWO) + f.log1p(f.exp(-2 * size))
    return f.where(size > LOGCOSH_NEAR, far, square * polynomial)


def log1mexp(x: Term) -> Term:
    """Return log(1 - exp(x))."""
    return f.where(x < -LOG_TWO, f.log1p(-f.exp(x)), f.log(-f.expm1(x)))


def log1mexp_slope(x: Term) -> Term:
    """Return the derivative of log(1 - exp(x))."""
    return f.where(x > 0, math.nan, -f.exp(x) / f.abs(f.expm1(x)))


LOGISTIC_FORMS: dict[str, Callable[..., Term]] = {
    "sigmoid_slope": _sigmoid_slope,
    "sech_squared": _sech_squared,
    "log_expit": lambda x: -f.softplus(-x),
    "logit": _logit,
    "logit_slope": _logit_slope,
    "logcosh": _logcosh,
    "log1mexp": log1mexp,
    "log1mexp_slope": log1mexp_slope,
}
