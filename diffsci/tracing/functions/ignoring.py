"""The nan* reductions: what is not a number counts as nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.functions import reductions as _reductions  # noqa: F401  fills the table
from diffsci.tracing.protocols import FUNCTIONS, implements


def _filled(x: Any, fill: float) -> tuple[TracedArray, TracedArray]:
    """Return the array with its NaNs replaced, and where they are."""
    x = ops.traced(x)
    x = x if x.dtype.kind in "fc" else ops.convert(x, float)
    missing = ops.unary("isnan", x)
    return ops.where(missing, np.asarray(fill, x.dtype), x), missing


def _replacing(function: Any, fill: float):
    def reduce(x, axis=None, dtype=None, **options):
        return FUNCTIONS[function](_filled(x, fill)[0], axis, dtype, **options)

    return reduce


implements(np.nansum)(_replacing(np.sum, 0.0))
implements(np.nanprod)(_replacing(np.prod, 1.0))
implements(np.nancumsum)(_replacing(np.cumsum, 0.0))
implements(np.nancumprod)(_replacing(np.cumprod, 1.0))


def _extremum(name: str, fill: float):
    def reduce(x, axis=None, keepdims=False):
        filled, missing = _filled(x, fill)
        best = ops.reduce(name, filled, axis, bool(keepdims))
        return ops.where(
            ops.reduce("all", missing, axis, bool(keepdims)), np.asarray(np.nan, best.dtype), best
        )

    return reduce


implements(np.nanmax)(_extremum("max", -np.inf))
implements(np.nanmin)(_extremum("min", np.inf))


def _position(function: Any, fill: float):
    def position(x, axis=None, *, keepdims=False):
        filled, missing = _filled(x, fill)
        if bool(ops.reduce("any", ops.reduce("all", missing, axis))):
            raise ValueError("All-NaN slice encountered")
        return FUNCTIONS[function](filled, axis, keepdims=bool(keepdims))

    return position


implements(np.nanargmax)(_position(np.argmax, -np.inf))
implements(np.nanargmin)(_position(np.argmin, np.inf))


def _count(missing: TracedArray, axis: Any, keepdims: bool, dtype: Any) -> TracedArray:
    return ops.convert(ops.reduce("sum", ops.logical("logical_not", missing), axis, keepdims), dtype)


@implements(np.nanmean)
def nanmean(x, axis=None, dtype=None, keepdims=False):
    filled, missing = _filled(x, 0.0)
    total = ops.reduce("sum", filled, axis, bool(keepdims), dtype)
    return total / _count(missing, axis, bool(keepdims), total.dtype)


@implements(np.nanvar)
def nanvar(x, axis=None, dtype=None, ddof=0, keepdims=False):
    filled, missing = _filled(x, 0.0)
    count = _count(missing, axis, True, filled.dtype)
    centre = ops.reduce("sum", filled, axis, True) / count
    deviation = ops.where(missing, np.asarray(0.0, filled.dtype), filled - centre)
    total = ops.reduce("sum", deviation * deviation, axis, bool(keepdims))
    degrees = _count(missing, axis, bool(keepdims), filled.dtype) - ddof
    degrees = ops.where(ops.compare("le", degrees, 0), np.asarray(np.nan, filled.dtype), degrees)
    return total / degrees


@implements(np.nanstd)
def nanstd(x, axis=None, dtype=None, ddof=0, keepdims=False):
    variance = nanvar(x, axis, dtype, ddof, keepdims)
    return ops.where(ops.compare("eq", variance, 0), 0.0, ops.unary("sqrt", variance))
