"""Structural operations: they move elements and compute nothing. Each is linear."""

from __future__ import annotations

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.shared import align, shifted


def _sum_to(b: Builder, ct: Node, axes: tuple[int, ...]) -> Node:
    """Sum over axes; a boolean cotangent is a mask, and its sum is `any`."""
    if not axes:
        return ct
    return b.any(ct, axes=axes) if ct.dtype.kind == "b" else b.sum(ct, axes=axes)


def _linear_jvp(b: Builder, node: Node, tangents: list[Node | None]) -> Node:
    return b.emit(node.primitive, tangents[0], **node.params)


def _unary(name, type_, value, transpose, batch) -> None:
    register(
        Primitive(
            name=name,
            type=type_,
            value=value,
            family="structural",
            jvp=_linear_jvp,
            transpose=transpose,
            batch=batch,
        )
    )


# broadcast ------------------------------------------------------------------------------------------


def _broadcast_type(x: Type, *, shape, axes) -> Type:
    if len(axes) != x.ndim or list(axes) != sorted(set(axes)):
        raise TypeError(f"axes {axes} do not place {x}")
    for size, axis in zip(x.shape, axes, strict=True):
        if size not in (1, shape[axis]):
            raise TypeError(f"{x} does not broadcast to {shape} by axes {axes}")
    return Type(tuple(shape), x.dtype)


def _broadcast_value(x, *, shape, axes):
    expanded = [1] * len(shape)
    for size, axis in zip(np.shape(x), axes, strict=True):
        expanded[axis] = size
    return np.broadcast_to(np.reshape(x, expanded), shape)


def _broadcast_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node]:
    x, axes, shape = node.inputs[0], node.params["axes"], node.shape
    stretched = {axis for size, axis in zip(x.shape, axes, strict=True) if size == 1 and shape[axis] != 1}
    over = tuple(axis for axis in range(len(shape)) if axis not in axes or axis in stretched)
    return [_reshaped(b, _sum_to(b, ct, over), x.shape)]


def _reshaped(b: Builder, x: Node, shape: tuple[int, ...]) -> Node:
    return x if x.shape == shape else b.reshape(x, shape=shape)


def _broadcast_batch(b, node, inputs, batched, size):
    shape, axes = node.params["shape"], node.params["axes"]
    return b.broadcast(inputs[0], shape=(size, *shape), axes=(0, *shifted(axes)))


_unary("broadcast", _broadcast_type, _broadcast_value, _broadcast_transpose, _broadcast_batch)


# reshape --------------------------------------------------------------------------------------------


def _reshape_type(x: Type, *, shape) -> Type:
    out = Type(tuple(shape), x.dtype)
    if out.size != x.size:
        raise TypeError(f"cannot reshape {x} to {shape}")
    return out


_unary(
    "reshape",
    _reshape_type,
    lambda x, *, shape: np.reshape(x, shape),
    lambda b, node, ct, linear: [_reshaped(b, ct, node.inputs[0].shape)],
    lambda b, node, inputs, batched, size: b.reshape(inputs[0], shape=(size, *node.params["shape"])),
)


# transpose ------------------------------------------------------------------------------------------


def _transpose_type(x: Type, *, perm) -> Type:
    if sorted(perm) != list(range(x.ndim)):
        raise TypeError(f"{perm} is no permutation of the axes of {x}")
    return Type(tuple(x.shape[axis] for axis in perm), x.dtype)


def _inverse(perm: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(axis) for axis in np.argsort(perm))


_unary(
    "transpose",
    _transpose_type,
    lambda x, *, perm: np.transpose(x, perm),
    lambda b, node, ct, linear: [b.transpose(ct, perm=_inverse(node.params["perm"]))],
    lambda b, node, inputs, batched, size: b.transpose(inputs[0], perm=(0, *shifted(node.params["perm"]))),
)


# slice and pad --------------------------------------------------------------------------------------


def _slices(start, stop, step) -> tuple[slice, ...]:
    return tuple(slice(*bounds) for bounds in zip(start, stop, step, strict=True))


