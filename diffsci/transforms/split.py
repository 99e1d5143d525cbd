"""Split a graph into what some inputs do not reach, and the rest."""

from __future__ import annotations

from collections.abc import Sequence

from diffsci.graph import Builder, Graph, Node

__all__ = ["split_graph"]


def split_graph(graph: Graph, early: int, kept: Sequence[Node] = ()) -> tuple[Graph, Graph]:
    """Cut a graph at the values that its first inputs determine.

    Parameters
    ----------
    graph : Graph
        A derivative: its inputs are primals, then tangents or cotangents.
    early : int
        The number of primals.
    kept : sequence of Node
        Nodes that the primals determine and that the first part returns as well.

    Returns
    -------
    before : Graph
        From the primals to `kept`, then the residuals, under the guards of `graph`.
    after : Graph
        From the residuals and the other inputs to the outputs of `graph`.
    """
    late = set(graph.inputs[early:])
    residuals: dict[Node, None] = {}
    for node in graph.nodes:
        if not late.isdisjoint(node.inputs):
            late.add(node)
            for x in node.inputs:
                if x not in late and not x.is_const:
                    residuals[x] = None
    residuals.update((y, None) for y in graph.outputs if y not in late)
    before = Graph(graph.inputs[:early], (*kept, *residuals), graph.guards)
    b = Builder()
    moved = {x: b.input(x.type) for x in (*residuals, *graph.inputs[early:])}
    for node in graph.nodes:
        if node not in moved and (node in late or node.is_const):
            moved[node] = b.again(node, tuple([moved[x] for x in node.inputs]))
    outputs = [moved[y] for y in graph.outputs]
    return before, Graph([moved[x] for x in (*residuals, *graph.inputs[early:])], outputs)
