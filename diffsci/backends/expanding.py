"""Operations whose native form is several others: rewritten before a program is planned.

A form ``form(*operands, **params) -> Term`` is written with operators on `Term`s, in double precision;
operands in single precision are converted, and the result is rounded.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diffsci.backends.forms import FORMS
from diffsci.graph import Builder, Graph, Guard, Node
from diffsci.primitives.special.terms import Term

__all__ = ["expanded"]

DOUBLE = np.dtype(float)


def expanded(graph: Graph) -> Graph:
    """Return the graph in operations that plans know, in the graphs it calls as well."""
    return _Expansion().graph(graph)


class _Expansion:
    def __init__(self) -> None:
        self._made: dict[Graph, Graph] = {}

    def graph(self, graph: Graph) -> Graph:
        made = self._made.get(graph)
        if made is None:
            made = self._made[graph] = self._rewritten(graph)
        return made

    def _rewritten(self, graph: Graph) -> Graph:
        b = Builder()
        new: dict[Node, Node] = {}
        for node in graph.nodes:
            inputs = tuple(new[x] for x in node.inputs)
            params = {k: self.graph(v) if isinstance(v, Graph) else v for k, v in node.params.items()}
            form = FORMS.get(node.name)
            if form is not None:
                b.location = node.location
                new[node] = self._double(b, form, node, inputs)
            elif inputs == node.inputs and all(params[k] is v for k, v in node.params.items()):
                new[node] = node
            else:
                new[node] = Node(node.primitive, inputs, params, node.type, node.location)
        if all(old is moved for old, moved in new.items()):
            return graph
        guards = [Guard(new[g.predicate], g.outcome, g.location) for g in graph.guards]
        return Graph(graph.inputs, [new[node] for node in graph.outputs], guards)

    @staticmethod
    def _double(b: Builder, form: Callable, node: Node, inputs: tuple[Node, ...]) -> Node:
        terms = [Term(b, x if x.dtype == DOUBLE else b.convert(x, dtype=DOUBLE)) for x in inputs]
        result = form(*terms, **node.params).node
        return result if node.dtype == DOUBLE else b.convert(result, dtype=node.dtype)
