"""Functions with derivative rules of the user's: ``custom`` and its tangent, ``custom_tangent``.

Both are calls of sub-graphs. `custom` runs the function itself; its derivative is `custom_tangent`, linear
in the tangents, which runs the user's rule for forward mode and transposes into the one for reverse mode.
Each rule is an ordinary graph and is differentiated like any other for higher orders. The transformations
that this takes stand in `transforms.custom`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from diffsci.graph import Graph, Node, Primitive, Type, register
from diffsci.graph.interpreter import run
from diffsci.primitives.dependence import dense

__all__ = ["Rules", "called_graph"]


class Rules(ABC):
    """Derivative rules of one traced function.

    Attributes
    ----------
    label : str
        Name of the function and where it is defined, for messages.
    own : int
        Number of inputs that belong to arguments; the rest was read from outside and has no derivative.
    push : Graph
        (inputs, one tangent per own float input) -> one tangent per float output.
    pull : Graph
        (inputs, one cotangent per float output) -> one cotangent per own float input.
    batches : dict
        What was made of these rules for many members at once.
    """

    passing = True  # made for one call: programs with these rules are not kept for others

    def __init__(self, label: str, own: int):
        self.label, self.own = label, own
        self.batches: dict[Any, Rules] = {}

    @property
    @abstractmethod
    def push(self) -> Graph:
        """The rule of forward mode, given or derived."""

    @property
    @abstractmethod
    def pull(self) -> Graph:
        """The rule of reverse mode, given or derived."""

    @property
    @abstractmethod
    def linear(self) -> bool:
        """Whether `push` is linear in the tangents."""

    @abstractmethod
    def prepare(self) -> None:
        """Trace rules that were put off until a derivative is taken."""

    def floats(self, types: Sequence[Type]) -> list[int]:
        """Return the positions of the inputs that have tangents."""
        return [k for k, type_ in enumerate(types[: self.own]) if type_.is_float]


def _custom_type(*types: Type, primal: Graph, rules: Rules) -> tuple[Type, ...]:
    if types != primal.input_types:
        raise TypeError(f"call of {primal!r} with {', '.join(map(str, types))}")
    return primal.output_types


def _tangent_type(*types: Type, primal: Graph, rules: Rules) -> tuple[Type, ...]:
    count = len(primal.inputs)
    tangents = tuple(types[k] for k in rules.floats(types))
    if types[:count] != primal.input_types or types[count:] != tangents:
        raise TypeError(f"tangent of {primal!r} with {', '.join(map(str, types))}")
    return tuple(type_ for type_ in primal.output_types if type_.is_float)


register(
    Primitive(
        name="custom",
        type=_custom_type,
        value=lambda *x, primal, rules: tuple(run(primal, x)),
        family="call",
        pattern=dense,
    )
)
register(
    Primitive(
        name="custom_tangent",
        type=_tangent_type,
        value=lambda *x, primal, rules: tuple(run(rules.push, x)),
        family="call",
        pattern=dense,
    )
)


def called_graph(node: Node) -> Graph | None:
    """Return the sub-graph that an operation runs on its operands, None where it is no call."""
    if node.name == "call":
        return node.params["graph"]
    if node.name == "custom":
        return node.params["primal"]
    return node.params["rules"].push if node.name == "custom_tangent" else None