def _slice_type(x: Type, *, start, stop, step) -> Type:
    if not len(start) == len(stop) == len(step) == x.ndim:
        raise TypeError(f"slice of {x} needs one start, stop and step per axis")
    for size, first, last, stride in zip(x.shape, start, stop, step, strict=True):
        if not (0 <= first <= last <= size and stride >= 1):
            raise TypeError(f"slice {start}:{stop}:{step} leaves {x}")
    shape = tuple(len(range(*bounds)) for bounds in zip(start, stop, step, strict=True))
    return Type(shape, x.dtype)


def _slice_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node]:
    start, step = node.params["start"], node.params["step"]
    whole = node.inputs[0].shape
    if 0 in node.shape:
        return [b.zeros(Type(whole, ct.dtype))]
    span = [(n - 1) * stride + 1 for n, stride in zip(node.shape, step, strict=True)]
    high = tuple(n - first - used for n, first, used in zip(whole, start, span, strict=True))
    return [b.pad(ct, low=start, high=high, interior=tuple(stride - 1 for stride in step))]


def _slice_batch(b, node, inputs, batched, size):
    p = node.params
    return b.slice(inputs[0], start=(0, *p["start"]), stop=(size, *p["stop"]), step=(1, *p["step"]))


_unary(
    "slice",
    _slice_type,
    lambda x, *, start, stop, step: x[_slices(start, stop, step)],
    _slice_transpose,
    _slice_batch,
)


def _padded(n: int, low: int, high: int, interior: int) -> int:
    return low + high + (n + (n - 1) * interior if n else 0)


def _pad_type(x: Type, *, low, high, interior) -> Type:
    if not len(low) == len(high) == len(interior) == x.ndim or min((*low, *high, *interior), default=0) < 0:
        raise TypeError(f"pad of {x} needs one low, high and interior per axis, none negative")
    return Type(tuple(map(_padded, x.shape, low, high, interior)), x.dtype)


def pad_region(pad: Node) -> tuple[slice, ...]:
    """Return where the operand of a pad stands in its result."""
    return _pad_region(pad.inputs[0].type.shape, pad.params["low"], pad.params["interior"])


def _pad_region(shape, low, interior) -> tuple[slice, ...]:
    return tuple(
        slice(first, first + n + (n - 1) * inside if n else first, inside + 1)
        for n, first, inside in zip(shape, low, interior, strict=True)
    )


def _pad_value(x, *, low, high, interior):
    out = np.zeros(tuple(map(_padded, x.shape, low, high, interior)), x.dtype)
    out[_pad_region(x.shape, low, interior)] = x
    return out


def _pad_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node]:
    region = pad_region(node)
    start, stop, step = (
        zip(*((s.start, s.stop, s.step) for s in region), strict=True) if region else ((),) * 3
    )
    return [b.slice(ct, start=start, stop=stop, step=step)]


def _pad_batch(b, node, inputs, batched, size):
    p = node.params
    return b.pad(inputs[0], low=(0, *p["low"]), high=(0, *p["high"]), interior=(0, *p["interior"]))


_unary("pad", _pad_type, _pad_value, _pad_transpose, _pad_batch)


# flip and roll --------------------------------------------------------------------------------------

_unary(
    "flip",
    lambda x, *, axes: x,
    lambda x, *, axes: np.flip(x, axes),
    lambda b, node, ct, linear: [b.flip(ct, axes=node.params["axes"])],
    lambda b, node, inputs, batched, size: b.flip(inputs[0], axes=shifted(node.params["axes"])),
)


def _roll_type(x: Type, *, shift) -> Type:
    if len(shift) != x.ndim or any(not 0 <= s < max(n, 1) for s, n in zip(shift, x.shape, strict=True)):
        raise TypeError(f"roll of {x} needs one shift in [0, n) per axis, got {shift}")
    return x


def _roll_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node]:
    back = tuple((-s) % n if n else 0 for s, n in zip(node.params["shift"], node.shape, strict=True))
    return [b.roll(ct, shift=back)]


