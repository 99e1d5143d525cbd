"""Native forms of sums of exponentials, by the formulas of `primitives.special.logsums` and `softmax`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from diffsci.backends.again import computed_again
from diffsci.backends.logistic_forms import log1mexp, log1mexp_slope
from diffsci.backends.near_one_forms import repaired
from diffsci.primitives.special.logistic import LOG_TWO
from diffsci.primitives.special.logsums import NEAR_ZERO
from diffsci.primitives.special.terms import Term, f

__all__ = ["LOGSUM_FORMS"]


def _near_zero(result: Term, correction: Term, cancels: Term) -> Term:
    return f.logical_and(cancels, f.abs(result) < NEAR_ZERO * f.abs(correction))


def _sum_of_two(terms: list[Term]) -> Term:
    return terms[0] + terms[1]


def _logaddexp(x: Term, y: Term) -> Term:
    top, low = f.maximum(x, y), f.minimum(x, y)
    size = f.exp(f.difference(low, top))
    correction = f.log1p(size + size * f.difference_error(low, top))
    result = top + correction
    near = _near_zero(result, correction, top < 0)
    return repaired("logaddexp", (x, y), result, near, _sum_of_two)


def _logaddexp2(x: Term, y: Term) -> Term:
    top, low = f.maximum(x, y), f.minimum(x, y)
    size = f.exp2(f.difference(low, top))
    correction = f.log1p(size + size * (LOG_TWO * f.difference_error(low, top))) / LOG_TWO
    result = top + correction
    near = _near_zero(result, correction, top < 0)
    return repaired("logaddexp2", (x, y), result, near, _sum_of_two, base=2)


def _logsubexp(x: Term, y: Term) -> Term:
    gap, error = f.where(f.eq(y, -math.inf), y, f.difference(y, x)), f.difference_error(y, x)
    correction = log1mexp(gap) + f.where(f.eq(error, 0.0), 0.0, error * log1mexp_slope(gap))
    result = x + correction
    return computed_again("logsubexp", (x, y), result, _near_zero(result, correction, x > 0))


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
    near = _near_zero(result, correction, s.top < 0)
    return repaired("logsumexp", (x,), result, near, lambda terms: f.sum(terms[0], axes=(axis,)), axis=axis)


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


LOGSUM_FORMS: dict[str, Callable[..., Term]] = {
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
}
