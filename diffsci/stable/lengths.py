"""Euclidean lengths, variances and sums that neither overflow nor lose digits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from diffsci.graph import lookup
from diffsci.stable.calling import Axis, elementwise, floats, holds_traced
from diffsci.tracing import TracedArray
from diffsci.tracing import operations as ops

__all__ = ["hypot", "norm", "std", "sum", "variance"]


def hypot(x: ArrayLike, y: ArrayLike) -> Any:
    """Return sqrt(x**2 + y**2), elementwise, without overflow or underflow of the squares.

    Parameters
    ----------
    x, y : array_like
        Real numbers, of shapes that broadcast. float32 stays float32.

    Returns
    -------
    ndarray or scalar

    Notes
    -----
    Value within 1 ulp; first derivatives x/h and y/h, second derivatives y**2/h**3, -x y/h**3 and x**2/h**3
    within a few 1e-16 relative wherever they are representable, subnormal arguments included. At (0, 0) all
    derivatives are 0. `numpy.hypot` in a traced function is the same function.

    Examples
    --------
    >>> float(hypot(3 * 2.0**600, 4 * 2.0**600) / 2.0**600)
    5.0
    >>> import diffsci as ds
    >>> float(ds.grad(hypot)(3e-320, 4e-320).round(3))
    0.6
    """
    return elementwise("hypot", x, y)


def norm(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Any:
    """Return the Euclidean length sqrt(sum(abs(x)**2)) over axes.

    Parameters
    ----------
    x : array_like
        Real or complex numbers. float32 stays float32.
    axis : int, tuple of int, optional
        Axes to sum over; all by default (of a matrix, that is the Frobenius norm).
    keepdims : bool
        Keep the reduced axes with length one.

    Returns
    -------
    ndarray or scalar

    Notes
    -----
    Entries beyond 2**500 or below 2**-500 are scaled by a power of two (Blue, ACM TOMS 4 (1978)). The
    derivative is x / norm(x), and 0 where the norm is 0; the second derivative sums the squares of the
    other entries instead of subtracting the largest one's from 1. `numpy.linalg.norm`,
    `numpy.linalg.vector_norm` and `scipy.linalg.norm` in a traced function reach the same rules.

    Examples
    --------
    >>> float(norm([3e-200, 4e-200]))
    5e-200
    >>> import diffsci as ds
    >>> ds.grad(norm)([0.0, 0.0])
    [np.float64(0.0), np.float64(0.0)]
    """
    x = _numbers(x)
    axes = ops.normal_axes(axis, x.ndim)
    if x.dtype.kind != "c":
        return _reduced("length", x, axes, keepdims)
    found = _reduced("length", _stacked(x), (0, *(a + 1 for a in axes)), keepdims)
    return found[0] if keepdims else found


def variance(x: ArrayLike, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """Return the mean squared distance from the mean, over axes.

    Parameters
    ----------
    x : array_like
        Real or complex numbers. float32 stays float32.
    axis : int, tuple of int, optional
        Axes to sum over; all by default.
    ddof : int
        The divisor is the number of entries minus `ddof`.
    keepdims : bool
        Keep the reduced axes with length one.

    Returns
    -------
    ndarray or scalar

    Notes
    -----
    Two passes with a correction (Chan, Golub and LeVeque, The American Statistician 37 (1983)), where the
    correction is summed without rounding errors: every deviation from the mean has all its digits, however
    large the mean is, and so has the derivative 2 (x - mean) / (n - ddof). `numpy.var` in a traced function
    reaches the same rules.

    Examples
    --------
    >>> float(variance([1e9 + 1, 1e9 + 2, 1e9 + 3]).round(12))
    0.666666666667
    """
    x = _numbers(x)
    axes = ops.normal_axes(axis, x.ndim)
    parts = _of_parts("variance", x, axes, keepdims, freedom=_freedom(x, axes, ddof))
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def std(x: ArrayLike, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """Return the standard deviation over axes: the root of `variance`, with its parameters.

    It neither overflows nor underflows where its square does, and its derivative is 0 where all entries are
    equal. `numpy.std` in a traced function reaches the same rules.

    Examples
    --------
    >>> float(std([1e200, 3e200]))
    1e+200
    >>> import diffsci as ds
    >>> ds.grad(std)([2.0, 2.0])
    [np.float64(0.0), np.float64(0.0)]
    """
    x = _numbers(x)
    axes = ops.normal_axes(axis, x.ndim)
    parts = _of_parts("standard_deviation", x, axes, keepdims, freedom=_freedom(x, axes, ddof))
    return parts[0] if len(parts) == 1 else elementwise("hypot", *parts)


def sum(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Any:
    """Return the sum over axes, rounded once, as if added in infinite precision.

    Parameters
    ----------
    x : array_like
        Real or complex numbers. float32 stays float32.
    axis : int, tuple of int, optional
        Axes to sum over; all by default.
    keepdims : bool
        Keep the reduced axes with length one.

    Returns
    -------
    ndarray or scalar

    Notes
    -----
    Partial sums are kept in full (Shewchuk, Discrete & Computational Geometry 18 (1997)). That takes much
    longer than `numpy.sum`, and compiled programs call it in Python. The derivative is that of an ordinary
    sum.

    Examples
    --------
    >>> float(sum([1e16, 1.0, -1e16]))
    1.0
    """
    x = _numbers(x)
    parts = _of_parts("exact_sum", x, ops.normal_axes(axis, x.ndim), keepdims)
    return parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1]


def _numbers(x: Any) -> Any:
    """An array of floats or complex numbers, traced if any of its entries is."""
    if not holds_traced(x):
        return floats(x)[0]
    x = ops.traced(x)
    return x if x.dtype.kind in "fc" else ops.convert(x, float)


def _stacked(x: Any) -> Any:
    parts = [x.real, x.imag]
    return ops.stack(parts, 0) if isinstance(x, TracedArray) else np.stack(parts)


def _of_parts(name: str, x: Any, axes: tuple[int, ...], keepdims: bool, **params: Any) -> list[Any]:
    """A reduction of the real part, and of the imaginary part if there is one."""
    parts = [x.real, x.imag] if x.dtype.kind == "c" else [x]
    return [_reduced(name, part, axes, keepdims, **params) for part in parts]


def _reduced(name: str, x: Any, axes: tuple[int, ...], keepdims: bool, **params: Any) -> Any:
    if isinstance(x, TracedArray):
        return ops.reduce(name, x, axes, keepdims, **params)
    value = lookup(name).value(x, axes=axes, **params)
    return np.expand_dims(value, axes) if keepdims else value[()]


def _freedom(x: Any, axes: tuple[int, ...], ddof: int) -> float:
    return float(max(math.prod(x.shape[axis] for axis in axes) - ddof, 0))
