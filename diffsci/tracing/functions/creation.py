"""Functions that make arrays. Inside a traced function their results can be written to."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.protocols import implements


def _shape(shape: Any) -> Any:
    if isinstance(shape, TracedArray):
        return tuple(int(n) for n in np.atleast_1d(shape.pinned()))
    if isinstance(shape, (tuple, list)):
        return tuple(int(n) for n in shape)
    return shape


@implements(np.array)
def array(x, dtype=None, *, copy=True, order=None, ndmin=0, subok=False):
    result = ops.as_array(x, dtype)
    while result.ndim < ndmin:
        result = ops.expand(result, 0)
    result.scalar = False
    return result


@implements(np.asarray, np.ascontiguousarray, np.asanyarray)
def asarray(x, dtype=None, *, order=None, copy=None):
    if isinstance(x, TracedArray) and (dtype is None or x.dtype == ops.standard_dtype(dtype)):
        return x
    return array(x, dtype)


@implements(np.copy)
def copy(x, order="K", subok=False):
    x = ops.traced(x)
    return ops.copy(x) if order == "C" else ops.copy(x).laid_out_like((x,))


def _repeated(value, shape, dtype) -> TracedArray:
    """One number everywhere: kept as a number, whatever the size."""
    shape = shape if isinstance(shape, tuple) else (int(shape),)
    return ops.broadcast_to(ops.traced(np.asarray(value, dtype)), shape)


def _filled(value):
    def make(shape, dtype=float, order="C", **_):
        return _repeated(value, _shape(shape), ops.standard_dtype(dtype or float))

    return make


implements(np.zeros)(_filled(0))
implements(np.empty)(_filled(0))
implements(np.ones)(_filled(1))


@implements(np.full)
def full(shape, fill_value, dtype=None, order="C"):
    fill = ops.traced(fill_value)
    shape = _shape(shape)
    shape = shape if isinstance(shape, tuple) else (int(shape),)
    return ops.broadcast_to(fill if dtype is None else ops.convert(fill, dtype), shape)


def _like(value):
    def make(x, dtype=None, order="K", subok=True, shape=None):
        dtype = dtype if dtype is not None else ops.promoted(ops.as_operand(x))
        if shape is not None:
            return _repeated(value, _shape(shape), ops.standard_dtype(dtype))
        return _repeated(value, ops.shape_of(x), ops.standard_dtype(dtype)).laid_out_like((x,))

    return make


implements(np.zeros_like)(_like(0))
implements(np.empty_like)(_like(0))
implements(np.ones_like)(_like(1))


@implements(np.full_like)
def full_like(x, fill_value, dtype=None, order="K", subok=True, shape=None):
    dtype = dtype if dtype is not None else ops.promoted(ops.as_operand(x))
    if shape is not None:
        return full(shape, fill_value, dtype)
    return full(ops.shape_of(x), fill_value, dtype).laid_out_like((x,))


@implements(np.linspace)
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    if ops.shape_of(start) or ops.shape_of(stop) or axis != 0:
        raise ops.unsupported("numpy.linspace between arrays", "use scalars, or broadcast by hand")
    num = int(num)
    step = (ops.traced(stop) - start) / max(num - 1 if endpoint else num, 1)
    points = ops.traced(np.arange(num, dtype=float)) * step + start
    if endpoint and num > 1:
        points[-1] = stop
    points = points if dtype is None else ops.convert(points, dtype)
    return (points, step) if retstep else points


@implements(np.arange)
def arange(start, stop=None, step=1, dtype=None, **_):
    if stop is None:
        start, stop = 0, start
    # The length is fixed by the values seen; the entries stay functions of start and step.
    length = -int(np.floor_divide(_known(start) - _known(stop), _known(step)))
    count = np.arange(max(length, 0))
    points = ops.traced(count) * step + start
    return points if dtype is None else ops.convert(points, dtype)


def _known(x: Any) -> float:
    return x.pinned().item() if isinstance(x, TracedArray) else x


@implements(np.meshgrid)
def meshgrid(*axes, indexing="xy", sparse=False, copy=True):
    axes = [ops.reshape(ops.traced(x), -1) for x in axes]
    ndim = len(axes)
    places = list(range(ndim))
    if indexing == "xy" and ndim > 1:
        places[0], places[1] = 1, 0
    grids = [
        ops.reshape(x, tuple(x.size if a == k else 1 for a in range(ndim)))
        for x, k in zip(axes, places, strict=True)
    ]
    if sparse:
        return tuple(grids)
    shape = np.broadcast_shapes(*(grid.shape for grid in grids))
    return tuple(ops.broadcast_to(grid, shape) for grid in grids)


@implements(np.diag)
def diag(v, k=0):
    v = ops.traced(v)
    if v.ndim == 2:
        rows = np.arange(max(0, -k), min(v.shape[0], v.shape[1] - k))
        return v[rows, rows + k]
    n = v.size + abs(k)
    result = ops.traced(np.zeros((n, n), v.dtype))
    rows = np.arange(v.size) + max(0, -k)
    result[rows, rows + k] = v
    return result


def _triangle(keep):
    def triangle(m, k=0):
        m = ops.traced(m)
        return ops.where(keep(np.ones(m.shape[-2:], bool), k), m, np.zeros((), m.dtype))

    return triangle


implements(np.tril)(_triangle(np.tril))
implements(np.triu)(_triangle(np.triu))
