"""Derivatives of `cond`: a choice between the derivatives of the branches.

Where only one branch depends on something, the other one's derivative is zero there. A batched predicate
runs both branches and selects; what was not selected is kept out of derivatives by structural masks.
"""

from __future__ import annotations

from diffsci.graph import Builder, Graph, Node, lookup
from diffsci.transforms.batch import batch_graph
from diffsci.transforms.calls import once
from diffsci.transforms.forward import tangent_graph
from diffsci.transforms.inline import inline
from diffsci.transforms.reverse import transpose_graph
from diffsci.transforms.simplify import simplify

BRANCHES = ("true", "false")


def _branches(node: Node) -> list[Graph]:
    return [node.params[name] for name in BRANCHES]


def _tangents(graph: Graph, active: tuple[bool, ...]) -> tuple[Graph, list[int]]:
    def make():
        tangent, kept = tangent_graph(graph, active)
        return simplify(tangent), kept

    return once(graph, ("tangent", active), make)


def _filled(graph: Graph, kept: list[int], wanted: list[int], node: Node) -> Graph:
    """Return the tangent graph with zeros for the outputs that only the other branch moves."""
    if kept == wanted:
        return graph
    b = Builder()
    b.adopt(graph.nodes)
    found = dict(zip(kept, graph.outputs, strict=True))
    outputs = [found.get(index) or b.zeros(node.type[index]) for index in wanted]
    return Graph(graph.inputs, outputs)


def _jvp(b: Builder, node: Node, tangents: list[Node | None]) -> list[Node | None]:
    active = tuple(tangent is not None for tangent in tangents[1:])
    out: list[Node | None] = [None] * len(node.type)
    if not any(active):
        return out
    pushed = [_tangents(graph, active) for graph in _branches(node)]
    wanted = sorted({index for _, kept in pushed for index in kept})
    if not wanted:
        return out

    def make():
        return [_filled(graph, kept, wanted, node) for graph, kept in pushed]

    true, false = once(node.params["true"], ("cond tangent", node.params["false"], active), make)
    seeds = [tangent for tangent in tangents[1:] if tangent is not None]
    moved = b.cond(*node.inputs, *seeds, true=true, false=false)
    for position, index in enumerate(wanted):
        out[index] = b.project(moved, index=position)
    return out


def _transpose(b: Builder, node: Node, cts: list[Node], linear: list[bool]) -> list[Node | None]:
    if linear[0]:
        raise TypeError("cond is not linear in its predicate")
    flags = tuple(linear[1:])
    true, false = (
        once(graph, ("transpose", flags), lambda graph=graph: simplify(transpose_graph(graph, flags)))
        for graph in _branches(node)
    )
    rest = [x for x, is_linear in zip(node.inputs[1:], flags, strict=True) if not is_linear]
    pulled = b.cond(node.inputs[0], *rest, *cts, true=true, false=false)
    back = iter(range(len(pulled.type)))
    return [b.project(pulled, index=next(back)) if is_linear else None for is_linear in linear]


def _batch(b: Builder, node: Node, inputs: list[Node], batched: list[bool], size: int) -> Node:
    flags = tuple(batched[1:])
    true, false = (
        once(graph, ("batch", flags, size), lambda graph=graph: simplify(batch_graph(graph, flags, size)))
        for graph in _branches(node)
    )
    if not batched[0]:
        return b.cond(*inputs, true=true, false=false)
    return b.call(*inputs, graph=_chosen(true, false, inputs[0]))


def _chosen(true: Graph, false: Graph, predicate: Node) -> Graph:
    """Return the graph that runs both branches and selects, member by member."""

    def make():
        b = Builder()
        chosen = b.input(predicate.type)
        inputs = [b.input(x.type) for x in true.inputs]
        yes, no = (inline(b, graph, inputs)[0] for graph in (true, false))
        picked = [_select(b, chosen, y, n) for y, n in zip(yes, no, strict=True)]
        return simplify(Graph([chosen, *inputs], picked))

    return once(true, ("chosen", false), make)


def _select(b: Builder, chosen: Node, yes: Node, no: Node) -> Node:
    axes = (0,)
    mask = b.broadcast(chosen, shape=yes.shape, axes=axes) if yes.shape != chosen.shape else chosen
    return b.select(mask, yes, no)


def _enter_rules() -> None:
    """Complete the record of `cond`, whose rules need the transformations above."""
    record = lookup("cond")
    for name, rule in (("jvp", _jvp), ("transpose", _transpose), ("batch", _batch)):
        object.__setattr__(record, name, rule)


_enter_rules()
