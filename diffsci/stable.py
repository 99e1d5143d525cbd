"""Functions with rules of their own, right at the extremes. NumPy's spellings reach the same rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.primitives.unary import stable_sigmoid, stable_softplus
from diffsci.tracing import TracedArray, is_tracing
from diffsci.tracing.functions import special

__all__ = ["log_softmax", "logsumexp", "sigmoid", "softmax", "softplus"]


def _holds_traced(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(_holds_traced(item) for item in x)
    return isinstance(x, TracedArray)


def _either(plain: Callable, traced: Callable, x: Any, *args: Any, **kwargs: Any) -> Any:
    return traced(x, *args, **kwargs) if is_tracing() and _holds_traced(x) else plain(x, *args, **kwargs)


def sigmoid(x):
    """Return 1 / (1 + exp(-x)); derivative s(x) s(-x), right where 1 - s(x) has no digits left.

    Examples
    --------
    >>> float(sigmoid(0.0))
    0.5
    """
    return _either(lambda v: stable_sigmoid(np.asarray(v, float))[()], special.SPECIAL["expit"], x)


def softplus(x):
    """Return log(1 + exp(x)) without overflow.

    Examples
    --------
    >>> float(softplus(1000.0))
    1000.0
    """
    return _either(lambda v: stable_softplus(np.asarray(v, float))[()], special.softplus, x)


def logsumexp(a, axis=None, keepdims=False):
    """Return log(sum(exp(a))) over axes, shifted by the maximum.

    Examples
    --------
    >>> float(logsumexp(np.array([1000.0, 1000.0]))) - 1000.0
    0.6931471805599...
    """
    return _either(_logsumexp, special.logsumexp, a, axis=axis, keepdims=keepdims)


def _logsumexp(a, axis=None, keepdims=False):
    a = np.asarray(a, float)
    top = np.max(a, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        total = np.log(np.sum(np.exp(a - top), axis=axis, keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis=axis)[()]


def log_softmax(x, axis=None):
    """Return x - logsumexp(x)."""
    return _either(
        lambda v, axis: np.asarray(v, float) - logsumexp(v, axis, True), special.log_softmax, x, axis=axis
    )


def softmax(x, axis=None):
    """Return exp(x) / sum(exp(x)).

    Examples
    --------
    >>> softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    """
    return _either(lambda v, axis: np.exp(log_softmax(v, axis)), special.softmax, x, axis=axis)
