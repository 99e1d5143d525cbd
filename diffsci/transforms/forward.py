"""Forward mode: the tangent of every node, by the `jvp` rule of its primitive."""

from __future__ import annotations

from collections.abc import Sequence

from diffsci.errors import UnsupportedError
from diffsci.graph import Builder, Graph, Node, verify
from diffsci.primitives.shared import add_tangents
from diffsci.source import at
from diffsci.transforms.masks import FREE, Masks

__all__ = ["jvp_graph", "push", "tangent_graph"]

Tangents = "dict[Node, Node | list[Node | None] | None]"


def push(b: Builder, nodes: Sequence[Node], tangents: dict, masks: Masks | None = None) -> None:
    """Extend `tangents` from the inputs to all nodes.

    An entry is the tangent's node, absent where the tangent is structurally zero, and a list with
    one entry per output for an operation with several outputs. `masks` keep infinite slopes away from
    tangents that were selected away; what is to be transposed has no need of them.
    """
    for node in nodes:
        if node in tangents or not node.inputs:
            continue
        if node.name == "project":
            several = tangents.get(node.inputs[0])
            if several is not None and several[node.params["index"]] is not None:
                tangents[node] = several[node.params["index"]]
            continue
        incoming = [tangents.get(x) for x in node.inputs]
        if all(tangent is None for tangent in incoming):
            continue
        tangent = _tangent(b, node, incoming) if masks is None else _masked(b, node, incoming, masks)
        if tangent is not None:
            tangents[node] = tangent


def _tangent(b: Builder, node: Node, incoming: list):
    rule = node.primitive.jvp
    if rule == "zero":
        return None
    if rule is None:
        raise UnsupportedError(f"{node.name} has no derivative rule{at(node.location)}")
    b.location = node.location
    return rule(b, node, incoming)


def _masked(b: Builder, node: Node, incoming: list, masks: Masks):
    """The tangent with masks: of all operands together, or of each by itself if not all have one."""
    moving = [tangent for tangent in incoming if tangent is not None]
    elementwise = node.primitive.family == "elementwise" and node.name not in FREE
    flags = [masks.of(tangent) is not None for tangent in moving] if elementwise else []
    if not any(flags) or all(flags):
        return masks.applied(node, moving, _tangent(b, node, incoming))
    parts = []
    for k, tangent in enumerate(incoming):
        if tangent is not None:
            alone = [tangent if j == k else None for j in range(len(incoming))]
            parts.append(masks.applied(node, [tangent], _tangent(b, node, alone)))
    return add_tangents(b, *parts)


def active_inputs(graph: Graph, active: Sequence[bool] | None) -> list[Node]:
    """Return the float inputs that carry a derivative (by default all of them)."""
    flags = active if active is not None else [True] * len(graph.inputs)
    return [x for x, flag in zip(graph.inputs, flags, strict=True) if flag and x.type.is_float]


def start(
    graph: Graph, active: Sequence[bool] | None, masked: bool = True
) -> tuple[Builder, list[Node], dict]:
    """Return a builder that shares the graph's nodes, the new tangent inputs, and all tangents."""
    b = Builder()
    b.adopt(graph.nodes)
    sources = active_inputs(graph, active)
    seeds = [b.input(x.type) for x in sources]
    tangents: dict = dict(zip(sources, seeds, strict=True))
    push(b, graph.nodes, tangents, Masks(b) if masked else None)
    b.location = None
    return b, seeds, tangents


def jvp_graph(graph: Graph, active: Sequence[bool] | None = None) -> Graph:
    """Return the graph of (x, dx) -> (y, dy).

    Parameters
    ----------
    graph : Graph
    active : sequence of bool, optional
        Which inputs have a tangent; integer and boolean inputs never have one.

    Returns
    -------
    Graph
        Inputs: those of `graph`, then one tangent per active float input. Outputs: those of
        `graph`, then one tangent per float output. The nodes of `graph` are shared.
    """
    b, seeds, tangents = start(graph, active)
    outputs = [tangents.get(y) or b.zeros(y.type) for y in graph.outputs if y.type.is_float]
    pushed = Graph((*graph.inputs, *seeds), (*graph.outputs, *outputs), graph.guards)
    return verify(pushed, "jvp")


def tangent_graph(graph: Graph, active: Sequence[bool] | None = None) -> tuple[Graph, list[int]]:
    """Return the graph of (x, dx) -> dy, and which outputs of `graph` its outputs belong to.

    Outputs whose tangent is structurally zero are left out.
    """
    _, seeds, tangents = start(graph, active)
    kept = [k for k, y in enumerate(graph.outputs) if tangents.get(y) is not None]
    outputs = [tangents[graph.outputs[k]] for k in kept]
    return verify(Graph((*graph.inputs, *seeds), outputs, graph.guards), "tangent"), kept
