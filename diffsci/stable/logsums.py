"""Logarithms of sums of exponentials, and their weights."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from diffsci.primitives.special.scipy_special import special
from diffsci.stable.calling import Axis, plain_or_traced
from diffsci.tracing.functions import special as rules

__all__ = ["log_softmax", "logsumexp", "softmax"]


def logsumexp(a: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Any:
    """Return log(sum(exp(a))) over axes, shifted by the maximum.

    Parameters
    ----------
    a : array_like
    axis : int, tuple of int, optional
        Axes to sum over; all by default.
    keepdims : bool
        Keep the reduced axes with length one.

    Examples
    --------
    >>> round(float(logsumexp([1000.0, 1000.0])) - 1000.0, 12)
    0.69314718056
    """
    return plain_or_traced(special.logsumexp, rules.logsumexp, a, axis=axis, keepdims=keepdims)


def log_softmax(x: ArrayLike, axis: Axis = None) -> Any:
    """Return x - logsumexp(x) over axes."""
    return plain_or_traced(special.log_softmax, rules.log_softmax, x, axis=axis)


def softmax(x: ArrayLike, axis: Axis = None) -> Any:
    """Return exp(x) / sum(exp(x)) over axes.

    Examples
    --------
    >>> softmax([0.0, 0.0])
    array([0.5, 0.5])
    """
    return plain_or_traced(special.softmax, rules.softmax, x, axis=axis)
