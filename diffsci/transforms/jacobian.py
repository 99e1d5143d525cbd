"""The dense Jacobian of a program: all columns or all rows in one batched sweep."""

from __future__ import annotations

from collections.abc import Sequence

from diffsci.graph import Builder, Graph, Node, Type, verify
from diffsci.transforms.forward import tangent_graph
from diffsci.transforms.reverse import vjp_graph
from diffsci.transforms.seeds import identity_seeds, swept
from diffsci.transforms.simplify import simplify

__all__ = ["jacobian_graph"]

# One reverse sweep of a function with a single output costs about this many forward ones.
REVERSE_COST = 2.0


def jacobian_graph(graph: Graph, active: Sequence[bool], mode: str = "auto") -> Graph:
    """Return the graph x -> blocks, one per output and active input, outputs outermost."""
    wrt = [x for x, flag in zip(graph.inputs, active, strict=True) if flag]
    inputs = sum(x.type.size for x in wrt)
    outputs = sum(y.type.size for y in graph.outputs if y.type.is_float)
    if mode == "auto":
        mode = "forward" if inputs <= REVERSE_COST * outputs else "reverse"
    build = _forward if mode == "forward" else _reverse
    return verify(build(graph, list(active), wrt), "jacobian")


def _swept(
    b: Builder, graph: Graph, seed_types: list[Type], shared: int
) -> tuple[list[Node], list[Node], list]:
    """Inline a linear graph over the identity of its last inputs; return inputs, outputs, guards."""
    inputs = [b.input(x.type) for x in graph.inputs[:shared]]
    total = sum(type_.size for type_ in seed_types)
    return inputs, *swept(b, graph, inputs, identity_seeds(b, seed_types), total)


def _forward(graph: Graph, active: list[bool], wrt: list[Node]) -> Graph:
    tangent, kept = tangent_graph(graph, active)
    b = Builder()
    types = [x.type for x in wrt]
    inputs, columns, guards = _swept(b, tangent, types, len(graph.inputs))
    by_output = dict(zip(kept, columns, strict=True))
    blocks = []
    for index, y in enumerate(graph.outputs):
        offset = 0
        for type_ in types:
            shape = (*y.shape, *type_.shape)
            dtype = y.dtype if y.type.is_float else type_.dtype
            if index not in by_output:
                blocks.append(b.zeros(Type(shape, dtype)))
                continue
            block = _rows(b, by_output[index], offset, type_.size)
            order = (*range(1, len(block.shape)), 0)
            blocks.append(b.reshape(b.transpose(block, perm=order), shape=shape))
            offset += type_.size
    return simplify(Graph(inputs, blocks, guards))


def _rows(b: Builder, x: Node, offset: int, count: int) -> Node:
    start = (offset,) + (0,) * (len(x.shape) - 1)
    return b.slice(x, start=start, stop=(offset + count, *x.shape[1:]), step=(1,) * len(x.shape))


def _reverse(graph: Graph, active: list[bool], wrt: list[Node]) -> Graph:
    pulled = vjp_graph(graph, active)
    count = len(graph.outputs)
    backward = Graph(pulled.inputs, pulled.outputs[count:], pulled.guards)
    b = Builder()
    types = [y.type for y in graph.outputs if y.type.is_float]
    inputs, rows, guards = _swept(b, backward, types, len(graph.inputs))
    blocks, offset = [], 0
    for y in graph.outputs:
        for x, row in zip(wrt, rows, strict=True):
            shape = (*y.shape, *x.shape)
            if not y.type.is_float:
                blocks.append(b.zeros(Type(shape, x.dtype)))
                continue
            blocks.append(b.reshape(_rows(b, row, offset, y.type.size), shape=shape))
        offset += y.type.size if y.type.is_float else 0
    return simplify(Graph(inputs, blocks, guards))
