"""Convolution, correlation, filters and phases."""

from __future__ import annotations

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.protocols import implements, implements_scipy
from diffsci.tracing.trace import bind


def _vectors(x, y) -> tuple[TracedArray, TracedArray]:
    x, y = (ops.reshape(ops.traced(v), -1) if ops.shape_of(v) == () else ops.traced(v) for v in (x, y))
    if x.ndim != 1 or y.ndim != 1:
        raise ops.unsupported(
            "a convolution of arrays of several axes", "sum shifted slices, or use numpy.fft"
        )
    if 0 in (x.size, y.size):
        raise ValueError("a convolution needs operands that are not empty")
    return tuple(ops.common([x, y]))


def _full(x: TracedArray, y: TracedArray) -> TracedArray:
    return bind("convolve", x, y)


def _centred(full: TracedArray, wanted: int, start: int) -> TracedArray:
    return full[start : start + wanted]


@implements(np.convolve)
def convolve(a, v, mode="full"):
    a, v = _vectors(a, v)
    longer, shorter = max(a.size, v.size), min(a.size, v.size)
    full = _full(a, v)
    if mode in ("full", 2, "f"):
        return full
    if mode in ("same", 1, "s"):
        return _centred(full, longer, (shorter - 1) // 2)
    if mode in ("valid", 0, "v"):
        return _centred(full, longer - shorter + 1, shorter - 1)
    raise ValueError(f"mode {mode!r}: expected 'full', 'same' or 'valid'")


@implements(np.correlate)
def correlate(a, v, mode="valid"):
    a, v = _vectors(a, v)
    full = _full(a, v.conj()[::-1])
    longer, shorter = max(a.size, v.size), min(a.size, v.size)
    if mode in ("full", 2, "f"):
        return full
    if mode in ("valid", 0, "v"):
        return _centred(full, longer - shorter + 1, shorter - 1)
    # For a shorter first operand NumPy correlates the other way round and reverses.
    return _centred(full, longer, (shorter - 1) // 2 if a.size >= v.size else shorter // 2)


@implements_scipy("scipy.signal.convolve", "scipy.signal.fftconvolve", "scipy.signal.oaconvolve")
def signal_convolve(in1, in2, mode="full", method="auto", axes=None):
    """scipy.signal.convolve: 'same' is centred on the first operand."""
    a, v = _vectors(in1, in2)
    full = _full(a, v)
    if mode == "full":
        return full
    if mode == "same":
        return _centred(full, a.size, (v.size - 1) // 2)
    longer, shorter = max(a.size, v.size), min(a.size, v.size)
    return _centred(full, longer - shorter + 1, shorter - 1)


@implements_scipy("scipy.signal.correlate")
def signal_correlate(in1, in2, mode="full", method="auto"):
    """scipy.signal.correlate."""
    return signal_convolve(in1, ops.traced(in2).conj()[::-1], mode)


@implements(np.unwrap)
def unwrap(p, discont=None, axis=-1, *, period=2 * np.pi):
    """np.unwrap: the jumps removed are whole periods, which the derivative does not see."""
    from diffsci.tracing.functions.integration import _part, diff

    p = ops.traced(p)
    p = p if p.dtype.kind == "f" else ops.convert(p, float)
    axis = ops.normal_axis(axis, p.ndim)
    step = ops.unary("stop_gradient", diff(p, axis=axis))
    half = period / 2
    wrapped = (step + half) % period - half
    turning = ops.logical("logical_and", ops.compare("eq", wrapped, -half), ops.compare("gt", step, 0))
    correction = ops.where(turning, half, wrapped) - step
    small = ops.compare("lt", abs(step), half if discont is None else discont)
    total = ops.where(small, 0.0, correction).cumsum(axis)
    return ops.concatenate([_part(p, axis, 0, 1), _part(p, axis, 1, None) + total], axis)
