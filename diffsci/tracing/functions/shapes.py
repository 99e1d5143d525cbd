"""Functions that move elements."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.protocols import implements
from diffsci.tracing.runs import take_known
from diffsci.tracing.trace import bind


@implements(np.reshape)
def reshape(x, /, shape=None, order="C", *, newshape=None, copy=None):
    shape = newshape if shape is None else shape
    if order == "F":  # axes backwards, in C order
        x = ops.traced(x)
        turned = ops.reshape(ops.transpose(x), ops.normal_shape(shape, x.size)[::-1])
        return ops.transpose(turned)
    if order not in ("C", "A", "K"):
        raise ValueError(f"order must be one of 'C', 'F', 'A', or 'K' (got {order!r})")
    return ops.reshape(x, shape)


@implements(np.ravel)
def ravel(x, order="C"):
    return reshape(x, -1, order)


@implements(np.transpose, np.permute_dims if hasattr(np, "permute_dims") else np.transpose)
def transpose(x, axes=None):
    return ops.transpose(x, axes)


@implements(np.matrix_transpose if hasattr(np, "matrix_transpose") else np.linalg.matrix_transpose)
def matrix_transpose(x):
    return ops.traced(x).mT


@implements(np.swapaxes)
def swapaxes(x, axis1, axis2):
    x = ops.traced(x)
    order = list(range(x.ndim))
    a, b = ops.normal_axis(axis1, x.ndim), ops.normal_axis(axis2, x.ndim)
    order[a], order[b] = order[b], order[a]
    return ops.transpose(x, order)


@implements(np.moveaxis)
def moveaxis(x, source, destination):
    x = ops.traced(x)
    sources = [ops.normal_axis(a, x.ndim) for a in np.atleast_1d(source).tolist()]
    targets = [ops.normal_axis(a, x.ndim) for a in np.atleast_1d(destination).tolist()]
    order = [a for a in range(x.ndim) if a not in sources]
    for target, src in sorted(zip(targets, sources, strict=True)):
        order.insert(target, src)
    return ops.transpose(x, order)


@implements(np.squeeze)
def squeeze(x, axis=None):
    x = ops.traced(x)
    axes = (
        tuple(a for a, n in enumerate(x.shape) if n == 1) if axis is None else ops.normal_axes(axis, x.ndim)
    )
    if any(x.shape[a] != 1 for a in axes):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return ops.reshape(x, tuple(n for a, n in enumerate(x.shape) if a not in axes))


@implements(np.expand_dims)
def expand_dims(x, axis):
    x = ops.traced(x)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    for a in sorted(ops.normal_axis(a, x.ndim + len(axes)) for a in axes):
        x = ops.expand(x, a)
    return x


@implements(np.atleast_1d)
def atleast_1d(*arrays):
    made = [ops.reshape(x, 1) if ops.shape_of(x) == () else ops.traced(x) for x in arrays]
    return made[0] if len(made) == 1 else tuple(made)


@implements(np.atleast_2d)
def atleast_2d(*arrays):
    made = [x[None, :] if (x := atleast_1d(a)).ndim == 1 else x for a in arrays]
    return made[0] if len(made) == 1 else tuple(made)


@implements(np.broadcast_to)
def broadcast_to(x, shape, subok=False):
    return ops.broadcast_to(x, shape)


@implements(np.broadcast_arrays)
def broadcast_arrays(*arrays, subok=False):
    shape = np.broadcast_shapes(*(ops.shape_of(x) for x in arrays))
    return tuple(ops.broadcast_to(x, shape) for x in arrays)


@implements(np.concatenate)
def concatenate(arrays, axis=0, *, dtype=None, casting="same_kind"):
    result = ops.concatenate(list(arrays), axis)
    return result if dtype is None else ops.convert(result, dtype)


@implements(np.stack)
def stack(arrays, axis=0, *, dtype=None, casting="same_kind"):
    result = ops.stack(list(arrays), axis)
    return result if dtype is None else ops.convert(result, dtype)


@implements(np.hstack)
def hstack(arrays, *, dtype=None, casting="same_kind"):
    parts = [atleast_1d(x) for x in arrays]
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1, dtype=dtype)


@implements(np.vstack, getattr(np, "row_stack", np.vstack))
def vstack(arrays, *, dtype=None, casting="same_kind"):
    return concatenate([atleast_2d(x) for x in arrays], 0, dtype=dtype)


@implements(np.column_stack)
def column_stack(arrays):
    return concatenate([x[:, None] if (x := ops.traced(a)).ndim == 1 else x for a in arrays], 1)


@implements(np.append)
def append(x, values, axis=None):
    return concatenate([x, values], axis)


def _places(sections: Any) -> Any:
    """Hold the program to the integers in a list of places to cut at."""
    return [operator.index(place) for place in sections] if isinstance(sections, (list, tuple)) else sections


@implements(np.split)
def split(x, sections, axis=0):
    x, sections = ops.traced(x), _places(sections)
    if ops.shape_of(sections) == () and x.shape[ops.normal_axis(axis, x.ndim)] % sections:
        raise ValueError("array split does not result in an equal division")
    return array_split(x, sections, axis)


@implements(np.array_split)
def array_split(x, sections, axis=0):
    x = ops.traced(x)
    axis = ops.normal_axis(axis, x.ndim)
    pieces = np.array_split(np.arange(x.shape[axis]), _places(sections))
    index = [slice(None)] * x.ndim
    made = []
    for piece in pieces:
        low = int(piece[0]) if piece.size else 0
        index[axis] = slice(low, low + piece.size)
        made.append(x[tuple(index)])
    return made


@implements(np.flip)
def flip(x, axis=None):
    return ops.flip(x, axis)


implements(np.fliplr)(lambda x: ops.flip(x, 1))
implements(np.flipud)(lambda x: ops.flip(x, 0))


@implements(np.roll)
def roll(x, shift, axis=None):
    x = ops.traced(x)
    if axis is None:
        flat = roll(ops.reshape(x, -1), shift, 0)
        return ops.reshape(flat, x.shape)
    shifts = [operator.index(s) for s in np.atleast_1d(shift).tolist()]
    axes = [ops.normal_axis(a, x.ndim) for a in np.atleast_1d(axis).tolist()]
    count = max(len(shifts), len(axes))
    total = [0] * x.ndim
    for s, a in zip(shifts * (count // len(shifts)), axes * (count // len(axes)), strict=True):
        total[a] += s
    return bind("roll", x, shift=tuple(s % n if n else 0 for s, n in zip(total, x.shape, strict=True)))


@implements(np.pad)
def pad(x, pad_width, mode="constant", constant_values=0, **options):
    x = ops.traced(x)
    if options:
        raise ops.unsupported(f"numpy.pad with {sorted(options)}", "only constant_values is")
    widths = _pad_widths(pad_width, x.ndim)
    if mode == "constant":
        return _pad_constant(x, widths, constant_values)
    if mode not in ("edge", "wrap", "reflect", "symmetric"):
        raise ops.unsupported(f"numpy.pad in mode {mode!r}", "use constant, edge, wrap, reflect or symmetric")
    for axis, width in enumerate(widths):
        index = np.pad(np.arange(x.shape[axis]), width, mode=mode)
        x = take_known(x, index, axis) if any(width) else x
    return x


def _pad_widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, dict):
        widths = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            widths[axis] = tuple(np.broadcast_to(width, 2).tolist())
    else:
        widths = [tuple(row) for row in np.broadcast_to(pad_width, (ndim, 2)).tolist()]
    if any(n < 0 for row in widths for n in row):
        raise ValueError("index can't contain negative values")
    return widths


def _pad_constant(x: TracedArray, widths, fill) -> TracedArray:
    """Write into an array of the fill values: the user's zeros are numbers, not structure."""
    shape = tuple(low + n + high for n, (low, high) in zip(x.shape, widths, strict=True))
    base = _fills(ops.convert(fill, x.dtype), shape, widths)
    if x.size == 0:
        return base
    return bind("set_slice", base, x, start=tuple(low for low, _ in widths), step=(1,) * x.ndim)


