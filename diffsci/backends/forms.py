"""Native forms of operations, in others that have one: the formulas of `diffsci.primitives.special`.

A form gets the operands as `Term`s of double precision and the parameters of the operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

from diffsci.backends.again import computed_again
from diffsci.backends.error_forms import ERROR_FORMS
from diffsci.backends.polynomial_forms import POLYNOMIAL_FORMS
from diffsci.backends.small_forms import SMALL_FORMS
from diffsci.primitives.formulas import FORMULAS
from diffsci.primitives.special.logistic import LOG_TWO, LOGCOSH_HALF, LOGCOSH_NEAR, LOGIT_MIDDLE
from diffsci.primitives.special.logsums import NEAR_ZERO
from diffsci.primitives.special.terms import Term, f

__all__ = ["FORMS"]


def _sigmoid_slope(x: Term) -> Term:
    z = f.exp(-f.abs(x))
    return z / (1 + z) ** 2


def _logit(p: Term) -> Term:
    low, high = LOGIT_MIDDLE
    middle = f.logical_and(p > low, p < high)
    return f.where(middle, f.log1p((2 * p - 1) / (1 - p)), f.log(p / (1 - p)))


def _logcosh(x: Term) -> Term:
    size = f.abs(x)
    square = x * x
    polynomial = reduce(lambda total, c: total * square + c, reversed(LOGCOSH_HALF[:-1]), LOGCOSH_HALF[-1])
    far = (size - LOG_TWO) + f.log1p(f.exp(-2 * size))
    return f.where(size > LOGCOSH_NEAR, far, square * polynomial)


def _log1mexp(x: Term) -> Term:
    return f.where(x < -LOG_TWO, f.log1p(-f.exp(x)), f.log(-f.expm1(x)))


def _repaired(name: str, x: Term, y: Term, result: Term, correction: Term, cancels: Term) -> Term:
    near = f.abs(result) < NEAR_ZERO * f.abs(correction)
    return computed_again(name, (x, y), result, f.logical_and(cancels, near))


def _logaddexp(x: Term, y: Term) -> Term:
    top = f.maximum(x, y)
    correction = f.log1p(f.exp(-f.abs(f.difference(x, y))))
    return _repaired("logaddexp", x, y, top + correction, correction, top < 0)


def _logaddexp2(x: Term, y: Term) -> Term:
    top = f.maximum(x, y)
    correction = f.log1p(f.exp2(-f.abs(f.difference(x, y)))) / LOG_TWO
    return _repaired("logaddexp2", x, y, top + correction, correction, top < 0)


def _logsubexp(x: Term, y: Term) -> Term:
    gap = f.where(f.eq(y, -math.inf), y, f.difference(y, x))
    correction = _log1mexp(gap)
    return _repaired("logsubexp", x, y, x + correction, correction, x > 0)


def _sigmoid_of_two(x: Term) -> Term:
    z = f.exp2(-f.abs(x))
    return f.where(x < 0, z, 1.0) / (1 + z)


class _Sum(NamedTuple):
    """The exponentials of x along an axis, as in `diffsci.primitives.special.softmax`."""

    spread: Callable[[Term], Term]  # repeats a sum along the axis
    gap: Term
    error: Term
    sizes: Term
    largest: Term
    ties: Term
    top: Term
    rest: Term


def _sum(x: Term, axis: int) -> _Sum:
    shape = x.node.shape
    kept = tuple(k for k in range(len(shape)) if k != axis)

    def spread(reduced: Term) -> Term:
        return f.broadcast(reduced, shape=shape, axes=kept)

    top = f.max(x, axes=(axis,))
    largest = f.eq(x, spread(top))
    ties = f.sum(f.where(largest, f.like(x, 1.0), 0.0), axes=(axis,))
    gap = f.where(largest, 0.0, x - spread(top))
    error = f.difference_error(x, spread(top))
    sizes = f.exp(gap)
    sizes = sizes + sizes * error
    rest = f.sum(f.where(largest, 0.0, sizes), axes=(axis,)) + (ties - 1)
    return _Sum(spread, gap, error, sizes, largest, ties, top, rest)


def _logsumexp(x: Term, axis: int) -> Term:
    s = _sum(x, axis)
    correction = f.log1p(s.rest)
    result = s.top + correction
    near = f.logical_and(s.top < 0, f.abs(result) < NEAR_ZERO * correction)
    return computed_again("logsumexp", (x,), result, near, axis=axis)


def _softmax(x: Term, axis: int) -> Term:
    s = _sum(x, axis)
    return s.sizes / s.spread(1 + s.rest)


def _log_softmax(x: Term, axis: int) -> Term:
    s = _sum(x, axis)
    return s.gap + (s.error - s.spread(f.log1p(s.rest)))


def _deviation(x: Term, v: Term, axis: int) -> Term:
    s = _sum(x, axis)
    v = v - s.spread(f.sum(f.where(s.largest, v, 0.0), axes=(axis,)) / s.ties)
    return v - s.spread(f.sum(s.sizes * v, axes=(axis,)) / (1 + s.rest))


def _centering(x: Term, c: Term, axis: int) -> Term:
    s = _sum(x, axis)
    shares = s.sizes / s.spread(1 + s.rest)
    alone = f.logical_and(s.largest, s.spread(s.ties) < 1.5)
    others = s.spread(f.sum(f.where(alone, 0.0, c), axes=(axis,)))
    whole = s.spread(f.sum(c, axes=(axis,)))
    return f.where(alone, c * s.spread(s.rest / (1 + s.rest)) - shares * others, c - shares * whole)


FORMS: dict[str, Callable[..., Term]] = {
    **ERROR_FORMS,
    **POLYNOMIAL_FORMS,
    **SMALL_FORMS,
    **FORMULAS,
    "sigmoid_slope": _sigmoid_slope,
    "log_expit": lambda x: -f.softplus(-x),
    "logit": _logit,
    "logit_slope": lambda x: 1 / (x * (1 - x)),
    "logcosh": _logcosh,
    "log1mexp": _log1mexp,
    "logaddexp": _logaddexp,
    "logaddexp2": _logaddexp2,
    "logsubexp": _logsubexp,
    "sigmoid_of_two": _sigmoid_of_two,
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "softmax_product": lambda x, v, axis: _softmax(x, axis) * _deviation(x, v, axis),
    "softmax_deviation": _deviation,
    "softmax_centering": _centering,
    "log1mexp_slope": lambda x: -f.exp(x) / f.abs(f.expm1(x)),
}
