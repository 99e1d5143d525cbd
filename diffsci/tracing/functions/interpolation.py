"""Tables: np.interp, and SciPy's piecewise polynomials with constant coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.functions.sorting import searchsorted
from diffsci.tracing.protocols import implements
from diffsci.tracing.trace import bind

__all__ = ["piecewise_polynomial"]


@implements(np.interp)
def interp(x, xp, fp, left=None, right=None, period=None):
    """np.interp: at a point of the table the slope is the mean of both sides, outside it is 0."""
    x, xp, fp = (ops.traced(v) for v in (x, xp, fp))
    x, xp, fp = (v if v.dtype.kind in "c" else ops.convert(v, float) for v in (x, xp, fp))
    if xp.ndim != 1 or xp.shape != fp.shape or xp.size == 0:
        raise ValueError(f"interp: fp and xp are not of the same length: {xp.shape}, {fp.shape}")
    if period is not None:
        x, xp, fp = _periodic(x, xp, fp, abs(period))
        left = right = None
    count = searchsorted(xp, x, "right")
    anchor = ops.arithmetic("maximum", count - 1, 0)
    start = _entries(xp, anchor)
    slopes = ops.concatenate([np.zeros(1), (fp[1:] - fp[:-1]) / (xp[1:] - xp[:-1]), np.zeros(1)])
    slope = _entries(slopes, count)
    slope = ops.where(ops.compare("eq", x, start), (slope + _entries(slopes, anchor)) / 2, slope)
    inside = _entries(fp, anchor) + slope * (x - start)
    low = ops.where(ops.compare("lt", x, xp[0]), fp[0] if left is None else left, inside)
    result = ops.where(ops.compare("gt", x, xp[-1]), fp[-1] if right is None else right, low)
    return TracedArray(result.owner, result.read(), scalar=x.ndim == 0)


def _entries(table: Any, index: TracedArray) -> TracedArray:
    """Gather rows; the indices are known to be in range."""
    return bind("take", ops.traced(table), index, axis=0)


def _periodic(x, xp, fp, period):
    x, xp = x % period, xp % period
    order = bind("argsort", xp, stable=True)
    xp, fp = _entries(xp, order), _entries(fp, order)
    xp = ops.concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x, xp, ops.concatenate([fp[-1:], fp, fp[:1]])


class piecewise_polynomial:
    """A table of SciPy (CubicSpline, interp1d, ...) that takes traced points.

    Its breakpoints and coefficients are constants; the derivatives are those of the polynomials.
    """

    def __init__(self, table: Any):
        self.table = table

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.table, name)
        if name in ("derivative", "antiderivative"):
            return lambda *args: piecewise_polynomial(found(*args))
        return found

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """Evaluate the table, or its derivative of order nu."""
        if not isinstance(x, TracedArray):
            return self.table(x, nu, extrapolate) if hasattr(self.table, "c") else self.table(x)
        breaks, coefficients, extrapolate, fill = self._polynomials(nu, extrapolate)
        x = x if x.dtype.kind == "f" else ops.convert(x, float)
        inner = x
        if extrapolate == "periodic":
            inner = breaks[0] + (x - breaks[0]) % (breaks[-1] - breaks[0])
        piece = searchsorted(breaks[1:-1], inner, "right")
        offset = inner - _entries(breaks, piece)
        trailing = coefficients.shape[2:]
        offset = ops.reshape(offset, (*offset.shape, *(1,) * len(trailing)))
        total = _entries(coefficients[0], piece)
        for row in coefficients[1:]:
            total = total * offset + _entries(row, piece)
        if not extrapolate:
            outside = ops.logical(
                "logical_or", ops.compare("lt", x, breaks[0]), ops.compare("gt", x, breaks[-1])
            )
            outside = ops.reshape(outside, (*x.shape, *(1,) * len(trailing)))
            total = ops.where(outside, fill, total)
        result = _axis_in_place(total, x.ndim, getattr(self.table, "axis", 0))
        return result if result.ndim or not x.scalar else _as_array(result)

    def _polynomials(self, nu: int, extrapolate: Any):
        """Return breakpoints, coefficients (highest power first), extrapolation and fill value."""
        table = self.table
        if hasattr(table, "c"):
            rule = table.extrapolate if extrapolate is None else extrapolate
            table = table.derivative(nu) if nu else table
            return np.asarray(table.x), np.asarray(table.c), rule, np.nan
        return _of_interp1d(table)


def _of_interp1d(table: Any):
    """Read a linear, nearest-free interp1d as pieces of first order."""
    if getattr(table, "_kind", None) != "linear":
        raise ops.unsupported(
            f"scipy's {type(table).__name__} of this kind",
            "use scipy.interpolate.CubicSpline or numpy.interp",
        )
    y = np.moveaxis(np.asarray(table.y), table.axis, 0)
    width = np.diff(table.x).reshape(-1, *(1,) * (y.ndim - 1))
    coefficients = np.stack([np.diff(y, axis=0) / width, y[:-1]])
    fill = table.fill_value
    if isinstance(fill, str) or table.bounds_error:
        return np.asarray(table.x), coefficients, True, np.nan
    if np.ndim(fill) != 0:
        raise ops.unsupported("interp1d with several fill values", "use numpy.interp with left and right")
    return np.asarray(table.x), coefficients, False, float(fill)


def _axis_in_place(total: TracedArray, ndim: int, axis: int) -> TracedArray:
    """Put the axes of x where the interpolated axis of the data stood."""
    if axis == 0:
        return total
    order = list(range(ndim, total.ndim))
    return ops.transpose(total, [*order[:axis], *range(ndim), *order[axis:]])


def _as_array(x: TracedArray) -> TracedArray:
    return TracedArray(x.owner, x.read())
