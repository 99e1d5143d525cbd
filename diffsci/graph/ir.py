"""Types, nodes, guards and graphs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.graph.namespaces import as_array
from diffsci.graph.registry import Primitive
from diffsci.source import Location

__all__ = ["Graph", "Guard", "Node", "Type"]


@dataclass(frozen=True, slots=True)
class Type:
    """Shape and dtype of an array value."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def is_float(self) -> bool:
        return self.dtype.kind == "f"

    @staticmethod
    def of(value: Any) -> Type:
        """Return the type of an array or number; equal types of values are one object."""
        array = value if type(value) is np.ndarray else as_array(value)
        key = (array.shape, array.dtype)
        known = _types.get(key)
        if known is None:
            if len(_types) > 10_000:  # shapes without end: start anew
                _types.clear()
            known = _types[key] = Type(*key)
        return known

    def __str__(self) -> str:
        name = _dtype_names.get(self.dtype)
        if name is None:
            name = _dtype_names[self.dtype] = self.dtype.name
        return f"{name}[{','.join(map(str, self.shape))}]"


_types: dict[tuple, Type] = {}
_dtype_names: dict[np.dtype, str] = {}  # NumPy composes a name anew whenever it is asked


class Node:
    """One operation applied to earlier nodes. Immutable; compared by identity.

    Attributes
    ----------
    name : str
        Of its primitive.
    is_const : bool
        Whether it is a constant.
    is_known : bool
        Whether it depends on no input: a constant, or a constant repeated by a broadcast.
    serial : int
        Its number in the trace that made it, -1 elsewhere.
    mark : tuple or None
        What identifies its parameters, when a builder has asked.
    """

    __slots__ = (
        "__weakref__",
        "inputs",
        "is_const",
        "is_known",
        "location",
        "mark",
        "name",
        "params",
        "primitive",
        "serial",
        "type",
    )

    def __init__(
        self,
        primitive: Primitive,
        inputs: tuple[Node, ...],
        params: dict[str, Any],
        type: Type | tuple[Type, ...],
        location: Location | None = None,
        serial: int = -1,
    ):
        self.primitive = primitive
        self.inputs = inputs
        self.params = params
        self.type = type
        self.location = location
        self.serial = serial
        self.mark: Any = None
        name = self.name = primitive.name
        self.is_const = name == "const"
        self.is_known = self.is_const or (name == "broadcast" and inputs[0].is_const)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.type.shape

    @property
    def dtype(self) -> np.dtype:
        return self.type.dtype

    @property
    def is_structural(self) -> bool:
        """Whether it is a constant whose zeros stand for "nothing there" (repeated or not)."""
        source = self.inputs[0] if self.primitive.name == "broadcast" else self
        return source.is_const and source.params.get("structural", False)

    def __repr__(self) -> str:
        return f"<{self.primitive.name}: {self.type}>"


@dataclass(frozen=True, slots=True)
class Guard:
    """A predicate that must have the outcome seen while tracing, or the program does not apply."""

    predicate: Node
    outcome: bool
    location: Location | None


class Graph:
    """An array program: inputs, outputs, and the guards under which it is valid.

    Parameters
    ----------
    inputs : iterable of Node
        Nodes of the primitive ``input``.
    outputs : iterable of Node
        Single-output nodes that depend on the inputs and on constants only.
    guards : iterable of Guard
        In the order in which the predicates were met.
    """

    __slots__ = ("__weakref__", "_nodes", "_text", "guards", "inputs", "outputs")

    def __init__(self, inputs: Iterable[Node], outputs: Iterable[Node], guards: Iterable[Guard] = ()):
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.guards = tuple(guards)
        self._nodes: list[Node] | None = None
        self._text: str | None = None

    @property
    def nodes(self) -> list[Node]:
        """All nodes that outputs and guards depend on, every node behind its inputs."""
        if self._nodes is None:
            roots = [*self.inputs, *(guard.predicate for guard in self.guards), *self.outputs]
            self._nodes = topological(roots)
        return self._nodes

    def feeding_guards(self) -> set[Node]:
        """Return the nodes that guards depend on: they decide branches, so they are computed exactly."""
        return set(topological(guard.predicate for guard in self.guards))

    @property
    def input_types(self) -> tuple[Type, ...]:
        return tuple(node.type for node in self.inputs)

    @property
    def output_types(self) -> tuple[Type, ...]:
        return tuple(node.type for node in self.outputs)

    def key(self) -> str:
        """Return what identifies the function: the text, and a digest of all constant arrays."""
        from diffsci.graph.text import constants_digest

        return f"{self.text()}\nconstants {constants_digest(self)}"

    def text(self) -> str:
        """Return the canonical text: equal texts mean equal programs, which take constants as arguments."""
        if self._text is None:
            from diffsci.graph.text import graph_text

            self._text = graph_text(self)
        return self._text

    def __repr__(self) -> str:
        ins = ", ".join(map(str, self.input_types))
        outs = ", ".join(map(str, self.output_types))
        return f"<Graph ({ins}) -> ({outs}), {len(self.nodes)} nodes>"


def topological(roots: Iterable[Node]) -> list[Node]:
    """Return the nodes reachable from the roots, inputs before users (iterative: graphs are deep)."""
    order: list[Node] = []
    seen: set[Node] = set()
    for root in roots:
        if root in seen:
            continue
        stack = [(root, iter(root.inputs))]
        seen.add(root)
        while stack:
            node, pending = stack[-1]
            for child in pending:
                if child not in seen:
                    seen.add(child)
                    stack.append((child, iter(child.inputs)))
                    break
            else:
                order.append(node)
                stack.pop()
    return order
