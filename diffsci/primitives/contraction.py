"""Contraction of two arrays: einsum with letters that are unique within each operand."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import contracted
from diffsci.primitives.series import product
from diffsci.primitives.shared import add_tangents


def _sizes(a: Type, c: Type, spec) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for letters, operand in ((spec[0], a), (spec[1], c)):
        if len(letters) != operand.ndim or len(set(letters)) != len(letters):
            raise TypeError(f"letters {letters!r} do not name the axes of {operand}")
        for letter, size in zip(letters, operand.shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise TypeError(f"axis {letter!r} of {spec} has sizes {sizes[letter]} and {size}")
    return sizes


def _type(a: Type, c: Type, *, spec) -> Type:
    sizes = _sizes(a, c, spec)
    if a.dtype != c.dtype or a.dtype.kind == "b":
        raise TypeError(f"cannot contract {a} with {c}")
    if len(set(spec[2])) != len(spec[2]) or not set(spec[2]) <= set(sizes):
        raise TypeError(f"output letters {spec[2]!r} of {spec} must be distinct letters of the operands")
    return Type(tuple(sizes[letter] for letter in spec[2]), a.dtype)


def _value(a, c, *, spec):
    return np.einsum(f"{spec[0]},{spec[1]}->{spec[2]}", a, c, optimize=True)


def _jvp(b: Builder, node: Node, t: list[Node | None]) -> Node | None:
    x, y = node.inputs
    first = None if t[0] is None else b.contract(t[0], y, **node.params)
    second = None if t[1] is None else b.contract(x, t[1], **node.params)
    return add_tangents(b, first, second)


def _transpose(b: Builder, node: Node, ct: Node, linear: list[bool], masks: Any) -> list[Node | None]:
    left, right, out = node.params["spec"]
    x, y = node.inputs
    if linear[0]:
        return [_pulled_back(b, ct, masks.needed(node, ct, 1), (out, right, left), x), None]
    return [None, _pulled_back(b, ct, masks.needed(node, ct, 0), (out, left, right), y)]


def _pulled_back(b: Builder, ct: Node, other: Node, spec, target: Node) -> Node:
    """Contract the cotangent with the other operand; letters summed alone are spread again."""
    out, letters, wanted = spec
    present = "".join(letter for letter in wanted if letter in out or letter in letters)
    result = b.contract(ct, other, spec=(out, letters, present))
    if present == wanted:
        return result
    axes = tuple(wanted.index(letter) for letter in present)
    return b.broadcast(result, shape=target.shape, axes=axes)


def _batch(b: Builder, node: Node, inputs, batched, size: int) -> Node:
    left, right, out = node.params["spec"]
    fresh = next(letter for letter in string.ascii_letters if letter not in left + right)
    spec = (fresh * batched[0] + left, fresh * batched[1] + right, fresh + out)
    return b.contract(*inputs, spec=spec)


register(
    Primitive(
        name="contract",
        type=_type,
        value=_value,
        family="contraction",
        jvp=_jvp,
        masked_transpose=_transpose,
        batch=_batch,
        taylor=product,
        pattern=contracted,
    )
)
