"""Functions that move elements."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.protocols import implements
from diffsci.tracing.trace import bind


@implements(np.reshape)
def reshape(x, /, shape=None, order="C", *, newshape=None, copy=None):
    if order != "C":
        raise ops.unsupported(f"reshape in order {order!r}", "use order='C'")
    return ops.reshape(x, newshape if shape is None else shape)


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


@implements(np.vstack)
def vstack(arrays, *, dtype=None, casting="same_kind"):
    return concatenate([atleast_2d(x) for x in arrays], 0, dtype=dtype)


@implements(np.column_stack)
def column_stack(arrays):
    return concatenate([x[:, None] if (x := ops.traced(a)).ndim == 1 else x for a in arrays], 1)


@implements(np.append)
def append(x, values, axis=None):
    return concatenate([x, values], axis)


@implements(np.split, np.array_split)
def split(x, sections, axis=0):
    x = ops.traced(x)
    axis = ops.normal_axis(axis, x.ndim)
    pieces = np.array_split(np.arange(x.shape[axis]), sections)
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
        x = bind("take", x, index, axis=axis)
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
    """Write into an array of the fill value: the user's zeros are numbers, not structure."""
    if ops.shape_of(fill) != ():
        raise ops.unsupported("numpy.pad with several constant_values", "pad one axis at a time")
    shape = tuple(low + n + high for n, (low, high) in zip(x.shape, widths, strict=True))
    base = ops.broadcast_to(ops.convert(fill, x.dtype), shape)
    if x.size == 0:
        return base
    return bind("set_slice", base, x, start=tuple(low for low, _ in widths), step=(1,) * x.ndim)


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
    index = np.repeat(np.arange(x.shape[axis]), repeats)
    return bind("take", x, index, axis=axis)


@implements(np.take)
def take(x, indices, axis=None, mode="raise"):
    x = ops.traced(x)
    if mode != "raise":
        raise ops.unsupported(f"numpy.take in mode {mode!r}", "use the default mode")
    if axis is None:
        return ops.reshape(x, -1)[indices]
    return x[(slice(None),) * ops.normal_axis(axis, x.ndim) + (indices,)]


@implements(np.diff)
def diff(x, n=1, axis=-1, prepend=None, append=None):
    x = ops.traced(x)
    axis = ops.normal_axis(axis, x.ndim)
    ends = [end if end is None else _edge(x, end, axis) for end in (prepend, append)]
    parts = [part for part in (ends[0], x, ends[1]) if part is not None]
    x = concatenate(parts, axis) if len(parts) > 1 else x
    for _ in range(n):
        ahead, behind = [slice(None)] * x.ndim, [slice(None)] * x.ndim
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        x = x[tuple(ahead)] - x[tuple(behind)]
    return x


def _edge(x: TracedArray, end: Any, axis: int) -> TracedArray:
    shape = tuple(1 if a == axis else n for a, n in enumerate(x.shape))
    return ops.broadcast_to(end, shape) if ops.shape_of(end) == () else ops.traced(end)


@implements(np.diagonal)
def diagonal(x, offset=0, axis1=0, axis2=1):
    x = moveaxis(x, (axis1, axis2), (-2, -1))
    rows = np.arange(max(0, -offset), min(x.shape[-2], x.shape[-1] - offset))
    return x[..., rows, rows + offset]


@implements(np.delete)
def delete(x, obj, axis=None):
    x = ops.traced(x)
    if axis is None:
        x, axis = ops.reshape(x, -1), 0
    axis = ops.normal_axis(axis, x.ndim)
    return bind("take", x, np.delete(np.arange(x.shape[axis]), obj), axis=axis)


@implements(np.insert)
def insert(x, obj, values, axis=None):
    x = ops.traced(x)
    if axis is None:
        x, axis = ops.reshape(x, -1), 0
    if x.ndim != 1 or ops.shape_of(obj) != ():
        raise ops.unsupported("numpy.insert beyond one place in a vector", "use numpy.concatenate")
    place = int(obj) % (x.size + 1) if int(obj) >= 0 else int(obj) + x.size
    return concatenate([x[:place], atleast_1d(values), x[place:]])
