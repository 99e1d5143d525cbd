"""Logarithms of sums of exponentials, and their shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from diffsci.graph import lookup
from diffsci.primitives.special.scipy_special import special
from diffsci.stable.calling import Axis, elementwise, floats, holds_traced
from diffsci.tracing import operations as ops
from diffsci.tracing.functions import logsums as traced

__all__ = ["log_softmax", "logaddexp", "logsubexp", "logsumexp", "softmax"]


def logaddexp(x: ArrayLike, y: ArrayLike) -> Any:
    """Return log(exp(x) + exp(y)), elementwise.

    Right to 4 ulp also where the result is near zero, because exp(x) + exp(y) is near one, and the difference
    of what is computed first would have no digits left. Derivatives are the shares of the terms, 1/2 each for
    equal infinities.

    Parameters
    ----------
    x, y : array_like
        Real numbers; -inf stands for nothing.

    Returns
    -------
    ndarray or number
        float32 for float32, else float64.

    Examples
    --------
    >>> float(logaddexp(1000.0, 1000.0))
    1000.6931471805599
    >>> float(logaddexp(-1.2039728043259361, -0.35667494393873245))  # log(0.3) and log(0.7), rounded
    -8.569561064103279e-17
    """
    return elementwise("logaddexp", x, y)


def logsubexp(x: ArrayLike, y: ArrayLike) -> Any:
    """Return log(exp(x) - exp(y)) for x >= y, elementwise.

    Right to 4 ulp for every x and y, nearly equal ones and results near zero among them; -inf for equal
    arguments, NaN for x < y and where both are inf.

    Parameters
    ----------
    x, y : array_like
        Real numbers; -inf stands for nothing.

    Returns
    -------
    ndarray or number
        float32 for float32, else float64.

    Examples
    --------
    >>> float(logsubexp(1000.0, -1000.0))
    1000.0
    >>> float(logsubexp(0.0, -1e-300))  # log(1e-300)
    -690.7755278982137
    """
    return elementwise("logsubexp", x, y)


def logsumexp(
    a: ArrayLike,
    axis: Axis = None,
    b: ArrayLike | None = None,
    keepdims: bool = False,
    return_sign: bool = False,
) -> Any:
    """Return log(sum(b * exp(a))) over axes, as `scipy.special.logsumexp` does.

    Right to 4 ulp without weights, also where the result is near zero. Infinities mean what they say: the sum
    of nothing but -inf, or of no terms, is -inf; an infinite term makes it inf.

    Parameters
    ----------
    a : array_like
        Real numbers; -inf stands for nothing.
    axis : int, tuple of int, optional
        Axes to sum over; all by default.
    b : array_like, optional
        Weights, broadcast against `a`. Where they have both signs, digits are lost as the terms cancel.
    keepdims : bool
        Keep the reduced axes with length one.
    return_sign : bool
        Return the logarithm of the absolute value, and the sign of the sum.

    Returns
    -------
    ndarray or number, or a pair of them
        float32 for float32, else float64.

    Examples
    --------
    >>> float(logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    >>> logsumexp([[0.0, -np.inf], [np.inf, 1.0]], axis=1)
    array([ 0., inf])
    """
    if holds_traced(a, b):
        return traced.logsumexp(a, axis=axis, b=b, keepdims=keepdims, return_sign=return_sign)
    with np.errstate(all="ignore"):
        if b is not None or np.iscomplexobj(a):
            return special.logsumexp(a, axis=axis, b=b, keepdims=keepdims, return_sign=return_sign)
        (x,) = floats(a)
        axes = ops.normal_axes(axis, x.ndim)
        result = np.asarray(traced.sum_over(_sum, x, axes, np.transpose, np.reshape))
    if keepdims:
        result = np.expand_dims(result, axes)
    return (result[()], np.ones_like(result)[()]) if return_sign else result[()]


def _sum(rows: np.ndarray) -> np.ndarray:
    if not rows.shape[-1]:
        return np.full(rows.shape[:-1], -np.inf, rows.dtype)
    return lookup("logsumexp").value(rows, axis=rows.ndim - 1)


def softmax(x: ArrayLike, axis: Axis = None) -> Any:
    """Return exp(x) / sum(exp(x)) over axes; second derivatives are right where one share is nearly one.

    Parameters
    ----------
    x : array_like
        Real numbers; -inf has no share.
    axis : int, tuple of int, optional
        Axes to sum over; all by default.

    Returns
    -------
    ndarray
        Of the shape of `x`; float32 for float32, else float64. Right to 4 ulp, up to the rounding of long
        sums.

    Examples
    --------
    >>> softmax([0.0, 0.0])
    array([0.5, 0.5])
    >>> softmax([[np.inf, 1.0], [-np.inf, -np.inf]], axis=1)
    array([[1. , 0. ],
           [0.5, 0.5]])
    """
    return _shares("softmax", traced.softmax, x, axis)


def log_softmax(x: ArrayLike, axis: Axis = None) -> Any:
    """Return x - logsumexp(x) over axes; the largest entry is -log1p of the rest, so it keeps its digits.

    Parameters
    ----------
    x : array_like
        Real numbers; -inf has no share.
    axis : int, tuple of int, optional
        Axes to sum over; all by default.

    Returns
    -------
    ndarray
        Of the shape of `x`; float32 for float32, else float64.

    Examples
    --------
    >>> log_softmax([100.0, 0.0])
    array([-3.72007598e-44, -1.00000000e+02])
    """
    return _shares("log_softmax", traced.log_softmax, x, axis)


def _shares(name: str, apply: Callable, x: Any, axis: Axis) -> Any:
    if holds_traced(x):
        return apply(x, axis=axis)
    (x,) = floats(x)
    axes = ops.normal_axes(axis, x.ndim)
    if not x.size:
        return x.copy()

    def value(rows: np.ndarray) -> np.ndarray:
        return lookup(name).value(rows, axis=rows.ndim - 1)

    with np.errstate(all="ignore"):
        return traced.shares_over(value, x, axes, np.transpose, np.reshape)[()]