def _fills(fill: Any, shape: tuple[int, ...], widths: Sequence[tuple[int, int]]) -> TracedArray:
    """Return the array that is padded into: every later axis fills over the corners of those before it."""
    if ops.shape_of(fill) == ():
        return ops.broadcast_to(fill, shape)
    fill = ops.broadcast_to(fill, (len(shape), 2))
    base = ops.broadcast_to(fill[0, 0], shape)
    for axis, (low, high) in enumerate(widths):
        for side, count, start in ((0, low, 0), (1, high, shape[axis] - high)):
            begin = tuple(start if k == axis else 0 for k in range(len(shape)))
            size = tuple(count if k == axis else n for k, n in enumerate(shape))
            if math.prod(size):
                part = ops.broadcast_to(fill[axis, side], size)
                base = bind("set_slice", base, part, start=begin, step=(1,) * len(shape))
    return base


@implements(np.tile)
def tile(x, reps):
    x = ops.traced(x)
    reps = tuple(int(r) for r in np.atleast_1d(reps).tolist())
    ndim = max(len(reps), x.ndim)
    reps = (1,) * (ndim - len(reps)) + reps
    x = ops.reshape(x, (1,) * (ndim - x.ndim) + x.shape)
    shape = tuple(k for r, n in zip(reps, x.shape, strict=True) for k in (r, n))
    spread = ops.broadcast_to(ops.reshape(x, tuple(k for n in x.shape for k in (1, n))), shape)
    return ops.reshape(spread, tuple(r * n for r, n in zip(reps, x.shape, strict=True)))


