"""Reductions over axes; the reduced axes vanish."""

from __future__ import annotations

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.series import linear
from diffsci.primitives.shared import BOOL, INT, full_like, shifted


def _remaining(x: Type, axes) -> tuple[int, ...]:
    if list(axes) != sorted(set(axes)) or any(not 0 <= axis < x.ndim for axis in axes):
        raise TypeError(f"axes {axes} are not axes of {x}, sorted")
    return tuple(n for axis, n in enumerate(x.shape) if axis not in axes)


def _same_dtype(x: Type, *, axes) -> Type:
    if x.dtype.kind == "b":
        raise TypeError(f"expected numbers, got {x}")
    return Type(_remaining(x, axes), x.dtype)


def _extremum_type(x: Type, *, axes) -> Type:
    if any(x.shape[axis] == 0 for axis in axes):
        raise TypeError(f"max or min over an empty axis of {x}")
    return _same_dtype(x, axes=axes)


def _logic_type(x: Type, *, axes) -> Type:
    if x.dtype != BOOL:
        raise TypeError(f"expected booleans, got {x}")
    return Type(_remaining(x, axes), BOOL)


def _position_type(x: Type, *, axis) -> Type:
    if x.shape[axis] == 0:
        raise TypeError(f"argmax or argmin over an empty axis of {x}")
    return Type(_remaining(x, (axis,)), INT)


def spread(b: Builder, reduced: Node, x: Node, axes: tuple[int, ...]) -> Node:
    """Broadcast a reduced value back over the axes it lost."""
    kept = tuple(axis for axis in range(len(x.shape)) if axis not in axes)
    return b.broadcast(reduced, shape=x.shape, axes=kept)


def _sum_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node]:
    return [spread(b, ct, node.inputs[0], node.params["axes"])]


def _extremum_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    x, axes = node.inputs[0], node.params["axes"]
    attained = b.eq(x, spread(b, node, x, axes))
    one, zero = full_like(b, x, 1.0), b.zeros(x.type)
    count = b.sum(b.select(attained, one, zero), axes=axes)
    return b.div(b.sum(b.select(attained, t[0], zero), axes=axes), count)


def _exclusive_products(b: Builder, x: Node) -> Node:
    """Product of all other entries along the last axis: exact where entries are zero."""
    n = x.shape[-1]
    if n == 1:
        return full_like(b, x, 1.0)
    last = len(x.shape) - 1
    one = b.full(Type((*x.shape[:-1], 1), x.dtype), 1.0)

    def shifted_product(values: Node) -> Node:
        start, stop = (0,) * len(x.shape), (*x.shape[:-1], n - 1)
        head = b.slice(values, start=start, stop=stop, step=(1,) * len(x.shape))
        return b.cumprod(b.concatenate(one, head, axis=last), axis=last)

    before = shifted_product(x)
    after = b.flip(shifted_product(b.flip(x, axes=(last,))), axes=(last,))
    return b.mul(before, after)


def _prod_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    x, axes = node.inputs[0], node.params["axes"]
    if 0 in x.shape:
        return b.zeros(node.type)
    kept = tuple(axis for axis in range(len(x.shape)) if axis not in axes)
    perm = (*kept, *axes)
    size = int(np.prod([x.shape[axis] for axis in axes], dtype=np.int64))

    def flat(values: Node) -> Node:
        return b.reshape(b.transpose(values, perm=perm), shape=(*node.shape, size))

    terms = b.mul(_exclusive_products(b, flat(x)), flat(t[0]))
    return b.sum(terms, axes=(len(node.shape),))


def _axes_batch(b, node, inputs, batched, size):
    return b.emit(node.primitive, inputs[0], axes=shifted(node.params["axes"]))


def _axis_batch(b, node, inputs, batched, size):
    return b.emit(node.primitive, inputs[0], axis=node.params["axis"] + 1)


def _reduction(name, type_, value, jvp, transpose=None, batch=_axes_batch, taylor=None) -> None:
    register(
        Primitive(
            name=name,
            type=type_,
            value=value,
            family="reduction",
            jvp=jvp,
            transpose=transpose,
            batch=batch,
            taylor=taylor,
        )
    )


_reduction(
    "sum",
    _same_dtype,
    lambda x, *, axes: np.sum(x, axis=axes),
    lambda b, node, t: b.sum(t[0], axes=node.params["axes"]),
    _sum_transpose,
    taylor=linear,
)
_reduction("prod", _same_dtype, lambda x, *, axes: np.prod(x, axis=axes), _prod_jvp)
_reduction("max", _extremum_type, lambda x, *, axes: np.max(x, axis=axes), _extremum_jvp)
_reduction("min", _extremum_type, lambda x, *, axes: np.min(x, axis=axes), _extremum_jvp)
_reduction("any", _logic_type, lambda x, *, axes: np.any(x, axis=axes), "zero")
_reduction("all", _logic_type, lambda x, *, axes: np.all(x, axis=axes), "zero")
_reduction(
    "argmax",
    _position_type,
    lambda x, *, axis: np.argmax(x, axis=axis),
    "zero",
    batch=_axis_batch,
)
_reduction(
    "argmin",
    _position_type,
    lambda x, *, axis: np.argmin(x, axis=axis),
    "zero",
    batch=_axis_batch,
)
