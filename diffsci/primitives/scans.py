"""Running sums and products along an axis."""

from __future__ import annotations

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import accumulated
from diffsci.primitives.series import linear
from diffsci.primitives.shared import full_like


def _same(x: Type, *, axis, reverse=False) -> Type:
    if not 0 <= axis < x.ndim or x.dtype.kind == "b":
        raise TypeError(f"cannot accumulate {x} along axis {axis}")
    return x


def _cumsum_value(x, *, axis, reverse):
    return np.flip(np.cumsum(np.flip(x, axis), axis=axis), axis) if reverse else np.cumsum(x, axis=axis)


def _cumsum_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node]:
    return [b.cumsum(ct, axis=node.params["axis"], reverse=not node.params["reverse"])]


def _along(x: Node, axis: int, start: int, stop: int) -> dict[str, tuple[int, ...]]:
    first, last = [0] * len(x.shape), list(x.shape)
    first[axis], last[axis] = start, stop
    return {"start": tuple(first), "stop": tuple(last), "step": (1,) * len(x.shape)}


def _cumprod_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    """Doubling on the pairs (P, dP), P the product of a window and dP its tangent.

    Exact where entries are zero: nothing is divided. Windows of 1, 2, 4, ... entries that end at
    each position are joined; before the first entry stands the neutral pair (1, 0).
    """
    axis = node.params["axis"]
    product, slope = node.inputs[0], t[0]
    n, width = node.shape[axis], 1
    while width < n:

        def earlier(values: Node, neutral: float, width: int = width) -> Node:
            head = b.slice(full_like(b, values, neutral), **_along(values, axis, 0, width))
            return b.concatenate(head, b.slice(values, **_along(values, axis, 0, n - width)), axis=axis)

        before, slope_before = earlier(product, 1.0), earlier(slope, 0.0)
        slope = b.add(b.mul(before, slope), b.mul(product, slope_before))
        product = b.mul(before, product)
        width *= 2
    return slope


register(
    Primitive(
        name="cumsum",
        type=_same,
        value=_cumsum_value,
        family="reduction",
        jvp=lambda b, node, t: b.cumsum(t[0], **node.params),
        transpose=_cumsum_transpose,
        batch=lambda b, node, inputs, batched, size: b.cumsum(
            inputs[0], axis=node.params["axis"] + 1, reverse=node.params["reverse"]
        ),
        taylor=linear,
        pattern=accumulated,
    )
)

register(
    Primitive(
        name="cumprod",
        type=_same,
        value=lambda x, *, axis: np.cumprod(x, axis=axis),
        family="reduction",
        jvp=_cumprod_jvp,
        batch=lambda b, node, inputs, batched, size: b.cumprod(inputs[0], axis=node.params["axis"] + 1),
        pattern=accumulated,
    )
)
