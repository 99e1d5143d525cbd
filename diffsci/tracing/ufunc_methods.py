"""reduce, accumulate, reduceat and at of ufuncs, beyond those that are functions of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.tracing import indexing
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.trace import bind

__all__ = ["accumulate", "at", "reduce", "reduceat"]

REDUCTIONS = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "logical_and": "all",
    "logical_or": "any",
}

# The order of operations is free: folded in halves, in log2(n) operations.
ASSOCIATIVE = frozenset("logaddexp logaddexp2 hypot fmax fmin maximum minimum logical_xor".split())

Rule = Callable[[Any, Any], TracedArray]


def _along(x: TracedArray, axis: int, *bounds: int | None) -> TracedArray:
    key = [slice(None)] * x.ndim
    key[axis] = slice(*bounds)
    return x[tuple(key)]


def _entry(x: TracedArray, axis: int, k: int) -> TracedArray:
    return x[(slice(None),) * axis + (k,)]


def reduce(
    ufunc: np.ufunc, rule: Rule, x: Any, axis=0, dtype=None, keepdims=False, initial=np._NoValue, where=True
) -> TracedArray:
    """ufunc.reduce(x, ...)."""
    x = ops.traced(x)
    axis = ops.or_all(axis, x.ndim)
    if where is not True:
        x = ops.where(where, x, _neutral(ufunc, initial))
    started = initial is not np._NoValue and initial is not None
    if started and ufunc.identity is None and x.size == 0:
        empty = np.empty(x.shape, x.dtype if dtype is None else dtype)
        shape = ufunc.reduce(empty, axis=axis, keepdims=bool(keepdims), initial=0).shape
        return ops.broadcast_to(ops.convert(ops.traced(initial), empty.dtype), shape)
    if ufunc.__name__ in REDUCTIONS:
        result = ops.reduce(REDUCTIONS[ufunc.__name__], x, axis, bool(keepdims), dtype)
    else:
        result = _folded(ufunc, rule, x if dtype is None else ops.convert(x, dtype), axis, bool(keepdims))
    return rule(initial, result) if started else result


def _neutral(ufunc: np.ufunc, initial: Any) -> Any:
    if ufunc.identity is not None:
        return ufunc.identity
    if initial is np._NoValue or initial is None:
        raise ValueError(
            f"reduction operation '{ufunc.__name__}' does not have an identity, "
            "so to use a where mask one has to specify 'initial'"
        )
    return initial


def _folded(ufunc: np.ufunc, rule: Rule, x: TracedArray, axis: Any, keepdims: bool) -> TracedArray:
    axes = ops.normal_axes(axis, x.ndim)
    if len(axes) > 1 and ufunc.__name__ not in ASSOCIATIVE:
        raise ValueError(f"reduction operation '{ufunc.__name__}' is not reorderable: give one axis")
    shape = x.shape
    for a in reversed(axes):
        fold = _halved if ufunc.__name__ in ASSOCIATIVE else _in_order
        x = fold(rule, x, a)
    return ops.restore_axes(x, axes, shape) if keepdims else x


def _halved(rule: Rule, x: TracedArray, axis: int) -> TracedArray:
    while (n := x.shape[axis]) > 1:
        half = n // 2
        joined = rule(_along(x, axis, 0, half), _along(x, axis, half, 2 * half))
        x = ops.concatenate([joined, _along(x, axis, 2 * half, None)], axis) if n % 2 else joined
    return _entry(x, axis, 0)


def _in_order(rule: Rule, x: TracedArray, axis: int) -> TracedArray:
    total = _entry(x, axis, 0)
    for k in range(1, x.shape[axis]):
        total = rule(total, _entry(x, axis, k))
    return total


def accumulate(ufunc: np.ufunc, rule: Rule, x: Any, axis=0, dtype=None) -> TracedArray:
    """ufunc.accumulate(x, axis)."""
    x = ops.traced(x)
    x = x if dtype is None else ops.convert(x, dtype)
    axis = ops.normal_axis(axis, x.ndim)
    if ufunc.__name__ in ("add", "multiply"):
        from diffsci.tracing.protocols import FUNCTIONS

        return FUNCTIONS[np.cumsum if ufunc.__name__ == "add" else np.cumprod](x, axis)
    if x.shape[axis] < 2:
        return ops.copy(x)
    return (_scanned if ufunc.__name__ in ASSOCIATIVE else _scanned_in_order)(rule, x, axis)


def _scanned(rule: Rule, x: TracedArray, axis: int) -> TracedArray:
    """Join windows of 1, 2, 4, ... entries that end at each place."""
    width, n = 1, x.shape[axis]
    while width < n:
        joined = rule(_along(x, axis, 0, n - width), _along(x, axis, width, None))
        x = ops.concatenate([_along(x, axis, 0, width), joined], axis)
        width *= 2
    return x


def _scanned_in_order(rule: Rule, x: TracedArray, axis: int) -> TracedArray:
    totals = [_entry(x, axis, 0)]
    for k in range(1, x.shape[axis]):
        totals.append(rule(totals[-1], _entry(x, axis, k)))
    return ops.stack(totals, axis)


def reduceat(ufunc: np.ufunc, rule: Rule, x: Any, indices: Any, axis=0, dtype=None) -> TracedArray:
    """ufunc.reduceat(x, indices, axis): x[i:j] for neighbouring indices, x[i] where i >= j."""
    x = ops.traced(x)
    x = x if dtype is None else ops.convert(x, dtype)
    axis = ops.normal_axis(axis, x.ndim)
    starts = np.atleast_1d(indices.pinned() if isinstance(indices, TracedArray) else np.asarray(indices))
    ends = np.append(starts[1:], x.shape[axis])
    members = [np.arange(i, max(j, i + 1)) for i, j in zip(starts, ends, strict=True)]
    if ufunc.__name__ != "add":
        parts = [reduce(ufunc, rule, _along(x, axis, m[0], m[-1] + 1), axis) for m in members]
        return ops.stack(parts, axis)
    segment = np.repeat(np.arange(len(members)), [m.size for m in members])
    entries = bind("take", x, np.concatenate(members), axis=axis)
    base = np.zeros((*x.shape[:axis], len(members), *x.shape[axis + 1 :]), x.dtype)
    return bind("put_add", ops.traced(base), segment, entries, axis=axis)


def at(ufunc: np.ufunc, rule: Callable, x: TracedArray, index: Any, value: Any = None) -> None:
    """ufunc.at(x, index, value): one update after the other, repeated places too."""
    if ufunc.__name__ in ("add", "subtract"):
        value = value if ufunc.__name__ == "add" else -ops.traced(value)
        indexing.put_add(x, index, value)
        return
    places = indexing.places(x, index)
    flat = x.flat
    rounds = _occurrence(places.ravel())
    values = None if value is None else ops.reshape(ops.broadcast_to(value, places.shape), -1)
    for k in range(int(rounds.max(initial=-1)) + 1):
        chosen = np.flatnonzero(rounds == k)
        where = places.ravel()[chosen]
        old = flat[where]
        flat[where] = rule(old) if values is None else rule(old, values[chosen])


def _occurrence(places: np.ndarray) -> np.ndarray:
    """Count for each entry how often its value stood before."""
    order = np.argsort(places, kind="stable")
    in_order = places[order]
    first = np.searchsorted(in_order, in_order, "left")
    count = np.empty(places.size, np.int64)
    count[order] = np.arange(places.size) - first
    return count
