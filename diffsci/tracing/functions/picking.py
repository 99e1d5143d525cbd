"""Entries chosen by index arrays and masks, read and written."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.functions.shapes import moveaxis
from diffsci.tracing.protocols import foreign, implements
from diffsci.tracing.trace import bind


def _index(x: Any) -> Any:
    """An index array: plain if it is known."""
    if isinstance(x, TracedArray):
        return x.constant() if x.is_const else x
    return ops.as_array(x) if ops.contains_traced(x) else np.asarray(x)


def _own(x: Any) -> TracedArray:
    if not isinstance(x, TracedArray):
        raise foreign(x)
    return x


def _in_mode(index: Any, n: int, mode: str) -> Any:
    if mode == "clip":
        return ops.arithmetic("maximum", ops.arithmetic("minimum", ops.traced(index), n - 1), 0)
    if mode == "wrap":
        return ops.arithmetic("mod", ops.traced(index), n)
    if mode == "raise":
        return index
    raise ValueError(f"clipmode must be one of 'clip', 'raise', or 'wrap' (got {mode!r})")


@implements(np.take)
def take(x, indices, axis=None, mode="raise"):
    x = ops.traced(x)
    if axis is None:
        x, axis = ops.reshape(x, -1), 0
    axis = ops.normal_axis(axis, x.ndim)
    index = _in_mode(_index(indices), x.shape[axis], mode)
    return x[(slice(None),) * axis + (index,)]


def _along(x: TracedArray, indices: Any, axis: int) -> tuple:
    """Return the key that picks, in each lane along an axis, the entries of that lane's indices."""
    indices = _index(indices)
    if len(ops.shape_of(indices)) != x.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    shape = [n if a != axis else 1 for a, n in enumerate(x.shape)]
    key: list[Any] = [
        np.arange(n).reshape([-1 if a == other else 1 for other in range(x.ndim)])
        for a, n in enumerate(shape)
    ]
    key[axis] = indices
    return tuple(key)


@implements(np.take_along_axis)
def take_along_axis(x, indices, axis=-1):
    x = ops.traced(x)
    if axis is None:
        x, axis = ops.reshape(x, -1), 0
    return x[_along(x, indices, ops.normal_axis(axis, x.ndim))]


@implements(np.put_along_axis)
def put_along_axis(x, indices, values, axis):
    x = _own(x)
    x, axis = (x.flat, 0) if axis is None else (x, axis)
    x[_along(x, indices, ops.normal_axis(axis, x.ndim))] = values


@implements(np.choose)
def choose(a, choices, out=None, mode="raise"):
    choices = ops.common(list(choices))
    index = ops.traced(a)
    if mode == "raise":
        index = _checked(index, len(choices))
    index = _in_mode(index, len(choices), mode)
    result = choices[0]
    for k in range(1, len(choices)):
        result = ops.where(ops.compare("eq", index, k), choices[k], result)
    return ops.broadcast_to(result, np.broadcast_shapes(result.shape, index.shape))


def _checked(index: TracedArray, n: int) -> TracedArray:
    outside = ops.logical("logical_or", ops.compare("lt", index, 0), ops.compare("ge", index, n))
    if bool(outside.any()):
        raise ValueError("invalid entry in choice array")
    return index


def _where_true(condition: Any) -> np.ndarray:
    """Flat places of a mask, held to those seen."""
    mask = ops.truth(condition)
    return np.flatnonzero(mask.pinned() if isinstance(mask, TracedArray) else mask)


@implements(np.compress)
def compress(condition, a, axis=None):
    a = ops.traced(a)
    if axis is None:
        a, axis = ops.reshape(a, -1), 0
    return take(a, _where_true(condition), axis)


@implements(np.extract)
def extract(condition, arr):
    return ops.reshape(ops.traced(arr), -1)[_where_true(condition)]


implements(np.flatnonzero)(_where_true)


@implements(np.argwhere)
def argwhere(a):
    a = ops.traced(a)
    return np.argwhere(ops.truth(a).pinned())


def _repeated(values: Any, count: int) -> TracedArray:
    """The first `count` of the values, repeated as often as needed."""
    values = ops.reshape(ops.traced(values), -1)
    if values.size == count:
        return values
    return values[np.arange(count) % max(values.size, 1)]


