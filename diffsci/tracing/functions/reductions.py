"""Sums, means, extrema and running sums."""

from __future__ import annotations

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing import ufunc_methods
from diffsci.tracing.protocols import FUNCTIONS, implements
from diffsci.tracing.selection import Selected
from diffsci.tracing.trace import bind


def _reduction(ufunc: np.ufunc):
    def reduce(x, axis=None, dtype=None, keepdims=False, initial=np._NoValue, where=True):
        from diffsci.tracing.protocols import UFUNCS

        rule = UFUNCS[ufunc.__name__]
        keepdims = keepdims is not np._NoValue and bool(keepdims)
        return ufunc_methods.reduce(ufunc, rule, x, axis, dtype, keepdims, initial, _mask(where))

    return reduce


def _mask(where):
    return True if where is np._NoValue else where


def _without_dtype(reduce):
    def wrapped(x, axis=None, keepdims=False, initial=np._NoValue, where=True):
        return reduce(x, axis, None, keepdims, initial, where)

    return wrapped


implements(np.sum)(_reduction(np.add))
implements(np.prod)(_reduction(np.multiply))
for _ufunc, _functions in {
    np.logical_or: (np.any,),
    np.logical_and: (np.all,),
    np.maximum: (np.max, np.amax),
    np.minimum: (np.min, np.amin),
}.items():
    implements(*_functions)(_without_dtype(_reduction(_ufunc)))


def _count(x, axes) -> int:
    return int(np.prod([x.shape[a] for a in axes], dtype=np.int64))


@implements(np.mean)
def mean(x, axis=None, dtype=None, keepdims=False, *, where=True):
    x = ops.traced(x)
    if x.dtype.kind in "ib":
        x = ops.convert(x, float)
    x = x if dtype is None else ops.convert(x, dtype)
    keepdims = keepdims is not np._NoValue and bool(keepdims)
    if _mask(where) is not True:
        x = ops.where(where, x, np.zeros((), x.dtype))
    return ops.reduce("sum", x, axis, keepdims) / _entries(x, axis, keepdims, _mask(where))


def _entries(x, axis, keepdims: bool, where):
    """Return how many entries a mean is over: a number, or with a mask one for each mean."""
    if where is True and type(x) is Selected and x.is_open and not keepdims:
        return ops.convert(x.count(), x.dtype)
    if where is True:
        return _count(x, ops.normal_axes(axis, x.ndim))
    chosen = ops.broadcast_to(ops.truth(ops.traced(where)), x.shape)
    return ops.convert(ops.reduce("sum", chosen, axis, keepdims), x.dtype)


@implements(np.average)
def average(x, axis=None, weights=None, returned=False, keepdims=False):
    keepdims = keepdims is not np._NoValue and bool(keepdims)
    x = ops.traced(x)
    weights = ops.traced(np.ones(x.shape, ops.float_dtype(x)) if weights is None else weights)
    if weights.shape != x.shape:
        axis = ops.normal_axis(axis, x.ndim)
        weights = ops.reshape(weights, tuple(-1 if a == axis else 1 for a in range(x.ndim)))
    total = ops.reduce("sum", x * weights, axis, keepdims)
    scale = ops.reduce("sum", ops.broadcast_to(weights, x.shape), axis, keepdims)
    return (total / scale, ops.convert(scale, ops.float_dtype(total, scale))) if returned else total / scale


@implements(np.var)
def var(x, axis=None, dtype=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None):
    x, ddof, keepdims = _sample(x, dtype, ddof, keepdims, correction)
    if _is_whole(x, where, mean):
        return ops.reduce("variance", x, axis, keepdims, freedom=_freedom(x, axis, ddof))
    total = _scatter_of_part(x, axis, keepdims, _mask(where), mean)
    return total / (_entries(x, axis, keepdims, _mask(where)) - ddof)


@implements(np.std)
def std(x, axis=None, dtype=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None):
    x, ddof, keepdims = _sample(x, dtype, ddof, keepdims, correction)
    if _is_whole(x, where, mean):
        return ops.reduce("standard_deviation", x, axis, keepdims, freedom=_freedom(x, axis, ddof))
    variance = var(x, axis, None, ddof, keepdims, where=where, mean=mean)
    # Selecting zero out keeps the derivative at constants 0 instead of inf * 0.
    return ops.where(ops.compare("eq", variance, 0), 0.0, ops.unary("sqrt", variance))


def _sample(x, dtype, ddof, keepdims, correction):
    """Return floats, the degrees of freedom that are lost, and whether axes are kept."""
    x = ops.traced(x)
    x = x if x.dtype.kind in "fc" else ops.convert(x, float)
    x = x if dtype is None else ops.convert(x, dtype)
    ddof = ddof if correction in (None, np._NoValue) else correction
    return x, ddof, keepdims is not np._NoValue and bool(keepdims)


def _freedom(x, axis, ddof) -> float:
    return float(max(_count(x, ops.normal_axes(axis, x.ndim)) - ddof, 0))


def _is_whole(x, where, mean) -> bool:
    """Tell whether all entries count and the mean is not given."""
    given = _mask(where) is not True or mean not in (None, np._NoValue)
    return not given and not (type(x) is Selected and x.is_open)


def _scatter_of_part(x, axis, keepdims: bool, where, mean):
    centre = FUNCTIONS[np.mean](x, axis, keepdims=True, where=where) if mean in (None, np._NoValue) else mean
    deviation = x - centre
    if where is not True:
        deviation = ops.where(where, deviation, np.zeros((), x.dtype))
    return ops.reduce("sum", deviation * deviation, axis, keepdims)


@implements(np.ptp)
def ptp(x, axis=None, keepdims=False):
    axis = ops.or_all(axis, np.ndim(x))
    return ops.reduce("max", x, axis, keepdims) - ops.reduce("min", x, axis, keepdims)


def _accumulation(name: str, **params):
    def accumulate(x, axis=None, dtype=None):
        x = ops.traced(x)
        if x.dtype.kind == "b":
            x = ops.convert(x, int)
        if dtype is not None:
            x = ops.convert(x, dtype)
        if ops.or_all(axis, x.ndim) is None:
            x, axis = ops.reshape(x, -1), 0
        return bind(name, x, axis=ops.normal_axis(axis, x.ndim), **params)

    return accumulate


implements(np.cumsum)(_accumulation("cumsum", reverse=False))
implements(np.cumprod)(_accumulation("cumprod"))


def _cumulative(function, start: int):
    """The array API's spelling: it may begin with the neutral element."""

    def accumulate(x, /, *, axis=None, dtype=None, include_initial=False):
        x = ops.traced(x)
        axis = ops.normal_axis(0 if axis is None and x.ndim == 1 else axis, x.ndim)
        result = FUNCTIONS[function](x, axis, dtype)
        if not include_initial:
            return result
        shape = tuple(1 if a == axis else n for a, n in enumerate(result.shape))
        return ops.concatenate([np.full(shape, start, result.dtype), result], axis)

    return accumulate


implements(np.cumulative_sum)(_cumulative(np.cumsum, 0))
implements(np.cumulative_prod)(_cumulative(np.cumprod, 1))


def _position(name: str):
    def position(x, axis=None, keepdims=False):
        x = ops.traced(x)
        axis = ops.or_all(axis, x.ndim)
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
    x = ops.truth(ops.traced(x))
    return ops.reduce("sum", x, ops.or_all(axis, x.ndim), keepdims)


@implements(np.trace)
def trace(x, offset=0, axis1=0, axis2=1):
    from diffsci.tracing.functions.shapes import diagonal

    return diagonal(x, offset, axis1, axis2).sum(-1)