_unary(
    "roll",
    _roll_type,
    lambda x, *, shift: np.roll(x, shift, axis=tuple(range(x.ndim))) if shift else x,
    _roll_transpose,
    lambda b, node, inputs, batched, size: b.roll(inputs[0], shift=(0, *node.params["shift"])),
)


# set_slice ------------------------------------------------------------------------------------------


def _region(start, step, shape) -> tuple[slice, ...]:
    return tuple(
        slice(first, first + (n - 1) * stride + 1 if n else first, stride)
        for first, stride, n in zip(start, step, shape, strict=True)
    )


def _set_slice_type(base: Type, value: Type, *, start, step) -> Type:
    if base.dtype != value.dtype or not len(start) == len(step) == base.ndim == value.ndim:
        raise TypeError(f"cannot write {value} into {base}")
    for size, region in zip(base.shape, _region(start, step, value.shape), strict=True):
        if not (region.start >= 0 and region.stop <= size and region.step >= 1):
            raise TypeError(f"writing {value} at {start} step {step} leaves {base}")
    return base


def _set_slice_value(base, value, *, start, step):
    out = np.array(base)
    out[_region(start, step, np.shape(value))] = value
    return out


def _set_slice_jvp(b: Builder, node: Node, tangents: list[Node | None]) -> Node:
    pairs = zip(tangents, node.inputs, strict=True)
    filled = [b.zeros(x.type) if tangent is None else tangent for tangent, x in pairs]
    return b.set_slice(*filled, **node.params)


def _set_slice_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    value = node.inputs[1]
    over_base = over_value = None
    if linear[0]:
        over_base = b.set_slice(ct, b.zeros(Type(value.shape, ct.dtype)), **node.params)
    if linear[1]:
        region = _region(node.params["start"], node.params["step"], value.shape)
        stop = tuple(s.stop for s in region)
        over_value = b.slice(ct, start=node.params["start"], stop=stop, step=node.params["step"])
    return [over_base, over_value]


def _set_slice_batch(b, node, inputs, batched, size):
    base, value = align(b, inputs, batched, size)
    return b.set_slice(base, value, start=(0, *node.params["start"]), step=(1, *node.params["step"]))


register(
    Primitive(
        name="set_slice",
        type=_set_slice_type,
        value=_set_slice_value,
        family="structural",
        jvp=_set_slice_jvp,
        transpose=_set_slice_transpose,
        batch=_set_slice_batch,
    )
)


# concatenate ----------------------------------------------------------------------------------------


def _concatenate_type(*types: Type, axis) -> Type:
    first = types[0]
    rest = [(t.shape[:axis], t.shape[axis + 1 :], t.dtype) for t in types]
    if any(other != rest[0] for other in rest):
        raise TypeError(f"cannot concatenate {', '.join(map(str, types))} along axis {axis}")
    total = sum(t.shape[axis] for t in types)
    return Type((*first.shape[:axis], total, *first.shape[axis + 1 :]), first.dtype)


def _concatenate_jvp(b: Builder, node: Node, tangents: list[Node | None]) -> Node:
    pairs = zip(tangents, node.inputs, strict=True)
    return b.concatenate(*(b.zeros(x.type) if t is None else t for t, x in pairs), **node.params)


def _concatenate_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    axis, ndim = node.params["axis"], len(node.shape)
    cotangents: list[Node | None] = []
    offset = 0
    for x, is_linear in zip(node.inputs, linear, strict=True):
        start, stop = [0] * ndim, list(node.shape)
        start[axis], stop[axis] = offset, offset + x.shape[axis]
        offset = stop[axis]
        piece = b.slice(ct, start=tuple(start), stop=tuple(stop), step=(1,) * ndim) if is_linear else None
        cotangents.append(piece)
    return cotangents


def _concatenate_batch(b, node, inputs, batched, size):
    return b.concatenate(*align(b, inputs, batched, size), axis=node.params["axis"] + 1)


register(
    Primitive(
        name="concatenate",
        type=_concatenate_type,
        value=lambda *xs, axis: np.concatenate(xs, axis),
        family="structural",
        jvp=_concatenate_jvp,
        transpose=_concatenate_transpose,
        batch=_concatenate_batch,
    )
)
