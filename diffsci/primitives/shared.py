"""What several families of primitives need: type rules, batching, small emit helpers."""

from __future__ import annotations

import numpy as np

from diffsci.graph import Builder, Node, Type

BOOL = np.dtype(bool)
INT = np.dtype(np.int64)


def same_types(*types: Type) -> Type:
    """Return the common type of elementwise operands."""
    first = types[0]
    for other in types[1:]:
        if other is not first and other != first:
            raise TypeError(f"operands differ: {first} and {other}")
    return first


def add_tangents(b: Builder, *tangents: Node | None) -> Node | None:
    """Sum the tangents that are there."""
    total = None
    for tangent in tangents:
        if tangent is not None:
            total = tangent if total is None else b.add(total, tangent)
    return total


def full_like(b: Builder, node: Node, value: float) -> Node:
    """Return a constant of the node's type."""
    return b.full(node.type, value)


def to_batch(b: Builder, node: Node, size: int) -> Node:
    """Repeat a value along a new leading axis."""
    return b.broadcast(node, shape=(size, *node.shape), axes=tuple(range(1, len(node.shape) + 1)))


def align(b: Builder, inputs: list[Node], batched: list[bool], size: int) -> list[Node]:
    """Give every input the leading batch axis."""
    return [x if is_batched else to_batch(b, x, size) for x, is_batched in zip(inputs, batched, strict=True)]


def batch_elementwise(b: Builder, node: Node, inputs: list[Node], batched: list[bool], size: int) -> Node:
    """Batching rule of every elementwise operation."""
    return b.emit(node.primitive, *align(b, inputs, batched, size), **node.params)


def shifted(axes: tuple[int, ...]) -> tuple[int, ...]:
    """Axis numbers behind a new leading axis."""
    return tuple(axis + 1 for axis in axes)
