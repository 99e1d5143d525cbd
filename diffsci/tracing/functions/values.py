"""Selection, clipping, rounding, differences and integrals of values."""

from __future__ import annotations

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.protocols import implements


@implements(np.where)
def where(condition, x=None, y=None):
    if x is None and y is None:
        return nonzero(condition)
    return ops.where(condition, x, y)


@implements(np.nonzero)
def nonzero(x):
    x = ops.traced(x)
    return np.nonzero(ops.truth(x).pinned())


@implements(np.select)
def select(condlist, choicelist, default=0):
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    choices = ops.common([*choicelist, default])
    result = choices[-1]
    for condition, choice in zip(reversed(condlist), reversed(choices[:-1]), strict=True):
        result = ops.where(condition, choice, result)
    return result


@implements(np.piecewise)
def piecewise(x, condlist, funclist, *args, **kw):
    """np.piecewise: each function sees all points, and its value is taken where its condition holds."""
    x = ops.traced(x)
    several = isinstance(condlist, (list, tuple)) and (x.ndim == 0 or ops.shape_of(condlist[0]) != ())
    condlist = condlist if several else [condlist]
    conditions = [ops.truth(ops.traced(c)) for c in condlist]
    if len(funclist) == len(conditions) + 1:
        result = _piece(funclist[-1], x, args, kw)
    elif len(funclist) == len(conditions):
        result = ops.traced(np.zeros(x.shape, x.dtype))
    else:
        raise ValueError(
            f"with {len(conditions)} condition(s), {len(conditions)} or one more function expected"
        )
    for condition, function in zip(conditions, funclist, strict=False):
        result = ops.where(condition, _piece(function, x, args, kw), result)
    return result


def _piece(function, x, args, kw) -> TracedArray:
    value = function(x, *args, **kw) if callable(function) else function
    return ops.convert(value, x.dtype)


@implements(np.clip)
def clip(x, a_min=None, a_max=None, *, min=None, max=None):
    low = min if a_min is None else a_min
    high = max if a_max is None else a_max
    result = ops.traced(x)
    if low is not None:
        result = ops.arithmetic("maximum", result, low)
    if high is not None:
        result = ops.arithmetic("minimum", result, high)
    if (
        low is None
        or high is None
        or ops.contains_traced((low, high))
        or not np.any(np.greater_equal(low, high))
    ):
        return result
    return ops.where(np.less(low, high), result, ops.unary("stop_gradient", result))  # no room to move in


@implements(np.round, np.around)
def round_(x, decimals=0):
    x = ops.traced(x)
    if x.dtype.kind in "ib":
        return x
    if decimals == 0:
        return ops.unary("rint", x)
    scale = 10.0**decimals
    return ops.unary("rint", x * scale) / scale


@implements(np.fix)
def fix(x):
    return ops.unary("trunc", ops.traced(x))


implements(np.sinc)(lambda x: ops.float_elementwise("sinc", x))


@implements(np.nan_to_num)
def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    x = ops.traced(x)
    if x.dtype.kind in "ib":
        return ops.copy(x)
    limits = np.finfo(x.dtype)
    result = ops.where(ops.float_elementwise("isnan", x), nan, x)
    result = ops.where(ops.compare("eq", x, np.inf), limits.max if posinf is None else posinf, result)
    return ops.where(ops.compare("eq", x, -np.inf), limits.min if neginf is None else neginf, result)


implements(np.i0)(lambda x: ops.float_elementwise("i0", x))
implements(np.isposinf)(lambda x: ops.compare("eq", ops.traced(x), np.inf))
implements(np.isneginf)(lambda x: ops.compare("eq", ops.traced(x), -np.inf))


@implements(np.real)
def real(x):
    return ops.traced(x).real


@implements(np.imag)
def imag(x):
    return ops.traced(x).imag


implements(np.shape)(ops.shape_of)
implements(np.ndim)(lambda x: ops.traced(x).ndim)
implements(np.iscomplexobj)(lambda x: ops.traced(x).dtype.kind == "c")
implements(np.isrealobj)(lambda x: ops.traced(x).dtype.kind != "c")


@implements(np.isscalar)
def isscalar(x):
    return x.scalar


@implements(np.size)
def size(x, axis=None):
    x = ops.traced(x)
    return x.size if axis is None else x.shape[axis]


@implements(np.result_type)
def result_type(*operands):
    return np.result_type(*(x.dtype if isinstance(x, TracedArray) else x for x in operands))


@implements(np.isclose)
def isclose(x, y, rtol=1e-5, atol=1e-8, equal_nan=False):
    x, y = ops.traced(x), ops.traced(y)
    near = ops.compare("le", abs(x - y), atol + rtol * abs(y))
    close = ops.logical("logical_and", near, ops.float_elementwise("isfinite", y))
    close = ops.logical("logical_or", close, ops.compare("eq", x, y))
    return ops.logical("logical_or", close, _both_nan(x, y)) if equal_nan else close


def _both_nan(x, y) -> TracedArray:
    return ops.logical("logical_and", *(ops.float_elementwise("isnan", v) for v in (x, y)))


@implements(np.allclose)
def allclose(x, y, rtol=1e-5, atol=1e-8, equal_nan=False):
    return isclose(x, y, rtol, atol, equal_nan).all()


@implements(np.array_equiv)
def array_equiv(x, y):
    try:
        np.broadcast_shapes(ops.shape_of(x), ops.shape_of(y))
    except ValueError:
        return False
    return ops.compare("eq", x, y).all()


@implements(np.array_equal)
def array_equal(x, y, equal_nan=False):
    if ops.shape_of(x) != ops.shape_of(y):
        return False
    equal = ops.compare("eq", x, y)
    return (ops.logical("logical_or", equal, _both_nan(x, y)) if equal_nan else equal).all()


implements(np.iterable)(lambda x: ops.traced(x).ndim > 0)
implements(np.array2string)(lambda x, *args, **kw: np.array2string(ops.traced(x).concrete(), *args, **kw))
implements(np.array_repr)(lambda x, *args, **kw: np.array_repr(ops.traced(x).concrete(), *args, **kw))
implements(np.array_str)(lambda x, *args, **kw: np.array_str(ops.traced(x).concrete(), *args, **kw))
