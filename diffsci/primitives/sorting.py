"""Orders along the last axis: sort, the positions behind it, and search in sorted arrays.

Equal entries share the derivative of their places equally, so that it does not depend on the
sorting method and sums to one: `tie_average` is that projection, symmetric and linear.
"""

from __future__ import annotations

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import along_last_axis
from diffsci.primitives.series import linear
from diffsci.primitives.shared import INT, align


def _sorted_type(x: Type) -> Type:
    if x.ndim == 0:
        raise TypeError(f"a sort needs an axis, got {x}")
    return x


def _position_type(x: Type, **_) -> Type:
    return Type(_sorted_type(x).shape, INT)


def take_lanes(b: Builder, x: Node, index: Node) -> Node:
    """Take entries along the last axis, each lane by its own indices."""
    lanes, n, m = x.shape[:-1], x.shape[-1], index.shape[-1]
    first = b.const((np.arange(int(np.prod(lanes, dtype=np.int64)), dtype=np.int64) * n).reshape(*lanes, 1))
    start = b.broadcast(first, shape=(*lanes, m), axes=tuple(range(len(lanes) + 1)))
    flat = b.reshape(x, shape=(x.type.size,))
    return b.take(flat, b.add(index, start), axis=0)


def _sort_value(x):
    if np.iscomplexobj(x):  # a complex step sorts by the real parts
        return np.take_along_axis(x, np.argsort(x.real, axis=-1, kind="stable"), axis=-1)
    return np.sort(x, axis=-1)


def _sort_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    order = b.argsort(node.inputs[0], stable=True)
    return b.tie_average(node, take_lanes(b, t[0], order))


def _tie_average_type(keys: Type, x: Type) -> Type:
    if keys.shape != x.shape or x.ndim == 0:
        raise TypeError(f"expected values for each of the keys {keys}, got {x}")
    return x


def _tie_average_value(keys, x):
    """Average over runs of equal keys."""
    keys, x = np.real(keys), np.asarray(x)
    first = np.ones(keys.shape, bool)
    np.not_equal(keys[..., 1:], keys[..., :-1], out=first[..., 1:])
    if first.all():
        return x
    starts = np.flatnonzero(first)
    counts = np.diff(starts, append=first.size)
    averages = np.add.reduceat(x.ravel(), starts) / counts.astype(x.real.dtype)
    return np.repeat(averages, counts).reshape(x.shape)


def _tie_average_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node | None:
    return None if t[1] is None else b.tie_average(node.inputs[0], t[1])


def _same_lanes_batch(b: Builder, node: Node, inputs, batched, size: int) -> Node:
    return b.emit(node.primitive, *align(b, inputs, batched, size), **node.params)


def _search_type(table: Type, x: Type, *, side) -> Type:
    if table.ndim == 0 or table.shape[:-1] != x.shape[:-1] or side not in ("left", "right"):
        raise TypeError(f"cannot search for {x} in {table} (side={side!r})")
    return Type(x.shape, INT)


def _search_value(table, x, *, side):
    table, x = np.real(table), np.real(x)
    if table.ndim == 1:
        return np.searchsorted(table, x, side)
    found = np.empty(x.shape, np.int64)
    for lane in np.ndindex(table.shape[:-1]):
        found[lane] = np.searchsorted(table[lane], x[lane], side)
    return found


def _search_batch(b: Builder, node: Node, inputs, batched, size: int) -> Node:
    table, x = inputs
    if batched[0] or len(x.shape) != 2:
        return _same_lanes_batch(b, node, inputs, batched, size)
    found = b.searchsorted(table, b.reshape(x, shape=(x.type.size,)), **node.params)
    return b.reshape(found, shape=x.shape)


register(
    Primitive(
        name="sort",
        type=_sorted_type,
        value=_sort_value,
        family="sorting",
        jvp=_sort_jvp,
        batch=_same_lanes_batch,
        pattern=along_last_axis,
    )
)

register(
    Primitive(
        name="tie_average",
        type=_tie_average_type,
        value=_tie_average_value,
        family="sorting",
        jvp=_tie_average_jvp,
        transpose=lambda b, node, ct, linear: [None, b.tie_average(node.inputs[0], ct)],
        batch=_same_lanes_batch,
        taylor=linear,
        pattern=along_last_axis,
    )
)

register(
    Primitive(
        name="argsort",
        type=_position_type,
        value=lambda x, *, stable: np.argsort(np.real(x), axis=-1, kind="stable" if stable else None),
        family="sorting",
        jvp="zero",
        batch=_same_lanes_batch,
    )
)

register(
    Primitive(
        name="argpartition",
        type=_position_type,
        value=lambda x, *, kth: np.argpartition(np.real(x), kth, axis=-1),
        family="sorting",
        jvp="zero",
        batch=_same_lanes_batch,
    )
)

register(
    Primitive(
        name="searchsorted",
        type=_search_type,
        value=_search_value,
        family="sorting",
        jvp="zero",
        batch=_search_batch,
    )
)
