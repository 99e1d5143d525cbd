"""Functions with rules of their own, right at the extremes. NumPy's spellings reach the same rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special
from numpy import expm1, hypot, log1p, logaddexp, sinc
from numpy.typing import ArrayLike
from scipy.special import (
    betaln,
    cosm1,
    digamma,
    erfc,
    erfcx,
    exprel,
    gammaln,
    log_ndtr,
    logit,
    ndtr,
    xlog1py,
    xlogy,
)
from scipy.special import log_expit as log_sigmoid

from diffsci.primitives.unary import stable_sigmoid, stable_softplus
from diffsci.tracing import TracedArray, is_tracing
from diffsci.tracing.functions import special

__all__ = [
    "betaln",
    "cosm1",
    "digamma",
    "erfc",
    "erfcx",
    "expm1",
    "exprel",
    "gammaln",
    "hypot",
    "log1p",
    "log_ndtr",
    "log_sigmoid",
    "log_softmax",
    "logaddexp",
    "logit",
    "logsumexp",
    "ndtr",
    "sigmoid",
    "sinc",
    "softmax",
    "softplus",
    "xlog1py",
    "xlogy",
]

Axis = int | tuple[int, ...] | None


def _holds_traced(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(_holds_traced(item) for item in x)
    return isinstance(x, TracedArray)


def _floats(x: ArrayLike) -> np.ndarray:
    """Return an array of floats; float32 stays float32."""
    array = np.asarray(x)
    return array if array.dtype.kind in "fc" else array.astype(float)


def _either(plain: Callable, traced: Callable, x: Any, *args: Any, **kwargs: Any) -> Any:
    if is_tracing() and _holds_traced(x):
        return traced(x, *args, **kwargs)
    return plain(_floats(x), *args, **kwargs)[()]


def sigmoid(x: ArrayLike) -> Any:
    """Return 1 / (1 + exp(-x)); derivative s(x) s(-x), right where 1 - s(x) has no digits left.

    Examples
    --------
    >>> float(sigmoid(0.0))
    0.5
    """
    return _either(stable_sigmoid, special.sigmoid, x)


def softplus(x: ArrayLike) -> Any:
    """Return log(1 + exp(x)) without overflow.

    Examples
    --------
    >>> float(softplus(1000.0))
    1000.0
    """
    return _either(stable_softplus, special.softplus, x)


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
    return _either(scipy.special.logsumexp, special.logsumexp, a, axis=axis, keepdims=keepdims)


def log_softmax(x: ArrayLike, axis: Axis = None) -> Any:
    """Return x - logsumexp(x) over axes."""
    return _either(scipy.special.log_softmax, special.log_softmax, x, axis=axis)


def softmax(x: ArrayLike, axis: Axis = None) -> Any:
    """Return exp(x) / sum(exp(x)) over axes.

    Examples
    --------
    >>> softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    """
    return _either(scipy.special.softmax, special.softmax, x, axis=axis)
