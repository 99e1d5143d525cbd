"""Boxes placed in an array at affine places: rows of a sparse matrix, its boundaries and its interior.

Element ``(i, j, ...)`` of a box goes to ``start + i * strides[0] + j * strides[1] + ...`` of the result,
counted in its order in memory. The boxes have as many elements as the result and do not overlap.
"""

from __future__ import annotations

import math

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.shared import align

__all__ = ["places"]


def places(shape: tuple[int, ...], start: int, strides: tuple[int, ...]) -> np.ndarray:
    """Return where the elements of a box go."""
    total = np.full((1,) * len(shape), start, dtype=np.int64)
    for axis, (n, stride) in enumerate(zip(shape, strides, strict=True)):
        along = [1] * len(shape)
        along[axis] = n
        total = total + (np.arange(n, dtype=np.int64) * stride).reshape(along)
    return np.broadcast_to(total, shape)


def _type(*boxes: Type, shape, starts, strides) -> Type:
    if not len(boxes) == len(starts) == len(strides) or not boxes:
        raise TypeError("place needs a start and strides for each of its boxes, of which there must be one")
    out = Type(tuple(shape), boxes[0].dtype)
    for box, start, steps in zip(boxes, starts, strides, strict=True):
        if box.dtype != out.dtype or len(steps) != box.ndim:
            raise TypeError(f"cannot place {box} in {out} by the strides {steps}")
        reach = [(n - 1) * step for n, step in zip(box.shape, steps, strict=True)]
        low, high = sum(min(r, 0) for r in reach), sum(max(r, 0) for r in reach)
        if box.size and not 0 <= start + low <= start + high < out.size:
            raise TypeError(f"placing {box} at {start} by the strides {steps} leaves {out}")
    if sum(box.size for box in boxes) != out.size:
        raise TypeError(f"boxes of {sum(box.size for box in boxes)} elements do not fill {out}")
    return out


def _value(*boxes, shape, starts, strides):
    out = np.zeros(math.prod(shape), np.asarray(boxes[0]).dtype)
    for box, start, steps in zip(boxes, starts, strides, strict=True):
        if np.size(box):
            memory = tuple(step * out.itemsize for step in steps)
            np.lib.stride_tricks.as_strided(out[start:], np.shape(box), memory)[...] = box
    return out.reshape(shape)


def _jvp(b: Builder, node: Node, tangents: list[Node | None]) -> Node:
    pairs = zip(tangents, node.inputs, strict=True)
    return b.place(*(b.zeros(x.type) if t is None else t for t, x in pairs), **node.params)


def _transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    flat = b.reshape(ct, shape=(node.type.size,))
    where = zip(node.inputs, node.params["starts"], node.params["strides"], linear, strict=True)
    return [
        b.take(flat, b.const(places(x.shape, start, steps)), axis=0) if is_linear else None
        for x, start, steps, is_linear in where
    ]


def _batch(b: Builder, node: Node, inputs: list[Node], batched: list[bool], size: int) -> Node:
    params = {
        "shape": (size, *node.shape),
        "starts": node.params["starts"],
        "strides": tuple((node.type.size, *steps) for steps in node.params["strides"]),
    }
    return b.place(*align(b, inputs, batched, size), **params)


register(
    Primitive(
        name="place",
        type=_type,
        value=_value,
        family="structural",
        jvp=_jvp,
        transpose=_transpose,
        batch=_batch,
    )
)
