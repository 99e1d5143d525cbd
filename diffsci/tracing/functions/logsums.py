"""logsumexp, softmax and log_softmax over any axes, of traced values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.selection import Selected
from diffsci.tracing.trace import bind

__all__ = ["log_softmax", "logsumexp", "shares_over", "softmax", "sum_over"]


def sum_over(
    apply: Callable[[Any], Any], x: Any, axes: tuple[int, ...], transpose: Callable, reshape: Callable
) -> Any:
    """Apply a reduction of the last axis to several axes."""
    kept = tuple(k for k in range(x.ndim) if k not in axes)
    shape = tuple(x.shape[k] for k in kept)
    return reshape(apply(reshape(transpose(x, (*kept, *axes)), (*shape, _length(x, axes)))), shape)


def shares_over(
    apply: Callable[[Any], Any], x: Any, axes: tuple[int, ...], transpose: Callable, reshape: Callable
) -> Any:
    """Apply to several axes what keeps the shape and belongs to the last axis."""
    order = (*(k for k in range(x.ndim) if k not in axes), *axes)
    shape = tuple(x.shape[k] for k in order)
    flat = reshape(transpose(x, order), (*shape[: x.ndim - len(axes)], _length(x, axes)))
    return transpose(reshape(apply(flat), shape), tuple(np.argsort(order).tolist()))


def _length(x: Any, axes: tuple[int, ...]) -> int:
    return int(np.prod([x.shape[k] for k in axes], dtype=np.int64))


def _floats(x: Any, name: str) -> Any:
    x = ops.traced(x)
    if x.dtype.kind == "c":
        raise ops.unsupported(f"{name} of complex values", "write it with exp and log")
    return x if x.dtype.kind == "f" else ops.convert(x, float)


def _is_open(x: Any) -> bool:
    return type(x) is Selected and x.is_open


def _absent_outside(x: Selected) -> Any:
    """Return the box of a selection, in which what is not selected counts as nothing."""
    return ops.where(x.mask, x.full, -np.inf)


def _log_of_sum(x: Any, axes: tuple[int, ...]) -> Any:
    if len(axes) == 1 and x.size:
        return bind("logsumexp", x, axis=axes[0])
    if not _length(x, axes):
        shape = tuple(n for k, n in enumerate(x.shape) if k not in axes)
        return ops.traced(np.full(shape, -np.inf, x.dtype))
    return sum_over(_along_last("logsumexp"), x, axes, ops.transpose, ops.reshape)


def _along_last(name: str) -> Callable[[Any], Any]:
    return lambda x: bind(name, x, axis=x.ndim - 1)


def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    """log(sum(b * exp(a))), shifted by the maximum: no overflow, and exact derivatives."""
    a = _floats(a, "logsumexp")
    if b is not None:
        return _weighted(a, b, axis, keepdims, return_sign)
    if _is_open(a) and not keepdims and axis in (None, 0, -1):
        a, axis = _absent_outside(a), None
    axes = ops.normal_axes(axis, a.ndim)
    result = _shaped(_log_of_sum(a, axes), a, axes, keepdims)
    return (result, ops.traced(np.ones(result.shape, result.dtype))) if return_sign else result


def _shaped(result: Any, a: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if keepdims:
        return ops.restore_axes(result, axes, a.shape)
    result = ops.copy(result)
    result.scalar = result.shape == ()
    return result


def _weighted(a, b, axis, keepdims, return_sign):
    """Terms of weight zero count as absent even where exp(a) is infinite, as in SciPy."""
    b = _floats(b, "logsumexp")
    a, b = a + ops.traced(np.zeros(b.shape, b.dtype)), b + ops.traced(np.zeros(a.shape, a.dtype))
    axes = ops.normal_axes(axis, a.ndim)
    if b.is_const and not np.any(b.constant() < 0):
        with np.errstate(divide="ignore"):
            weight = np.log(b.constant())
        present = ops.where(np.isneginf(weight), -np.inf, a + np.where(np.isneginf(weight), 0.0, weight))
        result = _shaped(_log_of_sum(present, axes), a, axes, keepdims)
        return (result, ops.unary("sign", ops.unary("exp", result))) if return_sign else result
    absent = ops.compare("eq", b, 0.0)
    top = ops.unary("stop_gradient", ops.reduce("max", ops.where(absent, -np.inf, a), axes, True))
    sizes = ops.unary("exp", ops.float_elementwise("difference", a, top))
    void = ops.logical("logical_and", absent, ops.unary("isinf", sizes))
    total = ops.reduce("sum", ops.where(void, 0.0, b * ops.where(void, 1.0, sizes)), axes)
    top = ops.reduce("max", top, axes)
    if not return_sign:
        return _shaped(ops.unary("log", total) + top, a, axes, keepdims)
    size = ops.unary("log", ops.unary("abs", total)) + top
    return _shaped(size, a, axes, keepdims), _shaped(ops.unary("sign", total), a, axes, keepdims)


def _shares(name: str):
    def apply(x, axis=None):
        x = _floats(x, name)
        if _is_open(x) and axis in (None, 0, -1):
            return Selected(apply(_absent_outside(x)), x.mask)
        axes = ops.normal_axes(axis, x.ndim)
        if not x.size:
            return ops.copy(x)
        if len(axes) == 1:
            return bind(name, x, axis=axes[0])
        result = shares_over(_along_last(name), x, axes, ops.transpose, ops.reshape)
        result.scalar = result.shape == ()
        return result

    apply.__name__ = name
    return apply


softmax = _shares("softmax")
log_softmax = _shares("log_softmax")
