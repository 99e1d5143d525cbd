"""Order statistics, moments of several variables, and counts by bin."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.functions.products import dot
from diffsci.tracing.functions.reductions import mean
from diffsci.tracing.functions.sorting import searchsorted, sorted_lanes, take_lanes
from diffsci.tracing.protocols import implements
from diffsci.tracing.trace import bind


def _float(x: Any) -> TracedArray:
    x = ops.traced(x)
    return x if x.dtype.kind in "fc" else ops.convert(x, float)


def _flattened(x: TracedArray, axis: Any) -> tuple[TracedArray, tuple[int, ...]]:
    """Merge the axes to reduce into one at the end."""
    axes = ops.normal_axes(axis, x.ndim)
    rest = [a for a in range(x.ndim) if a not in axes]
    moved = ops.transpose(x, [*rest, *axes])
    size = int(np.prod([x.shape[a] for a in axes], dtype=np.int64))
    return ops.reshape(moved, (*(x.shape[a] for a in rest), size)), axes


def _between(found: TracedArray, low: Any, high: Any, weight: Any) -> TracedArray:
    """Interpolate between entries of sorted lanes, as NumPy does: from the nearer end."""
    a, b = take_lanes(found, low), take_lanes(found, high)
    step = b - a
    return ops.where(ops.compare("ge", weight, 0.5), b - step * (1 - weight), a + step * weight)


def _at_positions(x: TracedArray, places: np.ndarray, dtype: np.dtype) -> TracedArray:
    """Values at fractional positions of the sorted lanes; NaN where a lane has one."""
    found = sorted_lanes(x)
    n = x.shape[-1]
    low = np.floor(places).astype(np.int64)
    weight = (places - low).astype(dtype)
    shape = (*x.shape[:-1], places.size)
    low, weight = (np.broadcast_to(part, shape) for part in (low, weight))
    high = np.minimum(low + 1, n - 1)
    result = take_lanes(found, low) if not weight.any() else _between(found, low, high, weight)
    last = found[..., -1:]
    return ops.where(ops.unary("isnan", last), last, result)


def _shaped(result: TracedArray, q_shape, x: TracedArray, axes, keepdims: bool) -> TracedArray:
    """Bring the axis of quantiles to the front and give it the shape of q."""
    result = ops.transpose(result, [result.ndim - 1, *range(result.ndim - 1)])
    rest = tuple(1 if a in axes else n for a, n in enumerate(x.shape) if keepdims or a not in axes)
    result = ops.copy(ops.reshape(result, (*q_shape, *rest)))
    result.scalar = result.shape == ()
    return result


def _quantile(x: Any, q: Any, axis, keepdims: bool, method: str, scale: float) -> TracedArray:
    x = _float(x)
    flat, axes = _flattened(x, axis)
    if 0 in flat.shape:
        raise IndexError("cannot take a quantile of an empty array")
    if isinstance(q, TracedArray) and not q.is_const:
        return _traced_quantile(x, flat, ops.float_elementwise("div", q, scale), axes, keepdims, method)
    q = _level(q, x.dtype, scale)
    # NumPy's own answer for 0, 1, 2, ... is the position: every method of interpolation is followed.
    places = np.quantile(np.arange(flat.shape[-1], dtype=q.dtype), q, method=method)
    flat = flat if q.dtype == flat.dtype else ops.convert(flat, ops.promoted(flat, q))
    return _shaped(_at_positions(flat, np.ravel(places), q.dtype), np.shape(q), x, axes, keepdims)


def _level(q: Any, dtype: np.dtype, scale: float) -> np.ndarray:
    """The levels as fractions; a Python number takes the precision of the data."""
    q = q.constant() if isinstance(q, TracedArray) else q
    return np.asarray(np.asarray(q, dtype if ops.is_python_scalar(q) else float) / scale)


def _traced_quantile(x, flat, q: TracedArray, axes, keepdims: bool, method: str) -> TracedArray:
    """A quantile whose level depends on inputs: piecewise linear in the level."""
    if method != "linear":
        raise ops.unsupported(f"a quantile of a traced level by method {method!r}", "use method='linear'")
    n = flat.shape[-1]
    place = ops.reshape(q, -1) * (n - 1)
    low = ops.convert(ops.unary("floor", ops.unary("stop_gradient", place)), int)
    low = ops.arithmetic("minimum", low, max(n - 2, 0))
    high = ops.arithmetic("minimum", low + 1, n - 1)
    shape = (*flat.shape[:-1], q.size)
    parts = [ops.broadcast_to(part, shape) for part in (low, high, place - ops.convert(low, place.dtype))]
    result = _between(sorted_lanes(flat), *parts)
    return _shaped(result, q.shape, x, axes, keepdims)


def _no_weights(weights: Any) -> None:
    if weights is not None:
        raise ops.unsupported("a weighted quantile", "sort and accumulate the weights with numpy.cumsum")


@implements(np.quantile)
def quantile(x, q, axis=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None):
    _no_weights(weights)
    return _quantile(x, q, axis, bool(keepdims), method, 1.0)


@implements(np.percentile)
def percentile(x, q, axis=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None):
    _no_weights(weights)
    return _quantile(x, q, axis, bool(keepdims), method, 100.0)


@implements(np.median)
def median(x, axis=None, overwrite_input=False, keepdims=False):
    x = ops.traced(x)
    if x.size == 0:
        return mean(x, axis, keepdims=bool(keepdims))  # NaN, as NumPy's
    return _quantile(x, 0.5, axis, bool(keepdims), "linear", 1.0)


def _nan_quantile(x: Any, q: Any, axis, keepdims: bool, method: str, scale: float) -> TracedArray:
    """Quantiles of the numbers in each lane: NaNs are sorted to its end."""
    if method != "linear" or (isinstance(q, TracedArray) and not q.is_const):
        raise ops.unsupported("this form of a quantile without NaNs", "use method='linear' and a constant q")
    x = _float(x)
    flat, axes = _flattened(x, axis)
    q = _level(q, x.dtype, scale)
    count = ops.reduce("sum", ops.logical("logical_not", ops.unary("isnan", flat)), -1, keepdims=True)
    last = ops.arithmetic("maximum", count - 1, 0)
    place = ops.convert(last, q.dtype) * np.ravel(q)
    low = ops.convert(ops.unary("floor", place), int)
    high = ops.arithmetic("minimum", low + 1, last)
    result = _between(sorted_lanes(flat), low, high, place - ops.convert(low, place.dtype))
    return _shaped(result, np.shape(q), x, axes, keepdims)


@implements(np.nanquantile)
def nanquantile(x, q, axis=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None):
    _no_weights(weights)
    return _nan_quantile(x, q, axis, bool(keepdims), method, 1.0)


@implements(np.nanpercentile)
def nanpercentile(x, q, axis=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None):
    _no_weights(weights)
    return _nan_quantile(x, q, axis, bool(keepdims), method, 100.0)


@implements(np.nanmedian)
def nanmedian(x, axis=None, overwrite_input=False, keepdims=False):
    return _nan_quantile(x, 0.5, axis, bool(keepdims), "linear", 1.0)


@implements(np.cov)
def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None):
    x = _rows(m, rowvar, dtype)
    if y is not None:
        x = ops.concatenate([x, _rows(y, rowvar, dtype)], 0)
    if fweights is None and aweights is None:
        centred = x - mean(x, 1, keepdims=True)
        count = x.shape[1] - (ddof if ddof is not None else (0 if bias else 1))
        result = dot(centred, centred.T) / count
    else:
        result = _weighted_cov(x, bias, ddof, fweights, aweights)
    return ops.reshape(result, ()) if result.size == 1 else result


def _rows(m: Any, rowvar: bool, dtype: Any) -> TracedArray:
    """One variable per row, in double precision unless another dtype is asked for."""
    m = ops.traced(m)
    m = ops.convert(m, np.result_type(m.dtype, float) if dtype is None else dtype)
    x = ops.reshape(m, (1, m.size)) if m.ndim < 2 else m
    return x if rowvar or m.ndim < 2 or x.shape[0] == 1 else x.T


def _weighted_cov(x: TracedArray, bias, ddof, fweights, aweights) -> TracedArray:
    ddof = ddof if ddof is not None else (0 if bias else 1)
    w = 1.0
    for weights in (fweights, aweights):
        w = w if weights is None else _float(weights) * w
    total = w.sum()
    average = (x * w).sum(1) / total
    if ddof == 0:
        factor = total
    elif aweights is None:
        factor = total - ddof
    else:
        factor = total - ddof * (w * _float(aweights)).sum() / total
    centred = x - average[:, None]
    return dot(centred, (centred * w).T) / factor


@implements(np.corrcoef)
def corrcoef(x, y=None, rowvar=True, *, dtype=None):
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    size = ops.unary("sqrt", c[np.arange(c.shape[0]), np.arange(c.shape[0])])
    # NumPy clips to [-1, 1]; only rounding leaves it, and a clip would halve the derivative there.
    return c / size[:, None] / size[None, :]


@implements(np.bincount)
def bincount(x, /, weights=None, minlength=0):
    """np.bincount: the length holds for the largest entry seen."""
    x = ops.traced(x)
    if x.dtype.kind not in "ib":
        raise TypeError("bincount counts integers: use numpy.histogram for floats")
    largest = int(ops.reduce("max", x).pinned()) if x.size else -1
    weights = np.ones(x.size, np.int64) if weights is None else ops.convert(weights, float)
    return _counted(x, weights, max(largest + 1, int(minlength)))


def _counted(index: Any, weights: Any, length: int) -> TracedArray:
    weights = ops.traced(weights)
    base = np.zeros(length, weights.dtype)
    return bind("put_add", ops.traced(base), ops.traced(index), weights, axis=0)


@implements(np.histogram)
def histogram(a, bins=10, range=None, density=None, weights=None):
    if isinstance(bins, str):
        raise ops.unsupported(f"numpy.histogram with bins={bins!r}", "give their number or their edges")
    a = ops.reshape(_float(a), -1)
    edges = _edges(a, bins, range)
    counts = _binned(a, edges, weights)
    if density:
        return counts / (edges[1:] - edges[:-1]) / ops.reduce("sum", counts), edges
    return counts, edges


def _edges(a: TracedArray, bins: Any, range: Any) -> TracedArray:
    from diffsci.tracing.functions.creation import linspace

    if ops.shape_of(bins) != ():
        return ops.traced(bins)
    if range is None:
        range = (ops.reduce("min", a), ops.reduce("max", a)) if a.size else (0.0, 1.0)
    low, high = range
    if bool(ops.compare("eq", low, high)):
        low, high = low - 0.5, high + 0.5
    return linspace(low, high, int(bins) + 1)


def _binned(a: TracedArray, edges: TracedArray, weights: Any) -> TracedArray:
    """Sum weights by bin; the last bin is closed, what lies outside counts nowhere."""
    count = edges.size - 1
    bin_ = searchsorted(edges, a, "right") - 1
    bin_ = bin_ - ops.convert(ops.compare("eq", a, edges[-1]), int)
    inside = ops.logical("logical_and", ops.compare("ge", bin_, 0), ops.compare("lt", bin_, count))
    weights = np.ones(a.size, np.int64) if weights is None else ops.reshape(ops.traced(weights), -1)
    nothing = np.zeros((), weights.dtype)
    return _counted(ops.where(inside, bin_, 0), ops.where(inside, weights, nothing), count)


@implements(np.histogram_bin_edges)
def histogram_bin_edges(a, bins=10, range=None, weights=None):
    if isinstance(bins, str):
        raise ops.unsupported(f"numpy.histogram_bin_edges with bins={bins!r}", "give their number")
    return _edges(ops.reshape(_float(a), -1), bins, range)
