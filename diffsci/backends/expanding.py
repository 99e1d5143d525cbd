"""Operations whose native form is several others: rewritten before a program is planned.

A form ``form(*operands, **params) -> Term`` is written with operators on `Term`s, in double precision;
operands in single precision are converted, and the result is rounded.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diffsci.backends.forms import FORMS
from diffsci.backends.rewriting import Rewriter
from diffsci.graph import Builder, Graph, Node, Primitive
from diffsci.primitives.special.terms import Term

__all__ = ["expanded"]

DOUBLE = np.dtype(float)


def expanded(graph: Graph) -> Graph:
    """Return the graph in operations that plans know, in the graphs it calls as well."""
    return _Expansion().graph(graph)


class _Expansion(Rewriter):
    def concerns(self, primitive: Primitive) -> bool:
        return primitive.name in FORMS

    def replaced(self, b: Builder, node: Node, new: dict[Node, Node]) -> Node:
        form = FORMS.get(node.name)
        if form is None:
            return self.moved(node, new)
        b.location = node.location
        return self._double(b, form, node, tuple(new[x] for x in node.inputs))

    @staticmethod
    def _double(b: Builder, form: Callable, node: Node, inputs: tuple[Node, ...]) -> Node:
        terms = [Term(b, x if x.dtype == DOUBLE else b.convert(x, dtype=DOUBLE)) for x in inputs]
        result = form(*terms, **node.params).node
        return result if node.dtype == DOUBLE else b.convert(result, dtype=node.dtype)
