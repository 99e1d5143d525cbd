"""Functions that make arrays. Inside a traced function their results can be written to."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.functions.shapes import diagonal, moveaxis
from diffsci.tracing.powers import power
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
    if (
        isinstance(x, TracedArray)
        and not x.scalar
        and (dtype is None or x.dtype == ops.standard_dtype(dtype))
    ):
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


def _ends(start: Any, stop: Any) -> tuple[TracedArray, TracedArray]:
    """End points as floats of one dtype."""
    dtype = ops.float_dtype(start, stop)
    return ops.convert(start, dtype), ops.convert(stop, dtype)


@implements(np.linspace)
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *, device=None):
    num = int(num)
    start, stop = _ends(start, stop)
    span = stop - start
    step = span / max(num - 1 if endpoint else num, 1)
    count = np.arange(num, dtype=span.dtype).reshape(-1, *(1,) * span.ndim)
    points = ops.traced(count) * step + start
    if endpoint and num > 1:
        points[-1] = stop
    if axis != 0:
        points = moveaxis(points, 0, axis)
    points = points if dtype is None else ops.convert(points, dtype)
    return (points, step) if retstep else points


@implements(np.logspace)
def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    exponents = linspace(start, stop, num, endpoint)
    result = power(np.asarray(base, float) if ops.is_python_scalar(base) else base, exponents)
    if axis != 0:
        result = moveaxis(result, 0, axis)
    return result if dtype is None else ops.convert(result, dtype)


@implements(np.geomspace)
def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """Equal ratios; both ends of one sign."""
    start, stop = _ends(start, stop)
    sign = ops.unary("sign", start)
    low, high = (ops.float_elementwise("log10", end * sign) for end in (start, stop))
    points = logspace(low, high, num, endpoint) * sign
    if num > 0:
        points[0] = start
    if endpoint and num > 1:
        points[-1] = stop
    if axis != 0:
        points = moveaxis(points, 0, axis)
    return points if dtype is None else ops.convert(points, dtype)


@implements(np.arange)
def arange(start, stop=None, step=1, dtype=None, **_):
    """The length holds for the one seen; the entries stay functions of start and step."""
    if stop is None:
        start, stop = 0, start
    count = ops.unary("ceil", ops.traced(ops.float_elementwise("div", ops.traced(stop) - start, step)))
    points = ops.traced(np.arange(max(int(count.pinned()), 0))) * step + start
    return points if dtype is None else ops.convert(points, dtype)


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
        return diagonal(v, k)
    n = v.size + abs(k)
    result = ops.traced(np.zeros((n, n), v.dtype))
    rows = np.arange(v.size) + max(0, -k)
    result[rows, rows + k] = v
    return result


@implements(np.diagflat)
def diagflat(v, k=0):
    return diag(ops.reshape(ops.traced(v), -1), k)


def _triangle(keep):
    def triangle(m, k=0):
        m = ops.traced(m)
        return ops.where(keep(np.ones(m.shape[-2:], bool), k), m, np.zeros((), m.dtype))

    return triangle


implements(np.tril)(_triangle(np.tril))
implements(np.triu)(_triangle(np.triu))


@implements(np.vander)
def vander(x, N=None, increasing=False):
    x = ops.convert(x, np.promote_types(ops.traced(x).dtype, int))
    count = x.size if N is None else int(N)
    one = ops.traced(np.ones(x.shape, x.dtype))
    columns = [one if k == 0 else power(x, k) for k in range(count)]
    return ops.stack(columns if increasing else columns[::-1], 1)


@implements(np.asfortranarray)
def asfortranarray(x, dtype=None):
    return asarray(x, dtype)


@implements(np.astype)
def astype(x, dtype, /, *, copy=True, device=None):
    return ops.traced(x).astype(dtype)


@implements(np.resize)
def resize(x, new_shape):
    x = ops.reshape(ops.traced(x), -1)
    shape = _shape(new_shape)
    shape = shape if isinstance(shape, tuple) else (int(shape),)
    count = int(np.prod(shape, dtype=np.int64))
    return ops.copy(ops.reshape(x[np.arange(count) % max(x.size, 1)], shape))


def _indices_from(function):
    def indices(arr, k=0):
        shape = ops.shape_of(arr)
        return function(shape[-2], k, shape[-1])

    return indices


implements(np.tril_indices_from)(_indices_from(np.tril_indices))
implements(np.triu_indices_from)(_indices_from(np.triu_indices))
implements(np.diag_indices_from)(lambda arr: np.diag_indices(len(arr), arr.ndim))
