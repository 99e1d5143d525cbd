"""Sums, means, extrema and running sums."""

from __future__ import annotations

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.protocols import implements
from diffsci.tracing.trace import bind


def _reduction(name: str):
    def reduce(x, axis=None, dtype=None, keepdims=False, initial=None, where=True):
        if where is not True:
            x = ops.where(where, x, {"sum": 0, "prod": 1, "any": False, "all": True}[name])
        result = ops.reduce(name, x, axis, bool(keepdims), dtype)
        if initial is None or initial is np._NoValue:
            return result
        return result + initial if name == "sum" else result * initial

    return reduce


def _extremum(name: str):
    def reduce(x, axis=None, keepdims=False, initial=None, where=True):
        if where is not True or (initial is not None and initial is not np._NoValue):
            raise ops.unsupported(f"numpy.{name} with 'where' or 'initial'", "select the entries first")
        return ops.reduce(name, x, axis, bool(keepdims))

    return reduce


implements(np.sum)(_reduction("sum"))
implements(np.prod)(_reduction("prod"))
implements(np.any)(_reduction("any"))
implements(np.all)(_reduction("all"))
implements(np.max, np.amax)(_extremum("max"))
implements(np.min, np.amin)(_extremum("min"))


def _count(x, axes) -> int:
    return int(np.prod([x.shape[a] for a in axes], dtype=np.int64))


@implements(np.mean)
def mean(x, axis=None, dtype=None, keepdims=False):
    x = ops.traced(x)
    if x.dtype.kind in "ib":
        x = ops.convert(x, float)
    total = ops.reduce("sum", x, axis, bool(keepdims), dtype)
    return total / _count(x, ops.normal_axes(axis, x.ndim))


@implements(np.average)
def average(x, axis=None, weights=None, returned=False, keepdims=False):
    if returned:
        raise ops.unsupported("numpy.average with returned=True", "sum the weights yourself")
    if weights is None:
        return mean(x, axis, keepdims=keepdims)
    x, weights = ops.traced(x), ops.traced(weights)
    if weights.shape != x.shape:
        axis = ops.normal_axis(axis, x.ndim)
        weights = ops.reshape(weights, tuple(-1 if a == axis else 1 for a in range(x.ndim)))
    total = ops.reduce("sum", x * weights, axis, keepdims)
    return total / ops.reduce("sum", ops.broadcast_to(weights, x.shape), axis, keepdims)


@implements(np.var)
def var(x, axis=None, dtype=None, ddof=0, keepdims=False, **_):
    x = ops.traced(x)
    deviation = x - mean(x, axis, dtype, keepdims=True)
    count = _count(x, ops.normal_axes(axis, x.ndim))
    return ops.reduce("sum", deviation * deviation, axis, bool(keepdims)) / (count - ddof)


@implements(np.std)
def std(x, axis=None, dtype=None, ddof=0, keepdims=False, **_):
    variance = var(x, axis, dtype, ddof, keepdims)
    # Selecting zero out keeps the derivative at constants 0 instead of inf * 0.
    return ops.where(ops.compare("eq", variance, 0), 0.0, ops.unary("sqrt", variance))


@implements(np.ptp)
def ptp(x, axis=None, keepdims=False):
    return ops.reduce("max", x, axis, keepdims) - ops.reduce("min", x, axis, keepdims)


def _accumulation(name: str, **params):
    def accumulate(x, axis=None, dtype=None):
        x = ops.traced(x)
        if x.dtype.kind == "b":
            x = ops.convert(x, int)
        if dtype is not None:
            x = ops.convert(x, dtype)
        if axis is None:
            x, axis = ops.reshape(x, -1), 0
        return bind(name, x, axis=ops.normal_axis(axis, x.ndim), **params)

    return accumulate


implements(np.cumsum)(_accumulation("cumsum", reverse=False))
implements(np.cumprod)(_accumulation("cumprod"))


def _position(name: str):
    def position(x, axis=None, keepdims=False):
        x = ops.traced(x)
        flat = axis is None
        found = bind(
            name, ops.reshape(x, -1) if flat else x, axis=0 if flat else ops.normal_axis(axis, x.ndim)
        )
        if keepdims:
            return ops.restore_axes(found, ops.normal_axes(axis, x.ndim), x.shape)
        found.scalar = found.shape == ()
        return found

    return position


implements(np.argmax)(_position("argmax"))
implements(np.argmin)(_position("argmin"))


@implements(np.count_nonzero)
def count_nonzero(x, axis=None, keepdims=False):
    return ops.reduce("sum", ops.truth(x), axis, keepdims)


@implements(np.trace)
def trace(x, offset=0, axis1=0, axis2=1):
    from diffsci.tracing.functions.shapes import diagonal

    return diagonal(x, offset, axis1, axis2).sum(-1)
