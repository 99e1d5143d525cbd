"""Types, nodes, guards and graphs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.graph.namespaces import as_array
from diffsci.graph.registry import Primitive
from diffsci.source import Location

__all__ = ["Graph", "Guard", "Node", "Type"]


class Type:
    """Shape and dtype of an array value. Immutable; equal types are mostly one object."""

    __slots__ = ("__weakref__", "_hash", "dtype", "ndim", "shape", "size")

    shape: tuple[int, ...]
    dtype: np.dtype
    ndim: int
    size: int

    def __new__(cls, shape: tuple[int, ...], dtype: np.dtype) -> Type:
        key = (shape, dtype)
        known = _types.get(key)
        if known is not None:
            return known
        made = object.__new__(cls)
        shape = tuple(map(int, shape))
        for name, value in (
            ("shape", shape),
            ("dtype", dtype),
            ("ndim", len(shape)),
            ("size", math.prod(shape)),
            ("_hash", hash(key)),
        ):
            object.__setattr__(made, name, value)
        if len(_types) > _MOST_TYPES:  # shapes without end: start anew
            _types.clear()
        _types[key] = made
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a type is immutable: make another one with {name}={value!r}")

    def __reduce__(self) -> tuple:
        return Type, (self.shape, self.dtype)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Type):
            return NotImplemented
        return self.shape == other.shape and self.dtype == other.dtype

    def __hash__(self) -> int:
        return self._hash

    @property
    def is_float(self) -> bool:
        return self.dtype.kind == "f"

    @staticmethod
    def of(value: Any) -> Type:
        """Return the type of an array or number."""
        array = value if type(value) is np.ndarray else as_array(value)
        return Type(array.shape, array.dtype)

    def __str__(self) -> str:
        name = _dtype_names.get(self.dtype)
        if name is None:
            name = _dtype_names[self.dtype] = self.dtype.name
        return f"{name}[{','.join(map(str, self.shape))}]"

    def __repr__(self) -> str:
        return f"Type(shape={self.shape!r}, dtype={self.dtype!r})"


_types: dict[tuple, Type] = {}
_MOST_TYPES = 10_000
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
        if not self.is_known:
            return False
        source = self if self.is_const else self.inputs[0]
        return source.params.get("structural", False)

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

    __slots__ = ("__weakref__", "_nodes", "_primitives", "_text", "guards", "inputs", "outputs")

    def __init__(self, inputs: Iterable[Node], outputs: Iterable[Node], guards: Iterable[Guard] = ()):
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.guards = tuple(guards)
        self._nodes: list[Node] | None = None
        self._primitives: frozenset[Primitive] | None = None
        self._text: str | None = None

    @property
    def nodes(self) -> list[Node]:
        """All nodes that outputs and guards depend on, every node behind its inputs."""
        if self._nodes is None:
            roots = [*self.inputs, *(guard.predicate for guard in self.guards), *self.outputs]
            self._nodes = topological(roots)
        return self._nodes

    @property
    def primitives(self) -> frozenset[Primitive]:
        """The operations that occur, each once."""
        if self._primitives is None:
            self._primitives = frozenset([node.primitive for node in self.nodes])
        return self._primitives

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


def remembered(
    found: dict[Node, Any],
    node: Node,
    needed: Callable[[Node], Iterable[Node]],
    value: Callable[[Node], Any],
) -> Any:
    """Return what is found of a node, and enter it with all that it needs (iterative: graphs are deep).

    Parameters
    ----------
    found : dict
        What is known already.
    node : Node
    needed : callable
        Returns the nodes that must be found before a node. It is asked again when some of them are.
    value : callable
        Returns what is found of a node, given these.
    """
    if node in found:
        return found[node]
    stack = [node]
    while stack:
        last = stack[-1]
        if last in found:
            stack.pop()
            continue
        missing = [x for x in needed(last) if x not in found]
        if missing:
            stack += missing
            continue
        stack.pop()
        found[last] = value(last)
    return found[node]
