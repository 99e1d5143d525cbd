"""Forward mode: the tangent of every node, by the `jvp` rule of its primitive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diffsci.errors import UnsupportedError
from diffsci.graph import Builder, Graph, Node, Type, verify
from diffsci.graph.naming import spoken
from diffsci.primitives.shared import BOOL, add_tangents
from diffsci.source import at
from diffsci.transforms.masks import Masks, multiplies

__all__ = ["jvp_graph", "masked_tangent_graph", "push", "start", "tangent_graph"]

Tangents = "dict[Node, Node | list[Node | None] | None]"


def push(b: Builder, nodes: Sequence[Node], tangents: dict, masks: Masks | None = None) -> None:
    """Extend `tangents` from the inputs to all nodes.

    An entry is the tangent's node, absent where the tangent is structurally zero, and a list with
    one entry per output for an operation with several outputs. `masks` keep infinite slopes away from
    tangents that were selected away; what is to be transposed has no need of them.
    """
    moving = tangents.keys()
    for node in nodes:
        if node in tangents or not node.inputs:
            continue
        if node.name == "project":
            several = tangents.get(node.inputs[0])
            if several is not None and several[node.params["index"]] is not None:
                tangents[node] = several[node.params["index"]]
            continue
        if moving.isdisjoint(node.inputs):
            continue
        incoming = [tangents.get(x) for x in node.inputs]
        tangent = _tangent(b, node, incoming) if masks is None else _masked(b, node, incoming, masks)
        if tangent is not None:
            tangents[node] = tangent


def _tangent(b: Builder, node: Node, incoming: list):
    rule = node.primitive.jvp
    if rule == "zero":
        return None
    if rule is None:
        raise UnsupportedError(f"{spoken(node)} has no derivative rule{at(node.location)}")
    b.location = node.location
    return rule(b, node, incoming)


def _masked(b: Builder, node: Node, incoming: list, masks: Masks):
    """The tangent with masks: of all operands together, or of each by itself if not all have one."""
    if node.primitive.masked_jvp is not None:
        b.location = node.location
        return node.primitive.masked_jvp(b, node, incoming, masks)
    if not multiplies(node):
        return _tangent(b, node, incoming)
    moving = [tangent for tangent in incoming if tangent is not None]
    hazard = masks.is_hazard(node)
    flags = [masks.of(tangent, hazard) is not None for tangent in moving]
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


@dataclass(frozen=True, slots=True)
class Pushed:
    """A graph with the tangents of its nodes.

    Attributes
    ----------
    b : Builder
        It shares the graph's nodes.
    seeds : list of Node
        The new inputs: one tangent per active input.
    flags : list of Node
        The masks of seeds that have one, as inputs.
    tangents : dict
        See `push`.
    masks : Masks or None
    """

    b: Builder
    seeds: list[Node]
    flags: list[Node]
    tangents: dict
    masks: Masks | None


def start(
    graph: Graph, active: Sequence[bool] | None, with_masks: bool = True, masked: Sequence[bool] = ()
) -> Pushed:
    """Push tangents through a graph; `masked` tells which of the seeds come with a mask."""
    b = Builder()
    b.adopt(graph.nodes)
    sources = active_inputs(graph, active)
    seeds = [b.input(x.type) for x in sources]
    masks = Masks(b) if with_masks else None
    flags = []
    for seed, flag in zip(seeds, masked, strict=False):
        if flag:
            flags.append(b.input(Type(seed.shape, BOOL)))
            masks.give(seed, flags[-1])
    tangents: dict = dict(zip(sources, seeds, strict=True))
    push(b, graph.nodes, tangents, masks)
    b.location = None
    return Pushed(b, seeds, flags, tangents, masks)


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
    found = start(graph, active)
    outputs = [found.tangents.get(y) or found.b.zeros(y.type) for y in graph.outputs if y.type.is_float]
    pushed = Graph((*graph.inputs, *found.seeds), (*graph.outputs, *outputs), graph.guards)
    return verify(pushed, "jvp")


def tangent_graph(graph: Graph, active: Sequence[bool] | None = None) -> tuple[Graph, list[int]]:
    """Return the graph of (x, dx) -> dy, and which outputs of `graph` its outputs belong to.

    Outputs whose tangent is structurally zero are left out.
    """
    found = start(graph, active)
    kept = [k for k, y in enumerate(graph.outputs) if found.tangents.get(y) is not None]
    outputs = [found.tangents[graph.outputs[k]] for k in kept]
    return verify(Graph((*graph.inputs, *found.seeds), outputs, graph.guards), "tangent"), kept


def masked_tangent_graph(
    graph: Graph, active: Sequence[bool], masked: Sequence[bool]
) -> tuple[Graph, list[int], list[int]]:
    """Return the graph of (x, dx, masks of dx) -> (dy, masks of dy), for a graph that is called.

    Parameters
    ----------
    graph : Graph
    active : sequence of bool
        Which inputs have a tangent.
    masked : sequence of bool
        Which of the tangents come with a mask.

    Returns
    -------
    pushed : Graph
    kept, flagged : list of int
        Which outputs of `graph` its tangents belong to, and which the masks that follow them.
    """
    found = start(graph, active, masked=masked)
    kept = [k for k, y in enumerate(graph.outputs) if found.tangents.get(y) is not None]
    outputs = [found.tangents[graph.outputs[k]] for k in kept]
    masks = {k: found.masks.of(dy) for k, dy in zip(kept, outputs, strict=True)}
    flagged = [k for k in kept if masks[k] is not None]
    inputs = (*graph.inputs, *found.seeds, *found.flags)
    return (
        verify(Graph(inputs, [*outputs, *(masks[k] for k in flagged)], graph.guards), "tangent"),
        kept,
        flagged,
    )
