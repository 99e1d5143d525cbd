"""Results that native code cannot vouch for are computed again by the operation itself, called in Python."""

from __future__ import annotations

from diffsci.graph import Builder, Graph
from diffsci.primitives.special.terms import Term

__all__ = ["computed_again"]


def computed_again(name: str, operands: tuple[Term, ...], result: Term, wanted: Term, **params) -> Term:
    """Return the result of the operation itself where that is wanted for any element."""
    b, shape = result.b, result.node.shape
    types = [x.node.type for x in (*operands, result)]
    branches = []
    for again in (True, False):
        inner = Builder()
        inputs = [inner.input(type_) for type_ in types]
        output = inner.emit(name, *inputs[:-1], **params) if again else inputs[-1]
        branches.append(Graph(inputs, [output]))
    predicate = b.any(wanted.node, axes=tuple(range(len(shape)))) if shape else wanted.node
    nodes = [x.node for x in (*operands, result)]
    return Term(b, b.project(b.cond(predicate, *nodes, true=branches[0], false=branches[1]), index=0))
