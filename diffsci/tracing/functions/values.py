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
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = ops.where(condition, choice, result)
    return result


@implements(np.clip)
def clip(x, a_min=None, a_max=None, *, min=None, max=None):
    low = min if a_min is None else a_min
    high = max if a_max is None else a_max
    result = ops.traced(x)
    if low is not None:
        result = ops.arithmetic("maximum", result, low)
    if high is not None:
        result = ops.arithmetic("minimum", result, high)
    return result


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


@implements(np.sinc)
def sinc(x):
    x = ops.traced(x) * np.pi
    small = ops.compare("lt", ops.unary("abs", x), 1e-2)
    square = x * x
    # The series serves where sin(x)/x loses its derivatives; its next term is below rounding.
    series = 1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72)))
    safe = ops.where(small, 1.0, x)
    return ops.where(small, series, ops.float_elementwise("sin", safe) / safe)


@implements(np.nan_to_num)
def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    x = ops.traced(x)
    limits = np.finfo(x.dtype)
    result = ops.where(ops.float_elementwise("isnan", x), nan, x)
    result = ops.where(ops.compare("eq", x, np.inf), limits.max if posinf is None else posinf, result)
    return ops.where(ops.compare("eq", x, -np.inf), limits.min if neginf is None else neginf, result)


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


@implements(np.array_equal)
def array_equal(x, y, equal_nan=False):
    if ops.shape_of(x) != ops.shape_of(y):
        return False
    equal = ops.compare("eq", x, y)
    return (ops.logical("logical_or", equal, _both_nan(x, y)) if equal_nan else equal).all()


@implements(np.trapezoid)
def trapezoid(y, x=None, dx=1.0, axis=-1):
    y = ops.traced(y)
    axis = ops.normal_axis(axis, y.ndim)
    if x is not None:
        x = ops.traced(x)
        widths = x[1:] - x[:-1]
        dx = (
            ops.reshape(widths, tuple(-1 if a == axis else 1 for a in range(y.ndim)))
            if x.ndim == 1
            else widths
        )
    ahead, behind = [slice(None)] * y.ndim, [slice(None)] * y.ndim
    ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
    return ((y[tuple(ahead)] + y[tuple(behind)]) / 2 * dx).sum(axis)


@implements(np.gradient)
def gradient(f, *spacing, axis=None, edge_order=1):
    f = ops.traced(f)
    axes = ops.normal_axes(axis, f.ndim)
    steps = [1.0] * len(axes) if not spacing else list(spacing)
    if len(steps) == 1:
        steps *= len(axes)
    results = tuple(_gradient(f, h, a, edge_order) for h, a in zip(steps, axes, strict=True))
    return results[0] if len(results) == 1 else results


def _gradient(f: TracedArray, h, axis: int, edge_order: int) -> TracedArray:
    def at(start, stop):
        index = [slice(None)] * f.ndim
        index[axis] = slice(start, stop)
        return f[tuple(index)]

    n = f.shape[axis]
    if n < edge_order + 1:
        raise ValueError(
            f"shape of array too small to calculate a numerical gradient: {n} points on axis {axis}"
        )
    if ops.shape_of(h) != ():
        return _gradient_uneven(f, ops.traced(h), axis, at, edge_order)
    inner = (at(2, None) - at(None, -2)) / (2 * h)
    if edge_order == 1:
        first, last = (at(1, 2) - at(0, 1)) / h, (at(-1, None) - at(-2, -1)) / h
    else:
        first = (-3 * at(0, 1) + 4 * at(1, 2) - at(2, 3)) / (2 * h)
        last = (3 * at(-1, None) - 4 * at(-2, -1) + at(-3, -2)) / (2 * h)
    return ops.concatenate([first, inner, last], axis)


def _gradient_uneven(f, x, axis, at, edge_order):
    if edge_order != 1:
        raise ops.unsupported("numpy.gradient with uneven spacing and edge_order=2", "use edge_order=1")
    width = ops.reshape(x[1:] - x[:-1], tuple(-1 if a == axis else 1 for a in range(f.ndim)))

    def part(start, stop):
        index = [slice(None)] * f.ndim
        index[axis] = slice(start, stop)
        return width[tuple(index)]

    before, after = part(None, -1), part(1, None)
    inner = (
        -after / (before * (before + after)) * at(None, -2)
        + (after - before) / (before * after) * at(1, -1)
        + before / (after * (before + after)) * at(2, None)
    )
    first, last = (at(1, 2) - at(0, 1)) / part(0, 1), (at(-1, None) - at(-2, -1)) / part(-1, None)
    return ops.concatenate([first, inner, last], axis)
