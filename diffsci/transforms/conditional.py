"""Derivatives of `cond`: a choice between the derivatives of the branches.

Where only one branch depends on something, the other one's derivative is zero there. A batched predicate
runs both branches and selects; what was not selected is kept out of derivatives by structural masks.
"""

from __future__ import annotations

from diffsci.graph import Builder, Graph, Node, Type, lookup
from diffsci.transforms.batch import batch_graph
from diffsci.transforms.calls import given_coefficients, once, series_once
from diffsci.transforms.forward import tangent_graph
from diffsci.transforms.inline import inline
from diffsci.transforms.reverse import transpose_graph
from diffsci.transforms.simplify import simplify
from diffsci.transforms.taylor import Coefficients

BRANCHES = ("true", "false")


def _branches(node: Node) -> list[Graph]:
    return [node.params[name] for name in BRANCHES]


def _tangents(graph: Graph, active: tuple[bool, ...]) -> tuple[Graph, list[int]]:
    def make():
        tangent, kept = tangent_graph(graph, active)
        return simplify(tangent), kept

    return once(graph, ("tangent", active), make)


def _filled(graph: Graph, kept: list, wanted: list, types: list[Type]) -> Graph:
    """Return a branch's derivative with zeros for what only the other branch moves."""
    if kept == wanted:
        return graph
    b = Builder()
    b.adopt(graph.nodes)
    found = dict(zip(kept, graph.outputs, strict=True))
    outputs = [found.get(key) or b.zeros(type_) for key, type_ in zip(wanted, types, strict=True)]
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
        types = [node.type[index] for index in wanted]
        return [_filled(graph, kept, wanted, types) for graph, kept in pushed]

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


def _taylor(b: Builder, node: Node, series: Coefficients, k: int) -> list[Node | None]:
    order, operands = series.reach(node, k), node.inputs[1:]
    degrees, coefficients = given_coefficients(b, operands, series, order)

    def make():
        expanded = [series_once(graph, order, degrees) for graph in _branches(node)]
        wanted = sorted({key for _, kept in expanded for key in kept})
        types = [node.type[index] for index, _ in wanted]
        return wanted, [_filled(graph, list(kept), wanted, types) for graph, kept in expanded]

    wanted, (true, false) = once(
        node.params["true"], ("cond series", node.params["false"], order, degrees), make
    )
    moved = b.cond(*(series(x, 0) for x in node.inputs), *coefficients, true=true, false=false)
    found = {key: position for position, key in enumerate(wanted)}
    positions = [found.get((index, k)) for index in range(len(node.type))]
    return [None if at is None else b.project(moved, index=at) for at in positions]


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


RULES = {"jvp": _jvp, "transpose": _transpose, "taylor": _taylor, "batch": _batch}


def _enter_rules() -> None:
    """Complete the record of `cond`, whose rules need the transformations above."""
    record = lookup("cond")
    for name, rule in RULES.items():
        object.__setattr__(record, name, rule)


_enter_rules()
