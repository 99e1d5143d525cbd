"""Results that native code cannot vouch for are computed again by the operation itself, called in Python."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.graph import Builder, Graph, Node, Primitive, Type, lookup, register
from diffsci.primitives.shared import batch_elementwise
from diffsci.primitives.special.terms import Term

__all__ = ["computed_again"]


def computed_again(name: str, operands: tuple[Term, ...], result: Term, wanted: Term, **params) -> Term:
    """Return the result of the operation itself where that is wanted.

    An elementwise operation computes the elements that are wanted; any other one all of them, if one is.
    """
    if lookup(name).family == "elementwise":
        operands = (wanted, *operands)
    b, shape = result.b, result.node.shape
    types = [x.node.type for x in (result, *operands)]
    branches = []
    for again in (True, False):
        inner = Builder()
        inputs = [inner.input(type_) for type_ in types]
        branches.append(Graph(inputs, [_again(inner, name, inputs, params) if again else inputs[0]]))
    predicate = b.any(wanted.node, axes=tuple(range(len(shape)))) if shape else wanted.node
    nodes = [x.node for x in (result, *operands)]
    return Term(b, b.project(b.cond(predicate, *nodes, true=branches[0], false=branches[1]), index=0))


def _again(b: Builder, name: str, inputs: list, params: dict[str, Any]):
    if lookup(name).family == "elementwise":
        return b.repaired(*inputs, of=name, options=tuple(params.items()))
    return b.emit(name, *inputs[1:], **params)


def _repaired_type(result: Type, wanted: Type, *operands: Type, of: str, options: tuple) -> Type:
    return result


def _repaired(result: np.ndarray, wanted: np.ndarray, *operands: np.ndarray, of: str, options: tuple):
    if not result.shape:
        return lookup(of).value(*operands, **dict(options))
    repaired = np.array(result)
    repaired[wanted] = lookup(of).value(*(x[wanted] for x in operands), **dict(options))
    return repaired


def _jvp(b: Builder, node: Node, tangents: list[Node | None]) -> Node | None:
    """That of the operation, of which the given result is a value with fewer digits."""
    if all(tangent is None for tangent in tangents[2:]):
        return None
    exact = b.emit(node.params["of"], *node.inputs[2:], **dict(node.params["options"]))
    return exact.primitive.jvp(b, exact, tangents[2:])


register(
    Primitive(
        name="repaired",  # elements of a result, computed again by an operation; in native programs only
        type=_repaired_type,
        value=_repaired,
        family="elementwise",
        jvp=_jvp,
        batch=batch_elementwise,
    )
)
