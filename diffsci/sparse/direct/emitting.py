"""Emitting coefficients: what is one number everywhere is computed once and stays a number when it moves."""

from __future__ import annotations

from collections.abc import Sequence

from diffsci.graph import Builder, Node
from diffsci.transforms.simplify import rewritten, uniform

__all__ = ["emit", "emit_like", "is_nothing", "number_of", "spread"]

_FILLING = frozenset({"pad"})


def number_of(node: Node) -> Node | None:
    """Return the number that an array repeats, None if its elements may differ."""
    if node.shape == ():
        return node
    if node.name == "broadcast" and node.inputs[0].shape == ():
        return node.inputs[0]
    return None


def spread(b: Builder, number: Node, shape: tuple[int, ...]) -> Node:
    """Return an array that repeats a number."""
    return number if shape == () else b.broadcast(number, shape=shape, axes=())


def is_nothing(node: Node) -> bool:
    """Tell whether coefficients are the number zero, whatever the inputs."""
    return uniform(node) == 0


def emit(b: Builder, name: str, *operands: Node, **params) -> Node:
    """Return the simplified node of an operation."""
    return rewritten(b, b.emit(name, *operands, **params))


def emit_like(b: Builder, node: Node, operands: Sequence[Node]) -> Node:
    """Return the operation of a node on other operands, on numbers where all of them are repeated numbers."""
    made = b.emit(node.primitive, *operands, **node.params)
    numbers = [number_of(x) for x in operands]
    if made.shape and None not in numbers:
        if node.primitive.family == "elementwise":
            return spread(b, rewritten(b, b.emit(node.primitive, *numbers, **node.params)), made.shape)
        moves = node.primitive.family == "structural" and len(operands) == 1
        if moves and node.name not in _FILLING:
            return spread(b, numbers[0], made.shape)
    return rewritten(b, made)
