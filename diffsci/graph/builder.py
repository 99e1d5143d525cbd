"""Builder: the only way to make nodes; it infers types and shares equal subexpressions."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from diffsci.graph.ir import Node, Type
from diffsci.graph.registry import Primitive, lookup
from diffsci.source import Location

__all__ = ["Builder", "marked", "params_key"]


class Builder:
    """Emits nodes with inferred types; an operation already emitted is returned again.

    Every primitive is a method: ``b.mul(x, y)``, ``b.sum(x, axes=(0,))``.

    Attributes
    ----------
    location : Location or None
        Given to the nodes emitted: a pass sets it to the location of the node it works on.
    """

    def __init__(self) -> None:
        self._memo: dict[Any, Node] = {}
        self.location: Location | None = None

    def emit(self, primitive: Primitive | str, *inputs: Node, **params: Any) -> Node:
        """Return the node of `primitive` applied to `inputs`."""
        return self._emit(lookup(primitive) if isinstance(primitive, str) else primitive, inputs, params)

    def _emit(self, primitive: Primitive, inputs: tuple[Node, ...], params: dict[str, Any]) -> Node:
        mark = params_key(params) if params else ()
        key = (primitive, inputs, mark)
        node = self._memo.get(key)
        if node is None:
            type_ = primitive.type(*[node.type for node in inputs], **params)
            node = self._memo[key] = Node(primitive, inputs, params, type_, self.location)
            node.mark = mark
        return node

    def again(self, node: Node, inputs: tuple[Node, ...]) -> Node:
        """Return the operation of a node on operands of the types that its own have."""
        key = (node.primitive, inputs, marked(node))
        found = self._memo.get(key)
        if found is None:
            found = node
            if inputs != node.inputs:
                found = Node(node.primitive, inputs, node.params, node.type, node.location)
                found.mark = node.mark
            self._memo[key] = found
        return found

    def adopt(self, nodes: Iterable[Node]) -> None:
        """Share these existing nodes: emitting an equal operation returns them."""
        memo = self._memo
        for node in nodes:
            if node.name != "input":
                memo.setdefault((node.primitive, node.inputs, marked(node)), node)

    def input(self, type_: Type) -> Node:
        """Return a new input node (never shared)."""
        return Node(lookup("input"), (), {}, type_, self.location)

    def const(self, value: Any, dtype: Any = None) -> Node:
        """Return a constant node; the array is copied and frozen."""
        array = np.array(value, dtype=dtype)
        array.flags.writeable = False
        return self.emit("const", value=array)

    def full(self, type_: Type, value: float | bool) -> Node:
        """Return a constant of that type with one value everywhere."""
        scalar = self.const(value, type_.dtype)
        return scalar if type_.shape == () else self.emit("broadcast", scalar, shape=type_.shape, axes=())

    def zeros(self, type_: Type) -> Node:
        """Return structural zeros (False) of that type: they stand for "nothing there"."""
        zero = np.zeros((), type_.dtype)
        zero.flags.writeable = False
        scalar = self.emit("const", value=zero, structural=True)
        return scalar if type_.shape == () else self.emit("broadcast", scalar, shape=type_.shape, axes=())

    def fixed(self, value: Any, dtype: Any = None, structural: bool = False) -> Node:
        """Return a constant, marked structural or not."""
        if not structural:
            return self.const(value, dtype)
        array = np.array(value, dtype=dtype)
        array.flags.writeable = False
        return self.emit("const", value=array, structural=True)

    def __getattr__(self, name: str):
        try:
            primitive = lookup(name)
        except KeyError:
            raise AttributeError(name) from None

        made = self._emit

        def emit(*inputs: Node, **params: Any) -> Node:
            return made(primitive, inputs, params)

        self.__dict__[name] = emit
        return emit


def marked(node: Node) -> Any:
    """Return what identifies the parameters of a node, hashable: made once."""
    mark = node.mark
    if mark is None:
        mark = node.mark = params_key(node.params)
    return mark


def params_key(params: dict[str, Any]) -> Any:
    """Return what identifies the parameters of an operation, hashable."""
    if not params:
        return ()
    if len(params) == 1:
        ((name, value),) = params.items()
        return (name, value if type(value) in PLAIN else _value_key(value))
    return tuple(
        [(name, x if type(x) in PLAIN else _value_key(x)) for name, x in sorted(params.items(), key=_FIRST)]
    )


PLAIN = frozenset({tuple, int, bool, str})
SAMPLES = 64  # elements of a constant that are hashed
_FIRST = operator.itemgetter(0)


def _value_key(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.size <= SAMPLES:
            return (value.shape, value.dtype, value.tobytes())
        return _Large(value)
    if isinstance(value, float):
        return (value, str(value))  # tells 0.0 from -0.0
    return value


class _Large:
    """Key of a large constant: equal to those with the same bits, and keeps it alive.

    Its hash is that of a few elements, so that a constant is read as a whole only where an equal one is met.
    """

    __slots__ = ("value",)

    def __init__(self, value: np.ndarray):
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Large):
            return False
        a, b = self.value, other.value
        if a is b:
            return True
        alike = (a.dtype, a.shape, a.strides) == (b.dtype, b.shape, b.strides)
        return alike and np.array_equal(_bits(a), _bits(b))

    def __hash__(self) -> int:
        flat = self.value.ravel(order="K")
        return hash((self.value.shape, self.value.dtype, flat[:: 1 + flat.size // SAMPLES].tobytes()))


def _bits(array: np.ndarray) -> np.ndarray:
    """Return the memory of an array: tells 0.0 from -0.0, and NaN is itself."""
    return array.ravel(order="K").view(np.uint8)