@implements(np.put)
def put(a, ind, v, mode="raise"):
    a = _own(a)
    index = ops.reshape(ops.traced(_in_mode(_index(ind), a.size, mode)), -1)
    a.flat[index] = _repeated(v, index.size)


@implements(np.place)
def place(arr, mask, vals):
    arr = _own(arr)
    chosen = _where_true(mask)
    arr.flat[chosen] = _repeated(vals, chosen.size)


@implements(np.putmask)
def putmask(a, mask, values):
    a = _own(a)
    values = ops.reshape(_repeated(values, a.size), a.shape) if ops.shape_of(values) != () else values
    a[...] = ops.where(mask, values, a)


@implements(np.copyto)
def copyto(dst, src, casting="same_kind", where=True):
    dst = _own(dst)
    dst[...] = src if where is True else ops.where(where, src, dst)


@implements(np.fill_diagonal)
def fill_diagonal(a, val, wrap=False):
    a = _own(a)
    if a.ndim < 2:
        raise ValueError("array must be at least 2-d")
    marked = np.zeros(a.shape, bool)
    np.fill_diagonal(marked, True, wrap)
    chosen = np.flatnonzero(marked)
    a.flat[chosen] = _repeated(val, chosen.size)


@implements(np.unravel_index)
def unravel_index(indices, shape, order="C"):
    if order != "C":
        raise ops.unsupported("numpy.unravel_index in Fortran order", "reverse the shape")
    index = ops.traced(indices)
    parts = []
    for n in reversed([operator.index(n) for n in np.atleast_1d(shape).tolist()]):
        parts.append(index % n)
        index = index // n
    return tuple(reversed(parts))


@implements(np.ravel_multi_index)
def ravel_multi_index(multi_index, dims, mode="raise", order="C"):
    if order != "C":
        raise ops.unsupported("numpy.ravel_multi_index in Fortran order", "reverse the indices")
    total: Any = 0
    for part, n in zip(multi_index, dims, strict=True):
        total = total * n + _in_mode(ops.traced(part), n, mode)
    return total


@implements(np.delete)
def delete(x, obj, axis=None):
    x = ops.traced(x)
    if axis is None:
        x, axis = ops.reshape(x, -1), 0
    axis = ops.normal_axis(axis, x.ndim)
    obj = obj.pinned() if isinstance(obj, TracedArray) else obj
    return bind("take", x, np.delete(np.arange(x.shape[axis]), obj), axis=axis)


@implements(np.insert)
def insert(x, obj, values, axis=None):
    x = ops.traced(x)
    if axis is None:
        x, axis = ops.reshape(x, -1), 0
    axis = ops.normal_axis(axis, x.ndim)
    obj = obj.pinned() if isinstance(obj, TracedArray) else obj
    values = ops.convert(values, x.dtype)
    scalar = isinstance(obj, (int, np.integer)) or (isinstance(obj, np.ndarray) and obj.ndim == 0)
    while values.ndim < x.ndim:
        values = ops.expand(values, 0)
    if scalar:  # NumPy's rule for one place: the first axis of the values runs along the axis
        values = moveaxis(values, 0, axis)
    n = x.shape[axis]
    marked = (
        np.insert(np.arange(n), obj, -1)
        if not scalar
        else np.insert(np.arange(n), [int(obj)] * values.shape[axis], -1)
    )
    order = np.where(marked < 0, n + np.cumsum(marked < 0) - 1, marked)
    if not scalar:
        order = _in_given_order(order, n, obj)
    shape = tuple(order.size - n if a == axis else size for a, size in enumerate(x.shape))
    return bind("take", ops.concatenate([x, ops.broadcast_to(values, shape)], axis), order, axis=axis)


def _in_given_order(order: np.ndarray, n: int, obj: Any) -> np.ndarray:
    """Places given out of order: the k-th value goes to the k-th place."""
    places = np.arange(n + 1)[obj] if np.asarray(obj).dtype.kind != "b" else np.flatnonzero(obj)
    rank = np.argsort(np.where(np.asarray(places) < 0, places + n, places), kind="stable")
    inserted = order >= n
    result = order.copy()
    result[inserted] = n + rank
    return result
