"""What sums of exponentials need to keep their digits at the extremes, at every order."""

from __future__ import annotations

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.shared import batch_elementwise, same_types
from diffsci.primitives.special.logistic import LOG_TWO, log1mexp, log1mexp_slope
from diffsci.primitives.special.near_one import log_of_sum
from diffsci.primitives.special.terms import f, row


def _difference(x, y):
    """X - y, where equal infinities have no difference."""
    return np.where(x == y, np.zeros((), np.result_type(x, y)), x - y)


def _difference_type(x: Type, y: Type) -> Type:
    common = same_types(x, y)
    if not common.is_float:
        raise TypeError(f"expected floats, got {common}")
    return common


def _difference_jvp(b: Builder, node: Node, tangents: list[Node | None]) -> Node | None:
    first, second = tangents
    if first is None or second is None:
        return first if second is None else b.neg(second)
    return b.sub(first, second)


register(
    Primitive(
        name="difference",
        type=_difference_type,
        value=_difference,
        family="elementwise",
        jvp=_difference_jvp,
        batch=batch_elementwise,
    )
)


def difference_error(x, y):
    """Return what the rounded difference x - y lacks; nothing where it is infinite (Knuth's two-sum)."""
    total = x - y
    part = total - x
    rest = (x - (total - part)) - (y + part)
    return np.where(np.isfinite(rest), rest, 0.0)


register(
    Primitive(
        name="difference_error",
        type=_difference_type,
        value=difference_error,
        family="elementwise",
        jvp="zero",
        batch=batch_elementwise,
    )
)

NEAR_ZERO = 0.5  # a result smaller than this part of its correction has lost digits


def _repaired(result, correction, cancels, x, y, **how):
    """Compute again what `correction` has cancelled against the larger argument."""
    near = cancels & (np.abs(result) < NEAR_ZERO * np.abs(correction))
    if not np.any(near):
        return result
    result = np.array(result)
    result[near] = log_of_sum(np.stack([x[near], y[near]], axis=-1), **how)
    return result


def _logaddexp(x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    top, low = np.maximum(x, y), np.minimum(x, y)
    size = np.exp(_difference(low, top))
    correction = np.log1p(size + size * difference_error(low, top))
    return _repaired(top + correction, correction, top < 0, x, y)


def _logaddexp2(x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    top, low = np.maximum(x, y), np.minimum(x, y)
    size = np.exp2(_difference(low, top))
    correction = np.log1p(size + size * (LOG_TWO * difference_error(low, top))) / LOG_TWO
    return _repaired(top + correction, correction, top < 0, x, y, base=2)


def _logsubexp(x, y):
    """log(exp(x) - exp(y)); nothing from nothing is nothing, infinity less infinity is not a number."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    gap, error = np.where(np.isneginf(y), y, _difference(y, x)), difference_error(y, x)
    correction = log1mexp(gap) + np.where(error == 0, 0.0, error * log1mexp_slope(gap))
    return _repaired(x + correction, correction, x > 0, x, y, signs=(1, -1))


def _weight(x, y):
    """exp(x) / (exp(x) + exp(y))."""
    return f.sigmoid(f.difference(x, y))


def _base_two_weight(x, y):
    return f.sigmoid_of_two(f.difference(x, y))


def _sigmoid_of_two(x):
    """1 / (1 + 2**-x)."""
    z = np.exp2(-np.abs(np.asarray(x, float)))
    return np.where(x < 0, z, 1.0) / (1 + z)


row(
    "logaddexp",
    _logaddexp,
    lambda x, y, z: _weight(x, y),
    lambda x, y, z: _weight(y, x),
    continued=lambda x, y: np.log(np.exp(x) + np.exp(y)),
)
row(
    "logaddexp2",
    _logaddexp2,
    lambda x, y, z: _base_two_weight(x, y),
    lambda x, y, z: _base_two_weight(y, x),
    continued=lambda x, y: np.log2(np.exp2(x) + np.exp2(y)),
)
row(
    "sigmoid_of_two",
    _sigmoid_of_two,
    lambda x, y: LOG_TWO * f.sigmoid_slope(LOG_TWO * x),
    continued=lambda x: 1 / (1 + np.exp2(-x)),
)
row(
    "logsubexp",
    _logsubexp,
    lambda x, y, z: f.defined(z, 1 - f.log1mexp_slope(f.difference(y, x))),
    lambda x, y, z: f.defined(z, f.log1mexp_slope(f.difference(y, x))),
    continued=lambda x, y: np.log(np.exp(x) - np.exp(y)),
)
