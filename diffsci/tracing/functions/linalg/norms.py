"""Norms of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.functions.linalg.common import as_float, as_scalar, ignored, only
from diffsci.tracing.functions.linalg.spectra import svdvals
from diffsci.tracing.powers import power
from diffsci.tracing.protocols import implements, implements_scipy


@implements(np.linalg.norm)
def norm(x, ord=None, axis=None, keepdims=False):
    x = as_float(x)
    if axis is None and ord is None:
        return euclidean_norm(x, tuple(range(x.ndim)), keepdims)
    if axis is None and x.ndim > 2:
        raise ValueError(f"Improper number of dimensions to norm{at(user_location())}")
    axes = _axes(tuple(range(x.ndim)) if axis is None else axis, x.ndim)
    if len(axes) == 1:
        return _vector_norm(x, 2 if ord is None else ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise ValueError(f"Improper number of dimensions to norm{at(user_location())}")


@implements_scipy("scipy.linalg.norm")
def scipy_norm(a, ord=None, axis=None, keepdims=False, **options):
    only("scipy.linalg.norm", ignored(options))
    return norm(a, ord, axis, keepdims)


@implements(np.linalg.vector_norm)
def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    x = as_float(x)
    if axis is None:
        flat = _vector_norm(ops.reshape(x, (x.size,)), ord, (0,), False)
        return ops.reshape(flat, (1,) * x.ndim) if keepdims else flat
    axes = _axes(axis, x.ndim)
    others = [k for k in range(x.ndim) if k not in axes]
    moved = ops.transpose(x, [*others, *axes])
    flat = ops.reshape(moved, (*(x.shape[k] for k in others), -1 if moved.size else 0))
    return _shaped(_vector_norm(flat, ord, (flat.ndim - 1,), False), x, axes, keepdims)


@implements(np.linalg.matrix_norm)
def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    return norm(x, ord, (-2, -1), keepdims)


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes in the order given: rows and columns are not the same."""
    return tuple(ops.normal_axis(a, ndim) for a in (axis if isinstance(axis, (tuple, list)) else (axis,)))


def _shaped(result: TracedArray, x: TracedArray, axes: tuple[int, ...], keepdims: bool) -> TracedArray:
    """Give a result its reduced axes back, or lose those of one that it kept."""
    shape = tuple(1 if a in axes else n for a, n in enumerate(x.shape) if keepdims or a not in axes)
    if result.shape != shape:
        result = ops.copy(ops.reshape(result, shape))
    return as_scalar(result)


def euclidean_norm(x: TracedArray, axes: tuple[int, ...], keepdims: bool = False) -> TracedArray:
    """Scaled, so that 1e200 and 1e-200 are right; the derivative at zero is 0."""
    return as_scalar(ops.reduce("length", x, axes, keepdims))


def _scaled(size: TracedArray, x: TracedArray, axes, pick: str = "max") -> tuple[TracedArray, TracedArray]:
    """Return a scale, which is no function of x, and x divided by it."""
    size = ops.unary("stop_gradient", ops.reduce(pick, size, axes, True))
    usable = ops.logical("logical_and", ops.compare("gt", size, 0), ops.unary("isfinite", size))
    scale = ops.where(usable, size, 1.0)
    return scale, x / scale


def _vector_norm(x: TracedArray, ord: Any, axes: tuple[int, ...], keepdims: bool) -> TracedArray:
    size = ops.unary("abs", x)
    if ord == 2:
        return euclidean_norm(x, axes, keepdims)
    if ord == 1:
        return ops.reduce("sum", size, axes, keepdims)
    if ord == np.inf:
        return ops.reduce("max", size, axes, keepdims)
    if ord == -np.inf:
        return ops.reduce("min", size, axes, keepdims)
    if ord == 0:
        return ops.reduce("sum", ops.convert(ops.compare("ne", x, 0), x.dtype), axes, keepdims)
    if isinstance(ord, (int, float, np.integer, np.floating, TracedArray)):
        return _power_norm(x, size, ord, axes, keepdims)
    raise ValueError(f"Invalid norm order {ord!r} for vectors{at(user_location())}")


def _power_norm(x: TracedArray, size: TracedArray, p: Any, axes, keepdims: bool) -> TracedArray:
    """Scaled by the largest or smallest size. Entries that are zero count as nothing, with derivative 0, if
    p > 0; if p < 0 they make the norm 0.
    """
    if 0 in x.shape:
        return power(ops.reduce("sum", power(size, p), axes, keepdims), 1.0 / p)
    positive = bool(p > 0)
    scale, scaled = _scaled(size, size, axes, "max" if positive else "min")
    empty = ops.compare("eq", size, 0)
    powers = ops.where(empty, 0.0 if positive else np.inf, power(scaled, p))
    total = ops.reduce("sum", powers, axes, True)
    none = ops.reduce("all" if positive else "any", empty, axes, True)
    return _shaped(scale * ops.where(none, 0.0, power(total, 1.0 / p)), x, axes, keepdims)


def _matrix_norm(x: TracedArray, ord: Any, axes: tuple[int, ...], keepdims: bool) -> TracedArray:
    rows, columns = axes
    if rows == columns:
        raise ValueError(f"Duplicate axes given{at(user_location())}")
    if ord in (None, "fro", "f"):
        return euclidean_norm(x, tuple(sorted(axes)), keepdims)
    if ord in (1, -1, np.inf, -np.inf):
        summed, over = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = ops.reduce("sum", ops.unary("abs", x), summed, True)
        return _shaped(ops.reduce("max" if ord > 0 else "min", sums, over, True), x, axes, keepdims)
    if ord in (2, -2, "nuc"):
        others = [k for k in range(x.ndim) if k not in axes]
        values = svdvals(ops.transpose(x, [*others, rows, columns]))
        pick = {2: "max", -2: "min", "nuc": "sum"}[ord]
        return _shaped(ops.reduce(pick, values, values.ndim - 1), x, axes, keepdims)
    raise ValueError(f"Invalid norm order {ord!r} for matrices{at(user_location())}")
