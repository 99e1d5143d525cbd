"""Gather and scatter along one axis by an integer array.

NumPy's richer indices (several arrays, negative numbers, masks) are brought to this form by tracing.
"""

from __future__ import annotations

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import moved_by_index, summed_by_index
from diffsci.primitives.series import linear
from diffsci.primitives.shared import INT, to_batch


def _check_index(index: Type) -> None:
    if index.dtype != INT:
        raise TypeError(f"indices must be int64, got {index}")


def _taken(x: Type, index: Type, axis: int) -> tuple[int, ...]:
    _check_index(index)
    if not 0 <= axis < x.ndim:
        raise TypeError(f"axis {axis} is not an axis of {x}")
    return x.shape[:axis] + index.shape + x.shape[axis + 1 :]


def _take_type(x: Type, index: Type, *, axis) -> Type:
    return Type(_taken(x, index, axis), x.dtype)


def _put_type(base: Type, index: Type, value: Type, *, axis) -> Type:
    if value != Type(_taken(base, index, axis), base.dtype):
        raise TypeError(f"cannot put {value} into {base} at {index} along axis {axis}")
    return base


def _put_add_value(base, index, value, *, axis):
    out = np.array(base)
    np.add.at(out, (slice(None),) * axis + (index,), value)
    return out


def _put_value(base, index, value, *, axis):
    out = np.array(base)
    out[(slice(None),) * axis + (index,)] = value
    return out


def _take_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    return b.take(t[0], node.inputs[1], axis=node.params["axis"])


def _take_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    x, index = node.inputs
    return [b.put_add(b.zeros(Type(x.shape, ct.dtype)), index, ct, axis=node.params["axis"]), None]


def _filled(b: Builder, node: Node, t: list[Node | None]) -> tuple[Node, Node]:
    base, _, value = node.inputs
    return (b.zeros(base.type) if t[0] is None else t[0], b.zeros(value.type) if t[2] is None else t[2])


def _put_add_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    base, value = _filled(b, node, t)
    return b.put_add(base, node.inputs[1], value, **node.params)


def _put_add_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    gathered = b.take(ct, node.inputs[1], **node.params) if linear[2] else None
    return [ct if linear[0] else None, None, gathered]


def _last_writer(b: Builder, node: Node) -> Node:
    """Mask of the values that survive in `put`: of several writes to one place the last one does."""
    base, index, value = node.inputs
    order = b.const(np.arange(int(np.prod(value.shape, dtype=np.int64))).reshape(value.shape))
    winners = b.put(b.zeros(Type(base.shape, INT)), index, order, **node.params)
    return b.eq(b.take(winners, index, **node.params), order)


def _put_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    base, value = _filled(b, node, t)
    return b.put(base, node.inputs[1], value, **node.params)


def _put_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    _, index, value = node.inputs
    over_base = over_value = None
    if linear[0]:
        over_base = b.put(ct, index, b.zeros(value.type), **node.params)
    if linear[2]:
        gathered = b.take(ct, index, **node.params)
        over_value = b.select(_last_writer(b, node), gathered, b.zeros(value.type))
    return [over_base, None, over_value]


def _flat_batch_index(b: Builder, index: Node, is_batched: bool, size: int, n: int) -> Node:
    """Index into ``size * n`` rows: member k looks only at its own n rows."""
    if not is_batched:
        index = to_batch(b, index, size)
    starts = b.const(np.arange(size, dtype=np.int64) * n)
    return b.add(index, b.broadcast(starts, shape=index.shape, axes=(0,)))


def _axis_to_front(b: Builder, x: Node, axis: int, count: int, size: int) -> Node:
    """Bring `count` axes (behind the batch axis) to the front and merge the batch into the first."""
    ndim = len(x.shape)
    moved = tuple(range(axis + 1, axis + 1 + count))
    rest = tuple(k for k in range(1, ndim) if k not in moved)
    return b.transpose(x, perm=(0, *moved, *rest))


def _axes_back(b: Builder, x: Node, axis: int, count: int) -> Node:
    """Undo `_axis_to_front`: axes 1..count go behind the `axis` leading ones."""
    ndim = len(x.shape)
    front = tuple(range(1 + count, 1 + count + axis))
    rest = tuple(range(1 + count + axis, ndim))
    return b.transpose(x, perm=(0, *front, *range(1, 1 + count), *rest))


def _take_batch(b: Builder, node: Node, inputs, batched, size: int) -> Node:
    x, index = inputs
    axis = node.params["axis"]
    if not batched[1]:
        return b.take(x, index, axis=axis + 1)
    count = len(index.shape) - 1
    n = node.inputs[0].shape[axis]
    if not batched[0]:
        x = to_batch(b, x, size)
    front = _axis_to_front(b, x, axis, 1, size)
    rows = b.reshape(front, shape=(size * n, *front.shape[2:]))
    taken = b.take(rows, _flat_batch_index(b, index, True, size, n), axis=0)
    return _axes_back(b, taken, axis, count)


def _put_batch(b: Builder, node: Node, inputs, batched, size: int) -> Node:
    axis = node.params["axis"]
    base, value = (
        x if is_batched else to_batch(b, x, size)
        for x, is_batched in ((inputs[0], batched[0]), (inputs[2], batched[2]))
    )
    if not batched[1]:
        return b.emit(node.primitive, base, inputs[1], value, axis=axis + 1)
    count = len(inputs[1].shape) - 1
    n = node.inputs[0].shape[axis]
    front = _axis_to_front(b, base, axis, 1, size)
    rows = b.reshape(front, shape=(size * n, *front.shape[2:]))
    values = _axis_to_front(b, value, axis, count, size)
    index = _flat_batch_index(b, inputs[1], True, size, n)
    written = b.emit(node.primitive, rows, index, values, axis=0)
    return _axes_back(b, b.reshape(written, shape=front.shape), axis, 1)


register(
    Primitive(
        name="take",
        type=_take_type,
        value=lambda x, index, *, axis: np.take(x, index, axis),
        family="indexing",
        jvp=_take_jvp,
        transpose=_take_transpose,
        batch=_take_batch,
        taylor=linear,
        pattern=moved_by_index,
    )
)

register(
    Primitive(
        name="put_add",
        type=_put_type,
        value=_put_add_value,
        family="indexing",
        jvp=_put_add_jvp,
        transpose=_put_add_transpose,
        batch=_put_batch,
        taylor=linear,
        pattern=summed_by_index,
    )
)

register(
    Primitive(
        name="put",
        type=_put_type,
        value=_put_value,
        family="indexing",
        jvp=_put_jvp,
        transpose=_put_transpose,
        batch=_put_batch,
        taylor=linear,
        pattern=moved_by_index,
    )
)
