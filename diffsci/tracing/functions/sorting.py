"""Sorting, search, and sets of values."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.protocols import implements
from diffsci.tracing.trace import bind


def lanes(x: Any, axis: Any) -> tuple[TracedArray, int]:
    """Bring an axis to the end (None: all elements in one lane); return where it was."""
    x = ops.traced(x)
    if axis is None:
        return ops.reshape(x, -1), -1
    axis = ops.normal_axis(axis, x.ndim)
    return _swapped(x, axis), axis


def _swapped(x: TracedArray, axis: int) -> TracedArray:
    """Move the last axis to a place, and the axis that stands there to the end."""
    if axis in (-1, x.ndim - 1):
        return x
    order = list(range(x.ndim))
    order[axis], order[-1] = order[-1], order[axis]
    return ops.transpose(x, order)


def sorted_lanes(x: TracedArray) -> TracedArray:
    """Sort along the last axis; equal entries share the derivatives of their places."""
    if x.dtype.kind == "b":
        return ops.convert(bind("sort", ops.convert(x, int)), bool)
    return bind("sort", x)


def take_lanes(x: TracedArray, index: Any) -> TracedArray:
    """Take entries along the last axis, each lane by its own indices, none negative."""
    index = ops.traced(index)
    first = np.arange(x.size // max(x.shape[-1], 1)).reshape(*x.shape[:-1], 1) * x.shape[-1]
    return bind("take", ops.reshape(x, (x.size,)), ops.arithmetic("add", index, first), axis=0)


def _is_stable(kind: Any, stable: Any) -> bool:
    return bool(stable) or kind in ("stable", "mergesort")


@implements(np.sort)
def sort(x, axis=-1, kind=None, order=None, *, stable=None):
    x, place = lanes(x, axis)
    return ops.copy(_swapped(sorted_lanes(x), place))


@implements(np.argsort)
def argsort(x, axis=-1, kind=None, order=None, *, stable=None):
    x, place = lanes(x, axis)
    return ops.copy(_swapped(bind("argsort", x, stable=_is_stable(kind, stable)), place))


def _places(kth: Any) -> tuple[int, ...]:
    return tuple(operator.index(k) for k in np.atleast_1d(kth).tolist())


@implements(np.partition)
def partition(x, kth, axis=-1, kind="introselect", order=None):
    """np.partition: the arrangement is NumPy's, the entries are those of the sorted array."""
    x, place = lanes(x, axis)
    rank = bind("argsort", bind("argsort", x, stable=True), stable=True)
    ranks = take_lanes(rank, bind("argpartition", x, kth=_places(kth)))
    return ops.copy(_swapped(take_lanes(sorted_lanes(x), ranks), place))


@implements(np.argpartition)
def argpartition(x, kth, axis=-1, kind="introselect", order=None):
    x, place = lanes(x, axis)
    return ops.copy(_swapped(bind("argpartition", x, kth=_places(kth)), place))


def sort_in_place(x: TracedArray, axis: int = -1, kind=None, order=None, *, stable=None) -> None:
    """x.sort()."""
    x[...] = sort(x, axis, kind)


def partition_in_place(x: TracedArray, kth, axis: int = -1, kind="introselect", order=None) -> None:
    """x.partition()."""
    x[...] = partition(x, kth, axis)


@implements(np.searchsorted)
def searchsorted(a, v, side="left", sorter=None):
    a, v = ops.common([ops.traced(a), ops.traced(v)])
    if sorter is not None:
        a = a[sorter]
    found = ops.reshape(bind("searchsorted", a, ops.reshape(v, (v.size,)), side=side), v.shape)
    return TracedArray(found.owner, found.read(), scalar=v.ndim == 0)


@implements(np.digitize)
def digitize(x, bins, right=False):
    bins = ops.traced(bins)
    side = "left" if right else "right"
    if bins.size > 1 and bool(bins[0] > bins[-1]):
        return bins.size - searchsorted(bins[::-1], x, "right" if right else "left")
    return searchsorted(bins, x, side)


@implements(np.unique)
def unique(
    x,
    return_index=False,
    return_inverse=False,
    return_counts=False,
    axis=None,
    *,
    equal_nan=True,
    sorted=True,
):
    """np.unique: the program holds for the order and the repetitions seen."""
    x = ops.traced(x)
    if axis is not None and x.ndim != 1:
        raise ops.unsupported("numpy.unique along an axis of several", "treat each row by itself")
    if return_inverse and x.ndim != 1:
        raise ops.unsupported("numpy.unique with return_inverse of several axes", "use x.ravel()")
    x = ops.reshape(x, -1)
    order = bind("argsort", x, stable=True).pinned()
    found = sorted_lanes(x)
    different = np.ones(x.size, bool)
    if x.size > 1:
        different[1:] = ops.compare("ne", found[1:], found[:-1]).pinned()
    if equal_nan and x.dtype.kind == "f":
        nans = ops.unary("isnan", found).pinned()
        different[1:] &= ~(nans[1:] & nans[:-1])
    starts = np.flatnonzero(different)
    results: list[Any] = [found[starts]]
    if return_index:
        results.append(order[starts])
    if return_inverse:
        inverse = np.empty(x.size, np.int64)
        inverse[order] = np.cumsum(different) - 1
        results.append(inverse)
    if return_counts:
        results.append(np.diff(starts, append=x.size))
    return tuple(results) if len(results) > 1 else results[0]


@implements(np.unique_values)
def unique_values(x):
    return unique(x)


@implements(np.union1d)
def union1d(ar1, ar2):
    return unique(ops.concatenate([ar1, ar2], None))


@implements(np.isin)
def isin(element, test_elements, assume_unique=False, invert=False, *, kind=None):
    element, among = ops.traced(element), ops.reshape(ops.traced(test_elements), -1)
    equal = ops.compare("eq", ops.expand(element, element.ndim), among)
    found = ops.reduce("any", equal, -1)
    return ops.logical("logical_not", found) if invert else found
