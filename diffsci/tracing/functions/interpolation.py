"""Tables: np.interp, and SciPy's piecewise polynomials with constant coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.functions.sorting import searchsorted
from diffsci.tracing.protocols import implements
from diffsci.tracing.trace import bind

__all__ = ["PiecewisePolynomial"]


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


class PiecewisePolynomial:
    """A table of SciPy (CubicSpline, PchipInterpolator, BSpline, interp1d, ...) that takes traced points.

    Its breakpoints and coefficients are constants; the derivatives are those of the polynomials.
    """

    def __init__(self, table: Any):
        self.table = table

    @staticmethod
    def fits(table: Any) -> bool:
        """Tell whether a table is made of polynomials of one variable."""
        kinds = {"PPoly", "BSpline", "interp1d", "UnivariateSpline"}
        return any(base.__name__ in kinds for base in type(table).__mro__)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.table, name)
        if name in ("derivative", "antiderivative"):
            return lambda *args: PiecewisePolynomial(found(*args))
        return found

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """Evaluate the table, or its derivative of order nu."""
        if not isinstance(x, TracedArray):
            options = {"nu": nu} if nu else {}
            return self.table(x, **options)
        polynomials, rule, fill = _pieces(self.table)
        polynomials = polynomials.derivative(nu) if nu else polynomials
        rule = rule if extrapolate is None else extrapolate
        x = x if x.dtype.kind == "f" else ops.convert(x, float)
        result = _evaluated(polynomials, x, rule, fill)
        result = _axis_in_place(result, x.ndim, polynomials.axis)
        return TracedArray(result.owner, result.read())


def _pieces(table: Any) -> tuple[Any, Any, Any]:
    """Return a table as a PPoly, what it does outside, and the value it has there."""
    from scipy.interpolate import BSpline, PPoly

    if isinstance(table, PPoly):
        return table, table.extrapolate, np.nan
    if isinstance(table, BSpline):
        return _of_bspline(table), table.extrapolate, np.nan
    if hasattr(table, "_eval_args"):  # UnivariateSpline: ext 0 extrapolates, 1 gives zeros, 2 raises
        if table.ext == 3:
            raise ops.unsupported("a spline that is constant outside (ext=3)", "clip x to its range first")
        return PPoly.from_spline(table._eval_args), {0: True, 1: False, 2: "raise"}[table.ext], 0.0
    return _of_interp1d(table)


def _of_bspline(spline: Any) -> Any:
    """Return the polynomials of a B-spline, for every column of its coefficients."""
    from scipy.interpolate import PPoly

    t, c, k = spline.tck
    columns = [PPoly.from_spline((t, column, k)) for column in c.reshape(len(c), -1).T]
    coefficients = np.stack([p.c for p in columns], axis=-1)
    made = PPoly(coefficients.reshape(*coefficients.shape[:2], *c.shape[1:]), columns[0].x)
    made.axis = spline.axis
    return made


def _of_interp1d(table: Any) -> tuple[Any, Any, Any]:
    from scipy.interpolate import BSpline, PPoly

    if hasattr(table, "_spline"):
        t, c, k = table._spline.tck
        polynomials = _of_bspline(BSpline(t, c.reshape(-1, *table._y_extra_shape), k))
    elif table._kind == "linear":
        y = np.moveaxis(np.asarray(table.y), table.axis, 0)
        width = np.diff(table.x).reshape(-1, *(1,) * (y.ndim - 1))
        polynomials = PPoly(np.stack([np.diff(y, axis=0) / width, y[:-1]]), table.x)
    else:
        raise ops.unsupported(
            f"scipy.interpolate.interp1d of kind {table._kind!r}", "use kind='linear' or numpy.interp"
        )
    polynomials.axis = table.axis
    if isinstance(table.fill_value, str):
        return polynomials, True, np.nan
    if table.bounds_error:
        return polynomials, "raise", np.nan
    if np.ndim(table.fill_value) != 0:
        raise ops.unsupported("interp1d with several fill values", "use numpy.interp with left and right")
    return polynomials, False, float(table.fill_value)


def _evaluated(polynomials: Any, x: TracedArray, rule: Any, fill: float) -> TracedArray:
    breaks, coefficients = np.asarray(polynomials.x), np.asarray(polynomials.c)
    inner = x
    if rule == "periodic":
        inner = breaks[0] + (x - breaks[0]) % (breaks[-1] - breaks[0])
    piece = searchsorted(breaks[1:-1], inner, "right")
    wide = (*x.shape, *(1,) * (coefficients.ndim - 2))
    offset = ops.reshape(inner - _entries(breaks, piece), wide)
    total = _entries(coefficients[0], piece)
    for row in coefficients[1:]:
        total = total * offset + _entries(row, piece)
    if rule is True or rule == "periodic":
        return total
    outside = ops.logical("logical_or", ops.compare("lt", x, breaks[0]), ops.compare("gt", x, breaks[-1]))
    if rule != "raise":
        return ops.where(ops.reshape(outside, wide), fill, total)
    if bool(outside.any()):
        raise ValueError(f"x is outside the interpolation range{at(user_location())}")
    return total


def _axis_in_place(total: TracedArray, ndim: int, axis: int) -> TracedArray:
    """Put the axes of x where the interpolated axis of the data stood."""
    if axis == 0:
        return total
    order = list(range(ndim, total.ndim))
    return ops.transpose(total, [*order[:axis], *range(ndim), *order[axis:]])
