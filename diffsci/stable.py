"""Functions with rules of their own, right at the extremes. NumPy's spellings reach the same rules."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import expm1, hypot, log1p, logaddexp, sinc
from numpy.typing import ArrayLike

from diffsci.primitives.special.scipy_special import special
from diffsci.primitives.unary import stable_sigmoid, stable_softplus
from diffsci.tracing import TracedArray, is_tracing
from diffsci.tracing.functions import special as rules

# Functions of scipy.special, which reach our rules by themselves. Its import takes time: only when asked for.
_SCIPY = {"log_sigmoid": "log_expit"} | {
    name: name
    for name in "betaln cosm1 digamma erfc erfcx exprel gammaln log_ndtr logit ndtr xlog1py xlogy".split()
}

__all__ = [
    "expm1",
    "hypot",
    "log1p",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "sigmoid",
    "sinc",
    "softmax",
    "softplus",
    *_SCIPY,
]


def __getattr__(name: str) -> Any:
    if name not in _SCIPY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("scipy.special"), _SCIPY[name])


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
    return _either(stable_sigmoid, rules.sigmoid, x)


def softplus(x: ArrayLike) -> Any:
    """Return log(1 + exp(x)) without overflow.

    Examples
    --------
    >>> float(softplus(1000.0))
    1000.0
    """
    return _either(stable_softplus, rules.softplus, x)


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
    return _either(special.logsumexp, rules.logsumexp, a, axis=axis, keepdims=keepdims)


def log_softmax(x: ArrayLike, axis: Axis = None) -> Any:
    """Return x - logsumexp(x) over axes."""
    return _either(special.log_softmax, rules.log_softmax, x, axis=axis)


def softmax(x: ArrayLike, axis: Axis = None) -> Any:
    """Return exp(x) / sum(exp(x)) over axes.

    Examples
    --------
    >>> softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    """
    return _either(special.softmax, rules.softmax, x, axis=axis)
