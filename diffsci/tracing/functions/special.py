"""Functions of scipy.special that are Python functions there; the ufuncs are in `protocols.UFUNCS`."""

from __future__ import annotations

import numpy as np

from diffsci.tracing import operations as ops

__all__ = ["log_softmax", "logsumexp", "softmax", "softplus"]


def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    """log(sum(b * exp(a))), shifted by the maximum: no overflow, and exact derivatives."""
    if return_sign:
        raise ops.unsupported("logsumexp with return_sign=True", "leave it out")
    a = ops.traced(a)
    a = a if a.dtype.kind == "f" else ops.convert(a, float)
    axes = ops.normal_axes(axis, a.ndim)
    top = ops.unary("stop_gradient", ops.reduce("max", a, axes, True))
    top = ops.where(ops.unary("isfinite", top), top, 0.0)
    terms = ops.unary("exp", a - top)
    if b is not None:
        terms = terms * b
    total = ops.unary("log", ops.reduce("sum", terms, axes, True)) + top
    if keepdims:
        return total
    result = ops.reshape(total, tuple(n for k, n in enumerate(a.shape) if k not in axes))
    result = ops.copy(result)
    result.scalar = result.shape == ()
    return result


def softmax(x, axis=None):
    """exp(x) / sum(exp(x))."""
    return ops.unary("exp", log_softmax(x, axis))


def log_softmax(x, axis=None):
    """X - logsumexp(x)."""
    x = ops.traced(x)
    return x - logsumexp(x, axis=axis, keepdims=True)


def softplus(x):
    """log(1 + exp(x))."""
    return ops.float_elementwise("softplus", x)


SPECIAL = {
    "logsumexp": logsumexp,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "softplus": softplus,
    "expit": lambda x: ops.float_elementwise("sigmoid", x),
    "logit": lambda x: ops.float_elementwise("log", x) - ops.float_elementwise("log1p", -ops.traced(x)),
    "expm1": lambda x: ops.float_elementwise("expm1", x),
    "log1p": lambda x: ops.float_elementwise("log1p", x),
    "exp2": lambda x: ops.float_elementwise("exp2", x),
    "cbrt": lambda x: ops.float_elementwise("cbrt", x),
    "exp10": lambda x: ops.float_elementwise("exp", ops.traced(x) * np.log(10.0)),
}
