"""Emits the nodes of complex formulas: like a `Builder`, into a running trace."""

from __future__ import annotations

from typing import Any

from diffsci.graph import Node, lookup
from diffsci.source import user_location
from diffsci.tracing.trace import Trace

__all__ = ["Emitter", "Pair"]

Pair = tuple[Node, "Node | None"]
"""A complex value as formulas see it; the imaginary part of a real operand is None."""


class Emitter:
    """Every primitive is a method: ``b.mul(x, y)``. All nodes come from one line of the user's."""

    def __init__(self, trace: Trace):
        self.trace = trace
        self.location = user_location()

    def __getattr__(self, name: str) -> Any:
        primitive = lookup(name)

        def emit(*nodes: Node, **params: Any) -> Node:
            return self.trace.bind(primitive, nodes, params, self.location)

        self.__dict__[name] = emit
        return emit

    def full(self, like: Node, value: float) -> Node:
        """Return one number, repeated over the type of a node."""
        return self.trace.number(value, like.type)

    def scaled(self, x: Node, factor: float) -> Node:
        """Return the product with a number."""
        return self.mul(x, self.full(x, factor))

    def shifted(self, x: Node, shift: float) -> Node:
        """Return the sum with a number."""
        return self.add(x, self.full(x, shift))
