"""Reverse mode: transpose the linear part of the forward derivative.

What was selected away on the way forward has a cotangent that is structurally zero on the way back. Products
with it are masked, so that the infinite slope of a branch that was not taken never meets that zero: see
`diffsci.transforms.masks`. The decision is structural; a cotangent that merely happens to be zero is
multiplied as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from diffsci.errors import UnsupportedError
from diffsci.graph import Builder, Graph, Node, Type, verify
from diffsci.graph.naming import spoken
from diffsci.primitives.shared import BOOL
from diffsci.source import at
from diffsci.transforms.forward import start
from diffsci.transforms.masks import Masks, multiplies
from diffsci.transforms.pieces import Pieces

__all__ = ["masked_transpose_graph", "pull", "transpose_graph", "vjp_graph"]


def linear_nodes(nodes: Sequence[Node], seeds: Sequence[Node]) -> tuple[list[Node], set[Node]]:
    """Return the nodes that depend on the seeds, in order."""
    linear = set(seeds)
    order = []
    for node in nodes:
        if not linear.isdisjoint(node.inputs):
            linear.add(node)
            order.append(node)
    return order, linear


def _add(b: Builder, old: Node | None, new: Node) -> Node:
    return new if old is None else b.add(old, new)


def pull(masks: Masks, nodes: Sequence[Node], seeds: Sequence[Node], cotangents: dict) -> dict:
    """Send cotangents back through the linear nodes to the seeds.

    Parameters
    ----------
    masks : Masks
        Of the builder that is used.
    nodes : sequence of Node
        All nodes, in topological order.
    seeds : sequence of Node
        The inputs in which they are linear.
    cotangents : dict
        Node -> its cotangent to start from; extended in place and returned.
    """
    b = masks.b
    order, linear = linear_nodes(nodes, seeds)
    pieces = Pieces(b, cotangents)
    for node in reversed(order):
        ct = pieces.total(node)
        if ct is None:
            continue
        del cotangents[node]
        b.location = node.location
        if node.name == "project":
            several = cotangents.setdefault(node.inputs[0], [None] * len(node.inputs[0].type))
            index = node.params["index"]
            several[index] = _add(b, several[index], ct)
            continue
        flags = [x in linear for x in node.inputs]
        for x, is_linear, value in zip(node.inputs, flags, _pulled(masks, node, ct, flags), strict=True):
            if is_linear and value is not None:
                pieces.add(x, value)
    for x in seeds:
        pieces.total(x)
    b.location = None
    return cotangents


def _pulled(masks: Masks, node: Node, ct: Node | list, flags: list[bool]) -> list[Node | None]:
    """One cotangent per operand of a linear node."""
    b, record = masks.b, node.primitive
    if record.masked_transpose is not None:
        return record.masked_transpose(b, node, ct, flags, masks)
    if record.transpose is None:
        raise UnsupportedError(f"{spoken(node)} is not linear and has no transpose{at(node.location)}")
    if isinstance(ct, list):
        ct = [b.zeros(type_) if part is None else part for part, type_ in zip(ct, node.type, strict=True)]
    values = record.transpose(b, node, ct, flags)
    if not multiplies(node):
        return values
    mask = masks.of(ct, masks.is_hazard(node))
    return [masks.masked(mask, value) for value in values]


def _collected(b: Builder, seeds: Sequence[Node], cotangents: dict) -> list[Node]:
    return [cotangents[x] if x in cotangents else b.zeros(x.type) for x in seeds]


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
    found = start(graph, active, with_masks=False)
    b, seeds = found.b, found.seeds
    floats = [y for y in graph.outputs if y.type.is_float]
    incoming = [b.input(y.type) for y in floats]
    cotangents: dict = {}
    roots = []
    for y, ct in zip(floats, incoming, strict=True):
        tangent = found.tangents.get(y)
        if tangent is not None:
            roots.append(tangent)
            cotangents[tangent] = _add(b, cotangents.get(tangent), ct)
    order = Graph(seeds, roots).nodes
    outputs = _collected(b, seeds, pull(Masks(b), order, seeds, cotangents))
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
    return masked_transpose_graph(graph, linear, [False] * len(graph.outputs))[0]


def masked_transpose_graph(
    graph: Graph, linear: Sequence[bool], masked: Sequence[bool | None]
) -> tuple[Graph, list[int]]:
    """Return the transpose of a graph that is called, with masks.

    Parameters
    ----------
    graph : Graph
    linear : sequence of bool
        Inputs in which the outputs are linear.
    masked : sequence of bool or None
        For each output whether its cotangent comes with a mask; None where there is no cotangent.

    Returns
    -------
    transposed : Graph
        Inputs: the inputs not marked, the cotangents that there are, their masks. Outputs: one cotangent
        per marked input, then the masks of some of them.
    flagged : list of int
        Which inputs of `graph` these masks belong to.
    """
    b = Builder()
    b.adopt(graph.nodes)
    masks = Masks(b)
    seeds = [x for x, is_linear in zip(graph.inputs, linear, strict=True) if is_linear]
    rest = [x for x, is_linear in zip(graph.inputs, linear, strict=True) if not is_linear]
    outputs = [(y, flag) for y, flag in zip(graph.outputs, masked, strict=True) if flag is not None]
    incoming = [b.input(y.type) for y, _ in outputs]
    flags = []
    cotangents: dict = {}
    for (y, flag), ct in zip(outputs, incoming, strict=True):
        if flag:
            flags.append(b.input(Type(y.shape, BOOL)))
            masks.give(ct, flags[-1])
        cotangents[y] = _add(b, cotangents.get(y), ct)
    found = _collected(b, seeds, pull(masks, graph.nodes, seeds, cotangents))
    own = [k for k, is_linear in enumerate(linear) if is_linear]
    shown = {k: masks.of(x) for k, x in zip(own, found, strict=True) if not x.is_structural}
    flagged = [k for k, mask in shown.items() if mask is not None]
    transposed = Graph((*rest, *incoming, *flags), [*found, *(shown[k] for k in flagged)], graph.guards)
    return verify(transposed, "transpose"), flagged
