"""Reverse mode: transpose the linear part of the forward derivative.

A cotangent is a value with an optional mask: False where it is zero because the value was selected
away (`where`, `clip`, a masked write). Multiplying by a coefficient emits ``select(mask, c * v, 0)``,
so the infinite derivative of a branch that was not taken never meets that zero. The decision is
structural; a cotangent that merely happens to be zero is multiplied as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diffsci.errors import UnsupportedError
from diffsci.graph import Builder, Graph, Node, verify
from diffsci.source import at
from diffsci.transforms.forward import start

__all__ = ["Cotangent", "pull", "transpose_graph", "vjp_graph"]

SCALING = frozenset({"mul", "div"})
FREE = frozenset({"add", "sub", "neg", "convert"})


@dataclass(frozen=True, slots=True)
class Cotangent:
    """A cotangent and the places where it is not structurally zero (None: anywhere)."""

    value: Node
    mask: Node | None = None


def _accumulate(b: Builder, old: Cotangent | None, new: Cotangent) -> Cotangent:
    if old is None:
        return new
    mask = None
    if old.mask is not None and new.mask is not None:
        mask = old.mask if old.mask is new.mask else b.logical_or(old.mask, new.mask)
    return Cotangent(b.add(old.value, new.value), mask)


def linear_nodes(nodes: Sequence[Node], seeds: Sequence[Node]) -> tuple[list[Node], set[Node]]:
    """Return the nodes that depend on the seeds, in order."""
    linear = set(seeds)
    order = []
    for node in nodes:
        if any(x in linear for x in node.inputs):
            linear.add(node)
            order.append(node)
    return order, linear


def pull(b: Builder, nodes: Sequence[Node], seeds: Sequence[Node], cotangents: dict) -> dict:
    """Send cotangents back through the linear nodes to the seeds.

    Parameters
    ----------
    nodes : sequence of Node
        All nodes, in topological order.
    seeds : sequence of Node
        The inputs in which they are linear.
    cotangents : dict
        Node -> Cotangent to start from; extended in place and returned.
    """
    order, linear = linear_nodes(nodes, seeds)
    for node in reversed(order):
        ct = cotangents.pop(node, None)
        if ct is None:
            continue
        b.location = node.location
        if node.name == "project":
            several = cotangents.setdefault(node.inputs[0], [None] * len(node.inputs[0].type))
            index = node.params["index"]
            several[index] = _accumulate(b, several[index], ct)
            continue
        flags = [x in linear for x in node.inputs]
        back = _pull_several(b, node, ct, flags) if isinstance(ct, list) else _pull_one(b, node, ct, flags)
        for x, is_linear, contribution in zip(node.inputs, flags, back, strict=True):
            if is_linear and contribution is not None:
                cotangents[x] = _accumulate(b, cotangents.get(x), contribution)
    b.location = None
    return cotangents


def _rule(node: Node):
    if node.primitive.transpose is None:
        raise UnsupportedError(f"{node.name} is not linear and has no transpose{at(node.location)}")
    return node.primitive.transpose


def _pull_several(b: Builder, node: Node, cts: list, flags: list[bool]) -> list[Cotangent | None]:
    values = [b.zeros(type_) if ct is None else ct.value for ct, type_ in zip(cts, node.type, strict=True)]
    return [None if v is None else Cotangent(v) for v in _rule(node)(b, node, values, flags)]


def _pull_one(b: Builder, node: Node, ct: Cotangent, flags: list[bool]) -> list[Cotangent | None]:
    values = _rule(node)(b, node, ct.value, flags)
    if node.name == "select":
        return _pull_select(b, node, ct, values)
    if ct.mask is None or node.primitive.masks == "drop":
        return [None if v is None else Cotangent(v) for v in values]
    if node.primitive.masks == "move":
        masks = _rule(node)(b, node, ct.mask, flags)
        return [None if v is None else Cotangent(v, m) for v, m in zip(values, masks, strict=True)]
    if node.name in FREE:
        return [None if v is None else Cotangent(v, ct.mask) for v in values]
    return [None if v is None else Cotangent(_masked(b, ct.mask, v), ct.mask) for v in values]


def _masked(b: Builder, mask: Node, value: Node) -> Node:
    return b.select(mask, value, b.zeros(value.type))


def _pull_select(b: Builder, node: Node, ct: Cotangent, values: list) -> list[Cotangent | None]:
    condition = node.inputs[0]
    taken = condition if ct.mask is None else b.logical_and(ct.mask, condition)
    back: list[Cotangent | None] = [None, None, None]
    if values[1] is not None:
        back[1] = Cotangent(values[1], taken)
    if values[2] is not None:
        other = b.logical_not(condition)
        back[2] = Cotangent(values[2], other if ct.mask is None else b.logical_and(ct.mask, other))
    return back


def _collected(b: Builder, seeds: Sequence[Node], cotangents: dict) -> list[Node]:
    return [cotangents[x].value if x in cotangents else b.zeros(x.type) for x in seeds]


def vjp_graph(graph: Graph, active: Sequence[bool] | None = None) -> Graph:
    """Return the graph of (x, ybar) -> (y, xbar).

    Parameters
    ----------
    graph : Graph
    active : sequence of bool, optional
        Which inputs get a cotangent; integer and boolean inputs never do.

    Returns
    -------
    Graph
        Inputs: those of `graph`, then one cotangent per float output. Outputs: those of `graph`,
        then one cotangent per active float input. The nodes of `graph` are shared.
    """
    b, seeds, tangents = start(graph, active, masked=False)
    floats = [y for y in graph.outputs if y.type.is_float]
    incoming = [b.input(y.type) for y in floats]
    cotangents: dict = {}
    roots = []
    for y, ct in zip(floats, incoming, strict=True):
        tangent = tangents.get(y)
        if tangent is not None:
            roots.append(tangent)
            cotangents[tangent] = _accumulate(b, cotangents.get(tangent), Cotangent(ct))
    order = Graph(seeds, roots).nodes
    outputs = _collected(b, seeds, pull(b, order, seeds, cotangents))
    pulled = Graph((*graph.inputs, *incoming), (*graph.outputs, *outputs), graph.guards)
    return verify(pulled, "vjp")


def transpose_graph(graph: Graph, linear: Sequence[bool]) -> Graph:
    """Return the transpose of a graph whose outputs are linear in the inputs marked in `linear`.

    Returns
    -------
    Graph
        Inputs: the inputs not marked, then one cotangent per output. Outputs: one cotangent per
        marked input.
    """
    b = Builder()
    b.adopt(graph.nodes)
    seeds = [x for x, is_linear in zip(graph.inputs, linear, strict=True) if is_linear]
    rest = [x for x, is_linear in zip(graph.inputs, linear, strict=True) if not is_linear]
    incoming = [b.input(y.type) for y in graph.outputs]
    cotangents: dict = {}
    for y, ct in zip(graph.outputs, incoming, strict=True):
        cotangents[y] = _accumulate(b, cotangents.get(y), Cotangent(ct))
    outputs = _collected(b, seeds, pull(b, graph.nodes, seeds, cotangents))
    return verify(Graph((*rest, *incoming), outputs, graph.guards), "transpose")
