"""What sums of exponentials need to keep their digits at the extremes, at every order."""

from __future__ import annotations

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.shared import batch_elementwise, same_types
from diffsci.primitives.special.logistic import LOG_TWO, log1mexp
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


NEAR_ZERO = 0.8  # a result smaller than this part of its correction has lost digits


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
    top = np.maximum(x, y)
    correction = np.log1p(np.exp(-np.abs(_difference(x, y))))
    return _repaired(top + correction, correction, top < 0, x, y)


def _logaddexp2(x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    top = np.maximum(x, y)
    correction = np.log1p(np.exp2(-np.abs(_difference(x, y)))) / LOG_TWO
    return _repaired(top + correction, correction, top < 0, x, y, base=2)


def _logsubexp(x, y):
    """log(exp(x) - exp(y)); nothing from nothing is nothing, infinity less infinity is not a number."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    correction = log1mexp(np.where(np.isneginf(y), -np.inf, _difference(y, x)))
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
