"""The sweep through a program: which inputs every node depends on, and on which of them not linearly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diffsci.errors import UnsupportedError
from diffsci.graph import Graph, Node, Type
from diffsci.graph.naming import spoken
from diffsci.primitives.dependence import TooDense
from diffsci.source import at
from diffsci.sparse import maps
from diffsci.sparse.detection.forms import Dependence, Maps
from diffsci.sparse.detection.known import Known
from diffsci.sparse.detection.linear import linear_operands
from diffsci.sparse.detection.rules import places_of, through

__all__ = ["COMPOSED", "NOTHING", "Found", "Scope", "active_inputs", "rule_of", "sweep"]


@dataclass(frozen=True)
class Found:
    """What is known of one array.

    Attributes
    ----------
    all : Dependence or None
        The inputs it depends on.
    curved : Dependence or None
        Those among them with respect to which the derivative is not a constant.
    varies : bool
        Whether its value depends on the inputs at all, by comparisons and roundings too.
    """

    all: Dependence | None = None
    curved: Dependence | None = None
    varies: bool = False


@dataclass(frozen=True)
class Scope:
    """What a sweep looks at beside the graph.

    Attributes
    ----------
    known : Known
        Values of nodes of this graph.
    width : int
        Number of inputs that are counted.
    curves : bool
        Whether `Found.curved` is asked for; otherwise it is not less than `Found.all`.
    """

    known: Known
    width: int
    curves: bool = False


NOTHING = Found()

# Operations that run programs of their own: ``rule(node, operands, scope)`` returns what is found of all
# results (entered by `calls`).
COMPOSED: dict[str, Callable] = {}


def active_inputs(types: Sequence[Type], flags: Sequence[bool]) -> tuple[list[Found], int]:
    """Return what is found of inputs, elements of those marked being counted; and how many these are."""
    width = sum(type_.size for type_, flag in zip(types, flags, strict=True) if flag)
    inputs, start, dtype = [], 0, maps.number_type(width)
    for type_, flag in zip(types, flags, strict=True):
        own = Maps((maps.identity(type_.shape, start, dtype),)) if flag else None
        start += type_.size if flag else 0
        inputs.append(Found(own, None, flag))
    return inputs, width


def rule_of(primitive: Any) -> Callable | None:
    """Return how dependences go through an operation, None if it is not known."""
    return COMPOSED.get(primitive.name) or places_of(primitive)


def sweep(graph: Graph, inputs: Sequence[Found], scope: Scope) -> list[Found]:
    """Return what is found of the outputs of a graph, given the same of its inputs.

    Parameters
    ----------
    graph : Graph
    inputs : sequence of Found
    scope : Scope

    Raises
    ------
    UnsupportedError
        If the record of an operation has no pattern rule.
    """
    found: dict[Node, Any] = dict(zip(graph.inputs, inputs, strict=True))
    for node in graph.nodes:
        if node in found:
            continue
        operands = [found.get(x, NOTHING) for x in node.inputs]
        if node.name == "project":
            found[node] = operands[0][node.params["index"]]
        elif any(isinstance(x, list) or x.varies for x in operands):
            try:
                found[node] = _of(node, operands, found, scope)
            except TooDense as error:
                raise UnsupportedError(
                    f"the derivative of {spoken(node)} is dense{at(node.location)}: {error}; use jvp and vjp"
                ) from None
        elif isinstance(node.type, tuple):
            found[node] = [NOTHING] * len(node.type)
    return [found.get(y, NOTHING) for y in graph.outputs]


def _of(node: Node, operands: list, found: Mapping, scope: Scope) -> Any:
    several = isinstance(node.type, tuple)
    moving = [x.all for x in operands]
    if node.primitive.jvp == "zero" or all(part is None for part in moving):
        return [Found(varies=True)] * len(node.type) if several else Found(varies=True)
    composed = COMPOSED.get(node.name)
    if composed is not None:
        return composed(node, operands, scope)
    if places_of(node.primitive) is None:
        raise UnsupportedError(
            f"the sparsity of {spoken(node)} is not known{at(node.location)}: its record needs a pattern rule"
        )
    made = through(node, moving, scope.known, scope.width)
    curved = _curved(node, operands, made, found, scope) if scope.curves else made
    if several:
        return [Found(*pair, True) for pair in zip(made, curved, strict=True)]
    return Found(made, curved, True)


def _curved(node: Node, operands: list[Found], made: Any, found: Mapping, scope: Scope) -> Any:
    """Follow what is curved already through linear operations, and everything through others."""
    linear = linear_operands(node, lambda x: found.get(x, NOTHING).varies)
    bent = [x.curved if is_linear else x.all for x, is_linear in zip(operands, linear, strict=True)]
    if all(own is x.all for own, x in zip(bent, operands, strict=True)):
        return made
    if all(own is None for own in bent):
        return [None] * len(node.type) if isinstance(node.type, tuple) else None
    return through(node, bent, scope.known, scope.width)
