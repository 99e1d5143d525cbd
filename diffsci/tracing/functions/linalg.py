"""numpy.linalg."""

from __future__ import annotations

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.protocols import implements
from diffsci.tracing.trace import bind


def _float(x) -> TracedArray:
    x = ops.traced(x)
    return x if x.dtype.kind in "fc" else ops.convert(x, float)


def _square(matrix: TracedArray) -> None:
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2]:
        raise np.linalg.LinAlgError(
            f"expected square matrices, got shape {matrix.shape}{at(user_location())}"
        )


@implements(np.linalg.solve)
def solve(a, b):
    a, b = ops.common([_float(a), _float(b)])
    _square(a)
    vector = b.ndim == 1  # only then: anything else is a stack of matrices, as in NumPy 2
    columns = ops.reshape(b, (b.size, 1)) if vector else b
    if columns.ndim < 2 or columns.shape[-2] != a.shape[-1]:
        raise ValueError(f"solve: shapes {a.shape} and {b.shape} do not fit{at(user_location())}")
    if vector and a.ndim == 2:
        return _solved(a, b)
    try:
        stack = np.broadcast_shapes(a.shape[:-2], columns.shape[:-2])
    except ValueError:
        raise ValueError(f"solve: shapes {a.shape} and {b.shape} do not fit{at(user_location())}") from None
    a = ops.broadcast_to(a, (*stack, *a.shape[-2:]))
    solution = _solved(a, ops.broadcast_to(columns, (*stack, *columns.shape[-2:])))
    return ops.copy(ops.reshape(solution, solution.shape[:-1])) if vector else solution


def _solved(a: TracedArray, b: TracedArray) -> TracedArray:
    """Solve, or raise as NumPy does; a program that has seen the error holds only where it is raised."""
    solution = bind("solve", a, b, transposed=False)
    if solution.size and np.isnan(solution.concrete()).all() and not np.isnan(a.concrete()).any():
        try:
            np.linalg.solve(a.concrete(), np.ones((*a.shape[:-1], 1)))
        except np.linalg.LinAlgError as error:
            bool(ops.unary("isfinite", solution).all())
            raise np.linalg.LinAlgError(f"{error}{at(user_location())}") from None
    return solution


@implements(np.linalg.inv)
def inv(a):
    a = _float(a)
    _square(a)
    identity = ops.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    return _solved(a, identity)


@implements(np.linalg.det)
def det(a):
    a = _float(a)
    _square(a)
    result = bind("det", a)
    result.scalar = result.shape == ()
    return result


@implements(np.linalg.matrix_power)
def matrix_power(a, n):
    from diffsci.tracing.functions.products import matmul

    a = _float(a)
    _square(a)
    if n < 0:
        a, n = inv(a), -n
    result = ops.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    while n:
        if n & 1:
            result = matmul(result, a)
        n >>= 1
        a = matmul(a, a) if n else a
    return result


@implements(np.linalg.norm)
def norm(x, ord=None, axis=None, keepdims=False):
    x = _float(x)
    axes = ops.normal_axes(axis, x.ndim)
    if ord is None and axis is None:
        return euclidean_norm(x, axes, keepdims)
    if len(axes) == 1:
        return _vector_norm(x, 2 if ord is None else ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(
            x, ord, axes if axis is None else tuple(ops.normal_axis(a, x.ndim) for a in axis), keepdims
        )
    raise ValueError("Improper number of dimensions to norm.")


def euclidean_norm(x: TracedArray, axes: tuple[int, ...], keepdims: bool = False) -> TracedArray:
    """Scaled, so that 1e200 and 1e-200 are right; the derivative at zero is 0."""
    if 0 in x.shape:
        return ops.unary("sqrt", ops.reduce("sum", x * x, axes, keepdims))
    size = ops.unary("stop_gradient", ops.reduce("max", ops.unary("abs", x), axes, True))
    usable = ops.logical("logical_and", ops.compare("gt", size, 0), ops.unary("isfinite", size))
    scale = ops.where(usable, size, 1.0)
    scaled = x / scale
    square = ops.reduce("sum", scaled * scaled, axes, True)
    result = scale * ops.where(ops.compare("eq", square, 0), 0.0, ops.unary("sqrt", square))
    if not keepdims:
        result = ops.reshape(result, tuple(n for a, n in enumerate(x.shape) if a not in axes))
        return TracedArray(result.owner, result.read(), scalar=result.shape == ())
    return result


def _vector_norm(x: TracedArray, ord, axes, keepdims):
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
    if isinstance(ord, (int, float)):
        return ops.power(ops.reduce("sum", ops.power(size, ord), axes, keepdims), 1.0 / ord)
    raise ValueError(f"Invalid norm order {ord!r} for vectors")


def _matrix_norm(x: TracedArray, ord, axes, keepdims):
    rows, columns = axes
    if ord in (None, "fro"):
        return euclidean_norm(x, tuple(sorted(axes)), keepdims)
    if ord in (1, -1, np.inf, -np.inf):
        summed, over = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = ops.reduce("sum", ops.unary("abs", x), summed, True)
        result = ops.reduce("max" if ord > 0 else "min", sums, over, True)
        return (
            result
            if keepdims
            else ops.reshape(result, tuple(n for a, n in enumerate(x.shape) if a not in axes))
        )
    raise ops.unsupported(f"numpy.linalg.norm of order {ord!r} of matrices", "use 'fro', 1 or inf")
