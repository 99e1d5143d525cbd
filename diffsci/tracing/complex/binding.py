"""Primitives applied to complex operands: linear ones part by part, products by the four real products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.complex.array import ComplexArray, is_complex
from diffsci.tracing.complex.boundary import packed, unpacked
from diffsci.tracing.complex.operations import as_complex, elementwise, imag, real
from diffsci.tracing.trace import bind

__all__ = ["bind_complex"]

# Primitives linear in the operands at these places (None: all of them).
LINEAR: dict[str, tuple[int, ...] | None] = {
    **dict.fromkeys(
        "reshape transpose slice pad concatenate broadcast roll flip set_slice sum cumsum".split()
    ),
    "take": (0,),
    "put": (0, 2),
    "put_add": (0, 2),
    "select": (1, 2),
}


def bind_complex(name: str, operands: tuple, params: dict[str, Any]) -> Any:
    """Apply a primitive to operands of which some are complex."""
    if name in LINEAR:
        return _part_by_part(name, operands, params, LINEAR[name])
    rule = RULES.get(name)
    if rule is not None:
        return rule(*operands, **params)
    dtype = ops.promoted(*operands)
    return elementwise(name, operands, dtype, operands[0].shape, **params)


def _part_by_part(name: str, operands: tuple, params: dict, places: tuple[int, ...] | None) -> ComplexArray:
    places = range(len(operands)) if places is None else places
    parts = [
        bind(name, *(part(x) if k in places else x for k, x in enumerate(operands)), **params)
        for part in (real, imag)
    ]
    return ComplexArray(*parts)


def _bilinear(name: str) -> Callable:
    """The product of two operands by products of their parts."""

    def apply(x: Any, y: Any, **params: Any) -> TracedArray:
        def part(u: Any, v: Any) -> TracedArray:
            return bind(name, u, v, **params)

        if not is_complex(x):
            return ComplexArray(part(x, y.re), part(x, y.im))
        if not is_complex(y):
            return ComplexArray(part(x.re, y), part(x.im, y))
        return ComplexArray(part(x.re, y.re) - part(x.im, y.im), part(x.re, y.im) + part(x.im, y.re))

    return apply


def _prod(x: ComplexArray, *, axes: tuple[int, ...]) -> ComplexArray:
    """Multiply halves until one entry is left."""
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    shape = tuple(x.shape[axis] for axis in kept)
    flat = ops.reshape(ops.transpose(x, [*axes, *kept]), (-1, *shape) if x.size else (0, *shape))
    if flat.shape[0] == 0:
        return as_complex(ops.broadcast_to(1.0, shape), x.dtype)
    while flat.shape[0] > 1:
        half = flat.shape[0] // 2
        product = flat[:half] * flat[half : 2 * half]
        flat = ops.concatenate([product, flat[2 * half :]]) if flat.shape[0] % 2 else product
    return ops.copy(ops.reshape(flat, shape))


def _cumprod(x: ComplexArray, *, axis: int) -> ComplexArray:
    """Products of windows of 1, 2, 4, ... entries that end at each position."""
    width = 1
    ahead = (slice(None),) * axis
    while width < x.shape[axis]:
        joined = x[(*ahead, slice(width, None))] * x[(*ahead, slice(None, -width))]
        x = ops.concatenate([x[(*ahead, slice(None, width))], joined], axis)
        width *= 2
    return ops.copy(x)


def _block(a: Any) -> TracedArray:
    """The real matrix [[A, -B], [B, A]], which acts on the parts as the complex one does."""
    top = ops.concatenate([real(a), -imag(a)], a.ndim - 1)
    bottom = ops.concatenate([imag(a), real(a)], a.ndim - 1)
    return ops.concatenate([top, bottom], a.ndim - 2)


def _solve(a: Any, b: Any, *, transposed: bool) -> ComplexArray:
    """The real system [[A, -B], [B, A]] [x; y] = [c; d]."""
    if transposed:
        a = a.mT
    if not is_complex(a):
        return ComplexArray(*(bind("solve", a, part, transposed=False) for part in (b.re, b.im)))
    rows = b.ndim - 1 if b.ndim == a.ndim - 1 else b.ndim - 2
    n = a.shape[-1]
    right = ops.concatenate([real(b), imag(b)], rows)
    solution = bind("solve", _block(a), right, transposed=False)
    ahead = (slice(None),) * rows
    return ComplexArray(*(ops.copy(solution[(*ahead, part)]) for part in (slice(None, n), slice(n, None))))


def _det(a: ComplexArray) -> ComplexArray:
    return unpacked(bind("complex_det", packed(a)))


def _slogdet(a: ComplexArray) -> tuple[ComplexArray, TracedArray]:
    """The matrix is scaled: the determinant itself may overflow."""
    n = a.shape[-1]
    if n == 0:
        found = _det(a)
        return found, ops.traced(np.zeros(found.shape, a.re.dtype))
    size = ops.unary("stop_gradient", ops.reduce("max", abs(a), (-2, -1)))
    size = ops.where(ops.compare("gt", size, 0), size, 1.0)
    found = _det(a / ops.reshape(size, (*size.shape, 1, 1)))
    height = ops.unary("abs", found)
    return ops.unary("sign", found), ops.unary("log", height) + ops.unary("log", size) * n


def _matrix_function(*operands: Any, function: str) -> ComplexArray:
    """A function with real coefficients of the real block matrix is the block matrix of its value."""
    found = bind("matrix_function", *map(_block, operands), function=function)
    n = operands[0].shape[-1]
    return ComplexArray(ops.copy(found[..., :n, :n]), ops.copy(found[..., n:, :n]))


RULES: dict[str, Callable] = {
    "contract": _bilinear("contract"),
    "convolve": _bilinear("convolve"),
    "prod": _prod,
    "cumprod": _cumprod,
    "solve": _solve,
    "det": _det,
    "slogdet": _slogdet,
    "matrix_function": _matrix_function,
}
