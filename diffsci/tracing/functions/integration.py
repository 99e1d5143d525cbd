"""Differences and integrals of sampled values: numpy.gradient and diff, scipy.integrate's rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.protocols import implements, implements_scipy


def _part(x: TracedArray, axis: int, *bounds: int | None) -> TracedArray:
    index = [slice(None)] * x.ndim
    index[axis] = slice(*bounds)
    return x[tuple(index)]


def _float(x: Any) -> TracedArray:
    x = ops.traced(x)
    return x if x.dtype.kind in "fc" else ops.convert(x, float)


def _widths(y: TracedArray, x: Any, dx: Any, axis: int) -> Any:
    """Return the distances of the points, shaped to multiply differences of y."""
    if x is None:
        return dx
    x = ops.traced(x)
    if x.ndim == 1:
        return _upright(x[1:] - x[:-1], y.ndim, axis)
    return _part(x, axis, 1, None) - _part(x, axis, None, -1)


def _upright(v: TracedArray, ndim: int, axis: int) -> TracedArray:
    return ops.reshape(v, tuple(-1 if a == axis else 1 for a in range(ndim)))


@implements(np.trapezoid)
@implements_scipy("scipy.integrate.trapezoid")
def trapezoid(y, x=None, dx=1.0, axis=-1):
    y = _float(y)
    axis = ops.normal_axis(axis, y.ndim)
    return (_pairs(y, axis) * _widths(y, x, dx, axis)).sum(axis)


def _pairs(y: TracedArray, axis: int) -> TracedArray:
    return (_part(y, axis, 1, None) + _part(y, axis, None, -1)) / 2


@implements_scipy("scipy.integrate.cumulative_trapezoid")
def cumulative_trapezoid(y, x=None, dx=1.0, axis=-1, initial=None):
    y = _float(y)
    axis = ops.normal_axis(axis, y.ndim)
    return _started((_pairs(y, axis) * _widths(y, x, dx, axis)).cumsum(axis), initial, axis)


def _started(sums: TracedArray, initial: Any, axis: int) -> TracedArray:
    if initial is None:
        return sums
    shape = tuple(1 if a == axis else n for a, n in enumerate(sums.shape))
    return ops.concatenate([ops.broadcast_to(ops.convert(initial, sums.dtype), shape), sums], axis)


@implements_scipy("scipy.integrate.simpson")
def simpson(y, x=None, *, dx=1.0, axis=-1):
    """Composite Simpson's rule; for an even number of points with SciPy's correction of the last interval.

    Cartwright, "Simpson's Rule Cumulative Integration with MS Excel and Irregularly-spaced Data",
    J. Math. Sci. Math. Educ. 12(2), 2017, eq. 8.
    """
    y = _float(y)
    axis = ops.normal_axis(axis, y.ndim)
    n = y.shape[axis]
    h = _widths(y, x, dx, axis)
    if n == 2:
        return (_pairs(y, axis) * h).sum(axis)
    odd = n if n % 2 else n - 1
    if x is None:
        total = _simpson_even(_part(y, axis, None, odd), axis, h)
    else:
        total = _simpson_uneven(_part(y, axis, None, odd), axis, _part(h, axis, None, odd - 1))
    if odd < n:
        total = total + _last_interval(y, axis, h)
    return total


def _simpson_even(y: TracedArray, axis: int, h: Any) -> TracedArray:
    ends = _part(y, axis, 0, -2, 2) + _part(y, axis, 2, None, 2)
    return (ends + 4 * _part(y, axis, 1, None, 2)).sum(axis) * (h / 3.0)


def _simpson_uneven(y: TracedArray, axis: int, h: TracedArray) -> TracedArray:
    h0, h1 = _part(h, axis, 0, None, 2), _part(h, axis, 1, None, 2)
    both, ratio = h0 + h1, h0 / h1
    terms = (
        _part(y, axis, 0, -2, 2) * (2.0 - 1.0 / ratio)
        + _part(y, axis, 1, None, 2) * (both * (both / (h0 * h1)))
        + _part(y, axis, 2, None, 2) * (2.0 - ratio)
    )
    return (both / 6.0 * terms).sum(axis)


def _last_interval(y: TracedArray, axis: int, h: Any) -> TracedArray:
    last, before = (h, h) if ops.shape_of(h) == () else (_end(h, axis, -1), _end(h, axis, -2))
    both = last + before
    newest = (2 * last**2 + 3 * last * before) / (6 * both)
    middle = (last**2 + 3 * last * before) / (6 * before)
    oldest = last**3 / (6 * before * both)
    return newest * _end(y, axis, -1) + middle * _end(y, axis, -2) - oldest * _end(y, axis, -3)


def _end(x: TracedArray, axis: int, k: int) -> TracedArray:
    return x[(slice(None),) * axis + (k,)]


@implements(np.diff)
def diff(x, n=1, axis=-1, prepend=np._NoValue, append=np._NoValue):
    x = ops.traced(x)
    axis = ops.normal_axis(axis, x.ndim)
    before, after = (
        [] if end is np._NoValue or end is None else [_edge(x, end, axis)] for end in (prepend, append)
    )
    parts = [*before, x, *after]
    x = ops.concatenate(parts, axis) if len(parts) > 1 else x
    for _ in range(n):
        later, earlier = _part(x, axis, 1, None), _part(x, axis, None, -1)
        x = ops.compare("ne", later, earlier) if x.dtype.kind == "b" else later - earlier
    return x


def _edge(x: TracedArray, end: Any, axis: int) -> TracedArray:
    shape = tuple(1 if a == axis else n for a, n in enumerate(x.shape))
    return ops.broadcast_to(end, shape) if ops.shape_of(end) == () else ops.traced(end)


@implements(np.ediff1d)
def ediff1d(x, to_end=None, to_begin=None):
    x = ops.reshape(ops.traced(x), -1)
    parts = [to_begin, x[1:] - x[:-1], to_end]
    parts = [ops.reshape(ops.convert(part, x.dtype), -1) for part in parts if part is not None]
    return ops.concatenate(parts) if len(parts) > 1 else parts[0]


@implements(np.gradient)
def gradient(f, *spacing, axis=None, edge_order=1):
    f = _float(f)
    if axis is None:
        axes = tuple(range(f.ndim))
    else:
        axes = tuple(
            ops.normal_axis(a, f.ndim) for a in (axis if isinstance(axis, (tuple, list)) else [axis])
        )
    steps = list(spacing) or [1.0]
    if len(steps) == 1 and ops.shape_of(steps[0]) == ():
        steps *= len(axes)
    if len(steps) != len(axes):
        raise TypeError("invalid number of arguments")
    # NumPy computes with coordinates in double precision and stores in that of the values.
    results = tuple(_as(_gradient(f, h, a, edge_order), f) for h, a in zip(steps, axes, strict=True))
    return results[0] if len(results) == 1 else results


def _as(x: TracedArray, other: TracedArray) -> TracedArray:
    return x if x.dtype == other.dtype else ops.convert(x, other.dtype)


def _gradient(f: TracedArray, h: Any, axis: int, edge_order: int) -> TracedArray:
    n = f.shape[axis]
    if n < edge_order + 1:
        raise ValueError(
            f"shape of array too small to calculate a numerical gradient: {n} points on axis {axis}"
        )

    def at(start, stop):
        return _part(f, axis, start, stop)

    if ops.shape_of(h) != ():
        return _gradient_uneven(f, ops.traced(h), axis, at, edge_order)
    inner = (at(2, None) - at(None, -2)) / (2.0 * h)
    if edge_order == 1:
        first, last = (at(1, 2) - at(0, 1)) / h, (at(-1, None) - at(-2, -1)) / h
    else:
        first = (-1.5 / h) * at(0, 1) + (2.0 / h) * at(1, 2) + (-0.5 / h) * at(2, 3)
        last = (0.5 / h) * at(-3, -2) + (-2.0 / h) * at(-2, -1) + (1.5 / h) * at(-1, None)
    return ops.concatenate([first, inner, last], axis)


def _gradient_uneven(f, x, axis, at, edge_order):
    width = _upright(x[1:] - x[:-1], f.ndim, axis)

    def part(start, stop):
        return _part(width, axis, start, stop)

    before, after = part(None, -1), part(1, None)
    inner = (
        -after / (before * (before + after)) * at(None, -2)
        + (after - before) / (before * after) * at(1, -1)
        + before / (after * (before + after)) * at(2, None)
    )
    if edge_order == 1:
        first, last = (at(1, 2) - at(0, 1)) / part(0, 1), (at(-1, None) - at(-2, -1)) / part(-1, None)
    else:
        first = _one_sided(part(0, 1), part(1, 2), at(0, 1), at(1, 2), at(2, 3))
        last = -_one_sided(part(-1, None), part(-2, -1), at(-1, None), at(-2, -1), at(-3, -2))
    return ops.concatenate([first, inner, last], axis)


def _one_sided(near, far, f0, f1, f2):
    """Derivative at the end of three points by their parabola, into the interval."""
    both = near + far
    return -(2.0 * near + far) / (near * both) * f0 + both / (near * far) * f1 - near / (far * both) * f2