@implements(np.repeat)
def repeat(x, repeats, axis=None):
    x = ops.traced(x)
    if axis is None:
        x, axis = ops.reshape(x, -1), 0
    axis = ops.normal_axis(axis, x.ndim)
    return take_known(x, np.repeat(np.arange(x.shape[axis]), repeats), axis)


@implements(np.diagonal, np.linalg.diagonal)
def diagonal(x, offset=0, axis1=0, axis2=1):
    """np.diagonal: a view that cannot be written to."""
    from diffsci.tracing.lenses import DiagonalLens

    return moveaxis(x, (axis1, axis2), (-2, -1)).view(DiagonalLens(offset))


@implements(np.rot90)
def rot90(m, k=1, axes=(0, 1)):
    m = ops.traced(m)
    first, second = (ops.normal_axis(a, m.ndim) for a in axes)
    turns = k % 4
    if turns == 0:
        return m.view()
    if turns == 2:
        return ops.flip(ops.flip(m, first), second)
    if turns == 1:
        return swapaxes(ops.flip(m, second), first, second)
    return ops.flip(swapaxes(m, first, second), second)


@implements(np.rollaxis)
def rollaxis(x, axis, start=0):
    x = ops.traced(x)
    axis = ops.normal_axis(axis, x.ndim)
    start = start + x.ndim if start < 0 else start
    start -= axis < start
    order = [a for a in range(x.ndim) if a != axis]
    order.insert(start, axis)
    return ops.transpose(x, order)


@implements(np.atleast_3d)
def atleast_3d(*arrays):
    made = []
    for a in arrays:
        x = atleast_1d(a)
        made.append(x[None, :, None] if x.ndim == 1 else x[:, :, None] if x.ndim == 2 else x)
    return made[0] if len(made) == 1 else tuple(made)


@implements(np.dstack)
def dstack(arrays):
    return concatenate([atleast_3d(x) for x in arrays], 2)


@implements(np.block)
def block(arrays):
    return _block(arrays, _depth(arrays), max(_depth(arrays), _most_axes(arrays)))


def _depth(arrays: Any) -> int:
    return 1 + max(map(_depth, arrays)) if isinstance(arrays, list) else 0


def _most_axes(arrays: Any) -> int:
    return max(map(_most_axes, arrays)) if isinstance(arrays, list) else len(ops.shape_of(arrays))


def _block(arrays: Any, depth: int, ndim: int) -> TracedArray:
    """Join the innermost lists along the last axis, those around them along the one before."""
    if depth == 0:
        x = ops.traced(arrays)
        return ops.reshape(x, (1,) * (ndim - x.ndim) + x.shape)
    return concatenate([_block(part, depth - 1, ndim) for part in arrays], -depth)


def _splitting(name: str, axis: int):
    def split_along(x, sections):
        x = ops.traced(x)
        return split(x, sections, 0 if name == "hsplit" and x.ndim == 1 else axis)

    return split_along


implements(np.hsplit)(_splitting("hsplit", 1))
implements(np.vsplit)(_splitting("vsplit", 0))
implements(np.dsplit)(_splitting("dsplit", 2))


@implements(np.unstack)
def unstack(x, /, *, axis=0):
    return tuple(moveaxis(x, axis, 0))


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(x, window_shape, axis=None, *, subok=False, writeable=False):
    x = ops.traced(x)
    windows = [operator.index(n) for n in np.atleast_1d(window_shape).tolist()]
    axes = range(x.ndim) if axis is None else (axis if isinstance(axis, (tuple, list)) else (axis,))
    axes = [ops.normal_axis(a, x.ndim) for a in axes]
    if len(axes) != len(windows):
        raise ValueError("window_shape and axis must have the same length")
    for a, width in zip(axes, windows, strict=True):
        count = x.shape[a] - width + 1
        if count < 1:
            raise ValueError("window shape cannot be larger than input array shape")
        x = moveaxis(bind("take", x, np.arange(count)[:, None] + np.arange(width), axis=a), a + 1, -1)
    return x


@implements(np.apply_along_axis)
def apply_along_axis(func1d, axis, arr, *args, **kwargs):
    lanes = moveaxis(arr, ops.normal_axis(axis, ops.traced(arr).ndim), -1)
    results = [ops.traced(func1d(lanes[place], *args, **kwargs)) for place in np.ndindex(lanes.shape[:-1])]
    shape = results[0].shape
    joined = ops.reshape(ops.stack(results), (*lanes.shape[:-1], *shape))
    axis = ops.normal_axis(axis, lanes.ndim)
    return moveaxis(joined, tuple(range(-len(shape), 0)), tuple(range(axis, axis + len(shape))))


@implements(np.apply_over_axes)
def apply_over_axes(func, a, axes):
    a = ops.traced(a)
    for axis in axes if isinstance(axes, (tuple, list)) else (axes,):
        result = ops.traced(func(a, axis))
        a = result if result.ndim == a.ndim else ops.expand(result, ops.normal_axis(axis, a.ndim))
    return a
